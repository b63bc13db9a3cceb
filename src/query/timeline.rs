//! Counts over time. Long ranges come from the per-minute rollup; short ones, what it can't answer, and the broken minutes at both
//! ends of a window come from the events.

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

/// Up to this the events themselves are counted: they are few, and what a short question costs is mostly its planning, which
/// doubles with the second table.
const SHORT: i64 = 3600 * SECOND;

pub async fn timeline(
    reader: &Reader,
    scope: &Scope,
    window: Window,
    bucket_seconds: i64,
    group: &str,
    filter: &Filter,
) -> Result<Vec<Bucket>, StoreError> {
    let whole = whole_minutes(window)
        .filter(|_| bucket_seconds % 60 == 0 && filter.fits_rollup() && window.to - window.from > SHORT);
    let mut sql = Sql::default();
    sql.number("bucket", bucket_seconds);
    match whole {
        None => from_events(&mut sql, group, filter, window, None),
        // Nothing is left at the ends of a window that begins and ends with a minute.
        Some(whole) if whole == window => from_minutes(&mut sql, group, filter, whole),
        Some(whole) => {
            sql.text.push_str("SELECT start, key, sum(count) AS count, sum(errors) AS errors FROM (");
            from_events(&mut sql, group, filter, window, Some(whole));
            sql.text.push_str(" UNION ALL ");
            from_minutes(&mut sql, group, filter, whole);
            sql.text.push_str(") GROUP BY start, key");
        }
    }
    sql.text.push_str(" ORDER BY start, key");
    reader.rows(scope, sql).await
}

/// Counts of the window's events, but for the minutes `without`.
fn from_events(sql: &mut Sql, group: &str, filter: &Filter, window: Window, without: Option<Window>) {
    sql.text.push_str(&format!(
        "SELECT intDiv(intDiv(toUnixTimestamp64Nano(timestamp), {SECOND}), {{bucket:Int64}}) * {{bucket:Int64}} AS start, \
         toString({group}) AS key, count() AS count, countIf(event_class = 'error') AS errors FROM pub.events"
    ));
    within(window, sql);
    if without.is_some() {
        sql.text.push_str(
            " AND (timestamp < fromUnixTimestamp64Nano({m_from:Int64}, 'UTC') \
             OR timestamp >= fromUnixTimestamp64Nano({m_to:Int64}, 'UTC'))",
        );
    }
    filter.conditions(sql);
    sql.text.push_str(" GROUP BY start, key");
}

/// Counts of whole minutes.
fn from_minutes(sql: &mut Sql, group: &str, filter: &Filter, minutes: Window) {
    sql.text.push_str(&format!(
        "SELECT intDiv(toInt64(toUnixTimestamp(minute)), {{bucket:Int64}}) * {{bucket:Int64}} AS start, toString({group}) AS key, \
         sum(events) AS count, sum(errors) AS errors FROM pub.events_by_minute \
         WHERE minute >= toDateTime(intDiv({{m_from:Int64}}, {SECOND}), 'UTC') \
         AND minute < toDateTime(intDiv({{m_to:Int64}}, {SECOND}), 'UTC')"
    ));
    sql.number("m_from", minutes.from);
    sql.number("m_to", minutes.to);
    // Of two tables, the first has bound the filter's values.
    let mut conditions = Sql::default();
    filter.conditions(&mut conditions);
    sql.text.push_str(&conditions.text);
    for (name, value) in conditions.params {
        if sql.params.iter().all(|(bound, _)| *bound != name) {
            sql.params.push((name, value));
        }
    }
    sql.text.push_str(" GROUP BY start, key");
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
