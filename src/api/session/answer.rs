//! What every sign-in ends with: a session, its cookie, the entry in the audit trail, and who one is now.

use axum::Json;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, SET_COOKIE};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::visitor::Visitor;
use crate::api::error::ApiError;
use crate::api::router::Api;
use crate::audit::{Action, Entry};
use crate::auth::credential::SESSION_COOKIE;
use crate::auth::principal::Via;
use crate::auth::secret::csrf_token;
use crate::auth::{Principal, session};
use crate::control::records::User;
use crate::control::{Change, Edit, Snapshot};

#[derive(Debug, Serialize, JsonSchema)]
pub struct SessionAnswer {
    user: Option<Me>,
    /// To be sent as X-CSRF-Token with every change.
    csrf_token: Option<String>,
    /// Nobody is signed in, and nobody needs to be.
    anonymous: bool,
    must_change_password: bool,
    mfa_enrolled: bool,
    methods: Methods,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Me {
    id: String,
    email: String,
    name: String,
    role: String,
}

/// How one can sign in.
#[derive(Debug, Serialize, JsonSchema)]
struct Methods {
    password: bool,
    /// A reverse proxy does it.
    proxy: bool,
    oidc: Option<Provider>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Provider {
    name: String,
    /// Where to go.
    start: String,
}

/// How somebody has just signed in.
#[derive(Debug, Clone, Copy)]
pub struct How {
    pub method: &'static str,
    pub second_factor: &'static str,
}

/// Who the caller is.
pub fn who(api: &Api, principal: Option<&Principal>) -> SessionAnswer {
    let snapshot = api.control.snapshot();
    let user = principal.and_then(|principal| snapshot.users.get(&principal.user_id));
    let (csrf, must_change_password) = match principal.map(|principal| &principal.via) {
        Some(Via::Session { csrf, must_change_password, .. }) => (Some(csrf.clone()), *must_change_password),
        _ => (None, false),
    };
    let anonymous = principal.is_some_and(|principal| principal.via == Via::Anonymous);
    answer(api, user.map(AsRef::as_ref), csrf, anonymous, must_change_password)
}

fn answer(api: &Api, user: Option<&User>, csrf: Option<String>, anonymous: bool, must_change: bool) -> SessionAnswer {
    let oidc = api
        .signing
        .oidc
        .as_ref()
        .map(|oidc| Provider { name: oidc.name().to_owned(), start: "/api/v1/session/oidc".to_owned() });
    SessionAnswer {
        user: user.map(|user| Me {
            id: user.id.clone(),
            email: user.email.clone(),
            name: user.name.clone(),
            role: user.role.clone(),
        }),
        csrf_token: csrf,
        anonymous,
        must_change_password: must_change,
        mfa_enrolled: user.is_some_and(|user| user.totp_confirmed),
        methods: Methods { password: true, proxy: api.auth.proxy().signs_in(), oidc },
    }
}

/// Writes `change` and a new session of `user`, and says in the audit trail that they signed in. Gives the value of the session's cookie.
pub async fn begin(
    api: &Api,
    visitor: &Visitor,
    edit: Edit<'_>,
    mut change: Change,
    user: &User,
    how: How,
) -> Result<String, ApiError> {
    let lifetime = api.signing.lifetime;
    let opened = session::open(user, &visitor.source_ip(), &visitor.user_agent, lifetime);
    let (row, cookie) = opened.map_err(|error| ApiError::internal(&error))?;
    change = change.put(&row);
    for old in session::outdated(&edit.snapshot(), &user.id, row.created_at_ms) {
        change = change.remove(&*old);
    }
    edit.write(change).await?;
    let mut entry =
        about(visitor, user, Action::Login, "signed in").target("session", row.id).with("method", how.method);
    if !how.second_factor.is_empty() {
        entry = entry.with("second_factor", how.second_factor);
    }
    api.trail.record(entry).await;
    Ok(cookie)
}

/// An entry about a user, in their tenant, by themselves as far as one knows.
pub fn about(visitor: &Visitor, user: &User, action: Action, description: &str) -> Entry {
    let entry = Entry::new(action, &user.tenant_id, description);
    Entry { user_id: user.id.clone(), source_ip: visitor.source_ip(), ..entry }
}

/// The answer to a sign-in, with the cookie.
pub fn signed_in(api: &Api, visitor: &Visitor, user: &User, cookie: &str) -> Response {
    let body = answer(api, Some(user), Some(csrf_token(cookie)), false, user.must_change_password);
    with_cookie(Json(body).into_response(), &session_cookie(api, visitor, cookie))
}

pub fn session_cookie(api: &Api, visitor: &Visitor, cookie: &str) -> String {
    session::set_cookie(SESSION_COOKIE, cookie, "/", api.signing.lifetime, visitor.secure)
}

pub fn with_cookie(mut response: Response, cookie: &str) -> Response {
    // It is made of letters, digits and punctuation of ours.
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A role that is there: built in, or the tenant's own.
pub fn has_role(snapshot: &Snapshot, tenant: &str, role: &str) -> bool {
    crate::auth::permissions::built_in(role).is_some()
        || snapshot.roles.contains_key(&(tenant.to_owned(), role.to_owned()))
}
