//! `activitylog.v1.Messages`: native events over gRPC, on the listener that takes OTLP/gRPC.
//!
//! The framing is that of `ingest`: each message of a client's stream is reserved, capped and decompressed as every other body
//! is. A generated server would hold them outside the budget, and decode lists of empty events into a hundred times their size.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use axum::routing::any;
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use http_body::Frame;
use prost::Message as _;

use super::access::principal;
use super::params::{MOST_BYTES, unknown_class};
use super::router::Api;
use super::stream::Open;
use crate::auth::permissions::Permission;
use crate::ingest::frames::Frames;
use crate::ingest::messages::protobuf::{self, v1};
use crate::ingest::messages::{Origin, Summary};
use crate::ingest::otlp::grpc;
use crate::ingest::refusal::Refusal;
use crate::live::{Follower, News};
use crate::model::event::Kind;
use crate::outcome::Reason;
use crate::query::cursor::Cursor;
use crate::query::filter::Filter;
use crate::telemetry::counters::Door;
use crate::telemetry::diagnostics::Sender;

/// Everything that the gRPC listener serves.
pub fn router(api: Arc<Api>) -> Router {
    let doors = api.doors.clone();
    Router::new()
        .route("/activitylog.v1.Messages/Publish", any(publish))
        .route("/activitylog.v1.Messages/Tail", any(tail))
        .with_state(api)
        .fallback_service(Router::new().fallback(grpc::export).with_state(doors))
}

async fn publish(State(api): State<Arc<Api>>, request: Request) -> Response<Body> {
    if !grpc::is_grpc(request.headers()) {
        return grpc::not_grpc(&api.doors, request.method(), request.uri().path(), request.headers());
    }
    match take(&api, request).await {
        Ok(summary) => grpc::success(&protobuf_summary(summary).encode_to_vec()),
        Err(refusal) => grpc::failure(&refusal),
    }
}

/// Stores each request of the stream as it comes.
async fn take(api: &Api, request: Request) -> Result<Summary, Refusal> {
    let intake = &api.doors.intake;
    let (parts, body) = request.into_parts();
    let turned_away = |tenant: &str, refusal: Refusal| {
        api.counters.refused(Door::Messages, refusal.reason);
        let sender = Sender { door: Door::Messages, name: "messages" };
        intake.diagnostics.rejected(tenant, sender, refusal.reason, &refusal.message);
        refusal
    };
    let who = api.doors.auth.writer(&parts.headers).map_err(|denied| turned_away("", denied.into()))?;
    let turned_away = |refusal| turned_away(&who.tenant, refusal);
    let compression = grpc::compression_of(&parts).map_err(turned_away)?;
    let call_key = super::messages::idempotency_key(&parts.headers).map_err(turned_away)?;
    let mut frames = Frames::new(body, compression, api.doors.body.of(&who.tenant));
    let (mut summary, mut index) = (Summary::default(), 0);
    let mut stopping = api.live.stopping();
    loop {
        let next = tokio::select! {
            next = frames.next() => next.map_err(turned_away)?,
            _ = stopping.wait_for(|stopping| *stopping) => return Err(turned_away(stopped())),
        };
        let Some(held) = next else { return Ok(summary) };
        let started = Instant::now();
        intake.admit(&who.tenant).map_err(turned_away)?;
        let (entries, key) =
            protobuf::cut(&held.bytes).map_err(|flaw| turned_away(Refusal::new(flaw.reason, flaw.message)))?;
        let (idempotency_key, first_keyed) = match key {
            "" => (call_key, index),
            key => (Some(key), 0),
        };
        let origin = Origin { kind: Kind::Message, idempotency_key, first_keyed, first_index: index };
        summary.add(intake.publish(&who, origin, &entries, started).await?);
        index += entries.len() as u64;
    }
}

fn stopped() -> Refusal {
    Refusal::overloaded(
        "the server is stopping; what came before may be stored: send the stream again",
        std::time::Duration::from_secs(2),
    )
}

fn protobuf_summary(summary: Summary) -> v1::PublishSummary {
    v1::PublishSummary {
        accepted: summary.accepted,
        duplicates: summary.duplicates,
        rejected_unlisted: summary.unlisted(),
        rejected: summary.rejected.into_iter().map(|(index, error)| v1::Rejected { index, error }).collect(),
    }
}

async fn tail(State(api): State<Arc<Api>>, request: Request) -> Response<Body> {
    if !grpc::is_grpc(request.headers()) {
        return grpc::not_grpc(&api.doors, request.method(), request.uri().path(), request.headers());
    }
    match follow(&api, request).await {
        Ok((follower, open)) => grpc::streamed(news(follower, open)),
        Err(refusal) => grpc::failure(&refusal),
    }
}

async fn follow(api: &Api, request: Request) -> Result<(Follower, Open), Refusal> {
    let (parts, mut body) = request.into_parts();
    let caller = principal(api, &parts)?;
    caller.require(Permission::EventsRead)?;
    let held = grpc::unary(&parts, &mut body, &api.doors.body).await?;
    let asked = v1::TailRequest::decode(held.bytes.as_ref())
        .map_err(|error| bad(format!("not a TailRequest of activitylog.v1: {error}")))?;
    let after: Option<Cursor> = match asked.after_cursor.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|error| bad(format!("after_cursor: {error}")))?),
    };
    let filter = filter(asked)?;
    let open = Open::new(&api.counters, api.most_streams).map_err(|full| Refusal::overloaded(full, RETRY))?;
    Ok((api.live.follow(caller.scope, filter, after), open))
}

const RETRY: std::time::Duration = std::time::Duration::from_secs(2);

fn filter(asked: v1::TailRequest) -> Result<Filter, Refusal> {
    let filter = Filter {
        class: asked.classes,
        project: asked.project,
        source: asked.source,
        event_type: asked.event_type,
        severity: asked.severity,
        outcome: asked.outcome,
        user_id: asked.user_id,
        session_id: asked.session_id,
        trace_id: asked.trace_id.to_ascii_lowercase(),
        model: asked.model,
        q: asked.q,
        ..Filter::default()
    };
    if let Some(unknown) = unknown_class(&filter.class) {
        return Err(bad(unknown));
    }
    let texts = [
        &filter.project,
        &filter.source,
        &filter.event_type,
        &filter.severity,
        &filter.outcome,
        &filter.user_id,
        &filter.session_id,
        &filter.trace_id,
        &filter.model,
        &filter.q,
    ];
    if texts.iter().map(|text| text.len()).sum::<usize>() + 16 * filter.class.len() > MOST_BYTES {
        return Err(bad(format!("the filters are longer than {MOST_BYTES} bytes: shorten them")));
    }
    Ok(filter)
}

fn bad(message: String) -> Refusal {
    Refusal::new(Reason::Malformed, message)
}

/// One batch of the follower at a time: a client that does not read is not read for either.
fn news(follower: Follower, open: Open) -> impl Stream<Item = Frame<Bytes>> + Send + 'static {
    let greeting = v1::TailResponse { cursor: follower.place().to_string(), news: None };
    let batches = stream::unfold(Some((follower, open)), |state| async {
        let (mut follower, open) = state?;
        let frames = match follower.next().await {
            Ok(News::Events(events)) => events.into_iter().map(|(cursor, item)| event(cursor, item)).collect(),
            Ok(News::Skipped) => {
                let news = Some(v1::tail_response::News::Skipped(v1::Skipped {}));
                vec![response(&v1::TailResponse { cursor: follower.place().to_string(), news })]
            }
            // The client comes back with its cursor.
            Ok(News::End) => return Some((vec![grpc::ended(Some(&stopped()))], None)),
            Err(error) => {
                tracing::debug!(%error, "a live stream ended");
                let refusal =
                    Refusal::overloaded("the database is not reachable: come back with the last cursor", RETRY);
                return Some((vec![grpc::ended(Some(&refusal))], None));
            }
        };
        Some((frames, Some((follower, open))))
    });
    stream::once(async move { response(&greeting) }).chain(batches.flat_map(stream::iter))
}

fn event(cursor: Cursor, item: serde_json::Value) -> Frame<Bytes> {
    // Its names are the columns', and so are their types; a test compares them all.
    let event = serde_json::from_value(item).unwrap_or_else(|error| {
        tracing::error!(%error, "an item is no StoredEvent");
        v1::StoredEvent { id: cursor.event_id.to_string(), ..v1::StoredEvent::default() }
    });
    response(&v1::TailResponse { cursor: cursor.to_string(), news: Some(v1::tail_response::News::Event(event)) })
}

fn response(message: &v1::TailResponse) -> Frame<Bytes> {
    grpc::framed(&message.encode_to_vec())
}
