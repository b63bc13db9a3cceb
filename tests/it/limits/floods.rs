//! One tenant's flood, and another's events that do not wait behind it.

use activitylog::control::records::Tenant;
use serde_json::Value;

use super::{Sender, add, metrics};
use crate::durability::Frozen;
use crate::support::{Server, eventually, logs, record};

/// Rows on disk in a lane of the events.
async fn rows_in(server: &Server, lane: &str) -> u64 {
    let said = metrics(server).await;
    let name = format!("activitylog_spool_lane_rows{{table=\"events\",lane=\"{lane}\"}} ");
    let line = said.lines().find_map(|line| line.strip_prefix(&name)).expect("the metric");
    line.parse().expect("a number")
}

/// Some megabytes that do not compress.
async fn flood(server: &Server, sender: &Sender, requests: u32) {
    for _ in 0..requests {
        let noise = || (0..64).map(|_| uuid::Uuid::new_v4().to_string()).collect::<String>();
        let records: Vec<Value> = (0..400).map(|_| record(&noise(), 0, &[])).collect();
        let answer = sender.post(server, "/v1/logs", logs("flood", &records).to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_tenants_events_pass_the_flood_of_another() {
    let mut server = Server::start().await;
    let big = add(&server, "big", Tenant::default()).await;
    let small = add(&server, "small", Tenant::default()).await;
    let frozen = Frozen::new(server.engine_pid());
    flood(&server, &big, 16).await;
    let body = logs("test", &[record("replayed", 0, &[])]).to_string();
    for _ in 0..2 {
        assert_eq!(small.post(&server, "/v1/logs", body.clone()).await.status, 200);
    }
    assert_eq!(small.send(&server, &["passes"]).await.status, 200);
    let (first, second) = (rows_in(&server, "1").await, rows_in(&server, "2").await);
    assert!(first >= 6400 && (1..=3).contains(&second), "{first} and {second}");
    // What was stored of both is there after a death, each once, and what was known is known.
    server.kill();
    drop(frozen);
    server.start_again().await;
    eventually("the token is known", async || {
        (small.post(&server, "/v1/logs", body.clone()).await.status == 200).then_some(())
    })
    .await;
    let count = |tenant: &str| format!("SELECT count() FROM activitylog.events WHERE tenant_id = '{tenant}'");
    server.wait_for_count(&count("small"), 2).await;
    server.wait_for_count(&count("big"), 6400).await;
    assert!(server.dir.join("spool/events-2").is_dir());
}
