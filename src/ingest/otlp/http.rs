//! OTLP/HTTP: `POST /v1/{logs,metrics,traces}`, protobuf or JSON, under any path before it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE,
    EXPECT, ORIGIN, RETRY_AFTER, USER_AGENT, VARY,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version};
use http_body::Body as _;

use super::address::{nothing_here, signal_of};
use super::{Encoding, Signal, answer, grpc};
use crate::auth::{Auth, Writer};
use crate::ingest::accept::{Export, Intake};
use crate::ingest::body::{self, BodyLimits};
use crate::ingest::refusal::Refusal;
use crate::net::Endpoints;
use crate::outcome::Reason;
use crate::telemetry::counters::Door;
use crate::telemetry::diagnostics::{Manner, Sender};

/// What the OTLP doors share.
pub struct Doors {
    pub intake: Intake,
    pub auth: Arc<Auth>,
    pub body: BodyLimits,
    /// Origins of browser applications that may send here.
    pub cors_origins: Vec<String>,
    /// For what has to be sent elsewhere.
    pub endpoints: Endpoints,
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
pub(crate) fn is_worth_draining(parts: &Parts, body: &Body, refusal: &Refusal) -> bool {
    parts.version < Version::HTTP_2
        && !body.is_end_stream()
        && !parts.headers.contains_key(EXPECT)
        && refusal.reason != Reason::Timeout
}

async fn take(doors: &Doors, parts: &Parts, body: &mut Body, started: Instant) -> Result<Response<Body>, Refusal> {
    let path = parts.uri.path();
    let manner = manner(signal_of(path), &parts.headers);
    let who = doors.writer(Door::Http, manner, &parts.headers)?;
    let turned_away = |refusal| doors.turned_away(Door::Http, &who.tenant, manner, refusal);
    let (signal, encoding) = addressed(doors, &parts.method, path, &parts.headers).map_err(turned_away)?;
    let compression = body::compression(text(&parts.headers, CONTENT_ENCODING.as_str())).map_err(turned_away)?;
    let declared = text(&parts.headers, CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok());
    let held = body::receive(body, declared, 0, &doors.body.of(&who.tenant)).await.map_err(turned_away)?;
    let held = body::decompress(held, compression, doors.body.bytes).map_err(turned_away)?;
    let export = Export { door: Door::Http, signal, encoding, body: held, user_agent: manner.user_agent, started };
    let accepted = doors.intake.accept(&who, export).await?;
    let (content_type, body) = match encoding {
        Encoding::Protobuf => (PROTOBUF, answer::protobuf(&accepted)),
        Encoding::Json => (JSON, answer::json(signal, &accepted).into_bytes()),
    };
    Ok(respond(StatusCode::OK, content_type, body))
}

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// What is sent to which path: or why it can't be taken, and where it belongs.
fn addressed(doors: &Doors, method: &Method, path: &str, headers: &HeaderMap) -> Result<(Signal, Encoding), Refusal> {
    let content_type = text(headers, CONTENT_TYPE.as_str()).unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if essence.starts_with("application/grpc") {
        return Err(Refusal::new(
            Reason::UnsupportedMediaType,
            format!(
                "this is gRPC, and this port speaks OTLP/HTTP: send it to the gRPC port, {}, \
                 or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
                doors.endpoints.grpc_port()
            ),
        ));
    }
    let Some(signal) = signal_of(path) else {
        return Err(nothing_here(path, headers, &doors.endpoints));
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
pub(super) fn answer_encoding(headers: &HeaderMap) -> Encoding {
    match text(headers, CONTENT_TYPE.as_str()) {
        Some(kind) if kind.contains("protobuf") => Encoding::Protobuf,
        _ => Encoding::Json,
    }
}

pub(super) fn refused(refusal: &Refusal, encoding: Encoding) -> Response<Body> {
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

/// How a request came, for the diagnostics.
pub(super) fn manner(signal: Option<Signal>, headers: &HeaderMap) -> Manner<'_> {
    Manner { signal: signal.map_or("", Signal::as_str), user_agent: text(headers, USER_AGENT.as_str()).unwrap_or("") }
}

// === impl Doors ===

impl Doors {
    /// Who sends. Whoever is turned away here is the anonymous tenant's, if there is one.
    pub(super) fn writer(&self, door: Door, manner: Manner<'_>, headers: &HeaderMap) -> Result<Writer, Refusal> {
        let strangers = self.auth.tenant_of_strangers();
        let who =
            self.auth.writer(headers).map_err(|denied| self.turned_away(door, strangers, manner, denied.into()))?;
        match self.intake.admit(&who.tenant) {
            Ok(()) => Ok(who),
            Err(refusal) => Err(self.turned_away(door, &who.tenant, manner, refusal)),
        }
    }

    /// Counts and notes what is refused before anybody looked for the sender's name in the body.
    pub(super) fn turned_away(&self, door: Door, tenant: &str, manner: Manner<'_>, refusal: Refusal) -> Refusal {
        self.intake.counters.refused(door, refusal.reason);
        let sender = Sender { door, name: "" };
        self.intake.diagnostics.rejected_as(tenant, sender, manner, refusal.reason, &refusal.message);
        refusal
    }

    /// A client began a TLS handshake. It can't be answered, so the operator is told.
    pub fn met_tls(&self, door: Door, peer: SocketAddr) {
        let message = "a TLS handshake came to a port that speaks plain text: use http:// in the endpoint (gRPC: insecure), or \
                       set tls.cert and tls.key here";
        tracing::debug!(%peer, "{message}");
        let refusal = Refusal::new(Reason::Misdirected, message);
        let _ = self.turned_away(door, self.auth.tenant_of_strangers(), Manner::default(), refusal);
        self.intake.diagnostics.tell(door, "", Reason::Misdirected, message);
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
