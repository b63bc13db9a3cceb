//! What people decided, as opposed to what happened: the control tables, read whole into a [`Snapshot`] that every node holds.
//!
//! ```text
//! activitylog.webhook_sources --every 2 s--> Control --> Arc<Snapshot>     what a request asks
//!                                              |
//!                                              +--> DATA_DIR/control/*.jsonl   what a node starts from
//! ```
//! No request waits for ClickHouse: a snapshot outlives its absence, and the files let a node that starts before its ClickHouse
//! take deliveries that are never sent again.

mod cache;
pub mod sources;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;

use self::cache::Cache;
use self::sources::Source;
use crate::clickhouse::server::{Server, StoreError};

/// The control tables at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// By id.
    pub sources: HashMap<String, Arc<Source>>,
}

/// Holds the newest snapshot.
#[derive(Debug)]
pub struct Control {
    newest: RwLock<Newest>,
    /// Whether the last look at ClickHouse brought an answer.
    current: AtomicBool,
    cache: Cache,
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

// === impl Control ===

impl Control {
    /// Starts from what the data folder remembers.
    pub fn open(data_dir: &Path) -> Control {
        let cache = Cache::new(data_dir);
        let rows = cache.read();
        let snapshot = Arc::new(Snapshot::new(&rows));
        Control { newest: RwLock::new(Newest { rows, snapshot }), current: AtomicBool::new(false), cache }
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.newest.read().unwrap_or_else(PoisonError::into_inner).snapshot.clone()
    }

    /// Whether what the snapshot does not know does not exist; else it may, and nobody can say.
    pub fn is_current(&self) -> bool {
        self.current.load(Ordering::Relaxed)
    }

    /// Reads the tables now.
    pub async fn refresh(&self, server: &Server) -> Result<(), StoreError> {
        let read = tokio::time::timeout(PATIENCE, sources::read(server)).await;
        let read = read.unwrap_or(Err(StoreError::Timeout(PATIENCE)));
        self.current.store(read.is_ok(), Ordering::Relaxed);
        let rows = read?;
        if self.newest.read().unwrap_or_else(PoisonError::into_inner).rows != rows {
            let snapshot = Arc::new(Snapshot::new(&rows));
            self.cache.write(&rows);
            *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Newest { rows, snapshot };
        }
        Ok(())
    }

    /// Refreshes every two seconds until the process stops.
    pub async fn follow(&self, server: Server, mut stopping: watch::Receiver<bool>) {
        let mut told = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
            let refreshed = tokio::select! {
                refreshed = self.refresh(&server) => refreshed,
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

// === impl Snapshot ===

impl Snapshot {
    /// A row that this version can't read is left out: the others go on to work.
    fn new(rows: &[u8]) -> Snapshot {
        let mut sources = HashMap::new();
        for source in sources::parse(rows) {
            match source {
                Ok(source) => drop(sources.insert(source.id.clone(), Arc::new(source))),
                Err(error) => tracing::warn!(%error, "a row of webhook_sources can't be read and is left out"),
            }
        }
        Snapshot { sources }
    }
}
