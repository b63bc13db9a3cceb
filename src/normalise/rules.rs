//! What the operator decides about normalising, tenant by tenant.

use std::collections::HashMap;
use std::sync::Arc;

use wildmatch::WildMatch;

use super::content::ContentRules;
use crate::prices::Prices;

#[derive(Debug, Default)]
pub struct Rules {
    /// Scopes whose usage doesn't count: an installation with two instrumentations of the same calls names one of them here.
    pub ignore_scopes: ScopeGlobs,
    pub content: ContentRules,
    pub prices: Arc<Prices>,
}

/// Names of instrumentation scopes, with `*` for any characters and `?` for one.
#[derive(Debug, Clone, Default)]
pub struct ScopeGlobs(Vec<WildMatch>);

/// The rules of each tenant that has its own, and those of all others.
#[derive(Debug, Default)]
pub struct RulesByTenant {
    pub default: Arc<Rules>,
    pub tenants: HashMap<String, Arc<Rules>>,
}

// === impl Rules ===

impl Rules {
    /// Everything is kept.
    pub fn capturing() -> Rules {
        Rules { content: ContentRules { capture: true, ..ContentRules::default() }, ..Rules::default() }
    }
}

// === impl ScopeGlobs ===

impl ScopeGlobs {
    pub fn new<'p>(patterns: impl IntoIterator<Item = &'p str>) -> ScopeGlobs {
        ScopeGlobs(patterns.into_iter().map(WildMatch::new).collect())
    }

    pub fn any(&self, scope: &str) -> bool {
        self.0.iter().any(|glob| glob.matches(scope))
    }
}

// === impl RulesByTenant ===

impl RulesByTenant {
    pub fn of(&self, tenant: &str) -> &Rules {
        self.shared(tenant)
    }

    pub fn shared(&self, tenant: &str) -> &Arc<Rules> {
        self.tenants.get(tenant).unwrap_or(&self.default)
    }
}
