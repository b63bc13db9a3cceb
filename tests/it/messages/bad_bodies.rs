//! Bodies that are broken somewhere: what stands before the wound is kept, and nobody falls over.

use futures_util::future::join_all;
use serde_json::json;

use super::{MESSAGES, NDJSON, wait_for};
use crate::senders::{JSON, assert_well, counters, post};
use crate::support::Server;

/// What is put in the place of a byte.
const WOUNDS: [&str; 12] = ["", "\"", "{", "}", "[", "]", ",", ":", "\\", "\\ud800", "1e999", "\u{0}"];

/// Every wound at every place of the last of three events, which has every kind of nesting.
fn wounded(separator: &str, around: [&str; 2]) -> Vec<String> {
    let good =
        [r#"{"event_type":"good.1"}"#, r#"{"event_type":"good.2","attributes":{"a":{"b":[1]}}}"#].join(separator);
    let last = r#"{"event_type":"bad","user_id":"u","duration_ms":1.5,"attributes":{"s":"é\n","l":[1,{"x":[true,null]}],"o":{"p":{}}}}"#;
    let places = last.char_indices().map(|(at, c)| (at, at + c.len_utf8()));
    places
        .flat_map(|(from, to)| WOUNDS.map(|wound| format!("{}{wound}{}", &last[..from], &last[to..])))
        .map(|last| format!("{}{good}{separator}{last}{}", around[0], around[1]))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wound_anywhere_costs_no_more_than_its_own_event() {
    let server = Server::start().await;
    let url = server.api(MESSAGES);
    let mut stored = 0;
    for (content_type, bodies) in
        [(NDJSON, wounded("\n", ["", "\n"])), (JSON, wounded("\n", ["", ""])), (JSON, wounded(",", ["[", "]"]))]
    {
        for some in bodies.chunks(64) {
            let headers = [("content-type", content_type)];
            let answers = some.iter().map(|body| post(&url, &headers, body.clone()));
            for (body, answer) in some.iter().zip(join_all(answers).await) {
                assert_eq!(answer.status, 202, "{body}: {}", answer.text());
                let answer = answer.json();
                let accepted = answer["accepted"].as_u64().expect("a number");
                let rejected = answer["rejected"].as_array().map_or(0, Vec::len);
                assert!(accepted >= 2 && accepted + rejected as u64 >= 3, "{body}: {answer}");
                stored += accepted;
            }
        }
    }
    wait_for(&server, stored).await;
    let good = server.number("SELECT count() FROM activitylog.events WHERE event_type LIKE 'good.%'");
    assert_eq!(good, server.number("SELECT 2 * countIf(event_type = 'good.1') FROM activitylog.events"));
    assert_eq!(counters(&server).await["activitylog_items_stored_total{door=\"messages\"}"], stored);
    assert_well(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_line_is_lost_alone_wherever_it_stands() {
    let server = Server::start().await;
    let good = r#"{"event_type":"good"}"#;
    for bad in ["{", "nothing", "[1,", "\"", "{\"event_type\":\"a\"", "}}}}", "\u{feff}{}", "{\"a\":\"\\x\"}"] {
        for at in 0..3 {
            let mut lines = vec![good, good];
            lines.insert(at, bad);
            for content_type in [NDJSON, JSON] {
                if content_type == JSON && (bad.starts_with('[') && at == 0) {
                    // As a list it begins, and as a list it is broken.
                    continue;
                }
                let answer = post(&server.api(MESSAGES), &[("content-type", content_type)], lines.join("\n")).await;
                let said = answer.json();
                assert_eq!((answer.status.as_u16(), &said["accepted"]), (202, &json!(2)), "{lines:?}: {said}");
                assert_eq!(said["rejected"][0]["index"], at, "{lines:?}: {said}");
            }
        }
    }
    // Deep, and not UTF-8.
    let deep = format!(r#"{{"event_type":"deep","attributes":{{"d":{}1{}}}}}"#, "[".repeat(50_000), "]".repeat(50_000));
    let answer = post(&server.api(MESSAGES), &[("content-type", JSON)], deep).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let answer =
        post(&server.api(MESSAGES), &[("content-type", JSON)], &b"{\"event_type\":\"a\",\"message\":\"\xff\"}"[..])
            .await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_well(&server).await;
}
