//! The shipper's side: the oldest sealed segment, its bytes as an insert's body, and its end.
//!
//! A [`SealedSegment`] is lent to one shipper at a time. It ends in `done` (the insert is committed: keys to the replay
//! logs, then the file goes) or in `quarantine` (it can't ever be inserted). Dropped without either, or when either fails,
//! it goes back to its place, to be shipped again under the same token.

use std::io;
use std::ops::RangeInclusive;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::folder::{Folder, Queued, lock};
use super::key::{ByClass, Class};
use super::replay_log::Keys;
use super::segment::{Name, Scan};

pub struct SealedSegment {
    folder: Arc<Folder>,
    name: Name,
    token: String,
    queued: Queued,
    /// The requests' keys, once the file was read: what `done` writes to the replay logs.
    keys: Mutex<Option<ByClass<Keys>>>,
    settled: bool,
}

struct Waiting<'a>(&'a Folder);

/// The oldest sealed segment that nobody has; none once the spool has closed and all are gone.
pub async fn next_sealed(folder: &Arc<Folder>) -> Option<SealedSegment> {
    loop {
        let sealed = folder.sealed.notified();
        tokio::pin!(sealed);
        sealed.as_mut().enable();
        let finished = folder.finished.load(Ordering::Acquire);
        if let Some(segment) = SealedSegment::take(folder) {
            return Some(segment);
        }
        if finished && lock(&folder.queue).is_empty() {
            return None;
        }
        let _waiting = Waiting::new(folder);
        sealed.await;
    }
}

// === impl SealedSegment ===

impl SealedSegment {
    pub(super) fn take(folder: &Arc<Folder>) -> Option<SealedSegment> {
        let mut queue = lock(&folder.queue);
        let ((_, name), queued) = queue.iter_mut().find(|(_, queued)| !queued.taken)?;
        queued.taken = true;
        Some(SealedSegment {
            folder: folder.clone(),
            name: name.clone(),
            token: format!("{}-{name}", folder.table),
            queued: queued.clone(),
            keys: Mutex::default(),
            settled: false,
        })
    }

    /// The `insert_deduplication_token`: the same for each attempt, and for no other segment ever.
    pub fn token(&self) -> &str {
        &self.token
    }

    pub fn rows(&self) -> u64 {
        self.queued.content.rows
    }

    /// Bytes on disk; those of the insert's body are a little fewer.
    pub fn bytes(&self) -> u64 {
        self.queued.bytes
    }

    /// The `received_at` of its first and last rows, Unix ms.
    pub fn received_at_ms(&self) -> RangeInclusive<i64> {
        self.queued.content.first_ms..=self.queued.content.last_ms
    }

    /// The insert's body: the data frames, verified, in order. Holds the file in memory as long as a piece lives.
    pub async fn load(&self) -> io::Result<Vec<Bytes>> {
        let (folder, name, file) = (self.folder.clone(), self.name.clone(), self.queued.file.clone());
        let (body, keys) = blocking(move || read(&folder, &name, &file)).await?;
        *lock(&self.keys) = Some(keys);
        Ok(body)
    }

    /// The insert is committed: remembers the keys and deletes the file.
    pub async fn done(mut self) -> io::Result<()> {
        blocking(move || self.done_now()).await
    }

    /// ClickHouse can't ever take it: moves it aside with the error's text. Nothing is deleted.
    pub async fn quarantine(mut self, error: &str) -> io::Result<()> {
        let error = error.to_owned();
        blocking(move || self.quarantine_now(&error)).await
    }

    pub(super) fn load_now(&self) -> io::Result<Vec<Bytes>> {
        let (body, keys) = read(&self.folder, &self.name, &self.queued.file)?;
        *lock(&self.keys) = Some(keys);
        Ok(body)
    }

    pub(super) fn done_now(&mut self) -> io::Result<()> {
        self.remember_keys()?;
        match self.folder.disk.remove(&self.folder.path(&self.queued.file)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.settle();
        self.folder.counters.shipped_segments.add(1);
        self.folder.counters.shipped_rows.add(self.queued.content.rows);
        Ok(())
    }

    pub(super) fn quarantine_now(&mut self, error: &str) -> io::Result<()> {
        self.remember_keys()?;
        self.folder.move_to_quarantine(&self.queued.file, &self.name, error)?;
        self.settle();
        Ok(())
    }

    fn remember_keys(&self) -> io::Result<()> {
        if lock(&self.keys).is_none() {
            self.load_now()?;
        }
        if let Some(keys) = &*lock(&self.keys) {
            let mut logs = lock(&self.folder.logs);
            Class::ALL.into_iter().try_for_each(|class| logs[class].append(&keys[class]))?;
        }
        Ok(())
    }

    fn settle(&mut self) {
        let content = self.queued.content;
        lock(&self.folder.queue).remove(&(content.first_ms, self.name.clone()));
        self.folder.counters.sealed_bytes.sub(self.queued.bytes);
        self.folder.counters.sealed_rows.sub(content.rows);
        self.settled = true;
        // Another shipper may be waiting to learn that the last one is gone; the committer may seal by age again.
        self.folder.sealed.notify_waiters();
        self.folder.wake_committer();
    }
}

impl Drop for SealedSegment {
    fn drop(&mut self) {
        if !self.settled {
            let place = (self.queued.content.first_ms, self.name.clone());
            if let Some(queued) = lock(&self.folder.queue).get_mut(&place) {
                queued.taken = false;
            }
            self.folder.sealed.notify_waiters();
        }
    }
}

/// A segment's data frames, and those of its keys that are inside their windows.
fn read(folder: &Folder, name: &Name, file: &str) -> io::Result<(Vec<Bytes>, ByClass<Keys>)> {
    let bytes = match folder.disk.open(&folder.path(file)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            tracing::error!(table = folder.table, segment = %name, "segment is gone from the folder, deleted by someone else");
            return Ok(Default::default());
        }
        opened => Bytes::from(opened?.read_all()?),
    };
    let scan = Scan::of(&bytes, name);
    for range in scan.damage() {
        folder.keep_aside(name, range.start, &bytes[range])?;
    }
    let now_ms = folder.disk.now_ms();
    let mut keys: ByClass<Keys> = ByClass::default();
    for note in scan.notes(&bytes) {
        for class in Class::ALL {
            if note.received_at_ms > now_ms - folder.window_ms[class] {
                keys[class].add(note.received_at_ms, note.requests().filter(|(key, _)| key.class() == class));
            }
        }
    }
    let body = scan.commits.iter().map(|commit| bytes.slice(commit.data.clone())).collect();
    Ok((body, keys))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|failed| Err(io::Error::other(failed)))
}

// === impl Waiting ===

impl<'a> Waiting<'a> {
    fn new(folder: &'a Folder) -> Waiting<'a> {
        folder.shippers_waiting.fetch_add(1, Ordering::AcqRel);
        folder.wake_committer();
        Waiting(folder)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.shippers_waiting.fetch_sub(1, Ordering::AcqRel);
    }
}
