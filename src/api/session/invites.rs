//! By invitation: whoever has the link becomes the user that it is for.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{How, about, begin, has_role, signed_in};
use super::body::Said;
use super::own::now_ms;
use super::visitor::Visitor;
use crate::api::error::ApiError;
use crate::api::params::Params;
use crate::api::router::Api;
use crate::audit::Action;
use crate::auth::password;
use crate::control::records::{Invite, Membership, User};
use crate::control::{Change, Snapshot};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// What stands behind the # of the link.
    secret: String,
}

#[derive(Serialize, JsonSchema)]
pub struct Invited {
    email: String,
    /// The tenant's name.
    tenant: String,
    role: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    secret: String,
    name: String,
    password: String,
}

const LONGEST_NAME: usize = 200;

/// The invitation, as long as it can be accepted.
fn invite(snapshot: &Snapshot, secret: &str) -> Result<Arc<Invite>, ApiError> {
    let invite = snapshot.invite(secret, now_ms()).filter(|invite| {
        snapshot.tenants.contains_key(&invite.tenant_id) && has_role(snapshot, &invite.tenant_id, &invite.role)
    });
    invite.cloned().ok_or_else(|| {
        ApiError::not_found("the invitation is not valid: it was used, revoked, or is over; ask for a new one")
    })
}

/// `POST /api/v1/invites/lookup`
pub async fn lookup(
    State(api): State<Arc<Api>>,
    params: Params,
    Said(said): Said<Lookup>,
) -> Result<Json<Invited>, ApiError> {
    params.finish()?;
    let snapshot = api.control.snapshot();
    let invite = invite(&snapshot, &said.secret)?;
    let tenant = snapshot.tenants.get(&invite.tenant_id).map_or("", |tenant| tenant.name.as_str());
    Ok(Json(Invited { email: invite.email.clone(), tenant: tenant.to_owned(), role: invite.role.clone() }))
}

/// `POST /api/v1/invites/accept`
pub async fn accept(
    visitor: Visitor,
    State(api): State<Arc<Api>>,
    params: Params,
    Said(said): Said<Acceptance>,
) -> Result<Response, ApiError> {
    params.finish()?;
    visitor.must_be_own_page()?;
    let email = invite(&api.control.snapshot(), &said.secret)?.email.clone();
    let name = said.name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.contains(char::is_control) {
        return Err(ApiError::bad_request(format!("name: 1 to {LONGEST_NAME} letters on one line")));
    }
    password::check(&said.password, &email)?;
    let hash = api.signing.passwords.hash(&said.password).await?;

    let edit = api.control.edit().await?;
    let snapshot = edit.snapshot();
    let invite = invite(&snapshot, &said.secret)?;
    if snapshot.users_with_email(&invite.email).iter().any(|user| user.tenant_id == invite.tenant_id) {
        return Err(ApiError::conflict("there is an account with this email address already: sign in with it"));
    }
    let user = User {
        id: uuid::Uuid::new_v4().to_string(),
        tenant_id: invite.tenant_id.clone(),
        email: invite.email.clone(),
        name: name.to_owned(),
        role: invite.role.clone(),
        password_hash: hash.into(),
        created_at_ms: now_ms(),
        ..User::default()
    };
    let (change, projects) = with_memberships(Change::new().put(&user), &snapshot, &invite, &user);
    let change = change.remove(&*invite);
    let how = How { method: "invite", second_factor: "" };
    let cookie = begin(&api, &visitor, edit, change, &user, how).await?;
    let accepted = about(&visitor, &user, Action::InviteAccept, "accepted an invitation").target("invite", &invite.id);
    api.trail.record(accepted.with("role", &user.role).with("invited_by", &invite.created_by)).await;
    let added = about(&visitor, &user, Action::UserAdd, "a user was added by invitation").target("user", &user.id);
    api.trail.record(added.with("role", &user.role).with("projects", projects)).await;
    Ok(signed_in(&api, &visitor, &user, &cookie))
}

/// In those of the projects that are still there.
fn with_memberships(mut change: Change, snapshot: &Snapshot, invite: &Invite, user: &User) -> (Change, usize) {
    let projects = invite.project_ids.iter().filter_map(|id| snapshot.project_by_id(id));
    let mut count = 0;
    for project in projects.filter(|project| project.tenant_id == invite.tenant_id) {
        change = change.put(&Membership {
            tenant_id: invite.tenant_id.clone(),
            project_id: project.id.clone(),
            user_id: user.id.clone(),
            created_at_ms: user.created_at_ms,
            ..Membership::default()
        });
        count += 1;
    }
    (change, count)
}
