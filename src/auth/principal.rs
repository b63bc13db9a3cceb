//! Who has been let in, and what they may do.

use super::Denied;
use super::permissions::{self, Permission, Permissions};
use crate::control::Snapshot;
use crate::control::records::{Token, User};
use crate::model::scope::Scope;

/// Somebody who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Which rows the database shows.
    pub scope: Scope,
    /// `local` for whoever comes without a credential.
    pub user_id: String,
    pub email: String,
    pub name: String,
    pub role: String,
    pub permissions: Permissions,
    pub via: Via,
    /// Where the request came from, as far as it is known.
    pub source_ip: String,
}

/// How somebody came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    Anonymous,
    /// The id of the session, and what its pages must show with a change.
    Session {
        id: String,
        csrf: String,
        /// Somebody else knows the password.
        must_change_password: bool,
    },
    /// The id of the API token.
    Token(String),
    /// A reverse proxy said so.
    Proxy,
}

/// May write into one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    pub tenant: String,
    /// The project that its events belong to; empty: what they say themselves.
    pub project: String,
}

/// What a role may do in a tenant; one that is gone may do nothing.
pub fn permissions_of(snapshot: &Snapshot, tenant: &str, role: &str) -> Permissions {
    permissions::built_in(role).unwrap_or_else(|| {
        let custom = snapshot.roles.get(&(tenant.to_owned(), role.to_owned()));
        // A custom role is of one tenant, so it can't be about all.
        custom.map_or_else(Permissions::default, |role| {
            Permissions::named(&role.permissions).without(Permission::TenantsManage)
        })
    })
}

// === impl Principal ===

impl Principal {
    pub fn tenant(&self) -> &str {
        &self.scope.tenant
    }

    pub fn has(&self, permission: Permission) -> bool {
        self.permissions.has(permission)
    }

    pub fn require(&self, permission: Permission) -> Result<(), Denied> {
        if self.has(permission) { Ok(()) } else { Err(Denied::Lacks(permission.as_str())) }
    }

    /// A password that somebody else chose must be changed before anything else is done with it.
    pub fn has_own_password(&self) -> Result<(), Denied> {
        match self.via {
            Via::Session { must_change_password: true, .. } => Err(Denied::MustChangePassword),
            _ => Ok(()),
        }
    }

    /// Whoever reaches a loopback listener where that is allowed.
    pub(super) fn local(tenant: &str) -> Principal {
        Principal {
            scope: Scope::whole_tenant(tenant),
            user_id: "local".to_owned(),
            email: String::new(),
            name: String::new(),
            role: permissions::ADMIN.to_owned(),
            // It is built in.
            permissions: permissions::built_in(permissions::ADMIN).unwrap_or_default(),
            via: Via::Anonymous,
            source_ip: String::new(),
        }
    }

    /// Whoever is disabled is nobody.
    pub fn of_user(snapshot: &Snapshot, user: &User, via: Via) -> Option<Principal> {
        if user.disabled || !snapshot.tenants.contains_key(&user.tenant_id) {
            return None;
        }
        let permissions = permissions_of(snapshot, &user.tenant_id, &user.role);
        let all_projects = permissions.has(Permission::ProjectsAll);
        let projects = if all_projects { Vec::new() } else { snapshot.slugs_of(user) };
        Some(Principal {
            scope: Scope { tenant: user.tenant_id.clone(), all_projects, projects },
            user_id: user.id.clone(),
            email: user.email.clone(),
            name: user.name.clone(),
            role: user.role.clone(),
            permissions,
            via,
            source_ip: String::new(),
        })
    }

    /// An API token acts as its user, within what it was minted with.
    pub(super) fn of_token(snapshot: &Snapshot, token: &Token) -> Option<Principal> {
        let user = snapshot.users.get(&token.user_id).filter(|user| user.tenant_id == token.tenant_id)?;
        let mut principal = Principal::of_user(snapshot, user, Via::Token(token.id.clone()))?;
        if !token.permissions.is_empty() {
            principal.permissions = principal.permissions.and(Permissions::named(&token.permissions));
        }
        if !token.project.is_empty() {
            principal.narrow(&token.project);
        }
        Some(principal)
    }

    /// Leaves one project at most.
    fn narrow(&mut self, project: &str) {
        let may = self.scope.all_projects || self.scope.projects.iter().any(|slug| slug == project);
        self.scope.projects = if may { vec![project.to_owned()] } else { Vec::new() };
        self.scope.all_projects = false;
        self.permissions = self.permissions.without(Permission::ProjectsAll);
    }

    /// A platform admin in another tenant.
    pub(super) fn moved_to(mut self, snapshot: &Snapshot, tenant: &str) -> Result<Principal, Denied> {
        if tenant == self.tenant() {
            return Ok(self);
        }
        if !self.has(Permission::TenantsManage) || !snapshot.tenants.contains_key(tenant) {
            return Err(Denied::UnknownTenant);
        }
        self.scope = Scope::whole_tenant(tenant);
        Ok(self)
    }

    /// What it writes goes into its tenant, and into its project where it has but one.
    pub(super) fn writer(&self) -> Result<Writer, Denied> {
        self.require(Permission::EventsWrite)?;
        let project = match (self.scope.all_projects, self.scope.projects.as_slice()) {
            (true, _) => String::new(),
            (false, [one]) => one.clone(),
            (false, _) => return Err(Denied::ManyProjects),
        };
        Ok(Writer { tenant: self.scope.tenant.clone(), project })
    }
}
