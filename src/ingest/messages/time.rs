//! A sender's `timestamp`: RFC 3339, or a count since 1970 whose unit its size tells.

use jiff::fmt::temporal::Pieces;

use super::json::short;
use crate::model::event::Str;
use crate::model::message::Time;
use crate::query::time::parse;

/// None for an empty text. What no column can hold is moved to its ends; the normaliser doesn't believe it, and keeps the text.
pub fn read(said: Str<'_>) -> Result<Option<Time<'_>>, String> {
    let text = said.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let unix_nano = match since_1970(text) {
        Some(nanoseconds) => nanoseconds,
        None => match parse(text) {
            Some(nanoseconds) => nanoseconds.unsigned_abs(),
            None if is_sentinel(text) => 0,
            None => {
                return Err(format!(
                    "timestamp: {:?} is not a time: write it with its offset, as 2026-05-12T12:00:00Z (RFC 3339), \
                     or as a count since 1970",
                    short(text)
                ));
            }
        },
    };
    Ok(Some(Time { unix_nano, said }))
}

/// Seconds until the year 5138, milliseconds from 1973, microseconds and nanoseconds after them, each with a fraction or not.
fn since_1970(text: &str) -> Option<u64> {
    let unit = |size: f64| match size {
        ..1e11 => 1_000_000_000,
        ..1e14 => 1_000_000,
        ..1e17 => 1_000,
        _ => 1,
    };
    let nanoseconds = match text.parse::<i128>() {
        Ok(count) => count.saturating_mul(unit(count.unsigned_abs() as f64)),
        Err(_) => {
            // `inf` and `nan` are no numbers here.
            let count: f64 = text.parse().ok().filter(|_| text.ends_with(|c: char| c.is_ascii_digit() || c == '.'))?;
            // To the microsecond: a double of today's seconds says no more.
            ((count * unit(count.abs()) as f64 / 1e3).round() as i128).saturating_mul(1_000)
        }
    };
    Some(u64::try_from(nanoseconds.max(0)).unwrap_or(u64::MAX))
}

/// "Never" and "ever", as .NET writes them: without an offset.
fn is_sentinel(text: &str) -> bool {
    Pieces::parse(text).is_ok_and(|pieces| pieces.offset().is_none() && matches!(pieces.date().year(), 0 | 1 | 9999))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanoseconds(text: &str) -> Result<Option<u64>, String> {
        read(text.into()).map(|time| time.map(|time| time.unix_nano))
    }

    #[test]
    fn a_count_says_its_unit_by_its_size() {
        for (text, expected) in [
            ("1778580000", 1_778_580_000_000_000_000),
            ("1778580000.25", 1_778_580_000_250_000_000),
            ("1778580000123", 1_778_580_000_123_000_000),
            ("1778580000123456", 1_778_580_000_123_456_000),
            ("1778580000123456789", 1_778_580_000_123_456_789),
            ("1.77858e9", 1_778_580_000_000_000_000),
            ("0", 0),
            ("-5", 0),
            ("1e308", u64::MAX),
            ("99999999999999999999999999999999999999", u64::MAX),
            (" 2026-05-12T10:00:00Z ", 1_778_580_000_000_000_000),
            ("2026-05-12T12:00:00.5+02:00", 1_778_580_000_500_000_000),
            ("0001-01-01T00:00:00Z", 0),
            ("0001-01-01T00:00:00", 0),
            ("9999-12-31T23:59:59Z", i64::MAX as u64),
            ("9999-12-31T23:59:59.9999999", 0),
        ] {
            assert_eq!(nanoseconds(text), Ok(Some(expected)), "{text}");
        }
        assert_eq!(nanoseconds(""), Ok(None));
        for text in ["yesterday", "2026-05-12T10:00:00", "2026-05-12", "inf", "NaN", "1e400x", "2026-13-01T00:00:00Z"] {
            assert!(nanoseconds(text).is_err(), "{text}");
        }
    }
}
