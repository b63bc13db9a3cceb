//! What can go wrong with the engine, each as the one line that tells the operator what to do.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::child::EXIT_REFUSED;

#[derive(Debug, Error)]
pub enum EngineError {
    #[error(
        "libchdb.so, the embedded ClickHouse, was not found: run `make engine`, or set ACTIVITYLOG_ENGINE_LIB to its \
         path, or clickhouse.url to a server of yours (looked at {})",
        list(looked)
    )]
    LibraryMissing { looked: Vec<PathBuf> },

    #[error(
        "{path} can't be used as the embedded ClickHouse on this machine ({why}): run `make engine` here, or set \
         ACTIVITYLOG_ENGINE_LIB to a libchdb.so for {}-{}",
        std::env::consts::OS,
        std::env::consts::ARCH
    )]
    LibraryUnusable { path: PathBuf, why: String },

    #[error(
        "{path} is ClickHouse {version}, and this version of ActivityLog works with {supported}: run `make engine` \
         to get the right one"
    )]
    LibraryVersion { path: PathBuf, version: String, supported: &'static str },

    #[error(
        "the data in {path} was last opened by ClickHouse {written_by}, and the engine found is {version}, which is \
         older: run `make engine`, or start the ActivityLog that wrote it"
    )]
    DataTooNew { path: PathBuf, written_by: String, version: String },

    #[error(
        "port {port} on 127.0.0.1, configured for the embedded ClickHouse, is taken: stop what listens there or \
         configure another port (0 picks a free one)"
    )]
    PortTaken { port: u16 },

    #[error("no two free ports on 127.0.0.1 for the embedded ClickHouse: {source}")]
    NoFreePort { source: io::Error },

    #[error(
        "the data folder {dir} is in use by another ActivityLog (pid {pid}): stop that one, or give this one a folder \
         of its own with --data-dir"
    )]
    DataDirLocked { dir: PathBuf, pid: String },

    #[error(
        "the engine's folder {dir} is still in use by a ClickHouse (pid {pid}) that this ActivityLog did not start: \
         wait for it to end or stop it, then start again"
    )]
    EngineLocked { dir: PathBuf, pid: String },

    #[error(
        "can't write to {path} ({source}): make it a folder that this user may write to, or choose another with \
         --data-dir"
    )]
    Unwritable { path: PathBuf, source: io::Error },

    #[error("no space left for {path}: free some disk, or choose another folder with --data-dir")]
    DiskFull { path: PathBuf },

    #[error("{path} is damaged ({why}): delete it and start again; the engine's passwords are then made anew")]
    DamagedFile { path: PathBuf, why: String },

    /// The child's own one line, about itself; it is one of the variants above, said by the other process.
    #[error("{0}")]
    Refused(String),

    #[error("the embedded ClickHouse could not be started as `{program} engine` ({source})")]
    Spawn { program: PathBuf, source: io::Error },

    #[error("the embedded ClickHouse ended before it answered ({reason}): see {log}")]
    Died { reason: String, log: PathBuf },

    #[error("the embedded ClickHouse did not answer within {seconds} s: see {log}, or give it more time to start")]
    StartTimeout { seconds: u64, log: PathBuf },

    #[error(
        "the embedded ClickHouse answers, but lets a query read files past the tenant wall ({why}), so it is not used: \
         run `make engine` to get the version that was tested"
    )]
    WallDown { why: String },
}

// === impl EngineError ===

impl EngineError {
    /// What `activitylog engine` exits with: apart from a mishap stands what another start won't mend.
    pub fn child_exit_code(&self) -> u8 {
        match self {
            EngineError::LibraryUnusable { .. }
            | EngineError::LibraryVersion { .. }
            | EngineError::DataTooNew { .. } => EXIT_REFUSED,
            _ => 1,
        }
    }

    /// An error of the file system, said so that it names the remedy.
    pub(super) fn from_io(path: &Path, source: io::Error) -> EngineError {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => EngineError::DiskFull { path },
            _ => EngineError::Unwritable { path, source },
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
