//! The replay log: the keys of segments whose files are gone, so that the replay window survives a restart.
//!
//! ```text
//! replay.log      notes (note.rs) of shipped segments, copied as they are, without their data
//! replay.old.log  the generation before
//! ```
//! - Written and fdatasynced before a segment's file leaves the folder; never in the path of an acknowledgement.
//! - A generation is closed when it is as old as the window, or holds as many keys as the window may; it then replaces
//!   the one before. So a key stays for at least one window after it was written, and both files stay bounded.
//! - A torn tail is cut off: the segment that it spoke of is still there.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::disk::{Disk, DiskFile};
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
        let mut log =
            ReplayLog { disk, dir, file: None, len: 0, suspect: false, keys: 0, max_keys, since: Instant::now(), window };
        for name in [OLD, CURRENT] {
            let file = match log.disk.open(&log.dir.join(name)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            let bytes = file.read_all()?;
            let (mut at, mut keys) = (0, 0);
            while let Some(frame) = Frame::read(&bytes[at..])
                && let Some(note) = Note::read(&frame)
            {
                keys += note.requests().count();
                visit(&note);
                at += frame.size();
            }
            if name == CURRENT {
                file.truncate(at as u64)?;
                file.sync()?;
                (log.file, log.len, log.keys) = (Some(file), at as u64, keys);
            }
        }
        Ok(log)
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
        let Some(file) = &self.file else { return Ok(()) };
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
