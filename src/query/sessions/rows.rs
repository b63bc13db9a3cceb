//! The rows of one session, and what each of its calls used.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;

use super::Tokens;
use super::figures::Span;
use crate::clickhouse::read::{Reader, Sql};
use crate::clickhouse::server::StoreError;
use crate::model::scope::Scope;
use crate::query::time::SECOND;

#[derive(Debug, Clone, Default, Deserialize)]
pub(in crate::query) struct Row {
    pub id: String,
    pub is_span: bool,
    pub ns: i64,
    pub duration_ns: u64,
    pub source: String,
    pub service: String,
    pub event_class: String,
    pub event_type: String,
    pub severity: String,
    pub outcome: String,
    pub message: String,
    pub user_id: String,
    pub session_id: String,
    pub correlation_id: String,
    pub target_id: String,
    pub trace_id: String,
    pub span_id: String,
    pub parent_span_id: String,
    pub model: String,
    pub operation: String,
    pub feature: String,
    pub tool_name: String,
    pub error_type: String,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_read_tokens: u64,
    pub cache_creation_tokens: u64,
    /// Repeats what others say.
    pub is_aggregate: bool,
    /// Names the call, the same on each record of it; empty where nothing does.
    pub call: String,
    /// The key of `pub.usage`.
    pub call_key: String,
    pub agent_id: String,
    pub hook_name: String,
    pub command_name: String,
    pub span_name: String,
    /// As OpenTelemetry has it: internal, server, client, producer, consumer; empty for what is no span.
    pub span_kind: String,
}

/// What a call used, counted once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::query) struct Used {
    pub tokens: Tokens,
    pub cost_usd: String,
}

/// By key of `pub.usage`.
pub(in crate::query) type Calls = HashMap<String, Used>;

/// Says nothing of how an interaction went.
const HOUSEKEEPING: &str = "('claude_code.plugin_loaded', 'claude_code.managed_settings_resolved', 'claude_code.assistant_response', \
     'claude_code.api_request_body', 'claude_code.api_response_body', 'claude_code.system_prompt', 'claude_code.tool_definition', \
     'claude_code.hook_registered', 'claude_code.hook_execution_start', 'claude_code.hook_plugin_metrics', \
     'gen_ai.system.message', 'gen_ai.user.message', 'gen_ai.assistant.message', 'gen_ai.tool.message', 'gen_ai.choice')";
/// Rows of a session, and of the traces it led to.
pub(super) const MOST_ROWS: usize = 8_000;
const MOST_TRACES: usize = 200;
const MOST_CALLS: usize = 100_000;
const HOUR: i64 = 3_600 * SECOND;

/// The columns of a [`Row`], of rows that `inner` gives.
pub(in crate::query) fn columns(inner: &str) -> String {
    format!(
        "SELECT toString(event_id) AS id, toBool(kind = 'span') AS is_span, toUnixTimestamp64Nano(timestamp) AS ns, duration_ns, source, service, \
         event_class, event_type, severity, outcome, message, user_id, session_id, correlation_id, target_id, trace_id, span_id, \
         parent_span_id, model, operation, feature, tool_name, error_type, input_tokens, output_tokens, cache_read_tokens, \
         cache_creation_tokens, toBool(usage_role = 'aggregate') AS is_aggregate, \
         if(usage_key != '', usage_key, attributes['request_id']) AS call, \
         if(usage_key != '', toString(reinterpretAsUUID(sipHash128(usage_key))), '') AS call_key, attributes['agent_id'] AS agent_id, \
         attributes['hook_name'] AS hook_name, attributes['command_name'] AS command_name, \
         multiIf(kind != 'span', '', attributes['span.name'] != '', attributes['span.name'], source = 'claude_code', toString(event_type), message) AS span_name, \
         multiIf(kind != 'span', '', attributes['span.kind'] != '', attributes['span.kind'], 'internal') AS span_kind FROM ({inner}) ORDER BY ns, id"
    )
}

/// Oldest first; whether there are more.
pub(super) async fn of(
    reader: &Reader,
    scope: &Scope,
    session_id: &str,
    span: Span,
) -> Result<(Vec<Row>, bool), StoreError> {
    let mut sql = Sql::default();
    let when = between(span, &mut sql);
    sql.text("session", session_id);
    sql.text = columns(&format!(
        "SELECT * FROM pub.events WHERE session_id = {{session:String}} AND {when} AND event_type NOT IN {HOUSEKEEPING} \
         ORDER BY timestamp, event_id LIMIT {}",
        MOST_ROWS + 1
    ));
    let mut rows: Vec<Row> = reader.rows(scope, sql).await?;
    let more = rows.len() > MOST_ROWS;
    rows.truncate(MOST_ROWS);
    let beside = beside(reader, scope, &rows, span).await?;
    rows.extend(beside);
    rows.sort_by(|a, b| (a.ns, &a.id).cmp(&(b.ns, &b.id)));
    // The same event stored twice stands twice until ClickHouse has merged its parts.
    rows.dedup_by(|a, b| a.id == b.id);
    Ok((rows, more))
}

/// Spans that name no session, in traces of the session: outside Claude Code often only the outermost one says it.
async fn beside(reader: &Reader, scope: &Scope, rows: &[Row], span: Span) -> Result<Vec<Row>, StoreError> {
    let traces: BTreeSet<&str> = rows
        .iter()
        .filter(|row| row.is_span && row.source != "claude_code")
        .map(|row| row.trace_id.as_str())
        // They go into the text as they are.
        .filter(|trace| !trace.is_empty() && trace.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .take(MOST_TRACES)
        .collect();
    if traces.is_empty() {
        return Ok(Vec::new());
    }
    let list = traces.into_iter().collect::<Vec<_>>().join("', '");
    let mut sql = Sql::default();
    let near = Span { from: span.from.saturating_sub(HOUR).max(0), to: span.to.saturating_add(HOUR) };
    let when = between(near, &mut sql);
    sql.text = columns(&format!(
        "SELECT * FROM pub.events WHERE trace_id IN ('{list}') AND session_id = '' AND {when} \
         ORDER BY timestamp, event_id LIMIT {MOST_ROWS}"
    ));
    reader.rows(scope, sql).await
}

fn between(span: Span, sql: &mut Sql) -> &'static str {
    sql.number("s_from", span.from);
    sql.number("s_to", span.to);
    "timestamp >= fromUnixTimestamp64Nano({s_from:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Nano({s_to:Int64}, 'UTC')"
}

/// The calls of a session or of a trace (`column`), each once.
pub(in crate::query) async fn calls(
    reader: &Reader,
    scope: &Scope,
    column: &'static str,
    value: &str,
    (from_ns, to_ns): (i64, i64),
) -> Result<Calls, StoreError> {
    #[derive(Deserialize)]
    struct Call {
        call: String,
        input: u64,
        output: u64,
        cache_read: u64,
        cache_creation: u64,
        cost: String,
    }
    let mut sql = Sql::new(format!(
        "SELECT toString(usage_key) AS call, input_tokens AS input, output_tokens AS output, cache_read_tokens AS cache_read, \
         cache_creation_tokens AS cache_creation, toString(cost_usd) AS cost FROM pub.usage \
         WHERE day >= toDate(toDateTime({{d_from:Int64}}, 'UTC')) - 1 AND day <= toDate(toDateTime({{d_to:Int64}}, 'UTC')) + 1 \
         AND {column} = {{value:String}} LIMIT {MOST_CALLS}"
    ));
    sql.number("d_from", from_ns / SECOND);
    sql.number("d_to", (to_ns / SECOND).min(LAST_SECOND));
    sql.text("value", value);
    let rows: Vec<Call> = reader.rows(scope, sql).await?;
    let used = |row: Call| {
        let tokens = Tokens {
            input: row.input,
            output: row.output,
            cache_read: row.cache_read,
            cache_creation: row.cache_creation,
        };
        (row.call, Used { tokens, cost_usd: row.cost })
    };
    Ok(rows.into_iter().map(used).collect())
}

/// A day before the last that a `DateTime` holds.
pub(in crate::query) const LAST_SECOND: i64 = 4_294_880_895;

/// The cost of all of them: exact, as ClickHouse writes it.
pub(in crate::query) fn total(calls: &Calls) -> String {
    let nanos: i128 = calls.values().map(|call| nanos(&call.cost_usd)).sum();
    let (whole, rest) = (nanos / NANOS, nanos % NANOS);
    format!("{whole}.{rest:09}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

const NANOS: i128 = 1_000_000_000;

/// Of a `Decimal(18, 9)` that is not negative.
fn nanos(text: &str) -> i128 {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.parse::<i128>().unwrap_or(0);
    digits(whole) * NANOS + digits(&format!("{rest:0<9}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_add_up_exactly() {
        let call = |cost: &str| (cost.to_owned(), Used { tokens: Tokens::default(), cost_usd: cost.to_owned() });
        assert_eq!(total(&Calls::new()), "0");
        assert_eq!(total(&Calls::from([call("0.1"), call("0.2")])), "0.3");
        assert_eq!(total(&Calls::from([call("999999999.999999999"), call("0.000000001")])), "1000000000");
    }
}
