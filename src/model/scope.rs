//! Whose rows a read may see. It rides in the query id, where the tenant wall reads it.

use serde::Serialize;

/// Rights over rows: one tenant, all of its projects or some. There is no read without one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scope {
    pub tenant: String,
    pub all_projects: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<String>,
}

// === impl Scope ===

impl Scope {
    pub fn whole_tenant(tenant: impl Into<String>) -> Scope {
        Scope { tenant: tenant.into(), all_projects: true, projects: Vec::new() }
    }
}
