//! What the operator decides about normalising, tenant by tenant.

use std::collections::HashMap;
use std::sync::Arc;

use super::content::ContentRules;
use crate::prices::Prices;

#[derive(Debug, Default)]
pub struct Rules {
    pub content: ContentRules,
    pub prices: Arc<Prices>,
}

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

// === impl RulesByTenant ===

impl RulesByTenant {
    pub fn of(&self, tenant: &str) -> &Rules {
        self.tenants.get(tenant).unwrap_or(&self.default)
    }
}
