//! The figures of some sessions: from their events, from `pub.usage` (so that each call is counted once), and from Claude Code's meters
//! for what no event says.

use std::collections::HashMap;

use serde::Deserialize;

use super::list::METERS;
use super::rows::LAST_SECOND;
use super::{Found, Session};
use crate::clickhouse::read::{Reader, Sql};
use crate::clickhouse::server::StoreError;
use crate::model::scope::Scope;
use crate::query::time::{self, SECOND};

/// Where everything of the sessions lies, both ends included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub from: i64,
    pub to: i64,
}

#[derive(Deserialize)]
struct Seen {
    id: String,
    source_: String,
    user_id_: String,
    user_email_: String,
    project_: String,
    repository_: String,
    service_: String,
    end_ns: i64,
    prompts: u64,
    tools: u64,
    tool_failures: u64,
    errors: u64,
    edits_accepted: u64,
    edits_rejected: u64,
    models: Vec<String>,
    spans: u64,
    is_claude_code: u8,
}

#[derive(Deserialize)]
struct Used {
    id: String,
    calls: u64,
    models: Vec<String>,
    input: u64,
    output: u64,
    cache_read: u64,
    cache_creation: u64,
    cost: String,
}

#[derive(Deserialize)]
struct Metered {
    id: String,
    user_id_: String,
    user_email_: String,
    project_: String,
    repository_: String,
    service_: String,
    end_ns: i64,
    has_active: u8,
    active_s: f64,
    edits_accepted: f64,
    edits_rejected: f64,
}

/// Those that were found, in their order.
pub(super) async fn of(reader: &Reader, scope: &Scope, found: &[Found]) -> Result<Vec<Session>, StoreError> {
    let (from, to) = (found.iter().map(|one| one.start_ns).min(), found.iter().map(|one| one.last_ns).max());
    let (Some(from), Some(to)) = (from, to) else { return Ok(Vec::new()) };
    let span = Span { from, to };
    let (seen, used, metered) = tokio::try_join!(
        seen(reader, scope, found, span),
        used(reader, scope, found, span),
        metered(reader, scope, found, span)
    )?;
    let mut seen: HashMap<String, Seen> = seen.into_iter().map(|row| (row.id.clone(), row)).collect();
    let mut used: HashMap<String, Used> = used.into_iter().map(|row| (row.id.clone(), row)).collect();
    let mut metered: HashMap<String, Metered> = metered.into_iter().map(|row| (row.id.clone(), row)).collect();
    let session = |one: &Found| {
        let id = &one.session_id;
        together(one, seen.remove(id), used.remove(id), metered.remove(id))
    };
    Ok(found.iter().map(session).collect())
}

fn together(one: &Found, seen: Option<Seen>, used: Option<Used>, metered: Option<Metered>) -> Session {
    let mut session = Session {
        session_id: one.session_id.clone(),
        start: time::format(one.start_ns),
        cost_usd: "0".to_owned(),
        ..Session::default()
    };
    let mut end_ns = one.start_ns;
    if let Some(metered) = metered {
        session.source = "claude_code".to_owned();
        session.user_id = metered.user_id_;
        session.user_email = metered.user_email_;
        session.project = metered.project_;
        session.repository = metered.repository_;
        session.service = metered.service_;
        // Negative and past the range: at its ends.
        session.active_ms = (metered.has_active != 0).then_some((metered.active_s * 1000.0).round() as u64);
        session.edits_accepted = Some(metered.edits_accepted.round() as u64);
        session.edits_rejected = Some(metered.edits_rejected.round() as u64);
        end_ns = metered.end_ns;
    }
    if let Some(seen) = seen {
        session.source = seen.source_;
        session.user_id = seen.user_id_;
        session.user_email = seen.user_email_;
        session.project = seen.project_;
        session.repository = seen.repository_;
        session.service = seen.service_;
        session.prompts = seen.prompts;
        session.tools = seen.tools;
        session.tool_failures = seen.tool_failures;
        session.errors = seen.errors;
        session.has_spans = seen.spans > 0;
        session.models = seen.models;
        end_ns = seen.end_ns;
        if seen.is_claude_code != 0 {
            session.edits_accepted = Some(session.edits_accepted.unwrap_or(0).max(seen.edits_accepted));
            session.edits_rejected = Some(session.edits_rejected.unwrap_or(0).max(seen.edits_rejected));
        }
    }
    if let Some(used) = used {
        session.requests = used.calls;
        session.input_tokens = used.input;
        session.output_tokens = used.output;
        session.cache_read_tokens = used.cache_read;
        session.cache_creation_tokens = used.cache_creation;
        session.cost_usd = used.cost;
        session.models.extend(used.models);
    }
    session.models.sort_unstable();
    session.models.dedup();
    let end_ns = end_ns.max(one.start_ns);
    session.end = time::format(end_ns);
    session.duration_ms = u64::try_from((end_ns - one.start_ns) / 1_000_000).unwrap_or(0);
    session
}

/// Which of the rows are of these sessions. Hashes, since ids may be of any length and go into an address.
fn of_these(found: &[Found], sql: &mut Sql) -> &'static str {
    let hashes: Vec<String> = found.iter().map(|one| one.hash.to_string()).collect();
    sql.text("ids", hashes.join(","));
    "cityHash64(session_id) IN (SELECT toUInt64(arrayJoin(splitByChar(',', {ids:String}))))"
}

fn between(span: Span, sql: &mut Sql) -> &'static str {
    sql.number("s_from", span.from);
    sql.number("s_to", span.to);
    "timestamp >= fromUnixTimestamp64Nano({s_from:Int64}, 'UTC') AND timestamp <= fromUnixTimestamp64Nano({s_to:Int64}, 'UTC')"
}

async fn seen(reader: &Reader, scope: &Scope, found: &[Found], span: Span) -> Result<Vec<Seen>, StoreError> {
    // Rows that are stored twice until their parts are merged count once. What Claude Code says in log events and in spans is the same
    // thing twice, and either may be missing.
    let count = |what: &str| format!("uniqExactIf(event_id, {what})");
    let either = |log: &str, span: &str| {
        let (log, span) = (format!("kind != 'span' AND {log}"), format!("kind = 'span' AND {span}"));
        format!("greatest({}, {})", count(&log), count(&span))
    };
    let prompts = format!(
        "greatest({}, {}, uniqExactIf(trace_id, kind = 'span' AND source != 'claude_code' AND trace_id != ''))",
        count("kind != 'span' AND endsWith(event_type, '.user_prompt')"),
        count("kind = 'span' AND event_type = 'claude_code.interaction'"),
    );
    let executed =
        "(event_type = 'claude_code.tool.execution' OR (source != 'claude_code' AND operation = 'execute_tool'))";
    let result = "endsWith(event_type, '.tool_result')";
    let tools = either(result, executed);
    let failures = either(&format!("{result} AND outcome = 'failure'"), &format!("{executed} AND outcome = 'failure'"));
    // Giving up repeats the last error.
    let errors =
        either("event_class = 'error' AND event_type != 'claude_code.api_retries_exhausted'", "event_class = 'error'");
    let edits = |outcome: &str| {
        count(&format!(
            "event_type = 'claude_code.tool_decision' AND tool_name IN ('Edit', 'MultiEdit', 'Write', 'NotebookEdit') \
             AND outcome = '{outcome}'"
        ))
    };
    let (accepted, rejected) = (edits("success"), edits("rejected"));
    let mut sql = Sql::default();
    let (these, when) = (of_these(found, &mut sql), between(span, &mut sql));
    sql.text = format!(
        "SELECT session_id AS id, toString(argMin(source, timestamp)) AS source_, max(user_id) AS user_id_, max(user_email) AS user_email_, \
         toString(max(project)) AS project_, toString(max(repository)) AS repository_, toString(max(service)) AS service_, \
         toUnixTimestamp64Nano(max(timestamp + toIntervalNanosecond(if(kind = 'span', duration_ns, 0)))) AS end_ns, \
         {prompts} AS prompts, {tools} AS tools, {failures} AS tool_failures, {errors} AS errors, \
         {accepted} AS edits_accepted, {rejected} AS edits_rejected, \
         groupUniqArrayIf(50)(toString(model), model != '') AS models, countIf(kind = 'span') AS spans, \
         max(source = 'claude_code') AS is_claude_code \
         FROM pub.events WHERE {when} AND {these} GROUP BY id"
    );
    reader.rows(scope, sql).await
}

async fn used(reader: &Reader, scope: &Scope, found: &[Found], span: Span) -> Result<Vec<Used>, StoreError> {
    let mut sql = Sql::default();
    let these = of_these(found, &mut sql);
    // The day of a call is that of its end; what a meter counts in sum is of the day on which it began.
    sql.number("d_from", span.from / SECOND);
    sql.number("d_to", (span.to / SECOND).min(LAST_SECOND));
    sql.text = format!(
        "SELECT session_id AS id, countIf(is_call) AS calls, groupUniqArrayIf(50)(toString(model), model != '') AS models, \
         sum(input_tokens) AS input, sum(output_tokens) AS output, sum(cache_read_tokens) AS cache_read, \
         sum(cache_creation_tokens) AS cache_creation, toString(sum(cost_usd)) AS cost \
         FROM pub.usage WHERE day >= toDate(toDateTime({{d_from:Int64}}, 'UTC')) - 1 AND day <= toDate(toDateTime({{d_to:Int64}}, 'UTC')) + 1 \
         AND {these} GROUP BY id"
    );
    reader.rows(scope, sql).await
}

async fn metered(reader: &Reader, scope: &Scope, found: &[Found], span: Span) -> Result<Vec<Metered>, StoreError> {
    let mut sql = Sql::default();
    let (these, when) = (of_these(found, &mut sql), between(span, &mut sql));
    sql.text = format!(
        "SELECT id, max(user_) AS user_id_, max(email_) AS user_email_, toString(max(in_project)) AS project_, \
         toString(max(in_repository)) AS repository_, toString(max(in_service)) AS service_, toUnixTimestamp64Nano(max(last)) AS end_ns, \
         max(meter = 'claude_code.active_time.total') AS has_active, \
         sumIf(amount, meter = 'claude_code.active_time.total') AS active_s, \
         sumIf(amount, decision = 'accept') AS edits_accepted, sumIf(amount, decision = 'reject') AS edits_rejected FROM (\
         SELECT session_id AS id, name AS meter, \
         if(name = 'claude_code.code_edit_tool.decision', attributes['decision'], '') AS decision, \
         temporality = 'cumulative' AS counts_up, mapSort(attributes) AS series, if(counts_up, start_timestamp, toDateTime64(0, 9, 'UTC')) AS began, \
         if(counts_up, max(value), sum(value)) AS amount, max(timestamp) AS last, max(user_id) AS user_, max(user_email) AS email_, \
         max(project) AS in_project, max(repository) AS in_repository, max(service) AS in_service \
         FROM (SELECT * FROM pub.metrics WHERE name IN {METERS} AND {when} AND {these} LIMIT 1 BY event_id) \
         GROUP BY id, meter, decision, counts_up, series_type, model, tool_name, feature, series, began) GROUP BY id"
    );
    reader.rows(scope, sql).await
}
