//! Which sessions a window has, the newest first.

use serde::Deserialize;

use super::figures;
use super::{Found, Page, Place};
use crate::clickhouse::read::{Reader, Sql};
use crate::clickhouse::server::StoreError;
use crate::model::scope::Scope;
use crate::query::time::{SECOND, Window};

/// Empty: not asked for. Each must be true of something in the session.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub project: String,
    pub source: String,
    pub user_id: String,
    pub model: String,
    pub repository: String,
    pub service: String,
    /// Text in a name.
    pub q: String,
}

#[derive(Deserialize)]
struct Row {
    session_id: String,
    hash: String,
    start_ns: i64,
    last_ns: i64,
}

const DAY: i64 = 86_400 * SECOND;
/// Meters that every Claude Code session keeps; of some sessions nothing else arrives.
pub(super) const METERS: &str = "('claude_code.session.count', 'claude_code.token.usage', 'claude_code.cost.usage', \
     'claude_code.active_time.total', 'claude_code.code_edit_tool.decision')";

/// By (start, hash of the id), the newest first.
pub async fn page(
    reader: &Reader,
    scope: &Scope,
    window: Window,
    filter: &Filter,
    before: Option<Place>,
    limit: usize,
) -> Result<Page, StoreError> {
    let around = around(window);
    let mut found = found(reader, scope, window, around, filter, before, limit + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next_before = found.last().filter(|_| more).map(|last| Place { start_ns: last.start_ns, hash: last.hash });
    let items = figures::of(reader, scope, &found).await?;
    Ok(Page { items, next_before })
}

/// Sessions over the window's edges are whole, if they did not pause for longer than this.
fn around(window: Window) -> Window {
    let more = window.to.saturating_sub(window.from).clamp(DAY, 7 * DAY);
    Window { from: window.from.saturating_sub(more).max(0), to: window.to.saturating_add(more) }
}

async fn found(
    reader: &Reader,
    scope: &Scope,
    window: Window,
    around: Window,
    filter: &Filter,
    before: Option<Place>,
    limit: usize,
) -> Result<Vec<Found>, StoreError> {
    let (flags, all) = filter.flags();
    let inside = "max(timestamp >= fromUnixTimestamp64Nano({w_from:Int64}, 'UTC') \
         AND timestamp < fromUnixTimestamp64Nano({w_to:Int64}, 'UTC')) AS inside";
    let near = "timestamp >= fromUnixTimestamp64Nano({a_from:Int64}, 'UTC') \
         AND timestamp < fromUnixTimestamp64Nano({a_to:Int64}, 'UTC') AND session_id != ''";
    // A data point is of the time before it.
    let since = "min(if(start_timestamp > toDateTime64(0, 9, 'UTC'), least(start_timestamp, timestamp), timestamp))";
    let mut sql = Sql::new(format!(
        "SELECT session_id, toString(cityHash64(session_id)) AS hash, \
         toUnixTimestamp64Nano(if(max(is_event), minIf(first, is_event), min(first))) AS start_ns, toUnixTimestamp64Nano(max(last)) AS last_ns FROM (\
         SELECT session_id, true AS is_event, min(timestamp) AS first, max(timestamp) AS last, {inside}{flags} FROM pub.events WHERE {near} GROUP BY session_id \
         UNION ALL \
         SELECT session_id, false AS is_event, {since} AS first, max(timestamp) AS last, {inside}{flags} FROM pub.metrics \
         WHERE name IN {METERS} AND {near} GROUP BY session_id) \
         GROUP BY session_id HAVING max(inside){all}"
    ));
    sql.number("w_from", window.from);
    sql.number("w_to", window.to);
    sql.number("a_from", around.from);
    sql.number("a_to", around.to);
    filter.values(&mut sql);
    if let Some(before) = before {
        sql.text.push_str(" AND (start_ns, cityHash64(session_id)) < ({b_ns:Int64}, {b_hash:UInt64})");
        sql.number("b_ns", before.start_ns);
        sql.text("b_hash", before.hash.to_string());
    }
    sql.text.push_str(&format!(" ORDER BY start_ns DESC, cityHash64(session_id) DESC LIMIT {limit}"));
    let rows: Vec<Row> = reader.rows(scope, sql).await?;
    rows.into_iter()
        .map(|row| {
            let hash = row.hash.parse().map_err(|_| StoreError::Unreachable("a hash that is no number".to_owned()))?;
            Ok(Found { session_id: row.session_id, hash, start_ns: row.start_ns, last_ns: row.last_ns })
        })
        .collect()
}

// === impl Filter ===

impl Filter {
    fn set(&self) -> impl Iterator<Item = (&'static str, &'static str, &String)> {
        [
            ("project", "f_project", &self.project),
            ("source", "f_source", &self.source),
            ("user_id", "f_user_id", &self.user_id),
            ("model", "f_model", &self.model),
            ("repository", "f_repository", &self.repository),
            ("service", "f_service", &self.service),
            ("q", "f_q", &self.q),
        ]
        .into_iter()
        .filter(|(_, _, value)| !value.is_empty())
    }

    /// A column for each filter, which says whether a row of the session fits; and what asks for all of them.
    fn flags(&self) -> (String, String) {
        let (mut flags, mut all) = (String::new(), String::new());
        for (column, name, _) in self.set() {
            let fits = match column {
                "q" => "positionCaseInsensitiveUTF8(concat(session_id, '\\n', user_id, '\\n', user_email, '\\n', project, '\\n', \
                        repository, '\\n', service, '\\n', model, '\\n', feature), {f_q:String}) > 0"
                    .to_owned(),
                column => format!("{column} = {{{name}:String}}"),
            };
            flags.push_str(&format!(", max({fits}) AS has_{column}"));
            all.push_str(&format!(" AND max(has_{column})"));
        }
        (flags, all)
    }

    fn values(&self, sql: &mut Sql) {
        for (_, name, value) in self.set() {
            sql.text(name, value);
        }
    }
}
