//! One definition per table: the columns of a block, their ClickHouse types, and everything that must agree with them.

use super::native::{Column, write_string, write_varint};

/// What the columns of every table have in common; `table!` writes it once.
pub trait Block: Default + Send + 'static {
    /// `database.table`
    const TABLE: &'static str;
    /// Name and ClickHouse type, in the order of the block. Checked against the schema at start.
    const COLUMNS: &'static [(&'static str, &'static str)];

    fn rows(&self) -> usize;
    fn bytes(&self) -> usize;
    fn truncate(&mut self, rows: usize);
    fn clear(&mut self);
    /// Appends the block to `out`; `received_at_ms` is the one column that is known only at the commit.
    fn write(&self, received_at_ms: i64, out: &mut Vec<u8>);
}

/// `received_at` is the same for all rows of a commit, so it takes no memory until it is written.
#[derive(Debug, Default)]
pub struct ReceivedAt {
    rows: usize,
}

pub(super) fn write_header(columns: usize, rows: usize, out: &mut Vec<u8>) {
    write_varint(out, columns as u64);
    write_varint(out, rows as u64);
}

pub(super) fn write_column(name: &str, column_type: &str, out: &mut Vec<u8>) {
    write_string(out, name.as_bytes());
    write_string(out, column_type.as_bytes());
}

// === impl ReceivedAt ===

impl ReceivedAt {
    pub fn push(&mut self) {
        self.rows += 1;
    }
    pub fn write_at(&self, received_at_ms: i64, out: &mut Vec<u8>) {
        for _ in 0..self.rows {
            out.extend_from_slice(&received_at_ms.to_le_bytes());
        }
    }
}

impl Column for ReceivedAt {
    fn rows(&self) -> usize {
        self.rows
    }
    fn bytes(&self) -> usize {
        self.rows * 8
    }
    fn truncate(&mut self, rows: usize) {
        self.rows = self.rows.min(rows);
    }
    fn clear(&mut self) {
        self.rows = 0;
    }
    fn write(&self, _: &mut Vec<u8>) {}
}

macro_rules! table {
    ($(#[$doc:meta])* $block:ident, $table:literal, { $($field:ident: $column:ty = $type:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub struct $block {
            pub(super) received_at: $crate::clickhouse::table::ReceivedAt,
            $(pub(super) $field: $column,)*
        }

        impl $crate::clickhouse::table::Block for $block {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [(&'static str, &'static str)] =
                &[("received_at", "DateTime64(3, 'UTC')"), $((stringify!($field), $type),)*];

            fn rows(&self) -> usize {
                $crate::clickhouse::native::Column::rows(&self.received_at)
            }
            fn bytes(&self) -> usize {
                use $crate::clickhouse::native::Column;
                self.received_at.bytes() $(+ self.$field.bytes())*
            }
            fn truncate(&mut self, rows: usize) {
                use $crate::clickhouse::native::Column;
                self.received_at.truncate(rows);
                $(self.$field.truncate(rows);)*
            }
            fn clear(&mut self) {
                use $crate::clickhouse::native::Column;
                self.received_at.clear();
                $(self.$field.clear();)*
            }
            fn write(&self, received_at_ms: i64, out: &mut Vec<u8>) {
                use $crate::clickhouse::native::Column;
                use $crate::clickhouse::table::{write_column, write_header};
                write_header(Self::COLUMNS.len(), self.rows(), out);
                write_column("received_at", "DateTime64(3, 'UTC')", out);
                self.received_at.write_at(received_at_ms, out);
                $(
                    debug_assert_eq!(self.$field.rows(), self.rows(), stringify!($field));
                    write_column(stringify!($field), $type, out);
                    self.$field.write(out);
                )*
            }
        }
    };
}
pub(crate) use table;
