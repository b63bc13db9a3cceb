//! Memory is bounded by configuration: what requests hold is reserved here before it is held.
//!
//! While it is short, tenants share it. Where several tenants sent lately and more than half is taken, a tenant may hold no more
//! than `total / (tenants + 1)`; one request of a tenant that holds nothing else may have what there is, so that a large one
//! passes. A tenant that is alone may have everything.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The bytes that all requests together may hold; of one tenant, where [`Budget::of`] made it.
#[derive(Debug, Clone)]
pub struct Budget {
    all: Arc<All>,
    share: Option<Arc<Share>>,
}

#[derive(Debug)]
struct All {
    used: AtomicU64,
    total: u64,
    started: Instant,
    shares: Mutex<HashMap<String, Arc<Share>>>,
    /// Tenants that sent lately.
    active: AtomicUsize,
    counted_ms: AtomicU64,
}

/// What one tenant holds.
#[derive(Debug, Default)]
struct Share {
    used: AtomicU64,
    /// Reservations of more than nothing.
    held: AtomicUsize,
    seen_ms: AtomicU64,
}

/// A share of the budget; given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    bytes: u64,
}

/// Who was silent for longer needs nothing kept free.
const LATELY_MS: u64 = 10_000;
const COUNT_EVERY_MS: u64 = 1_000;

// === impl Budget ===

impl Budget {
    pub fn new(total: u64) -> Budget {
        let all = All {
            used: AtomicU64::new(0),
            total,
            started: Instant::now(),
            shares: Mutex::default(),
            active: AtomicUsize::new(0),
            counted_ms: AtomicU64::new(0),
        };
        Budget { all: Arc::new(all), share: None }
    }

    /// The same budget, as this tenant may use it.
    pub fn of(&self, tenant: &str) -> Budget {
        // From 1, so that 0 is never.
        let now_ms = self.all.started.elapsed().as_millis() as u64 + 1;
        Budget { all: self.all.clone(), share: Some(self.all.share(tenant, now_ms)) }
    }

    pub fn reserve_nothing(&self) -> Reservation {
        Reservation { budget: self.clone(), bytes: 0 }
    }

    pub fn used(&self) -> u64 {
        self.all.used.load(Relaxed)
    }
}

// === impl All ===

impl All {
    fn share(&self, tenant: &str, now_ms: u64) -> Arc<Share> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let known = shares.get(tenant).cloned();
        let share = known.unwrap_or_else(|| shares.entry(tenant.to_owned()).or_default().clone());
        let seen_ms = share.seen_ms.swap(now_ms, Relaxed);
        let is_news = seen_ms == 0 || seen_ms + LATELY_MS < now_ms;
        if is_news || self.counted_ms.load(Relaxed) + COUNT_EVERY_MS <= now_ms {
            self.counted_ms.store(now_ms, Relaxed);
            let lately = |share: &Share| share.seen_ms.load(Relaxed) + LATELY_MS >= now_ms;
            // Whoever holds something has another reference to its share.
            shares.retain(|_, share| lately(share) || Arc::strong_count(share) > 1);
            self.active.store(shares.values().filter(|share| lately(share)).count(), Relaxed);
        }
        share
    }

    fn is_fair(&self, sum: u64, share: &Share, is_new: bool, more: u64) -> bool {
        let tenants = self.active.load(Relaxed);
        let others = share.held.load(Acquire) - usize::from(!is_new);
        tenants <= 1
            || sum <= self.total / 2
            || others == 0
            || share.used.load(Relaxed) + more <= self.total / (tenants as u64 + 1)
    }
}

// === impl Reservation ===

impl Reservation {
    /// Makes sure that at least `bytes` are reserved; false if the budget, or the tenant's part of it, has no room.
    #[must_use]
    pub fn cover(&mut self, bytes: u64) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 {
            return true;
        }
        let Budget { all, share } = &self.budget;
        let is_new = self.bytes == 0;
        let fits =
            |sum: u64| sum <= all.total && share.as_deref().is_none_or(|share| all.is_fair(sum, share, is_new, more));
        let taken = all.used.fetch_update(AcqRel, Relaxed, |used| used.checked_add(more).filter(|sum| fits(*sum)));
        if taken.is_err() {
            return false;
        }
        if let Some(share) = share {
            share.used.fetch_add(more, Relaxed);
            share.held.fetch_add(usize::from(is_new), AcqRel);
        }
        self.bytes += more;
        true
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let Budget { all, share } = &self.budget;
        if let Some(share) = share.as_ref().filter(|_| self.bytes > 0) {
            share.held.fetch_sub(1, AcqRel);
            share.used.fetch_sub(self.bytes, Relaxed);
        }
        all.used.fetch_sub(self.bytes, AcqRel);
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

    fn reserve(budget: &Budget, bytes: u64) -> Option<Reservation> {
        let mut reservation = budget.reserve_nothing();
        reservation.cover(bytes).then_some(reservation)
    }

    #[test]
    fn a_tenant_that_is_alone_may_have_everything() {
        let budget = Budget::new(100).of("a");
        let held: Vec<_> = (0..10).map(|_| reserve(&budget, 10).expect("room")).collect();
        assert!(reserve(&budget, 1).is_none());
        drop(held);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_flood_leaves_room_for_whoever_comes() {
        let budget = Budget::new(120);
        let flood = budget.of("flood");
        let mut held: Vec<_> = (0..12).map(|_| reserve(&flood, 10).expect("room")).collect();
        let small = budget.of("small");
        assert!(reserve(&small, 10).is_none(), "all is taken");
        // From now on the flood gets nothing of what it gives back, down to half.
        held.truncate(8);
        assert!(reserve(&flood, 10).is_none());
        let mine: Vec<_> = (0..4).map(|_| reserve(&small, 10).expect("kept free")).collect();
        assert!(reserve(&small, 10).is_none());
        drop(mine);
        held.truncate(3);
        let again: Vec<_> = std::iter::from_fn(|| reserve(&flood, 10)).collect();
        assert_eq!(again.len(), 3, "up to half, then a third");
    }

    #[test]
    fn one_large_request_of_a_tenant_passes() {
        let budget = Budget::new(120);
        let (one, _other) = (budget.of("one"), budget.of("other"));
        let mut large = budget.of("one").reserve_nothing();
        assert!(large.cover(30) && large.cover(100));
        assert!(reserve(&one, 10).is_none());
        assert!(reserve(&budget.of("other"), 20).is_some());
    }
}
