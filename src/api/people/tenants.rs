//! `/api/v1/settings`, and `/api/v1/tenants` for platform admins

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode};

use super::super::access::{As, ManageSettings, ManageTenants};
use super::super::body::{InPath, JsonBody};
use super::super::error::ApiError;
use super::super::params::Params;
use super::super::route::{Routes, about};
use super::super::router::Api;
use super::change;
use super::page::{Page, Wanted, paged};
use crate::people::tenants::{self, EditSettings, EditTenant, NewTenant, TenantItem};

pub fn routes(routes: Routes) -> Routes {
    let (settings, all, one) = ("/api/v1/settings", "/api/v1/tenants", "/api/v1/tenants/{id}");
    let edited = about("What a tenant's own admins may set").takes::<EditSettings>().gives::<TenantItem>();
    let added = about("Add a tenant").takes::<NewTenant>().gives::<TenantItem>().status(201);
    let gone = about("Delete a tenant, with its users, tokens and webhook sources; its events stay until they expire");
    routes
        .at(Method::GET, settings, get_settings, about("The tenant one is in").gives::<TenantItem>())
        .at(Method::PATCH, settings, edit_settings, edited)
        .at(Method::GET, all, list, paged::<TenantItem>(about("All tenants, by id")))
        .at(Method::POST, all, add, added)
        .at(Method::GET, one, get, about("One tenant").gives::<TenantItem>())
        .at(Method::PATCH, one, edit, about("Edit a tenant").takes::<EditTenant>().gives::<TenantItem>())
        .at(Method::DELETE, one, remove, gone.status(204))
}

async fn get_settings(
    caller: As<ManageSettings>,
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Json<TenantItem>, ApiError> {
    params.finish()?;
    let snapshot = api.control.snapshot();
    Ok(Json(tenants::item(tenants::find(&snapshot, caller.tenant())?, &api.defaults)))
}

async fn edit_settings(
    caller: As<ManageSettings>,
    State(api): State<Arc<Api>>,
    JsonBody(request): JsonBody<EditSettings>,
) -> Result<Json<TenantItem>, ApiError> {
    let defaults = api.defaults.clone();
    let tenant = change(&api, move |snapshot| tenants::set_up(snapshot, &caller, &defaults, &request)).await?;
    Ok(Json(tenants::item(&tenant, &api.defaults)))
}

async fn list(
    _: As<ManageTenants>,
    State(api): State<Arc<Api>>,
    mut params: Params,
) -> Result<Page<TenantItem>, ApiError> {
    let wanted = Wanted::of(&mut params)?;
    params.finish()?;
    let snapshot = api.control.snapshot();
    let all = snapshot.tenants.values();
    Ok(wanted.page(all, |tenant| tenant.id.clone(), |tenant| tenants::item(tenant, &api.defaults)))
}

async fn add(
    caller: As<ManageTenants>,
    State(api): State<Arc<Api>>,
    JsonBody(request): JsonBody<NewTenant>,
) -> Result<(StatusCode, Json<TenantItem>), ApiError> {
    let tenant = change(&api, move |snapshot| tenants::add(snapshot, &caller, &request)).await?;
    Ok((StatusCode::CREATED, Json(tenants::item(&tenant, &api.defaults))))
}

async fn get(
    _: As<ManageTenants>,
    State(api): State<Arc<Api>>,
    InPath(id): InPath<String>,
    params: Params,
) -> Result<Json<TenantItem>, ApiError> {
    params.finish()?;
    let snapshot = api.control.snapshot();
    Ok(Json(tenants::item(tenants::find(&snapshot, &id)?, &api.defaults)))
}

async fn edit(
    caller: As<ManageTenants>,
    State(api): State<Arc<Api>>,
    InPath(id): InPath<String>,
    JsonBody(request): JsonBody<EditTenant>,
) -> Result<Json<TenantItem>, ApiError> {
    let tenant = change(&api, move |snapshot| tenants::edit(snapshot, &caller, &id, &request)).await?;
    Ok(Json(tenants::item(&tenant, &api.defaults)))
}

async fn remove(
    caller: As<ManageTenants>,
    State(api): State<Arc<Api>>,
    InPath(id): InPath<String>,
) -> Result<StatusCode, ApiError> {
    let kept = api.auth.tenant_of_strangers().to_owned();
    change(&api, move |snapshot| tenants::remove(snapshot, &caller, &id, &kept)).await?;
    Ok(StatusCode::NO_CONTENT)
}
