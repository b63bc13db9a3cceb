//! `GET /api/v1/audit/activity/export.csv`.

use std::process::Command;

use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::{Site, entry};
use crate::reading::is_problem;
use crate::store::{nanoseconds, percent};
use crate::support::eventually;

const START: &str = "2024-05-12T12:00:00Z";
const PATH: &str = "/api/v1/audit/activity/export.csv";

/// The lines, cell by cell (RFC 4180).
pub(crate) fn parse(text: &str) -> Vec<Vec<String>> {
    let (mut lines, mut line, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => cell.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => line.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {
                assert_eq!(characters.next(), Some('\n'));
                line.push(std::mem::take(&mut cell));
                lines.push(std::mem::take(&mut line));
            }
            c => cell.push(c),
        }
    }
    assert!(line.is_empty() && cell.is_empty() && !quoted, "the last line is not whole");
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_history_of_one_user_and_nothing_that_runs() {
    let site = Site::start(&[]).await;
    let root = site.user("default", "root", "super_admin", &[]).await;
    site.known(&root).await;
    let start = nanoseconds(START);
    // More than two batches, years old, many at one instant.
    let rows: Vec<Value> = (0..1234)
        .map(|n| {
            let message = match n {
                0 => "=HYPERLINK(\"http://x\",\"y\")".to_owned(),
                1 => "a \"quoted\", text\r\nof two lines".to_owned(),
                _ => format!("line {n}"),
            };
            let more = json!({"user_id": "user42", "message": message, "correlation_id": "@x", "attributes": {"n": n.to_string()}});
            entry(start + (n / 400) * 1000, n as u128, more)
        })
        .chain([entry(start, 5000, json!({"user_id": "other"})), entry(start, 5001, json!({"user_id": "user42", "tenant_id": "other"}))])
        .collect();
    site.store.insert("activitylog.events", &rows).await;

    let answer = site.get(&root, &format!("{PATH}?user_id=user42")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.headers["content-type"].to_str().expect("text").starts_with("text/csv"));
    let name = answer.headers["content-disposition"].to_str().expect("text");
    let today = &jiff::Timestamp::now().to_string()[..10];
    assert_eq!(name, format!("attachment; filename=\"activity-user42-{today}.csv\""));
    let text = answer.text();
    assert!(
        text.starts_with("timestamp_utc,event_type,description,customer_id,user_id,correlation_id,metadata_json\r\n")
    );
    let lines = parse(&text);
    assert_eq!(lines.len(), 1235);
    let mut numbers: Vec<u64> = lines[1..]
        .iter()
        .map(|line| {
            assert_eq!(
                (line[1].as_str(), line[3].as_str(), line[4].as_str(), line[5].as_str()),
                ("role.add", "default", "user42", "'@x")
            );
            let metadata: Value = serde_json::from_str(&line[6]).expect("JSON");
            metadata["n"].as_str().expect("text").parse().expect("a number")
        })
        .collect();
    assert!(lines[1..].windows(2).all(|pair| pair[0][0] >= pair[1][0]), "newest first");
    numbers.sort_unstable();
    assert_eq!(numbers, (0..1234).collect::<Vec<u64>>());
    let said = |n: u64| lines.iter().find(|line| line[6] == format!("{{\"n\":\"{n}\"}}")).expect("a line")[2].clone();
    assert_eq!(said(0), "'=HYPERLINK(\"http://x\",\"y\")");
    assert_eq!(said(1), "a \"quoted\", text\r\nof two lines");

    // One entry says so.
    let count = "SELECT count() FROM activitylog.audit WHERE action = 'export.activity' AND user_id = 'root' AND target_id = 'user42'";
    site.server.wait_for_count(count, 1).await;

    is_problem(&site.get(&root, PATH).await, 400, "user_id", "no user");
    is_problem(&site.get(&root, &format!("{PATH}?user_id=x&from=2026-01-01T00:00:00Z")).await, 400, "from", "a window");
    let answer = site.get(&root, &format!("{PATH}?user_id={}", percent("../a\r\n\"ü\"; x"))).await;
    assert_eq!(parse(&answer.text()).len(), 1);
    let name = format!("attachment; filename=\"activity-.._a_______x-{today}.csv\"");
    assert_eq!(answer.headers["content-disposition"], name.as_str());
    // A while of those, and it is too many.
    eventually("it is refused", async || {
        let answer = site.get(&root, &format!("{PATH}?user_id=nobody")).await;
        (answer.status == 429 && answer.headers.contains_key("retry-after")).then_some(())
    })
    .await;
}

/// `SIGSTOP` or `SIGCONT`.
fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().expect("kill").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_finished_breaks() {
    let site = Site::start(&[("ACTIVITYLOG_CLICKHOUSE_QUERY_TIMEOUT", "2s")]).await;
    let root = site.user("default", "root", "super_admin", &[]).await;
    site.known(&root).await;
    // Larger than what sockets hold for a reader that does not read.
    let row = "SELECT 'default' AS tenant_id, toDateTime64('2026-05-12 12:00:00', 9, 'UTC') + number AS timestamp, now64(3) AS received_at, \
               reinterpretAsUUID(sipHash128(number)) AS event_id, 'audit' AS kind, 'role.add' AS event_type, 'user42' AS user_id, \
               repeat('x', 2000) AS message, 20000 AS retention_days FROM numbers(20000)";
    let columns = "tenant_id, timestamp, received_at, event_id, kind, event_type, user_id, message, retention_days";
    site.store.write(&format!("INSERT INTO activitylog.events ({columns}) {row}")).await;

    let client: Client<_, Empty<bytes::Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::builder()
        .uri(site.server.api(&format!("{PATH}?user_id=user42")))
        .header("authorization", format!("Bearer {root}"))
        .body(Empty::new())
        .expect("a request");
    let response = client.request(request).await.expect("an answer");
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    body.frame().await.expect("a first piece").expect("unbroken");
    let engine = site.server.engine_pid();
    signal(engine, "-STOP");
    let rest = body.collect().await;
    signal(engine, "-CONT");
    assert!(rest.is_err(), "a short file looked whole");
    eventually("the log says so", async || site.server.log().contains("an export breaks off").then_some(())).await;
}
