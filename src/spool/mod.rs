//! The spool: durable, exactly once, and already the insert. A 2xx means fsynced and exactly one row, whatever is killed.
//!
//! ```text
//! append -> slot (intake) -> commit: note + Native blocks, one write, one fdatasync (commit, writer) -> Receipt
//!        -> sealed segment (seal, sealed) -> shipper: load, insert under token -> done | quarantine
//! start  -> recover -> the same queue, and the replay windows
//! ```
//! - Sizes: frames hold at most 1 MiB before compression; segments are sealed at 32 MiB; a spool refuses rows at `max_bytes`
//!   (what is in flight may pass it) and while the disk has less than `min_free_bytes`.
//! - Memory: per slot two blocks of `slot_bytes` (one filling, one in the committer) and one request past it; twice that again
//!   for one commit's encoded bytes; `replay_entries` and `delivery_entries` keys of about 100 bytes; the segments that shippers have loaded.
//! - Two spools make a table's lanes (`lanes`, `fair`), so that one tenant's flood does not stand in front of the others.
//! - Who writes: the committer thread, alone, to the `.open` file. Who deletes: `SealedSegment::done`, alone.
//! - The bytes on disk: `frame`, `note`, `segment`, `folder`, `replay_log`, each for its part.

pub mod admin;
mod builder;
mod commit;
mod disk;
mod fair;
mod folder;
pub mod frame;
mod intake;
mod key;
mod lanes;
mod note;
mod receipt;
mod recover;
mod replay;
mod replay_log;
mod seal;
mod sealed;
mod segment;
mod stats;
#[cfg(test)]
mod tests;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

pub use intake::Batch;
pub use key::RequestKey;
pub use lanes::{Lane, Lanes};
pub use receipt::{AppendError, Appended, Full, Receipt};
pub use sealed::SealedSegment;
pub use stats::SpoolStats;

use commit::Committer;
use disk::{Disk, RealDisk};
use folder::{Folder, QUARANTINE, lock};
use intake::{Block, Received, Shared};
use key::{ByClass, Class};
use recover::Recovered;
use replay::{Replay, Windows};
use replay_log::ReplayLog;
use seal::SealRule;
use writer::Writer;

/// One table's spool. Dropped without `shutdown`, it commits what is in the slots and waits for that.
pub struct Spool<B: Batch> {
    shared: Arc<Shared<B>>,
    committer: Option<JoinHandle<()>>,
}

#[derive(Debug, Clone)]
pub struct SpoolOptions {
    /// `DATA_DIR/spool`; each table has its folder in it.
    pub dir: PathBuf,
    /// Blocks that are filled in parallel; 0 means one per core.
    pub slots: usize,
    /// A block takes no more requests past this many bytes in memory, until it is committed.
    pub slot_bytes: usize,
    /// A segment is sealed at this size,
    pub segment_bytes: u64,
    /// or at this age, while fewer than `backlog_segments` wait to be shipped,
    pub segment_age: Duration,
    pub backlog_segments: usize,
    /// or, when a shipper waits, after this long without a commit,
    pub idle_quiet: Duration,
    /// but not twice within this time.
    pub idle_interval: Duration,
    /// At most one commit in this time; not under 1 ms, the resolution of `received_at`.
    pub commit_gap: Duration,
    /// Rows are refused at this size on disk, quarantine included,
    pub max_bytes: u64,
    /// or while the disk has less free than this.
    pub min_free_bytes: u64,
    /// How long an exact replay of an export is recognised,
    pub replay_window: Duration,
    /// and how many are remembered at most.
    pub replay_entries: usize,
    /// The same of deliveries, which have ids of their own and are repeated for days.
    pub delivery_window: Duration,
    pub delivery_entries: usize,
}

// === impl Spool ===

impl<B: Batch> Spool<B> {
    /// Opens a table's folder: recovers what is in it and starts the committer's thread.
    pub fn open(
        options: SpoolOptions,
        table: &'static str,
        make: impl Fn() -> B + Send + Sync + 'static,
    ) -> io::Result<Spool<B>> {
        Spool::open_on(Arc::new(RealDisk), &options, table, make)
    }

    fn open_on(
        disk: Arc<dyn Disk>,
        options: &SpoolOptions,
        table: &'static str,
        make: impl Fn() -> B + Send + Sync + 'static,
    ) -> io::Result<Spool<B>> {
        let (mut spool, committer) = Spool::open_by_hand(disk, options, table, make)?;
        let thread = std::thread::Builder::new().name(format!("spool-{table}")).spawn(move || {
            // Whoever woke it before this line only left a flag, which is read before the first pause.
            let _ = committer.folder().committer.set(std::thread::current());
            committer.run();
        })?;
        spool.committer = Some(thread);
        Ok(spool)
    }

    /// A spool whose committer the caller drives: how the tests stop it between any two steps.
    fn open_by_hand(
        disk: Arc<dyn Disk>,
        options: &SpoolOptions,
        table: &'static str,
        make: impl Fn() -> B + Send + Sync + 'static,
    ) -> io::Result<(Spool<B>, Committer<B>)> {
        let dir = options.dir.join(table);
        disk.make_dir(&dir.join(QUARANTINE))?;
        let locked = disk.lock(&dir.join("lock"))?;
        let node = node_id(&*disk, &options.dir)?;

        let mut found = Recovered::default();
        let logs = ByClass::try_new(|class| {
            let (window, entries) = options.window(class);
            let (log, mut logged) = ReplayLog::open(disk.clone(), dir.clone(), class, window, entries)?;
            found.last_ms = found.last_ms.max(logged.last_ms);
            found.seeds.append(&mut logged.seeds);
            Ok::<_, io::Error>(log)
        })?;
        let folder = Arc::new(Folder::new(options, table, disk, locked, logs));
        recover::recover(&folder, &mut found)?;
        // Also where the clock was set back: names are ordered like the times in them.
        let boot_ms = folder.disk.now_ms().max(found.last_ms + 1) & 0xffff_ffff_ffff;
        let boot = format!("{boot_ms:012x}{:08x}", getrandom::u32().map_err(random_failed)?);

        let mut replay = Windows::new(|class| Replay::new(options.window(class).1, folder.window_ms[class]));
        replay.seed(&found.seeds, folder.disk.now_ms());

        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let slots = if options.slots == 0 { cores() } else { options.slots };
        let shared = Arc::new(Shared {
            slots: (0..slots).map(|_| Mutex::new(Block::new(make()))).collect(),
            replay: Mutex::new(replay),
            make: Box::new(make),
            dirty: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            rule: options.seal_rule(),
            commit_gap: options.commit_gap,
            slot_bytes: options.slot_bytes,
            next_slot: AtomicUsize::new(0),
            received: Received::new(found.last_ms),
            folder: folder.clone(),
        });
        let writer = Writer::new(folder, node, boot);
        let committer = Committer::new(shared.clone(), writer, found.last_ms);
        Ok((Spool { shared, committer: None }, committer))
    }

    /// Runs `fill` on an open block (in place, never across an await), then resolves once the commit that holds its rows is
    /// fsynced. A key stored or pending within its class's window is a duplicate, and `fill` does not run (or, where two
    /// twins race, is undone). Dropping the future does not take the rows back.
    pub async fn append<R>(&self, key: RequestKey, fill: impl FnOnce(&mut B) -> R) -> Result<Appended<R>, AppendError> {
        self.shared.append(key, fill).await
    }

    /// The oldest sealed segment that no one else has; none once the spool is shut down and all are gone.
    pub async fn next_sealed(&self) -> Option<SealedSegment> {
        sealed::next_sealed(&self.shared.folder).await
    }

    pub fn stats(&self) -> SpoolStats {
        let folder = &self.shared.folder;
        let counters = &folder.counters;
        let (segments, oldest_sealed) = {
            let queue = lock(&folder.queue);
            (queue.len() as u64, queue.keys().next().map(|(first_ms, _)| *first_ms))
        };
        let open_since = Some(counters.open_since_ms.get() as i64).filter(|since| *since > 0);
        let [(replay_keys, replay_evicted_early), (delivery_keys, delivery_evicted_early)] = {
            let windows = lock(&self.shared.replay);
            Class::ALL.map(|class| (windows.of(class).known() as u64, windows.of(class).evicted_early))
        };
        SpoolStats {
            rows: counters.open_rows.get() + counters.sealed_rows.get(),
            bytes: counters.bytes(),
            segments,
            oldest: oldest_sealed
                .or(open_since)
                .map(|since| Duration::from_millis(u64::try_from(folder.disk.now_ms() - since).unwrap_or(0))),
            quarantined: counters.quarantined.get(),
            quarantine_bytes: counters.quarantine_bytes.get(),
            commits: counters.commits.get(),
            fsyncs: counters.fsyncs.get(),
            write_errors: counters.write_errors.get(),
            appended_rows: counters.appended_rows.get(),
            shipped_segments: counters.shipped_segments.get(),
            shipped_rows: counters.shipped_rows.get(),
            torn_bytes: counters.torn_bytes.get(),
            damaged_bytes: counters.damaged_bytes.get(),
            replay_keys,
            replay_evicted_early,
            delivery_keys,
            delivery_evicted_early,
            duplicates: counters.duplicates.get(),
        }
    }

    /// Refuses new rows, commits and seals what is there, and returns when that is done. Segments can still be shipped.
    pub async fn shutdown(&self) {
        let folder = &self.shared.folder;
        self.close();
        loop {
            let told = folder.sealed.notified();
            tokio::pin!(told);
            told.as_mut().enable();
            if folder.finished.load(Ordering::Acquire) {
                return;
            }
            told.await;
        }
    }

    fn close(&self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.shared.folder.wake_committer();
    }
}

impl<B: Batch> Drop for Spool<B> {
    fn drop(&mut self) {
        self.close();
        if let Some(thread) = self.committer.take() {
            // It panicked only if a bug made it; its own guard has told everyone.
            let _ = thread.join();
        }
    }
}

// === impl SpoolOptions ===

impl SpoolOptions {
    pub fn new(dir: impl Into<PathBuf>) -> SpoolOptions {
        SpoolOptions { dir: dir.into(), ..SpoolOptions::default() }
    }

    /// How long keys of a class are remembered, and how many at most.
    fn window(&self, class: Class) -> (Duration, usize) {
        match class {
            Class::Export => (self.replay_window, self.replay_entries),
            Class::Delivery => (self.delivery_window, self.delivery_entries),
        }
    }

    fn seal_rule(&self) -> SealRule {
        SealRule {
            segment_bytes: self.segment_bytes,
            segment_age: self.segment_age,
            backlog_segments: self.backlog_segments,
            idle_quiet: self.idle_quiet,
            idle_interval: self.idle_interval,
        }
    }
}

impl Default for SpoolOptions {
    fn default() -> SpoolOptions {
        SpoolOptions {
            dir: PathBuf::from("spool"),
            slots: 0,
            slot_bytes: 16 << 20,
            segment_bytes: 32 << 20,
            segment_age: Duration::from_secs(1),
            backlog_segments: 8,
            idle_quiet: Duration::from_millis(20),
            idle_interval: Duration::from_millis(250),
            commit_gap: Duration::from_millis(1),
            max_bytes: 8 << 30,
            min_free_bytes: 512 << 20,
            replay_window: Duration::from_secs(600),
            // 27 MB once full.
            replay_entries: 220_000,
            delivery_window: Duration::from_secs(7 * 86_400),
            // 53 MB once full.
            delivery_entries: 500_000,
        }
    }
}

/// This node's id: made once, kept beside the tables' folders.
fn node_id(disk: &dyn Disk, dir: &Path) -> io::Result<u64> {
    let read = |file: Box<dyn disk::DiskFile>| {
        let bytes = file.read_all()?;
        Ok::<_, io::Error>(std::str::from_utf8(&bytes).ok().and_then(|text| u64::from_str_radix(text.trim(), 16).ok()))
    };
    match disk.open(&dir.join("node")) {
        Ok(file) => {
            if let Some(node) = read(file)? {
                return Ok(node);
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let node = getrandom::u64().map_err(random_failed)?;
    disk::write_whole(disk, dir, "node", format!("{node:016x}\n").as_bytes())?;
    Ok(node)
}

fn random_failed(error: getrandom::Error) -> io::Error {
    io::Error::other(error.to_string())
}
