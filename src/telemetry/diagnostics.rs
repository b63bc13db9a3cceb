//! What arrived, what was turned away and why, and what nobody knew: by tenant and source, so that mysterious traffic explains
//! itself. Kept in memory, bounded, since the process started.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::bounded::{Bounded, clean};
use super::counters::{Door, head, line};
use crate::outcome::Reason;

/// Who sends, as the operator would name it: the service of an exporter, the name of a webhook source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sender<'a> {
    pub door: Door,
    pub name: &'a str,
}

/// How a request came.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner<'a> {
    /// `logs`, `traces`, `metrics`, or empty.
    pub signal: &'static str,
    pub user_agent: &'a str,
}

#[derive(Debug)]
pub struct Diagnostics {
    since: Timestamp,
    tenants: Mutex<Bounded<String, Tenant>>,
    /// Unix seconds: when a refusal of nobody's was last told in the log.
    told: AtomicI64,
}

/// What is kept of one tenant.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub sources: Bounded<SourceKey, Source>,
    pub unpriced: Bounded<(String, String), Count>,
    pub unmapped: Bounded<(String, String), Count>,
}

/// A sender without a name is told by its user agent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceKey {
    pub door: Door,
    pub name: String,
    user_agent: String,
}

#[derive(Debug, Clone, Default)]
pub struct Source {
    pub signals: Vec<&'static str>,
    /// The last one.
    pub user_agent: String,
    /// Requests that were taken, wholly or in part, and the items of them that were stored.
    pub requests: u64,
    pub items: u64,
    pub first_received: Option<Timestamp>,
    pub last_received: Option<Timestamp>,
    pub rejections: Bounded<(Reason, String), Count>,
}

#[derive(Debug, Clone, Default)]
pub struct Count {
    pub count: u64,
}

const TENANTS: usize = 256;
/// Of one tenant.
const SOURCES: usize = 200;
const REJECTIONS: usize = 8;
const MODELS: usize = 100;
const EVENT_TYPES: usize = 200;
/// Characters.
const NAME: usize = 120;
const MESSAGE: usize = 300;

// === impl Diagnostics ===

impl Diagnostics {
    /// So many items were stored.
    pub fn received(&self, tenant: &str, sender: Sender<'_>, items: u64) {
        self.received_as(tenant, sender, Manner::default(), items);
    }

    pub fn received_as(&self, tenant: &str, sender: Sender<'_>, manner: Manner<'_>, items: u64) {
        self.source(tenant, sender, manner, |source, now| {
            source.requests += 1;
            source.items += items;
            source.first_received.get_or_insert(now);
            source.last_received = Some(now);
        });
    }

    /// A request, or items of it, was turned away. The tenant is empty where nobody knows whose it was: that is told in the log
    /// now and then, and shown to nobody.
    pub fn rejected(&self, tenant: &str, sender: Sender<'_>, reason: Reason, message: &str) {
        self.rejected_as(tenant, sender, Manner::default(), reason, message);
    }

    pub fn rejected_as(&self, tenant: &str, sender: Sender<'_>, manner: Manner<'_>, reason: Reason, message: &str) {
        let message = clean(message, MESSAGE);
        if tenant.is_empty() {
            self.tell(sender.door, manner.user_agent, reason, &message);
            return;
        }
        self.source(tenant, sender, manner, |source, now| {
            source.rejections.at((reason, message), now, Count::default).count += 1;
        });
    }

    /// A call whose model has no price.
    pub fn unpriced(&self, tenant: &str, provider: &str, model: &str) {
        self.unpriced_calls(tenant, provider, model, 1);
    }

    pub fn unpriced_calls(&self, tenant: &str, provider: &str, model: &str, calls: u64) {
        self.tenant(tenant, |tenant, now| {
            tenant.unpriced.at((clean(provider, NAME), clean(model, NAME)), now, Count::default).count += calls;
        });
    }

    /// An event kept as it came, because no rule maps its type.
    pub fn unmapped(&self, tenant: &str, source: &str, event_type: &str) {
        self.unmapped_events(tenant, source, event_type, 1);
    }

    pub fn unmapped_events(&self, tenant: &str, source: &str, event_type: &str, events: u64) {
        self.tenant(tenant, |tenant, now| {
            tenant.unmapped.at((clean(source, NAME), clean(event_type, NAME)), now, Count::default).count += events;
        });
    }

    /// When it began to count.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// All of one tenant.
    pub fn of(&self, tenant: &str) -> Tenant {
        self.lock().get(tenant).cloned().unwrap_or_default()
    }

    /// Appends Prometheus text: the models without a price, whoever's they are. No senders: their names have no end.
    pub fn write(&self, out: &mut String) {
        let mut models: HashMap<(String, String), u64> = HashMap::new();
        let mut unmapped = 0;
        for (_, tenant) in self.lock().iter() {
            unmapped += tenant.value.unmapped.iter().map(|(_, seen)| seen.value.count).sum::<u64>();
            for (key, seen) in tenant.value.unpriced.iter() {
                *models.entry(key.clone()).or_default() += seen.value.count;
            }
        }
        let mut models: Vec<_> = models.into_iter().collect();
        models.sort_by(|(a, n), (b, m)| m.cmp(n).then(a.cmp(b)));
        head(
            out,
            "activitylog_unpriced_calls",
            "gauge",
            "Calls since the start whose model has no price: the 100 most.",
        );
        for ((provider, model), count) in models.iter().take(MODELS) {
            let labels = format!("provider=\"{}\",model=\"{}\"", escaped(provider), escaped(model));
            line(out, "activitylog_unpriced_calls", &labels, *count);
        }
        head(out, "activitylog_unmapped_events", "gauge", "Events since the start whose type no rule maps.");
        line(out, "activitylog_unmapped_events", "", unmapped);
    }

    fn source(&self, tenant: &str, sender: Sender<'_>, manner: Manner<'_>, note: impl FnOnce(&mut Source, Timestamp)) {
        let (name, user_agent) = (clean(sender.name, NAME), clean(manner.user_agent, NAME));
        self.tenant(tenant, |tenant, now| {
            let telling = if name.is_empty() { user_agent.clone() } else { String::new() };
            let key = SourceKey { door: sender.door, name, user_agent: telling };
            let source = tenant.sources.at(key, now, Source::default);
            if !manner.signal.is_empty() && !source.signals.contains(&manner.signal) {
                source.signals.push(manner.signal);
            }
            if !user_agent.is_empty() {
                source.user_agent = user_agent;
            }
            note(source, now);
        });
    }

    fn tenant(&self, tenant: &str, note: impl FnOnce(&mut Tenant, Timestamp)) {
        if tenant.is_empty() {
            return;
        }
        let now = Timestamp::now();
        let mut tenants = self.lock();
        note(tenants.at(tenant.to_owned(), now, Tenant::default), now);
    }

    fn lock(&self) -> MutexGuard<'_, Bounded<String, Tenant>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells it in the log. Anybody can be turned away as often as he likes, so at most one line in ten seconds.
    pub fn tell(&self, door: Door, user_agent: &str, reason: Reason, message: &str) {
        let (now, told) = (Timestamp::now().as_second(), self.told.load(Relaxed));
        if now - told >= 10 && self.told.compare_exchange(told, now, Relaxed, Relaxed).is_ok() {
            let user_agent = clean(user_agent, NAME);
            tracing::warn!(door = door.as_str(), %reason, user_agent, "turned away: {message}");
        }
    }
}

impl Default for Diagnostics {
    fn default() -> Self {
        Diagnostics { since: Timestamp::now(), tenants: Mutex::new(Bounded::new(TENANTS)), told: AtomicI64::new(0) }
    }
}

impl Default for Tenant {
    fn default() -> Self {
        Tenant { sources: Bounded::new(SOURCES), unpriced: Bounded::new(MODELS), unmapped: Bounded::new(EVENT_TYPES) }
    }
}

impl Default for Bounded<(Reason, String), Count> {
    fn default() -> Self {
        Bounded::new(REJECTIONS)
    }
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: Sender<'_> = Sender { door: Door::Http, name: "app" };

    #[test]
    fn a_flood_of_names_stays_bounded_and_forgets_the_oldest() {
        let diagnostics = Diagnostics::default();
        for n in 0..10_000 {
            let name = format!("service {n} {}", "x".repeat(10_000));
            diagnostics.received("a", Sender { door: Door::Http, name: &name }, 1);
            diagnostics.rejected("a", APP, Reason::Malformed, &name);
            diagnostics.unmapped("a", "webhook", &name);
            diagnostics.unpriced("a", &name, &name);
            diagnostics.received(&format!("tenant {n}"), APP, 1);
            // Who comes again is kept.
            diagnostics.received("a", APP, 1);
        }
        let kept = diagnostics.of("a");
        assert_eq!(
            (kept.sources.iter().count(), kept.unmapped.iter().count(), kept.unpriced.iter().count()),
            (SOURCES, EVENT_TYPES, MODELS)
        );
        let longest = kept.sources.iter().map(|(key, _)| key.name.chars().count()).max();
        assert_eq!(longest, Some(NAME + 1), "cut, and a mark that it was");
        let app = kept.sources.newest()[0];
        assert_eq!((app.0.name.as_str(), app.1.value.items), ("app", 10_000));
        assert_eq!(app.1.value.rejections.iter().count(), REJECTIONS);
        assert_eq!(diagnostics.lock().iter().count(), TENANTS);
        assert_eq!(kept.sources.forgotten(), 10_001 - SOURCES as u64);
    }

    #[test]
    fn the_same_refusal_is_one_entry_and_no_tenant_sees_anothers() {
        let diagnostics = Diagnostics::default();
        let manner = Manner { signal: "logs", user_agent: "agent\u{1b}[2J\u{202e}/1" };
        for _ in 0..3 {
            diagnostics.rejected_as("a", Sender { door: Door::Grpc, name: "" }, manner, Reason::Malformed, "no\nway");
        }
        diagnostics.rejected("", APP, Reason::Unauthenticated, "whose?");
        let kept = diagnostics.of("a");
        let (_, source) = kept.sources.newest()[0];
        assert_eq!(source.value.user_agent, "agent\u{fffd}[2J\u{fffd}/1");
        assert_eq!((&source.value.signals, source.value.requests), (&vec!["logs"], 0));
        let (key, seen) = source.value.rejections.newest()[0];
        assert_eq!((key, seen.value.count), (&(Reason::Malformed, "no\u{fffd}way".to_owned()), 3));
        assert_eq!((diagnostics.of("b").sources.iter().count(), diagnostics.of("").sources.iter().count()), (0, 0));
    }

    #[test]
    fn models_without_a_price_are_labels_and_senders_are_not() {
        let diagnostics = Diagnostics::default();
        diagnostics.unpriced("a", "p", "m\"1");
        diagnostics.unpriced("b", "p", "m\"1");
        diagnostics.received("a", Sender { door: Door::Http, name: "shop" }, 1);
        let mut out = String::new();
        diagnostics.write(&mut out);
        assert!(out.contains("activitylog_unpriced_calls{provider=\"p\",model=\"m\\\"1\"} 2\n"), "{out}");
        assert!(!out.contains("shop"), "{out}");
    }
}
