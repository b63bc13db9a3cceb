//! What webhook sources received in the last months.

use serde::Deserialize;

use crate::clickhouse::read::{Reader, Sql};
use crate::clickhouse::server::StoreError;
use crate::model::scope::Scope;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Deliveries {
    /// Of the source.
    pub id: String,
    pub deliveries: u64,
    /// Unix milliseconds.
    pub last_received: i64,
}

const DAYS: u32 = 90;

/// Of these sources, those that received something. The ids are ours: letters, digits, `-`.
pub async fn deliveries(reader: &Reader, scope: &Scope, ids: &[&str]) -> Result<Vec<Deliveries>, StoreError> {
    let mut sql = Sql::new(format!(
        "SELECT attributes['webhook.source_id'] AS id, count() AS deliveries, \
         toUnixTimestamp64Milli(max(received_at)) AS last_received FROM pub.events \
         WHERE kind = 'webhook' AND timestamp >= now() - INTERVAL {DAYS} DAY \
         AND has(splitByChar(',', {{ids:String}}), attributes['webhook.source_id']) GROUP BY id"
    ));
    sql.text("ids", ids.join(","));
    reader.rows(scope, sql).await
}
