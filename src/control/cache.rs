//! `DATA_DIR/control/snapshot.jsonl`: the rows as ClickHouse gave them last. It holds hashes and secrets, so it is its owner's alone.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(super) struct Cache {
    path: PathBuf,
}

// === impl Cache ===

impl Cache {
    pub(super) fn new(data_dir: &Path) -> Cache {
        Cache { path: data_dir.join("control").join("snapshot.jsonl") }
    }

    /// Nothing where there is nothing yet.
    pub(super) fn read(&self) -> Vec<u8> {
        fs::read(&self.path).unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(%error, path = %self.path.display(), "the remembered control tables can't be read");
            }
            Vec::new()
        })
    }

    /// Without it the next start waits for ClickHouse before it takes webhooks, and nothing else is worse.
    pub(super) fn write(&self, rows: &[u8]) {
        if let Err(error) = self.replace(rows) {
            tracing::warn!(%error, path = %self.path.display(), "the control tables can't be remembered");
        }
    }

    /// Whole or not at all.
    fn replace(&self, rows: &[u8]) -> io::Result<()> {
        if let Some(dir) = self.path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        let beside = self.path.with_extension("new");
        // A leftover of a crash keeps its mode, so it goes first.
        let _ = fs::remove_file(&beside);
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(rows)?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_was_written_is_read_and_nobody_else_may() {
        let dir = tempfile::tempdir().expect("a folder");
        let cache = Cache::new(dir.path());
        assert_eq!(cache.read(), b"");
        cache.write(b"first");
        cache.write(b"second");
        assert_eq!(cache.read(), b"second");
        let mode = fs::metadata(&cache.path).expect("written").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!cache.path.with_extension("new").exists());
    }
}
