//! `GET /api/v1/traces/{trace_id}`: a tree, whatever the spans say.

use serde_json::{Value, json};

use super::refused;
use crate::store::{Store, event, nanoseconds, uuid};
use crate::support::{Server, eventually};

const START: &str = "2026-05-12T12:00:00Z";
const MILLISECOND: i64 = 1_000_000;

fn span(n: i64, id: &str, parent: &str, more: Value) -> Value {
    let mut row = json!({
        "kind": "span", "trace_id": "abcdef0123456789abcdef0123456789", "span_id": id, "parent_span_id": parent, "service": "api",
        "event_type": "span.internal", "message": format!("work {id}"), "duration_ns": 2 * MILLISECOND,
    });
    row.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    event(nanoseconds(START) + n * MILLISECOND, n as u128, row)
}

/// Each span with its depth and how it stands, in order.
fn outline(spans: &Value, level: usize, lines: &mut Vec<String>) {
    for span in spans.as_array().expect("spans") {
        let orphan = if span["orphan"] == true { " (orphan)" } else { "" };
        let logs = span["logs"].as_array().expect("logs").len();
        let logs = if logs > 0 { format!(" +{logs}") } else { String::new() };
        lines.push(format!("{}{}{orphan}{logs}", "  ".repeat(level), span["span_id"].as_str().expect("an id")));
        outline(&span["children"], level + 1, lines);
    }
}

fn lines(trace: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    outline(&trace["spans"], 0, &mut lines);
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_a_tree_whatever_its_spans_say() {
    let server = Server::start().await;
    let store = Store::of(&server);
    let usage = json!({
        "operation": "chat", "model": "m", "usage_role": "leaf", "usage_key": "call-1", "input_tokens": 3, "output_tokens": 4,
        "cost_usd": "0.1", "cost_origin": "computed", "service": "worker", "session_id": "s", "user_id": "ada",
    });
    let log = |n: i64, span: &str| {
        let row = json!({"kind": "log", "trace_id": "abcdef0123456789abcdef0123456789", "span_id": span, "message": "said", "event_class": "error"});
        event(nanoseconds(START) + n * MILLISECOND, n as u128, row)
    };
    let rows = [
        span(
            0,
            "root",
            "",
            json!({"attributes": {"span.name": "GET /", "span.kind": "server"}, "duration_ns": 50 * MILLISECOND}),
        ),
        span(1, "child", "root", json!({"event_class": "error", "outcome": "failure"})),
        span(2, "call", "child", usage),
        span(3, "late", "root", json!({})),
        span(4, "orphan", "gone", json!({})),
        span(5, "below", "orphan", json!({})),
        span(6, "self", "self", json!({})),
        span(7, "a", "c", json!({})),
        span(8, "b", "a", json!({})),
        span(9, "c", "b", json!({})),
        log(10, "call"),
        log(11, "call"),
        log(12, "nowhere"),
        log(13, ""),
    ];
    store.insert("activitylog.events", &rows).await;
    // Twice, until its parts are merged.
    store.insert("activitylog.events", &rows[..3]).await;

    let trace = server.json("/api/v1/traces/ABCDEF0123456789abcdef0123456789").await;
    let tree = ["root", "  child", "    call +2", "  late", "orphan (orphan)", "  below", "self (orphan)"];
    let found = lines(&trace);
    assert_eq!(found[..7], tree);
    // A circle is cut somewhere, and all of it is there.
    assert_eq!(found.len(), 10);
    for key in ["a", "b", "c"] {
        assert!(found.iter().any(|line| line.trim_start().split(' ').next() == Some(key)), "{found:?}");
    }
    let logs: Vec<&Value> = trace["logs"].as_array().expect("logs").iter().map(|log| &log["event_id"]).collect();
    assert_eq!(logs, [&json!(uuid(12)), &json!(uuid(13))]);
    for (key, value) in [
        ("trace_id", json!("abcdef0123456789abcdef0123456789")),
        ("start", json!("2026-05-12T12:00:00.000000Z")),
        ("end", json!("2026-05-12T12:00:00.050000Z")),
        ("duration_ms", json!(50.0)),
        ("services", json!(["api", "worker"])),
        ("session_id", json!("s")),
        ("user_id", json!("ada")),
        ("spans_total", json!(10)),
        ("errors", json!(4)),
        ("cost_usd", json!("0.1")),
        ("truncated", json!(false)),
    ] {
        assert_eq!(trace[key], value, "{key}");
    }
    let root = &trace["spans"][0];
    assert_eq!((&root["name"], &root["kind"], &root["depth"]), (&json!("GET /"), &json!("server"), &json!(0)));
    let call = &root["children"][0]["children"][0];
    let tokens = json!({"input": 3, "output": 4, "cache_read": 0, "cache_creation": 0});
    assert_eq!((&call["cost_usd"], &call["tokens"], &call["depth"]), (&json!("0.1"), &tokens, &json!(2)));
    assert_eq!((&call["offset_ms"], &call["duration_ms"], &call["model"]), (&json!(2.0), &json!(2.0), &json!("m")));

    refused(&server, "/api/v1/traces/ffff", 404, "ffff").await;
    refused(&server, "/api/v1/traces/abcdef0123456789abcdef0123456789?x=1", 400, "x").await;
    refused(&server, &format!("/api/v1/traces/{}", "%27%3B%20DROP"), 404, "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_without_end_is_cut_and_a_deep_one_is_answered() {
    let server = Server::start().await;
    let rows: Vec<Value> = (0..5_500)
        .map(|n: i64| {
            let parent = if n == 0 { String::new() } else { format!("s{}", n - 1) };
            span(n, &format!("s{n}"), &parent, json!({"trace_id": "deep"}))
        })
        .collect();
    Store::of(&server).insert("activitylog.events", &rows).await;
    let answer = server.get("/api/v1/traces/deep").await;
    assert_eq!(answer.status, 200);
    // Nested no deeper than what every reader of JSON takes.
    let trace = answer.json();
    assert_eq!((&trace["truncated"], &trace["spans_total"]), (&json!(true), &json!(5_000)));
    let found = lines(&trace);
    assert_eq!(found.len(), 5_000);
    assert!(answer.text().contains("\"depth\":4999"), "how deep it is, is said");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_agent_run_is_one_tree() {
    let server = Server::start_with(&[("ACTIVITYLOG_RETENTION_DAYS", "3650")]).await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/genai/");
    for (file, signal) in [("025-otelgenai-agents-traces.pb", "traces"), ("026-otelgenai-agents-logs.pb", "logs")] {
        let body = std::fs::read(format!("{folder}{file}")).expect(file);
        assert_eq!(server.post(signal, crate::senders::PROTOBUF, body).await.status, 200);
    }
    let known: Value =
        serde_json::from_slice(&std::fs::read(format!("{folder}expected-otelgenai-agents.json")).expect("there"))
            .expect("JSON");
    let spans = known["files"]["025-otelgenai-agents-traces.pb"]["records"].as_array().expect("records");
    let id = spans[0]["trace_id"].as_str().expect("a trace");
    assert!(spans.iter().all(|span| span["trace_id"] == id));
    let trace = eventually("its calls are counted", async || {
        let answer = server.get(&format!("/api/v1/traces/{id}")).await;
        (answer.status == 200 && answer.json()["cost_usd"] != "0").then(|| answer.json())
    })
    .await;
    assert_eq!(trace["spans_total"], spans.len());
    assert_eq!(lines(&trace).len(), spans.len());
    let totals = &known["summary"]["deduplicated_totals"];
    assert_eq!(trace["cost_usd"], totals["cost_usd"].to_string());
    assert_eq!(totals["input_tokens"], told(&trace["spans"]), "of calls, each once");
    let parents: usize =
        spans.iter().filter(|span| span["parent_span_id"].as_str().is_some_and(|id| !id.is_empty())).count();
    assert_eq!(trace["spans"].as_array().map(Vec::len), Some(spans.len() - parents), "its roots");
}

/// The input tokens of the spans that cost something.
fn told(spans: &Value) -> u64 {
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let input =
        |tokens: &Value| number(&tokens["input"]) + number(&tokens["cache_read"]) + number(&tokens["cache_creation"]);
    let own = |span: &Value| if span["cost_usd"].is_string() { input(&span["tokens"]) } else { 0 };
    spans.as_array().expect("spans").iter().map(|span| own(span) + told(&span["children"])).sum()
}
