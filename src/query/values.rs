//! Which values a field has, the most used first: what pickers of filters offer.

use serde::{Deserialize, Serialize};

use schemars::JsonSchema;

use super::filter::within;
use super::time::{SECOND, Window};
use crate::clickhouse::read::{Reader, Sql};
use crate::clickhouse::server::StoreError;
use crate::model::scope::Scope;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Count {
    pub value: String,
    pub events: u64,
    /// What people call it, where that is another word: of a user id, the address that events or its account say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
}

/// Of what; empty: anything.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub source: String,
    pub project: String,
    /// Text in the value, in either case.
    pub q: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Minutes,
    Events,
    Audit,
    Usage,
}

/// Name, column, and the smallest table that has it.
const FIELDS: [(&str, &str, From); 22] = [
    ("user_id", "user_id", From::Minutes),
    ("project", "project", From::Minutes),
    ("source", "source", From::Minutes),
    ("class", "event_class", From::Minutes),
    ("event_type", "event_type", From::Minutes),
    ("service", "service", From::Minutes),
    ("model", "model", From::Minutes),
    ("repository", "repository", From::Events),
    ("environment", "environment", From::Events),
    ("provider", "provider", From::Events),
    ("operation", "operation", From::Events),
    ("feature", "feature", From::Events),
    ("tool_name", "tool_name", From::Events),
    ("error_type", "error_type", From::Events),
    ("outcome", "outcome", From::Events),
    ("severity", "severity", From::Events),
    ("session_id", "session_id", From::Events),
    ("target_type", "target_type", From::Events),
    ("target_id", "target_id", From::Events),
    ("action", "action", From::Audit),
    ("team", "team", From::Usage),
    ("skill", "skill", From::Usage),
];

const MINUTE: i64 = 60 * SECOND;

/// What may be asked for.
pub fn fields() -> Vec<&'static str> {
    FIELDS.iter().map(|(name, _, _)| *name).collect()
}

/// `field` is one of [`fields`]; another has no values.
pub async fn values(
    reader: &Reader,
    scope: &Scope,
    field: &str,
    window: Window,
    filter: &Filter,
    limit: usize,
) -> Result<Vec<Count>, StoreError> {
    let Some((_, column, from)) = FIELDS.iter().find(|(name, _, _)| *name == field) else { return Ok(Vec::new()) };
    let mut sql = match from {
        From::Minutes => {
            let mut sql = Sql::new(format!(
                "SELECT toString({column}) AS value, sum(events) AS events FROM pub.events_by_minute \
                 WHERE minute >= toDateTime({{m_from:Int64}}, 'UTC') AND minute < toDateTime({{m_to:Int64}}, 'UTC')"
            ));
            // `DateTime` ends in 2106; a broken minute counts.
            let end = i64::from(u32::MAX);
            sql.number("m_from", (window.from / MINUTE * 60).min(end));
            sql.number("m_to", (window.to.saturating_add(MINUTE - 1) / MINUTE * 60).min(end));
            sql
        }
        From::Events | From::Audit | From::Usage => {
            let table = match from {
                From::Audit => "pub.audit",
                From::Usage => "pub.usage",
                _ => "pub.events",
            };
            let mut sql = Sql::new(format!("SELECT toString({column}) AS value, count() AS events FROM {table}"));
            within(window, &mut sql);
            if *from == From::Usage {
                sql.text.push_str(
                    " AND day >= toDate(fromUnixTimestamp64Nano({w_from:Int64}, 'UTC')) - 1 \
                     AND day <= toDate(fromUnixTimestamp64Nano({w_to:Int64}, 'UTC')) + 1",
                );
            }
            sql
        }
    };
    sql.text.push_str(" AND value != ''");
    let source = if *from == From::Audit { "" } else { filter.source.as_str() };
    for (column, name, value) in [("source", "f_source", source), ("project", "f_project", &filter.project)] {
        if !value.is_empty() {
            sql.text.push_str(&format!(" AND {column} = {{{name}:String}}"));
            sql.text(name, value);
        }
    }
    if !filter.q.is_empty() {
        sql.text.push_str(" AND positionCaseInsensitiveUTF8(value, {f_q:String}) > 0");
        sql.text("f_q", &filter.q);
    }
    sql.text.push_str(&format!(" GROUP BY value ORDER BY events DESC, value LIMIT {limit}"));
    if field == "user_id" {
        sql = with_addresses(sql, window);
    }
    reader.rows(scope, sql).await
}

/// Ids of users are of senders' making; most senders say an address beside them.
fn with_addresses(values: Sql, window: Window) -> Sql {
    let mut addresses = Sql::new("SELECT user_id, max(user_email) AS label FROM pub.events");
    within(window, &mut addresses);
    let text = format!(
        "SELECT value, v.events AS events, label FROM ({}) AS v \
         LEFT JOIN ({} AND user_email != '' GROUP BY user_id) AS a ON v.value = a.user_id ORDER BY events DESC, value",
        values.text, addresses.text
    );
    Sql { text, params: values.params.into_iter().chain(addresses.params).collect() }
}
