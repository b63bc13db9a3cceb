//! The embedded engine: a real ClickHouse server, run as a child process out of `libchdb.so`.
//!
//! Who calls it: `app` at start, when no `clickhouse.url` is configured ([`start`]), and `main` for the
//! hidden subcommand `activitylog engine` ([`child::run`]), which is what [`start`] runs. [`lock_data_dir`] is for both
//! modes: whoever keeps anything in a data folder holds its lock.
//!
//! What it may touch: `DATA_DIR/activitylog.lock` and everything below `DATA_DIR/engine/`, loopback ports, and the one
//! process it started. It is the only room that starts processes. It reads no environment variable, and hands none down.
//!
//! ```text
//! DATA_DIR/activitylog.lock     held while an instance runs; its text is that instance's pid
//! DATA_DIR/engine/              0700
//!   engine.xml users.xml        written anew at each start           (server.rs, users.rs)
//!   secrets.json                passwords, made once, 0600           (files.rs)
//!   ports.json                  the ports in use, kept over restarts (ports.rs)
//!   version                     of the newest engine that opened this folder (child.rs)
//!   clickhouse.log              the engine's own log, rotated
//!   store/                      ClickHouse's data
//!   store/user_defined/         the function that hides `file()` (users.rs)
//! ```
//!
//! The child's life hangs on its stdin, a pipe that the parent holds: when the parent goes, however it goes, the pipe
//! ends and the engine shuts down by itself. Nothing else is relied on (`PR_SET_PDEATHSIG` follows the *thread* that
//! spawned, not the process).

pub mod child;
mod dedup;
mod error;
mod files;
mod launch;
mod library;
mod lock;
mod ports;
mod probe;
mod process;
mod server;
mod supervisor;
mod users;

use std::path::PathBuf;
use std::time::Duration;

pub use error::EngineError;
pub use files::{Credentials, User};
pub use lock::{DataDirLock, lock_data_dir};
pub use supervisor::{Engine, EngineState, start};

/// Everything [`start`] needs to know. The data folder itself comes with its lock.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// The library to load (`ACTIVITYLOG_ENGINE_LIB`); without it, the usual places are searched.
    pub library: Option<PathBuf>,
    /// The binary whose `engine` subcommand is the child; without it, this very binary.
    pub program: Option<PathBuf>,
    /// Loopback ports; 0 picks a free one and keeps it over restarts as long as nobody else takes it.
    pub http_port: u16,
    pub tcp_port: u16,
    /// The tables in database `activitylog` that the `pub` views may show, each behind the tenant filter. A table that
    /// is not named here can't be read through a view at all.
    pub walled_tables: Vec<String>,
    /// Ceiling of the engine's memory in bytes; without it, a share of the machine's.
    pub max_memory_bytes: Option<u64>,
    /// The share, 0 to 1; a ceiling in bytes is capped by it too.
    pub max_memory_ratio: f64,
    /// Threads for merges and mutations.
    pub background_threads: usize,
    pub reader: ReaderLimits,
    /// How long the engine may take until it answers, at the first start and at each restart. Long, because a folder
    /// with many parts takes its time.
    pub start_timeout: Duration,
    /// How long it may take to end cleanly before it is killed.
    pub stop_timeout: Duration,
}

/// What one query of `reader` may use at most.
#[derive(Debug, Clone)]
pub struct ReaderLimits {
    pub max_seconds: u64,
    pub max_memory_bytes: u64,
    pub max_rows_to_read: u64,
    pub max_result_rows: u64,
    pub max_result_bytes: u64,
    pub max_concurrent_queries: u64,
}

// === impl EngineOptions ===

impl Default for EngineOptions {
    fn default() -> Self {
        EngineOptions {
            library: None,
            program: None,
            http_port: 0,
            tcp_port: 0,
            walled_tables: ["events", "metrics", "usage", "events_by_minute"].map(str::to_owned).to_vec(),
            max_memory_bytes: None,
            max_memory_ratio: 0.6,
            background_threads: 2,
            reader: ReaderLimits::default(),
            start_timeout: Duration::from_secs(120),
            stop_timeout: Duration::from_secs(10),
        }
    }
}

// === impl ReaderLimits ===

impl Default for ReaderLimits {
    fn default() -> Self {
        ReaderLimits {
            max_seconds: 30,
            max_memory_bytes: 1 << 30,
            max_rows_to_read: 1_000_000_000,
            max_result_rows: 1_000_000,
            max_result_bytes: 256 << 20,
            max_concurrent_queries: 64,
        }
    }
}
