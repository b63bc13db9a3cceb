//! What names an entry, so that its replay is known: its own id, else the request's idempotency key and its place in it, else,
//! where it says when it happened, its own bytes. Names count within a tenant, a project and a kind.

use super::Entry;
use crate::auth::Writer;
use crate::ingest::refusal::Refusal;
use crate::model::event::Kind;
use crate::model::message::Message;
use crate::normalise::identity::{Occurrences, Prefix, RecordKind};
use crate::outcome::Reason;
use crate::spool::RequestKey;

/// What a request says of all its entries.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'o> {
    /// Of entries that don't say it themselves.
    pub kind: Kind,
    pub idempotency_key: Option<&'o str>,
    /// The place of the first entry under the idempotency key.
    pub first_keyed: u64,
    /// The place of the first entry, as the answer counts.
    pub first_index: u64,
}

#[derive(Debug, Clone, Copy)]
pub struct Named {
    pub event_id: u128,
    pub key: RequestKey,
}

pub struct Keys<'o> {
    who: &'o Writer,
    origin: Origin<'o>,
    /// Of entries that are named by their bytes: equal ones in one request are different events.
    occurrences: Occurrences,
}

// === impl Keys ===

impl<'o> Keys<'o> {
    pub fn new(who: &'o Writer, origin: Origin<'o>) -> Keys<'o> {
        Keys { who, origin, occurrences: Occurrences::default() }
    }

    /// None where nothing names it: it is new each time.
    pub fn name(&mut self, kind: Kind, index: usize, message: &Message<'_>, entry: &Entry<'_>) -> Option<Named> {
        let project = if self.who.project.is_empty() { message.project.as_ref() } else { &self.who.project };
        let prefix = Prefix::new(&self.who.tenant, project.as_bytes());
        let record = record_kind(kind);
        if !message.id.is_empty() {
            let event_id = prefix.with(b"id").event_id(record, message.id.as_bytes());
            return Some(Named { event_id, key: RequestKey::delivery(event_id) });
        }
        if let Some(key) = self.origin.idempotency_key {
            let place = self.origin.first_keyed + index as u64;
            let event_id = prefix.with(b"key").with(key.as_bytes()).event_id(record, &place.to_le_bytes());
            return Some(Named { event_id, key: RequestKey::delivery(event_id) });
        }
        message.time.as_ref()?;
        let raw = match entry {
            Entry::Json(text) => text.as_bytes(),
            Entry::Protobuf(bytes) => bytes,
            Entry::Broken(_) => return None,
        };
        let event_id = self.occurrences.event_id(prefix.with(b"raw"), record, raw);
        // Repeated at once or never, like an export.
        Some(Named { event_id, key: RequestKey::export(event_id) })
    }
}

/// A key that no other request has, and what the ids of its entries are made of.
pub fn new_request(who: &Writer) -> Result<(RequestKey, Prefix), Refusal> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| Refusal::new(Reason::Internal, format!("nothing was stored: no random numbers: {error}")))?;
    Ok((RequestKey::export(u128::from_le_bytes(random)), Prefix::new(&who.tenant, &random)))
}

pub fn numbered(prefix: Prefix, kind: Kind, index: usize) -> u128 {
    prefix.event_id(record_kind(kind), &(index as u64).to_le_bytes())
}

fn record_kind(kind: Kind) -> RecordKind {
    if kind == Kind::Audit { RecordKind::Audit } else { RecordKind::Message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::Time;

    fn named(
        tenant: &str,
        project: &str,
        key: Option<&str>,
        kind: Kind,
        index: usize,
        id: &str,
        raw: &str,
    ) -> Option<u128> {
        let who = Writer { tenant: tenant.to_owned(), project: String::new() };
        let origin = Origin { kind, idempotency_key: key, first_keyed: 0, first_index: 0 };
        let time = raw.contains("at").then(|| Time { unix_nano: 1, said: "at".into() });
        let message = Message { id: id.into(), project: project.into(), time, ..Message::default() };
        Keys::new(&who, origin).name(kind, index, &message, &Entry::Json(raw)).map(|named| named.event_id)
    }

    #[test]
    fn an_id_goes_before_a_key_and_a_key_before_the_bytes() {
        let by_id = named("t", "", Some("k"), Kind::Message, 0, "1", "at");
        assert_eq!(by_id, named("t", "", None, Kind::Message, 5, "1", "other"));
        for other in [
            named("u", "", None, Kind::Message, 0, "1", ""),
            named("t", "p", None, Kind::Message, 0, "1", ""),
            named("t", "", None, Kind::Audit, 0, "1", ""),
            named("t", "", None, Kind::Message, 0, "2", ""),
            named("t", "", Some("1"), Kind::Message, 0, "", ""),
        ] {
            assert!(other.is_some() && other != by_id);
        }
        let by_key = named("t", "", Some("k"), Kind::Message, 0, "", "at");
        assert_eq!(by_key, named("t", "", Some("k"), Kind::Message, 0, "", "other"));
        assert_ne!(by_key, named("t", "", Some("k"), Kind::Message, 1, "", "at"));
        let by_bytes = named("t", "", None, Kind::Message, 0, "", "at");
        assert_eq!(by_bytes, named("t", "", None, Kind::Message, 3, "", "at"));
        assert_ne!(by_bytes, named("t", "", None, Kind::Message, 0, "", "at "));
        assert_eq!(named("t", "", None, Kind::Message, 0, "", "no time"), None);
    }
}
