//! Report packs, as a page asks for them.

mod audit;
mod claude_code;
mod devops;
mod engine;
mod exact;
mod llm_cost;
mod made;
mod operator;
mod own;
mod zones;

use hyper::Method;
use serde_json::Value;

use crate::people::call;
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

/// As whoever has this token; an empty one is nobody in particular.
pub async fn panel_as(server: &Server, token: &str, pack: &str, panel: &str, query: &[(&str, &str)]) -> Panel {
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
    let path = format!("/api/v1/packs/{pack}/panels/{panel}?{}", query.join("&"));
    let answer = call(server, Method::GET, &path, token, None).await;
    assert_eq!(answer.status, 200, "{pack}/{panel}: {}", answer.text());
    Panel::read(&answer.text())
}

/// Every panel of a pack, over a range that holds nothing.
pub async fn every_panel_answers(server: &Server, token: &str, pack: &str, range: [(&str, &str); 2]) {
    let list = call(server, Method::GET, "/api/v1/packs", token, None).await.json();
    let found = list["items"].as_array().expect("items").iter().find(|item| item["id"] == pack).expect("a pack");
    for shown in found["panels"].as_array().expect("panels") {
        let rows = panel_as(server, token, pack, shown["id"].as_str().expect("an id"), &range).await.rows;
        assert_eq!(rows.len(), usize::from(shown["visual"] == "stat"), "{pack}: {shown} {rows:?}");
    }
}
