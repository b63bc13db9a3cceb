//! Deliveries beside exports: the long window, its log and its bounds.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use super::memdisk::{Fault, MemDisk};
use super::{ByHand, DELIVERIES, TestBatch, duplicate, folder, options};
use crate::spool::disk::Disk;
use crate::spool::frame::{self, Frame, NOTE, OVERHEAD};
use crate::spool::note::{self, Head, Note};
use crate::spool::{RequestKey, Spool, SpoolOptions};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// Delivery `n` of a test.
fn delivery(n: u128) -> u128 {
    DELIVERIES + n
}

/// A delivery window that holds four.
fn four() -> SpoolOptions {
    SpoolOptions { delivery_entries: 4, ..options() }
}

/// The rows of each request in a log's file.
fn logged(disk: &MemDisk, file: &str) -> Vec<(RequestKey, u32)> {
    let bytes = match disk.open(&folder().join(file)) {
        Ok(file) => file.read_all().unwrap(),
        Err(_) => return Vec::new(),
    };
    let (mut rest, mut requests) = (&bytes[..], Vec::new());
    while let Some(frame) = Frame::read(rest) {
        requests.extend(Note::read(&frame).unwrap().requests());
        rest = &rest[frame.size()..];
    }
    assert!(rest.is_empty(), "a log is whole notes");
    requests
}

#[test]
fn a_delivery_is_known_for_days_and_an_export_for_minutes_whatever_was_restarted() {
    let mut by_hand = ByHand::new();
    assert!(by_hand.stored(1, 2) && by_hand.stored(delivery(1), 3));
    by_hand.ship_all();
    by_hand.disk.advance(9 * MINUTE_MS);
    assert!(duplicate(&by_hand.store(1, 2), 2) && duplicate(&by_hand.store(delivery(1), 3), 3));
    by_hand.disk.advance(2 * MINUTE_MS);
    assert!(duplicate(&by_hand.store(delivery(1), 3), 3));
    assert!(by_hand.stored(1, 2), "the exports' window is over");
    by_hand.ship_all();
    by_hand.disk.advance(6 * DAY_MS);
    for _ in 0..3 {
        by_hand = by_hand.kill_and_open().power_cut_and_open();
        assert!(duplicate(&by_hand.store(delivery(1), 3), 3), "its file is gone, its key is not");
    }
    by_hand.disk.advance(DAY_MS);
    assert!(by_hand.stored(delivery(1), 3), "its own window is over");
}

#[test]
fn an_export_and_a_delivery_of_one_hash_are_two_requests() {
    let mut by_hand = ByHand::new();
    for key in [RequestKey::export(7), RequestKey::delivery(7)] {
        let ByHand { spool, committer, .. } = &mut by_hand;
        let mut answer: std::pin::Pin<Box<dyn Future<Output = super::Answer> + '_>> =
            Box::pin(spool.append(key, |batch: &mut TestBatch| batch.push(7, 1)));
        assert!(super::poll(&mut answer).is_none(), "new");
        committer.commit();
    }
    let stats = by_hand.spool.stats();
    assert_eq!((stats.replay_keys, stats.delivery_keys, stats.duplicates), (1, 1, 0));
}

#[test]
fn each_log_holds_its_own_class_and_one_that_has_nothing_to_hold_is_not_made() {
    let mut by_hand = ByHand::new();
    assert!(by_hand.stored(1, 2));
    by_hand.ship_all();
    let files = by_hand.disk.list(&folder()).unwrap();
    assert!(!files.iter().any(|(file, _)| file.starts_with("delivery")), "{files:?}");

    drop(by_hand.send(2, 1));
    drop(by_hand.send(delivery(2), 3));
    by_hand.committer.commit();
    by_hand.ship_all();
    let (export, delivery) = (RequestKey::export, |n| RequestKey::delivery(delivery(n)));
    assert_eq!(logged(&by_hand.disk, "replay.log"), [(export(1), 2), (export(2), 1)]);
    assert_eq!(logged(&by_hand.disk, "delivery.log"), [(delivery(2), 3)]);
}

#[test]
fn a_segment_stays_until_both_logs_have_its_keys() {
    // The steps of a done: write, sync (the exports' log), create, sync of the folder, write, sync (the deliveries'), remove.
    for step in 0..7 {
        let mut by_hand = ByHand::new();
        assert!(by_hand.stored(1, 1));
        by_hand.ship_all();
        assert!(by_hand.stored(2, 1) && by_hand.stored(delivery(2), 1));
        by_hand.committer.seal();
        let mut segment = by_hand.next().unwrap();
        segment.load_now().unwrap();
        by_hand.disk.fault_in(step, Fault::Fails(ErrorKind::StorageFull));
        assert!(segment.done_now().is_err(), "step {step}");
        drop(segment);
        let mut by_hand = by_hand.power_cut_and_open();
        for key in [1, 2, delivery(2)] {
            assert!(duplicate(&by_hand.store(key, 1), 1), "step {step}");
        }
        by_hand.ship_all();
        let mut by_hand = by_hand.power_cut_and_open();
        assert!(duplicate(&by_hand.store(delivery(2), 1), 1), "step {step}");
    }
}

#[test]
fn the_oldest_deliveries_go_when_there_are_too_many_and_exports_take_no_room_from_them() {
    let mut by_hand = ByHand::open(MemDisk::new(1), four()).unwrap();
    for n in 0..6 {
        assert!(by_hand.stored(n, 1) && by_hand.stored(delivery(n), 1));
    }
    let stats = by_hand.spool.stats();
    assert_eq!((stats.replay_keys, stats.replay_evicted_early), (6, 0));
    assert_eq!((stats.delivery_keys, stats.delivery_evicted_early), (4, 2));
    assert!((2..6).all(|n| duplicate(&by_hand.store(delivery(n), 1), 1)));
    assert!(by_hand.stored(delivery(1), 1), "it went for want of room");
}

/// The last four of many, shipped one by one with the log's generations changing under them, and the machine dying at any step.
#[test]
fn a_death_at_any_step_of_a_changing_log_keeps_as_many_deliveries_as_the_window_may_hold() {
    const STEPS: u64 = 150;
    let mut deaths = 0;
    for after in 0..STEPS {
        for seed in 0..4 {
            let disk = MemDisk::new(seed);
            let mut by_hand = ByHand::open(disk.clone(), four()).unwrap();
            disk.fault_in(after, Fault::Dies);
            let mut acknowledged = Vec::new();
            for n in 0..13 {
                if by_hand.stored(delivery(n), 1) {
                    acknowledged.push(delivery(n));
                }
                by_hand.committer.seal();
                while let Some(mut segment) = by_hand.next()
                    && segment.done_now().is_ok()
                {}
            }
            let died = disk.is_dead();
            deaths += u64::from(died);
            for _ in 0..2 {
                by_hand = by_hand.kill_and_open_with(four());
                by_hand.disk.advance(DAY_MS);
                // What died unanswered may be one of the four.
                for key in acknowledged.iter().rev().take(4 - usize::from(died)) {
                    assert!(duplicate(&by_hand.store(*key, 1), 1), "death after {after} steps, seed {seed}");
                }
            }
            let files = by_hand.disk.list(&folder()).unwrap();
            let log: u64 = files.iter().filter(|(file, _)| file.starts_with("delivery")).map(|(_, bytes)| bytes).sum();
            assert!(log <= 2 * 4 * 101, "{log} bytes");
        }
    }
    assert!((STEPS * 2..STEPS * 4).contains(&deaths), "each step, and past the last one: {deaths} deaths");
}

#[test]
fn a_start_condenses_a_log_and_forgets_nothing_in_it() {
    let mut by_hand = ByHand::new();
    for n in 0..50 {
        assert!(by_hand.stored(delivery(n), n as u32 + 1));
    }
    by_hand.ship_all();
    let before = by_hand.disk.read(&folder().join("delivery.log")).len();
    let mut by_hand = by_hand.kill_and_open();
    let after = by_hand.disk.read(&folder().join("delivery.log")).len();
    assert!(before == 50 * note::size(1) && after < 2 * note::size(25) + 1, "{before} bytes, then {after}");
    for n in 0..50 {
        assert!(duplicate(&by_hand.store(delivery(n), 1), n as u32 + 1));
    }
    assert_eq!(by_hand.kill_and_open().spool.stats().delivery_keys, 50);
}

#[test]
fn a_log_of_a_version_without_classes_holds_exports_whatever_their_highest_bit() {
    let hashes = [5, 5 | 1 << 127];
    let mut bytes = vec![0; note::size(2)];
    let head = Head { index: 0, segment: 9, received_at_ms: 1_000_000, data_len: 0, data_digest: 0 };
    note::write(&mut bytes, head, hashes.map(|hash| (RequestKey::export(hash), 1)).into_iter());
    for (n, hash) in hashes.into_iter().enumerate() {
        let at = note::size(n);
        bytes[at..at + 16].copy_from_slice(&u128::to_le_bytes(hash));
    }
    let raw_len = bytes.len() - OVERHEAD;
    frame::finish(&mut bytes, NOTE, raw_len);
    let disk = MemDisk::new(1);
    disk.put(&folder().join("replay.log"), &bytes);
    let by_hand = ByHand::open(disk, options()).unwrap();
    // Both hashes differ in that bit alone: as an export they are the same request.
    let stats = by_hand.spool.stats();
    assert_eq!((stats.replay_keys, stats.delivery_keys), (1, 0));
    drop(by_hand.send(5, 1));
    assert_eq!(by_hand.spool.stats().duplicates, 1);
}

/// On the machine's own disk, through the public doors alone.
#[tokio::test]
async fn a_redelivery_after_a_restart_and_the_exports_window_is_acknowledged_and_not_stored() {
    let dir = tempfile::TempDir::new().unwrap();
    let open = |dir: &Path| {
        let options =
            SpoolOptions { min_free_bytes: 0, replay_window: Duration::from_millis(1), ..SpoolOptions::new(dir) };
        Spool::open(options, "events", TestBatch::default).unwrap()
    };
    let key = RequestKey::delivery(77);
    for start in 0..3 {
        let spool = open(dir.path());
        let answer = spool.append(key, |batch| batch.push(77, 2)).await;
        assert_eq!(duplicate(&answer, 2), start > 0, "start {start}: {answer:?}");
        spool.shutdown().await;
        while let Some(segment) = spool.next_sealed().await {
            assert_eq!((start, segment.rows()), (0, 2));
            segment.load().await.unwrap();
            segment.done().await.unwrap();
        }
    }
}
