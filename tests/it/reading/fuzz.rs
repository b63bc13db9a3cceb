//! No query string makes a handler answer with an error of its own.

use serde_json::{Value, json};

use crate::store::{Store, event, nanoseconds};
use crate::support::Server;

const PATHS: [&str; 4] = [
    "/api/v1/messages",
    "/api/v1/messages/timeline",
    "/api/v1/messages/points",
    "/api/v1/messages/00000000-0000-0000-0000-000000000001",
];
const NAMES: [&str; 19] = [
    "from",
    "to",
    "project",
    "source",
    "class",
    "event_type",
    "severity",
    "outcome",
    "user_id",
    "session_id",
    "trace_id",
    "model",
    "q",
    "limit",
    "before_cursor",
    "since_cursor",
    "bucket",
    "group_by",
    "other",
];
const VALUES: [&str; 40] = [
    "",
    "*",
    "%25",
    "_",
    "%00",
    "%0A",
    "%09",
    "%0D",
    "%5C",
    "%5CN",
    "%5Cx41",
    "%27",
    "%22",
    "%60",
    "%27%20OR%201%3D1%20--",
    "%7Bq%3AString%7D",
    "%3F",
    "%3F%3Ffields",
    "%F0%9F%A6%80",
    "%FF%FE",
    "%ZZ",
    "%",
    "+",
    "a+b",
    "NULL",
    "nan",
    "0",
    "1",
    "-1",
    "200",
    "99999999999999999999",
    "1h",
    "1d",
    "class",
    "1970-01-01T00:00:00Z",
    "2026-05-12T12:00:00Z",
    "9999-12-31T23:59:59Z",
    "-009999-01-01T00:00:00Z",
    "0.0.00000000-0000-0000-0000-000000000000",
    "9223372036854775807.9223372036854.ffffffff-ffff-ffff-ffff-ffffffffffff",
];

/// A small generator of our own, so that a failure is the same the next time.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }
}

async fn must_be_civil(server: &Server, path: &str) {
    let answer = server.get(path).await;
    let status = answer.status.as_u16();
    assert!([200, 400, 404].contains(&status), "{path}: {status}: {}\n{}", answer.text(), server.log());
    let _: Value = answer.json();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_query_string_brings_a_handler_down() {
    let server = Server::start().await;
    let start = nanoseconds("2026-05-12T12:00:00Z");
    let rows: Vec<Value> =
        (0..50).map(|n| event(start + n, n as u128, json!({"message": "a ? {q:String} 'b'"}))).collect();
    Store::of(&server).insert("activitylog.events", &rows).await;

    for name in NAMES {
        for value in VALUES {
            must_be_civil(&server, &format!("{}?{name}={value}", PATHS[0])).await;
        }
    }
    let mut random = Random(1);
    for _ in 0..600 {
        let path = PATHS[random.below(PATHS.len())];
        let pairs: Vec<String> = (0..1 + random.below(4))
            .map(|_| {
                // Mostly what is accepted, so that it comes as far as ClickHouse.
                let name = NAMES[random.below(NAMES.len())];
                format!("{name}={}", VALUES[random.below(VALUES.len())])
            })
            .collect();
        must_be_civil(&server, &format!("{path}?{}", pairs.join("&"))).await;
    }
    for odd in ["?", "?&", "?&&=", "?=x", "?q", "?q=a&&", "?%71=a", "?q%00=a", "?q=a#b"] {
        must_be_civil(&server, &format!("/api/v1/messages{odd}")).await;
    }
    let long = "%21".repeat(10_000);
    must_be_civil(&server, &format!("/api/v1/messages?q={long}")).await;
    for lengthy in [1_000, 1_365, 4_000] {
        must_be_civil(&server, &format!("/api/v1/messages?q={}", "%F0%9F%A6%80".repeat(lengthy / 4))).await;
    }
}
