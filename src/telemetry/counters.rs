//! What ActivityLog counts about itself. Every received item is in exactly one of stored, duplicate, rejected.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::unpriced::Unpriced;
use crate::outcome::{Outcome, Reason};

/// Where an item came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Door {
    /// OTLP over gRPC.
    Grpc,
    /// OTLP over HTTP.
    Http,
    Webhook,
    /// Native messages and audit entries, over HTTP and gRPC.
    Messages,
}

#[derive(Debug, Default)]
pub struct Counters {
    doors: [DoorCounters; Door::ALL.len()],
    /// Stored, duplicate, rejected. Only tenants that somebody authenticated for, so not without end.
    tenants: Mutex<BTreeMap<String, [u64; 3]>>,
    /// Requests over what their tenant may send.
    over_quota: Mutex<BTreeMap<String, u64>>,
    /// Calls whose model has no price.
    pub unpriced: Unpriced,
    pub content_dropped: ByRule,
    pub content_hashed: ByRule,
    pub repaired_strings: AtomicU64,
    pub insert_failures: AtomicU64,
    pub inserts: Latency,
    pub acknowledgements: Latency,
    pub in_flight_bytes: AtomicU64,
    pub streams: AtomicU64,
}

#[derive(Debug, Default)]
struct DoorCounters {
    requests: AtomicU64,
    requests_refused: [AtomicU64; Reason::ALL.len()],
    items_stored: AtomicU64,
    items_duplicate: AtomicU64,
    items_rejected: [AtomicU64; Reason::ALL.len()],
}

/// Counts by rule: the built-in ones, and those of the configuration, so not without end.
#[derive(Debug, Default)]
pub struct ByRule(Mutex<BTreeMap<String, u64>>);

/// A histogram with fixed bounds, in seconds.
#[derive(Debug, Default)]
pub struct Latency {
    buckets: [AtomicU64; BOUNDS.len()],
    count: AtomicU64,
    micros: AtomicU64,
}

const BOUNDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

// === impl Door ===

impl Door {
    pub const ALL: [Door; 4] = [Door::Grpc, Door::Http, Door::Webhook, Door::Messages];

    /// The label in `/metrics`.
    pub fn as_str(self) -> &'static str {
        match self {
            Door::Grpc => "grpc",
            Door::Http => "http",
            Door::Webhook => "webhook",
            Door::Messages => "messages",
        }
    }
}

// === impl Counters ===

impl Counters {
    fn door(&self, door: Door) -> &DoorCounters {
        &self.doors[door as usize]
    }

    /// A request that was understood, and what became of its items.
    pub fn taken(&self, door: Door, tenant: &str, outcome: &Outcome) {
        self.count_tenant(tenant, outcome);
        let door = self.door(door);
        door.requests.fetch_add(1, Relaxed);
        door.items_stored.fetch_add(outcome.stored, Relaxed);
        door.items_duplicate.fetch_add(outcome.duplicate, Relaxed);
        if outcome.rejected > 0 {
            let reason = outcome.reason.unwrap_or(Reason::Malformed);
            door.items_rejected[reason as usize].fetch_add(outcome.rejected, Relaxed);
        }
    }

    fn count_tenant(&self, tenant: &str, outcome: &Outcome) {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let new = [outcome.stored, outcome.duplicate, outcome.rejected];
        match tenants.get_mut(tenant) {
            Some(counts) => counts.iter_mut().zip(new).for_each(|(count, new)| *count += new),
            None => drop(tenants.insert(tenant.to_owned(), new)),
        }
    }

    /// A request that was turned away as a whole; how many items it held is not known.
    pub fn refused(&self, door: Door, reason: Reason) {
        let door = self.door(door);
        door.requests.fetch_add(1, Relaxed);
        door.requests_refused[reason as usize].fetch_add(1, Relaxed);
    }

    /// A request of this tenant was turned away for its quota.
    pub fn over_quota(&self, tenant: &str) {
        let mut tenants = self.over_quota.lock().unwrap_or_else(PoisonError::into_inner);
        *tenants.entry(tenant.to_owned()).or_default() += 1;
    }

    /// Appends Prometheus text.
    pub fn write(&self, out: &mut String) {
        head(out, "activitylog_requests_total", "counter", "Requests received, refused ones included.");
        for (label, door) in self.labelled() {
            line(out, "activitylog_requests_total", &format!("door=\"{label}\""), door.requests.load(Relaxed));
        }
        head(out, "activitylog_requests_refused_total", "counter", "Requests turned away as a whole.");
        for (label, door) in self.labelled() {
            reasons(out, "activitylog_requests_refused_total", label, &door.requests_refused);
        }
        head(
            out,
            "activitylog_items_received_total",
            "counter",
            "Items in requests that were read: stored + duplicate + rejected.",
        );
        for (label, door) in self.labelled() {
            let rejected: u64 = door.items_rejected.iter().map(|count| count.load(Relaxed)).sum();
            let received = door.items_stored.load(Relaxed) + door.items_duplicate.load(Relaxed) + rejected;
            line(out, "activitylog_items_received_total", &format!("door=\"{label}\""), received);
        }
        head(out, "activitylog_items_stored_total", "counter", "Items fsynced to the spool.");
        for (label, door) in self.labelled() {
            line(out, "activitylog_items_stored_total", &format!("door=\"{label}\""), door.items_stored.load(Relaxed));
        }
        head(
            out,
            "activitylog_items_duplicate_total",
            "counter",
            "Items of exact replays: acknowledged, not stored again.",
        );
        for (label, door) in self.labelled() {
            line(
                out,
                "activitylog_items_duplicate_total",
                &format!("door=\"{label}\""),
                door.items_duplicate.load(Relaxed),
            );
        }
        head(
            out,
            "activitylog_items_rejected_total",
            "counter",
            "Items rejected while others of their request were kept.",
        );
        for (label, door) in self.labelled() {
            reasons(out, "activitylog_items_rejected_total", label, &door.items_rejected);
        }
        for (name, help, value) in [
            (
                "activitylog_strings_repaired_total",
                "Strings with invalid UTF-8 or half a surrogate pair, repaired.",
                &self.repaired_strings,
            ),
            ("activitylog_insert_failures_total", "Inserts that failed and will be sent again.", &self.insert_failures),
        ] {
            head(out, name, "counter", help);
            line(out, name, "", value.load(Relaxed));
        }
        self.content_dropped.write(out, "activitylog_content_dropped_total", "Values dropped by the content policy.");
        self.content_hashed.write(out, "activitylog_content_hashed_total", "Values hashed by the content policy.");
        for (name, help, value) in [
            (
                "activitylog_in_flight_bytes",
                "Memory held by requests that are being received or wait for their fsync.",
                &self.in_flight_bytes,
            ),
            ("activitylog_streams", "Live streams that are open.", &self.streams),
        ] {
            head(out, name, "gauge", help);
            line(out, name, "", value.load(Relaxed));
        }
        head(out, "activitylog_tenant_items_total", "counter", "Items by tenant and what became of them.");
        for (tenant, counts) in &*self.tenants.lock().unwrap_or_else(PoisonError::into_inner) {
            let tenant = escaped(tenant);
            for (outcome, count) in ["stored", "duplicate", "rejected"].into_iter().zip(counts) {
                let labels = format!("tenant=\"{tenant}\",outcome=\"{outcome}\"");
                line(out, "activitylog_tenant_items_total", &labels, *count);
            }
        }
        let name = "activitylog_tenant_requests_refused_total";
        head(out, name, "counter", "Requests turned away because of what their tenant may send.");
        for (tenant, count) in &*self.over_quota.lock().unwrap_or_else(PoisonError::into_inner) {
            let tenant = escaped(tenant);
            line(out, name, &format!("tenant=\"{tenant}\",reason=\"{}\"", Reason::QuotaExceeded), *count);
        }
        self.unpriced.write(out);
        self.inserts.write(out, "activitylog_insert_seconds", "Time that ClickHouse took to commit a segment.");
        self.acknowledgements.write(
            out,
            "activitylog_acknowledgement_seconds",
            "Time from a request's head to its fsync.",
        );
    }

    fn labelled(&self) -> [(&'static str, &DoorCounters); Door::ALL.len()] {
        Door::ALL.map(|door| (door.as_str(), self.door(door)))
    }
}

// === impl ByRule ===

impl ByRule {
    /// Most requests have nothing to count, and then nothing is locked.
    pub fn count<'r>(&self, counts: impl Iterator<Item = (&'r str, u32)>) {
        let mut counts = counts.peekable();
        if counts.peek().is_none() {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (rule, new) in counts {
            match known.get_mut(rule) {
                Some(count) => *count += u64::from(new),
                None => drop(known.insert(rule.to_owned(), u64::from(new))),
            }
        }
    }

    fn write(&self, out: &mut String, name: &str, help: &str) {
        head(out, name, "counter", help);
        for (rule, count) in &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            line(out, name, &format!("rule=\"{}\"", escaped(rule)), *count);
        }
    }
}

// === impl Latency ===

impl Latency {
    pub fn record(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        if let Some(index) = BOUNDS.iter().position(|bound| seconds <= *bound) {
            self.buckets[index].fetch_add(1, Relaxed);
        }
        self.count.fetch_add(1, Relaxed);
        self.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    fn write(&self, out: &mut String, name: &str, help: &str) {
        head(out, name, "histogram", help);
        let mut below = 0;
        for (bound, bucket) in BOUNDS.iter().zip(&self.buckets) {
            below += bucket.load(Relaxed);
            line(out, &format!("{name}_bucket"), &format!("le=\"{bound}\""), below);
        }
        let count = self.count.load(Relaxed);
        line(out, &format!("{name}_bucket"), "le=\"+Inf\"", count);
        let _ = writeln!(out, "{name}_sum {}", self.micros.load(Relaxed) as f64 / 1e6);
        line(out, &format!("{name}_count"), "", count);
    }
}

/// A label's value, as the text format wants it.
pub fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

pub fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a String does not fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

pub fn line(out: &mut String, name: &str, labels: &str, value: u64) {
    let _ =
        if labels.is_empty() { writeln!(out, "{name} {value}") } else { writeln!(out, "{name}{{{labels}}} {value}") };
}

fn reasons(out: &mut String, name: &str, door: &str, counts: &[AtomicU64; Reason::ALL.len()]) {
    for reason in Reason::ALL {
        line(out, name, &format!("door=\"{door}\",reason=\"{reason}\""), counts[reason as usize].load(Relaxed));
    }
}
