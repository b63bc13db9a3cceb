//! One normalised row of every Claude Code event, span and metric, as documentation: columns that are empty are left out.
//! The example is the recorded one with the most attributes, with content capture off.

use std::collections::BTreeMap;

use activitylog::ingest::otlp::{self, Limits, Visit};
use activitylog::model::event::{Event, UsageRole};
use activitylog::model::metric::Metric;
use activitylog::model::otlp::{DataPoint, InstrumentationScope, LogRecord, MetricMeta, Resource, Span};
use activitylog::normalise::rules::Rules;
use activitylog::normalise::{Context, Normaliser};
use serde_json::{Map, Value, json};

use crate::fidelity::{read_json, request, text};

/// The example of each name, with how many attributes it came with.
type Examples = BTreeMap<String, (usize, Value)>;

struct Rows<'c> {
    normaliser: Normaliser<'c>,
    logs: &'c mut Examples,
    spans: &'c mut Examples,
    points: &'c mut Examples,
}

impl Visit for Rows<'_> {
    fn resource(&mut self, resource: &Resource<'_>) {
        self.normaliser.resource(resource);
    }

    fn scope(&mut self, scope: &InstrumentationScope<'_>) {
        self.normaliser.scope(scope);
    }

    fn log(&mut self, record: &LogRecord<'_>) {
        let event = self.normaliser.log(record);
        note(self.logs, &event.event_type, record.attributes.len(), || event_columns(&event));
    }

    fn span(&mut self, span: &Span<'_>) {
        let event = self.normaliser.span(span);
        note(self.spans, &event.event_type, span.attributes.len(), || event_columns(&event));
    }

    fn point(&mut self, metric: &MetricMeta<'_>, point: &DataPoint<'_>) {
        let row = self.normaliser.point(metric, point);
        note(self.points, &row.name, point.attributes.len(), || metric_columns(&row));
    }
}

fn note(examples: &mut Examples, name: &str, size: usize, row: impl FnOnce() -> Value) {
    match examples.get(name) {
        Some((known, _)) if *known >= size => {}
        _ => drop(examples.insert(name.to_owned(), (size, row()))),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Columns by name; empty text, zeros and nulls are dropped.
fn columns(pairs: impl IntoIterator<Item = (&'static str, Value)>) -> Map<String, Value> {
    let empty = |v: &Value| v.is_null() || *v == json!("") || *v == json!(0) || *v == json!("none");
    let named = pairs.into_iter().filter(|(_, value)| !empty(value));
    named.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn map<'a>(pairs: impl Iterator<Item = (&'a str, String)>) -> Value {
    json!(pairs.collect::<BTreeMap<_, _>>())
}

fn event_columns(e: &Event<'_>) -> Value {
    let role = match e.usage_role {
        UsageRole::None => "none",
        UsageRole::Leaf => "leaf",
        UsageRole::Aggregate => "aggregate",
        UsageRole::Copy => "copy",
    };
    let mut row = columns([
        ("message", json!(e.message)),
        ("event_class", json!(e.event_class)),
        ("outcome", json!(e.outcome)),
        ("severity", json!(e.severity)),
        ("duration_ns", json!(e.duration_ns)),
        ("project", json!(e.project)),
        ("repository", json!(e.repository)),
        ("environment", json!(e.environment)),
        ("service", json!(e.service)),
        ("user_id", json!(e.user_id)),
        ("user_email", json!(e.user_email)),
        ("session_id", json!(e.session_id)),
        ("correlation_id", json!(e.correlation_id)),
        ("target_type", json!(e.target_type)),
        ("target_id", json!(e.target_id)),
        ("trace_id", json!(hex(&e.trace_id))),
        ("span_id", json!(hex(&e.span_id))),
        ("parent_span_id", json!(hex(&e.parent_span_id))),
        ("provider", json!(e.provider)),
        ("model", json!(e.model)),
        ("operation", json!(e.operation)),
        ("feature", json!(e.feature)),
        ("tool_name", json!(e.tool_name)),
        ("error_type", json!(e.error_type)),
        ("input_tokens", json!(e.input_tokens)),
        ("output_tokens", json!(e.output_tokens)),
        ("cache_read_tokens", json!(e.cache_read_tokens)),
        ("cache_creation_tokens", json!(e.cache_creation_tokens)),
        ("cache_creation_1h_tokens", json!(e.cache_creation_1h_tokens)),
        ("cost_nano_usd", json!(e.cost_usd.0)),
        ("usage_role", json!(role)),
        ("usage_key", json!(e.usage_key)),
        ("status_code", json!(e.status_code)),
    ]);
    row.insert("attributes".into(), map(e.attributes.iter().map(|(k, v)| (*k, text(v)))));
    Value::Object(row)
}

fn metric_columns(m: &Metric<'_>) -> Value {
    let mut row = columns([
        ("unit", json!(m.unit)),
        ("kind", json!(format!("{:?}", m.kind))),
        ("temporality", json!(m.temporality)),
        ("is_monotonic", json!(m.is_monotonic)),
        ("value", json!(m.value)),
        ("series_type", json!(m.series_type)),
        ("user_id", json!(m.user_id)),
        ("session_id", json!(m.session_id)),
        ("provider", json!(m.provider)),
        ("model", json!(m.model)),
        ("feature", json!(m.feature)),
        ("tool_name", json!(m.tool_name)),
    ]);
    row.insert("attributes".into(), map(m.attributes.iter().map(|(k, v)| (*k, text(v)))));
    Value::Object(row)
}

#[test]
fn one_row_of_every_event_span_and_metric() {
    let rules = Rules::default();
    let (mut logs, mut spans, mut points) = (Examples::new(), Examples::new(), Examples::new());
    for file in read_json("manifest.json")["files"].as_array().expect("files") {
        let name = file["file"].as_str().expect("name");
        let (signal, encoding, body) = request(name);
        let now_ns = file["recv_unix_nano"].as_i64().expect("time");
        let context = Context { tenant_id: "acme", project: "", now_ns, rules: &rules };
        let normaliser = Normaliser::new(context);
        let mut rows = Rows { normaliser, logs: &mut logs, spans: &mut spans, points: &mut points };
        otlp::decode(signal, encoding, &body, &Limits::default(), &mut rows).expect(name);
    }
    let rows = |examples: Examples| -> BTreeMap<String, Value> {
        examples.into_iter().map(|(name, (_, row))| (name, row)).collect()
    };
    insta::assert_json_snapshot!("claude_code_events", rows(logs));
    insta::assert_json_snapshot!("claude_code_spans", rows(spans));
    insta::assert_json_snapshot!("claude_code_metrics", rows(points));
}
