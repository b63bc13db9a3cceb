//! Memory is bounded by configuration: what requests hold is reserved here before it is held.

pub mod sliding;
pub mod window;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::AcqRel, Ordering::Relaxed};

/// The bytes that all requests together may hold.
#[derive(Debug, Clone)]
pub struct Budget {
    used: Arc<AtomicU64>,
    total: u64,
}

/// A share of the budget; given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    bytes: u64,
}

// === impl Budget ===

impl Budget {
    pub fn new(total: u64) -> Budget {
        Budget { used: Arc::default(), total }
    }

    pub fn reserve_nothing(&self) -> Reservation {
        Reservation { budget: self.clone(), bytes: 0 }
    }

    pub fn used(&self) -> u64 {
        self.used.load(Relaxed)
    }
}

// === impl Reservation ===

impl Reservation {
    /// Makes sure that at least `bytes` are reserved; false if the budget has no room.
    #[must_use]
    pub fn cover(&mut self, bytes: u64) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 {
            return true;
        }
        let total = self.budget.total;
        let taken =
            self.budget.used.fetch_update(AcqRel, Relaxed, |used| used.checked_add(more).filter(|sum| *sum <= total));
        if taken.is_ok() {
            self.bytes += more;
        }
        taken.is_ok()
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_is_given_back_and_never_exceeds_the_total() {
        let budget = Budget::new(100);
        let mut one = budget.reserve_nothing();
        assert!(one.cover(60) && one.cover(40));
        assert_eq!(budget.used(), 60);
        let mut two = budget.reserve_nothing();
        assert!(!two.cover(41));
        assert!(two.cover(40));
        drop(one);
        assert_eq!(budget.used(), 40);
        assert!(two.cover(100));
        drop(two);
        assert_eq!(budget.used(), 0);
    }
}
