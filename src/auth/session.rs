//! What signing in leaves: a row, and a cookie that only its browser has.

use std::sync::Arc;
use std::time::Duration;

use super::credential::SESSION_COOKIE;
use super::secret::{self, NoRandomness};
use crate::control::Snapshot;
use crate::control::records::{Session, User};
use crate::control::snapshot::hash;

/// Past it the oldest ends.
const MOST_OF_A_USER: usize = 20;
/// Enough to tell a browser from another.
const LONGEST_USER_AGENT: usize = 200;

/// A new session and the value of its cookie.
pub fn open(
    user: &User,
    source_ip: &str,
    user_agent: &str,
    lifetime: Duration,
) -> Result<(Session, String), NoRandomness> {
    let cookie = secret::random()?;
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let session = Session {
        id: uuid::Uuid::new_v4().to_string(),
        tenant_id: user.tenant_id.clone(),
        user_id: user.id.clone(),
        hash: hash(&cookie).into(),
        source_ip: source_ip.to_owned(),
        user_agent: user_agent.chars().filter(|c| !c.is_control()).take(LONGEST_USER_AGENT).collect(),
        created_at_ms: now_ms,
        expires_at_ms: now_ms.saturating_add(i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX)),
        ..Session::default()
    };
    Ok((session, cookie))
}

pub fn of_user<'s>(snapshot: &'s Snapshot, user_id: &'s str) -> impl Iterator<Item = &'s Arc<Session>> {
    snapshot.sessions.values().filter(move |session| session.user_id == user_id)
}

/// Those of a user that end when a new one begins.
pub fn outdated(snapshot: &Snapshot, user_id: &str, now_ms: i64) -> Vec<Arc<Session>> {
    let (mut open, mut over): (Vec<_>, Vec<_>) =
        of_user(snapshot, user_id).cloned().partition(|session| now_ms < session.expires_at_ms);
    open.sort_by_key(|session| std::cmp::Reverse(session.created_at_ms));
    over.extend(open.into_iter().skip(MOST_OF_A_USER - 1));
    over
}

/// The value of Set-Cookie.
pub fn set_cookie(name: &str, value: &str, path: &str, lifetime: Duration, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{name}={value}; Path={path}; Max-Age={}; HttpOnly; SameSite=Lax{secure}", lifetime.as_secs())
}

/// The value of Set-Cookie that makes a browser forget the session.
pub fn forget_cookie(secure: bool) -> String {
    set_cookie(SESSION_COOKIE, "", "/", Duration::ZERO, secure)
}
