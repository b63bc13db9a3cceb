//! The spool as it runs: its own thread, a real disk, many requests at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::{Row, TestBatch, rows_of};
use crate::spool::receipt::{AppendError, Appended};
use crate::spool::{RequestKey, Spool, SpoolOptions, admin};

/// Longer than anything here takes: only a hang reaches it.
const HANG: Duration = Duration::from_secs(20);

fn options(dir: &TempDir) -> SpoolOptions {
    SpoolOptions { min_free_bytes: 0, ..SpoolOptions::new(dir.path().join("spool")) }
}

fn open(options: SpoolOptions) -> Arc<Spool<TestBatch>> {
    Arc::new(Spool::open(options, "events", TestBatch::default).unwrap())
}

/// A shipper until the spool has shut down; what it shipped, by token.
async fn ship_until_closed(spool: Arc<Spool<TestBatch>>) -> BTreeMap<String, Vec<Row>> {
    let mut store = BTreeMap::new();
    while let Some(segment) = spool.next_sealed().await {
        let rows = rows_of(&segment.load().await.unwrap());
        assert!(store.insert(segment.token().to_owned(), rows).is_none(), "shipped once");
        segment.done().await.unwrap();
    }
    store
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_requests_at_once_are_each_stored_once() {
    let dir = TempDir::new().unwrap();
    let spool = open(SpoolOptions { segment_bytes: 20_000, slot_bytes: 300, slots: 3, ..options(&dir) });
    let shipper = tokio::spawn(ship_until_closed(spool.clone()));
    let senders: Vec<_> = (0..48u128)
        .map(|sender| {
            let spool = spool.clone();
            tokio::spawn(async move {
                for n in 0..25 {
                    let key = sender * 1000 + n;
                    let twins = (0..2).map(|_| spool.append(RequestKey::export(key), move |batch| batch.push(key, 3)));
                    let answers = futures_util::future::join_all(twins).await;
                    let stored = answers.iter().filter(|answer| matches!(answer, Ok(Appended::Stored(..)))).count();
                    assert_eq!(stored, 1, "{answers:?}");
                }
            })
        })
        .collect();
    for sender in senders {
        tokio::time::timeout(HANG, sender).await.expect("a sender hangs").unwrap();
    }
    tokio::time::timeout(HANG, spool.shutdown()).await.expect("the shutdown hangs");
    let store = tokio::time::timeout(HANG, shipper).await.expect("the shipper hangs").unwrap();
    assert!(store.len() > 1);
    let mut rows: Vec<_> = store.into_values().flatten().map(|row| (row.key, row.row)).collect();
    rows.sort_unstable();
    let expected: Vec<_> = (0..48u128)
        .flat_map(|sender| (0..25).flat_map(move |n| (0..3).map(move |row| (sender * 1000 + n, row))))
        .collect();
    assert_eq!(rows, expected);
    let stats = spool.stats();
    assert_eq!((stats.rows, stats.bytes, stats.segments, stats.shipped_rows), (0, 0, 0, 48 * 25 * 3));
}

#[tokio::test]
async fn a_shipper_that_waits_gets_the_first_event_without_waiting_for_its_age() {
    let dir = TempDir::new().unwrap();
    let spool = open(SpoolOptions { segment_age: Duration::from_secs(3600), ..options(&dir) });
    let shipper = tokio::spawn({
        let spool = spool.clone();
        async move { spool.next_sealed().await.unwrap().rows() }
    });
    spool.append(RequestKey::export(1), |batch| batch.push(1, 1)).await.unwrap();
    assert_eq!(tokio::time::timeout(HANG, shipper).await.expect("not sealed").unwrap(), 1);
}

#[tokio::test]
async fn a_segment_is_sealed_by_age_though_no_shipper_waits() {
    let dir = TempDir::new().unwrap();
    let spool = open(SpoolOptions { segment_age: Duration::from_millis(5), ..options(&dir) });
    spool.append(RequestKey::export(1), |batch| batch.push(1, 1)).await.unwrap();
    let sealed = async {
        while spool.stats().segments == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(HANG, sealed).await.expect("not sealed");
}

#[tokio::test]
async fn a_shutdown_refuses_the_new_and_leaves_the_old_to_the_shipper() {
    let dir = TempDir::new().unwrap();
    let spool = open(options(&dir));
    spool.append(RequestKey::export(1), |batch| batch.push(1, 1)).await.unwrap();
    spool.shutdown().await;
    let late = spool.append(RequestKey::export(2), |batch| batch.push(2, 1)).await;
    assert!(matches!(late, Err(AppendError::Closed)));
    let replay = spool.append(RequestKey::export(1), |batch| batch.push(1, 1)).await;
    assert!(matches!(replay, Ok(Appended::Duplicate { rows: 1, .. })), "what is stored may be said");
    assert_eq!(ship_until_closed(spool.clone()).await.len(), 1);
    assert!(spool.next_sealed().await.is_none());
}

#[tokio::test]
async fn a_second_process_is_refused_until_the_first_is_gone() {
    let dir = TempDir::new().unwrap();
    let first = open(options(&dir));
    let second = Spool::open(options(&dir), "events", TestBatch::default);
    assert!(second.is_err_and(|error| error.to_string().contains("in use by another process")));
    assert!(Spool::open(options(&dir), "metrics", TestBatch::default).is_ok(), "another table is another folder");
    drop(first);
    // A child that another test forks just now holds our lock until it execs.
    let opened = async {
        while Spool::open(options(&dir), "events", TestBatch::default).is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(HANG, opened).await.expect("still locked");
}

#[tokio::test]
async fn an_operator_lists_exports_and_returns_segments_while_no_process_runs() {
    let dir = TempDir::new().unwrap();
    let (root, spool) = (options(&dir).dir, open(options(&dir)));
    spool.append(RequestKey::export(1), |batch| batch.push(1, 2)).await.unwrap();
    spool.shutdown().await;
    let segment = spool.next_sealed().await.unwrap();
    let name = segment.token().strip_prefix("events-").unwrap().to_owned();
    let body: Vec<u8> = segment.load().await.unwrap().concat();
    segment.quarantine("no such column").await.unwrap();
    drop(spool);

    assert_eq!(admin::tables(&root).unwrap(), ["events"]);
    let shown = admin::show(&root, "events", &name).unwrap().unwrap();
    assert_eq!((shown.rows, shown.commits, shown.stray_bytes), (2, 1, 0));
    assert_eq!(shown.state, admin::State::Quarantined { error: "no such column".to_owned() });
    let mut exported = Vec::new();
    assert_eq!(admin::export(&root, "events", &name, &mut exported).unwrap(), 2);
    assert_eq!(exported, body);
    assert!(admin::export(&root, "events", "../../etc/passwd", &mut exported).is_err());
    admin::retry(&root, "events", &name).unwrap();
    assert_eq!(admin::list(&root, "events").unwrap()[0].state, admin::State::Sealed);

    let spool = open(options(&dir));
    assert_eq!(spool.next_sealed().await.unwrap().rows(), 2);
}
