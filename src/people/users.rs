//! Users of a tenant.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decision, Problem, now_ms, rules};
use crate::audit::{Action, Entry};
use crate::auth::Principal;
use crate::control::hidden::Hidden;
use crate::control::records::{TokenKind, User};
use crate::control::{Change, Snapshot};

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UserItem {
    pub id: String,
    pub email: String,
    pub name: String,
    pub role: String,
    pub disabled: bool,
    pub mfa_enrolled: bool,
    /// Slugs of the projects the user is a member of.
    pub projects: Vec<String>,
    pub created_at: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    pub email: String,
    #[serde(default)]
    pub name: String,
    pub role: String,
    /// To be changed at the first sign-in. Without one, the user signs in elsewhere.
    pub password: Option<Hidden>,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditUser {
    pub name: Option<String>,
    pub role: Option<String>,
    pub disabled: Option<bool>,
}

/// A password as it is kept.
#[derive(Debug, Clone, Default)]
pub struct Secret {
    pub hash: Hidden,
    pub must_change: bool,
}

pub fn item(snapshot: &Snapshot, user: &User) -> UserItem {
    UserItem {
        id: user.id.clone(),
        email: user.email.clone(),
        name: user.name.clone(),
        role: user.role.clone(),
        disabled: user.disabled,
        mfa_enrolled: user.totp_confirmed,
        projects: snapshot.slugs_of(user),
        created_at: rules::instant(user.created_at_ms),
    }
}

/// By id, in the tenant of `who`.
pub fn find<'s>(snapshot: &'s Snapshot, who: &Principal, id: &str) -> Result<&'s Arc<User>, Problem> {
    let user = snapshot.users.get(id).filter(|user| user.tenant_id == who.tenant());
    user.ok_or_else(|| Problem::unknown("user", id))
}

/// By address or id.
pub fn named<'s>(snapshot: &'s Snapshot, who: &Principal, name: &str) -> Result<&'s Arc<User>, Problem> {
    let email = name.trim();
    let mut with_email = snapshot.users_with_email(email).into_iter();
    match with_email.find(|user| user.tenant_id == who.tenant()) {
        Some(user) => Ok(user),
        None => find(snapshot, who, name),
    }
}

/// Those whose name or address holds `q`, by address.
pub fn search<'s>(snapshot: &'s Snapshot, tenant: &str, q: &str) -> Vec<&'s Arc<User>> {
    let q = q.to_lowercase();
    let holds = |user: &&Arc<User>| user.email.to_lowercase().contains(&q) || user.name.to_lowercase().contains(&q);
    snapshot.users_of(tenant).into_iter().filter(holds).collect()
}

/// `secret`: of the request's password, which is slow to make.
pub fn add(snapshot: &Snapshot, who: &Principal, request: &NewUser, secret: Secret) -> Result<Decision<User>, Problem> {
    let email = rules::email(&request.email)?;
    let name = rules::name_or_nothing("name", &request.name)?;
    rules::may_give(snapshot, who, &request.role)?;
    if snapshot.users_with_email(&email).iter().any(|user| user.tenant_id == who.tenant()) {
        return Err(Problem::conflict(format!("there is a user {email} already")));
    }
    let user = User {
        id: uuid::Uuid::new_v4().to_string(),
        tenant_id: who.tenant().to_owned(),
        email,
        name,
        role: request.role.clone(),
        password_hash: secret.hash,
        must_change_password: secret.must_change,
        created_at_ms: now_ms(),
        ..User::default()
    };
    let entry = Entry::by(who, Action::UserAdd, format!("a user was added as {}", user.role))
        .target("user", &user.id)
        .with("role", &user.role);
    Ok(Decision::new(Change::new().put(&user), entry, user))
}

pub fn edit(snapshot: &Snapshot, who: &Principal, id: &str, request: &EditUser) -> Result<Decision<User>, Problem> {
    let before = find(snapshot, who, id)?;
    rules::may_change(snapshot, who, before)?;
    let mut user = User::clone(before);
    let mut edited = Entry::by(who, Action::UserEdit, "a user was edited").target("user", id);
    if let Some(name) = &request.name {
        user.name = rules::name_or_nothing("name", name)?;
    }
    if user.name != before.name {
        edited = edited.with("changed", "name");
    }
    if let Some(role) = request.role.as_ref().filter(|role| **role != before.role) {
        rules::may_give(snapshot, who, role)?;
        user.role.clone_from(role);
    }
    user.disabled = request.disabled.unwrap_or(before.disabled);
    if user.disabled != before.disabled {
        edited = edited.with("disabled", user.disabled);
    }
    if rules::leads(before) && !rules::leads(&user) {
        rules::is_needed(snapshot, who, before)?;
    }
    if user == **before {
        return Ok(Decision::nothing(user));
    }
    let mut change = Change::new().put(&user);
    if user.disabled {
        change = end_sessions(snapshot, id, change);
    }
    let mut entries = Vec::new();
    if !edited.metadata.is_empty() {
        entries.push(edited);
    }
    if user.role != before.role {
        let text = format!("a user's role was changed from {} to {}", before.role, user.role);
        let entry = Entry::by(who, Action::UserRoleChange, text).target("user", id);
        entries.push(entry.with("from", &before.role).with("to", &user.role));
    }
    Ok(Decision { change, entries, answer: user })
}

/// For those who lost theirs: a password of the operator's, or none of the second factor.
pub fn reset(
    snapshot: &Snapshot,
    who: &Principal,
    id: &str,
    secret: Option<Secret>,
    remove_mfa: bool,
) -> Result<Decision<User>, Problem> {
    let before = find(snapshot, who, id)?;
    rules::may_change(snapshot, who, before)?;
    let mut user = User::clone(before);
    let mut entry = Entry::by(who, Action::UserEdit, "a user's credentials were reset").target("user", id);
    if let Some(secret) = secret {
        user.password_hash = secret.hash;
        user.must_change_password = secret.must_change;
        entry = entry.with("changed", "password");
    }
    if remove_mfa {
        user.totp_secret = Hidden::default();
        user.totp_confirmed = false;
        user.recovery_hashes.clear();
        entry = entry.with("removed", "second factor");
    }
    let change = end_sessions(snapshot, id, Change::new().put(&user));
    Ok(Decision::new(change, entry, user))
}

pub fn remove(snapshot: &Snapshot, who: &Principal, id: &str) -> Result<Decision<()>, Problem> {
    let user = find(snapshot, who, id)?;
    rules::may_change(snapshot, who, user)?;
    rules::is_needed(snapshot, who, user)?;
    let change = without(snapshot, user);
    let entry = Entry::by(who, Action::UserDelete, "a user was deleted").target("user", id).with("role", &user.role);
    Ok(Decision::new(change, entry, ()))
}

/// Nothing that could be used is kept of whom is gone.
pub(super) fn emptied(user: &User) -> User {
    User {
        password_hash: Hidden::default(),
        totp_secret: Hidden::default(),
        recovery_hashes: Vec::new(),
        ..user.clone()
    }
}

/// The user, and all that acts as them or says something of them. The user last: what failed half-way can be done again.
fn without(snapshot: &Snapshot, user: &User) -> Change {
    let mut change = end_sessions(snapshot, &user.id, Change::new());
    for token in snapshot.tokens.values().filter(|token| token.kind == TokenKind::Api && token.user_id == user.id) {
        change = change.remove(&**token);
    }
    for membership in snapshot.memberships.get(&user.id).into_iter().flatten() {
        change = change.remove(&**membership);
    }
    change.remove(&emptied(user))
}

fn end_sessions(snapshot: &Snapshot, user: &str, change: Change) -> Change {
    let sessions = snapshot.sessions.values().filter(|session| session.user_id == user);
    sessions.fold(change, |change, session| change.remove(&**session))
}
