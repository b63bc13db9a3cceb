//! `/api/v1/roles` and `/api/v1/permissions`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::super::access::{As, ManageRoles, SignedIn};
use super::super::body::{InPath, JsonBody};
use super::super::error::ApiError;
use super::super::params::Params;
use super::super::route::{Routes, about};
use super::super::router::Api;
use super::change;
use super::page::{Page, Wanted, paged};
use crate::auth::permissions::{Permission, Permissions};
use crate::people::roles::{self, EditRole, Moved, NewRole, Reassign, RoleItem};

#[derive(Serialize, JsonSchema)]
pub struct PermissionList {
    items: Vec<String>,
}

pub fn routes(routes: Routes) -> Routes {
    let (all, one, reassign) = ("/api/v1/roles", "/api/v1/roles/{name}", "/api/v1/roles/{name}/reassign_and_delete");
    let listed = paged::<RoleItem>(about("The roles that come with the product, and the tenant's own"));
    let moved = about("Give everybody who has the role another one, and delete it").takes::<Reassign>();
    let permissions = about("Everything that a role may allow").gives::<PermissionList>();
    routes
        .at(Method::GET, all, list, listed)
        .at(Method::POST, all, add, about("Add a role").takes::<NewRole>().gives::<RoleItem>().status(201))
        .at(Method::PATCH, one, edit, about("Edit a role of the tenant's own").takes::<EditRole>().gives::<RoleItem>())
        .at(Method::DELETE, one, remove, about("Delete a role that nobody has").status(204))
        .at(Method::POST, reassign, reassign_and_delete, moved.gives::<Moved>())
        .at(Method::GET, "/api/v1/permissions", permission_list, permissions)
}

/// Who gives roles must see them too.
async fn list(
    caller: As<SignedIn>,
    State(api): State<Arc<Api>>,
    mut params: Params,
) -> Result<Page<RoleItem>, ApiError> {
    let wanted = Wanted::of(&mut params)?;
    params.finish()?;
    if !caller.has(Permission::UsersManage) {
        caller.require(Permission::RolesManage)?;
    }
    let all = roles::all(&api.control.snapshot(), caller.tenant());
    // As they come: those built in by power, the others by name.
    let numbered = all.into_iter().enumerate();
    let key = |(at, role): &(usize, RoleItem)| {
        if role.built_in { format!("0{at}") } else { format!("1{}", role.name) }
    };
    Ok(wanted.page(numbered, key, |(_, role)| role))
}

async fn permission_list(_: As<SignedIn>, params: Params) -> Result<Json<PermissionList>, ApiError> {
    params.finish()?;
    Ok(Json(PermissionList { items: Permissions::of(Permission::ALL).names() }))
}

async fn add(
    caller: As<ManageRoles>,
    State(api): State<Arc<Api>>,
    JsonBody(request): JsonBody<NewRole>,
) -> Result<(StatusCode, Json<RoleItem>), ApiError> {
    let role = change(&api, move |snapshot| roles::add(snapshot, &caller, &request)).await?;
    Ok((StatusCode::CREATED, Json(roles::item(&api.control.snapshot(), &role))))
}

async fn edit(
    caller: As<ManageRoles>,
    State(api): State<Arc<Api>>,
    InPath(name): InPath<String>,
    JsonBody(request): JsonBody<EditRole>,
) -> Result<Json<RoleItem>, ApiError> {
    let role = change(&api, move |snapshot| roles::edit(snapshot, &caller, &name, &request)).await?;
    Ok(Json(roles::item(&api.control.snapshot(), &role)))
}

async fn remove(
    caller: As<ManageRoles>,
    State(api): State<Arc<Api>>,
    InPath(name): InPath<String>,
) -> Result<StatusCode, ApiError> {
    change(&api, move |snapshot| roles::remove(snapshot, &caller, &name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// It changes users too.
async fn reassign_and_delete(
    caller: As<ManageRoles>,
    State(api): State<Arc<Api>>,
    InPath(name): InPath<String>,
    JsonBody(request): JsonBody<Reassign>,
) -> Result<Json<Moved>, ApiError> {
    caller.require(Permission::UsersManage)?;
    change(&api, move |snapshot| roles::reassign_and_delete(snapshot, &caller, &name, &request)).await.map(Json)
}
