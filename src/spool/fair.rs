//! Who floods: which tenants get the lane of their own kind when rows wait.
//!
//! - A tenant's rate is what it sent lately, decaying with [`DECAY`]. It is heavy when that is over half of what the average byte's
//!   tenant sends (the sum of squares over the sum): the few that make up the flood, however many small ones there are beside it.
//! - Lane with more waiting: the floods'. A heavy tenant in the other one goes there once more than [`MUCH`] waits where it is; and
//!   it is a flood until all that it sent is shipped. A light one in the floods' lane goes to the other one as soon as that much
//!   waits before it. Alone, nobody is light.
//! - Rates are kept as they were at one instant (each new byte counts for more, the later it comes), so that nothing has to be
//!   touched for time to pass.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::lanes::{Lane, Places};

/// Bytes on disk that ClickHouse takes in some tenths of a second.
pub(super) const MUCH: u64 = 4 << 20;
const DECAY: Duration = Duration::from_secs(2);
/// Rates are moved to a new instant before their numbers get out of hand.
const RENEW: Duration = Duration::from_secs(40);

#[derive(Debug)]
pub struct Tenant {
    pub lane: RwLock<Lane>,
    pub places: Places,
    /// By rate.
    heavy: AtomicBool,
    /// What it sent while it was heavy is not shipped yet.
    flooding: AtomicBool,
}

#[derive(Debug, Default)]
pub(super) struct Fair(Mutex<Rates>);

#[derive(Debug)]
struct Rates {
    since: Instant,
    tenants: HashMap<String, (Arc<Tenant>, f64)>,
    sum: f64,
    squares: f64,
}

// === impl Tenant ===

impl Default for Tenant {
    fn default() -> Tenant {
        Tenant {
            lane: RwLock::new(Lane(0)),
            places: Places::default(),
            heavy: AtomicBool::new(false),
            flooding: AtomicBool::new(false),
        }
    }
}

impl Tenant {
    pub fn is_flooding(&self) -> bool {
        self.flooding.load(SeqCst)
    }

    /// `waiting` are the bytes in each lane; `is_behind`: rows of its own are among them.
    pub(super) fn should_leave(&self, lane: Lane, waiting: [u64; 2], is_behind: bool) -> bool {
        let (here, there) = (waiting[lane.0], waiting[lane.other().0]);
        let much = here > MUCH;
        let heavy = self.heavy.load(SeqCst);
        if heavy && much {
            self.flooding.store(true, SeqCst);
        } else if !is_behind {
            self.flooding.store(false, SeqCst);
        }
        match heavy || self.is_flooding() {
            true => much && here < there,
            false => much && here > there,
        }
    }
}

// === impl Fair ===

impl Fair {
    /// The tenant, which sends so much. Where rows of a tenant wait, it is not forgotten.
    pub(super) fn tenant(&self, name: &str, weight: usize, is_behind: impl Fn(&Tenant) -> bool) -> Arc<Tenant> {
        let (mut rates, now) = (self.rates(), Instant::now());
        if now.saturating_duration_since(rates.since) > RENEW {
            rates.renew(now, is_behind);
        }
        rates.count(name, weight, now)
    }

    pub(super) fn known(&self, name: &str) -> Option<Arc<Tenant>> {
        self.rates().tenants.get(name).map(|(tenant, _)| tenant.clone())
    }

    /// Whether there is anybody to be fair to.
    pub(super) fn several(&self) -> bool {
        self.rates().tenants.len() > 1
    }

    fn rates(&self) -> MutexGuard<'_, Rates> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Rates ===

impl Default for Rates {
    fn default() -> Rates {
        Rates { since: Instant::now(), tenants: HashMap::new(), sum: 0.0, squares: 0.0 }
    }
}

impl Rates {
    fn count(&mut self, name: &str, weight: usize, now: Instant) -> Arc<Tenant> {
        let age = now.saturating_duration_since(self.since).as_secs_f64();
        // A request is something, also without bytes.
        let more = (weight as f64 + 100.0) * (age / DECAY.as_secs_f64()).exp();
        if !self.tenants.contains_key(name) {
            self.tenants.insert(name.to_owned(), Default::default());
        }
        // It was put there if it was not.
        let (tenant, rate) = self.tenants.get_mut(name).expect("an entry that was just made");
        self.sum += more;
        self.squares += (2.0 * *rate + more) * more;
        *rate += more;
        let heavy = *rate * self.sum > 0.5 * self.squares;
        tenant.heavy.store(heavy, SeqCst);
        tenant.clone()
    }

    /// Forgets who was silent since long and has nothing waiting.
    fn renew(&mut self, now: Instant, is_behind: impl Fn(&Tenant) -> bool) {
        let decay = (-now.saturating_duration_since(self.since).as_secs_f64() / DECAY.as_secs_f64()).exp();
        self.tenants.retain(|_, (tenant, rate)| {
            *rate *= decay;
            // A request that runs has its tenant, whose lane must not change under it.
            *rate > 1e-6 || Arc::strong_count(tenant) > 1 || is_behind(tenant)
        });
        self.since = now;
        self.sum = self.tenants.values().map(|(_, rate)| rate).sum();
        self.squares = self.tenants.values().map(|(_, rate)| rate * rate).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A_LOT: u64 = 2 * MUCH;

    fn send(rates: &mut Rates, name: &str, weight: usize) -> Arc<Tenant> {
        let at = rates.since + Duration::from_secs(1);
        rates.count(name, weight, at)
    }

    #[test]
    fn whoever_is_alone_stays_where_it_is() {
        let mut rates = Rates::default();
        let tenant = send(&mut rates, "a", 1 << 30);
        assert!(!tenant.should_leave(Lane(0), [A_LOT, 0], true));
        assert!(!send(&mut rates, "a", 10).should_leave(Lane(0), [A_LOT, 0], true));
    }

    #[test]
    fn small_ones_leave_the_lane_of_a_flood_once_much_waits() {
        let mut rates = Rates::default();
        let flood = send(&mut rates, "flood", 1 << 30);
        let small: Vec<_> = (0..50).map(|n| send(&mut rates, &format!("small {n}"), 1000)).collect();
        let second = send(&mut rates, "second", 1 << 26);
        for tenant in small.iter().chain([&second]) {
            assert!(!tenant.should_leave(Lane(0), [MUCH, 0], true), "that is soon shipped");
            assert!(tenant.should_leave(Lane(0), [A_LOT, 0], true), "also where rows of its own wait");
            assert!(!tenant.should_leave(Lane(1), [A_LOT, MUCH], true));
        }
        assert!(!flood.should_leave(Lane(0), [A_LOT, 0], true));
        assert!(flood.should_leave(Lane(1), [2 * A_LOT, A_LOT], true));
    }

    #[test]
    fn several_floods_share_one_lane() {
        let mut rates = Rates::default();
        let floods: Vec<_> = (0..5).map(|n| send(&mut rates, &format!("{n}"), 1 << 28)).collect();
        let small = send(&mut rates, "small", 100);
        assert!(floods.iter().all(|flood| !flood.should_leave(Lane(0), [A_LOT, 0], true)));
        assert!(small.should_leave(Lane(0), [A_LOT, 0], true));
    }

    #[test]
    fn a_flood_that_ended_is_one_until_it_is_shipped() {
        let mut rates = Rates::default();
        let flood = send(&mut rates, "flood", 1 << 30);
        assert!(!flood.should_leave(Lane(0), [A_LOT, 0], true) && flood.is_flooding());
        let later = rates.since + RENEW + Duration::from_secs(1);
        rates.renew(later, |_| false);
        rates.count("other", 1 << 20, later);
        let flood = rates.count("flood", 1, later);
        assert!(!flood.should_leave(Lane(0), [A_LOT, 0], true), "its own rows wait");
        assert!(flood.should_leave(Lane(0), [A_LOT, 0], false), "others' do");
        assert!(!flood.is_flooding());
    }

    #[test]
    fn whoever_was_silent_for_long_is_forgotten() {
        let mut rates = Rates::default();
        drop(send(&mut rates, "gone", 1000));
        let held = send(&mut rates, "held", 1000);
        drop(send(&mut rates, "behind", 1000));
        let behind = rates.tenants["behind"].0.clone();
        let behind = Arc::as_ptr(&behind);
        let later = rates.since + Duration::from_secs(300);
        rates.renew(later, |tenant| std::ptr::eq(tenant, behind));
        rates.count("new", 1, later);
        let mut names: Vec<_> = rates.tenants.keys().cloned().collect();
        names.sort();
        assert_eq!(names, ["behind", "held", "new"]);
        drop(held);
    }
}
