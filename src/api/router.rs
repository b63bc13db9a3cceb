//! Every route of the API and portal listener.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{any, get};

use super::compress::compress;
use super::error::ApiError;
use super::{events, operations, stream};
use crate::auth::Auth;
use crate::clickhouse::events::EventBlock;
use crate::clickhouse::metrics::MetricBlock;
use crate::clickhouse::read::Reader;
use crate::ingest::otlp::http::{self as otlp_http, Doors, signal_of};
use crate::ingest::webhook::{self, Hooks};
use crate::limits::Budget;
use crate::live::Live;
use crate::portal;
use crate::ship::Rows;
use crate::spool::Spool;
use crate::telemetry::counters::Counters;

/// What the handlers share.
pub struct Api {
    pub auth: Auth,
    pub reader: Reader,
    pub live: Live,
    pub counters: Arc<Counters>,
    pub events: Arc<Spool<Rows<EventBlock>>>,
    pub metrics: Arc<Spool<Rows<MetricBlock>>>,
    pub budget: Budget,
    pub most_streams: usize,
    pub health: operations::HealthCheck,
    pub endpoints: Endpoints,
}

/// Where senders and browsers find this node.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Endpoints {
    pub otlp_grpc: String,
    pub otlp_http: String,
    pub http: String,
}

pub fn router(api: Arc<Api>, doors: Arc<Doors>, hooks: Arc<Hooks>) -> Router {
    let api = Router::new()
        .route("/healthz", get(operations::healthz))
        .route("/readyz", get(operations::readyz))
        .route("/metrics", get(operations::metrics))
        .route("/api/v1/me", get(operations::me))
        .route("/api/v1/messages", get(events::list_messages))
        .route("/api/v1/messages/timeline", get(events::timeline))
        .route("/api/v1/messages/points", get(events::points))
        .route("/api/v1/messages/stream", get(stream::stream_messages))
        .route("/api/v1/messages/{event_id}", get(events::get_message))
        .route("/api", any(unknown))
        .route("/api/", any(unknown))
        .route("/api/{*rest}", any(unknown))
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn(compress))
        .with_state(api);
    let hooks = Router::new()
        .route("/webhooks", any(webhook::receive))
        .route("/webhooks/", any(webhook::receive))
        .route("/webhooks/{*rest}", any(webhook::receive))
        .with_state(hooks);
    // OTLP has paths of its own, whatever stands before /v1/; every other path belongs to the portal.
    api.merge(hooks)
        .fallback(move |request: Request| {
            let doors = doors.clone();
            async move {
                if signal_of(request.uri().path()).is_some() {
                    otlp_http::export(axum::extract::State(doors), request).await
                } else {
                    portal::serve(request.method(), request.uri().path(), request.headers())
                }
            }
        })
        .layer(middleware::from_fn(security_headers))
}

async fn unknown(request: Request) -> ApiError {
    ApiError::not_found(format!("there is nothing at {}", request.uri().path()))
}

async fn wrong_method(request: Request) -> ApiError {
    ApiError::method_not_allowed(format!("{} is not for {}", request.uri().path(), request.method()))
}

async fn security_headers(request: Request, next: Next) -> Response {
    use axum::http::HeaderValue;
    use axum::http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; \
                  base-uri 'none'; frame-ancestors 'none'; form-action 'self'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}
