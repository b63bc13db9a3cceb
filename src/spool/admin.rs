//! What an operator does with the spool's files: `activitylog spool ls | show | retry | export`. Works on the folder alone,
//! while a process runs on it or not; it only reads, except `retry`, which moves one file back from the quarantine (a running
//! process finds it within seconds).

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::disk::{Disk, RealDisk};
use super::folder::{CORRUPT, OPEN, QUARANTINE, SEALED};
use super::segment::{Content, Name, Scan};

/// One file of a table's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What `show`, `retry` and `export` take.
    pub name: String,
    pub state: State,
    pub bytes: u64,
    pub rows: u64,
    pub commits: usize,
    /// Bytes that belong to no whole commit. While a process writes an open segment, its commit in the making.
    pub stray_bytes: u64,
    /// `received_at` of the first and last rows, Unix ms.
    pub first_ms: i64,
    pub last_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Open,
    Sealed,
    Quarantined {
        error: String,
    },
    /// Damaged bytes, kept as evidence: there is nothing in them to retry or export.
    Damaged {
        error: String,
    },
}

/// The tables that have a folder.
pub fn tables(spool_dir: &Path) -> io::Result<Vec<String>> {
    let mut tables = Vec::new();
    for entry in std::fs::read_dir(spool_dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            tables.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    tables.sort();
    Ok(tables)
}

/// The segments of a table, oldest first, then what is in its quarantine. Reads and verifies each file.
pub fn list(spool_dir: &Path, table: &str) -> io::Result<Vec<Listed>> {
    list_on(&RealDisk, spool_dir, table)
}

/// One segment; none where there is no such name.
pub fn show(spool_dir: &Path, table: &str, name: &str) -> io::Result<Option<Listed>> {
    Ok(list(spool_dir, table)?.into_iter().find(|listed| listed.name == name))
}

/// Moves a quarantined segment back, to be shipped again under its old token.
pub fn retry(spool_dir: &Path, table: &str, name: &str) -> io::Result<()> {
    retry_on(&RealDisk, spool_dir, table, name)
}

/// Writes a segment's data frames as they are: `INSERT INTO t FORMAT Native` takes them with `decompress=1`.
/// Answers the rows written.
pub fn export(spool_dir: &Path, table: &str, name: &str, to: &mut dyn Write) -> io::Result<u64> {
    let dir = spool_dir.join(table);
    let files = [(dir.clone(), SEALED), (dir.clone(), OPEN), (dir.join(QUARANTINE), SEALED)];
    for (dir, extension) in files {
        let Some(name) = Name::parse(&format!("{name}{extension}"), extension) else {
            break;
        };
        let path = dir.join(name.file(extension));
        if path.exists() {
            let bytes = RealDisk.open(&path)?.read_all()?;
            let scan = Scan::of(&bytes, &name);
            for commit in &scan.commits {
                to.write_all(&bytes[commit.data.clone()])?;
            }
            return Ok(scan.content().rows);
        }
    }
    Err(missing(table, name))
}

pub(super) fn list_on(disk: &dyn Disk, spool_dir: &Path, table: &str) -> io::Result<Vec<Listed>> {
    let dir = spool_dir.join(table);
    let quarantine = dir.join(QUARANTINE);
    let mut found: Vec<(Name, Listed)> = Vec::new();
    for (file, _) in disk.list(&dir)? {
        for (extension, state) in [(OPEN, State::Open), (SEALED, State::Sealed)] {
            if let Some(name) = Name::parse(&file, extension) {
                found.extend(look(disk, dir.join(&file), name, state)?);
            }
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut listed: Vec<Listed> = found.into_iter().map(|(_, listed)| listed).collect();
    let mut kept = disk.list(&quarantine)?;
    kept.sort();
    for (file, bytes) in kept {
        if let Some(name) = Name::parse(&file, SEALED) {
            let error = text(disk, &quarantine.join(name.file(".error")));
            listed.extend(
                look(disk, quarantine.join(&file), name, State::Quarantined { error })?.map(|(_, listed)| listed),
            );
        } else if let Some(stem) = file.strip_suffix(CORRUPT) {
            let error = text(disk, &quarantine.join(format!("{stem}.error")));
            listed.push(Listed {
                name: stem.to_owned(),
                state: State::Damaged { error },
                bytes,
                rows: 0,
                commits: 0,
                stray_bytes: bytes,
                first_ms: 0,
                last_ms: 0,
            });
        }
    }
    Ok(listed)
}

pub(super) fn retry_on(disk: &dyn Disk, spool_dir: &Path, table: &str, name: &str) -> io::Result<()> {
    let dir = spool_dir.join(table);
    let quarantine = dir.join(QUARANTINE);
    let Some(name) = Name::parse(&format!("{name}{SEALED}"), SEALED) else {
        return Err(missing(table, name));
    };
    disk.rename(&quarantine.join(name.file(SEALED)), &dir.join(name.file(SEALED)))?;
    disk.sync_dir(&dir)?;
    disk.sync_dir(&quarantine)?;
    // The error's text is worth nothing any more; one that stays hurts nobody.
    let _ = disk.remove(&quarantine.join(name.file(".error")));
    Ok(())
}

fn look(disk: &dyn Disk, path: PathBuf, name: Name, state: State) -> io::Result<Option<(Name, Listed)>> {
    let bytes = match disk.open(&path) {
        // Sealed or shipped meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?.read_all()?,
    };
    let scan = Scan::of(&bytes, &name);
    let Content { rows, first_ms, last_ms } = scan.content();
    let listed = Listed {
        name: name.to_string(),
        state,
        bytes: bytes.len() as u64,
        rows,
        commits: scan.commits.len(),
        stray_bytes: scan.damage().map(|range| range.len() as u64).sum(),
        first_ms,
        last_ms,
    };
    Ok(Some((name, listed)))
}

fn text(disk: &dyn Disk, path: &Path) -> String {
    let bytes = disk.open(path).and_then(|file| file.read_all()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

fn missing(table: &str, name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("no segment {name} of table {table}"))
}
