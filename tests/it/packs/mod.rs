//! Report packs, as a page asks for them.

mod engine;
mod own;

use serde_json::Value;

use crate::store::percent;
use crate::support::{Answer, Server};

/// What a panel said.
pub struct Panel {
    pub body: Value,
    /// With every figure as it was written: a cost is compared as text, to the last digit.
    pub rows: Vec<Vec<String>>,
}

/// Asks a panel; `query` are pairs of a parameter and its value.
pub async fn ask(server: &Server, pack: &str, panel: &str, query: &[(&str, &str)]) -> Answer {
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
    server.get(&format!("/api/v1/packs/{pack}/panels/{panel}?{}", query.join("&"))).await
}

/// The panel's answer, which must be a 200.
pub async fn panel(server: &Server, pack: &str, panel: &str, query: &[(&str, &str)]) -> Panel {
    let answer = ask(server, pack, panel, query).await;
    assert_eq!(answer.status, 200, "{pack}/{panel}: {}", answer.text());
    Panel::read(&answer.text())
}

// === impl Panel ===

impl Panel {
    fn read(text: &str) -> Panel {
        #[derive(serde::Deserialize)]
        struct Rows {
            rows: Vec<Vec<Box<serde_json::value::RawValue>>>,
        }
        let rows: Rows = serde_json::from_str(text).expect("rows");
        // Text without its quotes, everything else as it stands.
        let plain = |raw: Box<serde_json::value::RawValue>| match serde_json::from_str(raw.get()) {
            Ok(Value::String(text)) => text,
            _ => raw.get().to_owned(),
        };
        let rows = rows.rows.into_iter().map(|row| row.into_iter().map(plain).collect()).collect();
        Panel { body: serde_json::from_str(text).expect("JSON"), rows }
    }

    pub fn columns(&self) -> Vec<&str> {
        let columns = self.body["columns"].as_array().expect("columns");
        columns.iter().map(|column| column["name"].as_str().expect("a name")).collect()
    }

    /// The values of one column, row by row.
    pub fn column(&self, name: &str) -> Vec<&str> {
        let at = self.columns().iter().position(|column| *column == name);
        let at = at.unwrap_or_else(|| panic!("no column {name}: {:?}", self.columns()));
        self.rows.iter().map(|row| row[at].as_str()).collect()
    }

    /// Rows of these columns only.
    pub fn of(&self, names: &[&str]) -> Vec<Vec<&str>> {
        let columns: Vec<Vec<&str>> = names.iter().map(|name| self.column(name)).collect();
        (0..self.rows.len()).map(|row| columns.iter().map(|column| column[row]).collect()).collect()
    }
}
