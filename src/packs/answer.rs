//! What a panel answers: columns and rows, as ClickHouse wrote them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::column::{Column, Kind};
use super::visual::Visual;
use super::{Pack, Panel, Unit};
use crate::query::time;

#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    pub pack_id: String,
    pub panel_id: String,
    pub title: String,
    pub unit: Unit,
    pub visual: Visual,
    pub from: String,
    pub to: String,
    pub timezone: String,
    /// How long the steps of a chart over time are.
    pub bucket_seconds: u32,
    pub columns: Vec<Column>,
    /// Row by row, in the order of the columns.
    #[schemars(with = "Vec<Vec<serde_json::Value>>")]
    pub rows: Vec<Box<RawValue>>,
    /// There are more rows than these.
    pub truncated: bool,
}

/// ClickHouse's `JSONCompact`.
#[derive(Deserialize)]
pub(super) struct Compact<R> {
    pub(super) meta: Vec<Meta>,
    pub(super) data: Vec<R>,
}

#[derive(Deserialize)]
pub(super) struct Meta {
    name: String,
    #[serde(rename = "type")]
    clickhouse: String,
}

/// The same for a spreadsheet: all values as text.
#[derive(Debug)]
pub struct Sheet {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<String>>,
}

// === impl Answer ===

impl Answer {
    pub(super) fn new(pack: &Pack, panel: &Panel, asked: &super::ask::Asked, answer: Compact<Box<RawValue>>) -> Answer {
        let (columns, mut rows) = (answer.columns(), answer.data);
        let truncated = rows.len() > asked.limit;
        rows.truncate(asked.limit);
        Answer {
            pack_id: pack.id.clone(),
            panel_id: panel.id.clone(),
            title: panel.title.clone(),
            unit: panel.unit,
            visual: panel.visual,
            from: time::format(asked.window.from),
            to: time::format(asked.window.to),
            timezone: asked.timezone.clone(),
            bucket_seconds: asked.bucket().seconds,
            columns,
            rows,
            truncated,
        }
    }
}

// === impl Compact ===

impl<R> Compact<R> {
    pub(super) fn columns(&self) -> Vec<Column> {
        self.meta.iter().map(|meta| Column::new(&meta.name, &meta.clickhouse)).collect()
    }
}

// === impl Sheet ===

impl Sheet {
    /// Whether a cell of this column may say what a spreadsheet would run.
    pub fn is_text(&self, column: usize) -> bool {
        self.columns.get(column).is_none_or(|column| matches!(column.kind, Kind::String | Kind::List | Kind::Map))
    }
}
