//! What official clients send, as they sent it: recorded from `clickhouse-connect` 1.12.0, `@clickhouse/client` and `clickhouse-go`.

use hyper::Method;

use super::tenant;
use crate::store::Store;
use crate::support::{Server, request};

/// (who, method, path and query, headers, body, what the answer begins with).
type Recorded =
    (&'static str, Method, &'static str, &'static [(&'static str, &'static str)], &'static str, &'static [u8]);

const RECORDED: &[Recorded] = &[
    (
        "connect: start",
        Method::POST,
        "/clickhouse?wait_end_of_query=1",
        &[("accept-encoding", "")],
        "SELECT version(), timezone()",
        b"26.",
    ),
    (
        "connect: settings",
        Method::POST,
        "/clickhouse?enable_http_compression=1&session_id=5b3c",
        &[("accept-encoding", "identity")],
        "SELECT name, value, readonly FROM system.settings LIMIT 10000\n FORMAT Native",
        b"\x03",
    ),
    (
        "connect: protocol",
        Method::POST,
        "/clickhouse?client_protocol_version=54405&query_id=",
        &[],
        "SELECT 1 AS check\n FORMAT Native",
        b"\x01\x00\x02\xff\xff\xff\xff\x00\x01\x01\x05check",
    ),
    (
        "connect: before an insert",
        Method::POST,
        "/clickhouse?session_id=5b3c&cancel_http_readonly_queries_on_client_close=1&date_time_input_format=best_effort",
        &[],
        "DESCRIBE TABLE `usage`\n FORMAT TSV",
        b"tenant_id\t",
    ),
    (
        "connect: parameters in a form",
        Method::POST,
        "/clickhouse?database=pub",
        &[("content-type", "multipart/form-data; boundary=8e1d")],
        "--8e1d\r\nContent-Disposition: form-data; name=\"param_s\"\r\n\r\nabc\r\n--8e1d\r\nContent-Disposition: form-data; \
         name=\"query\"\r\n\r\nSELECT {s:String}\r\n--8e1d--\r\n",
        b"abc\n",
    ),
    ("node: ping", Method::GET, "/clickhouse/ping", &[], "", b"Ok.\n"),
    ("node: ping by SELECT", Method::GET, "/clickhouse?query_id=0b1e&query=SELECT+%27ping%27", &[], "", b"ping"),
    (
        "node: query",
        Method::POST,
        "/clickhouse?query_id=0b1e&param_s=tab%5Ctx&enable_http_compression=1&max_threads=2",
        &[("accept-encoding", "identity")],
        "SELECT {s:String} AS s \nFORMAT JSONEachRow",
        b"{\"s\":\"tab\\tx\"}",
    ),
    (
        "go, and so Grafana: start",
        Method::POST,
        "/clickhouse?client_protocol_version=54485&compress=1&database=default&default_format=Native&max_execution_time=60",
        &[("x-clickhouse-user", "grafana")],
        "SELECT displayName(), version(), revision(), timezone()",
        b"",
    ),
    ("Grafana: databases", Method::POST, "/clickhouse?database=default", &[], "SHOW DATABASES", b"pub\n"),
    (
        "Grafana: tables",
        Method::POST,
        "/clickhouse?database=default",
        &[],
        "SHOW TABLES FROM \"pub\"",
        b"audit\nevents\n",
    ),
    (
        "Grafana: columns",
        Method::POST,
        "/clickhouse?database=default",
        &[],
        "DESC TABLE \"pub\".\"usage\"",
        b"tenant_id\t",
    ),
    (
        "Grafana: filters",
        Method::POST,
        "/clickhouse?database=default",
        &[],
        "SELECT name, type, table FROM system.columns WHERE database IN ('pub')",
        b"tenant_id\t",
    ),
    (
        "Grafana: functions",
        Method::POST,
        "/clickhouse?database=default",
        &[],
        "SELECT name, is_aggregate, case_insensitive, alias_to, origin FROM system.functions ORDER BY name LIMIT 10000",
        b"",
    ),
    (
        "Grafana: a panel",
        Method::POST,
        "/clickhouse?database=default",
        &[],
        "SELECT toStartOfInterval(minute, INTERVAL 60 second) AS time, sum(events) FROM pub.events_by_minute WHERE minute >= toDateTime(1) \
         AND minute <= toDateTime(2) GROUP BY time ORDER BY time",
        b"",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_official_clients_send_is_answered() {
    let server = Server::start().await;
    let token = tenant(&server, &Store::of(&server), "acme", "pro").await;
    let basic =
        format!("Basic {}", base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("default:{token}")));
    for (who, method, path, headers, body, expected) in RECORDED {
        let mut headers = headers.to_vec();
        if headers.iter().any(|(name, _)| *name == "x-clickhouse-user") {
            headers.push(("x-clickhouse-key", &token));
        } else {
            headers.push(("authorization", &basic));
        }
        let answer = request(method.clone(), &server.api(path), &headers, (*body).into()).await;
        assert_eq!(answer.status, 200, "{who}: {}", answer.text());
        assert!(answer.body.starts_with(expected), "{who}: {:?}", &answer.body[..answer.body.len().min(80)]);
    }
}
