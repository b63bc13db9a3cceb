//! Events of Claude Code and of other model calls that a test makes up, at times it knows.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

pub const NS_PER_MS: i64 = 1_000_000;
const NS_PER_DAY: i64 = 86_400_000_000_000;

/// Days counted from the end of a month that is over: day 0 is the first of the next.
pub struct Made {
    first: Date,
}

#[derive(Clone, Copy)]
pub enum Kind {
    Delta = 1,
    Cumulative = 2,
}

/// `from` and `to`.
pub type Range = [(&'static str, &'static str); 2];

// === impl Made ===

impl Made {
    /// The first of last month: so that all is past, whenever this runs, and not too old to be believed.
    pub fn around_a_months_end() -> Made {
        let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        Made { first: today.first_of_month().checked_sub(1.month()).expect("a month ago") }
    }

    /// Nanoseconds; milliseconds after the day's begin in UTC.
    pub fn at(&self, day: i64, ms: i64) -> i64 {
        let start = self.first.to_zoned(jiff::tz::TimeZone::UTC).expect("a day").timestamp();
        i64::try_from(start.as_nanosecond()).expect("this century") + day * NS_PER_DAY + ms * NS_PER_MS
    }

    /// As an answer writes it.
    pub fn instant(&self, day: i64, ms: i64) -> String {
        Timestamp::from_nanosecond(i128::from(self.at(day, ms))).expect("in range").to_string()
    }

    pub fn time(&self, day: i64) -> String {
        self.instant(day, 0)
    }

    pub fn day(&self, day: i64) -> String {
        self.first.checked_add(day.days()).expect("a day").to_string()
    }

    /// Whole days in UTC, the last not in it.
    pub fn range(&self, from: i64, to: i64) -> Range {
        // A test's few ranges may stay.
        [("from", self.time(from).leak()), ("to", self.time(to).leak())]
    }

    /// The first of the month, as a date.
    pub fn first(&self) -> Date {
        self.first
    }
}

pub fn attributes(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(key, value)| json!({"key": key, "value": {"stringValue": value}})).collect()
}

// === Claude Code ===

/// A log event; figures may be text, as older versions send them.
pub fn log(at_ns: i64, name: &str, own: &[(&str, &str)]) -> Value {
    json!({
        "timeUnixNano": at_ns.to_string(), "body": {"stringValue": format!("claude_code.{name}")},
        "attributes": attributes(&[own, &[("event.name", name)]].concat()),
    })
}

pub fn logs(resource: &[(&str, &str)], records: &[Value]) -> Value {
    json!({"resourceLogs": [{
        "resource": {"attributes": attributes(resource)},
        "scopeLogs": [{"scope": {"name": "com.anthropic.claude_code.events"}, "logRecords": records}],
    }]})
}

pub fn point(kind: Kind, name: &str, start_ns: i64, at_ns: i64, value: f64, own: &[(&str, &str)]) -> Value {
    let point = json!({
        "startTimeUnixNano": start_ns.to_string(), "timeUnixNano": at_ns.to_string(), "asDouble": value, "attributes": attributes(own),
    });
    json!({"name": name, "sum": {"aggregationTemporality": kind as i32, "isMonotonic": true, "dataPoints": [point]}})
}

pub fn metrics(resource: &[(&str, &str)], metrics: &[Value]) -> Value {
    json!({"resourceMetrics": [{
        "resource": {"attributes": attributes(resource)},
        "scopeMetrics": [{"scope": {"name": "com.anthropic.claude_code"}, "metrics": metrics}],
    }]})
}
