//! The committer: one thread per table that makes what requests put into the slots durable.
//!
//! A commit takes every block that holds rows, stamps them with one `received_at`, encodes and compresses them, writes once,
//! fsyncs once, and only then marks the keys as done and wakes the requests. What arrives meanwhile is the next commit: the
//! longer an fsync takes, the more share the next one. There is at most one commit per `commit_gap` (1 ms, the resolution
//! of `received_at`, which is strictly increasing and so could not keep up with more); the first one after a pause does not wait.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::builder::CommitBuilder;
use super::folder::{Folder, lock};
use super::intake::{Batch, Block, Shared};
use super::key::RequestKey;
use super::receipt::{AppendError, Receipt};
use super::recover;
use super::seal::OpenView;
use super::writer::Writer;

/// How often an idle committer looks for segments that the operator put back.
const LOOK_FOR_RETURNED: Duration = Duration::from_secs(5);

pub struct Committer<B: Batch> {
    shared: Arc<Shared<B>>,
    writer: Writer,
    builder: CommitBuilder,
    /// Empty blocks to put in the place of full ones.
    spare: Vec<Block<B>>,
    taken: Vec<Block<B>>,
    last_received_ms: i64,
    last_commit: Option<Instant>,
    /// The open segment's first commit came after an idle while.
    after_idle: bool,
    last_idle_seal: Option<Instant>,
    looked: Instant,
}

// === impl Committer ===

impl<B: Batch> Committer<B> {
    pub fn new(shared: Arc<Shared<B>>, writer: Writer, last_received_ms: i64) -> Committer<B> {
        Committer {
            shared,
            writer,
            builder: CommitBuilder::new(),
            spare: Vec::new(),
            taken: Vec::new(),
            last_received_ms,
            last_commit: None,
            after_idle: false,
            last_idle_seal: None,
            looked: Instant::now(),
        }
    }

    pub fn folder(&self) -> &Folder {
        &self.shared.folder
    }

    /// The thread's life: until the spool closes and everything in the slots is committed.
    pub fn run(mut self) {
        loop {
            // Read before the slots are emptied: whoever comes after sees it, under the slot's lock, and is refused.
            let closing = self.shared.closed.load(Ordering::SeqCst);
            if self.shared.dirty.load(Ordering::SeqCst) || closing {
                self.keep_pace();
                self.commit();
            }
            if closing {
                return;
            }
            let wait = self.seal_if_due();
            if self.looked.elapsed() >= LOOK_FOR_RETURNED {
                self.looked = Instant::now();
                if let Err(error) = recover::adopt_returned(&self.shared.folder) {
                    tracing::warn!(table = self.shared.folder.table, %error, "could not look for returned segments");
                }
            }
            if !self.shared.dirty.load(Ordering::SeqCst) {
                std::thread::park_timeout(wait.unwrap_or(LOOK_FOR_RETURNED));
            }
        }
    }

    /// Makes durable what stands in the slots.
    pub fn commit(&mut self) {
        // In this order: whoever finds no rows marked and no pass under way knows that the slots are empty.
        self.shared.received.passes_begun.fetch_add(1, Ordering::SeqCst);
        self.shared.dirty.store(false, Ordering::SeqCst);
        self.take_blocks();
        if !self.taken.is_empty() {
            self.commit_taken();
        }
        self.shared.received.passes_over.fetch_add(1, Ordering::SeqCst);
    }

    fn commit_taken(&mut self) {
        let now = Instant::now();
        let floor_ms = self.shared.received.floor_ms.load(Ordering::SeqCst);
        let received_at_ms = self.shared.folder.disk.now_ms().max(self.last_received_ms + 1).max(floor_ms + 1);
        let fate = self.write(received_at_ms, now).map(|()| Receipt::after_fsync(received_at_ms));
        if fate.is_ok() {
            if self.writer.open_with_rows().is_some_and(|open| open.commits == 1) {
                let idle = self.shared.rule.idle_interval;
                self.after_idle = self.last_commit.is_none_or(|last| now - last >= idle);
            }
            self.last_received_ms = received_at_ms;
            self.shared.received.last_ms.store(received_at_ms, Ordering::SeqCst);
            self.last_commit = Some(now);
        }
        self.settle(fate);
        self.builder.relax();
    }

    /// Seals the open segment if the rule says so; else says how long to wait for it.
    pub fn seal_if_due(&mut self) -> Option<Duration> {
        let folder = &self.shared.folder;
        let (first, last) = self.writer.open_with_rows()?.times?;
        let open = self.writer.open_with_rows()?;
        let view = OpenView { bytes: open.len, first, last, after_idle: self.after_idle && open.commits == 1 };
        let shipper_waits = folder.shippers_waiting.load(Ordering::Acquire) > 0;
        let backlog = folder.backlog();
        // A segment that is about to be taken is no idleness.
        let due = self.shared.rule.due(view, self.last_idle_seal, shipper_waits && backlog == 0, backlog);
        let now = Instant::now();
        match due {
            Some(due) if due <= now => {
                if view.bytes < self.shared.rule.segment_bytes {
                    self.last_idle_seal = Some(now);
                }
                self.seal();
                None
            }
            due => due.map(|due| due - now),
        }
    }

    /// Seals the open segment and makes the next one ready, so that no request waits for that.
    pub fn seal(&mut self) {
        self.writer.seal();
        if let Err(error) = self.writer.ready() {
            tracing::warn!(table = self.shared.folder.table, %error, "the next segment can't be made yet");
        }
    }

    fn keep_pace(&self) {
        if let Some(last) = self.last_commit
            && let Some(rest) = self.shared.commit_gap.checked_sub(last.elapsed())
        {
            std::thread::sleep(rest);
        }
    }

    fn take_blocks(&mut self) {
        for slot in &self.shared.slots {
            let mut block = lock(slot);
            if !block.requests.is_empty() {
                let empty = self.spare.pop().unwrap_or_else(|| Block::new((self.shared.make)()));
                self.taken.push(std::mem::replace(&mut block, empty));
            }
        }
    }

    fn write(&mut self, received_at_ms: i64, now: Instant) -> Result<(), AppendError> {
        let io = |error| AppendError::Io(Arc::new(error));
        let open = self.writer.ready().map_err(io)?;
        let (segment, index) = (open.name.hash(), open.commits);
        let (taken, raw) = (&mut self.taken, &mut self.builder.raw);
        raw.clear();
        catch_unwind(AssertUnwindSafe(|| taken.iter_mut().for_each(|block| block.batch.encode(received_at_ms, raw))))
            .map_err(|_| {
            tracing::error!(table = self.shared.folder.table, "encoding a block panicked");
            AppendError::Internal
        })?;
        let requests = Requests(&self.taken);
        let rows = requests.iter().map(|(_, rows)| u64::from(rows)).sum();
        let bytes = self.builder.build(segment, index, received_at_ms, requests.len(), requests.iter());
        self.writer.append(bytes, rows, received_at_ms, now).map_err(io)
    }

    /// Tells the windows and the waiting requests what became of the taken blocks, and empties them for the next.
    fn settle(&mut self, fate: Result<Receipt, AppendError>) {
        {
            let mut replay = lock(&self.shared.replay);
            match &fate {
                Ok(receipt) => replay.done(*receipt, Requests(&self.taken).iter()),
                Err(_) => replay.forget(Requests(&self.taken).iter()),
            }
            replay.expire(self.shared.folder.disk.now_ms());
        }
        for mut block in self.taken.drain(..) {
            block.ticket.resolve(fate.clone());
            if fate.is_ok() {
                block.renew();
                self.spare.push(block);
            }
        }
    }
}

impl<B: Batch> Drop for Committer<B> {
    /// After the last commit, and as the last act should this thread panic: nobody is left waiting.
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.take_blocks();
        self.settle(Err(AppendError::Internal));
        self.writer.close();
        self.shared.folder.finish();
    }
}

/// The requests of several blocks as one run.
struct Requests<'a, B>(&'a [Block<B>]);

// === impl Requests ===

impl<B> Requests<'_, B> {
    fn iter(&self) -> impl Iterator<Item = (RequestKey, u32)> {
        self.0.iter().flat_map(|block| block.requests.iter().copied())
    }

    fn len(&self) -> usize {
        self.0.iter().map(|block| block.requests.len()).sum()
    }
}
