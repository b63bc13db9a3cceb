//! Money as whole billionths of a dollar, and as the text of an answer.

use serde_json::Value;

/// A recording's figure is a double with noise; its last digit that means something is the ninth.
pub fn nanos(value: &Value) -> i64 {
    (value.as_f64().expect("a number") * 1e9).round() as i64
}

/// As a decimal column is written: without zeros at the end.
pub fn usd(nanos: i64) -> String {
    let (sign, nanos) = if nanos < 0 { ("-", -nanos) } else { ("", nanos) };
    let text = format!("{sign}{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
