//! The second factor: enrolled, confirmed with a first code, removed with the password.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::Said;
use super::own::{account, attempt_by, is_password, now_ms, second_factor, unchanged};
use crate::api::access::{As, SignedIn};
use crate::api::error::ApiError;
use crate::api::params::Params;
use crate::api::router::Api;
use crate::audit::{Action, Entry};
use crate::auth::{Principal, totp};
use crate::control::Change;
use crate::control::hidden::Hidden;
use crate::control::records::User;

#[derive(Serialize, JsonSchema)]
pub struct Enrolled {
    /// Base32, for typing.
    secret: String,
    /// For a QR code.
    otpauth_url: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Code {
    code: String,
}

#[derive(Serialize, JsonSchema)]
pub struct Recovery {
    /// Each signs in once instead of a code. They are not shown again.
    recovery_codes: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Removal {
    #[serde(default)]
    password: String,
    /// Instead, of whoever has no password.
    #[serde(default)]
    code: String,
}

fn entry(caller: &Principal, user: &User, action: Action, description: &str) -> Entry {
    let entry = Entry::by(caller, action, description).target("user", &user.id);
    // A platform admin's account is not in the tenant that they look at.
    Entry { tenant: user.tenant_id.clone(), ..entry }
}

/// `POST /api/v1/me/totp`
pub async fn enrol(
    caller: As<SignedIn>,
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Json<Enrolled>, ApiError> {
    params.finish()?;
    let (user, _) = account(&api, &caller)?;
    let edit = api.control.edit().await?;
    let user = unchanged(&edit, &user)?;
    if user.totp_confirmed {
        return Err(ApiError::conflict("you have an authenticator already: remove it first"));
    }
    let enrolment = totp::enrol(&user.email)?;
    let user = User { totp_secret: enrolment.secret.clone(), ..user };
    edit.write(Change::new().put(&user)).await?;
    Ok(Json(Enrolled { secret: enrolment.secret.0, otpauth_url: enrolment.url.0 }))
}

/// `POST /api/v1/me/totp/verify`
pub async fn verify(
    caller: As<SignedIn>,
    State(api): State<Arc<Api>>,
    params: Params,
    Said(said): Said<Code>,
) -> Result<Json<Recovery>, ApiError> {
    params.finish()?;
    let (user, _) = account(&api, &caller)?;
    if user.totp_confirmed || user.totp_secret.is_empty() {
        return Err(ApiError::conflict("there is no new authenticator to confirm: ask for a secret first"));
    }
    let attempt = attempt_by(&api, &caller)?;
    if !api.signing.codes.take(&user, &said.code, now_ms()) {
        let failed = entry(&caller, &user, Action::MfaFailed, "enrolling an authenticator failed: the code is wrong");
        api.trail.record(failed.denied()).await;
        return Err(ApiError::bad_request("the code is not right: take a new one, and check the clock of the device"));
    }
    let (codes, hashes) = totp::recovery_codes()?;
    let edit = api.control.edit().await?;
    let user = User { totp_confirmed: true, recovery_hashes: hashes, ..unchanged(&edit, &user)? };
    edit.write(Change::new().put(&user)).await?;
    attempt.succeeded();
    api.trail.record(entry(&caller, &user, Action::MfaEnrol, "enrolled an authenticator")).await;
    Ok(Json(Recovery { recovery_codes: codes }))
}

/// `POST /api/v1/me/totp/remove`
pub async fn remove(
    caller: As<SignedIn>,
    State(api): State<Arc<Api>>,
    params: Params,
    Said(said): Said<Removal>,
) -> Result<StatusCode, ApiError> {
    params.finish()?;
    let (user, _) = account(&api, &caller)?;
    let attempt = attempt_by(&api, &caller)?;
    // Who signs in elsewhere has no password to show.
    let may = match user.password_hash.is_empty() {
        true => second_factor(&api, &mut User::clone(&user), &said.code).is_some(),
        false => is_password(&api, &user, &said.password).await?,
    };
    if !may {
        let failed =
            entry(&caller, &user, Action::MfaFailed, "removing an authenticator failed: the password is wrong");
        api.trail.record(failed.denied()).await;
        return Err(ApiError::forbidden("the password is wrong"));
    }
    attempt.succeeded();
    let edit = api.control.edit().await?;
    let user = User {
        totp_secret: Hidden::default(),
        totp_confirmed: false,
        recovery_hashes: Vec::new(),
        ..unchanged(&edit, &user)?
    };
    edit.write(Change::new().put(&user)).await?;
    api.trail.record(entry(&caller, &user, Action::MfaRemove, "removed their authenticator")).await;
    Ok(StatusCode::NO_CONTENT)
}
