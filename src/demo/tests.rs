use std::collections::BTreeMap;

use serde_json::Value;

use super::*;

const START: Nanos = 1_795_221_600 * SECOND;

/// Some minutes, one by one, and the last export of every process.
fn minutes(seed: u64, minutes: u64) -> Vec<Item> {
    let mut feed = Feed::new(seed, START, 5.0);
    let mut items = Vec::new();
    let end = START + minutes * 60 * SECOND;
    for minute in 1..=minutes {
        items.extend(feed.until(START + minute * 60 * SECOND));
    }
    items.extend(feed.finish(end));
    items
}

fn report(items: &[Item]) -> DemoReport {
    let mut report = DemoReport::default();
    report.accept(items, 0);
    report
}

#[test]
fn the_same_seed_makes_the_same_bytes() {
    let body = |seed| {
        let items = minutes(seed, 5);
        [Signal::Logs, Signal::Traces, Signal::Metrics].map(|signal| {
            let of_signal: Vec<Item> = items.iter().filter(|item| item.signal == signal).cloned().collect();
            request::body(signal, &of_signal).to_string()
        })
    };
    let first = body(7);
    assert_eq!(first, body(7));
    assert_ne!(first, body(8));
}

#[test]
fn steps_do_not_change_what_happens() {
    let mut feed = Feed::new(7, START, 5.0);
    let events = |items: &[Item]| -> Vec<String> {
        let of_events = items.iter().filter(|item| item.signal != Signal::Metrics);
        of_events.map(|item| item.record.to_string()).collect()
    };
    assert_eq!(events(&feed.until(START + 900 * SECOND)), events(&minutes(7, 15)));
}

#[test]
fn the_rate_is_about_what_was_asked_for() {
    for (rate, seed) in [(5.0, 1), (12.0, 2)] {
        let mut feed = Feed::new(seed, START, rate);
        feed.until(START + 600 * SECOND);
        let events = report(&feed.until(START + 1800 * SECOND)).events() as f64 / 1200.0;
        assert!((events / rate - 1.0).abs() < 0.35, "{events}/s instead of {rate}/s");
    }
}

#[test]
fn exported_metrics_sum_to_the_reported_usage() {
    let items = minutes(11, 30);
    let mut sums: BTreeMap<(String, String), f64> = BTreeMap::new();
    for item in items.iter().filter(|item| item.signal == Signal::Metrics) {
        for point in item.record["sum"]["dataPoints"].as_array().into_iter().flatten() {
            let attributes = point["attributes"].as_array().unwrap();
            let kind = attributes
                .iter()
                .find(|kv| kv["key"] == "type")
                .map_or("", |kv| kv["value"]["stringValue"].as_str().unwrap());
            *sums.entry((item.kind.clone(), kind.to_owned())).or_default() += point["asDouble"].as_f64().unwrap();
        }
    }
    let total = report(&items).total("claude_code");
    let sum = |metric: &str, kind: &str| sums[&(metric.to_owned(), kind.to_owned())];
    assert!(total.calls > 100);
    assert_eq!(sum("claude_code.token.usage", "input"), total.tokens.input as f64);
    assert_eq!(sum("claude_code.token.usage", "output"), total.tokens.output as f64);
    assert_eq!(sum("claude_code.token.usage", "cacheRead"), total.tokens.cache_read as f64);
    assert_eq!(sum("claude_code.token.usage", "cacheCreation"), total.tokens.cache_creation as f64);
    assert!((sum("claude_code.cost.usage", "") - total.cost_nanos as f64 / 1e9).abs() < 1e-6);
}

#[test]
fn everything_the_pages_show_happens_within_an_hour() {
    let report = report(&minutes(1, 60));
    for kind in [
        "claude_code.user_prompt",
        "claude_code.api_request",
        "claude_code.api_error",
        "claude_code.tool_decision",
        "claude_code.tool_result",
        "claude_code.assistant_response",
        "claude_code.subagent_completed",
        "span claude_code.interaction",
        "span claude_code.llm_request",
        "span claude_code.tool.execution",
        "span gen_ai.chat",
        "span gen_ai.generate_content",
        "span gen_ai.execute_tool",
        "span gen_ai.invoke_agent",
        "gen_ai.client.inference.operation.details",
        "pull_request.merged",
        "deployment.succeeded",
        "build.failed",
        "work_item.updated",
        "auth.login",
        "span http",
        "log http",
    ] {
        assert!(report.by_kind.contains_key(kind), "no {kind} in {:?}", report.by_kind);
    }
}

#[test]
fn requests_are_valid_otlp_json() {
    let items = minutes(2, 20);
    for (signal, path) in [
        (Signal::Logs, ["resourceLogs", "scopeLogs", "logRecords"]),
        (Signal::Traces, ["resourceSpans", "scopeSpans", "spans"]),
        (Signal::Metrics, ["resourceMetrics", "scopeMetrics", "metrics"]),
    ] {
        let of_signal: Vec<Item> = items.iter().filter(|item| item.signal == signal).cloned().collect();
        let request = request::body(signal, &of_signal);
        let mut records = 0;
        for envelope in list(&request[path[0]]) {
            valid_attributes(&envelope["resource"]["attributes"]);
            for scope in list(&envelope[path[1]]) {
                assert!(scope["scope"]["name"].is_string());
                for record in list(&scope[path[2]]) {
                    records += 1;
                    valid_record(signal, record);
                }
            }
        }
        assert_eq!(records, of_signal.len());
    }
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn valid_record(signal: Signal, record: &Value) {
    let hex = |key: &str, digits: usize| {
        let id = record[key].as_str().unwrap();
        assert!(
            id.len() == digits && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)),
            "{key} {id}"
        );
    };
    let time = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap();
    match signal {
        Signal::Logs => {
            assert!(time(&record["timeUnixNano"]) >= START);
            valid_attributes(&record["attributes"]);
            assert!(record["body"]["stringValue"].is_string() || record["eventName"].is_string());
            if record["traceId"].is_string() {
                hex("traceId", 32);
                hex("spanId", 16);
            }
        }
        Signal::Traces => {
            hex("traceId", 32);
            hex("spanId", 16);
            assert!(START <= time(&record["startTimeUnixNano"]));
            assert!(time(&record["startTimeUnixNano"]) <= time(&record["endTimeUnixNano"]));
            assert!((1..=3).contains(&record["kind"].as_u64().unwrap()));
            valid_attributes(&record["attributes"]);
        }
        Signal::Metrics => {
            let histogram = &record["histogram"];
            let data = if histogram.is_object() { histogram } else { &record["sum"] };
            assert_eq!(data["aggregationTemporality"], 1);
            for point in list(&data["dataPoints"]) {
                assert!(time(&point["startTimeUnixNano"]) <= time(&point["timeUnixNano"]));
                valid_attributes(&point["attributes"]);
                if histogram.is_object() {
                    let counts: Vec<u64> = list(&point["bucketCounts"]).iter().map(time).collect();
                    assert_eq!(counts.len(), list(&point["explicitBounds"]).len() + 1);
                    assert_eq!(counts.iter().sum::<u64>(), time(&point["count"]));
                } else {
                    assert!(point["asDouble"].is_number());
                }
            }
        }
    }
}

/// Keys are there once, and each value is one AnyValue of the type that it says.
fn valid_attributes(attributes: &Value) {
    let mut keys = std::collections::HashSet::new();
    for kv in list(attributes) {
        assert!(keys.insert(kv["key"].as_str().unwrap()), "{kv} twice");
        let value = kv["value"].as_object().unwrap();
        let (kind, value) = value.iter().next().unwrap();
        let fine = match kind.as_str() {
            "stringValue" => value.is_string(),
            "intValue" => value.is_u64(),
            "doubleValue" => value.is_f64(),
            "boolValue" => value.is_boolean(),
            "arrayValue" => value["values"].is_array(),
            _ => false,
        };
        assert!(fine, "{kv}");
    }
}
