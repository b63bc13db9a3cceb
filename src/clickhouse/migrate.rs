//! `schemas/clickhouse/NNNN_name.sql`: numbered, immutable, idempotent; applied at start, under a lock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::events::EventBlock;
use super::metrics::MetricBlock;
use super::server::{Server, StoreError};
use super::table::Block;

/// The tables that the wall stands on: each has a view in `pub`.
pub const WALLED_TABLES: [&str; 4] = ["events", "metrics", "usage", "events_by_minute"];

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
};

/// A migration that takes longer has died with its process.
const LOCK_STALE: Duration = Duration::from_secs(60);

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
            lock(server).await?;
            found = current_version(server).await?;
        }
        let result = apply_from(server, found, &mut applied).await;
        if shared {
            server.execute("DROP TABLE IF EXISTS activitylog.schema_lock SYNC").await?;
        }
        result?;
    } else if found > known {
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

/// `CREATE TABLE` succeeds for one node only; the comment says since when.
async fn lock(server: &Server) -> Result<(), StoreError> {
    loop {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let create = format!("CREATE TABLE activitylog.schema_lock (x UInt8) ENGINE = Memory COMMENT '{now}'");
        match server.execute(&create).await {
            Err(error) if error.is_already_there() => {}
            other => return other,
        }
        let held = server
            .lines("SELECT comment FROM system.tables WHERE database = 'activitylog' AND name = 'schema_lock'")
            .await?;
        let since: u64 = held.first().and_then(|line| line[0].parse().ok()).unwrap_or(now);
        if now.saturating_sub(since) > LOCK_STALE.as_secs() {
            server.execute("DROP TABLE IF EXISTS activitylog.schema_lock SYNC").await?;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn apply_from(server: &Server, found: u32, applied: &mut Vec<u32>) -> Result<(), MigrateError> {
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > found) {
        let failed = |error| MigrateError::Failed { name: migration.name.to_owned(), error };
        for statement in statements(migration.sql) {
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
    code.join("\n").split(";\n").map(|part| part.trim().trim_end_matches(';').to_owned()).filter(|part| !part.is_empty()).collect()
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
