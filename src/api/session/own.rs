//! One's own account, and the guesses that are made at it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::visitor::Visitor;
use crate::api::error::ApiError;
use crate::api::router::Api;
use crate::auth::Principal;
use crate::auth::lockout::Attempt;
use crate::auth::password::{Unhashed, Weak};
use crate::auth::principal::Via;
use crate::auth::secret::NoRandomness;
use crate::control::Edit;
use crate::control::records::User;

pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// The user whose session it is, and the session's id. Tokens and proxies have no business with passwords.
pub fn account(api: &Api, caller: &Principal) -> Result<(Arc<User>, String), ApiError> {
    let Via::Session { id, .. } = &caller.via else {
        return Err(ApiError::forbidden("this is for people who signed in to the portal: a token can't do it"));
    };
    let snapshot = api.control.snapshot();
    let user = snapshot.users.get(&caller.user_id).cloned();
    Ok((user.ok_or_else(|| ApiError::unauthorized("the session is over: sign in again"))?, id.clone()))
}

/// The same user as it is now, if what was checked of them still holds.
pub fn unchanged(edit: &Edit<'_>, checked: &User) -> Result<User, ApiError> {
    let snapshot = edit.snapshot();
    let same = snapshot.users.get(&checked.id).filter(|user| {
        !user.disabled && user.password_hash == checked.password_hash && user.totp_secret == checked.totp_secret
    });
    same.map(|user| User::clone(user)).ok_or_else(|| ApiError::conflict("your account was changed just now: try again"))
}

/// An attempt to show that one is somebody.
pub fn attempt<'a>(api: &'a Api, email: &str, ip: Option<IpAddr>) -> Result<Attempt<'a>, ApiError> {
    api.signing.lockout.attempt(email, ip, now_ms()).map_err(too_many)
}

/// The same, of a caller whose address is known as text.
pub fn attempt_by<'a>(api: &'a Api, caller: &Principal) -> Result<Attempt<'a>, ApiError> {
    attempt(api, &caller.email, caller.source_ip.parse().ok())
}

fn too_many(wait: Duration) -> ApiError {
    let wait = Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
    ApiError::too_many("too many failed attempts: wait, and try again").after(wait)
}

/// Whether it is the user's password. Where they have none, nothing is.
pub async fn is_password(api: &Api, user: &User, password: &str) -> Result<bool, ApiError> {
    let found = api.signing.passwords.verify(password, vec![user.password_hash.0.clone()]).await?;
    Ok(found == [true])
}

/// A code of the authenticator, or a recovery code, which is then gone from `user`.
pub fn second_factor(api: &Api, user: &mut User, code: &str) -> Option<&'static str> {
    if api.signing.codes.take(user, code, now_ms()) {
        return Some("totp");
    }
    let used = crate::auth::totp::recovery(user, code)?;
    user.recovery_hashes.retain(|hash| *hash != used);
    Some("recovery_code")
}

impl From<Unhashed> for ApiError {
    fn from(error: Unhashed) -> ApiError {
        match error {
            Unhashed::Busy => ApiError::unavailable(error.to_string()),
            error => ApiError::internal(&error),
        }
    }
}

impl From<NoRandomness> for ApiError {
    fn from(error: NoRandomness) -> ApiError {
        ApiError::internal(&error)
    }
}

impl From<Weak> for ApiError {
    fn from(weak: Weak) -> ApiError {
        ApiError::bad_request(weak.to_string())
    }
}

/// For the trail: of no tenant's user.
pub fn tenant_of_nobody(api: &Api, named: &str) -> String {
    let strangers = api.auth.tenant_of_strangers();
    let named = Some(named).filter(|named| api.control.snapshot().tenants.contains_key(*named));
    named.or(Some(strangers).filter(|strangers| !strangers.is_empty())).unwrap_or("default").to_owned()
}

/// An address that can be somebody's.
pub fn is_email(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    text.len() <= 254
        && !text.contains(odd)
        && text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

impl Visitor {
    pub fn attempt<'a>(&self, api: &'a Api, email: &str) -> Result<Attempt<'a>, ApiError> {
        attempt(api, email, self.ip)
    }
}
