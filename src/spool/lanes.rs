//! Two spools for one table, so that a flood of one tenant does not stand in front of the others' rows.
//!
//! ```text
//! append(tenant) -> the tenant's lane -> events or events-2, each with its own committer, segments and shipper
//! ```
//! - Who goes where: see [`super::fair`]. While nothing waits for long, and while a tenant is alone, nobody changes lanes.
//! - Exactly once holds across the lanes: a key is looked for in both, and its tenant's lane does not change between that look and
//!   the claim. Twins of one request are of one tenant, so they meet in one lane, or the later one finds the earlier one's key.
//! - Together the lanes take `max_bytes`. Where there are several tenants, the lane of the floods stops at three quarters of that.
//! - Each lane remembers what it stored by itself: up to twice the memory of one, if floods change places.

use std::io;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use super::fair::{Fair, MUCH, Tenant};
use super::folder::lock;
use super::intake::Shared;
use super::receipt::{AppendError, Appended, Full};
use super::{Batch, RequestKey, SealedSegment, Spool, SpoolOptions, SpoolStats};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane(pub(super) usize);

pub struct Lanes<B: Batch> {
    spools: [Spool<B>; 2],
    /// Rows received up to then are shipped, by lane (Unix ms).
    shipped_ms: [AtomicI64; 2],
    fair: Fair,
    /// The product's own entries: never a flood.
    own: Arc<Tenant>,
    max_bytes: u64,
}

/// Where a tenant's rows may wait.
#[derive(Debug, Default)]
pub struct Places([Mutex<Place>; 2]);

/// One lane, for one tenant.
#[derive(Debug, Default)]
struct Place {
    /// Requests that are putting rows into a slot just now.
    placing: u32,
    /// The pass that will have taken the last row, by its number; 0: none.
    pass: u64,
    /// No row was received later; none: not known yet.
    bound_ms: Option<i64>,
}

/// A request that is putting rows into a slot.
struct Placing<'p> {
    place: &'p Mutex<Place>,
    passes_begun: &'p std::sync::atomic::AtomicU64,
}

// === impl Lane ===

impl Lane {
    pub const ALL: [Lane; 2] = [Lane(0), Lane(1)];

    pub(super) fn other(self) -> Lane {
        Lane(1 - self.0)
    }

    /// The label in `/metrics`.
    pub fn as_str(self) -> &'static str {
        ["1", "2"][self.0]
    }
}

// === impl Lanes ===

impl<B: Batch> Lanes<B> {
    /// Opens both folders. The second one's name must not be a table's.
    pub fn open(
        options: &SpoolOptions,
        tables: [&'static str; 2],
        make: impl Fn() -> B + Clone + Send + Sync + 'static,
    ) -> io::Result<Lanes<B>> {
        let [first, second] = tables.map(|table| Spool::open(options.clone(), table, make.clone()));
        Ok(Lanes::over([first?, second?], options.max_bytes))
    }

    pub(super) fn over(spools: [Spool<B>; 2], max_bytes: u64) -> Lanes<B> {
        // What an earlier process left is old: nobody waits for it.
        let last_ms = spools.iter().map(|spool| spool.shared.received.last_ms.load(SeqCst));
        let now_ms = last_ms.fold(spools[0].shared.folder.disk.now_ms(), i64::max);
        for spool in &spools {
            spool.shared.received.floor_ms.fetch_max(now_ms, SeqCst);
        }
        Lanes {
            spools,
            shipped_ms: [AtomicI64::new(now_ms), AtomicI64::new(now_ms)],
            fair: Fair::default(),
            own: Arc::default(),
            max_bytes,
        }
    }

    /// [`Spool::append`] in the tenant's lane. `weight` is about the size of the rows.
    pub async fn append<R>(
        &self,
        tenant: &str,
        weight: usize,
        key: RequestKey,
        fill: impl FnOnce(&mut B) -> R,
    ) -> Result<Appended<R>, AppendError> {
        let tenant = self.fair.tenant(tenant, weight, |tenant| self.is_behind(tenant));
        self.append_as(&tenant, key, fill).await
    }

    /// What the product itself has to say: it is never behind a flood.
    pub async fn append_own<R>(
        &self,
        key: RequestKey,
        fill: impl FnOnce(&mut B) -> R,
    ) -> Result<Appended<R>, AppendError> {
        self.append_as(&self.own, key, fill).await
    }

    async fn append_as<R>(
        &self,
        tenant: &Tenant,
        key: RequestKey,
        fill: impl FnOnce(&mut B) -> R,
    ) -> Result<Appended<R>, AppendError> {
        let mut fill = Some(fill);
        loop {
            self.choose(tenant);
            let placed = {
                // A change of this tenant's lane waits here, and nobody else.
                let kept = tenant.lane.read().unwrap_or_else(PoisonError::into_inner);
                let lane = *kept;
                let shared = &self.spools[lane.0].shared;
                let elsewhere = self.spools[lane.other().0].shared.known(key);
                // What is stored may be said where there is no room for more.
                let known = elsewhere
                    .map(Ok)
                    .or_else(|| self.room(tenant, lane).err().map(|full| shared.known(key).ok_or(full)));
                match known {
                    Some(known) => known?,
                    None => {
                        let _placing = Placing::new(&tenant.places.0[lane.0], shared);
                        shared.place(key, &mut fill)?
                    }
                }
            };
            if let Some(appended) = self.spools[0].shared.outcome(placed).await {
                return appended;
            }
        }
    }

    /// Moves the tenant where its rows belong.
    fn choose(&self, tenant: &Tenant) {
        let waiting = Lane::ALL.map(|lane| self.spools[lane.0].shared.folder.counters.waiting_bytes());
        if waiting.iter().all(|bytes| *bytes <= MUCH) && !tenant.is_flooding() {
            return;
        }
        let lane = *tenant.lane.read().unwrap_or_else(PoisonError::into_inner);
        if tenant.should_leave(lane, waiting, self.is_behind(tenant)) {
            self.move_to(tenant, lane.other());
        }
    }

    /// Waits for the requests of this tenant that are putting rows into the other lane.
    pub(super) fn move_to(&self, tenant: &Tenant, to: Lane) {
        *tenant.lane.write().unwrap_or_else(PoisonError::into_inner) = to;
    }

    fn room(&self, tenant: &Tenant, lane: Lane) -> Result<(), AppendError> {
        let bytes = self.bytes();
        // Each spool looks at its own size and at the disk.
        let most = if tenant.is_flooding() && self.fair.several() { self.max_bytes / 4 * 3 } else { self.max_bytes };
        let full = if bytes >= self.max_bytes { Full::Size } else { Full::Share };
        match bytes >= most {
            true => {
                tracing::debug!(lane = lane.as_str(), bytes, "refused: {full}");
                Err(AppendError::Full(full))
            }
            false => Ok(()),
        }
    }

    fn bytes(&self) -> u64 {
        self.spools.iter().map(|spool| spool.shared.folder.counters.bytes()).sum()
    }

    /// Whether rows of the tenant may be in this lane that are not shipped.
    fn waits(&self, tenant: &Tenant, lane: Lane) -> bool {
        let shipped_ms = self.shipped_ms[lane.0].load(SeqCst);
        lock(&tenant.places.0[lane.0]).waits(&self.spools[lane.0].shared, shipped_ms)
    }

    fn is_behind(&self, tenant: &Tenant) -> bool {
        Lane::ALL.iter().any(|lane| self.waits(tenant, *lane))
    }

    /// All of this tenant's rows that were received up to this instant (Unix ms) can be read, and there will be no others.
    pub fn readable_until(&self, tenant: &str) -> i64 {
        // Where the clock was set back, the last commits are ahead of it.
        let last_ms = self.spools.iter().map(|spool| spool.shared.received.last_ms.load(SeqCst));
        let now_ms = last_ms.fold(self.spools[0].shared.folder.disk.now_ms(), i64::max);
        // What is committed from now on is received later. Then only: what waits already.
        for spool in &self.spools {
            spool.shared.received.floor_ms.fetch_max(now_ms, SeqCst);
        }
        let tenant = self.fair.known(tenant);
        let tenants = || tenant.iter().chain([&self.own]);
        let behind = Lane::ALL.into_iter().filter(|lane| tenants().any(|tenant| self.waits(tenant, *lane)));
        behind.map(|lane| self.shipped_ms[lane.0].load(SeqCst)).fold(now_ms, i64::min)
    }

    /// The oldest sealed segment of a lane; none once it is shut down and empty.
    pub async fn next_sealed(&self, lane: Lane) -> Option<SealedSegment> {
        self.spools[lane.0].next_sealed().await
    }

    /// Everything that a lane received up to this instant (Unix ms) is settled.
    pub fn shipped(&self, lane: Lane, received_at_ms: i64) {
        self.shipped_ms[lane.0].fetch_max(received_at_ms, SeqCst);
    }

    pub fn stats(&self) -> SpoolStats {
        let [first, second] = Lane::ALL.map(|lane| self.stats_of(lane));
        first.and(&second)
    }

    pub fn stats_of(&self, lane: Lane) -> SpoolStats {
        self.spools[lane.0].stats()
    }

    /// See [`Spool::shutdown`].
    pub async fn shutdown(&self) {
        for spool in &self.spools {
            spool.shutdown().await;
        }
    }

    #[cfg(test)]
    pub(super) fn spool(&self, lane: Lane) -> &Spool<B> {
        &self.spools[lane.0]
    }

    #[cfg(test)]
    pub(super) fn tenant(&self, name: &str) -> Arc<Tenant> {
        self.fair.tenant(name, 0, |_| true)
    }
}

// === impl Place ===

impl Place {
    fn waits<B: Batch>(&mut self, shared: &Shared<B>, shipped_ms: i64) -> bool {
        if self.placing > 0 {
            return true;
        }
        if self.pass == 0 {
            return false;
        }
        if shared.received.passes_over.load(SeqCst) < self.pass && !shared.is_idle() {
            return true;
        }
        let last_ms = || shared.received.last_ms.load(SeqCst);
        shipped_ms < *self.bound_ms.get_or_insert_with(last_ms)
    }
}

// === impl Placing ===

impl<'p> Placing<'p> {
    fn new<B>(place: &'p Mutex<Place>, shared: &'p Shared<B>) -> Placing<'p> {
        lock(place).placing += 1;
        Placing { place, passes_begun: &shared.received.passes_begun }
    }
}

impl Drop for Placing<'_> {
    /// If the pass that runs did not take the row, the next one does.
    fn drop(&mut self) {
        let mut place = lock(self.place);
        place.placing -= 1;
        place.pass = self.passes_begun.load(SeqCst) + 1;
        place.bound_ms = None;
    }
}
