//! The model: whatever is sent, committed, sealed, shipped, and wherever a step fails or the machine dies, each request ends
//! up in the store exactly once if it was acknowledged, and not twice if it was retried. Exports are retried within their
//! window; deliveries also long after that of exports is over.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::io::ErrorKind;
use std::pin::Pin;

use proptest::prelude::*;

use super::memdisk::{Fault, MemDisk};
use super::{Answer, ByHand, DELIVERIES, Row, TestBatch, options, poll, request_key, rows_of};
use crate::spool::admin;
use crate::spool::receipt::Appended;
use crate::spool::recover;

#[derive(Debug, Clone)]
enum Op {
    Send(u8),
    Deliver(u8),
    Commit,
    Seal,
    /// The insert succeeds; what becomes of the answer differs.
    Ship(After),
    Refuse,
    Return,
    Fail {
        after: u64,
        kind: ErrorKind,
    },
    Die {
        after: u64,
    },
    Restart {
        power_cut: bool,
    },
    Wait(i64),
    /// The exports' window passes: they are given up, deliveries are not.
    Outlast,
}

#[derive(Debug, Clone, Copy)]
enum After {
    Done,
    Lost,
}

fn op() -> impl Strategy<Value = Op> {
    let kind = prop_oneof![Just(ErrorKind::StorageFull), Just(ErrorKind::Other)];
    prop_oneof![
        5 => (0..24u8).prop_map(Op::Send),
        5 => (0..24u8).prop_map(Op::Deliver),
        5 => Just(Op::Commit),
        2 => Just(Op::Seal),
        2 => prop_oneof![3 => Just(After::Done), 1 => Just(After::Lost)].prop_map(Op::Ship),
        1 => Just(Op::Refuse),
        1 => Just(Op::Return),
        1 => (0..8u64, kind).prop_map(|(after, kind)| Op::Fail { after, kind }),
        1 => (0..12u64).prop_map(|after| Op::Die { after }),
        1 => any::<bool>().prop_map(|power_cut| Op::Restart { power_cut }),
        1 => (0..50i64).prop_map(Op::Wait),
        1 => Just(Op::Outlast),
    ]
}

#[derive(Default)]
struct World {
    /// How often the exports' window has passed; each time, exports are new ones.
    age: u128,
    /// To be sent with the next commit.
    waiting: Vec<u128>,
    sent: BTreeSet<u128>,
    acknowledged: BTreeSet<u128>,
    /// What ClickHouse has, by token.
    store: BTreeMap<String, Vec<Row>>,
}

type Pending<'a> = Vec<(u128, Pin<Box<dyn Future<Output = Answer> + 'a>>)>;

/// Each key's request always says the same.
fn rows_for(key: u128) -> u32 {
    1 + (key % 3) as u32
}

impl World {
    fn answered(&mut self, key: u128, answer: Answer) {
        match answer {
            Ok(Appended::Stored(..)) => {
                assert!(self.acknowledged.insert(key), "an acknowledged request was stored again");
            }
            Ok(Appended::Duplicate { rows, .. }) => {
                assert_eq!(rows, rows_for(key));
                self.acknowledged.insert(key);
            }
            Err(_) => {}
        }
    }

    fn commit(&mut self, by_hand: &mut ByHand, keys: &[u128]) {
        let ByHand { spool, committer, .. } = by_hand;
        let mut pending: Pending<'_> = Vec::new();
        for &key in keys {
            self.sent.insert(key);
            let rows = rows_for(key);
            let mut answer: Pin<Box<dyn Future<Output = Answer> + '_>> =
                Box::pin(spool.append(request_key(key), move |batch: &mut TestBatch| batch.push(key, rows)));
            match poll(&mut answer) {
                // Two twins in one round: the second one's answer is a duplicate either way.
                Some(answer) => self.answered(key, answer),
                None => pending.push((key, answer)),
            }
        }
        committer.commit();
        for (key, mut answer) in pending {
            let answer = poll(&mut answer).expect("a commit answers everyone");
            if matches!(answer, Ok(Appended::Stored(..))) || !self.acknowledged.contains(&key) {
                self.answered(key, answer);
            }
        }
    }

    fn send(&mut self, n: u8) {
        self.waiting.push(self.age << 8 | u128::from(n));
    }

    fn deliver(&mut self, n: u8) {
        self.waiting.push(DELIVERIES + u128::from(n));
    }

    /// Nobody retries an export so late: whether one without an answer was stored stays open.
    fn outlast(&mut self, by_hand: &ByHand) {
        by_hand.disk.advance(options().replay_window.as_millis() as i64);
        self.age += 1;
        self.waiting.retain(|key| *key >= DELIVERIES);
        self.sent.retain(|key| *key >= DELIVERIES || self.acknowledged.contains(key));
    }

    /// A redelivery of everything that was ever delivered: known, each one.
    fn redeliver(&mut self, by_hand: &mut ByHand) {
        let delivered: Vec<u128> = self.acknowledged.range(DELIVERIES..).copied().collect();
        let rows = by_hand.spool.stats().appended_rows;
        self.commit(by_hand, &delivered);
        assert_eq!(by_hand.spool.stats().appended_rows, rows, "an acknowledged delivery was stored again");
    }

    fn ship(&mut self, by_hand: &ByHand, after: After) {
        let Some(mut segment) = by_hand.next() else {
            return;
        };
        let Ok(body) = segment.load_now() else { return };
        let rows = rows_of(&body);
        assert_eq!(rows.len() as u64, segment.rows());
        let before = self.store.entry(segment.token().to_owned()).or_insert_with(|| rows.clone());
        assert_eq!(*before, rows, "a token always says the same");
        if matches!(after, After::Done) {
            // A failure sends it back to its place.
            let _ = segment.done_now();
        }
    }

    fn check(&self) {
        let mut copies: BTreeMap<u128, Vec<u32>> = BTreeMap::new();
        let mut last = 0;
        let mut store: Vec<_> = self.store.iter().filter(|(_, rows)| !rows.is_empty()).collect();
        store.sort_by_key(|(_, rows)| rows[0].received_at_ms);
        for (token, rows) in store {
            assert!(rows[0].received_at_ms > last, "two commits share a received_at: {token}");
            for row in rows {
                assert!(row.received_at_ms >= last, "received_at went back in {token}");
                last = row.received_at_ms;
                copies.entry(row.key).or_default().push(row.row);
            }
        }
        for key in &self.acknowledged {
            assert!(copies.contains_key(key), "an acknowledged request is gone: {key}");
        }
        for (key, rows) in copies {
            let once: Vec<u32> = (0..rows_for(key)).collect();
            assert_eq!(rows, once, "request {key} is not there exactly once");
        }
    }
}

/// Starts until a start succeeds; one that dies in the middle is followed by another.
fn start(disk: &MemDisk, mut power_cut: bool) -> ByHand {
    loop {
        match power_cut {
            true => disk.restart_after_power_cut(),
            false => disk.restart_after_kill(),
        }
        match ByHand::open(disk.clone(), options()) {
            Ok(by_hand) => return by_hand,
            Err(_) => power_cut = !power_cut,
        }
    }
}

fn run(seed: u64, ops: Vec<Op>, die_in_recovery: Vec<u64>) {
    let disk = MemDisk::new(seed);
    let mut by_hand = ByHand::open(disk.clone(), options()).unwrap();
    let mut world = World::default();
    let mut deaths = die_in_recovery.into_iter();
    for op in ops {
        let mut restart = None;
        match op {
            Op::Send(n) => world.send(n),
            Op::Deliver(n) => world.deliver(n),
            Op::Commit => {
                let waiting = std::mem::take(&mut world.waiting);
                world.commit(&mut by_hand, &waiting);
            }
            Op::Seal => by_hand.committer.seal(),
            Op::Ship(after) => world.ship(&by_hand, after),
            Op::Refuse => {
                if let Some(mut segment) = by_hand.next() {
                    let _ = segment.quarantine_now("refused");
                }
            }
            Op::Return => give_back(&by_hand),
            Op::Fail { after, kind } => disk.fault_in(after, Fault::Fails(kind)),
            Op::Die { after } => disk.fault_in(after, Fault::Dies),
            Op::Restart { power_cut } => restart = Some(power_cut),
            Op::Wait(ms) => disk.advance(ms),
            Op::Outlast => world.outlast(&by_hand),
        }
        if let Some(power_cut) = restart.or(disk.is_dead().then_some(seed.is_multiple_of(2))) {
            disk.die();
            drop(by_hand);
            by_hand = match deaths.next() {
                None => start(&disk, power_cut),
                Some(after) => {
                    match power_cut {
                        true => disk.restart_after_power_cut(),
                        false => disk.restart_after_kill(),
                    }
                    disk.fault_in(after, Fault::Dies);
                    match ByHand::open(disk.clone(), options()) {
                        Ok(by_hand) => by_hand,
                        Err(_) => start(&disk, !power_cut),
                    }
                }
            };
        }
    }
    // Calm: every sender retries what it never got an answer for, everything is shipped.
    disk.heal();
    if disk.is_dead() {
        drop(by_hand);
        by_hand = start(&disk, true);
    }
    let unanswered: Vec<u128> = world.sent.difference(&world.acknowledged).copied().collect();
    world.commit(&mut by_hand, &unanswered);
    assert_eq!(world.sent, world.acknowledged, "a retry in calm succeeds");
    by_hand.committer.seal();
    give_back(&by_hand);
    while !by_hand.spool.shared.folder.queue.lock().unwrap().is_empty() {
        world.ship(&by_hand, After::Done);
    }
    world.outlast(&by_hand);
    world.redeliver(&mut by_hand);
    for power_cut in [false, true] {
        disk.die();
        drop(by_hand);
        by_hand = start(&disk, power_cut);
        world.redeliver(&mut by_hand);
    }
    while !by_hand.spool.shared.folder.queue.lock().unwrap().is_empty() {
        world.ship(&by_hand, After::Done);
    }
    world.check();
    let stats = by_hand.spool.stats();
    assert_eq!((stats.rows, stats.segments, stats.quarantined, stats.bytes), (0, 0, 0, 0));
}

fn give_back(by_hand: &ByHand) {
    let Ok(listed) = admin::list_on(&by_hand.disk, &options().dir, "events") else {
        return;
    };
    for segment in listed {
        if matches!(segment.state, admin::State::Quarantined { .. }) {
            let _ = admin::retry_on(&by_hand.disk, &options().dir, "events", &segment.name);
        }
    }
    let _ = recover::adopt_returned(&by_hand.spool.shared.folder);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_acknowledged_is_stored_exactly_once_whatever_dies_when(
        seed: u64,
        ops in prop::collection::vec(op(), 1..60),
        die_in_recovery in prop::collection::vec(0..12u64, 0..3),
    ) {
        run(seed, ops, die_in_recovery);
    }
}

/// The same script, killed at each of its steps in turn, the power cut or not.
#[test]
fn a_death_at_any_step_of_a_fixed_day_loses_and_doubles_nothing() {
    let mut day = Vec::new();
    for key in 0..8u8 {
        // Alone, and in one commit with one of the other class.
        day.extend([Op::Deliver(key), Op::Commit, Op::Send(key), Op::Deliver(key + 8), Op::Commit]);
        if key == 6 {
            day.push(Op::Outlast);
        }
        if key % 2 == 1 {
            day.push(Op::Seal);
        }
        if key == 3 {
            day.push(Op::Refuse);
        }
        if key > 3 {
            day.push(Op::Ship(if key == 5 { After::Lost } else { After::Done }));
        }
    }
    for after in 0..110 {
        for seed in 0..6 {
            let mut ops = vec![Op::Die { after }];
            ops.extend(day.iter().cloned());
            run(seed * 77 + seed % 2, ops, Vec::new());
        }
    }
}
