//! What a sender or a shipper can do to the spool, one test each: replays, panics, departures, refusals.

use std::future::Future;
use std::io::ErrorKind;
use std::pin::Pin;

use super::memdisk::{Fault, MemDisk};
use super::{Answer, ByHand, CANT_ENCODE, CANT_UNDO, duplicate, failed, options, poll, quarantined, rows_of};
use crate::spool::receipt::{AppendError, Appended};
use crate::spool::{RequestKey, SpoolOptions, admin};

// === Replays ===

#[test]
fn a_twin_that_comes_while_the_first_is_pending_shares_its_commit() {
    let ByHand { spool, mut committer, .. } = ByHand::new();
    let send = || -> Pin<Box<dyn Future<Output = Answer> + '_>> {
        Box::pin(spool.append(RequestKey::export(7), |batch| batch.push(7, 2)))
    };
    let (mut first, mut twin) = (send(), send());
    assert!(poll(&mut first).is_none() && poll(&mut twin).is_none());
    committer.commit();
    assert!(matches!(poll(&mut first), Some(Ok(Appended::Stored(..)))));
    assert!(duplicate(&poll(&mut twin).unwrap(), 2));
    assert_eq!(spool.stats().appended_rows, 2);
}

#[test]
fn a_twin_of_a_failing_commit_fails_with_it_and_may_come_again() {
    let mut by_hand = ByHand::new();
    by_hand.committer.seal();
    by_hand.disk.fault_in(0, Fault::Fails(ErrorKind::Other));
    {
        let ByHand { spool, committer, .. } = &mut by_hand;
        let send = || -> Pin<Box<dyn Future<Output = Answer> + '_>> {
            Box::pin(spool.append(RequestKey::export(7), |batch| batch.push(7, 2)))
        };
        let (mut first, mut twin) = (send(), send());
        assert!(poll(&mut first).is_none() && poll(&mut twin).is_none());
        committer.commit();
        assert!(failed(&poll(&mut first).unwrap()) && failed(&poll(&mut twin).unwrap()));
    }
    assert!(by_hand.stored(7, 2));
}

#[test]
fn a_twin_that_was_quicker_undoes_the_slower_one() {
    let ByHand { spool, mut committer, .. } = ByHand::new();
    let mut quick: Option<Pin<Box<dyn Future<Output = Answer> + '_>>> = None;
    {
        let quick = &mut quick;
        let (spool, key) = (&spool, RequestKey::export(7));
        // While this one builds its rows, its twin is sent and finishes building.
        let mut slow: Pin<Box<dyn Future<Output = Answer> + '_>> = Box::pin(spool.append(key, move |batch| {
            let twin = quick.insert(Box::pin(spool.append(key, |batch| batch.push(7, 2))));
            assert!(poll(twin).is_none());
            batch.push(7, 2);
        }));
        assert!(poll(&mut slow).is_none());
        committer.commit();
        assert!(duplicate(&poll(&mut slow).unwrap(), 2));
    }
    assert!(matches!(poll(&mut quick.unwrap()), Some(Ok(Appended::Stored(..)))));
    assert_eq!(spool.stats().appended_rows, 2);
}

#[test]
fn a_replay_after_a_restart_is_a_duplicate_before_and_after_shipping() {
    let mut by_hand = ByHand::new();
    assert!(by_hand.stored(1, 2));
    let mut by_hand = by_hand.kill_and_open();
    assert!(duplicate(&by_hand.store(1, 2), 2));
    assert_eq!(by_hand.ship_all(), [1, 1]);
    for _ in 0..3 {
        by_hand = by_hand.power_cut_and_open();
        assert!(duplicate(&by_hand.store(1, 2), 2), "its file is gone, its key is not");
    }
}

#[test]
fn a_replay_after_the_window_is_stored_also_after_a_restart() {
    let mut by_hand = ByHand::new();
    assert!(by_hand.stored(1, 1) && by_hand.stored(2, 1));
    by_hand.ship_all();
    by_hand.disk.advance(600_010);
    assert!(by_hand.stored(1, 1));
    let mut by_hand = by_hand.kill_and_open();
    assert!(duplicate(&by_hand.store(1, 1), 1));
    assert!(by_hand.stored(2, 1));
}

#[test]
fn received_at_grows_though_the_clock_is_set_back() {
    let mut by_hand = ByHand::new();
    let mut last = 0;
    for key in 0..6 {
        by_hand.disk.advance(-1000);
        let Ok(Appended::Stored(receipt, ())) = by_hand.store(key, 1) else { panic!("stored") };
        assert!(receipt.received_at_ms() > last);
        last = receipt.received_at_ms();
        if key % 2 == 1 {
            by_hand.ship_all();
            by_hand = by_hand.kill_and_open();
        }
    }
}

// === Requests ===

#[test]
fn a_panic_while_building_rows_fails_that_request_alone() {
    let mut by_hand = ByHand::open(MemDisk::new(1), SpoolOptions { slots: 1, ..options() }).unwrap();
    let ByHand { spool, committer, .. } = &mut by_hand;
    let mut good: Pin<Box<dyn Future<Output = Answer> + '_>> =
        Box::pin(spool.append(RequestKey::export(1), |batch| batch.push(1, 1)));
    let mut bad: Pin<Box<dyn Future<Output = Answer> + '_>> = Box::pin(spool.append(RequestKey::export(2), |batch| {
        batch.push(2, 5);
        panic!("as the test wants it");
    }));
    assert!(poll(&mut good).is_none());
    assert!(matches!(poll(&mut bad), Some(Err(AppendError::Internal))));
    committer.commit();
    assert!(matches!(poll(&mut good), Some(Ok(Appended::Stored(..)))));
    drop((good, bad));
    assert!(by_hand.stored(2, 1), "its key was never seen");
    assert_eq!(by_hand.ship_all(), [1, 2]);
}

#[test]
fn a_block_that_cant_be_undone_or_encoded_fails_its_requests_and_the_next_block_works() {
    let mut by_hand = ByHand::open(MemDisk::new(1), SpoolOptions { slots: 1, ..options() }).unwrap();
    {
        let spool = &by_hand.spool;
        let mut first: Pin<Box<dyn Future<Output = Answer> + '_>> =
            Box::pin(spool.append(RequestKey::export(1), |batch| batch.push(CANT_UNDO, 1)));
        let mut bad: Pin<Box<dyn Future<Output = Answer> + '_>> =
            Box::pin(spool.append(RequestKey::export(2), |_| panic!("as the test wants it")));
        assert!(poll(&mut first).is_none());
        assert!(matches!(poll(&mut bad), Some(Err(AppendError::Internal))));
        assert!(matches!(poll(&mut first), Some(Err(AppendError::Internal))));
    }
    assert!(matches!(by_hand.store(CANT_ENCODE, 1), Err(AppendError::Internal)));
    assert!(by_hand.stored(1, 1) && by_hand.stored(2, 1));
    assert_eq!(by_hand.ship_all(), [1, 2]);
}

#[test]
fn a_waiter_that_goes_away_hurts_nobody_and_its_retry_is_a_duplicate() {
    let mut by_hand = ByHand::new();
    drop(by_hand.send(1, 2));
    assert!(by_hand.stored(2, 1));
    assert!(duplicate(&by_hand.store(1, 2), 2));
    let mut keys = by_hand.ship_all();
    keys.sort_unstable();
    assert_eq!(keys, [1, 1, 2]);
}

#[test]
fn a_request_without_rows_is_stored_at_once_without_a_commit() {
    let mut by_hand = ByHand::new();
    assert!(by_hand.stored(1, 0) && by_hand.stored(1, 0));
    assert_eq!(by_hand.spool.stats().commits, 0);
}

#[test]
fn what_is_in_the_slots_at_the_end_is_refused_not_forgotten() {
    let ByHand { spool, committer, .. } = ByHand::new();
    let mut waits: Pin<Box<dyn Future<Output = Answer> + '_>> =
        Box::pin(spool.append(RequestKey::export(1), |batch| batch.push(1, 1)));
    let mut late: Pin<Box<dyn Future<Output = Answer> + '_>> =
        Box::pin(spool.append(RequestKey::export(2), |batch| batch.push(2, 1)));
    assert!(poll(&mut waits).is_none());
    drop(committer);
    assert!(matches!(poll(&mut waits), Some(Err(AppendError::Internal))));
    assert!(matches!(poll(&mut late), Some(Err(AppendError::Closed))));
}

// === Shipping ===

#[test]
fn a_segment_dropped_by_its_shipper_goes_back_to_its_place() {
    let mut by_hand = ByHand::new();
    for key in 1..=2 {
        assert!(by_hand.stored(key, 1));
        by_hand.committer.seal();
    }
    let first = by_hand.next().unwrap();
    let token = first.token().to_owned();
    let second = by_hand.next().unwrap();
    assert!(by_hand.next().is_none());
    drop((first, second));
    assert_eq!(by_hand.next().unwrap().token(), token);
}

#[test]
fn a_segment_that_cant_be_deleted_is_shipped_again_under_its_token() {
    let mut by_hand = ByHand::new();
    assert!(by_hand.stored(1, 1));
    by_hand.committer.seal();
    let mut first = by_hand.next().unwrap();
    let token = first.token().to_owned();
    by_hand.disk.fault_in(0, Fault::Fails(ErrorKind::Other));
    assert!(first.done_now().is_err());
    drop(first);
    let mut again = by_hand.next().unwrap();
    assert_eq!(again.token(), token);
    again.done_now().unwrap();
}

#[test]
fn a_quarantined_segment_is_listed_counts_as_bytes_and_can_be_returned() {
    let mut by_hand = ByHand::new();
    assert!(by_hand.stored(1, 3));
    by_hand.committer.seal();
    let mut segment = by_hand.next().unwrap();
    let (token, bytes) = (segment.token().to_owned(), segment.bytes());
    segment.quarantine_now("Code: 53. Type mismatch").unwrap();
    drop(segment);
    let stats = by_hand.spool.stats();
    assert_eq!((stats.quarantined, stats.segments, stats.rows, stats.bytes), (1, 0, 0, bytes));
    let mut by_hand = by_hand.power_cut_and_open();
    assert!(duplicate(&by_hand.store(1, 3), 3));
    let kept = quarantined(&by_hand);
    assert_eq!((kept.len(), kept[0].rows), (1, 3));
    assert_eq!(kept[0].state, admin::State::Quarantined { error: "Code: 53. Type mismatch".to_owned() });

    admin::retry_on(&by_hand.disk, &options().dir, "events", &kept[0].name).unwrap();
    crate::spool::recover::adopt_returned(&by_hand.spool.shared.folder).unwrap();
    let mut segment = by_hand.next().unwrap();
    assert_eq!(segment.token(), token);
    assert_eq!(rows_of(&segment.load_now().unwrap()).len(), 3);
    segment.done_now().unwrap();
    drop(segment);
    assert_eq!(by_hand.spool.stats().bytes, 0);
    assert_eq!(by_hand.ship_all(), []);
}
