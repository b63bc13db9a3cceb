//! Events as items: pages by time, single ones, and what arrived since.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::cursor::Cursor;
use super::filter::{Filter, within};
use super::time::{self, Window};
use crate::clickhouse::read::{Reader, Sql};
use crate::clickhouse::server::StoreError;
use crate::model::scope::Scope;

/// The columns of an item, but for the instants and exact decimals that are written as text.
const PLAIN: &str = "kind, source, event_class, event_type, outcome, severity, message, project, repository, environment, \
    service, user_id, user_email, session_id, correlation_id, source_ip, target_type, target_id, trace_id, span_id, \
    parent_span_id, duration_ns, provider, model, operation, feature, tool_name, error_type, input_tokens, output_tokens, \
    cache_read_tokens, cache_creation_tokens, cache_creation_1h_tokens, reasoning_tokens, cache_known, cost_origin, price_version, \
    usage_role, usage_key, status_code";

/// The columns of a file of events, in their order.
pub const COLUMNS: [&str; 48] = [
    "id",
    "timestamp",
    "received_at",
    "kind",
    "source",
    "event_class",
    "event_type",
    "outcome",
    "severity",
    "message",
    "project",
    "repository",
    "environment",
    "service",
    "user_id",
    "user_email",
    "session_id",
    "correlation_id",
    "source_ip",
    "target_type",
    "target_id",
    "trace_id",
    "span_id",
    "parent_span_id",
    "duration_ns",
    "provider",
    "model",
    "operation",
    "feature",
    "tool_name",
    "error_type",
    "status_code",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "cache_creation_1h_tokens",
    "reasoning_tokens",
    "cache_known",
    "cost_usd",
    "cost_reported_usd",
    "cost_computed_usd",
    "cost_origin",
    "price_version",
    "usage_role",
    "usage_key",
    "attributes",
    "resource",
];

pub struct Page {
    pub items: Vec<Value>,
    pub next_before: Option<Cursor>,
    pub newest: Option<Cursor>,
}

/// Which rows of the window.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bounds {
    pub before: Option<Cursor>,
    pub since: Option<Cursor>,
}

/// A page.
struct Wanted<'a> {
    window: Window,
    filter: &'a Filter,
    bounds: Bounds,
    limit: usize,
    /// The page next to `since`, not the newest one.
    forward: bool,
    maps: bool,
}

/// Newest first.
pub async fn page(
    reader: &Reader,
    scope: &Scope,
    window: Window,
    filter: &Filter,
    bounds: Bounds,
    limit: usize,
) -> Result<Page, StoreError> {
    // After a cursor the page next to it is wanted, not the newest of all.
    let forward = bounds.since.is_some() && bounds.before.is_none();
    read(reader, scope, Wanted { window, filter, bounds, limit, forward, maps: false }).await
}

/// The same from the newest on whatever the bounds are, and with both maps: a part of a file.
pub async fn batch(
    reader: &Reader,
    scope: &Scope,
    window: Window,
    filter: &Filter,
    bounds: Bounds,
    limit: usize,
) -> Result<Page, StoreError> {
    read(reader, scope, Wanted { window, filter, bounds, limit, forward: false, maps: true }).await
}

async fn read(reader: &Reader, scope: &Scope, wanted: Wanted<'_>) -> Result<Page, StoreError> {
    let Wanted { window, filter, bounds, limit, forward, maps } = wanted;
    let mut inner = Sql::new("SELECT * FROM pub.events");
    // The key prunes by the window; what the cursors say of time is exact, and prunes nothing.
    let from = bounds.since.map_or(window.from, |since| window.from.max(since.timestamp_ns));
    let to = bounds.before.map_or(window.to, |before| window.to.min(before.timestamp_ns.saturating_add(1)));
    within(Window { from, to }, &mut inner);
    filter.conditions(&mut inner);
    if let Some(before) = bounds.before {
        inner.text.push_str(
            " AND (timestamp, event_id) < (fromUnixTimestamp64Nano({b_ts:Int64}, 'UTC'), toUUID({b_id:String}))",
        );
        inner.number("b_ts", before.timestamp_ns);
        inner.text("b_id", before.event_id.to_string());
    }
    if let Some(since) = bounds.since {
        inner.text.push_str(
            " AND (timestamp, event_id) > (fromUnixTimestamp64Nano({s_ts:Int64}, 'UTC'), toUUID({s_id:String}))",
        );
        inner.number("s_ts", since.timestamp_ns);
        inner.text("s_id", since.event_id.to_string());
    }
    let order = if forward { "ASC" } else { "DESC" };
    // One more than asked for says whether there is a next page.
    inner.text.push_str(&format!(" ORDER BY timestamp {order}, event_id {order} LIMIT {}", limit + 1));
    let mut rows = items(reader, scope, inner, "_timestamp_ns DESC, event_id DESC", maps).await?;
    let more = rows.len() > limit;
    if forward && more {
        rows.remove(0);
    }
    rows.truncate(limit);
    // The same event stored twice stands twice until ClickHouse has merged its parts.
    rows.dedup_by_key(|(cursor, _)| (cursor.timestamp_ns, cursor.event_id));
    let newest = rows.first().map(|(cursor, _)| *cursor);
    let next_before = rows.last().filter(|_| more && !forward).map(|(cursor, _)| *cursor);
    Ok(Page { items: rows.into_iter().map(|(_, item)| item).collect(), next_before, newest })
}

/// What arrived after `after` and not later than `until_ms`, in the order of arrival.
pub async fn arrived(
    reader: &Reader,
    scope: &Scope,
    filter: &Filter,
    after: Cursor,
    until_ms: i64,
    limit: usize,
) -> Result<Vec<(Cursor, Value)>, StoreError> {
    let mut inner = Sql::new(
        "SELECT * FROM pub.events WHERE received_at >= fromUnixTimestamp64Milli({a_ms:Int64}, 'UTC') \
         AND received_at <= fromUnixTimestamp64Milli({a_until:Int64}, 'UTC') \
         AND (received_at, event_id) > (fromUnixTimestamp64Milli({a_ms:Int64}, 'UTC'), toUUID({a_id:String}))",
    );
    inner.number("a_ms", after.received_at_ms);
    inner.number("a_until", until_ms);
    inner.text("a_id", after.event_id.to_string());
    filter.conditions(&mut inner);
    inner.text.push_str(&format!(" ORDER BY received_at, event_id LIMIT {limit}"));
    items(reader, scope, inner, "_received_at_ms, event_id", false).await
}

/// One event, with both maps.
pub async fn one(reader: &Reader, scope: &Scope, event_id: Uuid) -> Result<Option<Value>, StoreError> {
    let mut inner = Sql::new("SELECT * FROM pub.events WHERE event_id = toUUID({id:String}) LIMIT 1");
    inner.text("id", event_id.to_string());
    let rows = items(reader, scope, inner, "id", true).await?;
    Ok(rows.into_iter().next().map(|(_, item)| item))
}

async fn items(
    reader: &Reader,
    scope: &Scope,
    inner: Sql,
    order: &str,
    maps: bool,
) -> Result<Vec<(Cursor, Value)>, StoreError> {
    let maps = if maps { ", attributes, resource" } else { "" };
    let text = format!(
        "SELECT toString(event_id) AS id, toUnixTimestamp64Nano(timestamp) AS _timestamp_ns, \
         toUnixTimestamp64Milli(received_at) AS _received_at_ms, toString(cost_usd) AS _cost, \
         toString(cost_reported_usd) AS _cost_reported, toString(cost_computed_usd) AS _cost_computed, {PLAIN}{maps} FROM ({}) ORDER BY {order}",
        inner.text
    );
    let rows: Vec<Map<String, Value>> = reader.rows(scope, Sql { text, params: inner.params }).await?;
    rows.into_iter()
        .map(|row| item(row).ok_or_else(|| StoreError::Unreachable("an event without an id or a time".to_owned())))
        .collect()
}

/// Zero and empty columns are left out; instants are RFC 3339, money is exact text.
fn item(mut row: Map<String, Value>) -> Option<(Cursor, Value)> {
    let id = row.shift_remove("id")?;
    let cursor = Cursor {
        timestamp_ns: row.shift_remove("_timestamp_ns")?.as_i64()?,
        received_at_ms: row.shift_remove("_received_at_ms")?.as_i64()?,
        event_id: id.as_str()?.parse().ok()?,
    };
    let mut item = Map::new();
    item.insert("id".to_owned(), id);
    item.insert("timestamp".to_owned(), time::format(cursor.timestamp_ns).into());
    item.insert("received_at".to_owned(), time::format(cursor.received_at_ms.saturating_mul(1_000_000)).into());
    let cost = row.shift_remove("_cost").unwrap_or_default();
    let said = [("cost_reported_usd", "_cost_reported"), ("cost_computed_usd", "_cost_computed")]
        .map(|(name, column)| (name, row.shift_remove(column).unwrap_or_default()));
    item.extend(row.into_iter().filter(|(name, value)| !is_empty(name, value)));
    if item.contains_key("cost_origin") {
        item.insert("cost_usd".to_owned(), cost);
        item.extend(said.into_iter().filter(|(_, usd)| !usd.is_null()).map(|(name, usd)| (name.to_owned(), usd)));
    }
    Some((cursor, Value::Object(item)))
}

fn is_empty(name: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        // Of these two, "none" is the zero; elsewhere it is a word like any other.
        Value::String(text) if matches!(name, "cost_origin" | "usage_role") => text == "none",
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        _ => false,
    }
}
