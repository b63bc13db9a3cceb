//! Attribute values as what a column wants. Senders disagree about types (Claude Code sends `duration_ms` as a number
//! on one event and as a string on the next), so every number is accepted as integer, double or string.

use std::borrow::Cow;

use crate::model::event::NanoUsd;
use crate::model::otlp::Value;

/// Beyond this a token count is taken for garbage. (Sums of 2^24 such rows still fit 64 bits.)
const MAX_TOKENS: u64 = 1_000_000_000_000;

/// A number read from an attribute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number<T> {
    pub value: T,
    /// Whether the column says all that the attribute said; otherwise the attribute is kept too.
    pub exact: bool,
}

/// The value as text: integers exact, doubles shortest round-trip.
pub fn text<'r>(value: &'r Value<'_>) -> Cow<'r, str> {
    match value {
        Value::Empty => Cow::Borrowed(""),
        Value::Str(text) => Cow::Borrowed(text),
        Value::Bool(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
        Value::Int(int) => Cow::Owned(itoa::Buffer::new().format(*int).to_owned()),
        Value::Double(double) => Cow::Owned(ryu::Buffer::new().format(*double).to_owned()),
        Value::Rendered(text) => Cow::Borrowed(text),
    }
}

/// A token count: 0 and not exact for negatives, NaN and the absurd.
pub fn tokens(value: &Value<'_>) -> Number<u64> {
    let number = count(value);
    if number.value > MAX_TOKENS {
        return Number { value: 0, exact: false };
    }
    number
}

/// A non-negative whole number.
pub fn count(value: &Value<'_>) -> Number<u64> {
    match value {
        Value::Int(int) => match u64::try_from(*int) {
            Ok(value) => Number { value, exact: true },
            Err(_) => Number::NOTHING,
        },
        Value::Double(double) => from_double(*double),
        Value::Str(text) => match text.trim().parse::<u64>() {
            Ok(value) => Number { value, exact: true },
            Err(_) => text.trim().parse().map_or(Number::NOTHING, from_double),
        },
        Value::Empty | Value::Bool(_) | Value::Rendered(_) => Number::NOTHING,
    }
}

fn from_double(double: f64) -> Number<u64> {
    // 2^53: from there on a double doesn't hold every integer
    if !(0.0..9_007_199_254_740_992.0).contains(&double) {
        return Number::NOTHING;
    }
    let value = double.round();
    Number { value: value as u64, exact: value == double }
}

/// Milliseconds as nanoseconds.
pub fn milliseconds(value: &Value<'_>) -> Option<u64> {
    let from_double = |ms: f64| (ms.is_finite() && ms >= 0.0).then(|| (ms * 1e6).round() as u64);
    match value {
        Value::Int(ms) => u64::try_from(*ms).ok()?.checked_mul(1_000_000),
        Value::Double(ms) => from_double(*ms),
        Value::Str(text) => match text.trim().parse::<u64>() {
            Ok(ms) => ms.checked_mul(1_000_000),
            Err(_) => from_double(text.trim().parse().ok()?),
        },
        Value::Empty | Value::Bool(_) | Value::Rendered(_) => None,
    }
}

/// US dollars.
pub fn usd(value: &Value<'_>) -> Option<NanoUsd> {
    match value {
        Value::Double(usd) => NanoUsd::from_f64(*usd),
        Value::Int(usd) => NanoUsd::from_f64(*usd as f64),
        Value::Str(text) => NanoUsd::from_f64(text.trim().parse().ok()?),
        Value::Empty | Value::Bool(_) | Value::Rendered(_) => None,
    }
}

/// Any number.
pub fn double(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Double(double) => Some(*double),
        Value::Int(int) => Some(*int as f64),
        Value::Str(text) => text.trim().parse().ok(),
        Value::Empty | Value::Bool(_) | Value::Rendered(_) => None,
    }
}

pub fn boolean(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Str(text) => match text.as_ref() {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A status code.
pub fn status(value: &Value<'_>) -> Option<u16> {
    let number = count(value);
    number.exact.then_some(number.value).and_then(|n| u16::try_from(n).ok())
}

// === impl Number ===

impl Number<u64> {
    const NOTHING: Number<u64> = Number { value: 0, exact: false };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &'static str) -> Value<'static> {
        Value::Str(Cow::Borrowed(text))
    }

    #[test]
    fn tokens_are_read_from_every_type_and_garbage_is_zero() {
        for (value, expected, exact) in [
            (Value::Int(12), 12, true),
            (Value::Int(-1), 0, false),
            (Value::Int(i64::MAX), 0, false),
            (Value::Double(12.0), 12, true),
            (Value::Double(12.7), 13, false),
            (Value::Double(-3.0), 0, false),
            (Value::Double(f64::NAN), 0, false),
            (Value::Double(f64::INFINITY), 0, false),
            (Value::Double(1e308), 0, false),
            (string("12"), 12, true),
            (string(" 12 "), 12, true),
            (string("1e3"), 1000, true),
            (string("1e308"), 0, false),
            (string("-5"), 0, false),
            (string("NaN"), 0, false),
            (string("many"), 0, false),
            (string(""), 0, false),
            (Value::Bool(true), 0, false),
            (Value::Empty, 0, false),
        ] {
            let number = tokens(&value);
            assert_eq!((number.value, number.exact), (expected, exact), "{value:?}");
        }
    }

    #[test]
    fn costs_are_rounded_to_nano_dollars() {
        for (value, expected) in [
            (Value::Double(0.0016700000000000003), Some(1_670_000)),
            (string("0.00244"), Some(2_440_000)),
            (Value::Int(2), Some(2_000_000_000)),
            (Value::Double(0.0), Some(0)),
            (Value::Double(-0.1), None),
            (Value::Double(f64::NAN), None),
            (Value::Double(1e308), None),
            (string("free"), None),
        ] {
            assert_eq!(usd(&value).map(|n| n.0), expected, "{value:?}");
        }
    }

    #[test]
    fn milliseconds_become_nanoseconds() {
        for (value, expected) in [
            (Value::Int(62), Some(62_000_000)),
            (string("11"), Some(11_000_000)),
            (string("0.5"), Some(500_000)),
            (Value::Double(1.5), Some(1_500_000)),
            (Value::Int(-1), None),
            (Value::Int(i64::MAX), None),
            (Value::Double(f64::NAN), None),
        ] {
            assert_eq!(milliseconds(&value), expected, "{value:?}");
        }
    }

    #[test]
    fn text_keeps_numbers_exact() {
        assert_eq!(text(&Value::Int(i64::MIN)), "-9223372036854775808");
        assert_eq!(text(&Value::Double(0.1)), "0.1");
        assert_eq!(text(&Value::Double(0.0016700000000000003)), "0.0016700000000000003");
        assert_eq!(text(&Value::Double(f64::NAN)), "NaN");
        assert_eq!(text(&Value::Bool(false)), "false");
    }
}
