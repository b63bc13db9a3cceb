//! Whether a pack's panels run, and answer what their visuals need.

use super::ask::{Asked, Door, ask};
use super::{Pack, Panel};
use crate::model::scope::Scope;

/// What is wrong, a line for each panel. Of each the first thing only.
pub async fn check_pack(door: Door<'_>, scope: &Scope, pack: &Pack, asked: &Asked) -> Vec<String> {
    let mut wrong = Vec::new();
    for panel in &pack.panels {
        if let Err(what) = check_panel(door, scope, pack, panel, asked).await {
            wrong.push(format!("pack {:?}, panel {:?}: {what}", pack.id, panel.id));
        }
    }
    wrong
}

async fn check_panel(door: Door<'_>, scope: &Scope, pack: &Pack, panel: &Panel, asked: &Asked) -> Result<(), String> {
    let answer = ask(door, scope, pack, panel, asked).await.map_err(|error| error.to_string())?;
    panel.visual.fits(panel, &answer.columns, answer.rows.len())
}
