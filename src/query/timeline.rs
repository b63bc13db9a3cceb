//! Counts over time. Long ranges come from the per-minute rollup; what it can't answer, and the broken minutes at both ends of a
//! window, come from the events.

use serde::Deserialize;

use super::filter::{Filter, within};
use super::time::{SECOND, Window};
use crate::clickhouse::read::{Reader, Sql};
use crate::clickhouse::server::StoreError;
use crate::model::scope::Scope;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Bucket {
    /// Seconds since 1970, a multiple of the bucket's length.
    pub start: i64,
    pub key: String,
    pub count: u64,
    pub errors: u64,
}

/// `name` in the API, column in both tables.
pub const GROUPS: [(&str, &str); 6] = [
    ("class", "event_class"),
    ("source", "source"),
    ("event_type", "event_type"),
    ("project", "project"),
    ("model", "model"),
    ("user_id", "user_id"),
];

const MINUTE: i64 = 60 * SECOND;

pub async fn timeline(
    reader: &Reader,
    scope: &Scope,
    window: Window,
    bucket_seconds: i64,
    group: &str,
    filter: &Filter,
) -> Result<Vec<Bucket>, StoreError> {
    let whole = whole_minutes(window).filter(|_| bucket_seconds % 60 == 0 && filter.fits_rollup());
    let mut sql = Sql::new(String::new());
    match whole {
        None => raw(&mut sql, group, filter, "1"),
        Some(_) => {
            raw(
                &mut sql,
                group,
                filter,
                "(timestamp < fromUnixTimestamp64Nano({m_from:Int64}, 'UTC') \
                 OR timestamp >= fromUnixTimestamp64Nano({m_to:Int64}, 'UTC'))",
            );
            sql.text.push_str(&format!(
                " UNION ALL SELECT toInt64(toUnixTimestamp(minute)) AS second, {group} AS key, \
                 sum(events) AS count, sum(errors) AS errors FROM pub.events_by_minute \
                 WHERE minute >= toDateTime(intDiv({{m_from:Int64}}, {SECOND}), 'UTC') \
                 AND minute < toDateTime(intDiv({{m_to:Int64}}, {SECOND}), 'UTC')"
            ));
            let mut conditions = Sql::default();
            filter.conditions(&mut conditions);
            sql.text.push_str(&conditions.text);
            sql.text.push_str(" GROUP BY second, key");
        }
    }
    sql.number("w_from", window.from);
    sql.number("w_to", window.to);
    if let Some(whole) = whole {
        sql.number("m_from", whole.from);
        sql.number("m_to", whole.to);
    }
    sql.number("bucket", bucket_seconds);
    let text = format!(
        "SELECT intDiv(second, {{bucket:Int64}}) * {{bucket:Int64}} AS start, toString(key) AS key, \
         sum(count) AS count, sum(errors) AS errors FROM ({}) GROUP BY start, key ORDER BY start, key",
        sql.text
    );
    reader.rows(scope, Sql { text, params: sql.params }).await
}

fn raw(sql: &mut Sql, group: &str, filter: &Filter, extra: &str) {
    sql.text.push_str(&format!(
        "SELECT intDiv(toUnixTimestamp64Nano(timestamp), {SECOND}) AS second, {group} AS key, \
         count() AS count, countIf(event_class = 'error') AS errors FROM pub.events \
         WHERE timestamp >= fromUnixTimestamp64Nano({{w_from:Int64}}, 'UTC') \
         AND timestamp < fromUnixTimestamp64Nano({{w_to:Int64}}, 'UTC') AND {extra}"
    ));
    filter.conditions(sql);
    sql.text.push_str(" GROUP BY second, key");
}

/// The minutes that lie wholly inside; none if there are none.
fn whole_minutes(window: Window) -> Option<Window> {
    let from = window.from.checked_add(MINUTE - 1)? / MINUTE * MINUTE;
    // `DateTime` ends in 2106.
    let to = window.to.min(i64::from(u32::MAX) * SECOND) / MINUTE * MINUTE;
    (from < to).then_some(Window { from, to })
}

/// How many events the window holds.
pub async fn count(reader: &Reader, scope: &Scope, window: Window, filter: &Filter) -> Result<u64, StoreError> {
    #[derive(Deserialize)]
    struct Count {
        count: u64,
    }
    let mut sql = Sql::new("SELECT count() AS count FROM pub.events");
    within(window, &mut sql);
    filter.conditions(&mut sql);
    let rows: Vec<Count> = reader.rows(scope, sql).await?;
    Ok(rows.first().map_or(0, |row| row.count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_minutes_come_from_the_rollup() {
        let window = |from, to| Window { from, to };
        assert_eq!(whole_minutes(window(1, 3 * MINUTE + 5)), Some(window(MINUTE, 3 * MINUTE)));
        assert_eq!(whole_minutes(window(MINUTE, 2 * MINUTE)), Some(window(MINUTE, 2 * MINUTE)));
        assert_eq!(whole_minutes(window(1, MINUTE)), None);
        assert_eq!(whole_minutes(window(i64::MAX - 5, i64::MAX)), None);
    }
}
