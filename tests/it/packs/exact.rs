//! Money as whole billionths of a dollar, and as the text of an answer.

use serde_json::Value;

use super::Panel;

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

/// A decimal column's text as billionths.
pub fn nanos_of(text: &str) -> i64 {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{part:0<9}");
    assert_eq!(digits.len(), 9, "{text}");
    sign * (whole.parse::<i64>().expect(text) * 1_000_000_000 + digits.parse::<i64>().expect(text))
}

/// Of a column of whole numbers.
pub fn sum(panel: &Panel, column: &str) -> u64 {
    panel.column(column).iter().map(|cell| cell.parse::<u64>().expect(cell)).sum()
}

/// Of a column of money, in billionths.
pub fn sum_usd(panel: &Panel, column: &str) -> i64 {
    panel.column(column).iter().map(|cell| nanos_of(cell)).sum()
}
