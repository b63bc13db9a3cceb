//! Exactly one row, however often something is sent and whoever is killed.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{AUDIT, MESSAGES, all_of, events, send, taken, wait_for};
use crate::senders::{JSON, counters, post};
use crate::support::{Server, eventually};

fn duplicates(count: u64) -> Value {
    json!({"accepted": 0, "duplicates": count, "rejected": []})
}

async fn with_key(server: &Server, key: &str, body: &Value) -> Value {
    let headers = [("content-type", JSON), ("idempotency-key", key)];
    let answer = post(&server.api(MESSAGES), &headers, body.to_string()).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_a_duplicate_where_something_names_it() {
    let server = Server::start().await;
    let now = jiff::Timestamp::now().to_string();
    // By its own id, whatever else it says; an audit entry has ids of its own, and so has a project.
    let named = json!({"event_type": "a", "id": 7});
    assert_eq!(taken(&server, MESSAGES, &named).await, all_of(1));
    assert_eq!(taken(&server, MESSAGES, &json!({"event_type": "changed", "id": "7"})).await, duplicates(1));
    assert_eq!(taken(&server, AUDIT, &named).await, all_of(1));
    assert_eq!(taken(&server, MESSAGES, &json!({"event_type": "a", "id": 7, "project": "p"})).await, all_of(1));
    assert_eq!(
        taken(&server, MESSAGES, &json!([{"event_type": "a", "id": "8"}, {"event_type": "a", "id": "8"}])).await,
        json!({"accepted": 1, "duplicates": 1, "rejected": []})
    );
    // By the request's key and the place in it.
    let two = json!([{"event_type": "b"}, {"event_type": "b"}]);
    assert_eq!(with_key(&server, "k", &two).await, all_of(2));
    assert_eq!(with_key(&server, "k", &two).await, duplicates(2));
    assert_eq!(with_key(&server, "other", &two).await, all_of(2));
    // By its bytes, if it says when; equal ones in one request are different events.
    let timed = json!([{"event_type": "c", "timestamp": now}, {"event_type": "c", "timestamp": now}]);
    assert_eq!(taken(&server, MESSAGES, &timed).await, all_of(2));
    assert_eq!(taken(&server, MESSAGES, &timed).await, duplicates(2));
    // Else it is new.
    assert_eq!(taken(&server, MESSAGES, &two).await, all_of(2));
    assert_eq!(taken(&server, MESSAGES, &two).await, all_of(2));
    wait_for(&server, 4 + 4 + 2 + 4).await;
    assert_eq!(server.number("SELECT uniqExact(event_id) FROM activitylog.events"), 14);
    assert_eq!(counters(&server).await["activitylog_items_duplicate_total{door=\"messages\"}"], 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_survives_kill_9_and_is_still_known() {
    let mut server = Server::start().await;
    let sent = json!([{"event_type": "a", "id": "1"}, {"event_type": "b"}, {"event_type": "c", "timestamp": jiff::Timestamp::now().to_string()}]);
    assert_eq!(taken(&server, MESSAGES, &sent).await, all_of(3));
    server.kill();
    server.start_again().await;
    let again = json!([sent[0], sent[2]]);
    assert_eq!(taken(&server, MESSAGES, &again).await, duplicates(2));
    wait_for(&server, 3).await;
    assert_eq!(events(&server), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_in_two_tenants_is_two_events() {
    let mut server = Server::start().await;
    let sent = json!({"event_type": "a", "id": "1", "timestamp": jiff::Timestamp::now().to_string()});
    assert_eq!(taken(&server, MESSAGES, &sent).await, all_of(1));
    server.stop().await;
    server.start_again_with(&[("ACTIVITYLOG_AUTH_ANONYMOUS_TENANT", "other")]).await;
    assert_eq!(taken(&server, MESSAGES, &sent).await, all_of(1));
    assert_eq!(taken(&server, MESSAGES, &sent).await, duplicates(1));
    wait_for(&server, 2).await;
    assert_eq!(server.number("SELECT uniqExact(tenant_id) FROM activitylog.events"), 2);
}

/// The spool fills up in the middle of a request: a 503, and the whole of it may be sent again.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_stored_in_part_is_completed_by_its_retry() {
    let server = Server::start_with(&[("ACTIVITYLOG_SPOOL_MAX_BYTES", "300KiB")]).await;
    let count = 3000;
    let list: Vec<Value> = (0..count)
        .map(|n| {
            let noise: String = (0..32).map(|_| uuid::Uuid::new_v4().simple().to_string()).collect();
            match n % 10 {
                0 => json!({"event_type": "nameless", "message": noise}),
                _ => json!({"event_type": "named", "id": n, "message": noise}),
            }
        })
        .collect();
    let body = json!(list);
    let engine = Pid::from_raw(server.engine_pid().try_into().expect("a pid")).expect("not 0");
    kill_process(engine, Signal::STOP).expect("it was started here");
    let refused = send(&server, MESSAGES, &body).await;
    kill_process(engine, Signal::CONT).expect("it was started here");
    assert_eq!(refused.status, 503, "{}", refused.text());
    let stored = counters(&server).await["activitylog_items_stored_total{door=\"messages\"}"];
    assert!(stored > 0 && stored < count, "{stored}");

    // Each retry gets further, as far as the spool has room.
    let last = eventually("a retry completes it", async || {
        let answer = send(&server, MESSAGES, &body).await;
        assert!(answer.status == 202 || answer.status == 503, "{}", answer.text());
        (answer.status == 202).then(|| answer.json())
    })
    .await;
    assert_eq!(last["accepted"].as_u64().expect("a number") + last["duplicates"].as_u64().expect("a number"), count);
    wait_for(&server, count).await;
    assert_eq!(server.number("SELECT count() FROM activitylog.events WHERE event_type = 'nameless'"), count / 10);
    let counters = counters(&server).await;
    assert_eq!(counters["activitylog_items_stored_total{door=\"messages\"}"], count);
}
