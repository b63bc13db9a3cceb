//! Every route of the API and portal listener.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use serde_json::Value;

use super::compress::compress;
use super::error::ApiError;
use super::files::Turns;
use super::route::Routes;
use super::{activity, events, messages, operations, packs, people, session, sessions, sql, values};
use crate::audit::Trail;
use crate::auth::Auth;
use crate::auth::signing::Signing;
use crate::clickhouse::events::EventBlock;
use crate::clickhouse::metrics::MetricBlock;
use crate::clickhouse::read::Reader;
use crate::config::Tiers;
use crate::control::Control;
use crate::gateway::Gateway;
use crate::ingest::otlp::address::{is_for_otlp, signal_of};
use crate::ingest::otlp::http::{self as otlp_http, Doors};
use crate::ingest::webhook::{self, Hooks};
use crate::limits::Budget;
use crate::limits::quota::Quotas;
use crate::live::Live;
use crate::net::{Endpoints, Peer};
use crate::packs::Library;
use crate::packs::seen::Seen;
use crate::people::tenants::Defaults;
use crate::portal;
use crate::ship::Rows;
use crate::spool::Lanes;
use crate::telemetry::counters::Counters;
use crate::telemetry::diagnostics::Diagnostics;

/// What the handlers share.
pub struct Api {
    pub auth: Arc<Auth>,
    pub signing: Signing,
    pub control: Arc<Control>,
    pub trail: Trail,
    pub doors: Arc<Doors>,
    pub reader: Reader,
    pub gateway: Gateway,
    pub packs: Arc<Library>,
    pub seen: Seen,
    pub tiers: Tiers,
    pub live: Live,
    pub counters: Arc<Counters>,
    pub diagnostics: Arc<Diagnostics>,
    pub events: Arc<Lanes<Rows<EventBlock>>>,
    pub metrics: Arc<Lanes<Rows<MetricBlock>>>,
    pub quotas: Arc<Quotas>,
    pub budget: Budget,
    pub most_streams: usize,
    pub pace: activity::Pace,
    pub files: Turns,
    pub health: operations::HealthCheck,
    pub endpoints: Endpoints,
    /// What a tenant has that says nothing else.
    pub defaults: Defaults,
    /// Where people and senders reach this, for the links that are given out.
    pub public_url: String,
}

/// What the API answers, in the order of the OpenAPI document.
pub fn routes() -> Routes {
    let routes = Routes::new();
    let routes = operations::routes(routes);
    let routes = session::routes(routes);
    let routes = messages::routes(events::routes(routes));
    let routes = values::routes(sessions::routes(routes));
    let routes = activity::routes(routes);
    let routes = packs::routes(routes);
    let routes = people::routes(routes);
    sql::routes(routes)
}

/// `GET /api/openapi.json`.
pub fn openapi() -> Value {
    routes().finish().1
}

pub fn router(api: Arc<Api>, hooks: Arc<Hooks>) -> Router {
    let doors = api.doors.clone();
    // Some clients' OTLP paths begin with /api/.
    let below_api = {
        let doors = doors.clone();
        move |request: Request| async move {
            if is_for_otlp(request.method(), request.uri().path(), request.headers()) {
                otlp_http::export(axum::extract::State(doors), request).await
            } else {
                unknown(request).await.into_response()
            }
        }
    };
    let (endpoints, document) = routes().finish();
    let document = axum::Json(document);
    let api = endpoints
        .route("/api/openapi.json", get(move || std::future::ready(document.clone())))
        .route("/api", any(unknown))
        .route("/api/", any(unknown))
        .route("/api/{*rest}", any(below_api))
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn(compress))
        .with_state(api);
    let hooks = Router::new()
        .route("/webhooks", any(webhook::receive))
        .route("/webhooks/", any(webhook::receive))
        .route("/webhooks/{*rest}", any(webhook::receive))
        .with_state(hooks);
    // OTLP has paths of its own, whatever stands before /v1/; every other path belongs to the portal, but for what can only be
    // OTLP that went astray.
    api.merge(hooks)
        .fallback(move |request: Request| {
            let doors = doors.clone();
            async move {
                if is_for_otlp(request.method(), request.uri().path(), request.headers()) {
                    otlp_http::export(axum::extract::State(doors), request).await
                } else {
                    portal::serve(request.method(), request.uri().path(), request.headers())
                }
            }
        })
        .layer(middleware::from_fn(security_headers))
}

async fn unknown(request: Request) -> ApiError {
    let path = request.uri().path();
    let otlp = signal_of(path).map_or(String::new(), |signal| format!(": OTLP goes to /v1/{}", signal.as_str()));
    ApiError::not_found(format!("there is nothing at {path}{otlp}"))
}

async fn wrong_method(request: Request) -> ApiError {
    ApiError::method_not_allowed(format!("{} is not for {}", request.uri().path(), request.method()))
}

/// On every answer, errors included.
const HEADERS: [(HeaderName, &str); 7] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'self'; style-src 'self'; img-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; \
         form-action 'self'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

async fn security_headers(request: Request, next: Next) -> Response {
    let over_tls = request.extensions().get::<Peer>().is_some_and(|peer| peer.tls);
    let below_api = request.uri().path() == "/api" || request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if over_tls {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    // What one may see is not for others who use the same browser later.
    if below_api {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}
