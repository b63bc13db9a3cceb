//! The activity feed and a project's audit page: audit entries that the caller may see, newest first.

mod export;
mod trail;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::access::{As, SignedIn};
use super::error::ApiError;
use super::files::as_file;
use super::params::Params;
use super::route::{About, Routes, about};
use super::router::Api;
use crate::audit::DECISION;
use crate::auth::Principal;
use crate::auth::permissions::Permission;
use crate::limits::window::SlidingWindow;
use crate::query::audit::{self, Action, Bounds, Filter, Row};

/// How often each user may ask, of this process.
pub struct Pace {
    feed: SlidingWindow<String>,
    project: SlidingWindow<String>,
    trail: SlidingWindow<String>,
    export: SlidingWindow<String>,
}

/// A page; `newest_cursor` is that of its first item, and of `since_cursor` where nothing is newer.
#[derive(Serialize, JsonSchema)]
pub struct Feed {
    items: Vec<Entry>,
    next_before_cursor: Option<String>,
    newest_cursor: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct Entry {
    id: String,
    project_id: Option<String>,
    project_slug: Option<String>,
    user_id: Option<String>,
    action: String,
    target_type: String,
    target_id: String,
    /// What became of it.
    result: String,
    /// `allow` or `deny`
    outcome: &'static str,
    metadata: Map<String, Value>,
    source_ip: Option<String>,
    occurred_at: String,
}

/// Of the feed as CSV; the metadata is JSON.
const COLUMNS: [&str; 12] = [
    "id",
    "occurred_at",
    "action",
    "project_slug",
    "project_id",
    "user_id",
    "target_type",
    "target_id",
    "result",
    "outcome",
    "source_ip",
    "metadata",
];
const MINUTE: Duration = Duration::from_secs(60);
/// Whose pace is remembered at once.
const MOST_CALLERS: usize = 10_000;

pub fn routes(routes: Routes) -> Routes {
    let feed = "Audit entries that the caller may see, newest first; 60 a minute for each user";
    let project = "Audit entries of one project, with network addresses, for its members; 120 a minute for each user";
    let routes = routes
        .at(Method::GET, "/api/v1/activity", feed_page, paged(feed).query("project_slug", "of one project alone"))
        .at(Method::GET, "/api/v1/projects/{slug}/audit", project_page, paged(project));
    export::routes(trail::routes(routes))
}

fn paged(summary: &'static str) -> About {
    let about = about(summary)
        .query("action_prefix", "how the action begins; no character of it stands for others")
        .query("limit", "1 to 200; 50 if nothing is said")
        .query("before_cursor", "only what is older")
        .query("since_cursor", "only what is newer: the rows next to the cursor, newest first")
        .gives::<Feed>();
    as_file(about, &COLUMNS)
}

/// `GET /api/v1/activity`: never more than reads, and for everybody who is signed in.
async fn feed_page(
    caller: As<SignedIn>,
    State(api): State<Arc<Api>>,
    mut params: Params,
) -> Result<Response, ApiError> {
    if api.pace.feed.take(&key(&caller), now_ms()).is_err() {
        return Err(ApiError::feed_rate());
    }
    let project = params.text("project_slug")?.unwrap_or_default();
    let with_addresses = caller.has(Permission::AddressesRead);
    page(&api, &caller, params, project, with_addresses).await
}

/// `GET /api/v1/projects/{slug}/audit`: what is no project answers like one of others.
async fn project_page(
    caller: As<SignedIn>,
    State(api): State<Arc<Api>>,
    slug: Result<Path<String>, PathRejection>,
    params: Params,
) -> Result<Response, ApiError> {
    paced(&api.pace.project, &caller)?;
    let Path(slug) = slug.map_err(|error| ApiError::bad_request(error.body_text()))?;
    if slug.is_empty() || !(caller.scope.all_projects || caller.scope.projects.contains(&slug)) {
        return Err(ApiError::forbidden("you are not a member of this project: ask an admin to add you"));
    }
    page(&api, &caller, params, slug, true).await
}

async fn page(
    api: &Api,
    caller: &Principal,
    mut params: Params,
    project: String,
    with_addresses: bool,
) -> Result<Response, ApiError> {
    let action = params.text("action_prefix")?.map_or(Action::Any, Action::BeginsWith);
    let kind = params.as_file()?;
    let limit = params.limit(kind, 50, 200)?;
    let bounds = Bounds { before: params.parsed("before_cursor")?, since: params.parsed("since_cursor")? };
    params.finish()?;
    let scope = &caller.scope;
    let may = |slug: &String| scope.all_projects || scope.projects.contains(slug);
    let nothing = (project.is_empty() && scope.projects.is_empty() && !scope.all_projects)
        || (!project.is_empty() && !may(&project));
    let snapshot = api.control.snapshot();
    let ids: HashMap<String, String> =
        snapshot.projects_of(caller.tenant()).map(|project| (project.slug.clone(), project.id.clone())).collect();
    let filter = Filter { project, action, ..Filter::default() };
    if let Some(kind) = kind {
        let list = export::List {
            name: "activity".to_owned(),
            columns: &COLUMNS,
            scope: scope.clone(),
            filter,
            bounds,
            nothing,
        };
        let item = move |row| entry(row, &ids, with_addresses);
        return export::send(api, caller, list, kind, limit, item).await;
    }
    let found = match nothing {
        // There is nothing to ask for.
        true => audit::Page { newest: bounds.since, ..audit::Page::default() },
        false => audit::page(&api.reader, scope, &filter, bounds, limit).await?,
    };
    Ok(Json(Feed {
        items: found.rows.into_iter().map(|row| entry(row, &ids, with_addresses)).collect(),
        next_before_cursor: found.next_before.map(|place| place.to_string()),
        newest_cursor: found.newest.map(|place| place.to_string()),
    })
    .into_response())
}

fn entry(row: Row, project_ids: &HashMap<String, String>, with_addresses: bool) -> Entry {
    let occurred_at = row.occurred_at();
    let mut metadata = row.attributes;
    let denied = metadata.shift_remove(DECISION).is_some_and(|decision| decision == "deny");
    Entry {
        id: row.id,
        project_id: project_ids.get(row.project.as_str()).cloned(),
        project_slug: said(row.project),
        user_id: said(row.user_id),
        action: row.action,
        target_type: row.target_type,
        target_id: row.target_id,
        result: said(row.outcome).unwrap_or_else(|| "success".to_owned()),
        outcome: if denied { "deny" } else { "allow" },
        metadata,
        source_ip: said(row.source_ip).filter(|_| with_addresses),
        occurred_at,
    }
}

fn said(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Ids of users are unique, but `local` is one in each tenant.
fn key(caller: &Principal) -> String {
    format!("{}\0{}", caller.tenant(), caller.user_id)
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn paced(pace: &SlidingWindow<String>, caller: &Principal) -> Result<(), ApiError> {
    if pace.take(&key(caller), now_ms()).is_ok() {
        return Ok(());
    }
    Err(ApiError::too_many("you ask too often: wait a little").after(MINUTE))
}

// === impl Pace ===

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            feed: SlidingWindow::new(60, MINUTE, MOST_CALLERS),
            project: SlidingWindow::new(120, MINUTE, MOST_CALLERS),
            trail: SlidingWindow::new(120, MINUTE, MOST_CALLERS),
            export: SlidingWindow::new(export::A_MINUTE, MINUTE, MOST_CALLERS),
        }
    }
}
