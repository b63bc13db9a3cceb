//! One path for all: decode, normalise, append, and answer only from a receipt.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

use super::body::Held;
use super::notes::Notes;
use super::otlp::{
    DecodeError, Encoding, Limits, Signal, Tally, Visit, address, decode,
    evidence::{self, Astray},
};
use super::refusal::Refusal;
use super::settings::{Settings, TenantSettings};
use crate::auth::Writer;
use crate::clickhouse::events::{EventBlock, Stamp};
use crate::clickhouse::metrics::MetricBlock;
use crate::clickhouse::table::Block;
use crate::model::event::Event;
use crate::model::otlp::{DataPoint, InstrumentationScope, LogRecord, MetricMeta, Resource, Span};
use crate::normalise::content::{Dropped, Policy, Speaker};
use crate::normalise::{Context, Normaliser};
use crate::outcome::{Outcome, Reason};
use crate::ship::Rows;
use crate::spool::{Appended, Lanes, RequestKey};
use crate::telemetry::counters::{Counters, Door};
use crate::telemetry::diagnostics::Diagnostics;

pub struct Intake {
    pub events: Arc<Lanes<Rows<EventBlock>>>,
    pub metrics: Arc<Lanes<Rows<MetricBlock>>>,
    pub counters: Arc<Counters>,
    pub diagnostics: Arc<Diagnostics>,
    pub limits: Limits,
    pub settings: Settings,
}

/// One export request, admitted.
pub struct Export<'r> {
    pub door: Door,
    pub signal: Signal,
    pub encoding: Encoding,
    pub body: Held,
    pub user_agent: &'r str,
    pub started: Instant,
}

/// What a success is built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub outcome: Outcome,
    /// What was wrong with the first rejected record.
    pub message: Option<String>,
}

/// Where `Intake::deliver` has events pushed.
pub struct Delivery<'b> {
    block: &'b mut EventBlock,
    stamp: Stamp<'b>,
    pub context: Context<'b>,
    /// What the content policy took from the events: counted once they are stored.
    pub dropped: Dropped,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered<R> {
    Stored(R),
    /// Its key is known: acknowledged, and not stored again.
    Duplicate,
}

/// A larger body is worth moving the other tasks of this thread away.
const LONG_WORK: usize = 256 * 1024;

/// Where the rows of a signal go.
trait Sink: Block {
    fn visitor<'b>(&'b mut self, normaliser: Normaliser<'b>, stamp: Stamp<'b>) -> impl Visit + Finish;
}

trait Finish {
    /// What the content rules took out, and what was noted.
    fn finish(self) -> (Dropped, Notes);
}

struct Events<'b> {
    block: &'b mut EventBlock,
    normaliser: Normaliser<'b>,
    stamp: Stamp<'b>,
    notes: Notes,
}

struct Metrics<'b> {
    block: &'b mut MetricBlock,
    normaliser: Normaliser<'b>,
    stamp: Stamp<'b>,
    notes: Notes,
}

// === impl Intake ===

impl Intake {
    /// Returns once every row is fsynced.
    pub async fn accept(&self, who: &Writer, export: Export<'_>) -> Result<Accepted, Refusal> {
        let mut notes = Notes::default();
        let result = match self.rightly_addressed(&export, &mut notes) {
            Err(refusal) => Err(refusal),
            Ok(()) if export.signal == Signal::Metrics => self.append(&self.metrics, who, &export, &mut notes).await,
            Ok(()) => self.append(&self.events, who, &export, &mut notes).await,
        };
        notes.tell(&self.diagnostics, &self.counters, &who.tenant, &export, &result);
        match &result {
            Ok(accepted) => {
                self.counters.taken(export.door, &who.tenant, &accepted.outcome);
                self.counters.acknowledgements.record(export.started.elapsed());
            }
            Err(refusal) => self.counters.refused(export.door, refusal.reason),
        }
        result
    }

    /// Whether the tenant may send more now: asked before a body is read.
    pub fn admit(&self, tenant: &str) -> Result<(), Refusal> {
        let settings = self.settings.of(tenant);
        let Some(meter) = &settings.meter else { return Ok(()) };
        meter.admit(settings.quota).map_err(|over| {
            self.counters.over_quota(tenant);
            Refusal::from(over)
        })
    }

    /// So much of the tenant's was stored.
    pub fn charge(&self, tenant: &str, records: u64, bytes: u64) {
        let settings = self.settings.of(tenant);
        if let Some(meter) = settings.meter.as_ref().filter(|_| records > 0) {
            meter.charge(settings.quota, records, bytes);
        }
    }

    /// Stores what is not OTLP: the events that `fill` pushes, all or none, under a key that names them. `bytes` is about their
    /// size. Returns once they are fsynced. `fill` must do nothing but push: its rows may be undone.
    pub async fn deliver<R>(
        &self,
        who: &Writer,
        bytes: usize,
        key: RequestKey,
        fill: impl FnOnce(&mut Delivery<'_>) -> R,
    ) -> Result<Delivered<R>, Refusal> {
        let settings = self.settings.of(&who.tenant);
        let context = context(who, &settings);
        let stamp = Stamp { tenant_id: &who.tenant, retention_days: settings.retention_days };
        let fill = |rows: &mut Rows<EventBlock>| {
            let mut delivery = Delivery { block: &mut rows.0, stamp, context, dropped: Dropped::default() };
            (fill(&mut delivery), delivery.dropped)
        };
        Ok(match self.events.append(&who.tenant, bytes, key, fill).await? {
            Appended::Stored(_, (filled, dropped)) => {
                self.count(&dropped);
                Delivered::Stored(filled)
            }
            Appended::Duplicate { .. } => Delivered::Duplicate,
        })
    }

    /// Records of another signal are not guessed at: half of their fields would look right.
    fn rightly_addressed(&self, export: &Export<'_>, notes: &mut Notes) -> Result<(), Refusal> {
        let body = &export.body.bytes;
        match evidence::astray(export.signal, export.encoding, body) {
            None => Ok(()),
            Some(Astray::NoList) => Err(address::no_list(export.signal)),
            Some(Astray::Other(other)) => {
                // For the name of the sender, which stands where it always does.
                let _ = decode(other, export.encoding, body, &self.limits, notes);
                Err(address::wrong_signal(other, export.signal, export.door))
            }
        }
    }

    fn count(&self, dropped: &Dropped) {
        self.counters.content_dropped.count(dropped.iter());
        self.counters.content_hashed.count(dropped.hashed());
    }

    async fn append<B: Sink>(
        &self,
        lanes: &Lanes<Rows<B>>,
        who: &Writer,
        export: &Export<'_>,
        notes: &mut Notes,
    ) -> Result<Accepted, Refusal> {
        let settings = self.settings.of(&who.tenant);
        let context = context(who, &settings);
        let stamp = Stamp { tenant_id: &who.tenant, retention_days: settings.retention_days };
        let bytes = export.body.bytes.len();
        let fill = |rows: &mut Rows<B>| {
            let mut work = || self.fill(&mut rows.0, Normaliser::new(context), stamp, export, notes);
            if export.body.bytes.len() > LONG_WORK { tokio::task::block_in_place(work) } else { work() }
        };
        match lanes.append(&who.tenant, bytes, key(who, export), fill).await? {
            Appended::Stored(_, filled) => {
                let tally = filled.map_err(|error| unreadable(export, error))?;
                if let Some(meter) = settings.meter.as_ref().filter(|_| tally.accepted > 0) {
                    meter.charge(settings.quota, tally.accepted, bytes as u64);
                }
                self.counters.repaired_strings.fetch_add(tally.repaired, Relaxed);
                let outcome =
                    Outcome { stored: tally.accepted, duplicate: 0, rejected: tally.rejected, reason: tally.reason };
                Ok(Accepted { outcome, message: tally.message })
            }
            Appended::Duplicate { rows, .. } => {
                let outcome = Outcome { duplicate: u64::from(rows), ..Outcome::default() };
                Ok(Accepted { outcome, message: None })
            }
        }
    }

    /// All of a readable request's rows, or none of an unreadable one's.
    fn fill<B: Sink>(
        &self,
        block: &mut B,
        normaliser: Normaliser<'_>,
        stamp: Stamp<'_>,
        export: &Export<'_>,
        notes: &mut Notes,
    ) -> Result<Tally, DecodeError> {
        let mark = block.rows();
        let (result, dropped) = {
            let mut visitor = block.visitor(normaliser, stamp);
            let result = decode(export.signal, export.encoding, &export.body.bytes, &self.limits, &mut visitor);
            let (dropped, noted) = visitor.finish();
            *notes = noted;
            (result, dropped)
        };
        match &result {
            Ok(_) => self.count(&dropped),
            Err(_) => block.truncate(mark),
        }
        result
    }
}

// === impl Delivery ===

impl Delivery<'_> {
    pub fn push(&mut self, event: &Event<'_>) {
        self.block.push(self.stamp, event);
    }

    /// What the tenant wants of content and personal data.
    pub fn policy(&self) -> Policy<'_> {
        Policy::new(self.context.rules, self.context.tenant_id, Speaker::Anybody)
    }
}

fn context<'c>(who: &'c Writer, settings: &'c TenantSettings) -> Context<'c> {
    Context {
        tenant_id: &who.tenant,
        project: &who.project,
        now_ns: i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX),
        rules: &settings.rules,
    }
}

fn unreadable(export: &Export<'_>, error: DecodeError) -> Refusal {
    let message = match evidence::of_unreadable(export.encoding, &export.body.bytes) {
        Some(what) => format!("{}: {what}", error.message),
        None => error.message,
    };
    Refusal::new(Reason::Malformed, message)
}

/// Same tenant, same signal, same bytes: the same request, sent again.
fn key(who: &Writer, export: &Export<'_>) -> RequestKey {
    let what = [export.signal as u8, export.encoding as u8];
    let seed = xxh3_64(&[who.tenant.as_bytes(), b"\0", who.project.as_bytes(), b"\0", &what].concat());
    RequestKey::export(xxh3_128_with_seed(&export.body.bytes, seed))
}

// === impl Sink ===

impl Sink for EventBlock {
    fn visitor<'b>(&'b mut self, normaliser: Normaliser<'b>, stamp: Stamp<'b>) -> impl Visit + Finish {
        Events { block: self, normaliser, stamp, notes: Notes::default() }
    }
}

impl Sink for MetricBlock {
    fn visitor<'b>(&'b mut self, normaliser: Normaliser<'b>, stamp: Stamp<'b>) -> impl Visit + Finish {
        Metrics { block: self, normaliser, stamp, notes: Notes::default() }
    }
}

// === impl Visit ===

impl Visit for Events<'_> {
    fn resource(&mut self, resource: &Resource<'_>) {
        self.notes.resource(resource);
        self.normaliser.resource(resource);
    }
    fn scope(&mut self, scope: &InstrumentationScope<'_>) {
        self.notes.scope(scope);
        self.normaliser.scope(scope);
    }
    fn log(&mut self, record: &LogRecord<'_>) {
        let event = self.normaliser.log(record);
        self.notes.event(&event);
        self.block.push(self.stamp, &event);
    }
    fn span(&mut self, span: &Span<'_>) {
        let event = self.normaliser.span(span);
        self.notes.event(&event);
        self.block.push(self.stamp, &event);
    }
}

impl Visit for Metrics<'_> {
    fn resource(&mut self, resource: &Resource<'_>) {
        self.notes.resource(resource);
        self.normaliser.resource(resource);
    }
    fn scope(&mut self, scope: &InstrumentationScope<'_>) {
        self.notes.scope(scope);
        self.normaliser.scope(scope);
    }
    fn point(&mut self, meta: &MetricMeta<'_>, point: &DataPoint<'_>) {
        self.block.push(self.stamp, &self.normaliser.point(meta, point));
    }
}

impl Finish for Events<'_> {
    fn finish(self) -> (Dropped, Notes) {
        (self.normaliser.into_dropped(), self.notes)
    }
}

impl Finish for Metrics<'_> {
    fn finish(self) -> (Dropped, Notes) {
        (self.normaliser.into_dropped(), self.notes)
    }
}
