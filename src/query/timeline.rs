//! Counts over time. Long ranges come from the rollups per minute and per hour; short ones, what it can't answer, and the broken minutes at both
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

/// Up to this the events themselves are counted where the ends are broken: they are few, and what a short question costs is mostly its
/// planning, which doubles with a second table.
const SHORT: i64 = 3600 * SECOND;

/// A table of counts, and how its column of time is called.
struct Rollup {
    table: &'static str,
    column: &'static str,
    seconds: i64,
}

const BY_MINUTE: Rollup = Rollup { table: "pub.events_by_minute", column: "minute", seconds: 60 };
const BY_HOUR: Rollup = Rollup { table: "pub.events_by_hour", column: "hour", seconds: 3600 };

pub async fn timeline(
    reader: &Reader,
    scope: &Scope,
    window: Window,
    bucket_seconds: i64,
    group: &str,
    filter: &Filter,
) -> Result<Vec<Bucket>, StoreError> {
    let mut sql = Sql::default();
    sql.number("bucket", bucket_seconds);
    match rollup_for(window, bucket_seconds, group, filter) {
        None => from_events(&mut sql, group, filter, window, None),
        // Nothing is left at the ends.
        Some((rollup, whole)) if whole == window => from_rollup(&mut sql, rollup, group, filter, whole),
        Some((rollup, whole)) => {
            sql.text.push_str("SELECT start, key, sum(count) AS count, sum(errors) AS errors FROM (");
            from_events(&mut sql, group, filter, window, Some(whole));
            sql.text.push_str(" UNION ALL ");
            from_rollup(&mut sql, rollup, group, filter, whole);
            sql.text.push_str(") GROUP BY start, key");
        }
    }
    sql.text.push_str(" ORDER BY start, key");
    reader.rows(scope, sql).await
}

/// The table to read, and the part of the window that it answers.
fn rollup_for(window: Window, bucket_seconds: i64, group: &str, filter: &Filter) -> Option<(&'static Rollup, Window)> {
    let of = |rollup: &'static Rollup| {
        (bucket_seconds % rollup.seconds == 0)
            .then(|| whole(window, rollup.seconds * SECOND))
            .flatten()
            .map(|part| (rollup, part))
    };
    let days = window.to.saturating_sub(window.from) > 24 * SHORT;
    if days
        && bucket_seconds % BY_HOUR.seconds == 0
        && filter.fits_hours()
        && ["event_class", "source", "project"].contains(&group)
    {
        return of(&BY_HOUR);
    }
    of(&BY_MINUTE)
        .filter(|_| filter.fits_rollup())
        .filter(|(_, part)| *part == window || window.to.saturating_sub(window.from) > SHORT)
}

/// Counts of the window's events, but for what lies in `without`.
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

/// Counts of whole minutes or hours.
fn from_rollup(sql: &mut Sql, rollup: &Rollup, group: &str, filter: &Filter, part: Window) {
    let Rollup { table, column, .. } = rollup;
    sql.text.push_str(&format!(
        "SELECT intDiv(toInt64(toUnixTimestamp({column})), {{bucket:Int64}}) * {{bucket:Int64}} AS start, toString({group}) AS key, \
         sum(events) AS count, sum(errors) AS errors FROM {table} \
         WHERE {column} >= toDateTime(intDiv({{m_from:Int64}}, {SECOND}), 'UTC') \
         AND {column} < toDateTime(intDiv({{m_to:Int64}}, {SECOND}), 'UTC')"
    ));
    sql.number("m_from", part.from);
    sql.number("m_to", part.to);
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

/// The units of so many nanoseconds that lie wholly inside; none if there are none.
fn whole(window: Window, unit: i64) -> Option<Window> {
    let from = window.from.checked_add(unit - 1)? / unit * unit;
    // `DateTime` ends in 2106.
    let to = window.to.min(i64::from(u32::MAX) * SECOND) / unit * unit;
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

    const MINUTE: i64 = 60 * SECOND;
    const HOUR: i64 = 60 * MINUTE;

    fn window(from: i64, to: i64) -> Window {
        Window { from, to }
    }

    #[test]
    fn only_whole_minutes_come_from_the_rollup() {
        let whole_minutes = |from, to| whole(window(from, to), MINUTE);
        assert_eq!(whole_minutes(1, 3 * MINUTE + 5), Some(window(MINUTE, 3 * MINUTE)));
        assert_eq!(whole_minutes(MINUTE, 2 * MINUTE), Some(window(MINUTE, 2 * MINUTE)));
        assert_eq!(whole_minutes(1, MINUTE), None);
        assert_eq!(whole_minutes(i64::MAX - 5, i64::MAX), None);
    }

    #[test]
    fn the_longest_unit_that_knows_the_answer_is_read() {
        let filter = Filter::default();
        let table = |from, to, bucket, group| {
            rollup_for(window(from, to), bucket, group, &filter).map(|(rollup, _)| rollup.table)
        };
        let week = 7 * 24 * HOUR;
        assert_eq!(table(5, week, 3600, "event_class"), Some("pub.events_by_hour"));
        assert_eq!(table(5, week, 3600, "model"), Some("pub.events_by_minute"));
        assert_eq!(table(5, week, 1, "event_class"), None);
        assert_eq!(table(5, week, 900, "event_class"), Some("pub.events_by_minute"));
        // Two tables cost twice the planning: an hour with broken ends is counted from its events.
        assert_eq!(table(5, HOUR, 60, "event_class"), None);
        assert_eq!(table(0, HOUR, 60, "event_class"), Some("pub.events_by_minute"));
        let of_model = Filter { model: "m".to_owned(), ..Filter::default() };
        let by_model = rollup_for(window(5, week), 3600, "event_class", &of_model).map(|(rollup, _)| rollup.table);
        assert_eq!(by_model, Some("pub.events_by_minute"));
    }
}
