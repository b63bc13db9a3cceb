//! Native messages and audit entries: from a body's entries to receipts, each under a key that names it.
//!
//! ```text
//! body -> cut into entries -> read -> check -> key -> Intake::deliver
//! ```
//! - What has an id, an idempotency key or a time of its own is appended under its own key: a replay of it is a duplicate,
//!   whatever else its request holds. They are appended together and share a commit.
//! - What has none of these is new each time. It is appended last, all in one, so that a request which fails on the way can be
//!   sent again: nothing that would double was stored.
//! - Memory: the body, a list of its entries (32 bytes each), and what [`CHUNK_BYTES`] of it read.

use std::time::Instant;

use futures_util::future::join_all;
use tokio::task::block_in_place;

use self::keys::{Keys, Named};
use super::accept::{Delivered, Delivery, Intake};
use super::refusal::Refusal;
use crate::auth::Writer;
use crate::model::event::Kind;
use crate::model::message::Message;
use crate::normalise::{audit, message};
use crate::outcome::{Outcome, Reason};
use crate::telemetry::counters::Door;
use crate::telemetry::diagnostics::Sender;

pub mod fields;
pub mod json;
mod keys;
pub mod protobuf;
#[cfg(test)]
mod tests;
mod time;

pub use keys::Origin;

/// In one request.
pub const MOST_ENTRIES: usize = 100_000;
/// What was wrong is said of so many.
pub const MOST_LISTED: usize = 100;

/// Entries that are read and appended together.
const CHUNK_BYTES: usize = 1 << 20;
const CHUNK_ENTRIES: usize = 4096;
/// A larger body is worth moving the other tasks of this thread away.
const LONG_WORK: usize = 256 * 1024;

/// One entry of a request, still as it was sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Entry<'b> {
    Json(&'b str),
    Protobuf(&'b [u8]),
    /// It can't even be cut out.
    Broken(Box<Flaw>),
}

/// Why an entry is rejected: what was wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    pub reason: Reason,
    pub message: String,
}

/// What became of the entries of a call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    pub accepted: u64,
    pub duplicates: u64,
    /// Index and reason, of the first [`MOST_LISTED`].
    pub rejected: Vec<(u64, String)>,
    pub rejected_total: u64,
    reason: Option<Reason>,
}

/// An entry that was read.
struct Ready<'b> {
    index: usize,
    kind: Kind,
    message: Message<'b>,
    named: Option<Named>,
}

impl Intake {
    /// Returns once everything that is accepted is fsynced. `started` is when the request came. On an error the same request
    /// can be sent again.
    pub async fn publish(
        &self,
        who: &Writer,
        origin: Origin<'_>,
        entries: &[Entry<'_>],
        started: Instant,
    ) -> Result<Summary, Refusal> {
        let mut summary = Summary::default();
        let result = self.store(who, origin, entries, &mut summary).await;
        let name = if origin.kind == Kind::Audit { "audit" } else { "messages" };
        let sender = Sender { door: Door::Messages, name };
        if let Err(refusal) = &result {
            self.diagnostics.rejected(&who.tenant, sender, refusal.reason, &refusal.message);
            if summary.accepted + summary.duplicates == 0 {
                self.counters.refused(Door::Messages, refusal.reason);
                return Err(refusal.clone());
            }
            // Some are stored: the others were not taken, this time.
            let known = summary.accepted + summary.duplicates + summary.rejected_total;
            summary.rejected_total += entries.len() as u64 - known;
            summary.reason = Some(refusal.reason);
        }
        let outcome = Outcome {
            stored: summary.accepted,
            duplicate: summary.duplicates,
            rejected: summary.rejected_total,
            reason: summary.reason,
        };
        self.counters.taken(Door::Messages, &who.tenant, &outcome);
        self.diagnostics.received(&who.tenant, sender, summary.accepted);
        result?;
        if let (Some(reason), Some((_, error))) = (summary.reason, summary.rejected.first()) {
            self.diagnostics.rejected(&who.tenant, sender, reason, error);
        }
        self.counters.acknowledgements.record(started.elapsed());
        Ok(summary)
    }

    async fn store(
        &self,
        who: &Writer,
        origin: Origin<'_>,
        entries: &[Entry<'_>],
        summary: &mut Summary,
    ) -> Result<(), Refusal> {
        let mut keys = Keys::new(who, origin);
        let mut nameless = Vec::new();
        let mut from = 0;
        while from < entries.len() {
            let mut ready = Vec::new();
            let to = chunk_end(entries, from);
            for (index, entry) in entries.iter().enumerate().take(to).skip(from) {
                match self.read(origin.kind, entry) {
                    Ok((kind, message)) => match keys.name(kind, index, &message, entry) {
                        None => nameless.push(index),
                        named => ready.push(Ready { index, kind, message, named }),
                    },
                    Err(flaw) => summary.reject(origin.first_index + index as u64, flaw),
                }
            }
            self.append_named(who, origin, entries, &ready, summary).await?;
            from = to;
        }
        self.append_nameless(who, origin, entries, &nameless, summary).await
    }

    async fn append_named(
        &self,
        who: &Writer,
        origin: Origin<'_>,
        entries: &[Entry<'_>],
        ready: &[Ready<'_>],
        summary: &mut Summary,
    ) -> Result<(), Refusal> {
        let deliveries = ready.iter().filter_map(|ready| {
            let named = ready.named?;
            let bytes = entries[ready.index].size();
            Some(self.deliver(who, bytes, named.key, move |to| push(to, ready.kind, named.event_id, &ready.message)))
        });
        let results = join_all(deliveries).await;
        let (mut refused, before, mut bytes) = (None, summary.accepted, 0);
        for (ready, result) in ready.iter().zip(results) {
            match result {
                Ok(Delivered::Stored(())) => {
                    summary.accepted += 1;
                    bytes += entries[ready.index].size() as u64;
                }
                Ok(Delivered::Duplicate) => summary.duplicates += 1,
                // It would fail again, and take its neighbours with it each time.
                Err(refusal) if refusal.reason == Reason::Internal => {
                    let flaw = Flaw { reason: refusal.reason, message: refusal.message };
                    summary.reject(origin.first_index + ready.index as u64, flaw);
                }
                Err(refusal) => refused = Some(refusal),
            }
        }
        self.charge(&who.tenant, summary.accepted - before, bytes);
        refused.map_or(Ok(()), Err)
    }

    /// They are read a second time, one by one: kept until now they would take several times their size.
    async fn append_nameless(
        &self,
        who: &Writer,
        origin: Origin<'_>,
        entries: &[Entry<'_>],
        nameless: &[usize],
        summary: &mut Summary,
    ) -> Result<(), Refusal> {
        if nameless.is_empty() {
            return Ok(());
        }
        let (key, prefix) = keys::new_request(who)?;
        let bytes: usize = nameless.iter().map(|&index| entries[index].size()).sum();
        let fill = |to: &mut Delivery<'_>| {
            for &index in nameless {
                // It was read before, so it is good.
                let Ok((kind, message)) = self.read(origin.kind, &entries[index]) else { continue };
                push(to, kind, keys::numbered(prefix, kind, index), &message);
            }
        };
        let fill = |to: &mut Delivery<'_>| if bytes > LONG_WORK { block_in_place(|| fill(to)) } else { fill(to) };
        self.deliver(who, bytes, key, fill).await?;
        self.charge(&who.tenant, nameless.len() as u64, bytes as u64);
        summary.accepted += nameless.len() as u64;
        Ok(())
    }

    fn read<'b>(&self, kind: Kind, entry: &Entry<'b>) -> Result<(Kind, Message<'b>), Flaw> {
        let (kind, message) = match entry {
            Entry::Json(raw) => (kind, json::read(raw, self.limits.max_attributes)?),
            Entry::Protobuf(raw) => protobuf::read(raw, self.limits.max_attributes)?,
            Entry::Broken(flaw) => return Err(flaw.as_ref().clone()),
        };
        if kind == Kind::Audit
            && let Some(objection) = message.attributes.iter().find_map(audit::objection)
        {
            return Err(Flaw::malformed(objection));
        }
        Ok((kind, message))
    }
}

fn push(to: &mut Delivery<'_>, kind: Kind, event_id: u128, said: &Message<'_>) {
    let mut dropped = std::mem::take(&mut to.dropped);
    to.push(&message::event(to.context, kind, event_id, said, &mut dropped));
    to.dropped = dropped;
}

fn chunk_end(entries: &[Entry<'_>], from: usize) -> usize {
    let mut bytes = 0;
    let fits = |entry: &&Entry<'_>| {
        let before = bytes;
        bytes += entry.size();
        before < CHUNK_BYTES
    };
    from + entries[from..].iter().take(CHUNK_ENTRIES).take_while(fits).count()
}

/// Cuts a JSON body, elsewhere if it is long.
pub fn cut(text: &str, lines: bool) -> Result<Vec<Entry<'_>>, Refusal> {
    let work = || json::cut(text, lines);
    let entries = if text.len() > LONG_WORK { block_in_place(work) } else { work() };
    entries.map_err(|flaw| Refusal::new(flaw.reason, flaw.message))
}

/// A body as text that can be parsed, and how many of its strings had to be repaired for that.
pub fn text(body: &[u8]) -> (std::borrow::Cow<'_, str>, u64) {
    let mut repaired = 0;
    let text = super::otlp::json::repair(body, &mut repaired);
    (text, repaired)
}

// === impl Entry ===

impl Entry<'_> {
    fn broken(flaw: Flaw) -> Self {
        Entry::Broken(Box::new(flaw))
    }

    fn size(&self) -> usize {
        match self {
            Entry::Json(text) => text.len(),
            Entry::Protobuf(bytes) => bytes.len(),
            Entry::Broken(_) => 0,
        }
    }
}

// === impl Flaw ===

impl Flaw {
    fn malformed(message: impl Into<String>) -> Flaw {
        Flaw { reason: Reason::Malformed, message: message.into() }
    }

    fn too_large(bytes: usize) -> Flaw {
        let most = fields::ENTRY_BYTES;
        Flaw { reason: Reason::TooLarge, message: format!("an event of {bytes} bytes, more than {most}") }
    }

    fn too_many() -> Flaw {
        let message = format!("more than {MOST_ENTRIES} events in one request: send smaller batches");
        Flaw { reason: Reason::TooLarge, message }
    }

    /// What a parser said of the whole says more than that nothing was readable.
    fn or(self, error: &serde_json::Error) -> Flaw {
        match self.reason {
            Reason::Malformed => Flaw::malformed(format!("malformed JSON: {error}")),
            _ => self,
        }
    }
}

// === impl Summary ===

impl Summary {
    fn reject(&mut self, index: u64, flaw: Flaw) {
        self.rejected_total += 1;
        self.reason.get_or_insert(flaw.reason);
        if self.rejected.len() < MOST_LISTED {
            self.rejected.push((index, flaw.message));
        }
    }

    pub fn unlisted(&self) -> u64 {
        self.rejected_total - self.rejected.len() as u64
    }

    /// What the next requests of the same call came to.
    pub fn add(&mut self, other: Summary) {
        self.accepted += other.accepted;
        self.duplicates += other.duplicates;
        self.rejected_total += other.rejected_total;
        self.reason = self.reason.or(other.reason);
        let room = MOST_LISTED - self.rejected.len();
        self.rejected.extend(other.rejected.into_iter().take(room));
    }
}
