//! The replay window: which requests were stored lately, so that an exact retry is acknowledged and not stored again.
//!
//! - A key is pending from the moment its rows are in an open block until that block's commit, then done for the window
//!   (counted from its `received_at`), then forgotten.
//! - Memory is bounded: at most `max` done keys, the oldest go first, and going early is counted. Pending keys are
//!   bounded by the requests in flight.
//! - A failed commit's keys are forgotten: the retry is stored.
//! - It survives a restart: the notes in the files on disk and in the replay log (`replay_log.rs`) seed it.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::receipt::{Receipt, Ticket};

pub struct Replay {
    keys: HashMap<u128, State>,
    /// Done keys by `received_at`; may name a key twice, or one that is gone.
    order: VecDeque<(i64, u128)>,
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

enum State {
    Pending { ticket: Arc<Ticket>, rows: u32 },
    Done { receipt: Receipt, rows: u32 },
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

    pub fn look(&self, key: u128, now_ms: i64) -> Seen {
        match self.keys.get(&key) {
            Some(State::Pending { ticket, rows }) => Seen::Pending { ticket: ticket.clone(), rows: *rows },
            Some(State::Done { receipt, rows }) if receipt.received_at_ms() + self.window_ms > now_ms => {
                Seen::Done { receipt: *receipt, rows: *rows }
            }
            _ => Seen::New,
        }
    }

    /// Makes a new key pending; for a known one, says what it is and changes nothing.
    pub fn claim(&mut self, key: u128, rows: u32, ticket: &Arc<Ticket>, now_ms: i64) -> Seen {
        let seen = self.look(key, now_ms);
        if matches!(seen, Seen::New) {
            self.keys.insert(key, State::Pending { ticket: ticket.clone(), rows });
        }
        seen
    }

    /// A commit is durable: its keys are done. Also seeds the window at a restart, oldest first.
    pub fn done(&mut self, receipt: Receipt, requests: impl Iterator<Item = (u128, u32)>) {
        for (key, rows) in requests {
            self.keys.insert(key, State::Done { receipt, rows });
            self.order.push_back((receipt.received_at_ms(), key));
        }
    }

    /// A commit failed: its keys were never seen.
    pub fn forget(&mut self, requests: impl Iterator<Item = (u128, u32)>) {
        for (key, _) in requests {
            if let Entry::Occupied(entry) = self.keys.entry(key)
                && matches!(entry.get(), State::Pending { .. })
            {
                entry.remove();
            }
        }
    }

    /// Lets go of what is past the window or over the limit.
    pub fn expire(&mut self, now_ms: i64) {
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

    fn done(replay: &mut Replay, at: i64, key: u128) {
        replay.done(Receipt::after_fsync(at), [(key, 1)].into_iter());
    }

    #[test]
    fn a_key_is_new_pending_done_and_new_again_after_the_window() {
        let mut replay = Replay::new(10, 100);
        let ticket = Arc::new(Ticket::default());
        assert!(matches!(replay.claim(1, 5, &ticket, 0), Seen::New));
        assert!(matches!(replay.claim(1, 9, &ticket, 0), Seen::Pending { rows: 5, .. }));
        assert!(matches!(replay.look(1, 0), Seen::Pending { rows: 5, .. }));
        replay.done(Receipt::after_fsync(50), [(1, 5)].into_iter());
        assert!(matches!(replay.look(1, 149), Seen::Done { rows: 5, .. }));
        assert!(matches!(replay.look(1, 150), Seen::New));
        replay.expire(150);
        assert!(replay.known() == 0);
    }

    #[test]
    fn the_oldest_keys_go_first_when_there_are_too_many_and_are_counted() {
        let mut replay = Replay::new(3, 1000);
        (0..5).for_each(|key| done(&mut replay, key as i64, key));
        replay.expire(5);
        assert_eq!((replay.known(), replay.evicted_early), (3, 2));
        assert!(matches!(replay.look(1, 5), Seen::New));
        assert!(matches!(replay.look(2, 5), Seen::Done { .. }));
    }

    #[test]
    fn a_key_that_came_again_after_its_window_lives_a_whole_second_one() {
        let mut replay = Replay::new(10, 100);
        done(&mut replay, 0, 7);
        assert!(matches!(replay.claim(7, 1, &Arc::default(), 120), Seen::New));
        done(&mut replay, 120, 7);
        replay.expire(121);
        assert!(matches!(replay.look(7, 121), Seen::Done { .. }));
        replay.expire(220);
        assert!(replay.known() == 0);
    }

    #[test]
    fn a_failed_key_is_forgotten_but_a_done_one_is_not() {
        let mut replay = Replay::new(10, 100);
        replay.claim(1, 1, &Arc::default(), 0);
        done(&mut replay, 0, 2);
        replay.forget([(1, 1), (2, 1)].into_iter());
        assert!(matches!(replay.look(1, 0), Seen::New));
        assert!(matches!(replay.look(2, 0), Seen::Done { .. }));
    }
}
