//! One instance per data folder: `DATA_DIR/activitylog.lock`, held with `flock` for as long as the process lives.
//! The kernel lets go of it when the holder dies, however it dies, so there is no stale lock to clean up.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::EngineError;

const NAME: &str = "activitylog.lock";

/// Proof that this process has the data folder to itself. The folder is given back with the last clone; a running
/// engine holds one.
#[derive(Debug, Clone)]
pub struct DataDirLock {
    dir: PathBuf,
    _file: Arc<File>,
}

/// Takes the folder, making it where it does not exist yet.
///
/// # Errors
/// `DataDirLocked` naming the other process, `Unwritable`, `DiskFull`.
pub fn lock_data_dir(dir: &Path) -> Result<DataDirLock, EngineError> {
    fs::create_dir_all(dir).map_err(|error| EngineError::from_io(dir, error))?;
    let dir = fs::canonicalize(dir).map_err(|error| EngineError::from_io(dir, error))?;
    let path = dir.join(NAME);
    let failed = |error| EngineError::from_io(&path, error);
    let mut file = open(&path).map_err(failed)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => {
            return Err(EngineError::DataDirLocked { pid: first_number(&mut file), dir });
        }
        Err(errno) => return Err(failed(errno.into())),
    }
    // The pid is for people and for the error above; the lock itself is the kernel's.
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
    Ok(DataDirLock { dir, _file: Arc::new(file) })
}

/// Whether a ClickHouse holds `store`, and which: it locks `status` in there the same way.
pub(super) fn holder_of_store(store: &Path) -> Option<String> {
    let mut file = File::open(store.join("status")).ok()?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Some(first_number(&mut file)),
        _ => None,
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// The pid in a lock file, ours (`123`) or ClickHouse's (`PID: 123`).
fn first_number(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.rewind().and_then(|()| file.take(256).read_to_string(&mut text));
    let digits: String = text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    if digits.is_empty() { "unknown".to_owned() } else { digits }
}

// === impl DataDirLock ===

impl DataDirLock {
    /// The folder, absolute.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}
