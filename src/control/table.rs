//! A control table: what its rows are, how all tables are read in one question, and how rows are written.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clickhouse::server::{Server, StoreError};

/// A row of a control table. Its fields are the table's columns, but for `deleted`.
pub trait Record: Clone + Serialize + DeserializeOwned {
    const TABLE: &'static str;
    const COLUMNS: &'static [&'static str];
    fn version(&mut self) -> &mut u64;
}

/// A struct whose fields are columns.
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident in $table:literal { $($(#[$about:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
        pub struct $name { $($(#[$about])* pub $field: $type,)* }

        impl $crate::control::table::Record for $name {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn version(&mut self) -> &mut u64 {
                &mut self.version
            }
        }
    };
}
pub(super) use record;

/// Rows to be written together: one insert per table.
#[derive(Debug, Default)]
pub struct Change {
    rows: Vec<(&'static str, String)>,
}

/// What is not deleted in a table, as rows of (its name, a JSON object).
pub(super) fn select<R: Record>() -> String {
    format!(
        "SELECT '{table}' AS t, toJSONString(tuple({columns})) AS r FROM activitylog.{table} FINAL WHERE deleted = 0",
        table = R::TABLE,
        columns = R::COLUMNS.join(", "),
    )
}

/// What [`select`] needs to name the members of a tuple, and to write numbers as numbers.
pub(super) const SETTINGS: &str =
    "SETTINGS enable_named_columns_in_function_tuple = 1, output_format_json_quote_64bit_integers = 0";

/// Greater than the last, and than that of a node whose change was not seen.
pub fn next_version(last: u64, now_ms: i64) -> u64 {
    (last + 1).max(u64::try_from(now_ms).unwrap_or(0))
}

// === impl Change ===

impl Change {
    pub fn new() -> Change {
        Change::default()
    }

    /// Writes a record over what was there.
    pub fn put<R: Record>(self, record: &R) -> Change {
        self.row(record, false)
    }

    /// Leaves a mark that it is gone.
    pub fn remove<R: Record>(self, record: &R) -> Change {
        self.row(record, true)
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn row<R: Record>(mut self, record: &R, deleted: bool) -> Change {
        let mut record = record.clone();
        let version = record.version();
        *version = next_version(*version, jiff::Timestamp::now().as_millisecond());
        // Structs of text and numbers always serialise.
        let mut row = serde_json::to_value(record).expect("a record is plain data");
        row["deleted"] = u8::from(deleted).into();
        self.rows.push((R::TABLE, row.to_string()));
        self
    }

    /// Table by table; a failure in between leaves the ones before it written.
    pub async fn write(&self, server: &Server) -> Result<(), StoreError> {
        let mut rest = self.rows.as_slice();
        while let Some((table, _)) = rest.first() {
            let end = rest.iter().position(|(other, _)| other != table).unwrap_or(rest.len());
            let rows: Vec<&str> = rest[..end].iter().map(|(_, row)| row.as_str()).collect();
            server.execute(&format!("INSERT INTO activitylog.{table} FORMAT JSONEachRow {}", rows.join("\n"))).await?;
            rest = &rest[end..];
        }
        Ok(())
    }
}
