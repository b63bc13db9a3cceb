//! What the normalisers promise, case by case. Requests are written as OTLP/JSON.

mod attribution;
mod claude_code;
mod content;
mod generic;

use std::sync::LazyLock;

use activitylog::ingest::otlp::{Limits, Visit, json};
use activitylog::model::event::{CostOrigin, Event, UsageRole};
use activitylog::model::metric::Metric;
use activitylog::model::otlp::{DataPoint, InstrumentationScope, LogRecord, MetricMeta, Resource, Span};
use activitylog::normalise::content::Dropped;
use activitylog::normalise::rules::Rules;
use activitylog::normalise::{Context, Normaliser};
use serde_json::{Value, json};

use crate::fidelity::text;

const NOW: i64 = 1_795_221_532_690_000_000;
const EVENTS: &str = "com.anthropic.claude_code.events";
const TRACING: &str = "com.anthropic.claude_code.tracing";

struct Each<'c, F, M> {
    normaliser: Normaliser<'c>,
    event: F,
    metric: M,
}

impl<F: FnMut(&Event<'_>), M: FnMut(&Metric<'_>)> Visit for Each<'_, F, M> {
    fn resource(&mut self, resource: &Resource<'_>) {
        self.normaliser.resource(resource);
    }
    fn scope(&mut self, scope: &InstrumentationScope<'_>) {
        self.normaliser.scope(scope);
    }
    fn log(&mut self, record: &LogRecord<'_>) {
        (self.event)(&self.normaliser.log(record));
    }
    fn span(&mut self, span: &Span<'_>) {
        (self.event)(&self.normaliser.span(span));
    }
    fn point(&mut self, metric: &MetricMeta<'_>, point: &DataPoint<'_>) {
        (self.metric)(&self.normaliser.point(metric, point));
    }
}

static DEFAULTS: LazyLock<Rules> = LazyLock::new(Rules::default);

fn context() -> Context<'static> {
    Context { tenant_id: "acme", project: "", now_ns: NOW, rules: &DEFAULTS }
}

/// `{"a": 1}` as a list of attributes.
fn attributes(map: &Value) -> Value {
    let value = |v: &Value| match v {
        Value::String(text) => json!({"stringValue": text}),
        Value::Bool(flag) => json!({"boolValue": flag}),
        Value::Number(n) if n.is_f64() => json!({"doubleValue": n}),
        Value::Number(n) => json!({"intValue": n}),
        other => other.clone(),
    };
    let pairs = map.as_object().into_iter().flatten();
    pairs.map(|(key, v)| json!({"key": key, "value": value(v)})).collect()
}

/// One log record: its attributes (`record["attributes"]` as a plain map), with the resource's.
fn log(
    context: Context<'_>,
    scope: &str,
    resource: Value,
    mut record: Value,
    check: impl FnMut(&Event<'_>),
) -> Dropped {
    record["attributes"] = attributes(&record["attributes"]);
    let body = json!({"resourceLogs": [{
        "resource": {"attributes": attributes(&resource)},
        "scopeLogs": [{"scope": {"name": scope, "version": "2.1.329"}, "logRecords": [record]}],
    }]});
    let mut each = Each { normaliser: Normaliser::new(context), event: check, metric: |_: &Metric<'_>| {} };
    let tally = json::decode_logs(body.to_string().as_bytes(), &Limits::default(), &mut each);
    assert_eq!(tally.expect("decodes").accepted, 1);
    each.normaliser.dropped().clone()
}

fn span(scope: &str, mut span: Value, check: impl FnMut(&Event<'_>)) -> Dropped {
    span["attributes"] = attributes(&span["attributes"]);
    if span["startTimeUnixNano"].is_null() {
        span["startTimeUnixNano"] = json!(NOW);
        span["endTimeUnixNano"] = json!(NOW + 5_000_000);
    }
    let body = json!({"resourceSpans": [{"scopeSpans": [{"scope": {"name": scope}, "spans": [span]}]}]});
    let mut each = Each { normaliser: Normaliser::new(context()), event: check, metric: |_: &Metric<'_>| {} };
    let tally = json::decode_traces(body.to_string().as_bytes(), &Limits::default(), &mut each);
    assert_eq!(tally.expect("decodes").accepted, 1);
    each.normaliser.dropped().clone()
}

fn point(metric: Value, check: impl FnMut(&Metric<'_>)) {
    let body = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]});
    let mut each = Each { normaliser: Normaliser::new(context()), event: |_: &Event<'_>| {}, metric: check };
    let tally = json::decode_metrics(body.to_string().as_bytes(), &Limits::default(), &mut each);
    assert_eq!(tally.expect("decodes").accepted, 1);
}

fn claude(attributes: Value, check: impl FnMut(&Event<'_>)) -> Dropped {
    let name = attributes["event.name"].as_str().unwrap_or("api_request").to_owned();
    let body = json!({"stringValue": format!("claude_code.{name}")});
    let record = json!({"timeUnixNano": NOW, "body": body, "attributes": attributes});
    log(context(), EVENTS, json!({"service.version": "2.1.329"}), record, check)
}

fn attribute(event: &Event<'_>, name: &str) -> Option<String> {
    let found = event.attributes.iter().find(|(key, _)| *key == name)?;
    Some(text(&found.1))
}

// === time and place ===

#[test]
fn unbelievable_times_are_now_and_are_kept() {
    let year_2500 = 16_725_225_600_000_000_000_u64;
    for (time, kept) in [(1, Some("1")), (year_2500, Some("16725225600000000000")), (0, None)] {
        let record = json!({"timeUnixNano": time.to_string()});
        log(context(), "app", json!({}), record, |event| {
            assert_eq!(event.timestamp_ns, NOW);
            assert_eq!(attribute(event, "original_timestamp").as_deref(), kept);
        });
    }
    let observed = json!({"observedTimeUnixNano": NOW - 5});
    log(context(), "app", json!({}), observed, |event| assert_eq!(event.timestamp_ns, NOW - 5));
    let iso = json!({"attributes": {"event.timestamp": "2026-11-21T00:38:52.690Z"}});
    log(context(), EVENTS, json!({}), iso, |event| {
        assert_eq!(event.timestamp_ns, NOW);
        assert!(!event.attributes.iter().any(|(key, _)| *key == "event.timestamp"));
    });
}

#[test]
fn a_span_that_ends_before_it_starts_takes_no_time() {
    let backwards = json!({"name": "x", "startTimeUnixNano": NOW, "endTimeUnixNano": NOW - 1});
    span("app", backwards, |event| {
        assert_eq!(event.duration_ns, 0);
        assert_eq!(attribute(event, "original_end_timestamp"), Some((NOW - 1).to_string()));
    });
}

#[test]
fn the_token_says_the_project_first() {
    let record = || json!({"attributes": {"project": "mine"}});
    log(context(), "app", json!({}), record(), |event| assert_eq!(event.project, "mine"));
    log(context(), "app", json!({"project": "res"}), json!({}), |event| assert_eq!(event.project, "res"));
    let bound = Context { project: "bound", ..context() };
    log(bound, "app", json!({"project": "res"}), record(), |event| {
        assert_eq!(event.project, "bound");
        assert_eq!(attribute(event, "project").as_deref(), Some("mine"));
    });
}
