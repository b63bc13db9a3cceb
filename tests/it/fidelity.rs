//! Real Claude Code telemetry, run by run, against what the runs are known to have done (`expected.json`: token counts
//! come from the mock API's own ledger, not from the telemetry).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use activitylog::ingest::otlp::{self, Encoding, Limits, Signal, Tally, Visit};
use activitylog::model::event::{AttributeValue, CostOrigin, Event, Kind, UsageRole};
use activitylog::model::metric::Metric;
use activitylog::model::otlp::{DataPoint, InstrumentationScope, LogRecord, MetricMeta, Resource, Span};
use activitylog::normalise::rules::Rules;
use activitylog::normalise::value;
use activitylog::normalise::{Context, Normaliser};
use serde_json::{Value, json};

/// What the rows of one run add up to, in the words of `expected.json`.
#[derive(Default)]
struct Totals {
    session_ids: BTreeSet<String>,
    events: Counts,
    requests_by_model: Counts,
    tokens: BTreeMap<String, BTreeMap<&'static str, u64>>,
    copied_tokens: BTreeMap<String, BTreeMap<&'static str, u64>>,
    cost_nanos: i64,
    tool_results: BTreeMap<String, (u64, u64)>,
    tool_decisions: BTreeMap<(String, String, String), u64>,
    api_errors: Counts,
    spans: Counts,
    error_spans: Counts,
    datapoints: Counts,
    /// By metric and series, with what was last said and what was added up.
    series: BTreeMap<(String, String), (f64, f64)>,
    ids: BTreeSet<u128>,
    rows: usize,
}

type Counts = BTreeMap<String, u64>;

struct Collect<'c> {
    normaliser: Normaliser<'c>,
    totals: &'c mut Totals,
}

impl Visit for Collect<'_> {
    fn resource(&mut self, resource: &Resource<'_>) {
        self.normaliser.resource(resource);
    }

    fn scope(&mut self, scope: &InstrumentationScope<'_>) {
        self.normaliser.scope(scope);
    }

    fn log(&mut self, record: &LogRecord<'_>) {
        self.totals.log(&self.normaliser.log(record));
    }

    fn span(&mut self, span: &Span<'_>) {
        self.totals.span(&self.normaliser.span(span));
    }

    fn point(&mut self, metric: &MetricMeta<'_>, point: &DataPoint<'_>) {
        self.totals.point(&self.normaliser.point(metric, point));
    }
}

// === impl Totals ===

impl Totals {
    fn row(&mut self, event_id: u128, session_id: &str) {
        self.rows += 1;
        self.ids.insert(event_id);
        if !session_id.is_empty() {
            self.session_ids.insert(session_id.to_owned());
        }
    }

    fn log(&mut self, event: &Event<'_>) {
        self.row(event.event_id, &event.session_id);
        assert_eq!(event.kind, Kind::Log);
        assert_eq!(event.source, "claude_code");
        assert!(!event.message.is_empty());
        assert_eq!(event.user_id.len(), 64, "the record's, not the resource's");
        let name = event.event_type.strip_prefix("claude_code.").expect("prefix");
        add(&mut self.events, name);
        match name {
            "api_request" => {
                assert_eq!(event.usage_role, UsageRole::Leaf);
                assert_eq!(event.cost_origin, CostOrigin::Reported);
                assert_eq!(event.cost_reported_usd, Some(event.cost_usd));
                add(&mut self.requests_by_model, &event.model);
                add_tokens(&mut self.tokens, event);
                self.cost_nanos += event.cost_usd.0;
            }
            "tool_result" => {
                let entry = self.tool_results.entry(event.tool_name.to_string()).or_default();
                match event.outcome.as_ref() {
                    "success" => entry.0 += 1,
                    "failure" => entry.1 += 1,
                    other => panic!("{other}"),
                }
            }
            "tool_decision" => {
                let decision = match event.outcome.as_ref() {
                    "success" => "accept",
                    "rejected" => "reject",
                    other => panic!("{other}"),
                };
                let source = attribute(&event.attributes, "source").expect("source");
                let key = (event.tool_name.to_string(), decision.to_owned(), source);
                *self.tool_decisions.entry(key).or_default() += 1;
            }
            "api_error" => {
                assert_eq!(event.event_class, "error");
                add(&mut self.api_errors, &event.status_code.to_string());
            }
            _ => {}
        }
    }

    fn span(&mut self, event: &Event<'_>) {
        self.row(event.event_id, &event.session_id);
        assert_eq!(event.kind, Kind::Span);
        add(&mut self.spans, &event.event_type);
        if event.outcome == "failure" {
            assert_eq!(event.event_class, "error");
            add(&mut self.error_spans, &event.event_type);
        }
        if event.usage_role == UsageRole::Copy {
            add_tokens(&mut self.copied_tokens, event);
        }
    }

    fn point(&mut self, metric: &Metric<'_>) {
        self.row(metric.event_id, &metric.session_id);
        add(&mut self.datapoints, &metric.name);
        assert!(!metric.model.contains('['), "{}", metric.model);
        let attributes = metric.attributes.iter();
        let series: Vec<_> = attributes.map(|(k, v)| format!("{k}={}", text(v))).collect();
        let columns = [&metric.model, &metric.series_type, &metric.tool_name, &metric.session_id];
        let key = (metric.name.to_string(), format!("{columns:?} {series:?}"));
        let (last, sum) = self.series.entry(key).or_default();
        *last = metric.value;
        *sum += metric.value;
    }

    fn metric_totals(&self, cumulative: bool) -> BTreeMap<String, f64> {
        let mut totals = BTreeMap::new();
        for ((name, _), (last, sum)) in &self.series {
            *totals.entry(name.clone()).or_default() += if cumulative { last } else { sum };
        }
        totals
    }
}

fn add(counts: &mut Counts, key: &str) {
    *counts.entry(key.to_owned()).or_default() += 1;
}

fn add_tokens(tokens: &mut BTreeMap<String, BTreeMap<&'static str, u64>>, event: &Event<'_>) {
    let of_model = tokens.entry(event.model.to_string()).or_default();
    for (name, count) in [
        ("input", event.input_tokens),
        ("output", event.output_tokens),
        ("cacheRead", event.cache_read_tokens),
        ("cacheCreation", event.cache_creation_tokens),
    ] {
        *of_model.entry(name).or_default() += count;
    }
}

pub fn text(value: &AttributeValue<'_>) -> String {
    match value {
        AttributeValue::Otlp(value) => value::text(value).into_owned(),
        AttributeValue::Text(text) => text.to_string(),
    }
}

fn attribute(attributes: &[(&str, AttributeValue<'_>)], name: &str) -> Option<String> {
    let found = attributes.iter().find(|(key, _)| *key == name)?;
    Some(text(&found.1))
}

// === fixtures ===

pub fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/claude-code")
}

pub fn read_json(name: &str) -> Value {
    let text = std::fs::read(fixtures().join(name)).expect(name);
    serde_json::from_slice(&text).expect(name)
}

/// Signal, encoding and body of a fixture, by its name.
pub fn request(file: &str) -> (Signal, Encoding, Vec<u8>) {
    let signal = match file {
        _ if file.contains("-logs.") => Signal::Logs,
        _ if file.contains("-traces.") => Signal::Traces,
        _ => Signal::Metrics,
    };
    let encoding = if file.ends_with(".pb") { Encoding::Protobuf } else { Encoding::Json };
    (signal, encoding, std::fs::read(fixtures().join(file)).expect(file))
}

fn collect(file: &str, now_ns: i64, totals: &mut Totals) -> Tally {
    let (signal, encoding, body) = request(file);
    let rules = Rules::default();
    let context = Context { tenant_id: "acme", project: "", now_ns, rules: &rules };
    let mut collect = Collect { normaliser: Normaliser::new(context), totals };
    otlp::decode(signal, encoding, &body, &Limits::default(), &mut collect).expect(file)
}

// === tests ===

#[test]
fn every_fixture_decodes_to_the_counts_of_the_manifest() {
    for file in read_json("manifest.json")["files"].as_array().expect("files") {
        let name = file["file"].as_str().expect("name");
        let mut totals = Totals::default();
        let now = file["recv_unix_nano"].as_i64().expect("time");
        let tally = collect(name, now, &mut totals);
        let expect = &file["expect"];
        let count = match file["signal"].as_str() {
            Some("logs") => expect["records"].as_u64(),
            Some("traces") => expect["span_count"].as_u64(),
            _ => expect["datapoints"].as_object().map(|o| o.values().filter_map(Value::as_u64).sum()),
        };
        assert_eq!(Some(tally.accepted), count, "{name}");
        assert_eq!((tally.rejected, tally.reason), (0, None), "{name}");
        assert_eq!(totals.rows, totals.ids.len(), "{name}: every row has its own id");
    }
}

#[test]
fn every_run_adds_up_to_what_it_did() {
    let manifest = read_json("manifest.json");
    let expected = read_json("expected.json");
    let runs = manifest["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 76);
    for run in runs {
        let id = run["id"].as_str().expect("id");
        let mut totals = Totals::default();
        for file in run["files"].as_array().expect("files") {
            let file = file.as_str().expect("file");
            let described = manifest["files"].as_array().expect("files");
            let described = described.iter().find(|f| f["file"] == file).expect(file);
            collect(file, described["recv_unix_nano"].as_i64().expect("time"), &mut totals);
        }
        compare(id, &expected["runs"][id], run["temporality"] == "cumulative", &totals);
    }
}

fn compare(id: &str, expected: &Value, cumulative: bool, totals: &Totals) {
    let logs = expected["log_records"].as_u64().expect("log_records") > 0;
    let sessions = json!(totals.session_ids.iter().collect::<Vec<_>>());
    assert_eq!(sessions, sorted(&expected["session_ids"]), "{id}: sessions");
    if logs {
        assert_eq!(json!(totals.events), expected["events"], "{id}: events");
        assert_eq!(json!(totals.requests_by_model), expected["api_requests_by_model"], "{id}");
        assert_eq!(json!(totals.tokens), expected["tokens_by_model"], "{id}: tokens");
        let cost = expected["cost_usd_total"].as_f64().expect("cost");
        assert_eq!(totals.cost_nanos, (cost * 1e9).round() as i64, "{id}: cost, to the nano-dollar");
        compare_tools(id, expected, totals);
        assert_eq!(json!(totals.api_errors), expected["api_error_events_by_status"], "{id}");
    }
    if expected["span_count"].as_u64() > Some(0) {
        assert_eq!(json!(totals.spans), expected["spans"], "{id}: spans");
        assert_eq!(json!(totals.error_spans), expected["error_spans"], "{id}: error spans");
        assert_eq!(json!(totals.copied_tokens), expected["tokens_by_model"], "{id}: llm_request");
    }
    if !totals.datapoints.is_empty() {
        assert_eq!(json!(totals.datapoints), expected["metric_datapoints"], "{id}: data points");
        let found = totals.metric_totals(cumulative);
        let expected = expected["metric_totals"].as_object().expect("totals");
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{id}");
        for (name, total) in expected {
            let total = total.as_f64().expect("number");
            assert!((found[name] - total).abs() < 1e-9, "{id}: {name} {} {total}", found[name]);
        }
    }
}

fn compare_tools(id: &str, expected: &Value, totals: &Totals) {
    let results: BTreeMap<_, _> = totals
        .tool_results
        .iter()
        .map(|(tool, (ok, failed))| (tool, json!({"success": ok, "failure": failed})))
        .collect();
    assert_eq!(json!(results), expected["tool_results"], "{id}: tool results");
    let mut decisions = json!({});
    for ((tool, decision, source), count) in &totals.tool_decisions {
        decisions[tool][decision][source] = json!(count);
    }
    assert_eq!(decisions, expected["tool_decisions"], "{id}: tool decisions");
}

fn sorted(list: &Value) -> Value {
    let mut list: Vec<_> = list.as_array().expect("list").iter().filter_map(Value::as_str).collect();
    list.sort_unstable();
    json!(list)
}
