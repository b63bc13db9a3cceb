//! OTLP/gRPC: three unary methods over HTTP/2. The framing is five bytes and the trailers are three headers, so it is written
//! out here: messages are then reserved, capped and decoded exactly as those of OTLP/HTTP are.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream::{Stream, StreamExt};
use http_body::Frame;
use http_body_util::StreamBody;

use super::address::signal_of;
use super::answer;
use super::http::{Doors, answer_encoding, manner, refused};
use super::{Encoding, Signal};
use crate::ingest::accept::Export;
use crate::ingest::body::{self, BodyLimits, Compression, Held};
use crate::ingest::frames::{PREFIX, uncompressed};
use crate::ingest::refusal::Refusal;
use crate::outcome::Reason;
use crate::telemetry::counters::Door;

/// Every request to the gRPC listener.
pub async fn export(State(doors): State<Arc<Doors>>, request: Request) -> Response<Body> {
    let started = Instant::now();
    if !is_grpc(request.headers()) {
        return not_grpc(&doors, request.method(), request.uri().path(), request.headers());
    }
    match take(&doors, request, started).await {
        Ok(message) => success(&message),
        Err(refusal) => failure(&refusal),
    }
}

async fn take(doors: &Doors, request: Request, started: Instant) -> Result<Vec<u8>, Refusal> {
    let (parts, mut body) = request.into_parts();
    let signal = method_of(parts.uri.path());
    let manner = manner(signal.as_ref().ok().copied(), &parts.headers);
    let who = doors.writer(Door::Grpc, manner, &parts.headers)?;
    let turned_away = |refusal| doors.turned_away(Door::Grpc, &who.tenant, manner, refusal);
    let signal = signal.map_err(turned_away)?;
    let message = unary(&parts, &mut body, &doors.body.of(&who.tenant)).await.map_err(turned_away)?;
    let (encoding, user_agent) = (Encoding::Protobuf, manner.user_agent);
    let export = Export { door: Door::Grpc, signal, encoding, body: message, user_agent, started };
    Ok(answer::protobuf(&doors.intake.accept(&who, export).await?))
}

fn method_of(path: &str) -> Result<Signal, Refusal> {
    match path {
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Ok(Signal::Logs),
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Ok(Signal::Traces),
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => Ok(Signal::Metrics),
        _ => Err(Refusal::new(
            Reason::Misdirected,
            format!(
                "{path} is not served here: this port takes OTLP logs, traces and metrics (…/Export), and activitylog.v1.Messages"
            ),
        )),
    }
}

/// The one message of a unary call.
fn message(mut held: Held, compression: Compression, limit: u64) -> Result<Held, Refusal> {
    let malformed = |what: &str| Refusal::new(Reason::Malformed, format!("not a gRPC message: {what}"));
    let Some((prefix, _)) = held.bytes.split_first_chunk::<PREFIX>() else {
        return Err(malformed("the call ended before its five-byte prefix"));
    };
    let [flag, length @ ..] = *prefix;
    let length = u32::from_be_bytes(length) as usize;
    if held.bytes.len() - PREFIX != length {
        return Err(malformed(&format!("its prefix says {length} bytes, {} came", held.bytes.len() - PREFIX)));
    }
    held.bytes = held.bytes.slice(PREFIX..);
    uncompressed(held, flag, compression, limit)
}

/// The request of a call that sends one message.
pub(crate) async fn unary(parts: &Parts, body: &mut Body, limits: &BodyLimits) -> Result<Held, Refusal> {
    let compression = compression_of(parts)?;
    let held = body::receive(body, None, PREFIX, limits).await?;
    message(held, compression, limits.bytes)
}

pub(crate) fn compression_of(parts: &Parts) -> Result<Compression, Refusal> {
    body::compression(parts.headers.get("grpc-encoding").and_then(|name| name.to_str().ok()))
}

pub(crate) fn success(message: &[u8]) -> Response<Body> {
    streamed(futures_util::stream::iter([framed(message), ended(None)]))
}

/// An answer of many messages, and its end.
pub(crate) fn streamed(frames: impl Stream<Item = Frame<Bytes>> + Send + 'static) -> Response<Body> {
    let frames = frames.map(Ok::<_, std::convert::Infallible>);
    with_grpc_headers(Response::new(Body::new(StreamBody::new(frames))))
}

/// One message of an answer.
pub(crate) fn framed(message: &[u8]) -> Frame<Bytes> {
    let mut data = BytesMut::with_capacity(PREFIX + message.len());
    data.put_u8(0);
    data.put_u32(message.len() as u32);
    data.put_slice(message);
    Frame::data(data.freeze())
}

/// The trailers: how a call ended.
pub(crate) fn ended(refusal: Option<&Refusal>) -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    match refusal {
        Some(refusal) => status(refusal, &mut trailers),
        None => drop(trailers.insert("grpc-status", HeaderValue::from_static("0"))),
    }
    Frame::trailers(trailers)
}

/// "Trailers-Only": the status is in the head.
pub(crate) fn failure(refusal: &Refusal) -> Response<Body> {
    let mut response = with_grpc_headers(Response::new(Body::empty()));
    status(refusal, response.headers_mut());
    response
}

fn status(refusal: &Refusal, headers: &mut HeaderMap) {
    headers.insert("grpc-status", HeaderValue::from(u16::from(refusal.grpc_code())));
    if let Ok(message) = HeaderValue::from_str(&percent_encoded(&refusal.message)) {
        headers.insert("grpc-message", message);
    }
    if refusal.retry_after.is_some()
        && let Ok(details) = HeaderValue::from_str(&STANDARD_NO_PAD.encode(answer::status_protobuf(refusal)))
    {
        headers.insert("grpc-status-details-bin", details);
    }
}

fn with_grpc_headers(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-accept-encoding", HeaderValue::from_static("identity,gzip,zstd,deflate"));
    response
}

/// In the request's own encoding, where it is one of OTLP/HTTP's.
pub(crate) fn not_grpc(doors: &Doors, method: &Method, path: &str, headers: &HeaderMap) -> Response<Body> {
    let message = format!(
        "{method} {path}: this port speaks OTLP/gRPC. For OTLP/HTTP use the HTTP port, {}, \
         or set OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
        doors.endpoints.http_port()
    );
    let refusal = Refusal::new(Reason::UnsupportedMediaType, message);
    let strangers = doors.auth.tenant_of_strangers();
    let refusal = doors.turned_away(Door::Grpc, strangers, manner(signal_of(path), headers), refusal);
    refused(&refusal, answer_encoding(headers))
}

pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// gRPC over HTTP/2, "Status-Message": what is not printable ASCII, and `%`, as percent escapes.
fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
