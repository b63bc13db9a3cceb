//! OTLP/gRPC: three unary methods over HTTP/2. The framing is five bytes and the trailers are three headers, so it is written
//! out here: messages are then reserved, capped and decoded exactly as those of OTLP/HTTP are.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{BufMut, Bytes, BytesMut};
use http_body::Frame;
use http_body_util::StreamBody;

use super::address::signal_of;
use super::answer;
use super::http::{Doors, answer_encoding, manner, refused};
use super::{Encoding, Signal};
use crate::ingest::accept::Export;
use crate::ingest::body::{self, Compression, Held};
use crate::ingest::refusal::Refusal;
use crate::outcome::Reason;
use crate::telemetry::counters::Door;

/// Flag byte and big-endian length before each message.
const PREFIX: usize = 5;

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
    let encoding = parts.headers.get("grpc-encoding").and_then(|name| name.to_str().ok());
    let compression = body::compression(encoding).map_err(turned_away)?;
    let held = body::receive(&mut body, None, PREFIX, &doors.body).await.map_err(turned_away)?;
    let message = message(held, compression, doors.body.bytes).map_err(turned_away)?;
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
            format!("{path} is not served here: this port takes OTLP logs, traces and metrics (…/Export)"),
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
    match flag {
        0 => Ok(held),
        1 if compression == Compression::None => {
            Err(malformed("it is flagged as compressed, but grpc-encoding names nothing"))
        }
        1 => body::decompress(held, compression, limit),
        _ => Err(malformed("its first byte is neither 0 nor 1")),
    }
}

fn success(message: &[u8]) -> Response<Body> {
    let mut data = BytesMut::with_capacity(PREFIX + message.len());
    data.put_u8(0);
    data.put_u32(message.len() as u32);
    data.put_slice(message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let frames: [Result<Frame<Bytes>, std::convert::Infallible>; 2] =
        [Ok(Frame::data(data.freeze())), Ok(Frame::trailers(trailers))];
    with_grpc_headers(Response::new(Body::new(StreamBody::new(futures_util::stream::iter(frames)))))
}

/// "Trailers-Only": the status is in the head.
pub(super) fn failure(refusal: &Refusal) -> Response<Body> {
    let mut response = with_grpc_headers(Response::new(Body::empty()));
    let headers = response.headers_mut();
    headers.insert("grpc-status", HeaderValue::from(u16::from(refusal.grpc_code())));
    if let Ok(message) = HeaderValue::from_str(&percent_encoded(&refusal.message)) {
        headers.insert("grpc-message", message);
    }
    if refusal.retry_after.is_some()
        && let Ok(details) = HeaderValue::from_str(&STANDARD_NO_PAD.encode(answer::status_protobuf(refusal)))
    {
        headers.insert("grpc-status-details-bin", details);
    }
    response
}

fn with_grpc_headers(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-accept-encoding", HeaderValue::from_static("identity,gzip,zstd,deflate"));
    response
}

/// In the request's own encoding, where it is one of OTLP/HTTP's.
fn not_grpc(doors: &Doors, method: &Method, path: &str, headers: &HeaderMap) -> Response<Body> {
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

pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
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
