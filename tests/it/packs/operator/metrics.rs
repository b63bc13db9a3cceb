//! HTTP servers that send metrics: every kind of histogram is the same requests, and none is counted twice.

use serde_json::{Value, json};

use super::{DAY, HOUR, MINUTE, MS, Request, SECOND, close, quantile, range, rows};
use crate::store::Store;
use crate::support::Server;
use crate::webhooks::fixtures::KEEP;

const NEW: (&str, &str) = ("http.server.request.duration", "s");
const OLD: (&str, &str) = ("http.server.duration", "ms");
const BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
const CUMULATIVE: u8 = 2;
const DELTA: u8 = 1;

/// A data point of the requests (durations in ns) that it is about.
struct Point<'a> {
    started: i64,
    at: i64,
    took: &'a [i64],
    status: u16,
}

impl Point<'_> {
    fn json(&self, unit: &str, shape: Value) -> Value {
        let per_second = if unit == "s" { 1e9 } else { 1e6 };
        let sum: f64 = self.took.iter().map(|ns| *ns as f64 / per_second).sum();
        let status = if unit == "s" { "http.response.status_code" } else { "http.status_code" };
        let mut point = json!({
            "startTimeUnixNano": self.started.to_string(), "timeUnixNano": self.at.to_string(), "count": self.took.len().to_string(), "sum": sum,
            "attributes": [{"key": status, "value": {"intValue": self.status}}, {"key": "http.route", "value": {"stringValue": "/x"}}],
        });
        point.as_object_mut().expect("an object").extend(shape.as_object().expect("an object").clone());
        point
    }

    fn explicit(&self, unit: &str) -> Value {
        let bounds: Vec<f64> = BOUNDS.iter().map(|bound| if unit == "s" { *bound } else { bound * 1000.0 }).collect();
        let mut counts = vec![0u64; BOUNDS.len() + 1];
        for ns in self.took {
            counts[BOUNDS.partition_point(|bound| *bound < *ns as f64 / 1e9)] += 1;
        }
        self.json(
            unit,
            json!({"explicitBounds": bounds, "bucketCounts": counts.iter().map(u64::to_string).collect::<Vec<_>>()}),
        )
    }

    fn exponential(&self, scale: i32) -> Value {
        let index = |ns: &i64| ((*ns as f64 / 1e9).log2() * f64::from(scale).exp2()).ceil() as i32 - 1;
        let indexes: Vec<i32> = self.took.iter().filter(|ns| **ns > 0).map(index).collect();
        let (low, high) = (indexes.iter().min().copied().unwrap_or(0), indexes.iter().max().copied().unwrap_or(-1));
        let counts: Vec<String> =
            (low..=high).map(|at| indexes.iter().filter(|i| **i == at).count().to_string()).collect();
        let zeros = self.took.len() - indexes.len();
        self.json("s", json!({"scale": scale, "zeroCount": zeros.to_string(), "positive": {"offset": low, "bucketCounts": counts}}))
    }
}

async fn send(
    server: &Server,
    service: &str,
    instance: &str,
    (name, unit): (&str, &str),
    temporality: u8,
    points: Vec<Value>,
) {
    let kind = if points[0].get("scale").is_some() { "exponentialHistogram" } else { "histogram" };
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let metric =
        json!({"name": name, "unit": unit, kind: {"aggregationTemporality": temporality, "dataPoints": points}});
    let resource = json!({"attributes": [text("service.name", service), text("service.instance.id", instance)]});
    server
        .send_json("metrics", &json!({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": {"name": "http"}, "metrics": [metric]}]}]}))
        .await;
}

/// So many durations, between 20 ms and some hundred, told apart by `seed`.
fn durations(seed: i64, count: i64) -> Vec<i64> {
    (0..count).map(|i| (20 + ((i + seed) * 7919) % 613) * MS).collect()
}

/// Where linear interpolation in the bucket of the rank puts it, in ms, and how wide the bucket is.
fn interpolated(took: &[i64], level: f64) -> (f64, f64) {
    let rank = took.len() as f64 * level;
    let mut before = 0.0;
    let mut low = 0.0;
    for bound in BOUNDS {
        let inside = took.iter().filter(|ns| (low..bound).contains(&(**ns as f64 / 1e9 - 1e-12))).count() as f64;
        if before + inside >= rank {
            return (1000.0 * (low + (bound - low) * (rank - before) / inside), 1000.0 * (bound - low));
        }
        (before, low) = (before + inside, bound);
    }
    panic!("longer than the longest bound");
}

#[tokio::test(flavor = "multi_thread")]
async fn histograms_are_requests_and_none_is_counted_twice() {
    let server = Server::start_with(KEEP).await;
    let now = i64::try_from(jiff::Timestamp::now().as_nanosecond()).expect("in range");
    let from = now - now % HOUR - 3 * DAY;
    let to = from + 6 * HOUR;
    let mut sent = 0;

    // Began long before the range: what it had counted by then is not of the range. Nor is what follows it.
    let mut cart: Vec<i64> = durations(1, 500);
    let mut points =
        vec![Point { started: from - 9 * DAY, at: from - 5 * MINUTE, took: &cart, status: 200 }.explicit("s")];
    for minute in 0..90 {
        cart.extend(durations(minute, 3));
        points.push(
            Point { started: from - 9 * DAY, at: from + minute * MINUTE, took: &cart, status: 200 }.explicit("s"),
        );
    }
    let mut of_cart = cart[500..].to_vec();
    // It starts again, counting from nothing; a second instance counts for itself.
    for (instance, started) in [("a", from + 100 * MINUTE), ("b", from + 20 * MINUTE)] {
        let mut again = Vec::new();
        for minute in 1..40 {
            again.extend(durations(minute * 5, 2));
            points.push(Point { started, at: started + minute * MINUTE, took: &again, status: 200 }.explicit("s"));
        }
        of_cart.extend(&again);
        sent += points.len();
        send(&server, "cart", instance, NEW, CUMULATIVE, std::mem::take(&mut points)).await;
    }
    // The first failures of a process that runs for long: nobody spoke of them before, so all of them are new.
    let first = durations(4, 5);
    for (minute, count) in [(10, 2), (20, 5), (85, 5)] {
        let (started, at) = (from - 9 * DAY, from + minute * MINUTE);
        points.push(Point { started, at, took: &first[..count], status: 500 }.explicit("s"));
    }
    sent += points.len();
    send(&server, "cart", "a", NEW, CUMULATIVE, std::mem::take(&mut points)).await;
    of_cart.extend(&first);
    let failed = durations(3, 7);
    let point = Point { started: from + MINUTE, at: from + 2 * MINUTE, took: &failed, status: 503 };
    send(&server, "cart", "a", NEW, CUMULATIVE, vec![point.explicit("s")]).await;
    of_cart.extend(&failed);
    let late = Point { started: to, at: to + MINUTE, took: &failed, status: 200 };
    send(&server, "cart", "c", NEW, CUMULATIVE, vec![late.explicit("s")]).await;
    sent += 2;

    // Exponential buckets that get coarser as the values spread.
    let mut search = vec![0, 0];
    let mut points = Vec::new();
    for minute in 0..60 {
        search.extend(durations(minute, 4).into_iter().map(|ns| ns / (1 + (60 - minute) / 6)));
        let scale = if minute < 25 { 4 } else { 2 };
        points.push(
            Point { started: from + 30 * MINUTE, at: from + (31 + minute) * MINUTE, took: &search, status: 200 }
                .exponential(scale),
        );
    }
    sent += points.len();
    send(&server, "search", "a", NEW, CUMULATIVE, points).await;

    // Deltas, by the old name and by both.
    let legacy: Vec<i64> = durations(11, 50);
    let delta = |i: i64, took, status| Point { started: from + i * MINUTE, at: from + (i + 1) * MINUTE, took, status };
    let points =
        (0..10).map(|i| delta(i, &legacy[i as usize * 5..][..5], if i == 3 { 500 } else { 404 }).explicit("ms"));
    send(&server, "legacy", "a", OLD, DELTA, points.collect()).await;
    send(&server, "both", "a", OLD, DELTA, vec![delta(1, &legacy, 200).explicit("ms")]).await;
    send(&server, "both", "a", NEW, DELTA, vec![delta(1, &legacy, 200).exponential(3)]).await;
    // This one has spans: they count.
    send(&server, "traced", "a", NEW, DELTA, vec![delta(1, &legacy, 500).explicit("s")]).await;
    sent += 13;
    let spans: Vec<Value> =
        (0..4usize).map(|i| Request::span(from + i as i64 * SECOND, "traced", 30 * MS, false).row(i)).collect();
    Store::of(&server).insert("activitylog.events", &spans).await;
    server.wait_for_count("SELECT count() FROM activitylog.metrics", sent as u64).await;

    let whole = range(from, to);
    let services = rows(&server, "services", &whole, &["service", "requests", "failed"]).await;
    let mut expected = vec![
        ["cart".to_owned(), of_cart.len().to_string(), "12".to_owned()],
        ["search".to_owned(), search.len().to_string(), "0".to_owned()],
        ["both".to_owned(), "50".to_owned(), "0".to_owned()],
        ["legacy".to_owned(), "50".to_owned(), "5".to_owned()],
        ["traced".to_owned(), "4".to_owned(), "0".to_owned()],
    ];
    expected.sort_by_key(|row| (std::cmp::Reverse(row[1].parse::<u64>().expect("a number")), row[0].clone()));
    assert_eq!(services, expected);

    // Each request in its step, for any length of steps.
    let volume = rows(&server, "request-volume", &whole, &["time", "service", "requests"]).await;
    for service in &expected {
        let of_service = volume.iter().filter(|row| row[1] == service[0]);
        let total: u64 = of_service.map(|row| row[2].parse::<u64>().expect("a number")).sum();
        assert_eq!(total.to_string(), service[1], "{}", service[0]);
    }
    // A quarter of an hour in the middle, whose data points have one before it: four requests a minute.
    let quarter = range(from + 60 * MINUTE + 1, from + 75 * MINUTE + 1);
    let query = [&quarter[..], &[("service", "search".to_owned())]].concat();
    assert_eq!(rows(&server, "operator-summary", &query, &["requests"]).await, [["60"]]);

    let of = async |service: &str| {
        let query = [&whole[..], &[("service", service.to_owned())]].concat();
        rows(&server, "operator-summary", &query, &["p50_ms", "p95_ms", "p99_ms"]).await.remove(0)
    };
    // As exact as the buckets: ten parts of one, or a factor of the scale.
    for (cell, level) in of("cart").await.iter().zip([0.5, 0.95, 0.99]) {
        let (expected, width) = interpolated(&of_cart, level);
        close(cell, expected, width / 10.0 / expected);
    }
    for (cell, level) in of("search").await.iter().zip([0.5, 0.95, 0.99]) {
        close(cell, quantile(&mut search, level), 0.25f64.exp2() - 1.0);
    }
    for (cell, level) in of("legacy").await.iter().zip([0.5, 0.95, 0.99]) {
        let (expected, width) = interpolated(&legacy, level);
        close(cell, expected, width / 10.0 / expected);
    }
}
