//! `GET /api/v1/messages/timeline`: the rollup and the events give the same counts, whatever the window.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::store::{Store, event, instant, nanoseconds, percent};
use crate::support::Server;

const SECOND: i64 = 1_000_000_000;
const GROUPS: [(&str, &str); 6] = [
    ("class", "event_class"),
    ("source", "source"),
    ("event_type", "event_type"),
    ("project", "project"),
    ("model", "model"),
    ("user_id", "user_id"),
];
const BUCKETS: [(&str, i64); 7] =
    [("1s", 1), ("10s", 10), ("1m", 60), ("5m", 300), ("15m", 900), ("1h", 3600), ("1d", 86400)];

struct Row {
    ns: i64,
    fields: Value,
}

/// Three hours around a month's end, not evenly filled, every outcome the same.
fn rows() -> Vec<Row> {
    let start = nanoseconds("2026-01-31T22:30:00Z");
    (0..600_u64)
        .map(|n| {
            let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
            let (classes, projects) = (["llm", "tool", "error", "deploy"], ["", "alpha"]);
            let of = |parts: u64| mixed / 7 % parts;
            Row {
                ns: start + (mixed % (3 * 3600 * 1_000_000_000)) as i64,
                fields: json!({
                    "event_class": classes[of(4) as usize], "source": format!("source {}", of(2)), "event_type": format!("type {}", of(5)),
                    "project": projects[of(2) as usize], "model": format!("model {}", of(3)), "user_id": format!("user {}", of(9)),
                    "service": format!("service {}", of(4)), "repository": format!("o/r{}", of(3)), "tool_name": format!("tool {}", of(5)),
                }),
            }
        })
        .chain([
            // On the edges of a minute, an hour and the month.
            Row { ns: nanoseconds("2026-02-01T00:00:00Z"), fields: json!({}) },
            Row { ns: nanoseconds("2026-02-01T00:00:00Z") - 1, fields: json!({}) },
            Row { ns: nanoseconds("2026-01-31T23:00:00Z"), fields: json!({"event_class": "error"}) },
        ])
        .collect()
}

type Counts = BTreeMap<(String, String), (u64, u64)>;

/// What the API should say, counted here.
fn expected(rows: &[Row], from: i64, to: i64, bucket: i64, column: &str, keep: impl Fn(&Value) -> bool) -> Counts {
    let mut counts = Counts::new();
    for row in rows.iter().filter(|row| (from..to).contains(&row.ns) && keep(&row.fields)) {
        let default = match column {
            "event_class" | "source" => "app",
            "event_type" => "app.done",
            _ => "",
        };
        let key = row.fields[column].as_str().unwrap_or(default);
        let start = row.ns / SECOND / bucket * bucket * SECOND;
        let ts = format!("{:.6}", instant(start).parse::<jiff::Timestamp>().expect("an instant"));
        let entry = counts.entry((ts, key.to_owned())).or_default();
        entry.0 += 1;
        entry.1 += u64::from(row.fields["event_class"] == "error");
    }
    counts
}

fn counts(answer: &Value) -> Counts {
    let buckets = answer["buckets"].as_array().expect("buckets");
    let counts: Counts = buckets
        .iter()
        .map(|bucket| {
            let text = |name: &str| bucket[name].as_str().expect("text").to_owned();
            (
                (text("ts"), text("key")),
                (bucket["count"].as_u64().expect("a count"), bucket["errors"].as_u64().expect("errors")),
            )
        })
        .collect();
    assert_eq!(counts.len(), buckets.len(), "a bucket came twice");
    counts
}

fn window(from: i64, to: i64) -> String {
    format!("from={}&to={}", percent(&instant(from)), percent(&instant(to)))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rollup_and_the_events_say_the_same_and_both_are_right() {
    let server = Server::start().await;
    let store = Store::of(&server);
    let rows = rows();
    let stored: Vec<Value> =
        rows.iter().enumerate().map(|(n, row)| event(row.ns, n as u128, row.fields.clone())).collect();
    // Two inserts: the rollup has rows to add up.
    store.insert("activitylog.events", &stored[..400]).await;
    store.insert("activitylog.events", &stored[400..]).await;

    let at = nanoseconds;
    let windows = [
        (at("2026-01-31T22:00:00Z"), at("2026-02-01T02:00:00Z")),
        // The month's end, with broken minutes at both ends.
        (at("2026-01-31T23:10:17.5Z"), at("2026-02-01T00:49:59.999999999Z")),
        (at("2026-01-31T23:59:59.999999999Z"), at("2026-02-01T00:00:00.000000001Z")),
        // Within one minute; one nanosecond; one whole minute.
        (at("2026-01-31T23:30:01Z"), at("2026-01-31T23:30:59Z")),
        (at("2026-02-01T00:00:00Z"), at("2026-02-01T00:00:00.000000001Z")),
        (at("2026-02-01T00:00:00Z"), at("2026-02-01T00:01:00Z")),
        (at("2026-01-31T23:00:30Z"), at("2026-01-31T23:02:00Z")),
        // Of days: by hours, with and without broken ends.
        (at("2026-01-30T23:10:17.5Z"), at("2026-02-01T00:49:59.999999999Z")),
        (at("2026-01-31T00:00:00Z"), at("2026-02-01T01:00:00Z")),
        // Before everything.
        (at("2026-01-01T00:00:30Z"), at("2026-01-02T00:00:00Z")),
    ];
    for (from, to) in windows {
        for ((name, bucket), (group, column)) in BUCKETS.into_iter().zip(GROUPS.into_iter().cycle()) {
            compare(&server, &rows, (from, to), (name, bucket), (group, column)).await;
        }
    }
    // Every group, once, over the rollup.
    for group in GROUPS {
        compare(&server, &rows, windows[1], ("5m", 300), group).await;
    }
    filters(&server, &rows, windows[1]).await;
    ends_of_time(&server, rows.len() as u64).await;
}

async fn compare(
    server: &Server,
    rows: &[Row],
    (from, to): (i64, i64),
    (name, bucket): (&str, i64),
    (group, column): (&str, &str),
) {
    let path = format!("/api/v1/messages/timeline?{}&bucket={name}&group_by={group}", window(from, to));
    let answer = server.json(&path).await;
    // All rows have this outcome, but the rollup does not know it: this one comes from the events.
    let raw = server.json(&format!("{path}&outcome=success")).await;
    assert_eq!(answer, raw, "{path}");
    assert_eq!(counts(&answer), expected(rows, from, to, bucket, column, |_| true), "{path}");
    assert_eq!(answer["bucket_seconds"], bucket);
}

async fn filters(server: &Server, rows: &[Row], (from, to): (i64, i64)) {
    for (query, column, value) in [
        ("project=alpha", "project", "alpha"),
        ("class=error", "event_class", "error"),
        ("source=source%201", "source", "source 1"),
        ("event_type=type%202", "event_type", "type 2"),
        ("model=model%200", "model", "model 0"),
        ("user_id=user%203", "user_id", "user 3"),
        // The rollup has this one, and not these.
        ("service=service%201", "service", "service 1"),
        ("repository=o/r1", "repository", "o/r1"),
        ("tool_name=tool%202", "tool_name", "tool 2"),
    ] {
        let path = format!("/api/v1/messages/timeline?{}&bucket=15m&{query}", window(from, to));
        let answer = server.json(&path).await;
        assert_eq!(answer, server.json(&format!("{path}&outcome=success")).await, "{path}");
        let expected = expected(rows, from, to, 900, "event_class", |fields| fields[column] == value);
        assert_eq!(counts(&answer), expected, "{path}");
        assert!(!expected.is_empty(), "{query}");
    }
    let prefix = format!("/api/v1/messages/timeline?{}&event_type=type*", window(from, to));
    let (answer, raw) = (server.json(&prefix).await, server.json(&format!("{prefix}&outcome=success")).await);
    assert_eq!(answer, raw);
}

async fn ends_of_time(server: &Server, rows: u64) {
    let sum = |answer: &Value| counts(answer).values().map(|(count, _)| count).sum::<u64>();
    for (from, to) in [
        ("2000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
        ("0001-01-01T00:00:00Z", "2100-01-01T00:00:00.5Z"),
        ("2026-01-01T00:00:00Z", "2262-04-11T23:47:16.854775807Z"),
    ] {
        let path = format!("/api/v1/messages/timeline?bucket=1d&from={from}&to={to}");
        assert_eq!(sum(&server.json(&path).await), rows, "{path}");
    }
    let default = server.json("/api/v1/messages/timeline").await;
    assert_eq!((&default["bucket_seconds"], &default["buckets"]), (&json!(60), &json!([])));
    let (from, to) =
        (nanoseconds(default["from"].as_str().expect("text")), nanoseconds(default["to"].as_str().expect("text")));
    assert!(to - from >= 3600 * SECOND, "the last hour: {default}");
}
