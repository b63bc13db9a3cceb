//! Native events as protobuf (`proto/activitylog/v1/messages.proto`). A request is cut into its events first, and each is read by
//! itself: a list of all of them would take a hundred times the bytes of empty ones.

use std::borrow::Cow;

use prost::Message as _;

use super::fields::{self, ENTRY_BYTES};
use super::{Entry, Flaw, MOST_ENTRIES};
use crate::ingest::otlp::protobuf::wire::{Field, Reader};
use crate::model::event::Kind;
use crate::model::message::{Duration, Message, Time};
use crate::model::otlp::{KeyValue, Value};
use crate::outcome::Reason;

/// The messages of `activitylog.v1`, made by `build.rs`.
// Generated as it is: the large variant is the usual one.
#[allow(clippy::large_enum_variant)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/activitylog.v1.rs"));
}

/// The events of a `PublishRequest`, and its idempotency key.
pub fn cut(request: &[u8]) -> Result<(Vec<Entry<'_>>, &str), Flaw> {
    let (mut entries, mut key) = (Vec::new(), "");
    let mut fields = Reader::new(request);
    while let Some(field) = fields.next().map_err(|error| malformed("PublishRequest", error))? {
        match field {
            (1, Field::Bytes(event)) => {
                if entries.len() == MOST_ENTRIES {
                    return Err(Flaw::too_many());
                }
                entries.push(Entry::Protobuf(event));
            }
            (2, Field::Bytes(text)) => {
                key = std::str::from_utf8(text).map_err(|error| malformed("idempotency_key", error))?;
            }
            _ => {}
        }
    }
    Ok((entries, key))
}

/// Reads one event.
pub fn read(raw: &[u8], most_attributes: usize) -> Result<(Kind, Message<'static>), Flaw> {
    if raw.len() > ENTRY_BYTES {
        return Err(Flaw::too_large(raw.len()));
    }
    let event = v1::Event::decode(raw).map_err(|error| malformed("Event", error))?;
    let kind = match v1::Kind::try_from(event.kind) {
        Ok(v1::Kind::Audit) => Kind::Audit,
        Ok(v1::Kind::Message | v1::Kind::Unspecified) => Kind::Message,
        Err(_) => {
            return Err(Flaw::malformed(format!("kind: {} is not known: use KIND_MESSAGE or KIND_AUDIT", event.kind)));
        }
    };
    if event.attributes.len() > most_attributes {
        let message = format!("attributes: more than {most_attributes} (limits.attributes_per_record)");
        return Err(Flaw { reason: Reason::TooManyAttributes, message });
    }
    let mut message = message(event);
    fields::check(&mut message).map_err(Flaw::malformed)?;
    Ok((kind, message))
}

fn message(event: v1::Event) -> Message<'static> {
    let attributes = event.attributes.into_iter();
    Message {
        event_type: event.event_type.into(),
        id: event.id.into(),
        time: event.timestamp.map(time),
        message: event.message.into(),
        severity: event.severity.into(),
        outcome: event.outcome.into(),
        project: event.project.into(),
        user_id: event.user_id.into(),
        session_id: event.session_id.into(),
        correlation_id: event.correlation_id.into(),
        duration: (event.duration_ms != 0.0)
            .then(|| Duration::milliseconds(event.duration_ms, event.duration_ms.to_string())),
        target_type: event.target_type.into(),
        target_id: event.target_id.into(),
        attributes: attributes
            .map(|(key, value)| KeyValue { key: Cow::Owned(key), value: Value::Str(Cow::Owned(value)) })
            .collect(),
    }
}

fn time(timestamp: prost_types::Timestamp) -> Time<'static> {
    let nanoseconds = i128::from(timestamp.seconds) * 1_000_000_000 + i128::from(timestamp.nanos);
    let unix_nano = u64::try_from(nanoseconds.max(0)).unwrap_or(u64::MAX);
    Time { unix_nano, said: timestamp.to_string().into() }
}

fn malformed(what: &str, error: impl std::fmt::Display) -> Flaw {
    Flaw::malformed(format!("not a {what} of activitylog.v1: {error}"))
}
