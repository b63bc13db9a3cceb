//! kill -9 of the one, the other and both, under load.

use rustix::process::Signal;
use serde_json::json;

use super::load::{Load, assert_exactly_once, batch, random};
use super::{Frozen, children, is_running, signal, wait_for_readiness};
use crate::support::{Server, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn the_collector() {
    let mut server = Server::start().await;
    let load = Load::on(&server);
    for _ in 0..6 {
        load.goes_on_for(random(10, 120)).await;
        let engine = server.engine_pid();
        server.kill();
        eventually("the engine ends with its parent", async || (!is_running(engine)).then_some(())).await;
        server.start_again().await;
        load.turn_to(&server);
    }
    load.goes_on_for(10).await;
    let sent = load.finish().await;
    assert!(sent.again > 0, "no kill hit a request: {sent:?}");
    assert_exactly_once(&server, &sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine() {
    let server = Server::start().await;
    let load = Load::on(&server);
    for round in 0..4 {
        load.goes_on_for(random(10, 120)).await;
        let first = server.engine_pid();
        signal(first, Signal::KILL);
        let health = wait_for_readiness(&server, 503).await;
        assert_eq!((&health["status"], &health["database"]["ready"]), (&json!("degraded"), &json!(false)), "{health}");
        if round == 2 {
            // And the next one before it answers.
            let next = async || children(&server).into_iter().find(|pid| *pid != first);
            signal(eventually("it is started again", next).await, Signal::KILL);
        }
        load.goes_on_for(10).await;
        wait_for_readiness(&server, 200).await;
    }
    let sent = load.finish().await;
    assert_eq!((sent.again, sent.refused.as_slice()), (0, [].as_slice()), "acknowledgements go on meanwhile");
    assert_exactly_once(&server, &sent).await;
}

/// The engine is stopped wherever it is, mostly in an insert, and never goes on.
#[tokio::test(flavor = "multi_thread")]
async fn both_in_the_middle_of_an_insert() {
    let mut server = Server::start().await;
    let load = Load::on(&server);
    for _ in 0..4 {
        load.goes_on_for(random(10, 80)).await;
        let engine = server.engine_pid();
        let frozen = Frozen::new(engine);
        load.goes_on_for(random(5, 40)).await;
        signal(engine, Signal::KILL);
        drop(frozen);
        server.kill();
        server.start_again().await;
        load.turn_to(&server);
    }
    let sent = load.finish().await;
    assert_exactly_once(&server, &sent).await;
}

/// The insert that was given up goes on beside its own retry.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_an_insert_takes_too_long() {
    let server = Server::start_with(&[("ACTIVITYLOG_CLICKHOUSE_INSERT_TIMEOUT", "1s")]).await;
    let load = Load::on(&server);
    for _ in 0..2 {
        load.goes_on_for(random(10, 80)).await;
        let failures = insert_failures(&server).await;
        let frozen = Frozen::new(server.engine_pid());
        eventually("two attempts time out", async || (insert_failures(&server).await >= failures + 2).then_some(()))
            .await;
        drop(frozen);
    }
    let sent = load.finish().await;
    assert_eq!((sent.again, sent.refused.as_slice()), (0, [].as_slice()));
    assert_exactly_once(&server, &sent).await;
}

async fn insert_failures(server: &Server) -> u64 {
    let metrics = server.get("/metrics").await.text();
    let line = metrics.lines().find(|line| line.starts_with("activitylog_insert_failures_total")).expect("the metric");
    line.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exact_replay_after_a_restart_is_acknowledged_and_not_stored() {
    let mut server = Server::start().await;
    let (shipped, unshipped) = (batch(0), batch(24));
    let send = async |server: &Server, body: &bytes::Bytes| {
        let answer = server.post("logs", "application/json", body.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    send(&server, &shipped).await;
    server.wait_for_count("SELECT count() FROM activitylog.events", 24).await;
    // The other one is still in the spool when the process goes.
    let frozen = Frozen::new(server.engine_pid());
    send(&server, &unshipped).await;
    signal(frozen.0, Signal::KILL);
    drop(frozen);
    server.kill();
    for _ in 0..2 {
        server.start_again().await;
        for body in [&shipped, &unshipped] {
            send(&server, body).await;
        }
        server.wait_for_count("SELECT count() FROM activitylog.events", 48).await;
        server.stop().await;
    }
    server.start_again().await;
    assert_eq!(server.number("SELECT count() FROM activitylog.events"), 48);
    assert_eq!(server.number("SELECT sum(events) FROM activitylog.events_by_minute"), 48);
}

/// The engine is killed after it wrote an insert's token to its log, and before it put the part into its place.
#[tokio::test(flavor = "multi_thread")]
async fn an_insert_between_its_token_and_its_part_is_not_lost() {
    use activitylog::engine::{lock_data_dir, start};

    use crate::engine::{options, write};

    let dir = tempfile::tempdir().expect("a folder");
    let lock = lock_data_dir(dir.path()).expect("free");
    let engine = start(&lock, options()).await.expect("started");
    let insert = "INSERT INTO activitylog.t SELECT number, number DIV 10 FROM system.numbers LIMIT 30 \
                  SETTINGS insert_deduplication_token = 'once'";
    write(&engine, "CREATE DATABASE activitylog").await;
    write(
        &engine,
        "CREATE TABLE activitylog.t (a UInt64, b UInt64) ENGINE = MergeTree PARTITION BY b ORDER BY a \
         SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 1000",
    )
    .await;
    write(&engine, insert).await;
    let last =
        write(&engine, "SELECT path FROM system.parts WHERE table = 't' ORDER BY max_block_number DESC LIMIT 1").await;
    engine.shutdown().await;

    // What strace showed: `write(log)`, then `rename(tmp_insert_..., part)`.
    let part = std::path::Path::new(last.trim_end_matches('/'));
    let name = part.file_name().expect("a name").to_str().expect("UTF-8");
    std::fs::rename(part, part.with_file_name(format!("tmp_insert_{name}"))).expect("renamed back");

    let engine = start(&lock, options()).await.expect("started");
    assert_eq!(write(&engine, "SELECT count() FROM activitylog.t").await, "20");
    write(&engine, insert).await;
    assert_eq!(write(&engine, "SELECT count(), uniqExact(a) FROM activitylog.t").await, "30\t30");
    engine.shutdown().await;
}
