//! A pack's file: what it says, and what is wrong with it. docs/PACKS.md says what its keys mean.

use serde::Deserialize;

use super::fragments::expand;
use super::visual::Visual;
use super::{FILTERS, Pack, Panel, Unit, Width};
use crate::auth::permissions::Permission;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackFile {
    id: String,
    title: String,
    description: String,
    sources: Vec<String>,
    permission: Option<String>,
    #[serde(default)]
    filters: Vec<String>,
    #[serde(default)]
    fragments: toml::Table,
    panels: Vec<PanelFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PanelFile {
    id: String,
    title: String,
    description: String,
    #[serde(default)]
    unit: Unit,
    visual: Visual,
    x: Option<String>,
    by: Option<String>,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    width: Width,
    #[serde(default)]
    summary: bool,
    drill_down: Option<String>,
    sql: String,
}

/// What is wrong with a pack: for whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPack(pub String);

pub const LONGEST_FILE: usize = 256 << 10;
const MOST_PANELS: usize = 64;
const LONGEST_TEXT: usize = 500;

pub fn parse(text: &str) -> Result<Pack, BadPack> {
    if text.len() > LONGEST_FILE {
        return Err(BadPack(format!("a pack has at most {LONGEST_FILE} bytes")));
    }
    // With the line and the column.
    let mut file: PackFile = toml::from_str(text).map_err(|error| BadPack(error.to_string().trim().to_owned()))?;
    let panels = std::mem::take(&mut file.panels);
    let id = file.id.clone();
    let wrong = |what: String| BadPack(format!("pack {id:?}: {what}"));
    kebab(&id).map_err(wrong)?;
    short(&[&file.title, &file.description]).map_err(wrong)?;
    if file.sources.is_empty() {
        return Err(wrong("sources: name at least one, such as \"claude_code\"".to_owned()));
    }
    if panels.is_empty() || panels.len() > MOST_PANELS {
        return Err(wrong(format!("a pack has 1 to {MOST_PANELS} panels")));
    }
    let permission = match file.permission.as_deref() {
        None => Permission::EventsRead,
        Some(name) => name.parse().map_err(|error| wrong(format!("permission: {error}")))?,
    };
    let filters = file.filters.iter().map(|name| filter(name)).collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    let fragments = fragments(&file.fragments).map_err(wrong)?;
    let mut read: Vec<Panel> = Vec::new();
    for panel in panels {
        let name = panel.id.clone();
        let wrong = |what: String| BadPack(format!("pack {id:?}, panel {name:?}: {what}"));
        if read.iter().any(|other| other.id == name) {
            return Err(wrong("there is another one with this id".to_owned()));
        }
        read.push(panel_of(panel, &fragments).map_err(wrong)?);
    }
    Ok(Pack {
        id: file.id,
        title: file.title,
        description: file.description,
        sources: file.sources,
        permission,
        filters,
        panels: read,
    })
}

fn panel_of(file: PanelFile, fragments: &[(String, String)]) -> Result<Panel, String> {
    kebab(&file.id)?;
    short(&[&file.title, &file.description])?;
    let address = file.drill_down.as_deref().unwrap_or("/");
    // A path of the portal: nothing of another site's, whatever a row says.
    if !address.starts_with('/') || address.starts_with("//") || address.starts_with("/{") || address.contains('\\') {
        return Err(
            "drill_down: give a path of the portal, such as \"/?source=github\" or \"/traces/{trace_id}\"".to_owned()
        );
    }
    let sql = expand(&file.sql, fragments)?;
    let panel = Panel {
        filters: FILTERS.into_iter().filter(|name| sql.params.contains(name)).collect(),
        id: file.id,
        title: file.title,
        description: file.description,
        unit: file.unit,
        visual: file.visual,
        x: file.x,
        by: file.by,
        values: file.values,
        width: file.width,
        summary: file.summary,
        drill_down: file.drill_down,
        sql,
    };
    panel.visual.suits(&panel).map_err(|what| format!("visual: {:?} {what}", panel.visual).to_lowercase())?;
    Ok(panel)
}

/// In the order of the file, so that each may use those above it.
fn fragments(table: &toml::Table) -> Result<Vec<(String, String)>, String> {
    let text = |(name, value): (&String, &toml::Value)| match value {
        toml::Value::String(text) if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') => {
            Ok((name.clone(), text.clone()))
        }
        _ => Err(format!("fragments: {name:?} must be lower-case letters, and a text")),
    };
    table.iter().map(text).collect()
}

fn filter(name: &str) -> Result<&'static str, String> {
    let known = FILTERS.into_iter().find(|known| *known == name);
    known.ok_or_else(|| format!("filters: {name:?} is none of {}", FILTERS.join(", ")))
}

fn kebab(id: &str) -> Result<(), String> {
    let words = |id: &str| {
        id.split('-').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
    };
    if id.len() <= 64 && words(id) {
        return Ok(());
    }
    Err(format!("id: {id:?} is not kebab-case: write it as cost-by-user, at most 64 letters"))
}

fn short(texts: &[&String]) -> Result<(), String> {
    if texts.iter().all(|text| !text.trim().is_empty() && text.len() <= LONGEST_TEXT) {
        return Ok(());
    }
    Err(format!("title and description are needed, of at most {LONGEST_TEXT} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        id = "mine"
        title = "Mine"
        description = "What I ask."
        sources = ["app"]
        filters = ["project"]
        [fragments]
        rows = "FROM pub.events WHERE $window"
        [[panels]]
        id = "volume"
        title = "Volume"
        description = "Events."
        unit = "count"
        visual = "columns"
        x = "time"
        values = ["events"]
        drill_down = "/?source=app"
        sql = "SELECT $bucket(timestamp) AS time, count() AS events $rows GROUP BY time ORDER BY time"
    "#;

    #[test]
    fn a_file_is_a_pack() {
        let pack = parse(GOOD).expect("a pack");
        let panel = pack.panel("volume").expect("a panel");
        assert_eq!(
            (&pack.filters, &panel.filters, panel.unit),
            (&vec!["project"], &vec!["project", "user_id"], Unit::Count)
        );
        assert!(panel.sql.with_interval("1 HOUR").contains("INTERVAL 1 HOUR"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let says = |from: &str, to: &str, what: &str| {
            let error = parse(&GOOD.replace(from, to)).expect_err("wrong").0;
            assert!(error.contains(what), "{error}");
        };
        says("id = \"volume\"", "id = \"Volume_1\"", "kebab-case");
        says("x = \"time\"", "", "needs x");
        says("visual = \"columns\"", "visual = \"pie\"", "pie");
        says("unit = \"count\"", "untit = \"count\"", "untit");
        says("$rows", "$row", "panel \"volume\": there is no fragment $row");
        says("\"/?source=app\"", "\"https://example.com\"", "a path of the portal");
        says("\"/?source=app\"", "\"//example.com\"", "a path of the portal");
        says("[\"project\"]", "[\"tenant_id\"]", "is none of");
        says("sources = [\"app\"]", "sources = []", "at least one");
        says("id = \"mine\"", "id = \"mine\"\npermission = \"root\"", "permission");
        assert!(parse("id = ").expect_err("torn").0.contains("line 1"));
    }
}
