//! What people decided, as opposed to what happened: the control tables, read whole into a [`Snapshot`] that every node holds.
//!
//! ```text
//! activitylog.{tenants,users,tokens ...} --every 2 s--> Control --> Arc<Snapshot>     what a request asks
//!                                                        |  ^
//!                       DATA_DIR/control/snapshot.jsonl <-+  +-- edit(): written, then read at once
//! ```
//! No request waits for ClickHouse: a snapshot outlives its absence, and the file lets a node that starts before its ClickHouse
//! know its senders.

mod cache;
pub mod hidden;
pub mod records;
pub mod snapshot;
pub mod sources;
pub mod table;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, watch};

use self::cache::Cache;
pub use self::snapshot::Snapshot;
pub use self::table::Change;
use crate::clickhouse::server::{Server, StoreError};

/// Holds the newest snapshot.
pub struct Control {
    server: Server,
    newest: RwLock<Newest>,
    /// Whether the last look at ClickHouse brought an answer.
    current: AtomicBool,
    cache: Cache,
    /// One look at a time: the one that began last is the one that holds.
    reading: Mutex<()>,
    /// One change of this node at a time: each is made from what the one before left.
    editing: Mutex<()>,
}

/// The right to change something, alone.
pub struct Edit<'c> {
    control: &'c Control,
    _alone: MutexGuard<'c, ()>,
}

#[derive(Debug, Default)]
struct Newest {
    /// The rows it was made of.
    rows: Vec<u8>,
    snapshot: Arc<Snapshot>,
}

const EVERY: Duration = Duration::from_secs(2);
/// A ClickHouse that takes longer for some rows is as good as absent.
const PATIENCE: Duration = Duration::from_secs(5);

/// All rows of all tables, as [`Snapshot`] is made of them.
async fn read(server: &Server) -> Result<Vec<u8>, StoreError> {
    server.bytes(server.client().query(&snapshot::question()), "JSONEachRow").await
}

/// The tables as they are now: for the command line, which holds no snapshot.
pub async fn look(server: &Server) -> Result<Snapshot, StoreError> {
    Ok(Snapshot::new(&read(server).await?))
}

/// Whether the instance on this data folder has read what the tables say now. What was removed shows in no version, so all rows
/// are compared.
pub async fn is_known(server: &Server, data_dir: &Path) -> Result<bool, StoreError> {
    Ok(Cache::new(data_dir).read() == read(server).await?)
}

// === impl Control ===

impl Control {
    /// Starts from what the data folder remembers.
    pub fn open(data_dir: &Path, server: Server) -> Control {
        let cache = Cache::new(data_dir);
        let rows = cache.read();
        let snapshot = Arc::new(Snapshot::new(&rows));
        Control {
            server,
            newest: RwLock::new(Newest { rows, snapshot }),
            current: AtomicBool::new(false),
            cache,
            reading: Mutex::new(()),
            editing: Mutex::new(()),
        }
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.newest.read().unwrap_or_else(PoisonError::into_inner).snapshot.clone()
    }

    /// Whether what the snapshot does not know does not exist; else it may, and nobody can say.
    pub fn is_current(&self) -> bool {
        self.current.load(Ordering::Relaxed)
    }

    /// Waits for the changes of others on this node, and reads what they left.
    pub async fn edit(&self) -> Result<Edit<'_>, StoreError> {
        let alone = self.editing.lock().await;
        self.refresh().await?;
        Ok(Edit { control: self, _alone: alone })
    }

    /// Reads the tables now.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let _alone = self.reading.lock().await;
        let read = tokio::time::timeout(PATIENCE, read(&self.server)).await;
        let read = read.unwrap_or(Err(StoreError::Timeout(PATIENCE)));
        self.current.store(read.is_ok(), Ordering::Relaxed);
        let rows = read?;
        if self.newest.read().unwrap_or_else(PoisonError::into_inner).rows != rows {
            let snapshot = Arc::new(Snapshot::new(&rows));
            let newest = Newest { rows: rows.clone(), snapshot };
            *self.newest.write().unwrap_or_else(PoisonError::into_inner) = newest;
            // Last: whoever waits for the file finds that the node knows.
            self.cache.write(&rows);
        }
        Ok(())
    }

    /// Refreshes every two seconds until the process stops.
    pub async fn follow(&self, mut stopping: watch::Receiver<bool>) {
        let mut told = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
            let refreshed = tokio::select! {
                refreshed = self.refresh() => refreshed,
                _ = stopping.wait_for(|stopping| *stopping) => return,
            };
            // Once per outage.
            match refreshed {
                Ok(()) => told = false,
                Err(error) if !std::mem::replace(&mut told, true) => {
                    tracing::warn!(%error, "the control tables can't be read; what was read before goes on to hold");
                }
                Err(_) => {}
            }
        }
    }
}

// === impl Edit ===

impl Edit<'_> {
    /// As the last change left it.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.control.snapshot()
    }

    /// Writes, and reads back: this node knows it when this returns, the others within two seconds.
    pub async fn write(self, change: Change) -> Result<(), StoreError> {
        change.write(&self.control.server).await?;
        self.control.refresh().await
    }
}
