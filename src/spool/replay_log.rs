//! A replay log: the keys of segments whose files are gone, so that a replay window survives a restart. One for each class of
//! keys, as long as its window.
//!
//! ```text
//! replay.log      notes (note.rs) that speak for no data: the exports of shipped segments
//! replay.old.log  the generation before
//! delivery.log, delivery.old.log     the same of deliveries
//! ```
//! - Written and fdatasynced before a segment's file leaves the folder; never in the path of an acknowledgement.
//! - A generation is closed when it is as old as the window, or holds as many keys as the window may; it then replaces
//!   the one before. So a key stays for at least one window after it was written, and both files stay bounded: at most
//!   101 bytes for each key of two windows.
//! - A torn tail is left out: the segment that it spoke of is still there.
//! - A start writes what is inside the window into a new file, and never appends to one whose last write it didn't see. It
//!   puts the keys of each thousandth of the window into one note, with its latest time: some 20 bytes for each.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::disk::{self, Disk, DiskFile};
use super::frame::Frame;
use super::key::{Class, RequestKey};
use super::note::{self, Head, Note};
use super::replay::Seed;

pub struct ReplayLog {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    names: Names,
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

#[derive(Debug, Clone, Copy)]
struct Names {
    current: &'static str,
    old: &'static str,
}

const EXPORTS: Names = Names { current: "replay.log", old: "replay.old.log" };
const DELIVERIES: Names = Names { current: "delivery.log", old: "delivery.old.log" };

/// Every name that a log may have in its folder.
pub const FILES: [&str; 6] =
    [EXPORTS.current, EXPORTS.old, "replay.log.tmp", DELIVERIES.current, DELIVERIES.old, "delivery.log.tmp"];

/// Notes for a log, and how many keys they hold.
#[derive(Debug, Default)]
pub struct Keys {
    notes: Vec<u8>,
    keys: usize,
}

/// What a log held when it was opened.
#[derive(Debug, Default)]
pub struct Found {
    /// The latest `received_at` in it, past the window or not.
    pub last_ms: i64,
    /// The requests inside the window, oldest first, no more than the window may hold.
    pub seeds: Vec<Seed>,
}

// === impl Keys ===

impl Keys {
    /// Appends one note with these requests; none for none.
    pub fn add(&mut self, received_at_ms: i64, requests: impl Iterator<Item = (RequestKey, u32)> + Clone) {
        let count = requests.clone().count();
        if count > 0 {
            let start = self.notes.len();
            self.notes.resize(start + note::size(count), 0);
            let head = Head { index: 0, segment: 0, received_at_ms, data_len: 0, data_digest: 0 };
            note::write(&mut self.notes[start..], head, requests);
            self.keys += count;
        }
    }
}

// === impl ReplayLog ===

impl ReplayLog {
    /// Opens both generations of a class's log and reads what is in them.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        class: Class,
        window: Duration,
        max_keys: usize,
    ) -> io::Result<(ReplayLog, Found)> {
        let names = match class {
            Class::Export => EXPORTS,
            Class::Delivery => DELIVERIES,
        };
        let window_ms = window.as_millis() as i64;
        let (mut found, mut files) = (Found::default(), Vec::new());
        let since = disk.now_ms() - window_ms;
        for name in [names.old, names.current] {
            match disk.open(&dir.join(name)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => found.read(&opened?.read_all()?, class, since),
            }
            files.push(name);
        }
        let live = found.condense(window_ms / 1000, max_keys);
        let mut file = None;
        if !files.is_empty() {
            disk::write_whole(&*disk, &dir, names.current, &live.notes)?;
            file = Some(disk.open(&dir.join(names.current))?);
        }
        if files.contains(&names.old) {
            disk.remove(&dir.join(names.old))?;
        }
        let (len, keys, since) = (live.notes.len() as u64, live.keys, Instant::now());
        Ok((ReplayLog { disk, dir, names, file, len, suspect: false, keys, max_keys, since, window }, found))
    }

    /// Appends the notes durably; writes nothing where there are none.
    pub fn append(&mut self, keys: &Keys) -> io::Result<()> {
        if keys.keys == 0 {
            return Ok(());
        }
        let (current, old) = (self.dir.join(self.names.current), self.dir.join(self.names.old));
        if self.len > 0 && (self.since.elapsed() >= self.window || self.keys >= self.max_keys) {
            self.disk.rename(&current, &old)?;
            (self.file, self.len, self.keys, self.suspect) = (None, 0, 0, false);
        }
        if self.file.is_none() {
            let file = match self.disk.create(&current) {
                // Made a moment ago, before its folder failed to sync: empty.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.disk.open(&current)?,
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
        file.write_all_at(&keys.notes, self.len)?;
        file.sync()?;
        (self.suspect, self.len, self.keys) = (false, self.len + keys.notes.len() as u64, self.keys + keys.keys);
        Ok(())
    }
}

// === impl Found ===

impl Found {
    /// Takes in the whole notes at the start of a file.
    fn read(&mut self, mut bytes: &[u8], class: Class, since: i64) {
        while let Some(frame) = Frame::read(bytes)
            && let Some(note) = Note::read(&frame)
        {
            self.last_ms = self.last_ms.max(note.received_at_ms);
            if note.received_at_ms > since {
                let seed = |(key, rows)| Seed { received_at_ms: note.received_at_ms, key, rows };
                self.seeds.extend(note.requests().filter(|(key, _)| key.class() == class).map(seed));
            }
            bytes = &bytes[frame.size()..];
        }
    }

    /// Brings the seeds into order, at most `max` of them, all of one `grain` (ms) with the same time, and writes them as notes.
    fn condense(&mut self, grain: i64, max: usize) -> Keys {
        let grain = grain.max(1);
        // Mostly in order already, which this sort is quick to see.
        self.seeds.sort_by_key(|seed| seed.received_at_ms);
        let same = |a: &Seed, b: &Seed| a.received_at_ms.div_euclid(grain) == b.received_at_ms.div_euclid(grain);
        for seeds in self.seeds.chunk_by_mut(same) {
            let latest = seeds.last().map_or(0, |seed| seed.received_at_ms);
            seeds.iter_mut().for_each(|seed| seed.received_at_ms = latest);
            seeds.sort_unstable_by_key(|seed| seed.key);
        }
        self.seeds.dedup_by_key(|seed| (seed.received_at_ms, seed.key));
        self.seeds.drain(..self.seeds.len().saturating_sub(max));
        let mut keys = Keys::default();
        for seeds in self.seeds.chunk_by(same) {
            keys.add(seeds[0].received_at_ms, seeds.iter().map(|seed| (seed.key, seed.rows)));
        }
        keys
    }
}
