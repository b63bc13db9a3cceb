//! Where `libchdb.so` is, and whether it was built for this machine. Looks at files only: the library is loaded
//! nowhere but in the child.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::EngineError;

const NAME: &str = "libchdb.so";

/// How far up from the working folder and the executable an `engine/` folder is looked for: `target/release/deps` is
/// three below the repository.
const ANCESTORS: usize = 6;

/// The library to load: the one asked for, else the first that exists.
pub(super) fn find(asked_for: Option<&Path>) -> Result<PathBuf, EngineError> {
    let candidates = match asked_for {
        Some(path) => vec![path.to_owned()],
        None => usual_places(),
    };
    let Some(found) = candidates.iter().find(|path| path.is_file()) else {
        return Err(EngineError::LibraryMissing { looked: said_shortly(candidates) });
    };
    let path = fs::canonicalize(found).map_err(|error| unusable(found, error))?;
    check_architecture(&path)?;
    Ok(path)
}

fn usual_places() -> Vec<PathBuf> {
    let mut places = Vec::new();
    let executable = std::env::current_exe().ok();
    let folders = [std::env::current_dir().ok(), executable.as_deref().and_then(Path::parent).map(Path::to_owned)];
    for folder in folders.iter().flatten() {
        for ancestor in folder.ancestors().take(ANCESTORS) {
            places.extend(packages_below(&ancestor.join("engine/node_modules/@chdb")));
        }
    }
    places.extend(folders[1].iter().map(|folder| folder.join(NAME)));
    places.push(Path::new("/usr/local/lib").join(NAME));
    places
}

/// `@chdb/lib-linux-x64-gnu/libchdb.so` and its sisters; the pattern itself where there is no such folder, so that
/// the error can say that it was looked at.
fn packages_below(scope: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(scope) else {
        return vec![scope.join("*").join(NAME)];
    };
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path().join(NAME)).collect();
    found.sort();
    // Several may be installed side by side: the one for this machine first.
    found.sort_by_key(|path| check_architecture(path).is_err());
    found
}

/// Every ancestor was tried; the line names the nearest of each row.
fn said_shortly(mut candidates: Vec<PathBuf>) -> Vec<PathBuf> {
    candidates.dedup();
    let mut pattern_seen = 0;
    candidates.retain(|path| {
        let is_pattern = path.to_string_lossy().contains("node_modules/@chdb/*");
        pattern_seen += usize::from(is_pattern);
        !is_pattern || pattern_seen == 1
    });
    candidates
}

/// Reads the ELF header (class, `e_machine`), so that a wrong download is named before a process is started for it.
/// What is not ELF (macOS) is left to the loader.
fn check_architecture(path: &Path) -> Result<(), EngineError> {
    let mut header = [0u8; 20];
    File::open(path).and_then(|mut file| file.read_exact(&mut header)).map_err(|error| unusable(path, error))?;
    if &header[..4] != b"\x7fELF" {
        return if cfg!(target_os = "linux") { Err(unusable(path, "not a shared library")) } else { Ok(()) };
    }
    let machine = match u16::from_le_bytes([header[18], header[19]]) {
        62 => "x86_64",
        183 => "aarch64",
        _ => "another architecture",
    };
    if machine == std::env::consts::ARCH { Ok(()) } else { Err(unusable(path, format!("it is for {machine}"))) }
}

fn unusable(path: &Path, why: impl ToString) -> EngineError {
    EngineError::LibraryUnusable { path: path.to_owned(), why: why.to_string() }
}
