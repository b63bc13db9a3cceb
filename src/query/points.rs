//! The dots of the feed: up to 20,000 events of a window as columns, evenly sampled where there are more.

use serde_json::value::RawValue;

use super::filter::{Filter, within};
use super::time::Window;
use super::timeline;
use crate::clickhouse::read::{Reader, Sql};
use crate::clickhouse::server::StoreError;
use crate::model::scope::Scope;

/// The names of the columns, in their order.
pub const COLUMNS: [&str; 7] = ["id", "ts", "class", "event_type", "outcome", "source", "message"];

pub struct Points {
    pub total: u64,
    /// One JSON array per column, newest first.
    pub columns: Vec<Box<RawValue>>,
}

pub async fn points(
    reader: &Reader,
    scope: &Scope,
    window: Window,
    filter: &Filter,
    limit: u64,
) -> Result<Points, StoreError> {
    let total = timeline::count(reader, scope, window, filter).await?;
    let mut inner = Sql::new("SELECT timestamp, event_id, event_class, event_type, outcome, source, message FROM pub.events");
    within(window, &mut inner);
    filter.conditions(&mut inner);
    if total > limit {
        // Ids are hashes, so their low bits are as good as chance, and the same events are picked again.
        inner.text.push_str(" AND (reinterpretAsUInt128(event_id) % 1000000) < {sample:Int64}");
        inner.number("sample", i64::try_from(limit.saturating_mul(1_000_000) / total).unwrap_or(0).max(1));
    }
    inner.text.push_str(&format!(" ORDER BY timestamp DESC LIMIT {limit}"));
    let text = format!(
        "SELECT toString(event_id), toUnixTimestamp64Nano(timestamp) / 1000000, event_class, event_type, outcome, \
         source, substringUTF8(message, 1, 120) FROM ({}) ORDER BY timestamp DESC, event_id DESC",
        inner.text
    );
    let bytes = reader.bytes(scope, Sql { text, params: inner.params }, "JSONCompactColumns").await?;
    let mut columns: Vec<Box<RawValue>> = serde_json::from_slice(&bytes)
        .map_err(|error| StoreError::Unreachable(format!("unexpected columns: {error}")))?;
    if columns.is_empty() {
        columns = COLUMNS.iter().filter_map(|_| RawValue::from_string("[]".to_owned()).ok()).collect();
    }
    Ok(Points { total, columns })
}
