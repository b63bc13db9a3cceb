//! Events over HTTP: lists, single ones, the timeline and the dots of the feed.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::access::{As, ReadEvents};
use super::error::ApiError;
use super::files::{self, BATCH, Batch, File, Kind, as_file};
use super::params::Params;
use super::route::{About, Routes, about};
use super::router::Api;
use super::stream;
use crate::clickhouse::read::Reader;
use crate::model::scope::Scope;
use crate::query::cursor::Cursor;
use crate::query::filter::Filter;
use crate::query::messages::{self, Bounds};
use crate::query::time::{self, SECOND, Window};
use crate::query::{points, timeline};

/// The columns are passed on as ClickHouse wrote them.
#[derive(Serialize)]
pub struct PointsAnswer {
    from: String,
    to: String,
    total: u64,
    returned: usize,
    columns: BTreeMap<&'static str, Box<RawValue>>,
}

pub fn routes(routes: Routes) -> Routes {
    let paged = || {
        filtered("Events, newest first")
            .number("limit", "1 to 200; 50 if nothing is said")
            .query("before_cursor", "only what is older")
            .query("since_cursor", "only what is newer")
    };
    let paged = || as_file(paged(), &messages::COLUMNS);
    let counted = || {
        filtered("Counts per bucket and key")
            .query("bucket", "1s, 10s, 1m, 5m, 15m, 1h or 1d")
            .query("group_by", "class, source, event_type, project, model or user_id")
    };
    let dots = || filtered("Events as parallel columns, evenly sampled past the limit").number("limit", "1 to 20000");
    let live = || {
        unwindowed("New events as server-sent events")
            .query("since_cursor", "where to go on; Last-Event-ID goes before it")
            .media("text/event-stream")
    };
    routes
        .at(Method::GET, "/api/v1/messages", list_messages, paged())
        .at(Method::GET, "/api/v1/messages/timeline", timeline, counted())
        .at(Method::GET, "/api/v1/messages/points", points, dots())
        .at(Method::GET, "/api/v1/messages/stream", stream::stream_messages, live())
        .at(Method::GET, "/api/v1/messages/{event_id}", get_message, about("One event, with both maps"))
}

fn filtered(summary: &'static str) -> About {
    unwindowed(summary)
        .query("from", "RFC 3339; an hour before to, if nothing is said")
        .query("to", "RFC 3339; now, if nothing is said")
}

fn unwindowed(summary: &'static str) -> About {
    about(summary)
        .query("project", "a slug")
        .query("source", "claude_code, gen_ai, github, azure_devops, gitlab, otel, app or audit")
        .query("class", "event classes, with commas between them")
        .query("event_type", "exact, or a prefix with a trailing *")
        .query("severity", "trace, debug, info, warn, error or fatal")
        .query("outcome", "success, failure or a sender's own word")
        .query("user_id", "who did it")
        .query("session_id", "the session it was part of")
        .query("trace_id", "32 hexadecimal digits")
        .query("model", "the model that answered")
        .query("service", "the service that sent it")
        .query("repository", "owner/name")
        .query("provider", "who serves the model")
        .query("tool_name", "the tool that was called")
        .query("environment", "production, staging ...")
        .query("feature", "what a call was for")
        .query("error_type", "what kind of error")
        .query("target_type", "what kind of thing it was done to")
        .query("target_id", "which of them")
        .query("q", "text in message, attributes or names")
}

/// `GET /api/v1/messages`: newest first.
pub async fn list_messages(
    caller: As<ReadEvents>,
    State(api): State<Arc<Api>>,
    mut params: Params,
) -> Result<Response, ApiError> {
    let (window, filter) = (params.window()?, params.filter()?);
    let kind = params.as_file()?;
    let limit = params.limit(kind, 50, 200)?;
    let bounds = Bounds { before: params.parsed("before_cursor")?, since: params.parsed("since_cursor")? };
    params.finish()?;
    if let Some(kind) = kind {
        let list = (api.reader.clone(), caller.0.scope, window, filter);
        return export(&api, kind, limit, bounds, list).await;
    }
    let page = messages::page(&api.reader, &caller.scope, window, &filter, bounds, limit).await?;
    Ok(Json(json!({
        "items": page.items,
        "next_before_cursor": page.next_before.map(|cursor| cursor.to_string()),
        "newest_cursor": page.newest.map(|cursor| cursor.to_string()),
    }))
    .into_response())
}

/// The list as a file. Columns of CSV: [`messages::COLUMNS`]; both maps are JSON.
async fn export(
    api: &Api,
    kind: Kind,
    most: usize,
    bounds: Bounds,
    list: (Reader, Scope, Window, Filter),
) -> Result<Response, ApiError> {
    let list = Arc::new(list);
    let file = File { kind, name: "messages".to_owned(), columns: &messages::COLUMNS, most };
    let next = move |after: Option<Cursor>| {
        let list = list.clone();
        let bounds = Bounds { before: after.or(bounds.before), ..bounds };
        async move {
            let (reader, scope, window, filter) = &*list;
            let page = messages::batch(reader, scope, *window, filter, bounds, BATCH).await?;
            Ok(Batch { items: page.items, next: page.next_before })
        }
        .boxed()
    };
    files::send(&api.files, file, next).await
}

/// `GET /api/v1/messages/{event_id}`: one event, with both maps.
pub async fn get_message(
    caller: As<ReadEvents>,
    State(api): State<Arc<Api>>,
    event_id: Result<Path<String>, PathRejection>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let Path(event_id) = event_id.map_err(|error| ApiError::bad_request(error.body_text()))?;
    params.finish()?;
    let unknown = || ApiError::not_found(format!("there is no event {event_id}"));
    let id = event_id.parse().map_err(|_| unknown())?;
    messages::one(&api.reader, &caller.scope, id).await?.map(Json).ok_or_else(unknown)
}

/// `GET /api/v1/messages/timeline`: counts per bucket and key; empty buckets are left out.
pub async fn timeline(
    caller: As<ReadEvents>,
    State(api): State<Arc<Api>>,
    mut params: Params,
) -> Result<Json<Value>, ApiError> {
    const BUCKETS: [(&str, i64); 7] =
        [("1s", 1), ("10s", 10), ("1m", 60), ("5m", 300), ("15m", 900), ("1h", 3600), ("1d", 86400)];
    let (window, filter) = (params.window()?, params.filter()?);
    let bucket = choice("bucket", params.text("bucket")?.as_deref().unwrap_or("1m"), &BUCKETS)?;
    let group = choice("group_by", params.text("group_by")?.as_deref().unwrap_or("class"), &timeline::GROUPS)?;
    params.finish()?;
    let most = 100_000;
    if (window.to - window.from) / SECOND / bucket > most {
        return Err(ApiError::bad_request(format!("more than {most} buckets: ask for longer ones or a shorter range")));
    }
    let buckets = timeline::timeline(&api.reader, &caller.scope, window, bucket, group, &filter).await?;
    let buckets: Vec<Value> = buckets
        .into_iter()
        .map(|bucket| {
            let ts = time::format(bucket.start * SECOND);
            json!({"ts": ts, "key": bucket.key, "count": bucket.count, "errors": bucket.errors})
        })
        .collect();
    Ok(Json(json!({
        "bucket_seconds": bucket,
        "from": time::format(window.from),
        "to": time::format(window.to),
        "buckets": buckets,
    })))
}

/// `GET /api/v1/messages/points`: up to 20,000 events as parallel columns, newest first, evenly sampled past `limit`.
pub async fn points(
    caller: As<ReadEvents>,
    State(api): State<Arc<Api>>,
    mut params: Params,
) -> Result<Json<PointsAnswer>, ApiError> {
    let (window, filter) = (params.window()?, params.filter()?);
    let limit = params.number("limit", 20_000, 20_000)?;
    params.finish()?;
    let points = points::points(&api.reader, &caller.scope, window, &filter, limit as u64).await?;
    Ok(Json(PointsAnswer {
        from: time::format(window.from),
        to: time::format(window.to),
        total: points.total,
        returned: points.returned,
        columns: points::COLUMNS.into_iter().zip(points.columns).collect(),
    }))
}

fn choice<T: Copy>(name: &str, given: &str, from: &[(&str, T)]) -> Result<T, ApiError> {
    from.iter().find(|(text, _)| *text == given).map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<&str> = from.iter().map(|(text, _)| *text).collect();
        ApiError::bad_request(format!("{name}: {given:?} is none of {}", known.join(", ")))
    })
}
