//! Users who are made when somebody else vouches for them: a reverse proxy, or an OpenID provider.

use super::answer::has_role;
use super::own::{is_email, now_ms};
use crate::api::router::Api;
use crate::audit::{Action, Entry};
use crate::auth::principal::Via;
use crate::auth::{Asking, Denied, Principal};
use crate::control::records::User;
use crate::control::{Change, Snapshot};

/// Whom a trusted proxy names, if they may become a user at first sight.
pub async fn through_proxy(api: &Api, asking: Asking<'_>) -> Result<(), Denied> {
    let proxy = api.auth.proxy();
    let email = proxy.named(asking.headers, asking.peer)?.ok_or(Denied::UnknownProxyUser)?;
    if proxy.role.is_empty() {
        return Err(Denied::UnknownProxyUser);
    }
    let name = proxy.full_name(asking.headers).unwrap_or_default();
    let failed = |error: &dyn std::error::Error| {
        tracing::warn!(%error, "a user that the proxy named could not be made");
        Denied::NotYetKnown
    };
    let edit = api.control.edit().await.map_err(|error| failed(&error))?;
    let Some(user) = new_user(&edit.snapshot(), email, &name, &proxy.tenant, &proxy.role) else {
        return Err(Denied::UnknownProxyUser);
    };
    edit.write(Change::new().put(&user)).await.map_err(|error| failed(&error))?;
    let from = proxy.client(asking.headers, asking.peer).map_or_else(String::new, |ip| ip.to_string());
    api.trail.record(Entry { source_ip: from, ..added(&user, "proxy") }).await;
    Ok(())
}

/// The entry about a user whom nobody of the tenant added.
pub fn added(user: &User, method: &'static str) -> Entry {
    let entry = Entry::new(Action::UserAdd, &user.tenant_id, "a user was added at their first sign-in");
    Entry { user_id: user.id.clone(), ..entry }.target("user", &user.id).with("role", &user.role).with("method", method)
}

/// None if the address is odd or taken, or the tenant or the role is not there.
pub fn new_user(snapshot: &Snapshot, email: &str, name: &str, tenant: &str, role: &str) -> Option<User> {
    let taken = snapshot.users_with_email(email).iter().any(|user| user.tenant_id == tenant);
    if taken || !is_email(email) || !snapshot.tenants.contains_key(tenant) {
        return None;
    }
    if !has_role(snapshot, tenant, role) {
        tracing::warn!(role, tenant, "users can't be made at their first sign-in: there is no such role");
        return None;
    }
    Some(User {
        id: uuid::Uuid::new_v4().to_string(),
        tenant_id: tenant.to_owned(),
        email: email.to_owned(),
        name: if name.is_empty() { email.to_owned() } else { name.to_owned() },
        role: role.to_owned(),
        created_at_ms: now_ms(),
        ..User::default()
    })
}

/// The proxy signs in with every request; the trail says so once in a session's lifetime.
pub async fn tell_once(api: &Api, principal: &Principal) {
    if principal.via == Via::Proxy && api.signing.proxied.take(&principal.user_id, now_ms()).is_ok() {
        let entry = Entry::by(principal, Action::Login, "signed in").target("user", &principal.user_id);
        api.trail.record(entry.with("method", "proxy")).await;
    }
}
