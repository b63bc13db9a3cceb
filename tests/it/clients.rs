//! Requests as real clients make them: the paths and headers of recorded exports, with bodies of our own.

use hyper::Method;
use prost::Message;
use serde_json::json;

use crate::senders::*;
use crate::support::{Answer, Server, logs, record, request};

const PYTHON: &[(&str, &str)] = &[
    ("user-agent", "OTel-OTLP-Exporter-Python/1.45.2"),
    ("accept-encoding", "gzip, deflate"),
    ("accept", "*/*"),
    ("connection", "keep-alive"),
    ("content-type", PROTOBUF),
];
const JAVASCRIPT_JSON: &[(&str, &str)] =
    &[("user-agent", "OTel-OTLP-Exporter-JavaScript/0.218.0"), ("connection", "keep-alive"), ("content-type", JSON)];
const JAVASCRIPT_PROTOBUF: &[(&str, &str)] =
    &[("user-agent", "OTel-OTLP-Exporter-JavaScript/0.223.1"), ("content-type", PROTOBUF)];
const RUST: &[(&str, &str)] = &[
    ("user-agent", "OTel-OTLP-Exporter-Rust/0.31.0"),
    ("accept", "*/*"),
    ("x-api-key", "demo"),
    ("content-type", PROTOBUF),
];
/// Public key as the user, secret key as the password: pk-lf-fake:sk-lf-fake.
const LANGFUSE: &[(&str, &str)] = &[
    ("user-agent", "OTel-OTLP-Exporter-Python/1.45.2"),
    ("accept-encoding", "gzip, deflate"),
    ("authorization", "Basic cGstbGYtZmFrZTpzay1sZi1mYWtl"),
    ("content-encoding", "gzip"),
    ("content-type", PROTOBUF),
    ("x-langfuse-ingestion-version", "4"),
    ("x-langfuse-public-key", "pk-lf-fake"),
    ("x-langfuse-sdk-name", "python"),
    ("x-langfuse-sdk-version", "5.0.4"),
];
/// The platform pushes by itself, with what headers its administrator entered, and gives up for good after one redirect.
const CLAUDE_PLATFORM: &[(&str, &str)] =
    &[("authorization", "Bearer of-another-backend"), ("x-env", "prod"), ("content-type", PROTOBUF)];

#[tokio::test(flavor = "multi_thread")]
async fn recorded_clients_are_taken_as_they_come() {
    let server = Server::start().await;
    let mut sent = 0;
    for (name, path, headers, chunked) in [
        ("python", "/v1/traces", PYTHON, false),
        ("rust", "/v1/traces", RUST, false),
        ("javascript", "/v1/traces", JAVASCRIPT_PROTOBUF, true),
        ("langfuse", "/api/public/otel/v1/traces", LANGFUSE, false),
        ("langfuse with a slash", "/api/public/otel/v1/traces/", LANGFUSE, false),
        ("claude platform", "/tenants/a/v1/traces", CLAUDE_PLATFORM, false),
        ("a base that ends with a slash", "//v1/traces", PYTHON, false),
        ("a version that ends with one", "/v1//traces", PYTHON, false),
    ] {
        for (port, url) in [("otlp", server.otlp(path)), ("api", server.api(path))] {
            let plain = one_span(&format!("{name} {port}")).encode_to_vec();
            let body = if headers.contains(&("content-encoding", "gzip")) { gzip(&plain) } else { plain };
            let answer =
                if chunked { post_chunked(&url, headers, &body).await } else { post(&url, headers, body).await };
            assert_taken(&answer, PROTOBUF, &format!("{name} {port}"));
            sent += 1;
        }
    }
    sent += json_as_javascript_and_rust_send_it(&server).await;
    let call = [("user-agent", "OTel-OTLP-Exporter-Python/1.45.2 grpc-python/1.85.1 grpc-c/58.0.0 (linux; chttp2)")];
    let end = grpc_call(&server, LOGS_METHOD, &call, framed(0, &one_log("grpc").encode_to_vec())).await;
    assert_eq!(end.code, "0", "{end:?}");
    server.wait_for_count("SELECT count() FROM activitylog.events", sent + 1).await;
    nobody_is_redirected(&server).await;
    assert_well(&server).await;
}

async fn json_as_javascript_and_rust_send_it(server: &Server) -> u64 {
    let mut body = logs("app", &[record("chunked", 0, &[])]);
    body["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["attributes"] = json!([
        {"key": "number", "value": {"intValue": 7}},
        {"key": "text", "value": {"intValue": "8"}},
        {"key": "nothing", "value": {}},
    ]);
    let answer = post_chunked(&server.otlp("/v1/logs"), JAVASCRIPT_JSON, body.to_string().as_bytes()).await;
    assert_taken(&answer, JSON, "javascript");
    let pretty = serde_json::to_string_pretty(&logs("app", &[record("pretty", 0, &[])])).expect("JSON");
    for kind in ["application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON"] {
        let answer = post(&server.otlp("/v1/logs"), &[("content-type", kind)], pretty.replace("pretty", kind)).await;
        assert_taken(&answer, JSON, kind);
    }
    let attributes =
        "SELECT attributes['number'], attributes['text'] FROM activitylog.events WHERE message = 'chunked'";
    server.wait_for_count("SELECT count() FROM activitylog.events WHERE message = 'chunked'", 1).await;
    assert_eq!(server.sql(attributes), [["7", "8"]]);
    4
}

fn assert_taken(answer: &Answer, content_type: &str, what: &str) {
    assert_eq!(answer.status, 200, "{what}: {}", answer.text());
    assert_eq!(answer.headers["content-type"], content_type, "{what}");
}

/// Of what can come to a wrong address, too.
async fn nobody_is_redirected(server: &Server) {
    for path in [
        "",
        "/",
        "/v1",
        "/v1/",
        "/v1/traces/",
        "/v1/trace",
        "/api/public/otel",
        "/api/public/otel/v1/",
        "/otlp/v1/traces",
    ] {
        for url in [server.otlp(path), server.api(path)] {
            for method in [Method::GET, Method::POST] {
                let answer = request(method.clone(), &url, &[("content-type", PROTOBUF)], bytes::Bytes::new()).await;
                assert!(!answer.status.is_redirection(), "{method} {url}: {}", answer.status);
            }
        }
    }
}
