//! The columns of an answer: their types in plain words, and their units from their names.

use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Column {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: Kind,
    pub unit: super::Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// RFC 3339, UTC.
    Time,
    /// YYYY-MM-DD, in the time zone that was asked for.
    Date,
    String,
    Integer,
    Number,
    /// Exact: a JSON number with all its digits.
    Decimal,
    Boolean,
    List,
    Map,
}

// === impl Column ===

impl Column {
    pub(super) fn new(name: &str, clickhouse: &str) -> Column {
        let kind = Kind::of(clickhouse);
        Column { name: name.to_owned(), kind, unit: if kind.is_number() { unit(name) } else { super::Unit::None } }
    }
}

/// What the end of a column's name says of its values.
fn unit(name: &str) -> super::Unit {
    use super::Unit;
    match name.rsplit('_').next().unwrap_or(name) {
        "usd" => Unit::Usd,
        "ms" => Unit::Ms,
        "ratio" | "rate" => Unit::Ratio,
        "tokens" => Unit::Tokens,
        "bytes" => Unit::Bytes,
        _ => Unit::None,
    }
}

// === impl Kind ===

impl Kind {
    pub fn is_number(self) -> bool {
        matches!(self, Kind::Integer | Kind::Number | Kind::Decimal)
    }

    fn of(clickhouse: &str) -> Kind {
        let mut name = clickhouse;
        for wrapper in ["LowCardinality(", "Nullable(", "LowCardinality(", "SimpleAggregateFunction("] {
            name = name.strip_prefix(wrapper).unwrap_or(name);
        }
        let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
        match () {
            () if starts(&["DateTime"]) => Kind::Time,
            () if starts(&["Date"]) => Kind::Date,
            () if starts(&["UInt", "Int"]) => Kind::Integer,
            () if starts(&["Float", "BFloat"]) => Kind::Number,
            () if starts(&["Decimal"]) => Kind::Decimal,
            () if starts(&["Bool"]) => Kind::Boolean,
            () if starts(&["Array", "Tuple"]) => Kind::List,
            () if starts(&["Map"]) => Kind::Map,
            () => Kind::String,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packs::Unit;

    #[test]
    fn types_and_units_in_plain_words() {
        let column = |name: &str, clickhouse: &str| {
            let column = Column::new(name, clickhouse);
            (column.kind, column.unit)
        };
        assert_eq!(column("cost_usd", "Decimal(38, 9)"), (Kind::Decimal, Unit::Usd));
        assert_eq!(column("p95_ms", "Nullable(Float64)"), (Kind::Number, Unit::Ms));
        assert_eq!(column("time", "DateTime('Asia/Kolkata')"), (Kind::Time, Unit::None));
        assert_eq!(column("day", "Date"), (Kind::Date, Unit::None));
        assert_eq!(column("model", "LowCardinality(Nullable(String))"), (Kind::String, Unit::None));
        assert_eq!(column("tokens", "UInt64"), (Kind::Integer, Unit::Tokens));
        assert_eq!(column("kind", "Enum8('log' = 1)"), (Kind::String, Unit::None));
    }
}
