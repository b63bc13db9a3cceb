//! `schemas/clickhouse/NNNN_name.sql`: numbered, immutable, idempotent; applied at start, under a lock.

use std::time::Duration;

use super::events::EventBlock;
use super::metrics::MetricBlock;
use super::server::{Server, StoreError};
use super::table::Block;

/// The tables that the wall stands on: those that a view in `pub` reads.
pub const WALLED_TABLES: [&str; 9] = [
    "events",
    "metrics",
    "usage",
    "events_by_minute",
    "events_by_hour",
    "trace_context",
    "metered",
    "audit",
    "sessions_with_calls",
];

struct Migration {
    version: u32,
    name: &'static str,
    sql: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal,)*) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../../schemas/clickhouse/", $name, ".sql")),
        },)*]
    };
}

const MIGRATIONS: &[Migration] = migrations! {
    1 "0001_events",
    2 "0002_metrics",
    3 "0003_usage",
    4 "0004_events_by_minute",
    5 "0005_pub",
    6 "0006_calls",
    7 "0007_stand_ins",
    8 "0008_webhook_sources",
    9 "0009_control",
    10 "0010_audit",
    11 "0011_scope_tenant",
    12 "0012_packs",
    13 "0013_sessions_with_calls",
    14 "0014_events_by_hour",
};

/// Whoever holds the lock says so again before each statement. One that has been silent for longer than this and a statement's
/// own time has died.
const LOCK_STALE: Duration = Duration::from_secs(60);

/// Held while the schema of a shared server is brought up to date.
struct Lock {
    /// A dead holder's, moved out of the way.
    stale: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("migration {name} failed: {error}")]
    Failed { name: String, error: StoreError },
    #[error(
        "the database is at schema version {found}, this binary knows up to {known}: \
         start the newer ActivityLog that wrote it, or restore a backup"
    )]
    Newer { found: u32, known: u32 },
    #[error(
        "{table}.{column} is {found}, this binary writes {expected}: the schema was changed by hand; \
         change it back or start with an empty database"
    )]
    Drifted { table: &'static str, column: &'static str, found: String, expected: &'static str },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Brings the schema up to date; `shared` servers are locked against other nodes doing the same.
/// Returns the versions applied now.
pub async fn migrate(server: &Server, shared: bool) -> Result<Vec<u32>, MigrateError> {
    let known = MIGRATIONS.last().map_or(0, |last| last.version);
    let mut found = current_version(server).await?;
    let mut applied = Vec::new();
    if found < known {
        prepare(server).await?;
        if shared {
            let lock = Lock::take(server).await?;
            // Another node may have done it meanwhile.
            let result = match current_version(server).await {
                Ok(now) => {
                    found = now;
                    apply_from(server, found, Some(&lock), &mut applied).await
                }
                Err(error) => Err(error),
            };
            let released = lock.release(server).await;
            result?;
            released?;
        } else {
            apply_from(server, found, None, &mut applied).await?;
        }
    }
    if found > known {
        return Err(MigrateError::Newer { found, known });
    }
    check_columns::<EventBlock>(server).await?;
    check_columns::<MetricBlock>(server).await?;
    Ok(applied)
}

async fn current_version(server: &Server) -> Result<u32, MigrateError> {
    match server.lines("SELECT max(version) FROM activitylog.schema_migrations").await {
        Ok(lines) => Ok(lines.first().and_then(|line| line.first()).and_then(|cell| cell.parse().ok()).unwrap_or(0)),
        Err(error) if error.is_missing_database() => Ok(0),
        Err(error) => Err(error.into()),
    }
}

async fn prepare(server: &Server) -> Result<(), StoreError> {
    server.execute("CREATE DATABASE IF NOT EXISTS activitylog").await?;
    server.execute("CREATE DATABASE IF NOT EXISTS pub").await?;
    server
        .execute(
            "CREATE TABLE IF NOT EXISTS activitylog.schema_migrations \
             (version UInt32, name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) \
             ENGINE = ReplacingMergeTree ORDER BY version SETTINGS fsync_after_insert = 1, fsync_part_directory = 1",
        )
        .await
}

/// The server's clock: nodes need not agree on the time.
async fn server_time(server: &Server) -> Result<u64, StoreError> {
    let lines = server.lines("SELECT toUnixTimestamp(now())").await?;
    Ok(lines.first().and_then(|line| line.first()).and_then(|cell| cell.parse().ok()).unwrap_or(0))
}

async fn apply_from(
    server: &Server,
    found: u32,
    lock: Option<&Lock>,
    applied: &mut Vec<u32>,
) -> Result<(), MigrateError> {
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > found) {
        let failed = |error| MigrateError::Failed { name: migration.name.to_owned(), error };
        for statement in statements(migration.sql) {
            if let Some(lock) = lock {
                lock.renew(server).await.map_err(failed)?;
            }
            server.execute(&statement).await.map_err(failed)?;
        }
        let record = format!(
            "INSERT INTO activitylog.schema_migrations (version, name) VALUES ({}, '{}')",
            migration.version, migration.name
        );
        server.execute(&record).await.map_err(failed)?;
        applied.push(migration.version);
    }
    Ok(())
}

/// Statements end with `;` at a line's end; lines that start with `--` are for people.
fn statements(sql: &str) -> Vec<String> {
    let code: Vec<&str> = sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    code.join("\n")
        .split(";\n")
        .map(|part| part.trim().trim_end_matches(';').to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}

/// The blocks name their columns and types; the tables must agree before anything is accepted.
async fn check_columns<B: Block>(server: &Server) -> Result<(), MigrateError> {
    let (database, table) = B::TABLE.split_once('.').unwrap_or(("activitylog", B::TABLE));
    let sql = format!("SELECT name, type FROM system.columns WHERE database = '{database}' AND table = '{table}'");
    let columns = server.lines(&sql).await?;
    for (name, expected) in B::COLUMNS {
        let found = columns.iter().find(|line| line[0] == *name).and_then(|line| line.get(1));
        if found.map(String::as_str) != Some(*expected) {
            let found = found.cloned().unwrap_or_else(|| "missing".to_owned());
            return Err(MigrateError::Drifted { table: B::TABLE, column: name, found, expected });
        }
    }
    Ok(())
}

// === impl Lock ===

impl Lock {
    /// `CREATE TABLE` succeeds for one node only; the table's comment says when it last lived.
    async fn take(server: &Server) -> Result<Lock, StoreError> {
        let mut lock = Lock { stale: None };
        let mut told = false;
        loop {
            let now = server_time(server).await?;
            let create = format!("CREATE TABLE activitylog.schema_lock (x UInt8) ENGINE = Memory COMMENT '{now}'");
            match server.execute(&create).await {
                Err(error) if error.is_already_there() => {}
                created => return created.map(|()| lock),
            }
            let held = server
                .lines("SELECT comment FROM system.tables WHERE database = 'activitylog' AND name = 'schema_lock'")
                .await?;
            if let Some(line) = held.first() {
                let alive: u64 = line[0].parse().unwrap_or(0);
                if now.saturating_sub(alive) > (LOCK_STALE + server.timeout()).as_secs() {
                    lock.stale = Lock::move_away(server, alive).await?.or(lock.stale);
                    continue;
                }
                if !std::mem::replace(&mut told, true) {
                    tracing::info!("another node is bringing the schema up to date; waiting for it");
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Renamed, not dropped: of all that see the same stale lock only one can, and nobody takes away the next, which would have
    /// to get the same name.
    async fn move_away(server: &Server, alive: u64) -> Result<Option<String>, StoreError> {
        let stale = format!("activitylog.schema_lock_{alive}");
        match server.execute(&format!("RENAME TABLE activitylog.schema_lock TO {stale}")).await {
            Ok(()) => {
                tracing::warn!("a node died while it brought the schema up to date; taking over");
                Ok(Some(stale))
            }
            Err(error) if error.is_already_there() || error.is_missing_database() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn renew(&self, server: &Server) -> Result<(), StoreError> {
        let now = server_time(server).await?;
        server.execute(&format!("ALTER TABLE activitylog.schema_lock MODIFY COMMENT '{now}'")).await
    }

    async fn release(self, server: &Server) -> Result<(), StoreError> {
        server.execute("DROP TABLE IF EXISTS activitylog.schema_lock SYNC").await?;
        match self.stale {
            Some(stale) => server.execute(&format!("DROP TABLE IF EXISTS {stale} SYNC")).await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_without_gaps_and_named_by_their_number() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.version as usize, index + 1);
            assert!(migration.name.starts_with(&format!("{:04}_", migration.version)));
            assert!(!statements(migration.sql).is_empty());
        }
    }

    #[test]
    fn comments_and_empty_statements_are_left_out() {
        assert_eq!(statements("-- a;\nSELECT 1;\n\nSELECT\n  2;\n"), ["SELECT 1", "SELECT\n  2"]);
    }
}
