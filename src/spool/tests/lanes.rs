//! The lanes against a model: whatever moves between them when, and whatever dies, each acknowledged request is stored exactly once; and
//! what is said to be readable is.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use proptest::prelude::*;

use super::memdisk::MemDisk;
use super::{Answer, Row, TestBatch, options, poll, request_key, rows_of};
use crate::spool::commit::Committer;
use crate::spool::fair::MUCH;
use crate::spool::receipt::{AppendError, Appended, Full};
use crate::spool::sealed::SealedSegment;
use crate::spool::{Lane, Lanes, Spool};

const TENANTS: [&str; 3] = ["a", "b", "c"];

#[derive(Debug, Clone)]
enum Op {
    /// A request of this tenant, with this number.
    Send(usize, u8),
    Commit(usize),
    Ship(usize),
    Move(usize),
    Restart,
    /// Which tenant's rows can be read.
    Look(usize),
    Clock(i64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0..3usize, 0..8u8).prop_map(|(tenant, n)| Op::Send(tenant, n)),
        4 => (0..2usize).prop_map(Op::Commit),
        3 => (0..2usize).prop_map(Op::Ship),
        3 => (0..3usize).prop_map(Op::Move),
        1 => Just(Op::Restart),
        3 => (0..3usize).prop_map(Op::Look),
        2 => (-40..50i64).prop_map(Op::Clock),
    ]
}

/// Both lanes, driven by hand.
struct ByHand {
    disk: MemDisk,
    lanes: Lanes<TestBatch>,
    committers: [Committer<TestBatch>; 2],
}

impl ByHand {
    fn open(disk: MemDisk) -> ByHand {
        ByHand::open_with(disk, u64::MAX)
    }

    fn open_with(disk: MemDisk, max_bytes: u64) -> ByHand {
        let open = |table| Spool::open_by_hand(Arc::new(disk.clone()), &options(), table, TestBatch::default).unwrap();
        let ((first, one), (second, two)) = (open("events"), open("events-2"));
        let lanes = Lanes::over([first, second], max_bytes);
        ByHand { disk, lanes, committers: [one, two] }
    }

    fn restart(self) -> ByHand {
        let ByHand { disk, lanes, committers } = self;
        disk.die();
        drop((lanes, committers));
        disk.restart_after_kill();
        ByHand::open(disk)
    }

    fn toggle(&self, tenant: &str) {
        let tenant = self.lanes.tenant(tenant);
        let lane = *tenant.lane.read().unwrap();
        self.lanes.move_to(&tenant, lane.other());
    }

    fn ship(&mut self, lane: usize, store: &mut Vec<Row>) {
        self.committers[lane].seal();
        if let Some(mut segment) = SealedSegment::take(&self.lanes.spool(Lane(lane)).shared.folder) {
            let newest = *segment.received_at_ms().end();
            store.extend(rows_of(&segment.load_now().unwrap()));
            segment.done_now().unwrap();
            self.lanes.shipped(Lane(lane), newest);
        }
    }
}

fn key_of(tenant: usize, n: u8) -> u128 {
    (tenant as u128) << 16 | u128::from(n) | 1 << 32
}

fn tenant_of(key: u128) -> usize {
    (key >> 16 & 0xff) as usize
}

type Pending<'a> = Vec<(u128, Pin<Box<dyn Future<Output = Answer> + 'a>>)>;

/// Runs until something needs a restart; then what is left.
fn run_until_restart(
    by_hand: &mut ByHand,
    ops: &mut impl Iterator<Item = Op>,
    acknowledged: &mut BTreeSet<u128>,
    store: &mut Vec<Row>,
) -> bool {
    let ByHand { lanes, committers, disk } = by_hand;
    let mut pending: Pending<'_> = Vec::new();
    // What a follower of each tenant was told it has seen.
    let mut told = [0i64; 3];
    // Followers do not wait for what an earlier process left: that is old when they come.
    let new = std::cell::RefCell::new(BTreeSet::new());
    let mut answered = |pending: &mut Pending<'_>| {
        let mut rest = Vec::new();
        for (key, mut answer) in pending.drain(..) {
            match poll(&mut answer) {
                None => rest.push((key, answer)),
                Some(Ok(Appended::Stored(..))) => {
                    new.borrow_mut().insert(key);
                    assert!(acknowledged.insert(key), "stored again: {key}");
                }
                // Before the one it repeats is polled, perhaps.
                Some(Ok(Appended::Duplicate { rows, .. })) => assert_eq!(rows, 2),
                Some(Err(error)) => panic!("{error}"),
            }
        }
        *pending = rest;
    };
    for op in ops {
        match op {
            Op::Send(tenant, n) => {
                let key = key_of(tenant, n);
                let fill = move |batch: &mut TestBatch| batch.push(key, 2);
                let answer = lanes.append(TENANTS[tenant], 100, request_key(key), fill);
                pending.push((key, Box::pin(answer)));
                answered(&mut pending);
            }
            Op::Commit(lane) => {
                committers[lane].commit();
                answered(&mut pending);
            }
            Op::Ship(lane) => {
                committers[lane].seal();
                if let Some(mut segment) = SealedSegment::take(&lanes.spool(Lane(lane)).shared.folder) {
                    let newest = *segment.received_at_ms().end();
                    let rows = rows_of(&segment.load_now().unwrap());
                    for row in rows.iter().filter(|row| new.borrow().contains(&row.key)) {
                        assert!(row.received_at_ms > told[tenant_of(row.key)], "a follower has missed {row:?}");
                    }
                    store.extend(rows);
                    segment.done_now().unwrap();
                    lanes.shipped(Lane(lane), newest);
                }
            }
            Op::Move(tenant) => {
                let tenant = lanes.tenant(TENANTS[tenant]);
                let lane = *tenant.lane.read().unwrap();
                lanes.move_to(&tenant, lane.other());
            }
            Op::Look(tenant) => told[tenant] = told[tenant].max(lanes.readable_until(TENANTS[tenant])),
            Op::Clock(ms) => disk.advance(ms),
            Op::Restart => return true,
        }
    }
    committers.iter_mut().for_each(Committer::commit);
    answered(&mut pending);
    assert!(pending.is_empty(), "a commit answers everyone");
    false
}

fn run(seed: u64, ops: Vec<Op>) {
    let mut by_hand = ByHand::open(MemDisk::new(seed));
    let (mut acknowledged, mut store) = (BTreeSet::new(), Vec::new());
    let mut ops = ops.into_iter();
    while run_until_restart(&mut by_hand, &mut ops, &mut acknowledged, &mut store) {
        by_hand = by_hand.restart();
    }
    for lane in 0..2 {
        while by_hand.lanes.stats_of(Lane(lane)).rows > 0 {
            by_hand.ship(lane, &mut store);
        }
    }
    for row in &store {
        let until = by_hand.lanes.readable_until(TENANTS[tenant_of(row.key)]);
        assert!(row.received_at_ms <= until, "nobody would see {row:?}");
    }
    let mut copies: BTreeMap<u128, Vec<u32>> = BTreeMap::new();
    store.iter().for_each(|row| copies.entry(row.key).or_default().push(row.row));
    for key in &acknowledged {
        assert!(copies.contains_key(key), "an acknowledged request is gone: {key}");
    }
    for (key, rows) in copies {
        assert_eq!(rows, [0, 1], "request {key} is not there exactly once");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_acknowledged_is_stored_exactly_once_whatever_lane_it_takes(
        seed: u64,
        ops in prop::collection::vec(op(), 1..80),
    ) {
        run(seed, ops);
    }
}

impl ByHand {
    fn store(&mut self, tenant: &str, key: u128) -> Answer {
        let fill = move |batch: &mut TestBatch| batch.push(key, 2);
        let mut answer: Pin<Box<dyn Future<Output = Answer> + '_>> =
            Box::pin(self.lanes.append(tenant, 100, request_key(key), fill));
        if let Some(answer) = poll(&mut answer) {
            return answer;
        }
        self.committers.iter_mut().for_each(Committer::commit);
        poll(&mut answer).expect("the commit answers")
    }
}

#[test]
fn a_replay_is_known_after_its_tenant_moved_and_after_a_restart() {
    let mut by_hand = ByHand::open(MemDisk::new(1));
    assert!(matches!(by_hand.store("a", 1), Ok(Appended::Stored(..))));
    by_hand.toggle("a");
    assert!(matches!(by_hand.store("a", 1), Ok(Appended::Duplicate { rows: 2, .. })));
    assert!(matches!(by_hand.store("a", 2), Ok(Appended::Stored(..))));
    let mut store = Vec::new();
    by_hand.ship(0, &mut store);
    let mut by_hand = by_hand.restart();
    for key in [1, 2] {
        assert!(matches!(by_hand.store("a", key), Ok(Appended::Duplicate { rows: 2, .. })));
    }
}

#[test]
fn a_small_tenant_and_the_products_own_entries_pass_a_flood() {
    let mut by_hand = ByHand::open(MemDisk::new(1));
    for key in 0..10 {
        assert!(by_hand.store("flood", key).is_ok());
    }
    assert!(by_hand.store("small", 100).is_ok());
    // As if that were much.
    by_hand.lanes.spool(Lane(0)).shared.folder.counters.sealed_bytes.add(2 * MUCH);
    assert!(by_hand.store("flood", 10).is_ok() && by_hand.store("small", 101).is_ok());
    let own = |batch: &mut TestBatch| batch.push(200, 1);
    let mut answer: Pin<Box<dyn Future<Output = Answer> + '_>> =
        Box::pin(by_hand.lanes.append_own(request_key(200), own));
    assert!(poll(&mut answer).is_none());
    by_hand.committers.iter_mut().for_each(Committer::commit);
    assert!(poll(&mut answer).expect("committed").is_ok());
    drop(answer);
    let mut store = Vec::new();
    by_hand.ship(1, &mut store);
    let keys: Vec<u128> = store.iter().map(|row| row.key).collect();
    assert_eq!(keys, [101, 101, 200], "and the flood stays where it is");
    let small = by_hand.lanes.readable_until("small");
    assert!(small < store.last().unwrap().received_at_ms, "its first event still waits in the first lane");
    by_hand.ship(0, &mut store);
    assert!(by_hand.lanes.readable_until("small") >= store.last().unwrap().received_at_ms);
}

#[test]
fn the_last_quarter_is_kept_for_those_who_send_less() {
    let mut by_hand = ByHand::open_with(MemDisk::new(1), 40 * MUCH);
    (0..5).for_each(|key| assert!(by_hand.store("flood", key).is_ok()));
    let fill = |by_hand: &ByHand, bytes| by_hand.lanes.spool(Lane(0)).shared.folder.counters.sealed_bytes.add(bytes);
    fill(&by_hand, 31 * MUCH);
    assert!(by_hand.store("flood", 6).is_ok(), "it is alone");
    assert!(by_hand.store("small", 100).is_ok());
    assert!(matches!(by_hand.store("flood", 7), Err(AppendError::Full(Full::Share))));
    assert!(by_hand.store("small", 101).is_ok());
    fill(&by_hand, 10 * MUCH);
    assert!(matches!(by_hand.store("small", 102), Err(AppendError::Full(Full::Size))));
    assert!(matches!(by_hand.store("small", 101), Ok(Appended::Duplicate { .. })), "what is stored may be said");
}
