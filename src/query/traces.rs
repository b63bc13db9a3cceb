//! One trace: its spans as a tree, with the logs that carry its id.

mod tree;

use schemars::JsonSchema;
use serde::Serialize;

use super::sessions::Tokens;
use super::sessions::rows::{self, Row, columns};
use super::time;
use crate::clickhouse::read::{Reader, Sql};
use crate::clickhouse::server::StoreError;
use crate::model::scope::Scope;

#[derive(Debug, Serialize, JsonSchema)]
pub struct Trace {
    pub trace_id: String,
    pub start: String,
    pub end: String,
    pub duration_ms: f64,
    pub services: Vec<String>,
    pub session_id: String,
    pub user_id: String,
    pub spans_total: u64,
    pub errors: u64,
    /// Of all calls in it, each counted once; exact, as text.
    pub cost_usd: String,
    /// There is more than is shown.
    pub truncated: bool,
    pub spans: Vec<Span>,
    /// Those that name no span, or one that is not here.
    pub logs: Vec<Log>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Span {
    pub event_id: String,
    pub span_id: String,
    pub parent_span_id: String,
    /// Its parent is not here.
    pub orphan: bool,
    pub depth: usize,
    pub service: String,
    pub name: String,
    pub event_type: String,
    pub event_class: String,
    pub kind: String,
    pub time: String,
    pub offset_ms: f64,
    pub duration_ms: f64,
    pub outcome: String,
    pub model: String,
    pub tool_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// Exact, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<String>,
    pub children: Vec<Span>,
    pub logs: Vec<Log>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Log {
    pub event_id: String,
    pub time: String,
    pub event_type: String,
    pub event_class: String,
    pub severity: String,
    pub message: String,
}

const MOST_SPANS: usize = 5_000;
const MOST_LOGS: usize = 5_000;

/// `None`: there is none.
pub async fn trace(reader: &Reader, scope: &Scope, trace_id: &str) -> Result<Option<Trace>, StoreError> {
    if trace_id.is_empty() {
        return Ok(None);
    }
    let ((spans, more_spans), (logs, more_logs)) = tokio::try_join!(
        part(reader, scope, trace_id, "kind = 'span'", MOST_SPANS),
        part(reader, scope, trace_id, "kind != 'span'", MOST_LOGS),
    )?;
    let all = || spans.iter().chain(&logs);
    let Some(first) = all().map(|row| row.ns).min() else { return Ok(None) };
    let last = all().map(|row| row.ns.saturating_add(duration(row))).max().unwrap_or(first);
    let calls = rows::calls(reader, scope, "trace_id", trace_id, (first, last)).await?;
    let said = |text: fn(&Row) -> &String| all().map(text).find(|text| !text.is_empty()).cloned().unwrap_or_default();
    let mut services: Vec<String> = all().map(|row| row.service.clone()).filter(|name| !name.is_empty()).collect();
    services.sort_unstable();
    services.dedup();
    // A span that failed and the log event of it are one error.
    let of = |rows: &[Row]| rows.iter().filter(|row| row.event_class == "error").count();
    let mut answer = Trace {
        trace_id: trace_id.to_owned(),
        start: time::format(first),
        end: time::format(last),
        duration_ms: (last - first) as f64 / 1e6,
        services,
        session_id: said(|row| &row.session_id),
        user_id: said(|row| &row.user_id),
        spans_total: spans.len() as u64,
        errors: of(&spans).max(of(&logs)) as u64,
        cost_usd: rows::total(&calls),
        truncated: more_spans || more_logs,
        spans: Vec::new(),
        logs: Vec::new(),
    };
    (answer.spans, answer.logs) = tree::of(spans, logs, &calls, first);
    Ok(Some(answer))
}

fn duration(row: &Row) -> i64 {
    if row.is_span { i64::try_from(row.duration_ns).unwrap_or(i64::MAX) } else { 0 }
}

/// Oldest first, each once; whether there are more.
async fn part(
    reader: &Reader,
    scope: &Scope,
    trace_id: &str,
    condition: &str,
    most: usize,
) -> Result<(Vec<Row>, bool), StoreError> {
    let mut sql = Sql::new(columns(&format!(
        "SELECT * FROM pub.events WHERE trace_id = {{trace:String}} AND {condition} ORDER BY timestamp, event_id LIMIT {}",
        most + 1
    )));
    sql.text("trace", trace_id);
    let mut rows: Vec<Row> = reader.rows(scope, sql).await?;
    let more = rows.len() > most;
    rows.truncate(most);
    rows.dedup_by(|a, b| a.id == b.id);
    Ok((rows, more))
}
