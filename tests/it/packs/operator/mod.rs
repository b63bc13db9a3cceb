//! The operator's pack against figures that are computed here, from what the test sends.

mod health;
mod metrics;
mod work;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::zones::{ZONES, midnight};
use super::{every_panel_answers, panel};
use crate::store::{Store, event, instant, nanoseconds};
use crate::support::Server;
use crate::webhooks::fixtures::KEEP;

const PACK: &str = "app-operator";
const MS: i64 = 1_000_000;
const SECOND: i64 = 1000 * MS;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// What a server span or a native message says.
#[derive(Clone)]
struct Request {
    at: i64,
    service: &'static str,
    /// Of a message: it has no service.
    project: &'static str,
    event_type: &'static str,
    took: i64,
    failed: bool,
}

impl Request {
    fn span(at: i64, service: &'static str, took: i64, failed: bool) -> Request {
        Request { at, service, project: "", event_type: "http.server", took, failed }
    }

    fn row(&self, id: usize) -> Value {
        let kind = if self.service.is_empty() { "message" } else { "span" };
        let (class, outcome) = if self.failed { ("error", "failure") } else { ("app", "success") };
        event(
            self.at,
            id as u128 + 1,
            json!({
                "kind": kind, "source": if kind == "span" { "otel" } else { "app" }, "service": self.service, "project": self.project,
                "event_type": self.event_type, "event_class": class, "outcome": outcome, "duration_ns": self.took, "message": "GET /x",
            }),
        )
    }

    /// Whose request it is, if it is one.
    fn counted(&self) -> Option<&'static str> {
        match self.service {
            "" => (self.took > 0).then_some(self.project),
            service => ["http.server", "rpc.server", "span.server"].contains(&self.event_type).then_some(service),
        }
    }
}

async fn told(requests: &[Request]) -> Server {
    let server = Server::start_with(KEEP).await;
    let rows: Vec<Value> = requests.iter().enumerate().map(|(id, request)| request.row(id)).collect();
    Store::of(&server).insert("activitylog.events", &rows).await;
    server
}

fn range(from: i64, to: i64) -> [(&'static str, String); 2] {
    [("from", instant(from)), ("to", instant(to))]
}

async fn rows(server: &Server, id: &str, range: &[(&'static str, String)], names: &[&str]) -> Vec<Vec<String>> {
    let query: Vec<(&str, &str)> = range.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let found = panel(server, PACK, id, &query).await;
    found.of(names).into_iter().map(|row| row.into_iter().map(str::to_owned).collect()).collect()
}

/// The first of the sorted values that `level` of all are at most as large as.
fn quantile(values: &mut [i64], level: f64) -> f64 {
    values.sort_unstable();
    let rank = (values.len() as f64 * level).ceil() as usize;
    values[rank.max(1) - 1] as f64 / MS as f64
}

#[track_caller]
fn close(found: &str, expected: f64, tolerance: f64) {
    let found: f64 = found.parse().unwrap_or_else(|_| panic!("{found} for {expected}"));
    assert!((found - expected).abs() <= tolerance * expected.abs() + 1e-9, "{found} for {expected}");
}

/// Around the end of a month, at all hours, of two services and a project; and what is no request.
fn requests() -> Vec<Request> {
    let start = nanoseconds("2026-05-30T22:10:00Z");
    let mut requests = Vec::new();
    for i in 0..900i64 {
        let at = start + i * 293 * SECOND + i * 7_000_001;
        let took = (5 + (i * 7919) % 1900) * MS + (i * 31) % 1000;
        let failed = (i * 13) % 17 == 0;
        requests.push(match i % 5 {
            0 | 1 => Request::span(at, "cart", took, failed),
            2 => Request { event_type: "rpc.server", ..Request::span(at, "stock", took, failed) },
            3 => Request {
                service: "",
                project: "billing",
                event_type: "invoice.sent",
                ..Request::span(at, "", took, failed)
            },
            _ if i % 2 == 0 => Request { event_type: "http.client", ..Request::span(at, "cart", took, failed) },
            _ => Request { service: "", project: "billing", event_type: "note", ..Request::span(at, "", 0, failed) },
        });
    }
    requests
}

fn by_day(requests: &[Request], zone: &str) -> BTreeMap<(String, &'static str), (u64, u64)> {
    let mut days = BTreeMap::new();
    for request in requests {
        let Some(service) = request.counted() else { continue };
        let (all, failed): &mut (u64, u64) = days.entry((midnight(request.at, zone), service)).or_default();
        *all += 1;
        *failed += u64::from(request.failed);
    }
    days
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_and_messages_are_requests() {
    let requests = requests();
    let server = told(&requests).await;
    // More than two weeks: the steps are days.
    let long = range(nanoseconds("2026-05-20T00:00:00Z"), nanoseconds("2026-06-10T00:00:00Z"));
    for zone in ZONES {
        let query = [&long[..], &[("timezone", zone.to_owned())]].concat();
        let days = by_day(&requests, zone);
        let volume = rows(&server, "request-volume", &query, &["time", "service", "requests"]).await;
        let expected: Vec<Vec<String>> = days
            .iter()
            .map(|((day, service), (all, _))| vec![day.clone(), (*service).to_owned(), all.to_string()])
            .collect();
        assert_eq!(volume, expected, "{zone}");
        let rates = rows(&server, "error-rate", &query, &["time", "service", "error_rate", "failed_requests"]).await;
        assert_eq!(rates.len(), days.len());
        for (row, ((day, service), (all, failed))) in rates.iter().zip(&days) {
            assert_eq!((&row[0], row[1].as_str(), &row[3]), (day, *service, &failed.to_string()), "{zone}");
            close(&row[2], *failed as f64 / *all as f64, 1e-12);
        }
    }
    // What leads to the events behind a figure: a message has no service to ask for.
    let asked = rows(&server, "request-volume", &long, &["service", "by_service", "by_project"]).await;
    for row in &asked {
        let expected = if row[0] == "billing" { ["", "billing"] } else { [row[0].as_str(), ""] };
        assert_eq!(row[1..], expected);
    }
    latencies(&server, &requests, &long).await;
    filters_and_ranges(&server, &requests, &long).await;
    let empty = [("from", "2025-01-01T00:00:00Z"), ("to", "2025-01-02T00:00:00Z")];
    every_panel_answers(&server, "", PACK, empty).await;
}

async fn latencies(server: &Server, requests: &[Request], range: &[(&'static str, String)]) {
    let mut days: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let mut services: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for request in requests {
        if let Some(service) = request.counted() {
            days.entry(format!("{}T00:00:00Z", &instant(request.at)[..10])).or_default().push(request.took);
            services.entry(service).or_default().push(request.took);
        }
    }
    let found = rows(server, "latency", range, &["time", "p50_ms", "p95_ms", "p99_ms", "requests"]).await;
    assert_eq!(found.len(), days.len());
    for (row, (day, took)) in found.iter().zip(&mut days) {
        assert_eq!((&row[0], &row[4]), (day, &took.len().to_string()));
        for (cell, level) in row[1..4].iter().zip([0.5, 0.95, 0.99]) {
            close(cell, quantile(took, level), 0.001);
        }
    }
    let found = rows(server, "services", range, &["service", "p50_ms", "p95_ms", "p99_ms", "requests"]).await;
    assert_eq!(found.len(), services.len());
    for row in &found {
        let took = services.get_mut(row[0].as_str()).expect("a service");
        assert_eq!(row[4], took.len().to_string());
        for (cell, level) in row[1..4].iter().zip([0.5, 0.95, 0.99]) {
            close(cell, quantile(took, level), 0.001);
        }
    }
    let endpoints = rows(server, "endpoints", range, &["service", "name", "requests", "total_ms"]).await;
    assert_eq!(endpoints.len(), 3, "{endpoints:?}");
    for row in &endpoints {
        let took = &services[row[0].as_str()];
        assert_eq!(row[2], took.len().to_string());
        assert_eq!(row[1], if row[0] == "billing" { "invoice.sent" } else { "GET /x" });
        close(&row[3], took.iter().sum::<i64>() as f64 / MS as f64, 1e-9);
    }
}

async fn filters_and_ranges(server: &Server, requests: &[Request], long: &[(&'static str, String)]) {
    let of = |service: &str| requests.iter().filter(|request| request.counted() == Some(service)).count().to_string();
    let summary = async |range: &[(&'static str, String)], name: &'static str, value: &str| {
        let query = [range, &[(name, value.to_owned())]].concat();
        rows(server, "operator-summary", &query, &["requests", "p50_ms"]).await.remove(0)
    };
    assert_eq!(summary(long, "service", "cart").await[0], of("cart"));
    assert_eq!(summary(long, "service", "billing").await[0], of("billing"));
    assert_eq!(summary(long, "project", "billing").await[0], of("billing"));
    assert_eq!(summary(long, "environment", "nowhere").await, ["0", "null"]);
    let one = requests.iter().find(|request| request.counted() == Some("stock")).expect("one");
    let found = summary(&range(one.at, one.at + 1000), "service", "").await;
    assert_eq!(found[0], "1");
    close(&found[1], one.took as f64 / MS as f64, 0.001);
    assert_eq!(summary(&range(one.at - 1000, one.at), "service", "").await[0], "0");
    // Over the end of the month, by the quarter of an hour.
    let (from, to) = (nanoseconds("2026-05-31T22:00:00Z"), nanoseconds("2026-06-01T02:00:00Z"));
    let volume = rows(server, "request-volume", &range(from, to), &["time", "requests"]).await;
    let total: usize = volume.iter().map(|row| row[1].parse::<usize>().expect("a number")).sum();
    assert_eq!(total, requests.iter().filter(|r| r.counted().is_some() && (from..to).contains(&r.at)).count());
    assert!(volume[0][0].starts_with("2026-05-31T22") && volume[volume.len() - 1][0].starts_with("2026-06-01T01"));
}
