//! With an email address and a password.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::answer::{self, How, SessionAnswer, about, begin, signed_in, with_cookie};
use super::body::Said;
use super::own::{account, attempt_by, is_password, second_factor, tenant_of_nobody, unchanged};
use super::visitor::Visitor;
use crate::api::access::{As, Known};
use crate::api::error::ApiError;
use crate::api::params::Params;
use crate::api::router::Api;
use crate::audit::{Action, Entry};
use crate::auth::principal::Via;
use crate::auth::{Denied, password, session};
use crate::control::records::User;
use crate::control::{Change, Snapshot};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    email: String,
    password: String,
    /// Where one address has accounts in several tenants.
    tenant: Option<String>,
    /// Of the authenticator, or a recovery code.
    code: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    current: String,
    new: String,
}

/// An address in more tenants than this names one, or waits no longer than for these.
const MOST_TENANTS: usize = 4;
/// Whatever was wrong: what exists is nobody's business.
const WRONG: &str = "the email address, the password or the code is wrong";

/// `GET /api/v1/session`
pub async fn session(
    visitor: Visitor,
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Json<SessionAnswer>, ApiError> {
    params.finish()?;
    match &visitor.principal {
        Ok(principal) => Ok(Json(answer::who(&api, Some(principal)))),
        Err(Denied::NotYetKnown) => Err(Denied::NotYetKnown.into()),
        Err(_) => Ok(Json(answer::who(&api, None))),
    }
}

/// `POST /api/v1/session`
pub async fn sign_in(
    visitor: Visitor,
    State(api): State<Arc<Api>>,
    params: Params,
    Said(said): Said<SignIn>,
) -> Result<Response, ApiError> {
    params.finish()?;
    visitor.must_be_own_page()?;
    if said.password.len() > password::MOST_BYTES {
        return Err(ApiError::bad_request(password::Weak::TooLong.to_string()));
    }
    let attempt = visitor.attempt(&api, &said.email)?;
    let accounts = accounts(&api.control.snapshot(), &said);
    let hashes = accounts.iter().map(|user| user.password_hash.0.clone()).collect();
    let right = match api.signing.passwords.verify(&said.password, hashes).await {
        Ok(right) => right,
        Err(error) => {
            attempt.is_none();
            return Err(error.into());
        }
    };
    let known: Vec<_> = accounts.iter().zip(right).filter(|(user, right)| *right && !user.disabled).collect();
    let user = match known.as_slice() {
        [] => return Err(refuse(&api, &visitor, &said, &accounts).await),
        [(user, _)] => user,
        several => {
            attempt.is_none();
            return Err(which_tenant(several.iter().map(|(user, _)| user.tenant_id.as_str())));
        }
    };
    let code = said.code.as_deref().map(str::trim).filter(|code| !code.is_empty());
    if user.totp_confirmed && code.is_none() {
        // The password is right: it was no guess.
        attempt.is_none();
        let needed = Map::from_iter([("mfa_required".to_owned(), Value::Bool(true))]);
        return Err(ApiError::unauthorized("a code of your authenticator is needed too").with(needed));
    }
    let edit = api.control.edit().await?;
    let mut user = unchanged(&edit, user)?;
    let mut how = How { method: "password", second_factor: "" };
    let mut change = Change::new();
    if user.totp_confirmed {
        let Some(factor) = second_factor(&api, &mut user, code.unwrap_or("")) else {
            drop(edit);
            let entry = about(&visitor, &user, Action::MfaFailed, "a sign-in failed: the code is wrong");
            api.trail.record(entry.target("user", &user.id).denied()).await;
            return Err(ApiError::unauthorized(WRONG));
        };
        how.second_factor = factor;
        if factor == "recovery_code" {
            change = change.put(&user);
        }
    }
    let cookie = begin(&api, &visitor, edit, change, &user, how).await?;
    attempt.succeeded();
    Ok(signed_in(&api, &visitor, &user, &cookie))
}

/// Those that it can be about, of tenants that exist.
fn accounts(snapshot: &Snapshot, said: &SignIn) -> Vec<Arc<User>> {
    let with_email = snapshot.users_with_email(said.email.trim()).into_iter();
    let of_tenant = with_email.filter(|user| {
        snapshot.tenants.contains_key(&user.tenant_id)
            && said.tenant.as_ref().is_none_or(|tenant| tenant.is_empty() || *tenant == user.tenant_id)
    });
    of_tenant.take(MOST_TENANTS).cloned().collect()
}

/// Writes who failed. What was typed is not written where it is nobody's address: it may be a password in the wrong field.
async fn refuse(api: &Api, visitor: &Visitor, said: &SignIn, accounts: &[Arc<User>]) -> ApiError {
    const FAILED: &str = "a sign-in failed";
    for user in accounts {
        let reason = if user.disabled { "disabled" } else { "password" };
        let entry = about(visitor, user, Action::LoginFailed, FAILED).target("user", &user.id).with("reason", reason);
        api.trail.record(entry.denied()).await;
    }
    if accounts.is_empty() {
        let tenant = tenant_of_nobody(api, said.tenant.as_deref().unwrap_or(""));
        let entry = Entry::new(Action::LoginFailed, tenant, FAILED).with("reason", "unknown_address").denied();
        api.trail.record(Entry { source_ip: visitor.source_ip(), ..entry }).await;
    }
    ApiError::unauthorized(WRONG)
}

/// The password is right in each, so it may be said.
fn which_tenant<'a>(tenants: impl Iterator<Item = &'a str>) -> ApiError {
    let tenants: Vec<Value> = tenants.map(Value::from).collect();
    let extension = Map::from_iter([("tenants".to_owned(), Value::Array(tenants))]);
    ApiError::bad_request("you have accounts in several tenants: name one as `tenant`").with(extension)
}

/// `DELETE /api/v1/session`
pub async fn sign_out(visitor: Visitor, State(api): State<Arc<Api>>, params: Params) -> Result<Response, ApiError> {
    params.finish()?;
    match &visitor.principal {
        Ok(principal) => {
            if let Via::Session { id, .. } = &principal.via {
                let edit = api.control.edit().await?;
                let snapshot = edit.snapshot();
                let session = snapshot.sessions.get(id);
                if let Some(session) = session {
                    edit.write(Change::new().remove(&**session)).await?;
                    let entry = Entry::by(principal, Action::Logout, "signed out").target("session", id);
                    api.trail.record(Entry { tenant: session.tenant_id.clone(), ..entry }).await;
                }
            }
        }
        // There is nothing to end.
        Err(denied) if denied.is_unauthenticated() => {}
        Err(denied) => return Err((*denied).into()),
    }
    Ok(with_cookie(StatusCode::NO_CONTENT.into_response(), &session::forget_cookie(visitor.secure)))
}

/// `POST /api/v1/me/password`
pub async fn change(
    caller: As<Known>,
    State(api): State<Arc<Api>>,
    params: Params,
    Said(said): Said<NewPassword>,
) -> Result<StatusCode, ApiError> {
    params.finish()?;
    let (user, session_id) = account(&api, &caller)?;
    password::check(&said.new, &user.email)?;
    let attempt = attempt_by(&api, &caller)?;
    if !is_password(&api, &user, &said.current).await? {
        let failed = Entry::by(&caller, Action::PasswordChange, "a password change failed: the current one is wrong");
        api.trail.record(Entry { tenant: user.tenant_id.clone(), ..failed }.target("user", &user.id).denied()).await;
        return Err(ApiError::forbidden("the current password is wrong"));
    }
    attempt.succeeded();
    if said.new == said.current {
        return Err(ApiError::bad_request("the new password is the current one: take another"));
    }
    let hash = api.signing.passwords.hash(&said.new).await?;
    let edit = api.control.edit().await?;
    let user = User { password_hash: hash.into(), must_change_password: false, ..unchanged(&edit, &user)? };
    let snapshot = edit.snapshot();
    // Whoever else is signed in with the old one is not any more.
    let others = session::of_user(&snapshot, &user.id).filter(|session| session.id != session_id);
    let (mut ended, mut change) = (0, Change::new().put(&user));
    for other in others {
        change = change.remove(&**other);
        ended += 1;
    }
    edit.write(change).await?;
    let entry = Entry::by(&caller, Action::PasswordChange, "changed their password").target("user", &user.id);
    api.trail.record(Entry { tenant: user.tenant_id.clone(), ..entry }.with("sessions_ended", ended)).await;
    Ok(StatusCode::NO_CONTENT)
}
