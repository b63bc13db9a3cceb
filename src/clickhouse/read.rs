//! Reading behind the tenant wall: every query runs as `reader`, against `pub`, with a Scope in its query id.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use crate::model::scope::Scope;

use super::server::{Server, StoreError};

#[derive(Clone)]
pub struct Reader {
    server: Server,
    /// Who comes when all are asking waits: the engine would refuse, and all live streams ask at the same moment.
    turns: Arc<Semaphore>,
}

/// At once, of each `Reader`; all of them together stay below what the engine allows `reader` (`ReaderLimits`).
const TURNS: usize = 24;

/// SQL text of ours with `{name:Type}` parameters, and their values.
#[derive(Debug, Clone, Default)]
pub struct Sql {
    pub text: String,
    pub params: Vec<(&'static str, Param)>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Param {
    Text(String),
    Number(i64),
}

// === impl Reader ===

impl Reader {
    pub fn new(server: Server) -> Reader {
        Reader { server, turns: Arc::new(Semaphore::new(TURNS)) }
    }

    /// Runs `sql` in `scope` and parses each row of its answer.
    pub async fn rows<T: DeserializeOwned>(&self, scope: &Scope, sql: Sql) -> Result<Vec<T>, StoreError> {
        let bytes = self.bytes(scope, sql, "JSONEachRow").await?;
        bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| {
                serde_json::from_slice(line)
                    .map_err(|error| StoreError::Unreachable(format!("unexpected row: {error}")))
            })
            .collect()
    }

    pub async fn bytes(&self, scope: &Scope, sql: Sql, format: &str) -> Result<Vec<u8>, StoreError> {
        self.bytes_with(scope, sql, format, &[]).await
    }

    /// As [`Reader::bytes`], with settings of ClickHouse for this query.
    pub async fn bytes_with(
        &self,
        scope: &Scope,
        sql: Sql,
        format: &str,
        settings: &[(&str, &str)],
    ) -> Result<Vec<u8>, StoreError> {
        let mut query = self
            .server
            .client()
            .query(&sql.text.replace('?', "??"))
            .with_setting("query_id", query_id(scope))
            // Answers are small: threads that would format them in parallel cost more than they save.
            .with_setting("output_format_parallel_formatting", "0")
            .with_setting("readonly", "1");
        for (name, value) in settings {
            query = query.with_setting(*name, *value);
        }
        for (name, value) in sql.params {
            query = query.param(name, value);
        }
        let timeout = self.server.timeout();
        let Ok(Ok(_turn)) = tokio::time::timeout(timeout, self.turns.acquire()).await else {
            return Err(StoreError::Timeout(timeout));
        };
        self.server.bytes(query, format).await
    }
}

/// `<base64url(Scope as JSON)>.<uuid>`
pub fn query_id(scope: &Scope) -> String {
    // A struct of strings always serialises.
    let json = serde_json::to_vec(scope).expect("a scope is plain data");
    format!("{}.{}", URL_SAFE_NO_PAD.encode(json), uuid::Uuid::new_v4())
}

// === impl Sql ===

impl Sql {
    pub fn new(text: impl Into<String>) -> Sql {
        Sql { text: text.into(), params: Vec::new() }
    }

    pub fn text(&mut self, name: &'static str, value: impl Into<String>) {
        self.params.push((name, Param::Text(value.into())));
    }

    pub fn number(&mut self, name: &'static str, value: i64) {
        self.params.push((name, Param::Number(value)));
    }
}
