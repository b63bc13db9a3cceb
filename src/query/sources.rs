//! Who sent what in the last days, and which calls have no price: from the stored rows, so of all nodes and past every restart.

use serde::Deserialize;

use super::time::SECOND;
use crate::clickhouse::read::{Reader, Sql};
use crate::clickhouse::server::StoreError;
use crate::model::scope::Scope;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Stored {
    pub source: String,
    pub service: String,
    pub events: u64,
    /// Unix milliseconds.
    pub last_received: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UnpricedModel {
    pub provider: String,
    pub model: String,
    pub calls: u64,
    /// All kinds together.
    pub tokens: u64,
    /// Unix milliseconds.
    pub last_seen: i64,
}

pub const DAYS: i64 = 7;
const MOST: usize = 200;

/// Newest first.
pub async fn stored(reader: &Reader, scope: &Scope, now_ns: i64) -> Result<Vec<Stored>, StoreError> {
    let mut sql = Sql::new(format!(
        "SELECT toString(events.source) AS source, toString(events.service) AS service, count() AS events, \
         toUnixTimestamp64Milli(max(received_at)) AS last_received FROM pub.events AS events \
         WHERE timestamp >= fromUnixTimestamp64Nano({{since:Int64}}, 'UTC') \
         GROUP BY source, service ORDER BY last_received DESC, source, service LIMIT {MOST}"
    ));
    sql.number("since", since(now_ns));
    reader.rows(scope, sql).await
}

/// Most calls first.
pub async fn unpriced(reader: &Reader, scope: &Scope, now_ns: i64) -> Result<Vec<UnpricedModel>, StoreError> {
    let mut sql = Sql::new(format!(
        "SELECT toString(usage.provider) AS provider, toString(usage.model) AS model, count() AS calls, \
         sum(input_tokens + output_tokens + cache_read_tokens + cache_creation_tokens) AS tokens, \
         intDiv(toUnixTimestamp64Nano(max(timestamp)), 1000000) AS last_seen FROM pub.usage AS usage \
         WHERE day >= toDate(fromUnixTimestamp64Nano({{since:Int64}}, 'UTC')) AND cost_origin = 'none' \
         AND input_tokens + output_tokens + cache_read_tokens + cache_creation_tokens > 0 \
         GROUP BY provider, model ORDER BY calls DESC, provider, model LIMIT {MOST}"
    ));
    sql.number("since", since(now_ns));
    reader.rows(scope, sql).await
}

fn since(now_ns: i64) -> i64 {
    (now_ns - DAYS * 86_400 * SECOND).max(0)
}
