//! kill -9, for real: a child appends, ships and prints what was acknowledged, and is killed at random moments.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::{DELIVERIES, Row, TestBatch, request_key, rows_of};
use crate::spool::receipt::Appended;
use crate::spool::{Spool, SpoolOptions};

const DIR: &str = "SPOOL_KILL_TEST_DIR";
const ROUND: &str = "SPOOL_KILL_TEST_ROUND";
const SENDERS: u128 = 6;
const ROUNDS: u128 = 8;

fn open(dir: &Path) -> Arc<Spool<TestBatch>> {
    open_with(dir, SpoolOptions::default().replay_window)
}

fn open_with(dir: &Path, replay_window: Duration) -> Arc<Spool<TestBatch>> {
    let options = SpoolOptions {
        replay_window,
        min_free_bytes: 0,
        segment_bytes: 3000,
        idle_interval: Duration::from_millis(5),
        ..SpoolOptions::new(dir.join("spool"))
    };
    Arc::new(Spool::open(options, "events", TestBatch::default).unwrap())
}

fn rows_for(key: u128) -> u32 {
    1 + (key % 4) as u32
}

/// Every second sender delivers, the others export.
fn first_key(round: u128, sender: u128) -> u128 {
    (sender % 2) * DELIVERIES + (round * SENDERS + sender) * 1_000_000
}

/// Ships as ClickHouse takes it: whole or not, and a token that is there already changes nothing.
async fn ship(spool: Arc<Spool<TestBatch>>, store: std::path::PathBuf) {
    while let Some(segment) = spool.next_sealed().await {
        let file = store.join(segment.token());
        if !file.exists() {
            let aside = store.join(format!("{}.tmp", segment.token()));
            std::fs::write(&aside, segment.load().await.unwrap().concat()).unwrap();
            std::fs::rename(aside, file).unwrap();
        }
        segment.done().await.unwrap();
    }
}

/// Not a test: the child's life.
#[test]
#[ignore = "run by the test below, as a child process"]
fn child() {
    let (Ok(dir), Ok(round)) = (std::env::var(DIR), std::env::var(ROUND)) else {
        return;
    };
    let (dir, round) = (std::path::PathBuf::from(dir), round.parse::<u128>().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let spool = open(&dir);
        tokio::spawn(ship(spool.clone(), dir.join("store")));
        let senders = (0..SENDERS).map(|sender| {
            let spool = spool.clone();
            tokio::spawn(async move {
                for n in 0.. {
                    let key = first_key(round, sender) + n;
                    let sent = spool.append(request_key(key), |batch| batch.push(key, rows_for(key))).await;
                    assert!(matches!(sent, Ok(Appended::Stored(..))), "{sent:?}");
                    // One write per line: a line that the parent reads whole was acknowledged.
                    std::io::stdout().lock().write_all(format!("acked {key}\n").as_bytes()).unwrap();
                }
            })
        });
        futures_util::future::join_all(senders).await;
    });
}

#[test]
fn kill_nine_at_any_moment_loses_nothing_and_doubles_nothing() {
    let dir = tempfile::TempDir::new().unwrap();
    std::fs::create_dir(dir.path().join("store")).unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "spool::tests::kill::child", "--ignored", "--nocapture", "--test-threads=1"])
            .env(DIR, dir.path())
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        // Killed after some number of acknowledgements: a moment like any other.
        let mut left = 20 + round * 37;
        let mut killed = false;
        while lines.read_line(&mut line).unwrap() > 0 {
            if let Some(key) = line.strip_suffix('\n').and_then(|line| line.split_once("acked ")).map(|(_, key)| key) {
                acknowledged.insert(key.parse::<u128>().unwrap());
                left = left.saturating_sub(1);
                if left == 0 && !killed {
                    child.kill().unwrap();
                    killed = true;
                }
            }
            line.clear();
        }
        assert!(killed, "the child ended by itself");
        child.wait().unwrap();
    }
    assert!(acknowledged.len() as u128 > 20 * ROUNDS);

    // The senders, who got no answer for their last request, retry it; then everything is shipped.
    let last = acknowledged.iter().fold(BTreeMap::new(), |mut last: BTreeMap<u128, u128>, key| {
        last.insert((key - key / DELIVERIES * DELIVERIES) / 1_000_000, *key);
        last
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let spool = open(dir.path());
        for key in last.values().flat_map(|key| [*key, key + 1]) {
            let answer = spool.append(request_key(key), |batch| batch.push(key, rows_for(key))).await.unwrap();
            let acked = acknowledged.contains(&key);
            assert!(!acked || matches!(answer, Appended::Duplicate { .. }), "an acknowledged request was stored again");
            acknowledged.insert(key);
        }
        spool.shutdown().await;
        ship(spool, dir.path().join("store")).await;

        // All files are gone, and the exports' window is over: what was delivered is still known.
        let spool = open_with(dir.path(), Duration::from_millis(1));
        for &key in acknowledged.range(DELIVERIES..) {
            let answer = spool.append(request_key(key), |batch| batch.push(key, rows_for(key))).await.unwrap();
            assert!(matches!(answer, Appended::Duplicate { .. }), "an acknowledged delivery was stored again");
        }
    });

    let mut copies: BTreeMap<u128, Vec<u32>> = BTreeMap::new();
    for file in std::fs::read_dir(dir.path().join("store")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none() {
            for Row { key, row, .. } in rows_of(&[std::fs::read(path).unwrap().into()]) {
                copies.entry(key).or_default().push(row);
            }
        }
    }
    assert!(acknowledged.iter().all(|key| copies.contains_key(key)), "an acknowledged request is gone");
    for (key, rows) in copies {
        assert_eq!(rows, (0..rows_for(key)).collect::<Vec<_>>(), "request {key} is not there exactly once");
    }
}
