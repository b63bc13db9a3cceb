//! `/api/v1/projects` and who is a member of them

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode};

use super::super::access::{As, ManageProjects, SignedIn};
use super::super::body::{InPath, JsonBody};
use super::super::error::ApiError;
use super::super::params::Params;
use super::super::route::{Routes, about};
use super::super::router::Api;
use super::change;
use super::page::{Page, Wanted, paged};
use crate::people::members::{self, MemberItem};
use crate::people::projects::{self, EditProject, NewProject, ProjectItem};

pub fn routes(routes: Routes) -> Routes {
    let (all, one) = ("/api/v1/projects", "/api/v1/projects/{slug}");
    let (of, member) = ("/api/v1/projects/{slug}/members", "/api/v1/projects/{slug}/members/{user_id}");
    let listed = paged::<ProjectItem>(about("The projects that the caller sees, by slug"));
    let added = about("Add a project").takes::<NewProject>().gives::<ProjectItem>().status(201);
    let edited = about("Rename or describe a project").takes::<EditProject>().gives::<ProjectItem>();
    routes
        .at(Method::GET, all, list, listed)
        .at(Method::POST, all, add, added)
        .at(Method::GET, one, get, about("One project").gives::<ProjectItem>())
        .at(Method::PATCH, one, edit, edited)
        .at(Method::DELETE, one, remove, about("Delete a project; its events stay").status(204))
        .at(Method::GET, of, list_members, paged::<MemberItem>(about("Its members, by address")))
        .at(Method::PUT, member, add_member, about("Make a user a member").status(204))
        .at(Method::DELETE, member, remove_member, about("End a membership").status(204))
}

async fn list(
    caller: As<SignedIn>,
    State(api): State<Arc<Api>>,
    mut params: Params,
) -> Result<Page<ProjectItem>, ApiError> {
    let wanted = Wanted::of(&mut params)?;
    params.finish()?;
    let snapshot = api.control.snapshot();
    let seen =
        snapshot.projects_of(caller.tenant()).filter(|project| projects::sees(&snapshot, &caller, &project.slug));
    Ok(wanted.page(seen, |project| project.slug.clone(), |project| projects::item(&snapshot, project)))
}

async fn add(
    caller: As<ManageProjects>,
    State(api): State<Arc<Api>>,
    JsonBody(request): JsonBody<NewProject>,
) -> Result<(StatusCode, Json<ProjectItem>), ApiError> {
    let project = change(&api, move |snapshot| projects::add(snapshot, &caller, &request)).await?;
    Ok((StatusCode::CREATED, Json(projects::item(&api.control.snapshot(), &project))))
}

async fn get(
    caller: As<SignedIn>,
    State(api): State<Arc<Api>>,
    InPath(slug): InPath<String>,
    params: Params,
) -> Result<Json<ProjectItem>, ApiError> {
    params.finish()?;
    let snapshot = api.control.snapshot();
    let project = projects::find(&snapshot, &caller, &slug)?;
    Ok(Json(projects::item(&snapshot, project)))
}

async fn edit(
    caller: As<ManageProjects>,
    State(api): State<Arc<Api>>,
    InPath(slug): InPath<String>,
    JsonBody(request): JsonBody<EditProject>,
) -> Result<Json<ProjectItem>, ApiError> {
    let project = change(&api, move |snapshot| projects::edit(snapshot, &caller, &slug, &request)).await?;
    Ok(Json(projects::item(&api.control.snapshot(), &project)))
}

async fn remove(
    caller: As<ManageProjects>,
    State(api): State<Arc<Api>>,
    InPath(slug): InPath<String>,
) -> Result<StatusCode, ApiError> {
    change(&api, move |snapshot| projects::remove(snapshot, &caller, &slug)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn list_members(
    caller: As<ManageProjects>,
    State(api): State<Arc<Api>>,
    InPath(slug): InPath<String>,
    mut params: Params,
) -> Result<Page<MemberItem>, ApiError> {
    let wanted = Wanted::of(&mut params)?;
    params.finish()?;
    let snapshot = api.control.snapshot();
    let project = projects::find(&snapshot, &caller, &slug)?;
    let users = members::of(&snapshot, project).into_iter().map(|(_, user)| user);
    Ok(wanted.page(users, |user| format!("{}\0{}", user.email, user.id), |user| members::item(user)))
}

async fn add_member(
    caller: As<ManageProjects>,
    State(api): State<Arc<Api>>,
    InPath((slug, user)): InPath<(String, String)>,
) -> Result<StatusCode, ApiError> {
    change(&api, move |snapshot| members::add(snapshot, &caller, &slug, &user)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_member(
    caller: As<ManageProjects>,
    State(api): State<Arc<Api>>,
    InPath((slug, user)): InPath<(String, String)>,
) -> Result<StatusCode, ApiError> {
    change(&api, move |snapshot| members::remove(snapshot, &caller, &slug, &user)).await?;
    Ok(StatusCode::NO_CONTENT)
}
