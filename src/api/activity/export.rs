//! Audit entries as files: of every list of them, and `GET /api/v1/audit/activity/export.csv`, the whole history of one user.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use futures_util::FutureExt;
use serde::Serialize;
use serde_json::Value;

use super::{paced, trail};
use crate::api::access::{As, ReadAudit};
use crate::api::error::ApiError;
use crate::api::files::{self, BATCH, Batch, Columns, File, Kind};
use crate::api::params::Params;
use crate::api::route::{Routes, about};
use crate::api::router::Api;
use crate::audit::{Action, Entry};
use crate::auth::Principal;
use crate::model::scope::Scope;
use crate::query::audit::{self, Bounds, Filter, Page, Place, Row};

/// Which entries, and what the file is called.
pub(super) struct List {
    pub name: String,
    pub columns: Columns,
    pub scope: Scope,
    pub filter: Filter,
    pub bounds: Bounds,
    /// The caller sees none of them.
    pub nothing: bool,
}

/// One entry of the history of a user.
#[derive(Serialize)]
struct Line {
    timestamp_utc: String,
    event_type: String,
    description: String,
    customer_id: String,
    user_id: String,
    correlation_id: String,
    metadata_json: String,
}

const COLUMNS: [&str; 7] =
    ["timestamp_utc", "event_type", "description", "customer_id", "user_id", "correlation_id", "metadata_json"];
/// Of each caller.
pub(super) const A_MINUTE: usize = 10;
const LONGEST_NAME: usize = 64;

pub(super) fn routes(routes: Routes) -> Routes {
    let export = about("The whole history of one user as CSV; 10 a minute for each caller, 4 at once")
        .query("user_id", "whose; required")
        .media("text/csv");
    routes.at(Method::GET, "/api/v1/audit/activity/export.csv", export_csv, export)
}

async fn export_csv(
    caller: As<ReadAudit>,
    State(api): State<Arc<Api>>,
    mut params: Params,
) -> Result<Response, ApiError> {
    let user_id = params.text("user_id")?;
    params.finish()?;
    let user_id = user_id.ok_or_else(|| ApiError::bad_request("user_id is missing: say whose history is wanted"))?;
    let tenant = caller.tenant().to_owned();
    let list = List {
        name: format!("activity-{}", user_id.chars().take(LONGEST_NAME).collect::<String>()),
        columns: &COLUMNS,
        scope: trail::scope(&caller),
        filter: Filter { user_id, ..Filter::default() },
        bounds: Bounds::default(),
        nothing: false,
    };
    send(&api, &caller, list, Kind::Csv, files::MOST_ROWS, move |row| line(row, &tenant)).await
}

fn line(row: Row, tenant: &str) -> Line {
    Line {
        timestamp_utc: row.timestamp(),
        event_type: row.action,
        description: row.message,
        customer_id: tenant.to_owned(),
        user_id: row.user_id,
        correlation_id: row.correlation_id,
        metadata_json: Value::Object(row.attributes).to_string(),
    }
}

/// Newest first. The trail says that it left, and whose entries.
pub(super) async fn send<T: Serialize>(
    api: &Api,
    caller: &Principal,
    list: List,
    kind: Kind,
    most: usize,
    item: impl Fn(Row) -> T + Send + Sync + 'static,
) -> Result<Response, ApiError> {
    paced(&api.pace.export, caller)?;
    let file = File { kind, name: list.name.clone(), columns: list.columns, most };
    let entry = said(caller, &list.filter);
    let shared = Arc::new((api.reader.clone(), list, item));
    let next = move |after: Option<Place>| {
        let shared = shared.clone();
        async move {
            let (reader, list, item) = &*shared;
            let page = match list.nothing {
                true => Page::default(),
                false => {
                    // From the newest on, also where only what is newer is wanted.
                    let newest = Place { us: i64::MAX / 1000, id: uuid::Uuid::max() };
                    let before = after.or(list.bounds.before).or(list.bounds.since.map(|_| newest));
                    let bounds = Bounds { before, since: list.bounds.since };
                    audit::page(reader, &list.scope, &list.filter, bounds, BATCH).await?
                }
            };
            let rows: Vec<T> = page.rows.into_iter().map(item).collect();
            Ok(Batch { items: files::items(&rows)?, next: page.next_before })
        }
        .boxed()
    };
    let answer = files::send(&api.files, file, next).await?;
    api.trail.record(entry).await;
    Ok(answer)
}

fn said(caller: &Principal, filter: &Filter) -> Entry {
    let entry = |what: &str| Entry::by(caller, Action::ExportActivity, what);
    if !filter.user_id.is_empty() {
        entry("the activity of a user was exported").target("user", filter.user_id.as_str())
    } else if !filter.project.is_empty() {
        entry("the activity in a project was exported").target("project", filter.project.as_str())
    } else {
        entry("activity was exported")
    }
}
