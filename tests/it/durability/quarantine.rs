//! What ClickHouse can't take is kept aside, told, and delivered after the repair; and a spool that is full says so.

use std::process::{Command, Output};
use std::time::Duration;

use serde_json::json;

use super::load::{BATCH, Load, assert_exactly_once, batch, nothing_waits};
use super::{Frozen, wait_for_readiness};
use crate::support::{BINARY, Server, eventually};

fn spool(server: &Server, arguments: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.arg("spool").args(arguments).arg("--data-dir").arg(&server.dir).output().expect("the binary")
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Names of the segments in this state, as `spool ls` prints them.
fn segments(server: &Server, state: &str) -> Vec<String> {
    let listed = said(&spool(server, &["ls"]));
    let cells = listed.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    cells.filter(|cells| cells[1] == state).map(|cells| (*cells.last().expect("a name")).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_segment_is_kept_aside_and_delivered_after_the_repair() {
    let server = Server::start().await;
    let load = Load::on(&server);
    load.goes_on_for(20).await;
    server.sql("ALTER TABLE activitylog.events DROP COLUMN status_code");
    wait_for_readiness(&server, 503).await;
    load.goes_on_for(20).await;

    // Others go on.
    let point = json!({"asInt": "1", "timeUnixNano": jiff::Timestamp::now().as_nanosecond().to_string()});
    let metric = json!({"name": "m", "gauge": {"dataPoints": [point]}});
    server.send_json("metrics", &json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]})).await;
    server.wait_for_count("SELECT count() FROM activitylog.metrics", 1).await;

    let health = server.get("/readyz").await.json();
    assert_eq!((&health["status"], &health["database"]["ready"]), (&json!("degraded"), &json!(true)), "{health}");
    assert_eq!(health["quarantine"]["ready"], false, "{health}");

    let sent = load.finish().await;
    assert_eq!(sent.refused, [""; 0]);
    nothing_waits(&server).await;
    let aside = segments(&server, "quarantined");
    let shown = said(&spool(&server, &["show", "events", &aside[0]]));
    assert!(shown.contains("status_code"), "{shown}");
    let file = server.dir.join("export.native");
    let exported = said(&spool(&server, &["export", "events", &aside[0], "--to", file.to_str().expect("UTF-8")]));
    assert!(exported.contains(" rows in "), "{exported}");
    assert!(file.metadata().expect("it is there").len() > 0);
    let unknown = spool(&server, &["show", "events", "nothing"]);
    assert_eq!(unknown.status.code(), Some(1));

    server.sql("ALTER TABLE activitylog.events ADD COLUMN status_code UInt16 AFTER usage_priority");
    for name in &aside {
        said(&spool(&server, &["retry", "events", name]));
    }
    wait_for_readiness(&server, 200).await;
    assert_exactly_once(&server, &sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_segment_is_kept_aside_and_others_go_on() {
    let mut server = Server::start().await;
    server.stop().await;
    let node = std::fs::read_to_string(server.dir.join("spool/node")).expect("a node id");
    let name = format!("{}-00000000000000000000-00000001", node.trim());
    std::fs::write(server.dir.join(format!("spool/events/{name}.seg")), "no frames at all").expect("written");
    server.start_again().await;
    wait_for_readiness(&server, 503).await;
    assert_eq!(segments(&server, "quarantined"), [name.as_str()]);
    let error = std::fs::read_to_string(server.dir.join(format!("spool/events/quarantine/{name}.error")));
    assert!(error.expect("beside it").contains("no whole commit"));
    assert_eq!(server.post("logs", "application/json", batch(0)).await.status, 200);
    server.wait_for_count("SELECT count() FROM activitylog.events", BATCH).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_asks_to_retry_and_flows_again() {
    let server = Server::start_with(&[("ACTIVITYLOG_SPOOL_MAX_BYTES", "300KiB")]).await;
    let frozen = Frozen::new(server.engine_pid());
    let load = Load::on(&server);
    let refusal = eventually("the spool is full", async || {
        // One of no other's serial numbers, so that it can be sent on its own.
        let answer = server.post("traces", "application/json", span()).await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    assert_eq!(refusal.status, 503);
    let pause: u64 = refusal.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!(pause > 0 && Duration::from_secs(pause) < Duration::from_secs(60));
    assert!(refusal.text().contains("full"), "{}", refusal.text());
    drop(frozen);
    load.goes_on_for(20).await;
    let sent = load.finish().await;
    assert!(sent.refused.iter().all(|text| text.contains("full")), "{:?}", sent.refused);
    assert_exactly_once(&server, &sent).await;
}

fn span() -> String {
    let now = jiff::Timestamp::now().as_nanosecond().to_string();
    let span = json!({"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "filler",
        "startTimeUnixNano": now, "endTimeUnixNano": now});
    json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).to_string()
}
