//! What holds for a tenant's events when they come in: how long they are kept, what of them is kept, and how many there may be. From the
//! tenant's row, its tier, and the configuration, in this order; made once for each state of the control tables, not per request.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::config::{TierLimits, Tiers};
use crate::control::records::{Capture, Tenant, Tier};
use crate::control::{Control, Snapshot};
use crate::limits::quota::{Meter, Quota, Quotas};
use crate::normalise::content::ContentRules;
use crate::normalise::rules::{Rules, RulesByTenant};

/// Days. ClickHouse counts expiry in 32-bit seconds since 1970: with much more, a row of today would be over in 1970.
pub const LONGEST_RETENTION: u16 = 20_000;

pub struct Settings {
    control: Arc<Control>,
    tiers: Tiers,
    retention_days: u16,
    rules: RulesByTenant,
    quotas: Arc<Quotas>,
    made: RwLock<Made>,
}

/// What one tenant has.
#[derive(Debug)]
pub struct TenantSettings {
    pub retention_days: u16,
    pub rules: Arc<Rules>,
    pub quota: Quota,
    /// None where there is no limit.
    pub meter: Option<Arc<Meter>>,
}

/// What was made of this snapshot so far.
#[derive(Default)]
struct Made {
    snapshot: Arc<Snapshot>,
    tenants: HashMap<String, Arc<TenantSettings>>,
}

// === impl Settings ===

impl Settings {
    pub fn new(
        control: Arc<Control>,
        tiers: Tiers,
        retention_days: u16,
        rules: RulesByTenant,
        quotas: Arc<Quotas>,
    ) -> Settings {
        Settings { control, tiers, retention_days, rules, quotas, made: RwLock::default() }
    }

    /// Of a tenant that somebody authenticated for.
    pub fn of(&self, tenant: &str) -> Arc<TenantSettings> {
        let snapshot = self.control.snapshot();
        {
            let made = self.made.read().unwrap_or_else(PoisonError::into_inner);
            if Arc::ptr_eq(&made.snapshot, &snapshot)
                && let Some(settings) = made.tenants.get(tenant)
            {
                return settings.clone();
            }
        }
        let settings = Arc::new(self.make(tenant, snapshot.tenants.get(tenant).map(Arc::as_ref)));
        let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&made.snapshot, &snapshot) {
            *made = Made { snapshot, tenants: HashMap::new() };
        }
        made.tenants.insert(tenant.to_owned(), settings.clone());
        settings
    }

    /// A tenant without a row is the installation's own: nothing is held back from it.
    fn make(&self, id: &str, row: Option<&Tenant>) -> TenantSettings {
        let rules = self.rules.shared(id).clone();
        let Some(row) = row else {
            let retention_days = self.retention_days.min(LONGEST_RETENTION);
            return TenantSettings { retention_days, rules, quota: Quota::default(), meter: None };
        };
        let tier = self.tier(row.tier);
        let quota = Quota {
            records_per_second: first([row.records_per_second, tier.records_per_second]),
            bytes_per_day: first([row.bytes_per_day, tier.bytes_per_day.0]),
        };
        let days = [row.retention_days, tier.retention_days.into(), self.retention_days.into()].map(u64::from);
        TenantSettings {
            retention_days: u16::try_from(first(days)).unwrap_or(u16::MAX).min(LONGEST_RETENTION),
            rules: captured(rules, row.capture),
            quota,
            meter: (!quota.is_none()).then(|| self.quotas.of(id)),
        }
    }

    fn tier(&self, tier: Tier) -> &TierLimits {
        match tier {
            Tier::Free => &self.tiers.free,
            Tier::Pro => &self.tiers.pro,
            Tier::Enterprise => &self.tiers.enterprise,
        }
    }
}

/// The first that says something.
fn first<const N: usize>(figures: [u64; N]) -> u64 {
    figures.into_iter().find(|figure| *figure > 0).unwrap_or(0)
}

fn captured(rules: Arc<Rules>, capture: Capture) -> Arc<Rules> {
    let capture = match capture {
        Capture::Configured => return rules,
        Capture::On => true,
        Capture::Off => false,
    };
    if rules.content.capture == capture {
        return rules;
    }
    let content = ContentRules { capture, ..rules.content.clone() };
    Arc::new(Rules { content, prices: rules.prices.clone(), ignore_scopes: rules.ignore_scopes.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clickhouse::server::{Endpoint, Server};
    use crate::config::Config;

    fn settings(dir: &std::path::Path) -> Settings {
        let server = Server::new(Endpoint::new(""), "", "", std::time::Duration::ZERO);
        let control = Arc::new(Control::open(dir, server));
        let tiers = Config::layered(None, std::iter::empty()).expect("the defaults").tiers;
        Settings::new(control, tiers, 30, RulesByTenant::default(), Arc::new(Quotas::open(dir)))
    }

    #[test]
    fn a_tenants_row_goes_before_its_tier_and_that_before_the_configuration() {
        let dir = tempfile::tempdir().expect("a folder");
        let settings = settings(dir.path());
        let made = |row: Tenant| {
            let made = settings.make("a", Some(&row));
            let quota = (made.quota.records_per_second, made.quota.bytes_per_day);
            (made.retention_days, quota, made.rules.content.capture, made.meter.is_some())
        };
        let free = Tenant { tier: Tier::Free, ..Tenant::default() };
        assert_eq!(made(free.clone()), (30, (5000, 10 << 30), false, true));
        assert_eq!(made(Tenant { tier: Tier::Enterprise, ..free.clone() }), (30, (0, 0), false, false));
        let own = Tenant {
            retention_days: 90,
            records_per_second: 1,
            bytes_per_day: 2,
            capture: Capture::On,
            tier: Tier::Enterprise,
            ..free.clone()
        };
        assert_eq!(made(own), (90, (1, 2), true, true));
        assert_eq!(made(Tenant { retention_days: 4_000_000, ..free }).0, LONGEST_RETENTION);
        assert_eq!(settings.of("nobody").retention_days, 30);
    }
}
