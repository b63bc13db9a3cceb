//! `DATA_DIR/run.json`: where a running instance is found; written when it is ready, removed when it stops.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::net::Endpoints;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunFile {
    pub pid: u32,
    /// host:port
    pub grpc: String,
    pub otlp_http: String,
    pub http: String,
    pub clickhouse_http: String,
    /// RFC 3339 UTC.
    pub ready_at: String,
    /// Milliseconds from the start to ready.
    pub ready_in_ms: u64,
}

// === impl RunFile ===

impl RunFile {
    pub fn new(endpoints: &Endpoints, clickhouse_http: String, took: Duration) -> RunFile {
        let address = |url: &str| url.split_once("://").map_or(url, |(_, address)| address).to_owned();
        RunFile {
            pid: std::process::id(),
            grpc: address(&endpoints.otlp_grpc),
            otlp_http: address(&endpoints.otlp_http),
            http: address(&endpoints.http),
            clickhouse_http: address(&clickhouse_http),
            ready_at: format!("{:.6}", jiff::Timestamp::now()),
            ready_in_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        }
    }

    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("run.json")
    }

    pub fn read(data_dir: &Path) -> io::Result<RunFile> {
        let text = std::fs::read(RunFile::path(data_dir))?;
        serde_json::from_slice(&text).map_err(io::Error::from)
    }

    /// Whoever waits for the file finds it whole.
    pub fn write(&self, data_dir: &Path) -> io::Result<()> {
        let path = RunFile::path(data_dir);
        let new = path.with_extension("json.new");
        std::fs::write(&new, serde_json::to_vec_pretty(self)?)?;
        std::fs::rename(new, path)
    }

    pub fn remove(data_dir: &Path) {
        // It may not be there, and a stale one harms nobody: its pid is gone.
        let _ = std::fs::remove_file(RunFile::path(data_dir));
    }
}
