//! The replay windows: which requests were stored lately, so that an exact retry is acknowledged and not stored again. A short
//! one for exports and a long one for deliveries, each with its own length and bound; a key's class says which is asked.
//!
//! - A key is pending from the moment its rows are in an open block until that block's commit, then done for the window
//!   (counted from its `received_at`), then forgotten.
//! - Memory is bounded: at most `max` done keys, the oldest go first, and going early is counted. Pending keys are
//!   bounded by the requests in flight.
//! - A failed commit's keys are forgotten: the retry is stored.
//! - They survive a restart: the notes in the files on disk and in the replay logs (`replay_log.rs`) seed them.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::key::{ByClass, Class, RequestKey};
use super::receipt::{Receipt, Ticket};

/// Both windows, behind one lock.
pub struct Windows(ByClass<Replay>);

pub struct Replay {
    keys: HashMap<RequestKey, State>,
    /// Done keys by `received_at`; may name a key twice, or one that is gone.
    order: VecDeque<(i64, RequestKey)>,
    max: usize,
    window_ms: i64,
    /// Keys that went before the window was over, for want of room.
    pub evicted_early: u64,
}

/// What the window knows about a key.
#[derive(Debug, Clone)]
pub enum Seen {
    New,
    Pending { ticket: Arc<Ticket>, rows: u32 },
    Done { receipt: Receipt, rows: u32 },
}

/// A request that an earlier process stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed {
    pub received_at_ms: i64,
    pub key: RequestKey,
    pub rows: u32,
}

enum State {
    Pending { ticket: Arc<Ticket>, rows: u32 },
    Done { receipt: Receipt, rows: u32 },
}

// === impl Windows ===

impl Windows {
    pub fn new(make: impl FnMut(Class) -> Replay) -> Windows {
        Windows(ByClass::new(make))
    }

    pub fn of(&self, class: Class) -> &Replay {
        &self.0[class]
    }

    pub fn look(&self, key: RequestKey, now_ms: i64) -> Seen {
        self.0[key.class()].look(key, now_ms)
    }

    /// Makes a new key pending; for a known one, says what it is and changes nothing.
    pub fn claim(&mut self, key: RequestKey, rows: u32, ticket: &Arc<Ticket>, now_ms: i64) -> Seen {
        self.0[key.class()].claim(key, rows, ticket, now_ms)
    }

    /// A commit is durable: its keys are done.
    pub fn done(&mut self, receipt: Receipt, requests: impl Iterator<Item = (RequestKey, u32)>) {
        requests.for_each(|(key, rows)| self.0[key.class()].done(receipt, key, rows));
    }

    /// Seeds a window at a restart: what was stored and when, oldest first.
    pub fn seed(&mut self, seeds: &[Seed], now_ms: i64) {
        for class in Class::ALL {
            let count = seeds.iter().filter(|seed| seed.key.class() == class).count();
            self.0[class].keys.reserve(count);
            self.0[class].order.reserve(count);
        }
        for seed in seeds {
            self.0[seed.key.class()].done(Receipt::after_fsync(seed.received_at_ms), seed.key, seed.rows);
        }
        for window in self.0.iter_mut() {
            window.expire(now_ms);
            window.evicted_early = 0;
        }
    }

    /// A commit failed: its keys were never seen.
    pub fn forget(&mut self, requests: impl Iterator<Item = (RequestKey, u32)>) {
        requests.for_each(|(key, _)| self.0[key.class()].forget(key));
    }

    /// Lets go of what is past its window or over its limit.
    pub fn expire(&mut self, now_ms: i64) {
        self.0.iter_mut().for_each(|window| window.expire(now_ms));
    }
}

// === impl Replay ===

impl Replay {
    pub fn new(max: usize, window_ms: i64) -> Replay {
        Replay { keys: HashMap::new(), order: VecDeque::new(), max, window_ms, evicted_early: 0 }
    }

    /// Keys known, pending and done.
    pub fn known(&self) -> usize {
        self.keys.len()
    }

    fn look(&self, key: RequestKey, now_ms: i64) -> Seen {
        match self.keys.get(&key) {
            Some(State::Pending { ticket, rows }) => Seen::Pending { ticket: ticket.clone(), rows: *rows },
            Some(State::Done { receipt, rows }) if receipt.received_at_ms() + self.window_ms > now_ms => {
                Seen::Done { receipt: *receipt, rows: *rows }
            }
            _ => Seen::New,
        }
    }

    fn claim(&mut self, key: RequestKey, rows: u32, ticket: &Arc<Ticket>, now_ms: i64) -> Seen {
        let seen = self.look(key, now_ms);
        if matches!(seen, Seen::New) {
            self.keys.insert(key, State::Pending { ticket: ticket.clone(), rows });
        }
        seen
    }

    fn done(&mut self, receipt: Receipt, key: RequestKey, rows: u32) {
        self.keys.insert(key, State::Done { receipt, rows });
        self.order.push_back((receipt.received_at_ms(), key));
    }

    fn forget(&mut self, key: RequestKey) {
        if let Entry::Occupied(entry) = self.keys.entry(key)
            && matches!(entry.get(), State::Pending { .. })
        {
            entry.remove();
        }
    }

    fn expire(&mut self, now_ms: i64) {
        while let Some(&(received_at_ms, key)) = self.order.front() {
            let over = received_at_ms + self.window_ms <= now_ms;
            if !over && self.order.len() <= self.max {
                break;
            }
            self.order.pop_front();
            // A key that came again after its window has a later entry in `order`, which then decides.
            if let Entry::Occupied(entry) = self.keys.entry(key)
                && matches!(entry.get(), State::Done { receipt, .. } if receipt.received_at_ms() == received_at_ms)
            {
                entry.remove();
                self.evicted_early += u64::from(!over);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u128) -> RequestKey {
        RequestKey::export(n)
    }

    fn done(replay: &mut Replay, at: i64, n: u128) {
        replay.done(Receipt::after_fsync(at), key(n), 1);
    }

    #[test]
    fn a_key_is_new_pending_done_and_new_again_after_the_window() {
        let mut replay = Replay::new(10, 100);
        let ticket = Arc::new(Ticket::default());
        assert!(matches!(replay.claim(key(1), 5, &ticket, 0), Seen::New));
        assert!(matches!(replay.claim(key(1), 9, &ticket, 0), Seen::Pending { rows: 5, .. }));
        assert!(matches!(replay.look(key(1), 0), Seen::Pending { rows: 5, .. }));
        replay.done(Receipt::after_fsync(50), key(1), 5);
        assert!(matches!(replay.look(key(1), 149), Seen::Done { rows: 5, .. }));
        assert!(matches!(replay.look(key(1), 150), Seen::New));
        replay.expire(150);
        assert!(replay.known() == 0);
    }

    #[test]
    fn the_oldest_keys_go_first_when_there_are_too_many_and_are_counted() {
        let mut replay = Replay::new(3, 1000);
        (0..5).for_each(|n| done(&mut replay, n as i64, n));
        replay.expire(5);
        assert_eq!((replay.known(), replay.evicted_early), (3, 2));
        assert!(matches!(replay.look(key(1), 5), Seen::New));
        assert!(matches!(replay.look(key(2), 5), Seen::Done { .. }));
    }

    #[test]
    fn a_key_that_came_again_after_its_window_lives_a_whole_second_one() {
        let mut replay = Replay::new(10, 100);
        done(&mut replay, 0, 7);
        assert!(matches!(replay.claim(key(7), 1, &Arc::default(), 120), Seen::New));
        done(&mut replay, 120, 7);
        replay.expire(121);
        assert!(matches!(replay.look(key(7), 121), Seen::Done { .. }));
        replay.expire(220);
        assert!(replay.known() == 0);
    }

    #[test]
    fn a_failed_key_is_forgotten_but_a_done_one_is_not() {
        let mut replay = Replay::new(10, 100);
        replay.claim(key(1), 1, &Arc::default(), 0);
        done(&mut replay, 0, 2);
        replay.forget(key(1));
        replay.forget(key(2));
        assert!(matches!(replay.look(key(1), 0), Seen::New));
        assert!(matches!(replay.look(key(2), 0), Seen::Done { .. }));
    }

    /// Exports: 100 ms, 3 keys. Deliveries: 10 s, 5 keys.
    fn windows() -> Windows {
        Windows::new(|class| match class {
            Class::Export => Replay::new(3, 100),
            Class::Delivery => Replay::new(5, 10_000),
        })
    }

    #[test]
    fn each_class_has_its_own_length() {
        let mut windows = windows();
        let both = [(RequestKey::export(1), 2), (RequestKey::delivery(1), 3)];
        windows.done(Receipt::after_fsync(0), both.into_iter());
        for (now_ms, known) in
            [(99, [true, true]), (100, [false, true]), (9_999, [false, true]), (10_000, [false, false])]
        {
            windows.expire(now_ms);
            let done = both.map(|(key, _)| matches!(windows.look(key, now_ms), Seen::Done { .. }));
            assert_eq!(done, known, "at {now_ms} ms");
            assert_eq!(Class::ALL.map(|class| windows.of(class).known() == 1), known, "at {now_ms} ms");
        }
        assert_eq!(Class::ALL.map(|class| windows.of(class).evicted_early), [0, 0]);
    }

    #[test]
    fn each_class_has_its_own_bound_and_neither_takes_room_from_the_other() {
        let mut windows = windows();
        for n in 0..10 {
            let both = [(RequestKey::export(n), 1), (RequestKey::delivery(n), 1)];
            windows.done(Receipt::after_fsync(n as i64), both.into_iter());
        }
        windows.expire(10);
        assert_eq!(Class::ALL.map(|class| windows.of(class).known()), [3, 5]);
        assert_eq!(Class::ALL.map(|class| windows.of(class).evicted_early), [7, 5]);
        assert!(matches!(windows.look(RequestKey::export(6), 10), Seen::New));
        assert!(matches!(windows.look(RequestKey::delivery(6), 10), Seen::Done { .. }));
    }

    #[test]
    fn claims_and_failures_of_one_class_leave_the_other_alone() {
        let mut windows = windows();
        let (export, delivery) = (RequestKey::export(1), RequestKey::delivery(1));
        assert!(matches!(windows.claim(export, 1, &Arc::default(), 0), Seen::New));
        assert!(matches!(windows.claim(delivery, 2, &Arc::default(), 0), Seen::New));
        windows.forget([(export, 1)].into_iter());
        assert!(matches!(windows.look(export, 0), Seen::New));
        assert!(matches!(windows.look(delivery, 0), Seen::Pending { rows: 2, .. }));
    }

    #[test]
    fn a_seed_goes_to_its_window_and_room_that_a_start_lacks_is_not_counted() {
        let mut windows = windows();
        let seeds: Vec<Seed> = (0..8)
            .flat_map(|n| {
                [RequestKey::export(n), RequestKey::delivery(n)].map(|key| Seed {
                    received_at_ms: n as i64,
                    key,
                    rows: 1,
                })
            })
            .collect();
        windows.seed(&seeds, 10);
        assert_eq!(Class::ALL.map(|class| windows.of(class).known()), [3, 5]);
        assert_eq!(Class::ALL.map(|class| windows.of(class).evicted_early), [0, 0]);
    }
}
