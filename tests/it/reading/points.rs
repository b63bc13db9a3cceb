//! `GET /api/v1/messages/points`: columns for the feed, whole up to the limit, evenly sampled past it.

use std::io::Read;

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use crate::store::{Store, event, nanoseconds, uuid};
use crate::support::{Server, request};

const WINDOW: &str = "from=2026-05-12T12:00:00Z&to=2026-05-12T13:00:00Z";
const NAMES: [&str; 7] = ["id", "ts", "class", "event_type", "outcome", "source", "message"];

fn column<'a>(answer: &'a Value, name: &str) -> &'a Vec<Value> {
    answer["columns"][name].as_array().unwrap_or_else(|| panic!("no column {name}: {answer}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn points_are_columns_of_one_length_newest_first() {
    let server = Server::start().await;
    let store = Store::of(&server);
    let empty = server.json(&format!("/api/v1/messages/points?{WINDOW}")).await;
    let columns: serde_json::Map<String, Value> = NAMES.iter().map(|name| ((*name).to_owned(), json!([]))).collect();
    let expected = json!({
        "from": "2026-05-12T12:00:00.000000Z", "to": "2026-05-12T13:00:00.000000Z",
        "total": 0, "returned": 0, "columns": columns,
    });
    assert_eq!(empty, expected);

    let start = nanoseconds("2026-05-12T12:00:00Z");
    // Quotes and commas in the text count for nothing.
    let texts = ["plain", "a \"quoted\", \\ text", "", &"ä".repeat(300)];
    let rows: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(n, text)| event(start + n as i64 * 1_500_000, n as u128, json!({"message": text})))
        .collect();
    store.insert("activitylog.events", &rows).await;
    let answer = server.json(&format!("/api/v1/messages/points?{WINDOW}")).await;
    assert_eq!((&answer["total"], &answer["returned"]), (&json!(4), &json!(4)));
    assert_eq!(column(&answer, "id"), &[3, 2, 1, 0].map(|id| json!(uuid(id))));
    assert_eq!(column(&answer, "message"), &[json!("ä".repeat(120)), json!(""), json!(texts[1]), json!("plain")]);
    let base = start as f64 / 1e6;
    let times: Vec<f64> = column(&answer, "ts").iter().filter_map(Value::as_f64).collect();
    assert_eq!(times, [4.5, 3.0, 1.5, 0.0].map(|ms| base + ms));
    assert_eq!(column(&answer, "class"), &[json!("app"), json!("app"), json!("app"), json!("app")]);

    let one = server.json(&format!("/api/v1/messages/points?{WINDOW}&q=plain")).await;
    assert_eq!((&one["total"], &one["returned"]), (&json!(1), &json!(1)));
    assert_eq!(column(&one, "id"), &[json!(uuid(0))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn past_the_limit_they_are_sampled_over_the_whole_window() {
    let server = Server::start().await;
    let store = Store::of(&server);
    // Ids in a row: the sample must not depend on how somebody makes ids. One event a second, over half an hour and more.
    let sql = "INSERT INTO activitylog.events (tenant_id, event_id, timestamp, received_at, source, event_class, event_type, message, retention_days) \
               SELECT 'default', toUUID(concat('00000000-0000-0000-0000-', leftPad(toString(number), 12, '0'))), \
               toDateTime64('2026-05-12 12:00:00', 9, 'UTC') + toIntervalMillisecond(number * 100), now64(3), 'app', 'app', 'app.done', \
               repeat(toString(number), 3), 20000 FROM numbers(30000)";
    store.write(sql).await;
    for (limit, filter, total) in
        [(20_000, "", 30_000), (500, "", 30_000), (1, "", 30_000), (300, "&class=app", 30_000)]
    {
        let path = format!("/api/v1/messages/points?{WINDOW}&limit={limit}{filter}");
        let answer = server.json(&path).await;
        assert_eq!(answer["total"], total, "{path}");
        let returned = answer["returned"].as_u64().expect("a number") as usize;
        for name in NAMES {
            assert_eq!(column(&answer, name).len(), returned, "{path} {name}");
        }
        assert_eq!(returned, limit, "{path}");
        let times: Vec<f64> = column(&answer, "ts").iter().filter_map(Value::as_f64).collect();
        assert!(times.is_sorted_by(|a, b| a >= b), "newest first");
        assert_eq!(answer, server.json(&path).await, "the same events are picked again");
        if limit >= 300 {
            evenly(&times);
        }
    }
    compressed(&server).await;
}

/// Each tenth of the window has its share: far outside of chance only if the sample leans to one side.
fn evenly(times: &[f64]) {
    let start = nanoseconds("2026-05-12T12:00:00Z") as f64 / 1e6;
    let mut tenths = [0_usize; 10];
    for time in times {
        tenths[((time - start) / 300_000.0) as usize] += 1;
    }
    let share = times.len() / 10;
    for tenth in tenths {
        assert!(tenth > share / 3 && tenth < share * 3, "{tenths:?}");
    }
}

async fn compressed(server: &Server) {
    let path = server.api(&format!("/api/v1/messages/points?{WINDOW}"));
    let ask = async |accepts: &str| request(Method::GET, &path, &[("accept-encoding", accepts)], Bytes::new()).await;
    let plain = server.get(&format!("/api/v1/messages/points?{WINDOW}")).await;
    assert!(!plain.headers.contains_key("content-encoding"));
    for accepts in ["gzip", "br, GZIP;q=0.8", "deflate,gzip, x"] {
        let answer = ask(accepts).await;
        assert_eq!(answer.headers["content-encoding"], "gzip", "{accepts}");
        assert_eq!(answer.headers["vary"], "accept-encoding");
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.headers["content-length"], answer.body.len().to_string().as_str());
        let mut text = String::new();
        flate2::read::GzDecoder::new(&answer.body[..]).read_to_string(&mut text).expect("gzip");
        assert_eq!(text, plain.text());
        assert!(answer.body.len() < plain.body.len() / 2);
    }
    for accepts in ["identity", "gzip;q=0", "br", ""] {
        assert!(!ask(accepts).await.headers.contains_key("content-encoding"), "{accepts}");
    }
    // Small answers are not worth it.
    let small = request(Method::GET, &server.api("/api/v1/me"), &[("accept-encoding", "gzip")], Bytes::new()).await;
    assert!(!small.headers.contains_key("content-encoding"));
}
