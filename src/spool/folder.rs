//! One table's folder, shared by those who write segments (the committer), ship them and count them.
//!
//! ```text
//! DATA_DIR/spool/node                     this node's id, 16 hex digits, made once
//! DATA_DIR/spool/<table>/lock             flock of the process that owns the folder
//!                       /<name>.open      the segment being written: by the committer alone
//!                       /<name>.seg       sealed: never written again; deleted by SealedSegment::done
//!                       /replay.log, replay.old.log, delivery.log, delivery.old.log     see replay_log.rs
//!                       /quarantine/<name>.seg, .error          what ClickHouse refused, and why
//!                       /quarantine/<name>.<offset>.corrupt, .error   damaged bytes, kept as evidence
//! ```
//! The folder is synced when a file is made (before anything in it is acknowledged) and when one moves to or from the
//! quarantine. A seal's rename and a shipped file's removal need no sync of their own: undone by a power cut, the file is
//! recovered and shipped again under its token, which adds nothing.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::SpoolOptions;
use super::disk::{self, Disk};
use super::key::ByClass;
use super::receipt::Full;
use super::replay_log::ReplayLog;
use super::segment::{Content, Name};
use super::stats::Counters;

pub const OPEN: &str = ".open";
pub const SEALED: &str = ".seg";
pub const CORRUPT: &str = ".corrupt";
pub const QUARANTINE: &str = "quarantine";

/// How long a look at the disk's free space holds.
const FREE_SPACE_HOLDS: Duration = Duration::from_secs(1);

pub struct Folder {
    pub disk: Arc<dyn Disk>,
    pub dir: PathBuf,
    pub table: &'static str,
    /// How long a request of each class is remembered.
    pub window_ms: ByClass<i64>,
    pub counters: Counters,
    /// Sealed segments, oldest first.
    pub queue: Mutex<BTreeMap<(i64, Name), Queued>>,
    /// Told when a segment is sealed or handed back, and when the spool has closed.
    pub sealed: Notify,
    /// Shippers inside `next_sealed`: an idle spool seals for them at once.
    pub shippers_waiting: AtomicUsize,
    pub finished: AtomicBool,
    pub committer: OnceLock<Thread>,
    pub logs: Mutex<ByClass<ReplayLog>>,
    max_bytes: u64,
    min_free_bytes: u64,
    free_space: Mutex<Option<(Instant, bool)>>,
    _lock: Box<dyn Send + Sync>,
}

/// A sealed segment that waits for its shipper.
#[derive(Debug, Clone)]
pub struct Queued {
    pub file: String,
    pub content: Content,
    pub bytes: u64,
    /// A shipper has it.
    pub taken: bool,
}

/// A lock that a panic elsewhere doesn't take away: what it guards is kept consistent by its users.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Folder ===

impl Folder {
    pub fn new(
        options: &SpoolOptions,
        table: &'static str,
        disk: Arc<dyn Disk>,
        lock: Box<dyn Send + Sync>,
        logs: ByClass<ReplayLog>,
    ) -> Folder {
        Folder {
            disk,
            dir: options.dir.join(table),
            table,
            window_ms: ByClass::new(|class| options.window(class).0.as_millis() as i64),
            counters: Counters::default(),
            queue: Mutex::default(),
            sealed: Notify::new(),
            shippers_waiting: AtomicUsize::new(0),
            finished: AtomicBool::new(false),
            committer: OnceLock::new(),
            logs: Mutex::new(logs),
            max_bytes: options.max_bytes,
            min_free_bytes: options.min_free_bytes,
            free_space: Mutex::default(),
            _lock: lock,
        }
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    pub fn quarantine(&self) -> PathBuf {
        self.dir.join(QUARANTINE)
    }

    /// Whether there is room for more: asked before any row is built.
    pub fn room(&self) -> Result<(), Full> {
        if self.counters.bytes() >= self.max_bytes {
            return Err(Full::Size);
        }
        let mut looked = lock(&self.free_space);
        let short = match *looked {
            Some((at, short)) if at.elapsed() < FREE_SPACE_HOLDS => short,
            // A look that fails says nothing; the write itself will.
            _ => self.disk.free_bytes(&self.dir).is_ok_and(|free| free < self.min_free_bytes),
        };
        if !matches!(*looked, Some((at, _)) if at.elapsed() < FREE_SPACE_HOLDS) {
            *looked = Some((Instant::now(), short));
        }
        if short { Err(Full::Disk) } else { Ok(()) }
    }

    /// Wakes the committer; a no-op where the tests drive it by hand.
    pub fn wake_committer(&self) {
        if let Some(thread) = self.committer.get() {
            thread.unpark();
        }
    }

    /// Hands a sealed file to the shippers.
    pub fn enqueue(&self, name: Name, file: String, content: Content, bytes: u64) {
        self.counters.sealed_bytes.add(bytes);
        self.counters.sealed_rows.add(content.rows);
        lock(&self.queue).insert((content.first_ms, name), Queued { file, content, bytes, taken: false });
        self.sealed.notify_waiters();
    }

    /// Segments that no shipper has taken.
    pub fn backlog(&self) -> usize {
        lock(&self.queue).values().filter(|queued| !queued.taken).count()
    }

    /// Moves a file that can't be stored to the quarantine, its error beside it.
    pub fn move_to_quarantine(&self, file: &str, name: &Name, error: &str) -> io::Result<()> {
        let quarantine = self.quarantine();
        disk::write_whole(&*self.disk, &quarantine, &name.file(".error"), error.as_bytes())?;
        self.disk.rename(&self.path(file), &quarantine.join(name.file(SEALED)))?;
        // It has moved. Undone by a power cut, it is found at its old place and comes here again.
        if let Err(error) = self.disk.sync_dir(&quarantine).and_then(|()| self.disk.sync_dir(&self.dir)) {
            tracing::warn!(table = self.table, segment = %name, %error, "a move to the quarantine was not synced");
        }
        tracing::error!(table = self.table, segment = %name, error, "segment moved to quarantine");
        self.count_quarantine()
    }

    /// Keeps a copy of damaged bytes; the segment itself stays where it is and is shipped without them.
    pub fn keep_aside(&self, name: &Name, offset: usize, bytes: &[u8]) -> io::Result<()> {
        let quarantine = self.quarantine();
        let stem = format!("{name}.{offset}");
        let file = format!("{stem}{CORRUPT}");
        if self.disk.list(&quarantine)?.iter().any(|(there, _)| *there == file) {
            return Ok(());
        }
        let text = format!("{} bytes at offset {offset} of segment {name} are no whole commit\n", bytes.len());
        tracing::error!(table = self.table, segment = %name, offset, bytes = bytes.len(), "damaged commit kept aside");
        disk::write_whole(&*self.disk, &quarantine, &format!("{stem}.error"), text.as_bytes())?;
        disk::write_whole(&*self.disk, &quarantine, &file, bytes)?;
        self.counters.damaged_bytes.add(bytes.len() as u64);
        self.count_quarantine()
    }

    pub fn count_quarantine(&self) -> io::Result<()> {
        let mut kept = self.disk.list(&self.quarantine())?;
        kept.retain(|(file, _)| Path::new(file).extension().is_some_and(|kind| kind == "seg" || kind == "corrupt"));
        self.counters.quarantined.set(kept.len() as u64);
        self.counters.quarantine_bytes.set(kept.iter().map(|(_, bytes)| bytes).sum());
        Ok(())
    }

    pub fn finish(&self) {
        self.finished.store(true, Ordering::Release);
        self.sealed.notify_waiters();
    }
}
