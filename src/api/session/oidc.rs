//! At an OpenID provider: there and back by redirects. What goes wrong is said in the address of the portal, in a few words.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::{COOKIE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::answer::{How, begin, session_cookie, with_cookie};
use super::first_sight::{added, new_user};
use super::own::now_ms;
use super::visitor::Visitor;
use crate::api::error::ApiError;
use crate::api::params::Params;
use crate::api::router::Api;
use crate::audit::{Action, Entry};
use crate::auth::oidc::{Identity, Oidc};
use crate::auth::session::set_cookie;
use crate::control::records::User;
use crate::control::{Change, Snapshot};

/// Holds the handle of a sign-in that began in this browser.
const FLOW_COOKIE: &str = "activitylog_oidc";
const FLOW_PATH: &str = "/api/v1/session/oidc";
const FLOW_LIFETIME: Duration = Duration::from_secs(600);

/// Why somebody whom the provider knows is not let in.
#[derive(Debug, Clone, Copy)]
enum Unwelcome {
    NoEmail,
    Unknown,
    Disabled,
    /// The address is of a user who signs in as somebody else of the provider.
    Other,
}

/// `GET /api/v1/session/oidc`
pub async fn start(visitor: Visitor, State(api): State<Arc<Api>>, params: Params) -> Result<Response, ApiError> {
    params.finish()?;
    let oidc = provider(&api)?;
    match oidc.start(visitor.ip, now_ms()).await {
        Ok((url, handle)) => {
            let cookie = set_cookie(FLOW_COOKIE, &handle, FLOW_PATH, FLOW_LIFETIME, visitor.secure);
            Ok(with_cookie(redirect(&url), &cookie))
        }
        Err(error) => {
            tracing::warn!(%error, "single sign-on can't begin");
            Ok(failed(error.short()))
        }
    }
}

/// `GET /api/v1/session/oidc/callback`
pub async fn callback(visitor: Visitor, State(api): State<Arc<Api>>, mut params: Params) -> Result<Response, ApiError> {
    let oidc = provider(&api)?;
    // Providers add parameters of their own (`iss`, `session_state`): those are not looked at.
    let mut text = |name| Ok::<_, ApiError>(params.text(name)?.unwrap_or_default());
    let (code, state, error) = (text("code")?, text("state")?, text("error")?);
    let forget = set_cookie(FLOW_COOKIE, "", FLOW_PATH, Duration::ZERO, visitor.secure);
    let answer = if error.is_empty() {
        let handle = flow_cookie(&visitor).unwrap_or_default();
        match oidc.finish(&handle, &state, &code, now_ms()).await {
            Ok(identity) => enter(&api, &visitor, oidc, &identity).await?,
            Err(error) => {
                tracing::warn!(%error, "a single sign-on failed");
                refused(&api, &visitor, oidc, "token").await;
                failed(error.short())
            }
        }
    } else {
        failed("The sign-in provider says no. Start again, or ask who runs it.")
    };
    Ok(with_cookie(answer, &forget))
}

fn provider(api: &Api) -> Result<&Oidc, ApiError> {
    let oidc = api.signing.oidc.as_ref();
    oidc.ok_or_else(|| ApiError::not_found("single sign-on is not configured here (auth.oidc)"))
}

fn flow_cookie(visitor: &Visitor) -> Option<String> {
    let cookies = visitor.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|list| list.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == FLOW_COOKIE).map(|(_, value)| value.to_owned())
}

/// Signs in whom the provider named.
async fn enter(api: &Api, visitor: &Visitor, oidc: &Oidc, identity: &Identity) -> Result<Response, ApiError> {
    let edit = api.control.edit().await?;
    let found = find(&edit.snapshot(), oidc, identity);
    let (user, is_new, is_linked) = match found {
        Ok(found) => found,
        Err(why) => {
            drop(edit);
            refused(api, visitor, oidc, why.reason()).await;
            return Ok(failed(why.short()));
        }
    };
    let change = if is_new || is_linked { Change::new().put(&user) } else { Change::new() };
    let how = How { method: "oidc", second_factor: "" };
    let cookie = begin(api, visitor, edit, change, &user, how).await?;
    if is_new {
        api.trail.record(Entry { source_ip: visitor.source_ip(), ..added(&user, "oidc") }).await;
    }
    Ok(with_cookie(redirect("/"), &session_cookie(api, visitor, &cookie)))
}

/// The user, whether they are new, and whether they are linked only now. By what never changes first, then by the address.
fn find(snapshot: &Snapshot, oidc: &Oidc, identity: &Identity) -> Result<(User, bool, bool), Unwelcome> {
    let users = snapshot.users_of(oidc.tenant());
    if let Some(user) = users.iter().find(|user| user.oidc_subject == identity.subject) {
        return if user.disabled { Err(Unwelcome::Disabled) } else { Ok((User::clone(user), false, false)) };
    }
    let email = identity.email.as_deref().ok_or(Unwelcome::NoEmail)?;
    match users.iter().find(|user| user.email.eq_ignore_ascii_case(email)) {
        Some(user) if user.disabled => Err(Unwelcome::Disabled),
        Some(user) if !user.oidc_subject.is_empty() => Err(Unwelcome::Other),
        Some(user) => Ok((User { oidc_subject: identity.subject.clone(), ..User::clone(user) }, false, true)),
        None if oidc.role().is_empty() => Err(Unwelcome::Unknown),
        None => {
            let user =
                new_user(snapshot, email, &identity.name, oidc.tenant(), oidc.role()).ok_or(Unwelcome::Unknown)?;
            Ok((User { oidc_subject: identity.subject.clone(), ..user }, true, false))
        }
    }
}

async fn refused(api: &Api, visitor: &Visitor, oidc: &Oidc, reason: &'static str) {
    let entry = Entry::new(Action::LoginFailed, oidc.tenant(), "a sign-in failed").with("method", "oidc");
    api.trail.record(Entry { source_ip: visitor.source_ip(), ..entry.with("reason", reason).denied() }).await;
}

fn failed(why: &str) -> Response {
    let why: String = form_urlencoded::byte_serialize(why.as_bytes()).collect();
    redirect(&format!("/?signin_error={why}"))
}

fn redirect(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(to) => (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response(),
        Err(error) => ApiError::internal(&error).into_response(),
    }
}

// === impl Unwelcome ===

impl Unwelcome {
    fn reason(self) -> &'static str {
        match self {
            Unwelcome::NoEmail => "no_verified_email",
            Unwelcome::Unknown => "unknown_address",
            Unwelcome::Disabled => "disabled",
            Unwelcome::Other => "other_identity",
        }
    }

    fn short(self) -> &'static str {
        match self {
            Unwelcome::NoEmail => "The sign-in provider has no verified email address of yours.",
            Unwelcome::Unknown => "You have no account here. Ask an admin for one.",
            Unwelcome::Disabled => "Your account is disabled. Ask an admin.",
            Unwelcome::Other => "Your email address is linked to another identity. Ask an admin.",
        }
    }
}
