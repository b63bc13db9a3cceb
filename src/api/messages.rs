//! `POST /api/v1/messages` and `POST /api/v1/audit/events`: native events as JSON.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::route::{Routes, about};
use super::router::Api;
use crate::ingest::body;
use crate::ingest::messages::{self, Origin, Summary};
use crate::ingest::otlp::http::{Doors, is_worth_draining};
use crate::ingest::refusal::Refusal;
use crate::model::event::Kind;
use crate::outcome::Reason;
use crate::telemetry::counters::Door;
use crate::telemetry::diagnostics::Sender;

/// Longer ones are no names.
const IDEMPOTENCY_KEY_BYTES: usize = 255;

pub fn routes(routes: Routes) -> Routes {
    // Senders' credentials are not those of readers: an ingest token, or an API token whose user may write.
    let writes = "events.write";
    let messages = about("Take in events: one object, an array, or NDJSON").status(202);
    let entries = about("Take in audit entries of an app").status(202);
    routes.open(Method::POST, "/api/v1/messages", publish_messages, writes, messages).open(
        Method::POST,
        "/api/v1/audit/events",
        publish_audit_events,
        writes,
        entries,
    )
}

pub async fn publish_messages(State(api): State<Arc<Api>>, request: Request) -> Response {
    publish(&api.doors, Kind::Message, request).await
}

pub async fn publish_audit_events(State(api): State<Arc<Api>>, request: Request) -> Response {
    publish(&api.doors, Kind::Audit, request).await
}

async fn publish(doors: &Doors, kind: Kind, request: Request) -> Response {
    let (parts, mut body) = request.into_parts();
    match take(doors, kind, &parts, &mut body).await {
        Ok(summary) => answer(&summary),
        Err(refusal) => {
            if is_worth_draining(&parts, &body, &refusal) {
                tokio::spawn(body::drain(body, doors.body.clone()));
            }
            ApiError::from(refusal).into_response()
        }
    }
}

async fn take(doors: &Doors, kind: Kind, parts: &Parts, body: &mut Body) -> Result<Summary, Refusal> {
    let started = Instant::now();
    let turned_away = |refusal| turned_away(doors, "", kind, refusal);
    let who = doors.auth.writer(&parts.headers).map_err(|denied| turned_away(denied.into()))?;
    let turned_away = |refusal| self::turned_away(doors, &who.tenant, kind, refusal);
    doors.intake.admit(&who.tenant).map_err(turned_away)?;
    let lines = is_lines(&parts.headers).map_err(turned_away)?;
    let key = idempotency_key(&parts.headers).map_err(turned_away)?;
    let compression = body::compression(text(&parts.headers, CONTENT_ENCODING.as_str())).map_err(turned_away)?;
    let declared = text(&parts.headers, CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok());
    let held = body::receive(body, declared, 0, &doors.body.of(&who.tenant)).await.map_err(turned_away)?;
    let held = body::decompress(held, compression, doors.body.bytes).map_err(turned_away)?;
    let (text, repaired) = messages::text(&held.bytes);
    doors.intake.counters.repaired_strings.fetch_add(repaired, Relaxed);
    let entries = messages::cut(&text, lines).map_err(turned_away)?;
    let origin = Origin { kind, idempotency_key: key, first_keyed: 0, first_index: 0 };
    doors.intake.publish(&who, origin, &entries, started).await
}

/// Counts a request that is refused as a whole.
fn turned_away(doors: &Doors, tenant: &str, kind: Kind, refusal: Refusal) -> Refusal {
    let name = if kind == Kind::Audit { "audit" } else { "messages" };
    doors.intake.counters.refused(Door::Messages, refusal.reason);
    let sender = Sender { door: Door::Messages, name };
    doors.intake.diagnostics.rejected(tenant, sender, refusal.reason, &refusal.message);
    refusal
}

/// Whether the content type says that each line is an event. A form or plain text is refused: a page of another site could send
/// those without asking.
fn is_lines(headers: &HeaderMap) -> Result<bool, Refusal> {
    let content_type = text(headers, CONTENT_TYPE.as_str()).unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" => Ok(false),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" | "application/x-jsonlines" => Ok(true),
        _ => Err(Refusal::new(
            Reason::UnsupportedMediaType,
            format!("the content type is {content_type:?}: send application/json or application/x-ndjson"),
        )),
    }
}

pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str().map(str::trim) {
        Ok("") => Ok(None),
        Ok(key) if key.len() <= IDEMPOTENCY_KEY_BYTES => Ok(Some(key)),
        _ => Err(Refusal::new(
            Reason::Malformed,
            format!("Idempotency-Key: send up to {IDEMPOTENCY_KEY_BYTES} printable ASCII characters, such as a UUID"),
        )),
    }
}

/// 202, unless nothing at all of it could be taken.
fn answer(summary: &Summary) -> Response {
    let body = members(summary);
    if summary.accepted + summary.duplicates == 0
        && let Some((_, error)) = summary.rejected.first()
    {
        return ApiError::bad_request(error.clone()).with(body).into_response();
    }
    (StatusCode::ACCEPTED, Json(Value::Object(body))).into_response()
}

fn members(summary: &Summary) -> Map<String, Value> {
    let rejected: Vec<Value> =
        summary.rejected.iter().map(|(index, error)| json!({"index": index, "error": error})).collect();
    let mut members = Map::new();
    members.insert("accepted".to_owned(), summary.accepted.into());
    members.insert("duplicates".to_owned(), summary.duplicates.into());
    members.insert("rejected".to_owned(), rejected.into());
    if summary.unlisted() > 0 {
        members.insert("rejected_unlisted".to_owned(), summary.unlisted().into());
    }
    members
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
