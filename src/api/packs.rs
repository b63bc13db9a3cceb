//! Report packs: which there are, which are on, and what their panels say.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::access::{As, ManagePacks, ReadEvents};
use super::body::{InPath, JsonBody};
use super::error::ApiError;
use super::files::csv;
use super::params::Params;
use super::people::change;
use super::route::{About, Routes, about};
use super::router::Api;
use super::sql;
use crate::auth::Principal;
use crate::auth::permissions::Permission;
use crate::clickhouse::server::StoreError;
use crate::control::Snapshot;
use crate::control::records::PackChoice;
use crate::packs::answer::{Answer, Sheet};
use crate::packs::ask::{self, AskError, Asked, Door, MOST_ROWS};
use crate::packs::check::check_pack;
use crate::packs::file::parse;
use crate::packs::visual::Visual;
use crate::packs::{FILTERS, Pack, Panel, Unit, Width};
use crate::people::packs::{self as rules, EditPack};
use crate::query::time::{self, SECOND, Window};

#[derive(Serialize, JsonSchema)]
struct Packs {
    items: Vec<PackItem>,
}

#[derive(Serialize, JsonSchema)]
struct PackItem {
    id: String,
    title: String,
    description: String,
    /// The sources of events that it is about.
    sources: Vec<String>,
    /// What its page lets one filter by.
    filters: Vec<&'static str>,
    /// An admin's choice; as long as nobody chose, whether it is available.
    enabled: bool,
    /// One of its sources was seen, or is configured.
    available: bool,
    /// The tenant's own.
    custom: bool,
    /// Whether the caller may turn it on and off.
    may_change: bool,
    panels: Vec<PanelItem>,
}

#[derive(Serialize, JsonSchema)]
struct PanelItem {
    id: String,
    title: String,
    description: String,
    unit: Unit,
    visual: Visual,
    x: Option<String>,
    by: Option<String>,
    values: Vec<String>,
    width: Width,
    summary: bool,
    /// An address of the portal, with {column} for a row's value.
    drill_down: Option<String>,
    filters: Vec<&'static str>,
}

/// A pack as one caller has it.
struct Found {
    pack: Arc<Pack>,
    choice: PackChoice,
    custom: bool,
}

const DEFAULT_RANGE: i64 = 30 * 86_400 * SECOND;
const LONGEST_RANGE: i64 = 400 * 86_400 * SECOND;

pub fn routes(routes: Routes) -> Routes {
    let one = "/api/v1/packs/{pack_id}";
    let list = about("Report packs, and whether they are on").gives::<Packs>();
    let edit = about("Turn a pack on or off, or write one of one's own").takes::<EditPack>().gives::<PackItem>();
    let gone = about("Delete a pack of one's own, or forget what was chosen about another").status(204);
    routes
        .at(Method::GET, "/api/v1/packs", list_packs, list)
        .at(Method::PUT, one, put_pack, edit)
        .at(Method::DELETE, one, delete_pack, gone)
        .at(Method::GET, "/api/v1/packs/{pack_id}/panels/{panel_id}", get_panel, asked_about())
}

fn asked_about() -> About {
    let about = about("What a panel says of a range")
        .query("from", "RFC 3339; 30 days before to, if nothing is said")
        .query("to", "RFC 3339; now, if nothing is said")
        .query("timezone", "an IANA name, whose days and hours the buckets are; UTC if nothing is said")
        .number("limit", "rows, 1 to 10000; 10000 if nothing is said")
        .query("format", "json or csv")
        .gives::<Answer>();
    FILTERS
        .into_iter()
        .fold(about, |about, name| about.query(name, "equal to this; a panel that does not know it goes without"))
}

async fn list_packs(
    caller: As<ReadEvents>,
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Json<Packs>, ApiError> {
    params.finish()?;
    let snapshot = api.control.snapshot();
    let mut items = Vec::new();
    for found in all(&api, &snapshot, &caller) {
        items.push(item(&api, &snapshot, &caller, &found).await?);
    }
    Ok(Json(Packs { items }))
}

async fn put_pack(
    caller: As<ManagePacks>,
    State(api): State<Arc<Api>>,
    InPath(pack_id): InPath<String>,
    JsonBody(request): JsonBody<EditPack>,
) -> Result<Json<PackItem>, ApiError> {
    let who = Principal::clone(&caller);
    if let Some(definition) = &request.definition {
        rules::edit(&api.control.snapshot(), &api.packs, &who, &pack_id, &request)?;
        answers(&api, &who, definition).await?;
    }
    let (library, id) = (api.packs.clone(), pack_id.clone());
    change(&api, move |snapshot| rules::edit(snapshot, &library, &caller, &id, &request)).await?;
    let snapshot = api.control.snapshot();
    let found = find(&api, &snapshot, &who, &pack_id)?;
    Ok(Json(item(&api, &snapshot, &who, &found).await?))
}

async fn delete_pack(
    caller: As<ManagePacks>,
    State(api): State<Arc<Api>>,
    InPath(pack_id): InPath<String>,
) -> Result<StatusCode, ApiError> {
    let library = api.packs.clone();
    change(&api, move |snapshot| rules::remove(snapshot, &library, &caller, &pack_id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn get_panel(
    caller: As<ReadEvents>,
    State(api): State<Arc<Api>>,
    InPath((pack_id, panel_id)): InPath<(String, String)>,
    params: Params,
) -> Result<Response, ApiError> {
    let snapshot = api.control.snapshot();
    let found = find(&api, &snapshot, &caller, &pack_id)?;
    let panel = found.pack.panel(&panel_id);
    let panel = panel.ok_or_else(|| ApiError::not_found(format!("the pack {pack_id} has no panel {panel_id:?}")))?;
    let (mut asked, as_csv) = asked(params)?;
    if !enabled(&api, &snapshot, &caller, &found).await? {
        return Err(ApiError::not_found(format!("the pack {pack_id} is off: an admin turns it on at /packs")));
    }
    asked.budget_cents = snapshot.tenants.get(caller.tenant()).map_or(0, |tenant| tenant.monthly_budget_cents);
    let door = door(&api, &caller, found.custom);
    if as_csv {
        return Ok(csv_of(&found.pack, panel, &ask::sheet(door, &caller.scope, panel, &asked).await?));
    }
    let answer = ask::ask(door, &caller.scope, &found.pack, panel, &asked).await?;
    Ok(Json(answer).into_response())
}

fn asked(mut params: Params) -> Result<(Asked, bool), ApiError> {
    let (from, to) = (params.instant("from")?, params.instant("to")?);
    // What is stamped a little ahead of our clock belongs to now.
    let to = to.unwrap_or_else(|| time::now().saturating_add(60 * SECOND));
    let from = from.unwrap_or_else(|| to.saturating_sub(DEFAULT_RANGE).max(0));
    if from >= to {
        return Err(ApiError::bad_request("from is not before to: swap them, or widen the range"));
    }
    if to - from > LONGEST_RANGE {
        return Err(ApiError::bad_request("the range is longer than 400 days: ask for a shorter one"));
    }
    let timezone = params.text("timezone")?.unwrap_or_else(|| "UTC".to_owned());
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '+' | '-');
    if timezone.len() > 64 || !timezone.chars().all(in_name) {
        return Err(AskError::TimeZone(timezone).into());
    }
    let limit = params.number("limit", MOST_ROWS, MOST_ROWS)?;
    let as_csv = match params.text("format")?.as_deref() {
        None | Some("json") => false,
        Some("csv") => true,
        Some(other) => return Err(ApiError::bad_request(format!("format: {other:?} is neither json nor csv"))),
    };
    let mut filters = Vec::new();
    for name in FILTERS {
        if let Some(value) = params.text(name)? {
            filters.push((name, value));
        }
    }
    params.finish()?;
    Ok((Asked { window: Window { from, to }, timezone, filters, budget_cents: 0, limit }, as_csv))
}

fn csv_of(pack: &Pack, panel: &Panel, sheet: &Sheet) -> Response {
    let mut text = String::new();
    csv::line(&sheet.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), &mut text);
    for row in &sheet.rows {
        csv::typed_line(row.iter().enumerate().map(|(index, cell)| (cell.as_str(), sheet.is_text(index))), &mut text);
    }
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    let name = format!("attachment; filename=\"{}-{}.csv\"", pack.id, panel.id);
    // Ids are kebab-case.
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    response
}

fn door<'a>(api: &'a Api, caller: &Principal, custom: bool) -> Door<'a> {
    match custom {
        true => Door::Gateway(&api.gateway, sql::limits(api, caller)),
        false => Door::Reader(&api.reader),
    }
}

/// A pack of a tenant's own must run before it is kept.
async fn answers(api: &Api, caller: &Principal, definition: &str) -> Result<(), ApiError> {
    // It was read already; what is wrong with it was said.
    let pack = parse(definition).map_err(|error| ApiError::bad_request(error.to_string()))?;
    let now = time::now();
    let asked = Asked {
        window: Window { from: now - 86_400 * SECOND, to: now },
        timezone: "UTC".to_owned(),
        filters: Vec::new(),
        budget_cents: 0,
        limit: MOST_ROWS,
    };
    let wrong = check_pack(door(api, caller, true), &caller.scope, &pack, &asked).await;
    wrong.first().map_or(Ok(()), |wrong| Err(ApiError::bad_request(format!("definition: {wrong}"))))
}

/// Those of the product's, the operator's and the tenant's that the caller may see.
fn all(api: &Api, snapshot: &Snapshot, caller: &Principal) -> Vec<Found> {
    let choice = |id: &str| snapshot.pack(caller.tenant(), id).map(|state| state.choice).unwrap_or_default();
    let built_in = api.packs.iter().map(|pack| Found { pack: pack.clone(), choice: choice(&pack.id), custom: false });
    let own = snapshot.packs_of(caller.tenant()).filter(|state| !state.definition.is_empty());
    // It was checked when it was written; a later version that reads it otherwise leaves it out.
    let own = own.filter_map(|state| {
        let pack = Arc::new(parse(&state.definition).ok()?);
        Some(Found { pack, choice: state.choice, custom: true })
    });
    let own: Vec<Found> = own.filter(|found| api.packs.get(&found.pack.id).is_none()).collect();
    built_in.chain(own).filter(|found| caller.has(found.pack.permission)).collect()
}

fn find(api: &Api, snapshot: &Snapshot, caller: &Principal, id: &str) -> Result<Found, ApiError> {
    let found = all(api, snapshot, caller).into_iter().find(|found| found.pack.id == id);
    found.ok_or_else(|| ApiError::not_found(format!("there is no pack {id:?}")))
}

async fn available(api: &Api, snapshot: &Snapshot, caller: &Principal, pack: &Pack) -> Result<bool, StoreError> {
    api.seen.any(&api.reader, snapshot, caller.tenant(), &pack.sources).await
}

async fn enabled(api: &Api, snapshot: &Snapshot, caller: &Principal, found: &Found) -> Result<bool, StoreError> {
    match found.choice {
        PackChoice::On => Ok(true),
        PackChoice::Off => Ok(false),
        PackChoice::Unsaid => available(api, snapshot, caller, &found.pack).await,
    }
}

async fn item(api: &Api, snapshot: &Snapshot, caller: &Principal, found: &Found) -> Result<PackItem, ApiError> {
    let available = available(api, snapshot, caller, &found.pack).await?;
    let pack = &found.pack;
    Ok(PackItem {
        id: pack.id.clone(),
        title: pack.title.clone(),
        description: pack.description.clone(),
        sources: pack.sources.clone(),
        filters: pack.filters.clone(),
        enabled: match found.choice {
            PackChoice::On => true,
            PackChoice::Off => false,
            PackChoice::Unsaid => available,
        },
        available,
        custom: found.custom,
        may_change: caller.has(Permission::PacksManage) && rules::may_change(snapshot, caller).is_ok(),
        panels: pack.panels.iter().map(panel_item).collect(),
    })
}

fn panel_item(panel: &Panel) -> PanelItem {
    PanelItem {
        id: panel.id.clone(),
        title: panel.title.clone(),
        description: panel.description.clone(),
        unit: panel.unit,
        visual: panel.visual,
        x: panel.x.clone(),
        by: panel.by.clone(),
        values: panel.values.clone(),
        width: panel.width,
        summary: panel.summary,
        drill_down: panel.drill_down.clone(),
        filters: panel.filters.clone(),
    }
}
