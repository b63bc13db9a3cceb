//! The traffic light of each service, and why it shows what it shows.

use std::collections::BTreeMap;

use super::{DAY, HOUR, MINUTE, MS, Request, nanoseconds, range, rows, told};

/// The end of the range, which is long past: now does not matter.
fn end() -> i64 {
    nanoseconds("2026-05-12T12:00:00Z")
}

/// A request each minute from `from` to `to` minutes before the end.
fn each_minute(
    service: &'static str,
    from: i64,
    to: i64,
    took: impl Fn(i64) -> i64,
    failed: impl Fn(i64) -> bool,
) -> Vec<Request> {
    let request = |ago| Request::span(end() - ago * MINUTE, service, took(ago) * MS, failed(ago));
    (to + 1..=from).rev().map(request).collect()
}

fn day() -> Vec<Request> {
    let log =
        |ago: i64, failed| Request { event_type: "log", ..Request::span(end() - ago * MINUTE, "mailer", 0, failed) };
    [
        each_minute("well", 600, 0, |_| 40, |ago| ago % 200 == 0),
        // 6 of 60 in the last hour; before, none.
        each_minute("failing", 600, 0, |_| 40, |ago| ago <= 60 && ago % 10 == 0),
        each_minute("shaky", 600, 0, |_| 40, |ago| ago == 7 || ago == 20),
        each_minute("slow", 600, 0, |ago| if ago < 60 { 90 } else { 40 }, |_| false),
        each_minute("stuck", 600, 0, |ago| if ago < 60 { 400 } else { 40 }, |_| false),
        each_minute("silent", 600, 90, |_| 40, |_| false),
        each_minute("pausing", 600, 25, |_| 40, |_| false),
        // One in two hours: an hour without one is as usual.
        (0..5).map(|i| Request::span(end() - (70 + i * 120) * MINUTE, "rare", 40 * MS, false)).collect(),
        each_minute("gone", 9 * 24 * 60, 9 * 24 * 60 - 30, |_| 40, |_| false),
        // Not asked for anything, but it speaks.
        (0..300).map(|ago| log(ago, ago == 3)).collect(),
    ]
    .concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_green_yellow_or_red_for_a_reason() {
    let requests = day();
    let server = told(&requests).await;
    let found =
        rows(&server, "system-health", &range(end() - 10 * DAY, end()), &["service", "status", "reason", "requests"])
            .await;
    let lights: BTreeMap<&str, (&str, &str)> =
        found.iter().map(|row| (row[0].as_str(), (row[1].as_str(), row[2].as_str()))).collect();
    for (service, status, reason) in [
        ("well", "ok", "60 requests in the last hour, 0 failed"),
        ("failing", "bad", "6 of 60 requests failed in the last hour"),
        ("shaky", "warn", "2 of 60 requests failed in the last hour"),
        ("slow", "warn", "p95 is 90 ms in the last hour, was 40 ms before"),
        ("stuck", "bad", "p95 is 400 ms in the last hour, was 40 ms before"),
        ("silent", "bad", "nothing for 1 hour and 31 minutes, usually one every 1 minute"),
        ("pausing", "warn", "nothing for 26 minutes, usually one every 1 minute"),
        ("rare", "ok", "nothing in the last hour, which is usual: one every 2 hours"),
        ("gone", "unknown", "nothing for 8 days"),
        ("mailer", "ok", "60 events in the last hour, 1 failed"),
    ] {
        let (light, why) = lights[service];
        assert_eq!(light, status, "{service}: {why}");
        assert!(why.contains(reason), "{service}: {why}");
    }
    assert_eq!(lights.len(), 10);
    // The worst come first.
    assert_eq!(found[0][1], "bad");
    assert_eq!(found[found.len() - 1][1], "ok");
    let of = |service: &str| found.iter().find(|row| row[0] == service).expect("a row")[3].clone();
    assert_eq!((of("well"), of("mailer")), ("600".to_owned(), "0".to_owned()));
    // An hour ago it was well.
    let before = rows(&server, "system-health", &range(end() - DAY, end() - HOUR), &["service", "status"]).await;
    assert!(before.contains(&vec!["failing".to_owned(), "ok".to_owned()]), "{before:?}");
}
