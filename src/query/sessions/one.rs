//! One session: its figures, and what happened in it, in order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::figures::{self, Span};
use super::list::METERS;
use super::steps::{self, Step};
use super::{Found, Session, rows};
use crate::clickhouse::read::{Reader, Sql};
use crate::clickhouse::server::StoreError;
use crate::model::scope::Scope;

#[derive(Debug, Serialize, JsonSchema)]
pub struct Interaction {
    pub session: Whole,
    pub steps: Vec<Step>,
    /// There is more than is shown.
    pub truncated: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Whole {
    #[serde(flatten)]
    pub session: Session,
    /// What its last event or data point says of where it ran.
    pub resource: Map<String, Value>,
}

#[derive(Deserialize)]
struct Ends {
    rows: u64,
    hash: String,
    first: i64,
    last: i64,
}

#[derive(Deserialize)]
struct Resource {
    resource: Map<String, Value>,
}

const MOST_STEPS: usize = 2_000;

/// `None`: there is none.
pub async fn one(reader: &Reader, scope: &Scope, session_id: &str) -> Result<Option<Interaction>, StoreError> {
    // A session without an id is none.
    if session_id.is_empty() {
        return Ok(None);
    }
    let (mut table, mut found) = ("pub.events", ends(reader, scope, session_id, "pub.events", "1").await?);
    if found.is_none() {
        table = "pub.metrics";
        found = ends(reader, scope, session_id, table, &format!("name IN {METERS}")).await?;
    }
    let Some((found, last)) = found else { return Ok(None) };
    let span = Span { from: found.start_ns, to: last };
    // Points of meters follow events.
    let found = Found { last_ns: last.saturating_add(AFTERWARDS), ..found };
    let of_calls = (span.from, last);
    let (figures, (rows, more), calls, resource) = tokio::try_join!(
        figures::of(reader, scope, std::slice::from_ref(&found)),
        rows::of(reader, scope, session_id, span),
        rows::calls(reader, scope, "session_id", session_id, of_calls),
        resource(reader, scope, session_id, table, last),
    )?;
    let Some(session) = figures.into_iter().next() else { return Ok(None) };
    let mut steps = steps::of(rows, &calls);
    let truncated = more || steps.len() > MOST_STEPS;
    steps.truncate(MOST_STEPS);
    Ok(Some(Interaction { session: Whole { session, resource }, steps, truncated }))
}

/// An hour: meters are read every minute or so.
const AFTERWARDS: i64 = 3_600 * crate::query::time::SECOND;

/// From the first to the last of its rows.
async fn ends(
    reader: &Reader,
    scope: &Scope,
    session_id: &str,
    table: &str,
    condition: &str,
) -> Result<Option<(Found, i64)>, StoreError> {
    let first = match table {
        "pub.metrics" => {
            "if(start_timestamp > toDateTime64(0, 9, 'UTC'), least(start_timestamp, timestamp), timestamp)"
        }
        _ => "timestamp",
    };
    let mut sql = Sql::new(format!(
        "SELECT count() AS rows, toString(cityHash64({{session:String}})) AS hash, toUnixTimestamp64Nano(min({first})) AS first, \
         toUnixTimestamp64Nano(max(timestamp)) AS last FROM {table} WHERE {condition} AND session_id = {{session:String}}"
    ));
    sql.text("session", session_id);
    let ends: Vec<Ends> = reader.rows(scope, sql).await?;
    let Some(ends) = ends.into_iter().next().filter(|ends| ends.rows > 0) else { return Ok(None) };
    let hash = ends.hash.parse().map_err(|_| StoreError::Unreachable("a hash that is no number".to_owned()))?;
    Ok(Some((Found { session_id: session_id.to_owned(), hash, start_ns: ends.first, last_ns: ends.last }, ends.last)))
}

async fn resource(
    reader: &Reader,
    scope: &Scope,
    session_id: &str,
    table: &str,
    last: i64,
) -> Result<Map<String, Value>, StoreError> {
    let mut sql = Sql::new(format!(
        "SELECT resource FROM {table} WHERE session_id = {{session:String}} \
         AND timestamp = fromUnixTimestamp64Nano({{last:Int64}}, 'UTC') LIMIT 1"
    ));
    sql.text("session", session_id);
    sql.number("last", last);
    let rows: Vec<Resource> = reader.rows(scope, sql).await?;
    Ok(rows.into_iter().next().map(|row| row.resource).unwrap_or_default())
}
