//! The front: requests put rows into blocks, and wait for the commit that makes them durable.
//!
//! - One slot per core, each a block behind a mutex, so that requests fill blocks in parallel. A slot is held only while a
//!   request's rows are built, never across an await.
//! - Order of locks: a slot, then the replay windows. The committer takes each alone.
//! - A request's rows are undone (`truncate` to the mark) when building them panicked, or when its twin was quicker.
//! - A request that goes away hurts nobody: its rows are committed all the same, and its retry is a duplicate.
//! - Memory is bounded: a slot whose block holds `slot_bytes` takes no more; the request waits for that block's commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use super::folder::{Folder, lock};
use super::key::RequestKey;
use super::note::MAX_ROWS;
use super::receipt::{AppendError, Appended, Receipt, Ticket};
use super::replay::{Seen, Windows};
use super::seal::SealRule;

/// A block under construction: column builders of one table.
pub trait Batch: Send + 'static {
    fn rows(&self) -> usize;
    /// Approximate memory that the rows take.
    fn bytes(&self) -> usize;
    /// Forgets the rows past this mark, also half a row whose building panicked.
    fn truncate(&mut self, rows: usize);
    /// Appends the rows as one `Native` block, all with this `received_at`, and is empty then (keeping its capacity).
    fn encode(&mut self, received_at_ms: i64, out: &mut Vec<u8>);
}

/// What the requests, the committer and the handle share.
pub struct Shared<B> {
    pub folder: Arc<Folder>,
    pub slots: Vec<Mutex<Block<B>>>,
    pub replay: Mutex<Windows>,
    pub make: Box<dyn Fn() -> B + Send + Sync>,
    /// Something stands in a slot.
    pub dirty: AtomicBool,
    pub closed: AtomicBool,
    pub rule: SealRule,
    pub commit_gap: Duration,
    pub slot_bytes: usize,
    pub next_slot: AtomicUsize,
    pub received: Received,
}

/// Where the commits stand, for those who ask what can be read.
#[derive(Debug, Default)]
pub struct Received {
    /// What is committed from now on is received after this (Unix ms).
    pub floor_ms: AtomicI64,
    /// The last `received_at` (Unix ms).
    pub last_ms: AtomicI64,
    /// Walks over the slots, with what they took made durable or refused.
    pub passes_begun: AtomicU64,
    pub passes_over: AtomicU64,
}

/// Rows of several requests, and who waits for them.
pub struct Block<B> {
    pub batch: B,
    pub requests: Vec<(RequestKey, u32)>,
    pub ticket: Arc<Ticket>,
}

/// Where a request's rows went.
pub enum Placed<R> {
    /// In a block: the ticket tells.
    Waits(Arc<Ticket>, R),
    /// Its twin is in a block.
    Joined(Arc<Ticket>, u32),
    Known(Receipt, u32),
    Nothing(R),
    /// The block has no room before its commit.
    Crowded(Arc<Ticket>),
}

// === impl Shared ===

impl<B: Batch> Shared<B> {
    pub async fn append<R>(&self, key: RequestKey, fill: impl FnOnce(&mut B) -> R) -> Result<Appended<R>, AppendError> {
        let mut fill = Some(fill);
        loop {
            let placed = self.place(key, &mut fill)?;
            if let Some(appended) = self.outcome(placed).await {
                return appended;
            }
        }
    }

    /// What becomes of a request; none where it has to be placed again.
    pub async fn outcome<R>(&self, placed: Placed<R>) -> Option<Result<Appended<R>, AppendError>> {
        let duplicate = |receipt, rows| {
            self.folder.counters.duplicates.add(1);
            Appended::Duplicate { receipt, rows }
        };
        Some(match placed {
            Placed::Waits(ticket, result) => ticket.wait().await.map(|receipt| Appended::Stored(receipt, result)),
            Placed::Joined(ticket, rows) => ticket.wait().await.map(|receipt| duplicate(receipt, rows)),
            Placed::Known(receipt, rows) => Ok(duplicate(receipt, rows)),
            Placed::Nothing(result) => Ok(Appended::Stored(Receipt::after_fsync(self.folder.disk.now_ms()), result)),
            // Whatever became of that block, the next one is empty.
            Placed::Crowded(ticket) => {
                drop(ticket.wait().await);
                return None;
            }
        })
    }

    /// Whether a request is stored or about to be.
    pub fn known<R>(&self, key: RequestKey) -> Option<Placed<R>> {
        match lock(&self.replay).look(key, self.folder.disk.now_ms()) {
            Seen::Pending { ticket, rows } => Some(Placed::Joined(ticket, rows)),
            Seen::Done { receipt, rows } => Some(Placed::Known(receipt, rows)),
            Seen::New => None,
        }
    }

    /// No slot holds rows, and no commit is on its way.
    pub fn is_idle(&self) -> bool {
        let over = self.received.passes_over.load(Ordering::SeqCst);
        !self.dirty.load(Ordering::SeqCst) && self.received.passes_begun.load(Ordering::SeqCst) == over
    }

    /// Puts a request's rows into a slot.
    pub fn place<R, F: FnOnce(&mut B) -> R>(
        &self,
        key: RequestKey,
        fill: &mut Option<F>,
    ) -> Result<Placed<R>, AppendError> {
        if let Some(known) = self.known(key) {
            return Ok(known);
        }
        self.folder.room().map_err(AppendError::Full)?;
        let mut block = self.free_slot();
        if self.closed.load(Ordering::SeqCst) {
            return Err(AppendError::Closed);
        }
        if block.batch.bytes() >= self.slot_bytes && !block.requests.is_empty() {
            return Ok(Placed::Crowded(block.ticket.clone()));
        }
        let Some(fill) = fill.take() else {
            return Err(AppendError::Internal);
        };
        let mark = block.batch.rows();
        let Ok(result) = catch_unwind(AssertUnwindSafe(|| fill(&mut block.batch))) else {
            tracing::error!(table = self.folder.table, "building a request's rows panicked");
            self.undo(&mut block, mark);
            return Err(AppendError::Internal);
        };
        let rows = block.batch.rows().checked_sub(mark).and_then(|rows| u32::try_from(rows).ok());
        let Some(rows) = rows.filter(|rows| *rows <= MAX_ROWS) else {
            tracing::error!(table = self.folder.table, "a request took rows out of its block, or has too many");
            self.fail(&mut block);
            return Err(AppendError::Internal);
        };
        if rows == 0 {
            return Ok(Placed::Nothing(result));
        }
        let seen = lock(&self.replay).claim(key, rows, &block.ticket, self.folder.disk.now_ms());
        let placed = match seen {
            Seen::New => {
                block.requests.push((key, rows));
                Placed::Waits(block.ticket.clone(), result)
            }
            // Its twin came while its own rows were being built.
            Seen::Pending { ticket, rows } => {
                self.undo(&mut block, mark);
                return Ok(Placed::Joined(ticket, rows));
            }
            Seen::Done { receipt, rows } => {
                self.undo(&mut block, mark);
                return Ok(Placed::Known(receipt, rows));
            }
        };
        drop(block);
        if !self.dirty.swap(true, Ordering::SeqCst) {
            self.folder.wake_committer();
        }
        Ok(placed)
    }

    /// The first that is free: the others are for requests that come while it is being filled. Small requests so share one
    /// block, and the database reads fewer of them.
    fn free_slot(&self) -> MutexGuard<'_, Block<B>> {
        for slot in &self.slots {
            match slot.try_lock() {
                Ok(block) => return block,
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        let next = self.next_slot.fetch_add(1, Ordering::Relaxed);
        lock(&self.slots[next % self.slots.len()])
    }

    fn undo(&self, block: &mut Block<B>, mark: usize) {
        if catch_unwind(AssertUnwindSafe(|| block.batch.truncate(mark))).is_err() || block.batch.rows() != mark {
            tracing::error!(table = self.folder.table, "a block could not be undone; its requests fail with it");
            self.fail(block);
        }
    }

    /// Gives up a block that can't be trusted any more: its requests fail, and are as if never seen.
    fn fail(&self, block: &mut Block<B>) {
        lock(&self.replay).forget(block.requests.iter().copied());
        let broken = std::mem::replace(block, Block::new((self.make)()));
        broken.ticket.resolve(Err(AppendError::Internal));
    }
}

// === impl Received ===

impl Received {
    pub fn new(last_ms: i64) -> Received {
        Received { last_ms: AtomicI64::new(last_ms), ..Received::default() }
    }
}

// === impl Block ===

impl<B> Block<B> {
    pub fn new(batch: B) -> Block<B> {
        Block { batch, requests: Vec::new(), ticket: Arc::default() }
    }
}

impl<B: Batch> Block<B> {
    /// Empties a block that was committed.
    pub fn renew(&mut self) {
        debug_assert_eq!(self.batch.rows(), 0, "encode leaves a batch empty");
        self.batch.truncate(0);
        self.requests.clear();
        self.ticket = Arc::default();
    }
}
