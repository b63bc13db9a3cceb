//! Authority stands in handler signatures: whoever takes an [`As<ReadEvents>`] runs only for those who may read events.
//!
//! ```text
//! async fn list_users(caller: As<ManageUsers>, State(api): State<Arc<Api>>, ...) -> Result<Json<Users>, ApiError>
//! ```
//! The router takes no handler whose first argument is not one of these, unless it is declared open; and the OpenAPI document
//! says which it is, from the signature.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;

use super::error::ApiError;
use super::router::Api;
use super::session::first_sight;
use crate::auth::permissions::Permission;
use crate::auth::{Asking, Denied, Principal};
use crate::net::Peer;

/// What a handler asks of its caller.
pub trait Authority: Send + Sync + 'static {
    /// As the OpenAPI document says it.
    const NAME: &'static str;
    /// Whether it is for those too who must change their password before they do anything else.
    const BEFORE_PASSWORD_CHANGE: bool = false;
    fn admits(principal: &Principal) -> Result<(), Denied>;
}

/// A caller with this authority.
pub struct As<A>(pub Principal, PhantomData<A>);

macro_rules! authorities {
    ($($(#[$about:meta])* $name:ident $permission:ident,)*) => {$(
        $(#[$about])*
        pub enum $name {}

        impl Authority for $name {
            const NAME: &'static str = Permission::$permission.as_str();

            fn admits(principal: &Principal) -> Result<(), Denied> {
                principal.require(Permission::$permission)
            }
        }
    )*};
}

authorities! {
    ReadEvents EventsRead,
    QuerySql SqlQuery,
    ReadAudit AuditRead,
    ManageUsers UsersManage,
    ManageRoles RolesManage,
    ManageProjects ProjectsManage,
    ManageTokens TokensManage,
    ManageWebhooks WebhooksManage,
    ManagePacks PacksManage,
    ManageSettings SettingsManage,
    ManageTenants TenantsManage,
}

/// Anybody who was let in. What they see is for the handler to say.
pub enum SignedIn {}

impl Authority for SignedIn {
    const NAME: &'static str = "signed_in";

    fn admits(_: &Principal) -> Result<(), Denied> {
        Ok(())
    }
}

/// The same, also of whoever must change their password first.
pub enum Known {}

impl Authority for Known {
    const NAME: &'static str = SignedIn::NAME;
    const BEFORE_PASSWORD_CHANGE: bool = true;

    fn admits(_: &Principal) -> Result<(), Denied> {
        Ok(())
    }
}

// === impl As ===

impl<A: Authority> FromRequestParts<Arc<Api>> for As<A> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<As<A>, ApiError> {
        let principal = known(api, parts).await?;
        if !A::BEFORE_PASSWORD_CHANGE {
            principal.has_own_password()?;
        }
        A::admits(&principal)?;
        Ok(As(principal, PhantomData))
    }
}

impl<A> Deref for As<A> {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.0
    }
}

/// What of a request says whom it is from.
pub fn asking(parts: &Parts) -> Asking<'_> {
    let authority = parts.uri.authority().map(axum::http::uri::Authority::as_str);
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.address.ip());
    Asking { method: &parts.method, headers: &parts.headers, site: authority.or(host), peer }
}

/// Who a request is from, of those who are known already.
pub fn principal(api: &Api, parts: &Parts) -> Result<Principal, Denied> {
    api.auth.principal(asking(parts))
}

/// Who a request is from. Whoever a proxy vouches for for the first time becomes known now.
pub async fn known(api: &Api, parts: &Parts) -> Result<Principal, Denied> {
    let asking = asking(parts);
    let principal = match api.auth.known(asking) {
        Err(Denied::UnknownProxyUser) => {
            first_sight::through_proxy(api, asking).await?;
            api.auth.known(asking)
        }
        known => known,
    }?;
    first_sight::tell_once(api, &principal).await;
    Ok(principal)
}
