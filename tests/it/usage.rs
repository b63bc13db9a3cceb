//! A call counts once, whichever of its records come and in whatever order; and what it doesn't say is filled from its trace.

use serde_json::{Value, json};

use crate::store::Store;
use crate::support::{Server, eventually};

fn attributes(pairs: &Value) -> Value {
    let value = |value: &Value| match value {
        Value::Number(number) => json!({"intValue": number.to_string()}),
        other => json!({"stringValue": other.as_str().expect("text")}),
    };
    let pairs = pairs.as_object().expect("an object").iter();
    pairs.map(|(key, own)| json!({"key": key, "value": value(own)})).collect()
}

fn now_ns() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).expect("this century")
}

/// A span of a second, a minute ago.
fn span(trace: u8, id: u8, parent: Option<u8>, own: &Value) -> Value {
    let start = now_ns() - 60_000_000_000;
    json!({
        "traceId": format!("{trace:032x}"), "spanId": format!("{id:016x}"), "name": "a span", "kind": 3,
        "parentSpanId": parent.map_or(String::new(), |parent| format!("{parent:016x}")),
        "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 1_000_000_000).to_string(), "attributes": attributes(own),
    })
}

async fn send_spans(server: &Server, scope: &str, spans: &[Value]) {
    let body = json!({"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {"name": scope}, "spans": spans}]}]});
    server.send_json("traces", &body).await;
}

/// The record that some instrumentations write beside the span of a call.
async fn send_details(server: &Server, trace: u8, id: u8, own: &Value) {
    let record = json!({
        "timeUnixNano": (now_ns() - 59_000_000_000).to_string(), "eventName": "gen_ai.client.inference.operation.details",
        "traceId": format!("{trace:032x}"), "spanId": format!("{id:016x}"), "attributes": attributes(own),
    });
    let scopes = json!([{"scope": {"name": OTEL}, "logRecords": [record]}]);
    server.send_json("logs", &json!({"resourceLogs": [{"resource": {}, "scopeLogs": scopes}]})).await;
}

const OTEL: &str = "opentelemetry.instrumentation.genai.openai";

fn call(response_id: &str, input: u64) -> Value {
    json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18", "gen_ai.response.id": response_id,
        "gen_ai.usage.input_tokens": input, "gen_ai.usage.output_tokens": 10,
    })
}

async fn until(store: &Store, sql: &str, expected: &[&str]) {
    let mut last = Vec::new();
    let expected: Vec<String> = expected.iter().map(|cell| (*cell).to_owned()).collect();
    eventually(sql, async || {
        last = store.read("default", sql).await.into_iter().next().unwrap_or_default();
        (last == expected).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_copy_of_a_call_counts_until_the_call_itself_comes() {
    let server = Server::start().await;
    let store = Store::of(&server);
    let sums = "SELECT count(), sum(input_tokens), any(trace_id != '') FROM pub.usage";
    // Logs only.
    send_details(&server, 1, 2, &call("chatcmpl-1", 99)).await;
    until(&store, sums, &["1", "99", "1"]).await;
    // Its span, which knows better; then the log once more, late.
    send_spans(&server, OTEL, &[span(1, 2, None, &call("chatcmpl-1", 100))]).await;
    until(&store, sums, &["1", "100", "1"]).await;
    send_details(&server, 1, 2, &call("chatcmpl-1", 99)).await;
    server.wait_for_count("SELECT count() FROM activitylog.events", 3).await;
    until(&store, sums, &["1", "100", "1"]).await;
    // Without an id nobody could tell that they are one call: only the span counts.
    let mut nameless = call("", 7);
    nameless.as_object_mut().expect("an object").shift_remove("gen_ai.response.id");
    send_details(&server, 3, 4, &nameless).await;
    send_spans(&server, OTEL, &[span(3, 4, None, &nameless)]).await;
    server.wait_for_count("SELECT count() FROM activitylog.events", 5).await;
    until(&store, sums, &["2", "107", "1"]).await;
    store.write("OPTIMIZE TABLE activitylog.usage FINAL").await;
    until(&store, sums, &["2", "107", "1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_and_what_for_is_filled_from_the_trace() {
    let server = Server::start().await;
    let store = Store::of(&server);
    let mut own = call("chatcmpl-own", 5);
    own["user.id"] = json!("the call's own");
    send_spans(&server, OTEL, &[span(7, 2, Some(1), &call("chatcmpl-1", 1)), span(7, 3, Some(1), &own)]).await;
    until(&store, "SELECT count(), countIf(user_id = '') FROM pub.usage", &["2", "1"]).await;
    // The parent ends last, and so comes last; it is of another scope, and no call.
    let parent = json!({"user.id": "ana", "session.id": "s-1", "app.feature": "checkout"});
    send_spans(&server, "shop", &[span(7, 1, None, &parent), span(8, 1, None, &json!({"user.id": "somebody else"}))])
        .await;
    let rows = "SELECT user_id, session_id, feature FROM pub.usage WHERE input_tokens = ";
    until(&store, &format!("{rows}1"), &["ana", "s-1", "checkout"]).await;
    until(&store, &format!("{rows}5"), &["the call's own", "s-1", "checkout"]).await;
    assert!(store.read("other", "SELECT * FROM pub.usage").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ignored_scope_is_kept_and_not_counted() {
    let server = Server::start_with(&[("ACTIVITYLOG_GENAI_IGNORE_SCOPES", r#"["langchain*", "other"]"#)]).await;
    let store = Store::of(&server);
    send_spans(&server, "langchain.callbacks", &[span(1, 2, None, &call("chatcmpl-1", 50))]).await;
    send_spans(&server, OTEL, &[span(1, 3, None, &call("chatcmpl-2", 60))]).await;
    server.wait_for_count("SELECT count() FROM activitylog.events", 2).await;
    until(&store, "SELECT count(), sum(input_tokens) FROM pub.usage", &["1", "60"]).await;
    assert_eq!(
        server.number("SELECT count() FROM activitylog.events WHERE input_tokens = 50 AND usage_role = 'copy'"),
        1
    );
}
