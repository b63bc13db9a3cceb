//! Tenants, and what a tenant's own admins set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decision, Problem, now_ms, rules, users, webhooks};
use crate::audit::{Action, Entry};
use crate::auth::Principal;
use crate::auth::permissions::Permission;
use crate::config::{TierLimits, Tiers};
use crate::control::records::{Capture, Tenant, Tier};
use crate::control::{Change, Snapshot};

/// What holds where a tenant says nothing.
#[derive(Debug, Clone)]
pub struct Defaults {
    pub tiers: Tiers,
    pub retention_days: u16,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TenantItem {
    pub id: String,
    pub name: String,
    pub tier: Tier,
    /// 0: as the tier says.
    pub retention_days: u32,
    /// Whether prompts and other content are kept: "", "on" or "off"; "" is as the configuration says.
    pub capture: Capture,
    /// 0: as the tier says.
    pub records_per_second: u64,
    /// 0: as the tier says.
    pub bytes_per_day: u64,
    /// What may be spent on models in a calendar month, in US dollars and cents; 0: nothing is said. A line in reports, no limit.
    pub monthly_budget_usd: f64,
    pub effective: Effective,
    pub created_at: Option<String>,
}

/// What comes of a tenant's own settings and its tier's. 0: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Effective {
    pub retention_days: u32,
    pub records_per_second: u64,
    pub bytes_per_day: u64,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    pub id: String,
    /// The id, if there is none.
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub tier: Tier,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditTenant {
    pub name: Option<String>,
    pub tier: Option<Tier>,
    /// 0: as the tier says.
    pub retention_days: Option<u32>,
    pub capture: Option<Capture>,
    /// 0: as the tier says.
    pub records_per_second: Option<u64>,
    /// 0: as the tier says.
    pub bytes_per_day: Option<u64>,
}

/// What a tenant's own admins may change.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditSettings {
    pub name: Option<String>,
    /// 0: as the tier says.
    pub retention_days: Option<u32>,
    pub capture: Option<Capture>,
    /// In US dollars and cents; 0: none.
    pub monthly_budget_usd: Option<f64>,
}

/// Days. ClickHouse counts expiry in 32-bit seconds.
const LONGEST_RETENTION: u32 = 20_000;
/// JSON's numbers are exact up to here.
const MOST: u64 = 1 << 53;
const MOST_DOLLARS: f64 = 1e12;

pub fn item(tenant: &Tenant, defaults: &Defaults) -> TenantItem {
    TenantItem {
        id: tenant.id.clone(),
        name: tenant.name.clone(),
        tier: tenant.tier,
        retention_days: tenant.retention_days,
        capture: tenant.capture,
        records_per_second: tenant.records_per_second,
        bytes_per_day: tenant.bytes_per_day,
        monthly_budget_usd: dollars(tenant.monthly_budget_cents),
        effective: defaults.effective(tenant),
        created_at: rules::instant(tenant.created_at_ms),
    }
}

pub fn find<'s>(snapshot: &'s Snapshot, id: &str) -> Result<&'s Tenant, Problem> {
    snapshot.tenants.get(id).map(|tenant| &**tenant).ok_or_else(|| Problem::unknown("tenant", id))
}

pub fn add(snapshot: &Snapshot, who: &Principal, request: &NewTenant) -> Result<Decision<Tenant>, Problem> {
    let id = rules::tenant_id(&request.id)?;
    if snapshot.tenants.contains_key(&id) {
        return Err(Problem::conflict(format!("there is a tenant {id} already")));
    }
    let name = rules::name_or_nothing("name", &request.name)?;
    let tenant = Tenant {
        name: if name.is_empty() { id.clone() } else { name },
        id,
        tier: request.tier,
        created_at_ms: now_ms(),
        ..Tenant::default()
    };
    let entry = Entry::by(who, Action::TenantAdd, format!("the tenant {} was added", tenant.id))
        .target("tenant", &tenant.id)
        .with("tier", word(&tenant.tier));
    Ok(Decision::new(Change::new().put(&tenant), entry, tenant))
}

pub fn edit(snapshot: &Snapshot, who: &Principal, id: &str, request: &EditTenant) -> Result<Decision<Tenant>, Problem> {
    let before = find(snapshot, id)?;
    let mut tenant = before.clone();
    set(&mut tenant, request.name.as_deref(), request.retention_days, request.capture)?;
    tenant.tier = request.tier.unwrap_or(before.tier);
    tenant.records_per_second = request.records_per_second.unwrap_or(before.records_per_second);
    tenant.bytes_per_day = request.bytes_per_day.unwrap_or(before.bytes_per_day);
    for (field, value) in [("records_per_second", tenant.records_per_second), ("bytes_per_day", tenant.bytes_per_day)] {
        if value > MOST {
            return Err(Problem::invalid(format!("{field}: {value} is more than {MOST}")));
        }
    }
    Ok(decide(who, Action::TenantEdit, before, tenant))
}

/// The tenant of `who`. A tier that limits how long events are kept is not outbid by those it limits.
pub fn set_up(
    snapshot: &Snapshot,
    who: &Principal,
    defaults: &Defaults,
    request: &EditSettings,
) -> Result<Decision<Tenant>, Problem> {
    let before = find(snapshot, who.tenant())?;
    let mut tenant = before.clone();
    set(&mut tenant, request.name.as_deref(), request.retention_days, request.capture)?;
    if let Some(usd) = request.monthly_budget_usd {
        tenant.monthly_budget_cents = cents(usd)?;
    }
    let most = u32::from(defaults.tier(tenant.tier).retention_days);
    let longer = tenant.retention_days > before.retention_days && tenant.retention_days > most;
    if most > 0 && longer && !who.has(Permission::TenantsManage) {
        return Err(Problem::not_allowed(format!(
            "retention_days: your tier ({}) keeps events for {most} days at most",
            word(&tenant.tier)
        )));
    }
    Ok(decide(who, Action::SettingsEdit, before, tenant))
}

fn set(
    tenant: &mut Tenant,
    name: Option<&str>,
    retention_days: Option<u32>,
    capture: Option<Capture>,
) -> Result<(), Problem> {
    if let Some(name) = name {
        tenant.name = rules::name("name", name)?;
    }
    if let Some(days) = retention_days {
        if days > LONGEST_RETENTION {
            return Err(Problem::invalid(format!(
                "retention_days: give 1 to {LONGEST_RETENTION}, or 0 for what the tier says"
            )));
        }
        tenant.retention_days = days;
    }
    tenant.capture = capture.unwrap_or(tenant.capture);
    Ok(())
}

fn cents(usd: f64) -> Result<u64, Problem> {
    if !(0.0..=MOST_DOLLARS).contains(&usd) {
        return Err(Problem::invalid(format!("monthly_budget_usd: give 0 to {MOST_DOLLARS}; 0 is none")));
    }
    // In range, and rounded: nothing is cut off.
    Ok((usd * 100.0).round() as u64)
}

fn dollars(cents: u64) -> f64 {
    cents as f64 / 100.0
}

/// What changed, and nothing if nothing did.
fn decide(who: &Principal, action: Action, before: &Tenant, tenant: Tenant) -> Decision<Tenant> {
    if tenant == *before {
        return Decision::nothing(tenant);
    }
    let text = format!("settings of the tenant {} were changed", tenant.id);
    let mut entry = Entry::by(who, action, text).target("tenant", &tenant.id);
    if tenant.name != before.name {
        entry = entry.with("changed", "name");
    }
    let values = |tenant: &Tenant| {
        [
            ("tier", word(&tenant.tier)),
            ("capture", word(&tenant.capture)),
            ("retention_days", tenant.retention_days.to_string()),
            ("records_per_second", tenant.records_per_second.to_string()),
            ("bytes_per_day", tenant.bytes_per_day.to_string()),
            ("monthly_budget_usd", dollars(tenant.monthly_budget_cents).to_string()),
        ]
    };
    for ((name, now), (_, then)) in values(&tenant).into_iter().zip(values(before)) {
        if now != then {
            entry = entry.with(name, now);
        }
    }
    Decision::new(Change::new().put(&tenant), entry, tenant)
}

/// `kept`: the tenant that callers without a credential are in. Its events stay until they expire; nobody reads them.
pub fn remove(snapshot: &Snapshot, who: &Principal, id: &str, kept: &str) -> Result<Decision<()>, Problem> {
    let tenant = find(snapshot, id)?;
    let home = snapshot.users.get(&who.user_id).map(|user| user.tenant_id.as_str());
    if id == "default" || id == kept {
        return Err(Problem::conflict(format!("{id} is the installation's own tenant: it stays")));
    }
    if home == Some(id) || who.tenant() == id {
        return Err(Problem::conflict("this is your own tenant: somebody of another one must delete it"));
    }
    // Table by table: each is one insert. First what lets somebody in, and the tenant last: what failed half-way can be done again.
    let mut change = Change::new();
    for token in snapshot.tokens.values().filter(|token| token.tenant_id == id) {
        change = change.remove(&**token);
    }
    for session in snapshot.sessions.values().filter(|session| session.tenant_id == id) {
        change = change.remove(&**session);
    }
    for source in snapshot.sources.values().filter(|source| source.tenant_id == id) {
        change = webhooks::without(source, change);
    }
    for invite in snapshot.invites.values().filter(|invite| invite.tenant_id == id) {
        change = change.remove(&**invite);
    }
    for membership in snapshot.memberships.values().flatten().filter(|membership| membership.tenant_id == id) {
        change = change.remove(&**membership);
    }
    for user in snapshot.users.values().filter(|user| user.tenant_id == id) {
        change = change.remove(&users::emptied(user));
    }
    change = snapshot.projects_of(id).fold(change, |change, project| change.remove(&**project));
    change = snapshot.roles_of(id).fold(change, |change, role| change.remove(&**role));
    change = snapshot.packs_of(id).fold(change, |change, pack| change.remove(&**pack));
    change = change.remove(tenant);
    let entry = Entry::by(who, Action::TenantDelete, format!("the tenant {id} was deleted")).target("tenant", id);
    Ok(Decision::new(change, entry, ()))
}

/// As it is written in JSON.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

// === impl Defaults ===

impl Defaults {
    fn tier(&self, tier: Tier) -> &TierLimits {
        match tier {
            Tier::Free => &self.tiers.free,
            Tier::Pro => &self.tiers.pro,
            Tier::Enterprise => &self.tiers.enterprise,
        }
    }

    pub fn effective(&self, tenant: &Tenant) -> Effective {
        let tier = self.tier(tenant.tier);
        let first = |own: u64, others: u64| if own == 0 { others } else { own };
        let days = [tenant.retention_days, tier.retention_days.into(), self.retention_days.into()];
        Effective {
            retention_days: days.into_iter().find(|days| *days > 0).unwrap_or(0).min(LONGEST_RETENTION),
            records_per_second: first(tenant.records_per_second, tier.records_per_second),
            bytes_per_day: first(tenant.bytes_per_day, tier.bytes_per_day.0),
        }
    }
}
