//! The audit trail of a tenant, and whose entries one may ask for.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::export::{self, List};
use super::{paced, said};
use crate::api::access::{As, ReadAudit};
use crate::api::error::ApiError;
use crate::api::files::as_file;
use crate::api::params::Params;
use crate::api::route::{Routes, about};
use crate::api::router::Api;
use crate::auth::Principal;
use crate::auth::principal::Via;
use crate::control::records::User;
use crate::model::scope::Scope;
use crate::query::audit::{self, Action, Bounds, Filter, Row};
use crate::query::time::{self, SECOND};

#[derive(Serialize, JsonSchema)]
pub struct Trail {
    items: Vec<Entry>,
    next_before_cursor: Option<String>,
    newest_cursor: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct Entry {
    id: String,
    timestamp: String,
    event_type: String,
    description: String,
    /// The tenant.
    customer_id: String,
    user_id: Option<String>,
    correlation_id: Option<String>,
    metadata: Map<String, Value>,
}

#[derive(Serialize, JsonSchema)]
pub struct Users {
    items: Vec<Somebody>,
    next_cursor: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct Somebody {
    id: String,
    name: String,
    email: String,
    role: String,
}

/// Of the trail as CSV; the metadata is JSON.
const COLUMNS: [&str; 8] =
    ["id", "timestamp", "event_type", "description", "customer_id", "user_id", "correlation_id", "metadata"];
const LONGEST: i64 = 30 * 86_400 * SECOND;
/// Larger limits are this one.
const MOST: usize = 200;

pub(super) fn routes(routes: Routes) -> Routes {
    let trail = about("The audit trail of the tenant, newest first, of 30 days at most")
        .query("user_id", "of one user alone")
        .query("event_type", "exact, or a prefix with a trailing *")
        .query("from", "RFC 3339; 30 days before to, if nothing or more is said")
        .query("to", "RFC 3339; now, if nothing is said")
        .query("limit", "1 to 200; 100 if nothing is said")
        .query("before_cursor", "only what is older")
        .query("since_cursor", "only what is newer: the rows next to the cursor, newest first")
        .gives::<Trail>();
    let trail = as_file(trail, &COLUMNS);
    let users = about("Everyone in the tenant")
        .query("q", "text in the name or the address, in either case")
        .query("limit", "1 to 200; 50 if nothing is said")
        .query("cursor", "where the last page ended")
        .gives::<Users>();
    routes.at(Method::GET, "/api/v1/audit/activity", page, trail).at(
        Method::GET,
        "/api/v1/audit/users",
        users_page,
        users,
    )
}

/// `audit.read` is about everybody in the tenant; a token may have been minted for less.
pub(super) fn scope(caller: &Principal) -> Scope {
    match caller.via {
        Via::Token(_) => caller.scope.clone(),
        _ => Scope::whole_tenant(caller.tenant()),
    }
}

/// `GET /api/v1/audit/activity`
async fn page(caller: As<ReadAudit>, State(api): State<Arc<Api>>, mut params: Params) -> Result<Response, ApiError> {
    paced(&api.pace.trail, &caller)?;
    let filter = filter(&mut params)?;
    let kind = params.as_file()?;
    let limit = params.limit(kind, 100, usize::MAX)?;
    let bounds = Bounds { before: params.parsed("before_cursor")?, since: params.parsed("since_cursor")? };
    params.finish()?;
    let scope = scope(&caller);
    if let Some(kind) = kind {
        let name = "audit".to_owned();
        let list = List { name, columns: &COLUMNS, scope, filter, bounds, nothing: false };
        let tenant = caller.tenant().to_owned();
        return export::send(&api, &caller, list, kind, limit, move |row| entry(row, &tenant)).await;
    }
    let found = audit::page(&api.reader, &scope, &filter, bounds, limit.min(MOST)).await?;
    Ok(Json(Trail {
        items: found.rows.into_iter().map(|row| entry(row, caller.tenant())).collect(),
        next_before_cursor: found.next_before.map(|place| place.to_string()),
        newest_cursor: found.newest.map(|place| place.to_string()),
    })
    .into_response())
}

fn filter(params: &mut Params) -> Result<Filter, ApiError> {
    let action = match params.text("event_type")? {
        None => Action::Any,
        Some(text) => match text.strip_suffix('*') {
            Some(prefix) => Action::BeginsWith(prefix.to_owned()),
            None => Action::Exactly(text),
        },
    };
    Ok(Filter {
        user_id: params.text("user_id")?.unwrap_or_default(),
        action,
        window: Some(window(params)?),
        ..Filter::default()
    })
}

/// In microseconds; of more than 30 days, the newest 30.
fn window(params: &mut Params) -> Result<(i64, i64), ApiError> {
    let to = params.instant("to")?.unwrap_or_else(|| time::now().saturating_add(60 * SECOND));
    let from = params.instant("from")?.unwrap_or(0);
    if from >= to {
        return Err(ApiError::bad_request("from is not before to: swap them, or widen the range"));
    }
    let from = from.max(to.saturating_sub(LONGEST));
    // Rounded up: what happened in the microsecond of `to` is not before it.
    Ok((up_to_microseconds(from), up_to_microseconds(to)))
}

fn up_to_microseconds(ns: i64) -> i64 {
    ns / 1000 + i64::from(ns % 1000 != 0)
}

fn entry(row: Row, tenant: &str) -> Entry {
    Entry {
        timestamp: row.timestamp(),
        id: row.id,
        event_type: row.action,
        description: row.message,
        customer_id: tenant.to_owned(),
        user_id: said(row.user_id),
        correlation_id: said(row.correlation_id),
        metadata: row.attributes,
    }
}

/// `GET /api/v1/audit/users`: by address.
async fn users_page(
    caller: As<ReadAudit>,
    State(api): State<Arc<Api>>,
    mut params: Params,
) -> Result<Json<Users>, ApiError> {
    paced(&api.pace.trail, &caller)?;
    let wanted = params.text("q")?.unwrap_or_default().to_lowercase();
    let limit = params.number("limit", 50, 200)?;
    let after = params.text("cursor")?.map(|cursor| after(&cursor)).transpose()?;
    params.finish()?;
    let snapshot = api.control.snapshot();
    let matches = |user: &User| [&user.name, &user.email].iter().any(|text| text.to_lowercase().contains(&wanted));
    let place = |user: &User| (user.email.clone(), user.id.clone());
    let users = snapshot.users_of(caller.tenant());
    let mut found: Vec<_> = users
        .into_iter()
        .filter(|user| matches(user) && after.as_ref().is_none_or(|after| place(user) > *after))
        .take(limit + 1)
        .collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    let next_cursor = last.map(|user| URL_SAFE_NO_PAD.encode(format!("{}\0{}", user.email, user.id)));
    let somebody = |user: &User| Somebody {
        id: user.id.clone(),
        name: user.name.clone(),
        email: user.email.clone(),
        role: user.role.clone(),
    };
    Ok(Json(Users { items: found.into_iter().map(|user| somebody(user)).collect(), next_cursor }))
}

/// The address and the id of the last user of a page.
fn after(cursor: &str) -> Result<(String, String), ApiError> {
    let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let place = text.as_deref().and_then(|text| text.split_once('\0'));
    let (email, id) = place.ok_or_else(|| ApiError::bad_request("cursor: pass on what next_cursor said, unchanged"))?;
    Ok((email.to_owned(), id.to_owned()))
}
