//! Instants and windows, in nanoseconds since 1970.

use jiff::Timestamp;
use jiff::fmt::temporal::Pieces;

pub const SECOND: i64 = 1_000_000_000;

/// From (inclusive) to (exclusive).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from: i64,
    pub to: i64,
}

/// What `DateTime64(9)` holds: 1900 to 2262, and nothing of ours is before 1970.
const LATEST: i64 = i64::MAX;

/// RFC 3339, any offset, any fraction. What the column can't hold is moved to its ends.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    match text.parse::<Timestamp>() {
        Ok(instant) => i64::try_from(instant.as_nanosecond().clamp(0, i128::from(LATEST))).ok(),
        // A `Timestamp` leaves out a day at each end of its years, and people write 9999-12-31T23:59:59Z for "ever".
        Err(_) => {
            let pieces =
                Pieces::parse(text).ok().filter(|pieces| pieces.time().is_some() && pieces.offset().is_some())?;
            let year = pieces.date().year();
            (year.abs() == 9999).then_some(if year > 0 { LATEST } else { 0 })
        }
    }
}

/// RFC 3339 UTC with microseconds: always the same number of digits, so that instants sort as text.
pub fn format(ns: i64) -> String {
    let instant = Timestamp::from_nanosecond(i128::from(ns)).unwrap_or(Timestamp::UNIX_EPOCH);
    format!("{instant:.6}")
}

pub fn now() -> i64 {
    i64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(LATEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_six_digits_and_come_back() {
        assert_eq!(format(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(parse("2026-05-12T12:00:00+02:00"), parse("2026-05-12T10:00:00Z"));
        assert_eq!(parse(&format(1_778_580_000_123_456_000)), Some(1_778_580_000_123_456_000));
        assert_eq!(parse("1969-12-31T23:59:59Z"), Some(0));
        assert_eq!(parse("9999-12-31T23:59:59Z"), Some(LATEST));
        assert_eq!(parse("9999-12-31T23:59:59"), None);
        assert_eq!(parse("yesterday"), None);
        assert_eq!(parse("2026-13-01T00:00:00Z"), None);
    }
}
