//! Recordings of real gen_ai instrumentations, record by record, against what is known of them (`tests/fixtures/genai`), and what
//! the dialects promise, case by case.

mod odd;
mod once;
mod recorded;
mod totals;

use std::path::PathBuf;

use activitylog::ingest::otlp::{self, Encoding, Limits, Signal, Visit};
use activitylog::model::event::{Event, UsageRole};
use activitylog::model::metric::Metric;
use activitylog::model::otlp::{DataPoint, InstrumentationScope, LogRecord, MetricMeta, Resource, Span};
use activitylog::normalise::rules::{Rules, ScopeGlobs};
use activitylog::normalise::{Context, Normaliser};
use serde_json::{Value, json};

use crate::fidelity::text;

/// When the recordings were made.
const NOW: i64 = 1_795_222_300_000_000_000;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/genai"))
}

/// `expected-<label>.json` of every recording.
pub fn recordings() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder()).expect("fixtures") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        if let Some(label) = name.strip_prefix("expected-").and_then(|rest| rest.strip_suffix(".json")) {
            let body = std::fs::read(folder().join(&name)).expect("readable");
            found.push((label.to_owned(), serde_json::from_slice(&body).expect("JSON")));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(found.len(), 23);
    found
}

/// A normalised record, owned.
#[derive(Debug, Clone, Default)]
struct Row {
    signal: &'static str,
    /// The span's or metric's name, the event's type.
    name: String,
    event_type: String,
    event_class: String,
    message: String,
    reporter: &'static str,
    trace_id: String,
    span_id: String,
    parent_span_id: String,
    role: UsageRole,
    key: String,
    priority: u8,
    provider: String,
    operation: String,
    model: String,
    user_id: String,
    session_id: String,
    feature: String,
    tool_name: String,
    error_type: String,
    environment: String,
    service: String,
    outcome: String,
    status_code: u16,
    input: u64,
    cache_read: u64,
    cache_written: u64,
    cache_written_1h: u64,
    output: u64,
    reasoning: u64,
    cache_known: bool,
    cost: Option<i64>,
    attributes: Vec<(String, String)>,
    /// Of a data point.
    series_type: String,
    source: String,
    timestamp_ns: i64,
    duration_ns: u64,
}

struct Rows<'c> {
    normaliser: Normaliser<'c>,
    rows: Vec<Row>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn row(signal: &'static str, event: &Event<'_>) -> Row {
    let attributes: Vec<_> = event.attributes.iter().map(|(key, v)| ((*key).to_owned(), text(v))).collect();
    let span_name = attributes.iter().find(|(key, _)| key == "span.name").map(|(_, name)| name.clone());
    Row {
        signal,
        name: match signal {
            "span" => span_name.unwrap_or_else(|| event.message.to_string()),
            _ => event.event_type.to_string(),
        },
        event_type: event.event_type.to_string(),
        event_class: event.event_class.to_string(),
        message: event.message.to_string(),
        reporter: event.reporter,
        trace_id: hex(&event.trace_id),
        span_id: hex(&event.span_id),
        parent_span_id: hex(&event.parent_span_id),
        role: event.usage_role,
        key: event.usage_key.to_string(),
        priority: event.usage_priority,
        provider: event.provider.to_string(),
        operation: event.operation.to_string(),
        model: event.model.to_string(),
        user_id: event.user_id.to_string(),
        session_id: event.session_id.to_string(),
        feature: event.feature.to_string(),
        tool_name: event.tool_name.to_string(),
        error_type: event.error_type.to_string(),
        environment: event.environment.to_string(),
        service: event.service.to_string(),
        outcome: event.outcome.to_string(),
        status_code: event.status_code,
        input: event.input_tokens,
        cache_read: event.cache_read_tokens,
        cache_written: event.cache_creation_tokens,
        cache_written_1h: event.cache_creation_1h_tokens,
        output: event.output_tokens,
        reasoning: event.reasoning_tokens,
        cache_known: event.cache_known,
        cost: event.cost_reported_usd.map(|usd| usd.0),
        attributes,
        series_type: String::new(),
        source: event.source.to_string(),
        timestamp_ns: event.timestamp_ns,
        duration_ns: event.duration_ns,
    }
}

impl Visit for Rows<'_> {
    fn resource(&mut self, resource: &Resource<'_>) {
        self.normaliser.resource(resource);
    }
    fn scope(&mut self, scope: &InstrumentationScope<'_>) {
        self.normaliser.scope(scope);
    }
    fn log(&mut self, record: &LogRecord<'_>) {
        self.rows.push(row("log", &self.normaliser.log(record)));
    }
    fn span(&mut self, span: &Span<'_>) {
        self.rows.push(row("span", &self.normaliser.span(span)));
    }
    fn point(&mut self, metric: &MetricMeta<'_>, point: &DataPoint<'_>) {
        let metric = self.normaliser.point(metric, point);
        self.rows.push(Row {
            signal: "metric",
            name: metric.name.to_string(),
            model: metric.model.to_string(),
            provider: metric.provider.to_string(),
            operation: metric.operation.to_string(),
            service: metric.service.to_string(),
            series_type: metric.series_type.to_string(),
            source: metric.source.to_string(),
            attributes: attributes_of(&metric),
            ..Row::default()
        });
    }
}

fn attributes_of(metric: &Metric<'_>) -> Vec<(String, String)> {
    metric.attributes.iter().map(|(key, v)| ((*key).to_owned(), text(v))).collect()
}

impl Row {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn normalise(rules: &Rules, signal: Signal, encoding: Encoding, body: &[u8]) -> Vec<Row> {
    let context = Context { tenant_id: "acme", project: "", now_ns: NOW, rules };
    let mut rows = Rows { normaliser: Normaliser::new(context), rows: Vec::new() };
    let tally = otlp::decode(signal, encoding, body, &Limits::default(), &mut rows).expect("decodes");
    assert_eq!((tally.accepted, tally.rejected), (rows.rows.len() as u64, 0));
    rows.rows
}

/// The rows of one recorded request.
fn recorded(file: &str, rules: &Rules) -> Vec<Row> {
    let signal = match file {
        _ if file.contains("-traces") => Signal::Traces,
        _ if file.contains("-metrics") => Signal::Metrics,
        _ => Signal::Logs,
    };
    let encoding = if file.ends_with(".pb") { Encoding::Protobuf } else { Encoding::Json };
    normalise(rules, signal, encoding, &std::fs::read(folder().join(file)).expect(file))
}

// === requests by hand ===

/// `{"a": 1}` as a list of attributes.
fn attributes(map: &Value) -> Value {
    let value = |v: &Value| match v {
        Value::String(text) => json!({"stringValue": text}),
        Value::Bool(flag) => json!({"boolValue": flag}),
        Value::Number(n) if n.is_f64() => json!({"doubleValue": n}),
        Value::Number(n) => json!({"intValue": n}),
        other => other.clone(),
    };
    map.as_object().into_iter().flatten().map(|(key, v)| json!({"key": key, "value": value(v)})).collect()
}

/// Spans of one scope: `(name, attributes)`.
fn spans(scope: &str, list: &[(&str, Value)]) -> Vec<Row> {
    spans_by(&Rules::default(), scope, list)
}

fn spans_by(rules: &Rules, scope: &str, list: &[(&str, Value)]) -> Vec<Row> {
    let span = |(at, (name, map)): (usize, &(&str, Value))| {
        json!({"name": name, "kind": 3, "traceId": "00112233445566778899aabbccddeeff",
            "spanId": format!("{:016x}", at + 1), "startTimeUnixNano": NOW, "endTimeUnixNano": NOW + 5_000_000,
            "attributes": attributes(map)})
    };
    let spans: Vec<Value> = list.iter().enumerate().map(span).collect();
    let body = json!({"resourceSpans": [{"scopeSpans": [{"scope": {"name": scope}, "spans": spans}]}]});
    normalise(rules, Signal::Traces, Encoding::Json, body.to_string().as_bytes())
}

/// Log records of one scope, with their attributes as plain maps.
fn logs(scope: &str, list: &[Value]) -> Vec<Row> {
    logs_by(&Rules::default(), scope, list)
}

fn logs_by(rules: &Rules, scope: &str, list: &[Value]) -> Vec<Row> {
    let mut records = list.to_vec();
    for record in &mut records {
        record["attributes"] = attributes(&record["attributes"]);
    }
    let body = json!({"resourceLogs": [{"scopeLogs": [{"scope": {"name": scope}, "logRecords": records}]}]});
    normalise(rules, Signal::Logs, Encoding::Json, body.to_string().as_bytes())
}

/// What the `usage` table counts of these: the best record of each call. By `usage_key`.
fn counted(rows: &[Row]) -> Vec<Row> {
    let mut best: Vec<Row> = Vec::new();
    for row in rows {
        let counts = row.role == UsageRole::Leaf || (row.role == UsageRole::Copy && !row.key.is_empty());
        if !counts {
            continue;
        }
        match best.iter_mut().find(|known| known.key == row.key) {
            Some(known) if known.priority >= row.priority => {}
            Some(known) => *known = row.clone(),
            None => best.push(row.clone()),
        }
    }
    best
}

/// Calls, all input, output.
fn sums(rows: &[Row]) -> (usize, u64, u64) {
    let input = rows.iter().map(|row| row.input + row.cache_read + row.cache_written).sum();
    (rows.len(), input, rows.iter().map(|row| row.output).sum())
}

fn ignoring(scope: &str) -> Rules {
    Rules { ignore_scopes: ScopeGlobs::new([scope]), ..Rules::default() }
}
