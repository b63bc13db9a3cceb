//! What one may do, and the roles that come with the product.

use std::fmt;
use std::str::FromStr;

/// Declared once: the enum, its names, and the list.
macro_rules! permissions {
    ($($(#[$about:meta])* $variant:ident $name:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Permission { $($(#[$about])* $variant,)* }

        impl Permission {
            pub const ALL: &'static [Permission] = &[$(Permission::$variant),*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Permission::$variant => $name,)* }
            }
        }
    };
}

permissions! {
    /// Messages, sessions, traces, panels.
    EventsRead "events.read",
    EventsWrite "events.write",
    /// SQL over `pub`, and Grafana.
    SqlQuery "sql.query",
    /// Every project of the tenant, and what belongs to none; without it, those one is a member of.
    ProjectsAll "projects.all",
    /// Network addresses in the activity feed.
    AddressesRead "addresses.read",
    /// The audit trail of everybody in the tenant.
    AuditRead "audit.read",
    UsersManage "users.manage",
    RolesManage "roles.manage",
    /// Projects and who is a member of them.
    ProjectsManage "projects.manage",
    /// Ingest tokens, and the API tokens of others.
    TokensManage "tokens.manage",
    WebhooksManage "webhooks.manage",
    PacksManage "packs.manage",
    SettingsManage "settings.manage",
    /// All tenants.
    TenantsManage "tenants.manage",
}

/// A set of them.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u32);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no permission {0:?}: they are {all}", all = Permission::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", "))]
pub struct UnknownPermission(String);

pub const PLATFORM_ADMIN: &str = "platform_admin";
pub const SUPER_ADMIN: &str = "super_admin";
pub const ADMIN: &str = "admin";
pub const MEMBER: &str = "member";
pub const VIEWER: &str = "viewer";

/// From the most powerful down.
pub const BUILT_IN: [&str; 5] = [PLATFORM_ADMIN, SUPER_ADMIN, ADMIN, MEMBER, VIEWER];

/// What a role that comes with the product may do.
pub fn built_in(role: &str) -> Option<Permissions> {
    use Permission::{AuditRead, EventsRead, EventsWrite, SqlQuery, TenantsManage};
    let all = Permissions::of(Permission::ALL);
    match role {
        PLATFORM_ADMIN => Some(all),
        SUPER_ADMIN => Some(all.without(TenantsManage)),
        ADMIN => Some(all.without(TenantsManage).without(AuditRead)),
        MEMBER => Some(Permissions::of(&[EventsRead, EventsWrite, SqlQuery])),
        VIEWER => Some(Permissions::of(&[EventsRead])),
        _ => None,
    }
}

// === impl Permission ===

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(text: &str) -> Result<Permission, UnknownPermission> {
        let found = Permission::ALL.iter().find(|permission| permission.as_str() == text);
        found.copied().ok_or_else(|| UnknownPermission(text.to_owned()))
    }
}

// === impl Permissions ===

impl Permissions {
    pub fn of(list: &[Permission]) -> Permissions {
        list.iter().fold(Permissions::default(), |set, one| set.with(*one))
    }

    /// Names that this version does not know give nothing.
    pub fn named(names: &[String]) -> Permissions {
        let known: Vec<Permission> = names.iter().filter_map(|name| name.parse().ok()).collect();
        Permissions::of(&known)
    }

    #[must_use]
    pub fn with(self, one: Permission) -> Permissions {
        Permissions(self.0 | 1 << one as u32)
    }

    #[must_use]
    pub fn without(self, one: Permission) -> Permissions {
        Permissions(self.0 & !(1 << one as u32))
    }

    #[must_use]
    pub fn and(self, other: Permissions) -> Permissions {
        Permissions(self.0 & other.0)
    }

    pub fn has(self, one: Permission) -> bool {
        self.0 & 1 << one as u32 != 0
    }

    /// Nobody gives away what they do not have.
    pub fn includes(self, other: Permissions) -> bool {
        other.0 & !self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |one| self.has(*one))
    }

    pub fn names(self) -> Vec<String> {
        self.iter().map(|one| one.as_str().to_owned()).collect()
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Permission::as_str)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_built_in_role_has_what_the_next_has_and_more() {
        for pair in BUILT_IN.windows(2) {
            let [more, less] = [pair[0], pair[1]].map(|role| built_in(role).expect("built in"));
            assert!(more.includes(less) && !less.includes(more), "{pair:?}");
        }
        assert_eq!(built_in("boss"), None);
    }

    #[test]
    fn names_come_back_and_unknown_ones_give_nothing() {
        let all = Permissions::of(Permission::ALL);
        assert_eq!(Permissions::named(&all.names()), all);
        assert_eq!(Permissions::named(&["everything".to_owned()]), Permissions::default());
        assert!("everything".parse::<Permission>().is_err_and(|error| error.to_string().contains("events.read")));
    }
}
