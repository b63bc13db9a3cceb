//! So many calls of each caller within any window of time, counted exactly: no buckets, no fixed minutes.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Of one process; every caller has a window of their own.
#[derive(Debug)]
pub struct Sliding {
    calls: usize,
    window: Duration,
    callers: Mutex<HashMap<String, VecDeque<Instant>>>,
}

/// Callers remembered at once, each with up to `calls` instants of 16 bytes.
const MOST_CALLERS: usize = 10_000;

// === impl Sliding ===

impl Sliding {
    pub fn new(calls: usize, window: Duration) -> Sliding {
        Sliding { calls, window, callers: Mutex::default() }
    }

    /// Whether `who` may call now; a call that is refused does not count. The time is given, and never goes back.
    #[must_use]
    pub fn admit(&self, who: &str, now: Instant) -> bool {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if !callers.contains_key(who) {
            if callers.len() >= MOST_CALLERS {
                make_room(&mut callers, now, self.window);
            }
            callers.insert(who.to_owned(), VecDeque::new());
        }
        // It was put there above.
        let Some(calls) = callers.get_mut(who) else { return false };
        while calls.front().is_some_and(|first| now.saturating_duration_since(*first) >= self.window) {
            calls.pop_front();
        }
        let admitted = calls.len() < self.calls;
        if admitted {
            calls.push_back(now);
        }
        admitted
    }
}

/// Those whose window is empty go; where there are none, whoever has been silent longest.
fn make_room(callers: &mut HashMap<String, VecDeque<Instant>>, now: Instant, window: Duration) {
    let last = |calls: &VecDeque<Instant>| calls.back().copied();
    callers.retain(|_, calls| last(calls).is_some_and(|last| now.saturating_duration_since(last) < window));
    if callers.len() >= MOST_CALLERS {
        let silent = callers.iter().min_by_key(|(_, calls)| last(calls)).map(|(who, _)| who.clone());
        silent.map(|who| callers.remove(&who));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_one_too_many_within_any_minute_is_refused() {
        let (limit, start) = (Sliding::new(60, MINUTE), Instant::now());
        let at = |ms: u64| start + Duration::from_millis(ms);
        // Thirty at once, thirty half a minute later.
        assert!((0..30).all(|_| limit.admit("a", at(0))));
        assert!((0..30).all(|_| limit.admit("a", at(30_000))));
        assert!(!limit.admit("a", at(30_000)) && !limit.admit("a", at(59_999)));
        // The first thirty are over; the others still count, however the minutes of a clock fall.
        assert!((0..30).all(|_| limit.admit("a", at(60_000))));
        assert!(!limit.admit("a", at(60_000)) && !limit.admit("a", at(89_999)));
        assert!(limit.admit("a", at(90_000)));
    }

    #[test]
    fn a_refused_call_does_not_count_and_callers_have_their_own() {
        let (limit, start) = (Sliding::new(1, MINUTE), Instant::now());
        assert!(limit.admit("a", start));
        for second in 0..60 {
            assert!(!limit.admit("a", start + Duration::from_secs(second)));
        }
        assert!(limit.admit("b", start) && limit.admit("a", start + MINUTE));
    }

    #[test]
    fn memory_is_bounded() {
        let (limit, start) = (Sliding::new(2, MINUTE), Instant::now());
        for caller in 0..MOST_CALLERS + 5 {
            assert!(limit.admit(&caller.to_string(), start + Duration::from_millis(caller as u64 / 10)));
        }
        assert_eq!(limit.callers.lock().expect("unbroken").len(), MOST_CALLERS);
        assert!(limit.admit("later", start + MINUTE * 2));
        assert_eq!(limit.callers.lock().expect("unbroken").len(), 1);
    }
}
