//! The receipt and the ticket: how an acknowledgement comes to be. A [`Receipt`] says "these rows were fsynced" and can
//! be made only inside this room, after the fsync (invariant 1). A [`Ticket`] is what the requests of one open block wait
//! for: resolved once, by the committer, with the receipt or the failure that they all share.

use std::io;
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

/// Proof that rows are durable: the only thing a success may be built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    received_at_ms: i64,
}

/// What became of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended<R> {
    Stored(Receipt, R),
    /// An exact replay: that many rows were stored by the first one.
    Duplicate {
        receipt: Receipt,
        rows: u32,
    },
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// Worth a retry once the shipper has caught up or the disk has room.
    #[error("the spool is full: {0}")]
    Full(Full),
    /// Worth a retry: nothing of this request is stored.
    #[error("the spool could not write: {0}")]
    Io(Arc<io::Error>),
    #[error("the spool is shutting down")]
    Closed,
    /// Our own fault: building or encoding the rows panicked. Nothing of this request is stored.
    #[error("the spool failed to build these rows")]
    Internal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    #[error("its size limit is reached")]
    Size,
    #[error("the disk is short")]
    Disk,
    #[error("the rest of it is kept for tenants that send less")]
    Share,
}

/// The shared fate of the requests in one block.
#[derive(Debug, Default)]
pub struct Ticket {
    fate: OnceLock<Result<Receipt, AppendError>>,
    resolved: Notify,
}

// === impl Receipt ===

impl Receipt {
    pub(super) fn after_fsync(received_at_ms: i64) -> Receipt {
        Receipt { received_at_ms }
    }

    /// The `received_at` of the rows, Unix ms; later commits of one spool have greater ones.
    pub fn received_at_ms(&self) -> i64 {
        self.received_at_ms
    }
}

// === impl AppendError ===

impl AppendError {
    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        !matches!(self, AppendError::Internal)
    }
}

// === impl Ticket ===

impl Ticket {
    pub fn resolve(&self, fate: Result<Receipt, AppendError>) {
        // The first fate stands; a second one comes only from the guard of a dying committer.
        let _ = self.fate.set(fate);
        self.resolved.notify_waiters();
    }

    pub async fn wait(&self) -> Result<Receipt, AppendError> {
        let resolved = self.resolved.notified();
        tokio::pin!(resolved);
        // Registered before the look, so that a resolution between the two is not missed.
        resolved.as_mut().enable();
        if let Some(fate) = self.fate.get() {
            return fate.clone();
        }
        resolved.await;
        self.fate.get().cloned().unwrap_or(Err(AppendError::Internal))
    }
}
