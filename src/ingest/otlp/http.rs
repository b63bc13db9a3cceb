//! OTLP/HTTP: `POST /v1/{logs,metrics,traces}`, protobuf or JSON, under any path before it.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE,
    EXPECT, ORIGIN, RETRY_AFTER, VARY,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version};
use http_body::Body as _;

use super::{Encoding, Signal};
use super::{answer, grpc};
use crate::auth::Auth;
use crate::ingest::accept::{Export, Intake};
use crate::ingest::body::{self, BodyLimits};
use crate::ingest::refusal::Refusal;
use crate::outcome::Reason;
use crate::telemetry::counters::Door;

/// What the OTLP doors share.
pub struct Doors {
    pub intake: Intake,
    pub auth: Auth,
    pub body: BodyLimits,
    /// Origins of browser applications that may send here.
    pub cors_origins: Vec<String>,
}

/// The signal that a path names, whatever stands before `/v1/`.
pub fn signal_of(path: &str) -> Option<Signal> {
    match path.trim_end_matches('/').rsplit_once("/v1/")?.1 {
        "logs" => Some(Signal::Logs),
        "traces" => Some(Signal::Traces),
        "metrics" => Some(Signal::Metrics),
        _ => None,
    }
}

/// Every request to an OTLP/HTTP listener; on the API's, those whose path is an OTLP path.
pub async fn export(State(doors): State<Arc<Doors>>, request: Request) -> Response<Body> {
    let started = Instant::now();
    let origin = allowed_origin(&doors, request.headers());
    let mut response = if request.method() == Method::OPTIONS && origin.is_some() {
        preflight()
    } else {
        let (parts, mut body) = request.into_parts();
        match take(&doors, &parts, &mut body, started).await {
            Ok(response) => response,
            Err(refusal) => {
                if is_worth_draining(&parts, &body, &refusal) {
                    tokio::spawn(body::drain(body, doors.body.clone()));
                }
                // A gRPC client that came to the wrong port understands no other answer.
                if parts.version == Version::HTTP_2 && grpc::is_grpc(&parts.headers) {
                    return grpc::failure(&refusal);
                }
                refused(&refusal, answer_encoding(&parts.headers))
            }
        }
    };
    if let Some(origin) = origin {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.headers_mut().append(VARY, HeaderValue::from_static("origin"));
        response.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
    }
    response
}

/// Over HTTP/2 the stream is reset alone, and who asked whether to send his body has not sent it.
pub(in crate::ingest) fn is_worth_draining(parts: &Parts, body: &Body, refusal: &Refusal) -> bool {
    parts.version < Version::HTTP_2
        && !body.is_end_stream()
        && !parts.headers.contains_key(EXPECT)
        && refusal.reason != Reason::Timeout
}

async fn take(doors: &Doors, parts: &Parts, body: &mut Body, started: Instant) -> Result<Response<Body>, Refusal> {
    let turned_away = |refusal: Refusal| {
        doors.intake.counters.refused(Door::Http, refusal.reason);
        refusal
    };
    let who = doors.auth.writer(&parts.headers).map_err(|denied| turned_away(denied.into()))?;
    let (signal, encoding) = addressed(&parts.method, parts.uri.path(), &parts.headers).map_err(turned_away)?;
    let compression = body::compression(text(&parts.headers, CONTENT_ENCODING.as_str())).map_err(turned_away)?;
    let declared = text(&parts.headers, CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok());
    let held = body::receive(body, declared, 0, &doors.body).await.map_err(turned_away)?;
    let held = body::decompress(held, compression, doors.body.bytes).map_err(turned_away)?;
    let accepted =
        doors.intake.accept(&who, Export { door: Door::Http, signal, encoding, body: held, started }).await?;
    let (content_type, body) = match encoding {
        Encoding::Protobuf => (PROTOBUF, answer::protobuf(&accepted)),
        Encoding::Json => (JSON, answer::json(signal, &accepted).into_bytes()),
    };
    Ok(respond(StatusCode::OK, content_type, body))
}

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// What is sent to which path: or why it can't be taken, and where it belongs.
fn addressed(method: &Method, path: &str, headers: &HeaderMap) -> Result<(Signal, Encoding), Refusal> {
    let content_type = text(headers, CONTENT_TYPE.as_str()).unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if essence.starts_with("application/grpc") {
        return Err(Refusal::new(
            Reason::UnsupportedMediaType,
            "this is gRPC, and this port speaks OTLP/HTTP: send it to the gRPC port (4317 by default), \
             or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
        ));
    }
    let Some(signal) = signal_of(path) else {
        return Err(Refusal::new(
            Reason::Misdirected,
            format!("nothing is taken at {path:?}: post to /v1/logs, /v1/traces or /v1/metrics"),
        ));
    };
    if method != Method::POST {
        return Err(Refusal::new(Reason::WrongMethod, format!("{method} {path}: this path takes POST only")));
    }
    match essence.as_str() {
        "application/x-protobuf" | "application/protobuf" => Ok((signal, Encoding::Protobuf)),
        "application/json" => Ok((signal, Encoding::Json)),
        _ => Err(Refusal::new(
            Reason::UnsupportedMediaType,
            format!("the content type is {content_type:?}: send application/x-protobuf or application/json"),
        )),
    }
}

/// An answer that is no success is in the request's encoding too; what is neither gets JSON.
fn answer_encoding(headers: &HeaderMap) -> Encoding {
    match text(headers, CONTENT_TYPE.as_str()) {
        Some(kind) if kind.contains("protobuf") => Encoding::Protobuf,
        _ => Encoding::Json,
    }
}

fn refused(refusal: &Refusal, encoding: Encoding) -> Response<Body> {
    let status = StatusCode::from_u16(refusal.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (content_type, body) = match encoding {
        Encoding::Protobuf => (PROTOBUF, answer::status_protobuf(refusal)),
        Encoding::Json => (JSON, answer::status_json(refusal).into_bytes()),
    };
    let mut response = respond(status, content_type, body);
    if let Some(after) = refusal.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
    if refusal.reason == Reason::WrongMethod {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

fn respond(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn allowed_origin(doors: &Doors, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    let listed = doors.cors_origins.iter().any(|allowed| allowed == "*" || allowed.as_bytes() == origin.as_bytes());
    listed.then(|| origin.clone())
}

fn preflight() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, content-encoding, content-type"),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
    response
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
