//! What a start finds in the folder, and what becomes of it:
//!
//! - `.open`: its whole commits are copied into a new, synced, sealed file; the torn tail (it was never acknowledged) is
//!   left behind, and the old file deleted. A copy, because what a killed process wrote may stand in the page cache only,
//!   and after an fsync that failed in that process, one that succeeds in ours says nothing about those pages.
//! - `.seg`: was whole and synced when it was sealed, so whatever is broken in it is damage: kept aside in the quarantine,
//!   the whole commits are shipped. One without a whole commit moves to the quarantine.
//! - a file of ours that can't be read moves to the quarantine. Files that aren't ours are left alone.
//! - the keys in the notes and in the replay logs seed the replay windows.

use std::io;

use super::disk;
use super::folder::{Folder, OPEN, SEALED, lock};
use super::replay::Seed;
use super::replay_log;
use super::segment::{Name, Scan};

/// A copy that a start left unfinished.
const HALF_COPIED: &str = ".seg.tmp";

/// What a start learns from the disk.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The latest `received_at` that was ever given, as far as the disk knows.
    pub last_ms: i64,
    /// What was stored lately, oldest first.
    pub seeds: Vec<Seed>,
}

/// Takes in what an earlier process left behind.
pub fn recover(folder: &Folder, recovered: &mut Recovered) -> io::Result<()> {
    let mut files = folder.disk.list(&folder.dir)?;
    files.sort();
    for (file, _) in &files {
        if Name::parse(file, HALF_COPIED).is_some() {
            folder.disk.remove(&folder.path(file))?;
        } else if let Some(name) = Name::parse(file, OPEN) {
            if files.iter().any(|(other, _)| *other == name.file(SEALED)) {
                // Copied by a start that died before it deleted the original.
                folder.disk.remove(&folder.path(file))?;
                continue;
            }
            recover_open(folder, file, name, recovered)?;
        } else if let Some(name) = Name::parse(file, SEALED) {
            adopt_sealed(folder, file, name, recovered)?;
        } else if file != "lock" && !replay_log::FILES.contains(&file.as_str()) {
            tracing::warn!(table = folder.table, file, "not a file of the spool, left alone");
        }
    }
    folder.disk.sync_dir(&folder.dir)?;
    folder.count_quarantine()?;
    recovered.seeds.sort_by_key(|seed| seed.received_at_ms);
    Ok(())
}

/// Takes in sealed files that appeared in the folder while we run: the operator's retries.
pub fn adopt_returned(folder: &Folder) -> io::Result<()> {
    for (file, _) in folder.disk.list(&folder.dir)? {
        let Some(name) = Name::parse(&file, SEALED) else {
            continue;
        };
        let known = lock(&folder.queue).keys().any(|(_, queued)| *queued == name);
        if !known {
            adopt_sealed(folder, &file, name, &mut Recovered::default())?;
        }
    }
    folder.count_quarantine()
}

fn recover_open(folder: &Folder, file: &str, name: Name, recovered: &mut Recovered) -> io::Result<()> {
    let path = folder.path(file);
    let bytes = match folder.disk.open(&path)?.read_all() {
        Ok(bytes) => bytes,
        Err(error) => {
            return folder.move_to_quarantine(file, &name, &format!("can't be read: {error}"));
        }
    };
    let scan = Scan::of(&bytes, &name);
    if scan.good_len < scan.len {
        let cut = scan.len - scan.good_len;
        tracing::warn!(table = folder.table, segment = %name, cut, kept = scan.good_len, "torn tail cut off");
        folder.counters.torn_bytes.add(cut as u64);
    }
    if scan.commits.is_empty() {
        return folder.disk.remove(&path);
    }
    for range in &scan.damaged {
        folder.keep_aside(&name, range.start, &bytes[range.clone()])?;
    }
    let sealed = name.file(SEALED);
    disk::write_whole(&*folder.disk, &folder.dir, &sealed, &bytes[..scan.good_len])?;
    folder.disk.remove(&path)?;
    learn(&scan, &bytes, recovered);
    folder.enqueue(name, sealed, scan.content(), scan.good_len as u64);
    Ok(())
}

fn adopt_sealed(folder: &Folder, file: &str, name: Name, recovered: &mut Recovered) -> io::Result<()> {
    let path = folder.path(file);
    let opened = match folder.disk.open(&path) {
        // Shipped between the listing and now.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let bytes = match opened.read_all() {
        Ok(bytes) => bytes,
        Err(error) => {
            return folder.move_to_quarantine(file, &name, &format!("can't be read: {error}"));
        }
    };
    let scan = Scan::of(&bytes, &name);
    if bytes.is_empty() {
        return folder.disk.remove(&path);
    }
    if scan.commits.is_empty() {
        return folder.move_to_quarantine(file, &name, "holds no whole commit");
    }
    for range in scan.damage() {
        folder.keep_aside(&name, range.start, &bytes[range])?;
    }
    learn(&scan, &bytes, recovered);
    folder.enqueue(name, file.to_owned(), scan.content(), scan.len as u64);
    Ok(())
}

fn learn(scan: &Scan, bytes: &[u8], recovered: &mut Recovered) {
    for note in scan.notes(bytes) {
        recovered.last_ms = recovered.last_ms.max(note.received_at_ms);
        let seed = |(key, rows)| Seed { received_at_ms: note.received_at_ms, key, rows };
        recovered.seeds.extend(note.requests().map(seed));
    }
}
