//! Webhook sources: who posts to `/webhooks/{id}`, for which tenant and project, and what proves it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clickhouse::server::{Server, StoreError};
use crate::normalise::webhook::Kind;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The last part of its URL; random, so that it can't be guessed.
    pub id: String,
    pub tenant_id: String,
    pub kind: Kind,
    pub name: String,
    /// Of its events; empty: none.
    pub project: String,
    /// The Basic user that Azure DevOps must name; empty: any.
    pub user: String,
    /// The newest first; several while they are being changed.
    pub secrets: Vec<Secret>,
    /// Unix ms.
    pub created_at_ms: i64,
    /// The greatest wins.
    pub version: u64,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    pub secret: String,
    /// Unix ms; 0: it does not.
    pub expires_at_ms: i64,
}

/// A line of JSONEachRow, as it is read.
#[derive(Deserialize)]
struct Row {
    id: String,
    tenant_id: String,
    kind: String,
    name: String,
    project: String,
    user: String,
    secrets: Vec<Secret>,
    created_at_ms: i64,
    version: u64,
}

/// All that are not deleted, as lines of JSON; [`parse`] reads them.
pub async fn read(server: &Server) -> Result<Vec<u8>, StoreError> {
    let sql = "SELECT id, tenant_id, kind, name, project, user, secrets, toUnixTimestamp64Milli(created_at) AS created_at_ms, version \
               FROM activitylog.webhook_sources FINAL WHERE deleted = 0 ORDER BY tenant_id, name, id \
               SETTINGS output_format_json_quote_64bit_integers = 0, output_format_json_named_tuples_as_objects = 1";
    server.bytes(server.client().query(sql), "JSONEachRow").await
}

/// Line by line; the error of one says nothing about its secrets.
pub fn parse(rows: &[u8]) -> impl Iterator<Item = Result<Source, String>> {
    rows.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(|line| {
        let row: Row =
            serde_json::from_slice(line).map_err(|error| format!("not a row, at column {}", error.column()))?;
        let Ok(kind) = Kind::from_str(&row.kind) else {
            return Err(format!("source {} is of a kind that this version does not know: {:?}", row.id, row.kind));
        };
        Ok(Source {
            id: row.id,
            tenant_id: row.tenant_id,
            kind,
            name: row.name,
            project: row.project,
            user: row.user,
            secrets: row.secrets,
            created_at_ms: row.created_at_ms,
            version: row.version,
        })
    })
}

/// Writes a source over what was there.
pub async fn write(server: &Server, source: &Source) -> Result<(), StoreError> {
    insert(server, source, false).await
}

/// Leaves a mark that it is gone, without its secrets.
pub async fn remove(server: &Server, source: Source) -> Result<(), StoreError> {
    insert(server, &Source { secrets: Vec::new(), ..source }, true).await
}

async fn insert(server: &Server, source: &Source, deleted: bool) -> Result<(), StoreError> {
    let created_at = jiff::Timestamp::from_millisecond(source.created_at_ms).unwrap_or_default();
    let row = serde_json::json!({
        "id": source.id,
        "tenant_id": source.tenant_id,
        "kind": source.kind.as_str(),
        "name": source.name,
        "project": source.project,
        "user": source.user,
        "secrets": source.secrets,
        "created_at": created_at.strftime("%F %T%.3f").to_string(),
        "version": source.version,
        "deleted": u8::from(deleted),
    });
    server.execute(&format!("INSERT INTO activitylog.webhook_sources FORMAT JSONEachRow {row}")).await
}

// === impl Source ===

impl Source {
    /// Those that hold at this time.
    pub fn secrets_at(&self, now_ms: i64) -> impl Iterator<Item = &str> {
        self.secrets.iter().filter(move |secret| secret.holds_at(now_ms)).map(|secret| secret.secret.as_str())
    }

    /// A new secret; the old ones go on to hold for `keep_ms`, if they did.
    pub fn rotate(&mut self, secret: String, now_ms: i64, keep_ms: i64) {
        let end = now_ms.saturating_add(keep_ms);
        self.secrets.retain(|old| keep_ms > 0 && old.holds_at(now_ms) && old.secret != secret);
        for old in &mut self.secrets {
            old.expires_at_ms = if old.expires_at_ms == 0 { end } else { old.expires_at_ms.min(end) };
        }
        self.secrets.insert(0, Secret { secret, expires_at_ms: 0 });
        self.version = next_version(self.version, now_ms);
    }
}

/// Greater than the last, and than that of a node whose change was not seen.
pub fn next_version(last: u64, now_ms: i64) -> u64 {
    (last + 1).max(u64::try_from(now_ms).unwrap_or(0))
}

// === impl Secret ===

impl Secret {
    fn holds_at(&self, now_ms: i64) -> bool {
        self.expires_at_ms == 0 || now_ms < self.expires_at_ms
    }
}

/// Sources travel in structs that get logged.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("expires_at_ms", &self.expires_at_ms).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(secrets: &[(&str, i64)]) -> Source {
        Source {
            id: "s".to_owned(),
            tenant_id: "t".to_owned(),
            kind: Kind::GitHub,
            name: "n".to_owned(),
            project: String::new(),
            user: String::new(),
            secrets: secrets
                .iter()
                .map(|(secret, expires_at_ms)| Secret { secret: (*secret).to_owned(), expires_at_ms: *expires_at_ms })
                .collect(),
            created_at_ms: 0,
            version: 7,
        }
    }

    fn at(source: &Source, now_ms: i64) -> Vec<&str> {
        source.secrets_at(now_ms).collect()
    }

    #[test]
    fn an_old_secret_holds_for_the_time_given_and_no_longer() {
        let mut source = source(&[("a", 0), ("gone", 50)]);
        source.rotate("b".to_owned(), 100, 10);
        assert_eq!((at(&source, 109), at(&source, 110)), (vec!["b", "a"], vec!["b"]));
        // A longer time for the next does not lengthen the first one's.
        source.rotate("c".to_owned(), 105, 1000);
        assert_eq!((at(&source, 109), at(&source, 110)), (vec!["c", "b", "a"], vec!["c", "b"]));
        source.rotate("d".to_owned(), 106, 0);
        assert_eq!(at(&source, 106), ["d"]);
        // Given again, it is the new one.
        source.rotate("d".to_owned(), 107, 10);
        assert_eq!(at(&source, 200), ["d"]);
    }

    #[test]
    fn versions_grow_also_where_clocks_do_not() {
        assert_eq!((next_version(7, 100), next_version(700, 100), next_version(0, -1)), (100, 701, 1));
    }

    #[test]
    fn a_row_that_can_not_be_read_leaves_the_others() {
        let good = r#"{"id":"x","tenant_id":"t","kind":"gitlab","name":"n","project":"","user":"","secrets":[{"secret":"hush","expires_at_ms":0}],"created_at_ms":1,"version":1}"#;
        let rows = format!("{good}\n{}\n{{\"id\":\"hush\n", good.replace("gitlab", "gerrit"));
        let parsed: Vec<_> = parse(rows.as_bytes()).collect();
        assert_eq!(parsed[0].as_ref().map(|source| source.kind), Ok(Kind::GitLab));
        assert!(parsed[1].as_ref().is_err_and(|error| error.contains("gerrit")));
        assert!(parsed[2].as_ref().is_err_and(|error| !error.contains("hush")));
        assert!(!format!("{parsed:?}").contains("hush"));
    }
}
