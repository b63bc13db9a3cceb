//! The fields of a native event: their names, what they take, and how long they may be. The JSON Schema is made from this list.

use crate::model::event::Str;
use crate::model::message::Message;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Text; a number counts as its digits.
    Text,
    Time,
    Milliseconds,
    Attributes,
}

#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    pub takes: Takes,
    /// Bytes, as UTF-8.
    pub most: usize,
    pub about: &'static str,
}

const fn text(name: &'static str, most: usize, about: &'static str) -> Field {
    Field { name, takes: Takes::Text, most, about }
}

pub const EVENT_TYPE: &str = "event_type";
const NAME: usize = 200;
const ID: usize = 512;
pub const MESSAGE_BYTES: usize = 64 << 10;

pub const FIELDS: [Field; 14] = [
    text(EVENT_TYPE, NAME, "What happened, such as invoice.sent: letters, digits and . _ - : /"),
    text("id", ID, "The sender's own id: sent again, the event is not stored twice."),
    Field {
        name: "timestamp",
        takes: Takes::Time,
        most: 64,
        about: "RFC 3339 with an offset, or seconds, milliseconds, microseconds or nanoseconds since 1970 (told apart by their size). \
                Default: the time of arrival.",
    },
    text("message", MESSAGE_BYTES, "One line for the feed."),
    text("severity", NAME, "trace, debug, info, warn, error, fatal, or a number of OpenTelemetry's from 1 to 24."),
    text("outcome", NAME, "success, failure, rejected, or a word of your own. A failure is shown as an error."),
    text("project", NAME, "The project it belongs to; a token's own project goes before it."),
    text("user_id", ID, "Who did it."),
    text("session_id", ID, "The session it was part of."),
    text("correlation_id", ID, "What it shares with other events of the same operation."),
    Field { name: "duration_ms", takes: Takes::Milliseconds, most: 64, about: "How long it took, in milliseconds." },
    text("target_type", NAME, "The kind of thing it was done to, such as task."),
    text("target_id", ID, "The thing it was done to."),
    Field {
        name: "attributes",
        takes: Takes::Attributes,
        most: ENTRY_BYTES,
        about: "Anything else. Nested values are kept as JSON text.",
    },
];

/// One event, as it was sent.
pub const ENTRY_BYTES: usize = 1 << 20;
pub const ATTRIBUTE_NAME_BYTES: usize = 256;

pub fn is_event_type(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b':' | b'/'))
}

/// Where a text goes.
pub fn slot<'m, 'a>(message: &'m mut Message<'a>, name: &str) -> Option<&'m mut Str<'a>> {
    Some(match name {
        EVENT_TYPE => &mut message.event_type,
        "id" => &mut message.id,
        "message" => &mut message.message,
        "severity" => &mut message.severity,
        "outcome" => &mut message.outcome,
        "project" => &mut message.project,
        "user_id" => &mut message.user_id,
        "session_id" => &mut message.session_id,
        "correlation_id" => &mut message.correlation_id,
        "target_type" => &mut message.target_type,
        "target_id" => &mut message.target_id,
        _ => return None,
    })
}

/// What a whole event must keep to, whichever encoding it came in.
pub fn check(message: &mut Message<'_>) -> Result<(), String> {
    if message.event_type.is_empty() {
        return Err("event_type is missing: say what happened, such as \"invoice.sent\"".to_owned());
    }
    for field in FIELDS {
        if let Some(text) = slot(message, field.name)
            && text.len() > field.most
        {
            return Err(format!("{}: {} bytes, more than {}", field.name, text.len(), field.most));
        }
    }
    if !is_event_type(&message.event_type) {
        return Err(format!("event_type: {:?} has more than letters, digits and . _ - : /", message.event_type));
    }
    let long = message.attributes.iter().find(|attribute| attribute.key.len() > ATTRIBUTE_NAME_BYTES);
    match long {
        Some(_) => Err(format!("attributes: a name of more than {ATTRIBUTE_NAME_BYTES} bytes")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_its_place_and_nothing_else_has() {
        let mut message = Message::default();
        for field in FIELDS {
            assert_eq!(slot(&mut message, field.name).is_some(), field.takes == Takes::Text, "{}", field.name);
        }
    }
}
