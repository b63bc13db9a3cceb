//! The dots of the feed: up to 20,000 events of a window as columns, evenly sampled where there are more.

use serde::de::IgnoredAny;
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
    pub returned: usize,
    /// One JSON array per column, all of one length, newest first.
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
    let mut inner =
        Sql::new("SELECT timestamp, event_id, event_class, event_type, outcome, source, message FROM pub.events");
    within(window, &mut inner);
    filter.conditions(&mut inner);
    if total > limit {
        // The lowest hashes: as good as chance, exactly as many as asked for, and the same events are picked again. The condition
        // only spares ClickHouse the sorting of rows that have no chance; it lets more than enough through.
        inner.text.push_str(" AND cityHash64(event_id) <= {sample:UInt64} ORDER BY cityHash64(event_id)");
        inner.text("sample", highest_hash(limit, total).to_string());
    } else {
        inner.text.push_str(" ORDER BY timestamp DESC");
    }
    inner.text.push_str(&format!(" LIMIT {limit}"));
    let text = format!(
        "SELECT toString(event_id), toUnixTimestamp64Nano(timestamp) / 1000000, event_class, event_type, outcome, \
         source, substringUTF8(message, 1, 120) FROM ({}) ORDER BY timestamp DESC, event_id DESC",
        inner.text
    );
    let bytes = reader.bytes(scope, Sql { text, params: inner.params }, "JSONCompactColumns").await?;
    let unexpected = |error| StoreError::Unreachable(format!("unexpected columns: {error}"));
    // Without rows ClickHouse may leave out the columns, or everything.
    let mut columns: Vec<Box<RawValue>> =
        if bytes.trim_ascii().is_empty() { vec![] } else { serde_json::from_slice(&bytes).map_err(unexpected)? };
    if columns.is_empty() {
        columns = COLUMNS.iter().filter_map(|_| RawValue::from_string("[]".to_owned()).ok()).collect();
    }
    let ids = columns.first().map_or("[]", |ids| ids.get());
    let returned = serde_json::from_str::<Vec<IgnoredAny>>(ids).map_err(unexpected)?.len();
    // Rows that came between the two questions are in both numbers.
    Ok(Points { total: total.max(returned as u64), returned, columns })
}

/// Of `total` rows with even hashes, more than `limit` have one up to this.
fn highest_hash(limit: u64, total: u64) -> u64 {
    let share = (limit as f64 + 6.0 * (limit as f64).sqrt() + 40.0) / total as f64;
    // Saturates at all of them.
    (share * u64::MAX as f64) as u64
}
