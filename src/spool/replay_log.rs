//! The replay log: the keys of segments whose files are gone, so that the replay window survives a restart.
//!
//! ```text
//! replay.log      notes (note.rs) of shipped segments, copied as they are, without their data
//! replay.old.log  the generation before
//! ```
//! - Written and fdatasynced before a segment's file leaves the folder; never in the path of an acknowledgement.
//! - A generation is closed when it is as old as the window, or holds as many keys as the window may; it then replaces
//!   the one before. So a key stays for at least one window after it was written, and both files stay bounded.
//! - A torn tail is left out: the segment that it spoke of is still there.
//! - A start copies what is inside the window into a new file, and never appends to one whose last write it didn't see.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::disk::{self, Disk, DiskFile};
use super::frame::Frame;
use super::note::Note;

const CURRENT: &str = "replay.log";
const OLD: &str = "replay.old.log";

pub struct ReplayLog {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    file: Option<Box<dyn DiskFile>>,
    /// Up to here the file is whole and synced.
    len: u64,
    /// Something may stand past `len`: a write failed.
    suspect: bool,
    keys: usize,
    max_keys: usize,
    since: Instant,
    window: Duration,
}

// === impl ReplayLog ===

impl ReplayLog {
    /// Opens both generations and shows each note in them.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        window: Duration,
        max_keys: usize,
        mut visit: impl FnMut(&Note<'_>),
    ) -> io::Result<ReplayLog> {
        let (mut live, mut keys, mut found) = (Vec::new(), 0, Vec::new());
        let since = disk.now_ms() - window.as_millis() as i64;
        for name in [OLD, CURRENT] {
            let bytes = match disk.open(&dir.join(name)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?.read_all()?,
            };
            found.push(name);
            let mut at = 0;
            while let Some(frame) = Frame::read(&bytes[at..])
                && let Some(note) = Note::read(&frame)
            {
                visit(&note);
                if note.received_at_ms > since {
                    live.extend_from_slice(&bytes[at..at + frame.size()]);
                    keys += note.requests().count();
                }
                at += frame.size();
            }
        }
        let mut file = None;
        if !found.is_empty() {
            disk::write_whole(&*disk, &dir, CURRENT, &live)?;
            file = Some(disk.open(&dir.join(CURRENT))?);
        }
        if found.contains(&OLD) {
            disk.remove(&dir.join(OLD))?;
        }
        let len = live.len() as u64;
        Ok(ReplayLog { disk, dir, file, len, suspect: false, keys, max_keys, since: Instant::now(), window })
    }

    /// Appends whole note frames that hold so many keys, durably.
    pub fn append(&mut self, notes: &[u8], keys: usize) -> io::Result<()> {
        if self.len > 0 && (self.since.elapsed() >= self.window || self.keys >= self.max_keys) {
            self.disk.rename(&self.dir.join(CURRENT), &self.dir.join(OLD))?;
            (self.file, self.len, self.keys, self.suspect) = (None, 0, 0, false);
        }
        if self.file.is_none() {
            let path = self.dir.join(CURRENT);
            let file = match self.disk.create(&path) {
                // Made a moment ago, before its folder failed to sync: empty.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.disk.open(&path)?,
                created => created?,
            };
            self.disk.sync_dir(&self.dir)?;
            (self.file, self.since) = (Some(file), Instant::now());
        }
        let Some(file) = &self.file else {
            return Ok(());
        };
        if self.suspect {
            file.truncate(self.len)?;
            file.sync()?;
        }
        self.suspect = true;
        file.write_all_at(notes, self.len)?;
        file.sync()?;
        (self.suspect, self.len, self.keys) = (false, self.len + notes.len() as u64, self.keys + keys);
        Ok(())
    }
}
