//! Keyset pages: every row once, also where many rows share a nanosecond, whichever way one walks.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::ids;
use crate::store::{Store, event, nanoseconds};
use crate::support::Server;

const WINDOW: &str = "from=2026-05-12T12:00:00Z&to=2026-05-12T13:00:00Z";
const ROWS: usize = 137;

/// Ids spread over all their bits, so that no two ways of comparing them agree by chance.
fn scattered(n: usize) -> u128 {
    (n as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
}

async fn filled(store: &Store) -> Vec<String> {
    let start = nanoseconds("2026-05-12T12:00:00Z");
    // Three instants only; in two inserts, so that there are two parts.
    let rows: Vec<Value> = (0..ROWS).map(|n| event(start + (n % 3) as i64, scattered(n), json!({}))).collect();
    let (first, second) = rows.split_at(60);
    store.insert("activitylog.events", first).await;
    store.insert("activitylog.events", second).await;
    rows.iter().map(|row| row["event_id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn walking_neither_skips_nor_repeats_rows_of_one_instant() {
    let server = Server::start().await;
    let all = filled(&Store::of(&server)).await;
    let whole = server.json(&format!("/api/v1/messages?{WINDOW}&limit=200")).await;
    let order = ids(&whole);
    assert_eq!(order.iter().collect::<BTreeSet<_>>(), all.iter().collect());
    assert_eq!(order.len(), ROWS);
    let times: Vec<&str> =
        whole["items"].as_array().expect("items").iter().filter_map(|item| item["timestamp"].as_str()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b));

    for limit in [1, 7, 46, 136, 137, 138] {
        let (mut walked, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = server.json(&format!("/api/v1/messages?{WINDOW}&limit={limit}{cursor}")).await;
            walked.extend(ids(&page));
            assert!(walked.len() <= ROWS, "it goes round in circles");
            let Some(next) = page["next_before_cursor"].as_str() else { break };
            cursor = format!("&before_cursor={next}");
        }
        assert_eq!(walked, order, "limit {limit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn walking_forward_gives_the_same_rows() {
    let server = Server::start().await;
    filled(&Store::of(&server)).await;
    let order = ids(&server.json(&format!("/api/v1/messages?{WINDOW}&limit=200")).await);
    // The last page has the oldest row; forward from there.
    let first = server.json(&format!("/api/v1/messages?{WINDOW}&limit=136")).await;
    let cursor = first["next_before_cursor"].as_str().expect("one row is left").to_owned();
    let oldest = server.json(&format!("/api/v1/messages?{WINDOW}&before_cursor={cursor}")).await;
    let mut cursor = oldest["newest_cursor"].as_str().expect("a cursor").to_owned();
    let mut walked = ids(&oldest);
    loop {
        let page = server.json(&format!("/api/v1/messages?{WINDOW}&limit=10&since_cursor={cursor}")).await;
        let found = ids(&page);
        assert_eq!(page["next_before_cursor"], json!(null));
        let Some(newest) = page["newest_cursor"].as_str() else { break };
        walked.extend(found.into_iter().rev());
        assert!(walked.len() <= ROWS, "it goes round in circles");
        cursor = newest.to_owned();
    }
    walked.reverse();
    assert_eq!(walked, order);

    // Between two cursors.
    let newest = first["newest_cursor"].as_str().expect("a cursor");
    let between = format!("/api/v1/messages?{WINDOW}&limit=200&before_cursor={newest}");
    let oldest = oldest["newest_cursor"].as_str().expect("a cursor");
    assert_eq!(ids(&server.json(&format!("{between}&since_cursor={oldest}")).await), order[1..ROWS - 1]);
    assert_eq!(ids(&server.json(&format!("{between}&since_cursor={newest}")).await), [""; 0]);
}

/// The same event, stored by two inserts that are not merged yet, is one item.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_there_twice_is_shown_once() {
    let server = Server::start().await;
    let store = Store::of(&server);
    store.write("SYSTEM STOP MERGES activitylog.events").await;
    let start = nanoseconds("2026-05-12T12:00:00Z");
    let rows: Vec<Value> = (0..9).map(|n| event(start + n, n as u128, json!({}))).collect();
    store.insert("activitylog.events", &rows).await;
    let again: Vec<Value> = rows[2..6]
        .iter()
        .map(|row| {
            let mut row = row.clone();
            row["received_at"] = json!("2026-05-12T12:30:00Z");
            row
        })
        .collect();
    store.insert("activitylog.events", &again).await;
    assert_eq!(server.number("SELECT count() FROM activitylog.events"), 13);
    let order: Vec<String> = rows.iter().rev().map(|row| row["event_id"].as_str().expect("an id").to_owned()).collect();
    for limit in [1, 2, 3, 5, 9, 200] {
        let (mut walked, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = server.json(&format!("/api/v1/messages?{WINDOW}&limit={limit}{cursor}")).await;
            walked.extend(ids(&page));
            assert!(walked.len() <= 13, "it goes round in circles");
            let Some(next) = page["next_before_cursor"].as_str() else { break };
            cursor = format!("&before_cursor={next}");
        }
        assert_eq!(walked, order, "limit {limit}");
    }
}
