//! `/api/v1/invites`

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
use super::page::{Page, Wanted, newest, paged};
use crate::people::invites::{self, InviteItem, IssuedInvite, NewInvite};

pub fn routes(routes: Routes) -> Routes {
    let (all, one) = ("/api/v1/invites", "/api/v1/invites/{id}");
    let issued = about("Invite somebody; the link is shown once").takes::<NewInvite>().gives::<IssuedInvite>();
    routes
        .at(Method::GET, all, list, paged::<InviteItem>(about("The invites that wait, the newest first")))
        .at(Method::POST, all, issue, issued.status(201))
        .at(Method::DELETE, one, revoke, about("Revoke an invite").status(204))
}

async fn list(
    caller: As<ManageUsers>,
    State(api): State<Arc<Api>>,
    mut params: Params,
) -> Result<Page<InviteItem>, ApiError> {
    let wanted = Wanted::of(&mut params)?;
    params.finish()?;
    let snapshot = api.control.snapshot();
    let pending = invites::pending(&snapshot, caller.tenant());
    let key = |invite: &&Arc<_>| newest_key(invite);
    Ok(wanted.page(pending, key, |invite| invites::item(&snapshot, invite)))
}

fn newest_key(invite: &crate::control::records::Invite) -> String {
    newest(invite.created_at_ms, &invite.id)
}

async fn issue(
    caller: As<ManageUsers>,
    State(api): State<Arc<Api>>,
    JsonBody(request): JsonBody<NewInvite>,
) -> Result<(StatusCode, Json<IssuedInvite>), ApiError> {
    let (invite, secret) = change(&api, move |snapshot| invites::issue(snapshot, &caller, &request)).await?;
    let item = invites::item(&api.control.snapshot(), &invite);
    Ok((StatusCode::CREATED, Json(IssuedInvite { item, link: invites::link(&api.signing.public_url, &secret) })))
}

async fn revoke(
    caller: As<ManageUsers>,
    State(api): State<Arc<Api>>,
    InPath(id): InPath<String>,
) -> Result<StatusCode, ApiError> {
    change(&api, move |snapshot| invites::revoke(snapshot, &caller, &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
