//! Report packs: what people ask of their events, as files. One engine runs them all behind the tenant wall.
//!
//! ```text
//! config/packs/*.toml --file--> Pack { panels } --ask--> SQL over pub.* with bound parameters --> Answer { columns, rows }
//! ```
//! A pack that comes with the product, or lies in the operator's folder, is asked as the product's own reads are. One that a tenant
//! wrote is asked as callers' own SQL is: through the gate, within the tier's limits.

pub mod answer;
pub mod ask;
pub mod bucket;
pub mod check;
pub mod column;
pub mod file;
mod fragments;
pub mod library;
pub mod seen;
pub mod visual;

use crate::auth::permissions::Permission;
use fragments::Text;
use visual::Visual;

pub use library::Library;

/// What can be asked for beside the range; each is a parameter of its name in SQL, empty where it is not asked for.
pub const FILTERS: [&str; 13] = [
    "project",
    "user_id",
    "model",
    "provider",
    "repository",
    "service",
    "environment",
    "session_id",
    "feature",
    "team",
    "tool_name",
    "outcome",
    "action",
];

#[derive(Debug, Clone)]
pub struct Pack {
    pub id: String,
    pub title: String,
    pub description: String,
    /// Values of the column `source`: the pack is of use where one of them is.
    pub sources: Vec<String>,
    /// What one must be allowed to see it.
    pub permission: Permission,
    /// What its page offers, in this order.
    pub filters: Vec<&'static str>,
    pub panels: Vec<Panel>,
}

#[derive(Debug, Clone)]
pub struct Panel {
    pub id: String,
    pub title: String,
    pub description: String,
    /// Of its main values.
    pub unit: Unit,
    pub visual: Visual,
    /// The column on the time axis.
    pub x: Option<String>,
    /// The column that names series or categories.
    pub by: Option<String>,
    pub values: Vec<String>,
    pub width: Width,
    /// Shown on the dashboard too.
    pub summary: bool,
    /// An address of the portal, with `{column}` for a row's value.
    pub drill_down: Option<String>,
    /// Those that its SQL asks for.
    pub filters: Vec<&'static str>,
    sql: Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    #[default]
    None,
    Usd,
    Tokens,
    Count,
    /// 0 to 1.
    Ratio,
    Ms,
    Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Width {
    #[default]
    Half,
    Full,
}

// === impl Pack ===

impl Pack {
    pub fn panel(&self, id: &str) -> Option<&Panel> {
        self.panels.iter().find(|panel| panel.id == id)
    }
}
