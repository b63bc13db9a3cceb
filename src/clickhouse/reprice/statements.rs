//! The statements of [`reprice`](super::reprice): each names its rows and what their figures are.

use super::{Change, Origin, Range};
use crate::model::event::NanoUsd;

/// Changes that differ in ids and costs only.
pub(super) struct Group {
    version: String,
    origin: Origin,
    is_priced: bool,
    changes: Vec<Change>,
}

pub(super) fn grouped(changes: Vec<Change>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for change in changes {
        let (origin, is_priced) = (change.due.origin, change.due.computed.is_some());
        let fits = |group: &&mut Group| {
            group.version == change.due.version && group.origin == origin && group.is_priced == is_priced
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.changes.push(change),
            None => {
                groups.push(Group { version: change.due.version.clone(), origin, is_priced, changes: vec![change] });
            }
        }
    }
    groups
}

impl Group {
    fn ids(&self) -> Vec<&str> {
        self.changes.iter().map(|change| change.id.as_str()).collect()
    }

    /// Column and expression: what each row of the group gets.
    fn columns(&self) -> Vec<(&'static str, String)> {
        let computed = if self.is_priced {
            let costs: Vec<String> =
                self.changes.iter().map(|change| dollars(change.due.computed.unwrap_or(0))).collect();
            let costs: Vec<&str> = costs.iter().map(String::as_str).collect();
            format!("toDecimal64(transform(toString(event_id), {}, {}, '0'), 9)", list(&self.ids()), list(&costs))
        } else {
            "NULL".to_owned()
        };
        let mut columns = vec![("price_version", text(&self.version))];
        match self.origin {
            // The reporter's figure counts, and stays.
            Origin::Reported => {}
            Origin::Computed => columns.extend([("cost_usd", computed.clone()), ("cost_origin", text("computed"))]),
            Origin::None => {
                columns.extend([("cost_usd", "toDecimal64('0', 9)".to_owned()), ("cost_origin", text("none"))])
            }
        }
        columns.push(("cost_computed_usd", computed));
        columns
    }

    pub(super) fn events_statement(&self, tenant: &str) -> String {
        let assignments: Vec<String> =
            self.columns().into_iter().map(|(column, value)| format!("{column} = {value}")).collect();
        let times = self.changes.iter().map(|change| change.timestamp_ns);
        let (first, last) = times.fold((i64::MAX, i64::MIN), |(first, last), at| (first.min(at), last.max(at)));
        format!(
            "ALTER TABLE activitylog.events UPDATE {} WHERE tenant_id = {} AND timestamp >= {} AND timestamp <= {} \
             AND toString(event_id) IN ({})",
            assignments.join(", "),
            text(tenant),
            time(first),
            time(last),
            list(&self.ids()),
        )
    }

    pub(super) fn usage_statement(&self, tenant: &str) -> String {
        let type_of = |column: &str| match column {
            "cost_computed_usd" => "Nullable(Decimal(18, 9))",
            "cost_usd" => "Decimal(18, 9)",
            "cost_origin" => "Enum8('none' = 0, 'reported' = 1, 'computed' = 2)",
            _ => "LowCardinality(String)",
        };
        let columns: Vec<String> = self
            .columns()
            .into_iter()
            .map(|(column, value)| format!("CAST({value}, {}) AS {column}", text(type_of(column))))
            .collect();
        format!(
            "INSERT INTO activitylog.usage SELECT * REPLACE ({}) FROM activitylog.usage FINAL \
             WHERE tenant_id = {} AND {} AND toString(event_id) IN ({})",
            columns.join(", "),
            text(tenant),
            days(self.changes.iter().map(|change| (change.timestamp_ns, change.end_ns))),
            list(&self.ids()),
        )
    }
}

// === impl Range ===

impl Range {
    pub(super) fn condition(&self) -> String {
        format!("timestamp >= {} AND timestamp < {}", time(self.from_ns), time(self.to_ns))
    }
}

/// The days of `usage` on which calls from start to end may stand: the day of the start or of the end, by the version that stored it.
pub(super) fn days(calls: impl Iterator<Item = (i64, i64)>) -> String {
    let (first, last) =
        calls.fold((i64::MAX, i64::MIN), |(first, last), (start, end)| (first.min(start), last.max(end)));
    format!("day >= toDate({}, 'UTC') AND day <= toDate({}, 'UTC')", time(first), time(last))
}

pub(super) fn time(nanoseconds: i64) -> String {
    format!("fromUnixTimestamp64Nano(toInt64({nanoseconds}), 'UTC')")
}

pub(super) fn text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// An array of ids or numbers, in which nothing needs escaping. One text, and not as many: a mutation of 10,000 rows took 4 seconds
/// instead of 18.
pub(super) fn list(items: &[&str]) -> String {
    format!("splitByChar(',', '{}')", items.join(","))
}

pub(super) fn first_of(names: &[&str]) -> String {
    let values: Vec<String> = names.iter().map(|name| format!("attributes['{name}']")).collect();
    format!("arrayFirst(x -> x != '', [{}, ''])", values.join(", "))
}

fn dollars(nanos: i64) -> String {
    format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

/// `0.0012` in units of 1e-9.
pub(super) fn nanos(text: &str) -> i64 {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{decimals:0<9}").parse().unwrap_or(NanoUsd::MAX.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_go_there_and_back() {
        for (units, written) in [(0, "0.000000000"), (1, "0.000000001"), (1_234_567_890, "1.234567890")] {
            assert_eq!(dollars(units), written);
            assert_eq!(nanos(written), units);
        }
        assert_eq!(nanos("0"), 0);
        assert_eq!(nanos("12.5"), 12_500_000_000);
    }

    #[test]
    fn what_senders_wrote_can_not_leave_its_text() {
        assert_eq!(text(r"a'; DROP TABLE x; --\"), r"'a\'; DROP TABLE x; --\\'");
    }
}
