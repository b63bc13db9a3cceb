//! `/api/v1/users`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode};

use super::super::access::{As, ManageUsers};
use super::super::body::{InPath, JsonBody};
use super::super::error::ApiError;
use super::super::params::Params;
use super::super::route::{Routes, about};
use super::super::router::Api;
use super::change;
use super::page::{Page, Wanted, paged};
use crate::auth::password;
use crate::people::users::{self, EditUser, NewUser, Secret, UserItem};

pub fn routes(routes: Routes) -> Routes {
    let listed =
        paged::<UserItem>(about("The users of the tenant, by address").query("q", "part of a name or an address"));
    let (all, one) = ("/api/v1/users", "/api/v1/users/{id}");
    routes
        .at(Method::GET, all, list, listed)
        .at(Method::POST, all, add, about("Add a user").takes::<NewUser>().gives::<UserItem>().status(201))
        .at(Method::GET, one, get, about("One user").gives::<UserItem>())
        .at(
            Method::PATCH,
            one,
            edit,
            about("Rename, disable, give another role").takes::<EditUser>().gives::<UserItem>(),
        )
        .at(Method::DELETE, one, remove, about("Delete a user, with sessions, API tokens and memberships").status(204))
}

async fn list(
    caller: As<ManageUsers>,
    State(api): State<Arc<Api>>,
    mut params: Params,
) -> Result<Page<UserItem>, ApiError> {
    let (wanted, q) = (Wanted::of(&mut params)?, params.text("q")?.unwrap_or_default());
    params.finish()?;
    let snapshot = api.control.snapshot();
    let users = users::search(&snapshot, caller.tenant(), &q);
    Ok(wanted.page(users, |user| format!("{}\0{}", user.email, user.id), |user| users::item(&snapshot, user)))
}

async fn add(
    caller: As<ManageUsers>,
    State(api): State<Arc<Api>>,
    JsonBody(request): JsonBody<NewUser>,
) -> Result<(StatusCode, Json<UserItem>), ApiError> {
    let secret = match &request.password {
        Some(password) => {
            password::check(password, &request.email).map_err(|weak| ApiError::bad_request(weak.to_string()))?;
            secret(&api, password).await?
        }
        None => Secret::default(),
    };
    let user = change(&api, move |snapshot| users::add(snapshot, &caller, &request, secret)).await?;
    Ok((StatusCode::CREATED, Json(users::item(&api.control.snapshot(), &user))))
}

/// Somebody else knows it, so it is to be changed.
async fn secret(api: &Api, password: &str) -> Result<Secret, ApiError> {
    let hash = api.signing.passwords.hash(password).await?;
    Ok(Secret { hash: hash.into(), must_change: true })
}

async fn get(
    caller: As<ManageUsers>,
    State(api): State<Arc<Api>>,
    InPath(id): InPath<String>,
    params: Params,
) -> Result<Json<UserItem>, ApiError> {
    params.finish()?;
    let snapshot = api.control.snapshot();
    let user = users::find(&snapshot, &caller, &id)?;
    Ok(Json(users::item(&snapshot, user)))
}

async fn edit(
    caller: As<ManageUsers>,
    State(api): State<Arc<Api>>,
    InPath(id): InPath<String>,
    JsonBody(request): JsonBody<EditUser>,
) -> Result<Json<UserItem>, ApiError> {
    let user = change(&api, move |snapshot| users::edit(snapshot, &caller, &id, &request)).await?;
    Ok(Json(users::item(&api.control.snapshot(), &user)))
}

async fn remove(
    caller: As<ManageUsers>,
    State(api): State<Arc<Api>>,
    InPath(id): InPath<String>,
) -> Result<StatusCode, ApiError> {
    change(&api, move |snapshot| users::remove(snapshot, &caller, &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
