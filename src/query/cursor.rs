//! Where a reader stands: `<timestamp ns>.<received ms>.<event id>`. Lists walk by timestamp, the live stream by arrival; one
//! cursor serves both, so a page may be followed by a stream.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub timestamp_ns: i64,
    pub received_at_ms: i64,
    pub event_id: Uuid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor: pass on what next_before_cursor, newest_cursor or a stream's id said, unchanged")]
pub struct BadCursor;

// === impl Cursor ===

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.timestamp_ns, self.received_at_ms, self.event_id)
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(BadCursor);
        let mut instant = |most: i64| -> Result<i64, BadCursor> {
            let number: i64 = part()?.parse().map_err(|_| BadCursor)?;
            (0..=most).contains(&number).then_some(number).ok_or(BadCursor)
        };
        // What the columns hold: ClickHouse would refuse others, and no cursor of ours says them.
        let (timestamp_ns, received_at_ms) = (instant(i64::MAX)?, instant(i64::MAX / 1_000_000)?);
        Ok(Cursor { timestamp_ns, received_at_ms, event_id: part()?.parse().map_err(|_| BadCursor)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_and_others_are_refused() {
        let cursor = Cursor { timestamp_ns: 12, received_at_ms: 34, event_id: Uuid::from_u128(56) };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        let id = Uuid::nil();
        for text in
            ["", "1", "1.2", "1.2.x", &format!("a.2.{id}"), &format!("-1.2.{id}"), &format!("1.{}.{id}", i64::MAX)]
        {
            assert_eq!(text.parse::<Cursor>(), Err(BadCursor), "{text}");
        }
    }
}
