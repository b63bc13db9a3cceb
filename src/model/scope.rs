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

/// The Scope, out of the query id: the one thing about a query that its own text can't change.
const IN_QUERY_ID: &str = "tryBase64URLDecode(splitByChar('.', initialQueryID())[1])";

/// The row policy of every walled table, in the embedded engine's users file and on a full server alike. It folds to a constant
/// per query. A Scope that names no tenant sees nothing, also no row whose tenant is empty.
pub fn tenant_filter() -> String {
    let scope = IN_QUERY_ID;
    format!(
        "JSONExtractString({scope}, 'tenant') != '' AND tenant_id = JSONExtractString({scope}, 'tenant') \
         AND (JSONExtractBool({scope}, 'all_projects') \
         OR has(JSONExtract({scope}, 'projects', 'Array(String)'), project))"
    )
}

// === impl Scope ===

impl Scope {
    pub fn whole_tenant(tenant: impl Into<String>) -> Scope {
        Scope { tenant: tenant.into(), all_projects: true, projects: Vec::new() }
    }
}
