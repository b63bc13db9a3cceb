//! Sessions and traces: what belongs together, as it went.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use schemars::JsonSchema;
use serde::Serialize;

use super::access::{As, ReadEvents};
use super::body::InPath;
use super::error::ApiError;
use super::files::{self, BATCH, Batch, File, Kind, as_file};
use super::params::Params;
use super::route::{Routes, about};
use super::router::Api;
use crate::clickhouse::read::Reader;
use crate::model::scope::Scope;
use crate::query::sessions::{self, Filter, Interaction, Place, Session};
use crate::query::time::Window;
use crate::query::traces::{self, Trace};

#[derive(Serialize, JsonSchema)]
pub struct Sessions {
    items: Vec<Session>,
    /// Pass it on as `before_cursor`; null: there are no more.
    next_before_cursor: Option<String>,
}

const COLUMNS: [&str; 25] = [
    "session_id",
    "source",
    "user_id",
    "user_email",
    "project",
    "repository",
    "service",
    "start",
    "end",
    "duration_ms",
    "active_ms",
    "prompts",
    "requests",
    "tools",
    "tool_failures",
    "errors",
    "edits_accepted",
    "edits_rejected",
    "models",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_creation_tokens",
    "cost_usd",
    "has_spans",
];
const WEEK_SECONDS: i64 = 7 * 86_400;

pub fn routes(routes: Routes) -> Routes {
    let list = about("Sessions with something in the range, the newest start first; figures of the whole session")
        .query("from", "RFC 3339; a week before to, if nothing is said")
        .query("to", "RFC 3339; now, if nothing is said")
        .query("project", "a slug")
        .query("source", "claude_code, gen_ai, otel, app ...")
        .query("user_id", "who did it")
        .query("model", "a model that answered in it")
        .query("repository", "owner/name")
        .query("service", "the service that sent it")
        .query("q", "text in a name: of the session, the user, the project, the repository, the service, the model or the feature")
        .number("limit", "1 to 200; 50 if nothing is said")
        .query("before_cursor", "only those that began earlier")
        .gives::<Sessions>();
    let list = as_file(list, &COLUMNS);
    let one = about("One session as an ordered interaction: prompts, model requests, tools").gives::<Interaction>();
    let trace = about("The spans of a trace as a tree, with the logs that carry its id").gives::<Trace>();
    routes
        .at(Method::GET, "/api/v1/sessions", list_sessions, list)
        .at(Method::GET, "/api/v1/sessions/{id}", get_session, one)
        .at(Method::GET, "/api/v1/traces/{trace_id}", get_trace, trace)
}

/// `GET /api/v1/sessions`
async fn list_sessions(
    caller: As<ReadEvents>,
    State(api): State<Arc<Api>>,
    mut params: Params,
) -> Result<Response, ApiError> {
    let window = params.window_of(WEEK_SECONDS)?;
    let filter = filter(&mut params)?;
    let kind = params.as_file()?;
    let limit = params.limit(kind, 50, 200)?;
    let before = params.parsed("before_cursor")?;
    params.finish()?;
    if let Some(kind) = kind {
        let list = (api.reader.clone(), caller.0.scope, window, filter);
        return export(&api, kind, limit, before, list).await;
    }
    let page = sessions::page(&api.reader, &caller.scope, window, &filter, before, limit).await?;
    let next_before_cursor = page.next_before.map(|place| place.to_string());
    Ok(Json(Sessions { items: page.items, next_before_cursor }).into_response())
}

/// The list as a file. Columns of CSV: [`COLUMNS`]; the models are a list as JSON.
async fn export(
    api: &Api,
    kind: Kind,
    most: usize,
    before: Option<Place>,
    list: (Reader, Scope, Window, Filter),
) -> Result<Response, ApiError> {
    let list = Arc::new(list);
    let file = File { kind, name: "sessions".to_owned(), columns: &COLUMNS, most };
    let next = move |after: Option<Place>| {
        let list = list.clone();
        async move {
            let (reader, scope, window, filter) = &*list;
            let page = sessions::page(reader, scope, *window, filter, after.or(before), BATCH).await?;
            Ok(Batch { items: files::items(&page.items)?, next: page.next_before })
        }
        .boxed()
    };
    files::send(&api.files, file, next).await
}

fn filter(params: &mut Params) -> Result<Filter, ApiError> {
    let mut text = |name: &str| params.text(name).map(Option::unwrap_or_default);
    Ok(Filter {
        project: text("project")?,
        source: text("source")?,
        user_id: text("user_id")?,
        model: text("model")?,
        repository: text("repository")?,
        service: text("service")?,
        q: text("q")?,
    })
}

/// `GET /api/v1/sessions/{id}`
async fn get_session(
    caller: As<ReadEvents>,
    State(api): State<Arc<Api>>,
    InPath(id): InPath<String>,
    params: Params,
) -> Result<Json<Interaction>, ApiError> {
    params.finish()?;
    let found = sessions::one(&api.reader, &caller.scope, &id).await?;
    found.map(Json).ok_or_else(|| ApiError::not_found(format!("there is no session {id}")))
}

/// `GET /api/v1/traces/{trace_id}`
async fn get_trace(
    caller: As<ReadEvents>,
    State(api): State<Arc<Api>>,
    InPath(trace_id): InPath<String>,
    params: Params,
) -> Result<Json<Trace>, ApiError> {
    params.finish()?;
    let found = traces::trace(&api.reader, &caller.scope, &trace_id.to_ascii_lowercase()).await?;
    found.map(Json).ok_or_else(|| ApiError::not_found(format!("there is no trace {trace_id}")))
}
