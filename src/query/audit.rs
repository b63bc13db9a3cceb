//! Audit entries, newest first: pages of the activity feed and of the audit trail, and the batches of an export.
//!
//! Rows stand in the order of (microsecond, id), so that a place among them is both.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::time;
use crate::clickhouse::read::{Reader, Sql};
use crate::clickhouse::server::StoreError;
use crate::model::scope::Scope;

/// A row of `pub.audit`.
#[derive(Debug, Clone, Deserialize)]
pub struct Row {
    pub id: String,
    pub occurred_at_us: i64,
    pub project: String,
    pub user_id: String,
    pub action: String,
    pub target_type: String,
    pub target_id: String,
    pub outcome: String,
    pub message: String,
    pub correlation_id: String,
    pub source_ip: String,
    pub attributes: Map<String, Value>,
}

/// `<RFC 3339 with microseconds>|<id>`. Ids are not ordered by time, so it takes both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub us: i64,
    pub id: Uuid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor: pass on what next_before_cursor or newest_cursor said, unchanged (<time>|<id>)")]
pub struct BadPlace;

/// What is asked for; empty and `None`: anything.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub project: String,
    pub user_id: String,
    pub action: Action,
    /// From (inclusive) to (exclusive), in microseconds since 1970.
    pub window: Option<(i64, i64)>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Action {
    #[default]
    Any,
    Exactly(String),
    /// Literally: no character in it stands for others.
    BeginsWith(String),
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Bounds {
    pub before: Option<Place>,
    pub since: Option<Place>,
}

/// In microseconds since 1970.
#[derive(Debug, Clone, Copy)]
enum Near {
    UpTo(i64),
    DownTo(i64),
}

const NEAR_US: i64 = 21 * 86_400 * 1_000_000;

#[derive(Debug, Default)]
pub struct Page {
    pub rows: Vec<Row>,
    pub next_before: Option<Place>,
    pub newest: Option<Place>,
}

/// Newest first. After `since` alone, the page next to it is wanted, not the newest of all: who goes on from its newest row misses
/// none.
pub async fn page(
    reader: &Reader,
    scope: &Scope,
    filter: &Filter,
    bounds: Bounds,
    limit: usize,
) -> Result<Page, StoreError> {
    let forward = bounds.since.is_some() && bounds.before.is_none();
    // One more than asked for says whether there is a next page.
    let near = Some(near(bounds, forward));
    let mut rows = rows(reader, scope, filter, bounds, near, limit + 1).await?;
    if rows.len() <= limit {
        rows = self::rows(reader, scope, filter, bounds, None, limit + 1).await?;
    }
    let more = rows.len() > limit;
    if forward {
        rows.reverse();
        if more {
            rows.remove(0);
        }
    }
    rows.truncate(limit);
    // The same entry inserted twice stands twice until ClickHouse has merged its parts.
    rows.dedup_by(|a, b| (a.occurred_at_us, &a.id) == (b.occurred_at_us, &b.id));
    let newest = rows.first().map(Row::place).transpose()?.or(bounds.since);
    let next_before = if more && !forward { rows.last().map(Row::place).transpose()? } else { None };
    Ok(Page { rows, next_before, newest })
}

/// The bound of a first try: reading in order begins with a granule of every part, and the parts of two years are many.
fn near(bounds: Bounds, forward: bool) -> Near {
    match (bounds.since, forward) {
        (Some(since), true) => Near::UpTo(since.us.saturating_add(NEAR_US)),
        _ => {
            let from = bounds.before.map_or_else(|| time::now() / 1000, |before| before.us);
            Near::DownTo(from.saturating_sub(NEAR_US).max(0))
        }
    }
}

async fn rows(
    reader: &Reader,
    scope: &Scope,
    filter: &Filter,
    bounds: Bounds,
    near: Option<Near>,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let mut inner = Sql::new("SELECT * FROM pub.audit WHERE 1");
    filter.conditions(&mut inner);
    // Each comparison twice: the key prunes by the first, the second is exact.
    if let Some(before) = bounds.before {
        inner.text.push_str(
            " AND timestamp <= fromUnixTimestamp64Micro({b_us:Int64}, 'UTC') \
             AND (timestamp, event_id) < (fromUnixTimestamp64Micro({b_us:Int64}, 'UTC'), toUUID({b_id:String}))",
        );
        inner.number("b_us", before.us);
        inner.text("b_id", before.id.to_string());
    }
    if let Some(since) = bounds.since {
        inner.text.push_str(
            " AND timestamp >= fromUnixTimestamp64Micro({s_us:Int64}, 'UTC') \
             AND (timestamp, event_id) > (fromUnixTimestamp64Micro({s_us:Int64}, 'UTC'), toUUID({s_id:String}))",
        );
        inner.number("s_us", since.us);
        inner.text("s_id", since.id.to_string());
    }
    let (condition, us) = match near {
        Some(Near::UpTo(us)) => (" AND timestamp <= fromUnixTimestamp64Micro({n_us:Int64}, 'UTC')", us),
        Some(Near::DownTo(us)) => (" AND timestamp >= fromUnixTimestamp64Micro({n_us:Int64}, 'UTC')", us),
        None => ("", 0),
    };
    if !condition.is_empty() {
        inner.text.push_str(condition);
        inner.number("n_us", us);
    }
    let order = if bounds.since.is_some() && bounds.before.is_none() { "ASC" } else { "DESC" };
    let text = format!(
        "SELECT toString(event_id) AS id, toUnixTimestamp64Micro(timestamp) AS occurred_at_us, project, user_id, action, target_type, \
         target_id, outcome, message, correlation_id, source_ip, attributes \
         FROM ({} ORDER BY timestamp {order}, event_id {order} LIMIT {limit}) ORDER BY timestamp {order}, event_id {order}",
        inner.text
    );
    reader.rows(scope, Sql { text, params: inner.params }).await
}

// === impl Filter ===

impl Filter {
    fn conditions(&self, sql: &mut Sql) {
        for (column, name, value) in [("project", "f_project", &self.project), ("user_id", "f_user_id", &self.user_id)]
        {
            if !value.is_empty() {
                sql.text.push_str(&format!(" AND {column} = {{{name}:String}}"));
                sql.text(name, value);
            }
        }
        let (condition, action) = match &self.action {
            Action::Any => ("", ""),
            Action::Exactly(action) => (" AND action = {f_action:String}", action.as_str()),
            Action::BeginsWith(prefix) => (" AND startsWith(action, {f_action:String})", prefix.as_str()),
        };
        if !condition.is_empty() {
            sql.text.push_str(condition);
            sql.text("f_action", action);
        }
        if let Some((from, to)) = self.window {
            sql.text.push_str(
                " AND timestamp >= fromUnixTimestamp64Micro({w_from:Int64}, 'UTC') \
                 AND timestamp < fromUnixTimestamp64Micro({w_to:Int64}, 'UTC')",
            );
            sql.number("w_from", from);
            sql.number("w_to", to);
        }
    }
}

// === impl Row ===

impl Row {
    pub fn place(&self) -> Result<Place, StoreError> {
        let id = self.id.parse().map_err(|_| StoreError::Unreachable("an entry without an id".to_owned()))?;
        Ok(Place { us: self.occurred_at_us, id })
    }

    /// RFC 3339 in UTC with microseconds, with the offset as `Z`.
    pub fn timestamp(&self) -> String {
        time::format(self.occurred_at_us.saturating_mul(1000))
    }

    /// The same with the offset in digits.
    pub fn occurred_at(&self) -> String {
        with_offset(self.occurred_at_us)
    }
}

fn with_offset(us: i64) -> String {
    time::format(us.saturating_mul(1000)).replace('Z', "+00:00")
}

// === impl Place ===

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", with_offset(self.us), self.id)
    }
}

impl FromStr for Place {
    type Err = BadPlace;

    fn from_str(text: &str) -> Result<Place, BadPlace> {
        let (time, id) = text.split_once('|').ok_or(BadPlace)?;
        // A plus that was not escaped in an address arrives as a space.
        let ns = time::parse(&time.replace(' ', "+")).ok_or(BadPlace)?;
        // Of the forms an id may be written in, only ours.
        let id = Some(id).filter(|id| id.len() == 36).and_then(|id| id.parse().ok()).ok_or(BadPlace)?;
        Ok(Place { us: ns / 1000, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_and_others_are_refused() {
        let text = "2026-05-12T11:30:00.123456+00:00|0e6c1f3a-12ab-4cde-9876-543210fedcba";
        let place: Place = text.parse().expect("a cursor");
        assert_eq!((place.us, place.to_string().as_str()), (1_778_585_400_123_456, text));
        assert_eq!(text.replace('+', " ").parse(), Ok(place));
        assert_eq!(text.replace("+00:00", "Z").parse(), Ok(place));
        let id = Uuid::nil();
        let (simple, urn) = (id.simple(), id.urn());
        for text in [
            String::new(),
            "|".to_owned(),
            format!("yesterday|{id}"),
            format!("2026-05-12T11:30:00|{id}"),
            "2026-05-12T11:30:00Z".to_owned(),
            "2026-05-12T11:30:00Z|7".to_owned(),
            format!("2026-05-12T11:30:00Z|{simple}"),
            format!("2026-05-12T11:30:00Z|{urn}"),
            format!("2026-05-12T11:30:00Z|{id}|"),
            format!("2026-05-12T11:30:00Z {id}"),
        ] {
            assert_eq!(text.parse::<Place>(), Err(BadPlace), "{text}");
        }
    }
}
