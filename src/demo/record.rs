//! One thing that happened, as an OTLP/JSON record on its way to a request, and what it adds to the report.

use std::sync::Arc;

use serde_json::{Value, json};

/// Unix time in nanoseconds.
pub type Nanos = u64;

pub const MILLISECOND: Nanos = 1_000_000;
pub const SECOND: Nanos = 1_000_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    Logs,
    Traces,
    Metrics,
}

/// A resource and scope that sends: a process, and a part of it.
#[derive(Debug)]
pub struct Source {
    /// Unique in a run; records of one source share an envelope.
    pub id: u64,
    pub resource: Attributes,
    pub scope: &'static str,
    pub scope_version: &'static str,
}

/// An attribute list in OTLP/JSON.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes(Vec<Value>);

#[derive(Debug, Clone)]
pub struct Item {
    /// When it is sent: a record's time, a span's end, a point's time.
    pub at: Nanos,
    pub signal: Signal,
    pub source: Arc<Source>,
    pub record: Value,
    /// What it is called in the report.
    pub kind: String,
    pub usage: Option<Usage>,
    /// What it adds to the metrics of its process; they are exported once a minute.
    pub measures: Vec<Measure>,
}

/// A billable call, counted once: here on the record that is its leaf.
#[derive(Debug, Clone)]
pub struct Usage {
    pub dialect: &'static str,
    pub model: &'static str,
    pub tokens: Tokens,
    /// Billionths of a US dollar, where the sender says what it cost.
    pub cost_nanos: u64,
}

/// Disjoint, as ActivityLog stores them: `input` is neither read from nor written to a cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tokens {
    pub input: u64,
    pub cache_read: u64,
    pub cache_creation: u64,
    pub output: u64,
}

#[derive(Debug, Clone)]
pub struct Measure {
    pub source: Arc<Source>,
    pub instrument: &'static Instrument,
    pub attributes: Attributes,
    pub value: f64,
}

#[derive(Debug, PartialEq)]
pub struct Instrument {
    pub name: &'static str,
    pub unit: &'static str,
    pub description: &'static str,
    /// The bounds of a histogram; a counter has none.
    pub bounds: &'static [f64],
}

/// A span before it is an item.
#[derive(Debug, Clone)]
pub struct Span<'a> {
    pub trace: &'a str,
    pub id: &'a str,
    pub parent: Option<&'a str>,
    pub name: &'a str,
    pub kind: SpanKind,
    pub start: Nanos,
    pub end: Nanos,
    /// The status message, where the status is ERROR.
    pub error: Option<&'a str>,
    pub attributes: Attributes,
    /// Name, time and attributes.
    pub events: Vec<(&'static str, Nanos, Attributes)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    Internal = 1,
    Server = 2,
    Client = 3,
}

// === impl Attributes ===

impl Attributes {
    pub fn new() -> Attributes {
        Attributes::default()
    }

    pub fn text(self, key: &str, value: impl Into<String>) -> Attributes {
        self.with(key, json!({"stringValue": value.into()}))
    }

    /// An int64, as a JSON number the way the JavaScript exporter writes it.
    pub fn int(self, key: &str, value: u64) -> Attributes {
        self.with(key, json!({"intValue": value}))
    }

    pub fn double(self, key: &str, value: f64) -> Attributes {
        self.with(key, json!({"doubleValue": value}))
    }

    pub fn flag(self, key: &str, value: bool) -> Attributes {
        self.with(key, json!({"boolValue": value}))
    }

    pub fn list(self, key: &str, values: &[&str]) -> Attributes {
        let values: Vec<Value> = values.iter().map(|value| json!({"stringValue": value})).collect();
        self.with(key, json!({"arrayValue": {"values": values}}))
    }

    pub fn maybe(self, key: &str, value: Option<&str>) -> Attributes {
        match value {
            Some(value) => self.text(key, value),
            None => self,
        }
    }

    pub fn and(mut self, others: &Attributes) -> Attributes {
        self.0.extend(others.0.iter().cloned());
        self
    }

    fn with(mut self, key: &str, value: Value) -> Attributes {
        self.0.push(json!({"key": key, "value": value}));
        self
    }

    pub fn json(&self) -> Value {
        Value::Array(self.0.clone())
    }
}

// === impl Item ===

impl Item {
    pub fn new(at: Nanos, signal: Signal, source: &Arc<Source>, kind: impl Into<String>, record: Value) -> Item {
        Item { at, signal, source: source.clone(), record, kind: kind.into(), usage: None, measures: Vec::new() }
    }

    pub fn span(source: &Arc<Source>, kind: impl Into<String>, span: Span) -> Item {
        let events: Vec<Value> = span
            .events
            .iter()
            .map(|(name, at, attributes)| {
                json!({"timeUnixNano": at.to_string(), "name": name, "attributes": attributes.json()})
            })
            .collect();
        let mut record = json!({
            "traceId": span.trace,
            "spanId": span.id,
            "name": span.name,
            "kind": span.kind as u8,
            "startTimeUnixNano": span.start.to_string(),
            "endTimeUnixNano": span.end.to_string(),
            "attributes": span.attributes.json(),
            "events": events,
            "status": span.error.map_or(json!({"code": 0}), |message| json!({"code": 2, "message": message})),
            "flags": 257,
        });
        if let Some(parent) = span.parent {
            record["parentSpanId"] = json!(parent);
        }
        Item::new(span.end, Signal::Traces, source, kind, record)
    }

    pub fn measure(
        &mut self,
        source: &Arc<Source>,
        instrument: &'static Instrument,
        attributes: Attributes,
        value: f64,
    ) {
        self.measures.push(Measure { source: source.clone(), instrument, attributes, value });
    }
}

// === impl Tokens ===

impl Tokens {
    pub fn add(&mut self, other: Tokens) {
        self.input += other.input;
        self.cache_read += other.cache_read;
        self.cache_creation += other.cache_creation;
        self.output += other.output;
    }
}

/// `2026-11-21T00:40:43.356Z`, UTC.
pub fn iso_millis(at: Nanos) -> String {
    let (days, of_day) = (at / SECOND / 86_400, at / SECOND % 86_400);
    // civil date from days since 1970, in eras of 400 years that start on 1 March
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second, milli) = (of_day / 3600, of_day / 60 % 60, of_day % 60, at / MILLISECOND % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_millis_knows_the_calendar() {
        assert_eq!(iso_millis(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso_millis(1_795_221_643_356_000_000), "2026-11-21T00:40:43.356Z");
        assert_eq!(iso_millis(1_709_208_000 * SECOND), "2024-02-29T12:00:00.000Z");
        assert_eq!(iso_millis(1_735_689_599_999_000_000), "2024-12-31T23:59:59.999Z");
    }
}
