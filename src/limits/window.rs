//! At most so many in any stretch of time, for each key: failed sign-ins of an address, requests of a user.
//!
//! The clock is the caller's, in milliseconds. Memory is bounded: past a number of keys, the ones that were quiet longest are forgotten.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Debug)]
pub struct SlidingWindow<K> {
    most: usize,
    per_ms: i64,
    most_keys: usize,
    /// When each was taken; the oldest first.
    taken: Mutex<HashMap<K, VecDeque<i64>>>,
}

// === impl SlidingWindow ===

impl<K: Hash + Eq + Clone> SlidingWindow<K> {
    /// `most` in any stretch of `per`; at most `most_keys` are remembered.
    pub fn new(most: usize, per: Duration, most_keys: usize) -> SlidingWindow<K> {
        let per_ms = i64::try_from(per.as_millis()).unwrap_or(i64::MAX);
        SlidingWindow { most, per_ms, most_keys: most_keys.max(1), taken: Mutex::default() }
    }

    /// Takes one; or says how long to wait until there is one.
    pub fn take(&self, key: &K, now_ms: i64) -> Result<(), Duration> {
        let mut all = self.lock();
        if !all.contains_key(key) && all.len() >= self.most_keys {
            self.make_room(&mut all, now_ms);
        }
        let taken = all.entry(key.clone()).or_default();
        self.forget_old(taken, now_ms);
        if taken.len() < self.most {
            taken.push_back(now_ms);
            return Ok(());
        }
        let wait_ms = taken.front().map_or(self.per_ms, |oldest| oldest.saturating_add(self.per_ms) - now_ms);
        Err(Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0).max(1)))
    }

    /// Gives back the one that was taken last: it turned out not to count.
    pub fn give_back(&self, key: &K) {
        let mut all = self.lock();
        if let Some(taken) = all.get_mut(key) {
            taken.pop_back();
            if taken.is_empty() {
                all.remove(key);
            }
        }
    }

    /// Begins anew for this key.
    pub fn forget(&self, key: &K) {
        self.lock().remove(key);
    }

    /// How many keys are remembered.
    pub fn keys(&self) -> usize {
        self.lock().len()
    }

    fn forget_old(&self, taken: &mut VecDeque<i64>, now_ms: i64) {
        while taken.front().is_some_and(|at| at.saturating_add(self.per_ms) <= now_ms) {
            taken.pop_front();
        }
    }

    /// Drops what is over, and if that is not enough the tenth that was quiet longest: this walk is for many keys at once.
    fn make_room(&self, all: &mut HashMap<K, VecDeque<i64>>, now_ms: i64) {
        all.retain(|_, taken| taken.back().is_some_and(|at| at.saturating_add(self.per_ms) > now_ms));
        if all.len() < self.most_keys {
            return;
        }
        let mut last: Vec<i64> = all.values().filter_map(|taken| taken.back().copied()).collect();
        let drop = all.len() - self.most_keys + 1 + self.most_keys / 10;
        let nth = drop.min(last.len()) - 1;
        let (_, limit, _) = last.select_nth_unstable(nth);
        let (limit, mut left) = (*limit, drop);
        all.retain(|_, taken| {
            let goes = left > 0 && taken.back().is_none_or(|at| *at <= limit);
            left -= usize::from(goes);
            !goes
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, VecDeque<i64>>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_wait_ends_when_the_oldest_leaves_the_window() {
        let window = SlidingWindow::new(2, SECOND, 10);
        assert_eq!((window.take(&"a", 0), window.take(&"a", 400)), (Ok(()), Ok(())));
        assert_eq!(window.take(&"a", 999), Err(Duration::from_millis(1)));
        // What was refused does not count.
        assert_eq!((window.take(&"a", 1000), window.take(&"b", 1000)), (Ok(()), Ok(())));
        assert_eq!(window.take(&"a", 1100), Err(Duration::from_millis(300)));
        window.give_back(&"a");
        assert_eq!(window.take(&"a", 1100), Ok(()));
        window.forget(&"a");
        assert_eq!(window.take(&"a", 1100), Ok(()));
    }

    proptest! {
        #[test]
        fn no_stretch_of_time_has_more_and_none_is_refused_that_has_room(
            steps in proptest::collection::vec((0u8..3, 0i64..400), 1..200), most in 1usize..5,
        ) {
            let window = SlidingWindow::new(most, SECOND, 10);
            let (mut now, mut taken) = (0, HashMap::<u8, Vec<i64>>::new());
            for (key, later) in steps {
                now += later;
                let of_key = taken.entry(key).or_default();
                let within = of_key.iter().filter(|at| **at + 1000 > now).count();
                let answer = window.take(&key, now);
                prop_assert_eq!(answer.is_ok(), within < most);
                match answer {
                    Ok(()) => of_key.push(now),
                    // After the wait, and not a millisecond before, there is room.
                    Err(wait) => {
                        let then = now + wait.as_millis() as i64;
                        prop_assert!(of_key.iter().filter(|at| **at + 1000 > then).count() < most);
                        prop_assert!(of_key.iter().filter(|at| **at + 1000 > then - 1).count() >= most);
                    }
                }
            }
        }

        #[test]
        fn the_number_of_keys_is_bounded_and_the_busiest_stay(keys in proptest::collection::vec(0u32..1000, 1..400)) {
            let window = SlidingWindow::new(1, SECOND * 3600, 20);
            for (now, key) in keys.iter().enumerate() {
                let _ = window.take(key, now as i64);
                prop_assert!(window.keys() <= 20);
                // Who came just now is known.
                prop_assert!(window.take(key, now as i64).is_err());
            }
        }
    }
}
