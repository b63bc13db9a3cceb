//! How a panel is drawn, and which columns that needs.

use super::Panel;
use super::column::{Column, Kind};

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Visual {
    /// Lines over time.
    Line,
    /// Stacked areas over time.
    Area,
    /// Stacked bars over time.
    Columns,
    /// One row is one category, drawn in the rows' order.
    Bars,
    /// One row; its first value is the headline.
    Stat,
    Table,
    /// A traffic light for each row, with its reason.
    Status,
    /// Events on a time axis, in lanes.
    Marks,
    /// Steps within steps, each with its start and length.
    Waterfall,
}

const WATERFALL: [&str; 7] = ["id", "parent_id", "time", "duration_ms", "kind", "name", "outcome"];

// === impl Visual ===

impl Visual {
    fn over_time(self) -> bool {
        matches!(self, Visual::Line | Visual::Area | Visual::Columns)
    }

    /// Whether what the file says of the columns is what this visual needs. The text is for whoever wrote the file.
    pub(super) fn suits(self, panel: &Panel) -> Result<(), String> {
        let need = |there: bool, what: &str| if there { Ok(()) } else { Err(what.to_owned()) };
        if self.over_time() {
            need(panel.x.is_some(), "needs x: the column with the time")?;
            need(!panel.values.is_empty(), "needs values: the columns with the figures")?;
            return need(
                panel.by.is_none() || panel.values.len() == 1,
                "with by takes one value: each of by's is a series",
            );
        }
        match self {
            Visual::Bars => {
                need(panel.by.is_some(), "needs by: the column that names the categories")?;
                need(!panel.values.is_empty(), "needs values: the columns with the figures")
            }
            Visual::Stat => {
                need(!panel.values.is_empty(), "needs values: the headline and what stands below it")?;
                need(panel.x.is_none() && panel.by.is_none(), "is one row: it takes neither x nor by")
            }
            Visual::Status => need(panel.by.is_some(), "needs by: the column that says whose status it is"),
            Visual::Marks => need(panel.x.is_some() && panel.by.is_some(), "needs x (the time) and by (the lane)"),
            _ => Ok(()),
        }
    }

    /// Whether an answer has what this visual needs.
    pub(super) fn fits(self, panel: &Panel, columns: &[Column], rows: usize) -> Result<(), String> {
        let find = |name: &str| {
            let known = || columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
            columns
                .iter()
                .find(|column| column.name == name)
                .ok_or_else(|| format!("there is no column {name:?}: the query gives {}", known()))
        };
        if let Some(x) = &panel.x
            && !matches!(find(x)?.kind, Kind::Time | Kind::Date)
        {
            return Err(format!("x: {x:?} is neither a time nor a date"));
        }
        if let Some(by) = &panel.by {
            find(by)?;
        }
        for value in &panel.values {
            if !find(value)?.kind.is_number() {
                return Err(format!("values: {value:?} is not a number"));
            }
        }
        let wanted: &[&str] = match self {
            Visual::Waterfall => &WATERFALL,
            Visual::Status => &["status", "reason"],
            _ => &[],
        };
        for name in wanted {
            find(name)?;
        }
        if self == Visual::Stat && rows != 1 {
            return Err(format!("a stat is one row, whatever the range holds: the query gave {rows}"));
        }
        for name in panel.drill_down.iter().flat_map(|address| placeholders(address)) {
            if !super::FILTERS.contains(&name) {
                find(name).map_err(|error| format!("drill_down: {error}"))?;
            }
        }
        Ok(())
    }
}

/// The names between braces.
fn placeholders(address: &str) -> impl Iterator<Item = &str> {
    address.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}
