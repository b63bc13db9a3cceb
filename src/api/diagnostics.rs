//! Who sends, what was turned away and why, and what nobody knows: for the question why nothing arrives.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::access::{As, ReadEvents};
use super::error::ApiError;
use super::params::Params;
use super::router::Api;
use crate::clickhouse::server::StoreError;
use crate::query::sources::{self, Stored, UnpricedModel};
use crate::query::time;
use crate::telemetry::diagnostics::{Source, SourceKey, Tenant};

/// `GET /api/v1/diagnostics`: what this node met since it started, and what is stored of the last seven days, of the caller's
/// tenant. Without ClickHouse, the first half alone.
pub async fn diagnostics(
    caller: As<ReadEvents>,
    State(api): State<Arc<Api>>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    params.finish()?;
    // What is met at the doors belongs to no project yet, so it is for those who may see all of them.
    let met = if caller.scope.all_projects { api.diagnostics.of(&caller.scope.tenant) } else { Tenant::default() };
    let now = time::now();
    let (stored, unpriced) = tokio::join!(
        sources::stored(&api.reader, &caller.scope, now),
        sources::unpriced(&api.reader, &caller.scope, now)
    );
    let note = [stored.as_ref().err(), unpriced.as_ref().err()].into_iter().flatten().next().map(note);
    let (stored, unpriced) = (stored.ok(), unpriced.ok());
    let hints = hints(&api, &met, stored.as_deref(), unpriced.as_deref());
    Ok(Json(json!({
        "since": instant(api.diagnostics.since()),
        "scope": "sources and unmapped_event_types: this node since it started; stored and unpriced_models: the last 7 days",
        "sources": met.sources.newest().into_iter().map(|(key, seen)| source(key, &seen.value)).collect::<Vec<_>>(),
        "sources_forgotten": met.sources.forgotten(),
        "stored": stored.map(|rows| rows.iter().map(stored_row).collect::<Vec<_>>()),
        "unpriced_models": unpriced.map_or_else(|| met_unpriced(&met), |rows| rows.iter().map(unpriced_row).collect()),
        "unmapped_event_types": unmapped(&met),
        "hints": hints,
        "note": note,
    })))
}

fn note(error: &StoreError) -> &'static str {
    tracing::warn!(%error, "the diagnostics do without ClickHouse");
    "ClickHouse does not answer: what is stored is not known, and unpriced_models are those that this node met since it started; \
     events are still accepted and kept"
}

fn source(key: &SourceKey, source: &Source) -> Value {
    let rejections = source.rejections.newest().into_iter().map(|((reason, message), seen)| {
        json!({"at": instant(seen.last), "reason": reason.as_str(), "message": message, "count": seen.value.count})
    });
    json!({
        "door": key.door.as_str(),
        "name": key.name,
        "signals": source.signals,
        "user_agent": source.user_agent,
        "first_received": source.first_received.map(instant),
        "last_received": source.last_received.map(instant),
        "items": source.items,
        "requests": source.requests,
        "rejections": rejections.collect::<Vec<_>>(),
    })
}

fn stored_row(row: &Stored) -> Value {
    json!({"source": row.source, "service": row.service, "events": row.events, "last_received": milliseconds(row.last_received)})
}

fn unpriced_row(row: &UnpricedModel) -> Value {
    json!({
        "provider": row.provider, "model": row.model, "calls": row.calls, "tokens": row.tokens,
        "last_seen": milliseconds(row.last_seen),
    })
}

/// In the same shape; how many tokens is not remembered.
fn met_unpriced(met: &Tenant) -> Vec<Value> {
    let models = met.unpriced.newest().into_iter();
    models
        .map(|((provider, model), seen)| {
            json!({
                "provider": provider, "model": model, "calls": seen.value.count, "tokens": null,
                "last_seen": instant(seen.last),
            })
        })
        .collect()
}

fn unmapped(met: &Tenant) -> Vec<Value> {
    let types = met.unmapped.newest().into_iter();
    types
        .map(|((source, event_type), seen)| {
            let last_seen = instant(seen.last);
            json!({"source": source, "event_type": event_type, "count": seen.value.count, "last_seen": last_seen})
        })
        .collect()
}

/// What to do next, where that is plain.
fn hints(api: &Api, met: &Tenant, stored: Option<&[Stored]>, unpriced: Option<&[UnpricedModel]>) -> Vec<String> {
    let mut hints = Vec::new();
    let endpoints = &api.endpoints;
    if met.sources.iter().next().is_none() {
        let before = match stored {
            Some([]) => " and nothing is stored of the last 7 days",
            _ => "",
        };
        hints.push(format!(
            "nothing has come to this node since it started{before}: send OTLP/HTTP to {} or OTLP/gRPC to {}, and look at the \
             sender's own log",
            endpoints.otlp_http, endpoints.otlp_grpc
        ));
    }
    for (key, seen) in met.sources.newest() {
        let last = seen.value.rejections.newest().first().map(|((_, message), _)| message.as_str());
        if let (0, Some(message)) = (seen.value.requests, last) {
            let name = [key.name.as_str(), &seen.value.user_agent].into_iter().find(|name| !name.is_empty());
            hints.push(format!("everything from {} was turned away: {message}", name.unwrap_or("an unnamed sender")));
        }
    }
    hints.truncate(10);
    let models = unpriced.map_or(met.unpriced.iter().count(), <[UnpricedModel]>::len);
    if models > 0 {
        hints.push(format!(
            "calls of {models} models have no cost, because no price is known for them: unpriced_models"
        ));
    }
    hints
}

fn instant(at: Timestamp) -> String {
    format!("{at:.6}")
}

fn milliseconds(ms: i64) -> String {
    time::format(ms.saturating_mul(1_000_000))
}
