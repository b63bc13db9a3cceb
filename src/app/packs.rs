//! The report packs that the configuration asks for, and whether packs run: at the start, and for `activitylog pack check`.

use std::path::PathBuf;
use std::sync::Arc;

use super::StartError;
use super::database::Database;
use crate::clickhouse::read::Reader;
use crate::clickhouse::server::StoreError;
use crate::config::{self, Config};
use crate::engine;
use crate::model::scope::Scope;
use crate::packs::ask::{Asked, Door, MOST_ROWS};
use crate::packs::check::check_pack;
use crate::packs::file::BadPack;
use crate::packs::{Library, Pack};
use crate::query::time::{self, SECOND, Window};

/// What a check found.
pub struct Checked {
    /// A line each.
    pub wrong: Vec<String>,
    pub panels: usize,
}

/// Rows of every kind, so that a panel that fails only where there is something to show fails in a check.
const FILLED: &str = include_str!("packs_filled.sql");
const FILLED_TENANT: &str = "filled";
/// No tenant has this name, so there is nothing to see.
const EMPTY_TENANT: &str = "";
const RANGE: i64 = 7 * 86_400 * SECOND;

/// Those that come with the product, and those of the operator's folder.
pub fn packs(config: &config::Packs) -> Result<Arc<Library>, BadPack> {
    let library = Library::built_in()?;
    if config.folder.as_os_str().is_empty() {
        return Ok(Arc::new(library));
    }
    library.with_folder(&config.folder).map(Arc::new)
}

/// Runs the operator's own once, over nothing. Those that come with the product have their tests.
pub(super) async fn check_folder(reader: &Reader, library: &Library) -> Result<(), StartError> {
    for pack in library.of_folder() {
        let wrong = over(reader, EMPTY_TENANT, pack).await;
        if !wrong.is_empty() {
            return Err(StartError::Pack(wrong.join("; ")));
        }
    }
    Ok(())
}

/// Runs packs over an empty and over a filled database: an engine of their own in a folder that is gone afterwards.
pub async fn check_packs(config: &Config, packs: &[Arc<Pack>]) -> Result<Checked, StartError> {
    let folder = std::env::temp_dir().join(format!("activitylog-pack-check-{}", uuid::Uuid::new_v4()));
    let mut config = Config { data_dir: folder.clone(), ..config.clone() };
    config.clickhouse.url.clear();
    let checked = in_folder(&config, packs).await;
    if let Err(error) = std::fs::remove_dir_all(&folder) {
        tracing::warn!(%error, folder = %folder.display(), "the folder of the check could not be removed");
    }
    checked
}

async fn in_folder(config: &Config, packs: &[Arc<Pack>]) -> Result<Checked, StartError> {
    let mut database = Database::connect(config, engine::lock_data_dir(&config.data_dir)?)?;
    let checked = match database.bring_up().await {
        Ok(_) => run(&database, packs).await.map_err(|error| StartError::Pack(error.to_string())),
        Err(error) => Err(error),
    };
    database.shut_down().await;
    checked
}

async fn run(database: &Database, packs: &[Arc<Pack>]) -> Result<Checked, StoreError> {
    for statement in FILLED.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
        database.writer().execute(statement).await?;
    }
    let reader = Reader::new(database.reader());
    let mut wrong = Vec::new();
    for pack in packs {
        for (tenant, what) in [(EMPTY_TENANT, "empty"), (FILLED_TENANT, "filled")] {
            let found = over(&reader, tenant, pack).await;
            wrong.extend(found.into_iter().map(|line| format!("{line} (over the {what} database)")));
        }
    }
    Ok(Checked { wrong, panels: packs.iter().map(|pack| pack.panels.len()).sum() })
}

async fn over(reader: &Reader, tenant: &str, pack: &Pack) -> Vec<String> {
    let to = time::now() + 60 * SECOND;
    let asked = Asked {
        window: Window { from: to - RANGE, to },
        timezone: "UTC".to_owned(),
        filters: Vec::new(),
        budget_cents: 10_000,
        limit: MOST_ROWS,
    };
    check_pack(Door::Reader(reader), &Scope::whole_tenant(tenant), pack, &asked).await
}

/// What `pack check` is given: files, or everything that `serve` would have.
pub fn packs_of(files: &[PathBuf], config: &config::Packs) -> Result<Vec<Arc<Pack>>, BadPack> {
    if files.is_empty() {
        return packs(config).map(|library| library.iter().cloned().collect());
    }
    let read = |path: &PathBuf| {
        let wrong = |what: &dyn std::fmt::Display| BadPack(format!("{}: {what}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
        crate::packs::file::parse(&text).map(Arc::new).map_err(|error| wrong(&error))
    };
    files.iter().map(read).collect()
}
