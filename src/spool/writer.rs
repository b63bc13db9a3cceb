//! The open segment and its file: made, appended to, cut back after a failure, sealed. Used by the committer alone.
//!
//! - A failed write or fsync leaves bytes of unknown state past the last good commit. They are cut off and the file is
//!   sealed; nothing is ever appended after a failed fsync, whose pages can't be trusted.
//! - While such bytes can't be cut off, nothing is accepted: after a kill they might be found whole, and a retry of what was
//!   refused, stored meanwhile, would then be there twice.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use super::disk::DiskFile;
use super::folder::{Folder, OPEN, SEALED};
use super::segment::{Content, Name};

pub struct Writer {
    folder: Arc<Folder>,
    node: u64,
    boot: String,
    next: u64,
    open: Option<OpenSegment>,
    /// A segment whose tail is still to be cut off.
    suspect: Option<OpenSegment>,
}

pub struct OpenSegment {
    pub name: Name,
    file: Box<dyn DiskFile>,
    /// Where the last durable commit ends.
    pub len: u64,
    pub commits: u32,
    pub content: Content,
    /// When the first and the last commit came.
    pub times: Option<(Instant, Instant)>,
}

// === impl Writer ===

impl Writer {
    pub fn new(folder: Arc<Folder>, node: u64, boot: String) -> Writer {
        Writer { folder, node, boot, next: 0, open: None, suspect: None }
    }

    /// The open segment, if it holds rows.
    pub fn open_with_rows(&self) -> Option<&OpenSegment> {
        self.open.as_ref().filter(|open| open.commits > 0)
    }

    /// The segment that the next commit goes to; made where there is none.
    pub fn ready(&mut self) -> io::Result<&OpenSegment> {
        if let Some(suspect) = self.suspect.take()
            && let Err((suspect, error)) = self.cut_and_seal(suspect)
        {
            self.suspect = Some(suspect);
            return Err(error);
        }
        let open = match self.open.take() {
            Some(open) => open,
            None => self.create()?,
        };
        Ok(self.open.insert(open))
    }

    /// Writes one commit's bytes to the open segment, durably or not at all.
    pub fn append(&mut self, bytes: &[u8], rows: u64, received_at_ms: i64, now: Instant) -> io::Result<()> {
        let Some(open) = &mut self.open else {
            return Err(io::Error::other("no open segment"));
        };
        let written = open.file.write_all_at(bytes, open.len).and_then(|()| {
            self.folder.counters.fsyncs.add(1);
            open.file.sync()
        });
        if let Err(error) = written {
            self.folder.counters.write_errors.add(1);
            tracing::error!(table = self.folder.table, segment = %open.name, %error, "commit failed");
            let failed = self.open.take();
            self.suspect = failed.and_then(|open| self.cut_and_seal(open).err()).map(|(suspect, _)| suspect);
            self.show_open();
            return Err(error);
        }
        open.len += bytes.len() as u64;
        open.commits += 1;
        open.content.rows += rows;
        if open.commits == 1 {
            open.content.first_ms = received_at_ms;
        }
        open.content.last_ms = received_at_ms;
        open.times = Some((open.times.map_or(now, |(first, _)| first), now));
        self.folder.counters.commits.add(1);
        self.folder.counters.appended_rows.add(rows);
        self.show_open();
        Ok(())
    }

    /// Seals the open segment; an empty one is deleted.
    pub fn seal(&mut self) {
        if let Some(open) = self.open.take() {
            self.seal_whole(open);
            self.show_open();
        }
    }

    /// One more try for a segment whose tail is still to be cut off.
    pub fn close(&mut self) {
        self.seal();
        if let Some(suspect) = self.suspect.take()
            && let Err((suspect, error)) = self.cut_and_seal(suspect)
        {
            tracing::error!(table = self.folder.table, segment = %suspect.name, %error, "left with an uncut tail");
        }
    }

    fn create(&mut self) -> io::Result<OpenSegment> {
        let name = Name::new(self.node, &self.boot, self.next);
        self.next += 1;
        let path = self.folder.path(&name.file(OPEN));
        let file = self.folder.disk.create(&path)?;
        if let Err(error) = self.folder.disk.sync_dir(&self.folder.dir) {
            // An empty file that stays is deleted at the next start.
            let _ = self.folder.disk.remove(&path);
            return Err(error);
        }
        Ok(OpenSegment { name, file, len: 0, commits: 0, content: Content::default(), times: None })
    }

    fn cut_and_seal(&mut self, segment: OpenSegment) -> Result<(), (OpenSegment, io::Error)> {
        match segment.file.truncate(segment.len).and_then(|()| segment.file.sync()) {
            Ok(()) => {
                self.seal_whole(segment);
                Ok(())
            }
            Err(error) => Err((segment, error)),
        }
    }

    fn seal_whole(&mut self, segment: OpenSegment) {
        let OpenSegment { name, len, commits, content, .. } = segment;
        let (open, sealed) = (name.file(OPEN), name.file(SEALED));
        if commits == 0 {
            // One that stays is deleted at the next start.
            let _ = self.folder.disk.remove(&self.folder.path(&open));
            return;
        }
        let file = match self.folder.disk.rename(&self.folder.path(&open), &self.folder.path(&sealed)) {
            Ok(()) => sealed,
            Err(error) => {
                tracing::warn!(table = self.folder.table, segment = %name, %error, "sealed under its open name");
                open
            }
        };
        self.folder.enqueue(name, file, content, len);
    }

    /// Keeps the gauges of the open segment right.
    fn show_open(&self) {
        let counters = &self.folder.counters;
        let open = self.open_with_rows();
        counters.open_bytes.set(open.map_or(0, |open| open.len));
        counters.open_rows.set(open.map_or(0, |open| open.content.rows));
        counters.open_since_ms.set(open.map_or(0, |open| open.content.first_ms as u64));
    }
}
