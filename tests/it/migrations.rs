//! The schema: brought up to date once, by one node at a time, and refused where it isn't ours to change.

use std::process::Command;
use std::time::Duration;

use activitylog::clickhouse::migrate::{MigrateError, WALLED_TABLES, migrate};
use activitylog::clickhouse::server::{Endpoint, Server};
use activitylog::engine::{Engine, EngineOptions, lock_data_dir, start};
use tempfile::TempDir;

use crate::engine::{options, write};
use crate::support::BINARY;

/// An empty ClickHouse, and its owner.
async fn empty() -> (TempDir, Engine, Server) {
    let dir = TempDir::new().expect("a folder");
    let lock = lock_data_dir(dir.path()).expect("free");
    let walled_tables = WALLED_TABLES.map(str::to_owned).to_vec();
    let engine = start(&lock, EngineOptions { walled_tables, ..options() }).await.expect("started");
    let writer = &engine.credentials().writer;
    let endpoint = Endpoint::new(engine.http_url());
    let server = Server::new(endpoint, &writer.name, &writer.password, Duration::from_secs(60));
    (dir, engine, server)
}

async fn locks(engine: &Engine) -> String {
    write(engine, "SELECT count() FROM system.tables WHERE name LIKE 'schema_lock%'").await
}

/// The last version that this binary knows.
async fn latest(engine: &Engine) -> u32 {
    write(engine, "SELECT max(version) FROM activitylog.schema_migrations").await.parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_finds_nothing_to_do() {
    let (_dir, engine, server) = empty().await;
    let applied = migrate(&server, false).await.expect("migrated");
    assert_eq!(applied.last(), Some(&latest(&engine).await));
    for shared in [false, true] {
        assert!(migrate(&server, shared).await.expect("nothing to do").is_empty());
    }
    assert_eq!(locks(&engine).await, "0");
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_is_refused() {
    let (_dir, engine, server) = empty().await;
    migrate(&server, false).await.expect("migrated");
    let known = latest(&engine).await;
    let newer = known + 1;
    write(&engine, &format!("INSERT INTO activitylog.schema_migrations (version, name) VALUES ({newer}, 'later')"))
        .await;
    let error = migrate(&server, true).await.expect_err("refused");
    assert!(matches!(error, MigrateError::Newer { found, known: k } if (found, k) == (newer, known)), "{error}");
    let line = error.to_string();
    assert!(line.contains(&format!("schema version {newer}")) && line.contains("newer ActivityLog"), "{line}");
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_drifted_is_named() {
    let (_dir, engine, server) = empty().await;
    migrate(&server, false).await.expect("migrated");
    write(&engine, "ALTER TABLE activitylog.events MODIFY COLUMN status_code UInt32").await;
    let line = migrate(&server, true).await.expect_err("refused").to_string();
    assert!(line.contains("activitylog.events.status_code is UInt32, this binary writes UInt16"), "{line}");
    write(&engine, "ALTER TABLE activitylog.events MODIFY COLUMN status_code UInt16").await;
    write(&engine, "ALTER TABLE activitylog.metrics DROP COLUMN flags").await;
    let line = migrate(&server, true).await.expect_err("refused").to_string();
    assert!(line.contains("activitylog.metrics.flags is missing"), "{line}");
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_nodes_at_once_one_does_it() {
    let (_dir, engine, server) = empty().await;
    let nodes = (0..4).map(|_| migrate(&server, true));
    let results = futures_util::future::join_all(nodes).await;
    let applied: Vec<_> =
        results.into_iter().map(|result| result.expect("migrated")).filter(|done| !done.is_empty()).collect();
    assert_eq!(applied.len(), 1, "{applied:?}");
    let recorded = write(&engine, "SELECT count() FROM activitylog.schema_migrations").await;
    assert_eq!(recorded, applied[0].len().to_string());
    assert_eq!(locks(&engine).await, "0");
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_nodes_lock_is_taken_over_by_one() {
    let (_dir, engine, server) = empty().await;
    write(&engine, "CREATE DATABASE activitylog").await;
    write(&engine, "CREATE TABLE activitylog.schema_lock (x UInt8) ENGINE = Memory COMMENT '1700000000'").await;
    let nodes = (0..3).map(|_| migrate(&server, true));
    let results = futures_util::future::join_all(nodes).await;
    let applied = results.into_iter().map(|result| result.expect("migrated")).filter(|done| !done.is_empty());
    assert_eq!(applied.count(), 1);
    assert_eq!(locks(&engine).await, "0");
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_living_nodes_lock_is_respected() {
    let (_dir, engine, server) = empty().await;
    write(&engine, "CREATE DATABASE activitylog").await;
    let lock = "CREATE TABLE activitylog.schema_lock (x UInt8) ENGINE = Memory COMMENT";
    let now = write(&engine, "SELECT toUnixTimestamp(now())").await;
    write(&engine, &format!("{lock} '{now}'")).await;
    let mut waiting = tokio::spawn(async move { migrate(&server, true).await });
    let looked = "SELECT count() FROM system.tables WHERE database = 'activitylog' AND name = 'schema_migrations'";
    crate::support::eventually("it got to the lock", async || (write(&engine, looked).await == "1").then_some(()))
        .await;
    // Longer than it pauses between two looks.
    let done = tokio::time::timeout(Duration::from_millis(600), &mut waiting).await;
    assert!(done.is_err(), "it waits");
    assert_eq!(write(&engine, "SELECT count() FROM activitylog.schema_migrations").await, "0");
    write(&engine, "DROP TABLE activitylog.schema_lock SYNC").await;
    assert!(!waiting.await.expect("no panic").expect("migrated").is_empty());
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_when_all_is_done() {
    let (_dir, engine, _server) = empty().await;
    let credentials = engine.credentials().clone();
    let own = TempDir::new().expect("a folder");
    for _ in 0..2 {
        let output = Command::new(BINARY)
            .arg("migrate")
            .env("ACTIVITYLOG_DATA_DIR", own.path())
            .env("ACTIVITYLOG_CLICKHOUSE_URL", engine.http_url())
            .env("ACTIVITYLOG_CLICKHOUSE_USER", &credentials.writer.name)
            .env("ACTIVITYLOG_CLICKHOUSE_PASSWORD", &credentials.writer.password)
            .env("ACTIVITYLOG_CLICKHOUSE_READER_USER", &credentials.reader.name)
            .env("ACTIVITYLOG_CLICKHOUSE_READER_PASSWORD", &credentials.reader.password)
            .output()
            .expect("the binary");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "the schema is up to date\n");
    }
    engine.shutdown().await;
}
