//! A native event (a message or an audit entry) as its sender wrote it, whichever encoding it came in.

use super::event::Str;
use super::otlp::KeyValue;

/// What is empty was not said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Message<'a> {
    pub event_type: Str<'a>,
    pub id: Str<'a>,
    pub time: Option<Time<'a>>,
    pub message: Str<'a>,
    pub severity: Str<'a>,
    pub outcome: Str<'a>,
    pub project: Str<'a>,
    pub user_id: Str<'a>,
    pub session_id: Str<'a>,
    pub correlation_id: Str<'a>,
    pub duration: Option<Duration<'a>>,
    pub target_type: Str<'a>,
    pub target_id: Str<'a>,
    /// Nested values are JSON text.
    pub attributes: Vec<KeyValue<'a>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Time<'a> {
    /// Moved to the ends of what the type holds.
    pub unix_nano: u64,
    /// As the sender wrote it: kept where it is not believed.
    pub said: Str<'a>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Duration<'a> {
    /// None where the column can't hold it: negative, absurd, or no number.
    pub ns: Option<u64>,
    pub said: Str<'a>,
}

// === impl Duration ===

impl<'a> Duration<'a> {
    pub fn milliseconds(ms: f64, said: impl Into<Str<'a>>) -> Duration<'a> {
        let ns = ms * 1e6;
        // 2^63: past it a sum of two would not fit either.
        let holds = (0.0..9_223_372_036_854_775_808.0).contains(&ns);
        Duration { ns: holds.then(|| ns.round() as u64), said: said.into() }
    }
}
