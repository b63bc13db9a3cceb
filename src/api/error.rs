//! The one place where errors become responses: `application/problem+json` for the caller, the whole story for the log.

use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use crate::auth::Denied;
use crate::clickhouse::server::StoreError;
use crate::gateway::{self, Exception};
use crate::ingest::refusal::Refusal;
use crate::packs::ask::AskError;
use crate::people::Problem;

#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    /// For the caller.
    detail: String,
    retry_after: Option<Duration>,
    /// What the body says besides (RFC 9457, 3.2).
    extensions: Map<String, Value>,
    /// `detail` is the whole body, as a contract has it.
    as_it_is: bool,
}

// === impl ApiError ===

impl ApiError {
    fn new(status: StatusCode, detail: impl Into<String>) -> ApiError {
        let busy = matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
        let retry_after = busy.then_some(Duration::from_secs(2));
        ApiError { status, detail: detail.into(), retry_after, extensions: Map::new(), as_it_is: false }
    }

    /// The body says this too.
    pub fn with(self, extensions: Map<String, Value>) -> ApiError {
        ApiError { extensions, ..self }
    }

    /// Whoever asks should wait for so long.
    pub fn after(self, wait: Duration) -> ApiError {
        ApiError { retry_after: Some(wait), ..self }
    }

    pub fn unavailable(detail: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    pub fn bad_request(detail: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::BAD_REQUEST, detail)
    }

    pub fn not_found(detail: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::NOT_FOUND, detail)
    }

    pub fn method_not_allowed(detail: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::METHOD_NOT_ALLOWED, detail)
    }

    pub fn internal(error: &dyn std::fmt::Display) -> ApiError {
        tracing::error!(%error, "an answer could not be made");
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "something went wrong here; the log has the reason")
    }

    pub fn unauthorized(detail: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::UNAUTHORIZED, detail)
    }

    pub fn forbidden(detail: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::FORBIDDEN, detail)
    }

    /// What is asked for contradicts what is there.
    pub fn conflict(detail: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::CONFLICT, detail)
    }

    pub fn unsupported_media_type(detail: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    pub fn too_large(detail: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    pub fn timeout(detail: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::REQUEST_TIMEOUT, detail)
    }

    pub fn too_many(detail: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::TOO_MANY_REQUESTS, detail)
    }

    /// What the activity feed's contract says, to the letter.
    pub fn feed_rate() -> ApiError {
        let body = r#"{"detail": "activity feed rate limit exceeded (60/min per worker)"}"#;
        ApiError { as_it_is: true, ..ApiError::too_many(body).after(Duration::from_secs(60)) }
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        let status = match denied {
            denied if denied.is_unauthenticated() => StatusCode::UNAUTHORIZED,
            Denied::NotYetKnown => StatusCode::SERVICE_UNAVAILABLE,
            Denied::UnknownTenant => StatusCode::NOT_FOUND,
            _ => StatusCode::FORBIDDEN,
        };
        ApiError::new(status, denied.to_string())
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        let detail = problem.to_string();
        match problem {
            Problem::Invalid(_) => ApiError::bad_request(detail),
            Problem::NotAllowed(_) => ApiError::forbidden(detail),
            Problem::Unknown(_) => ApiError::not_found(detail),
            Problem::Conflict(_) => ApiError::conflict(detail),
            Problem::NoRandomness(error) => ApiError::internal(&error),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        ApiError { retry_after: refusal.retry_after, ..ApiError::new(status, refusal.message) }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if error.is_over_limit() {
            tracing::info!(%error, "a read was refused by its limits");
            return ApiError::bad_request(
                "the question needs more time or memory than one may have: ask for a shorter range or filter more",
            );
        }
        tracing::warn!(%error, "a read failed");
        let (status, detail) = match error {
            busy if busy.is_busy() => {
                (StatusCode::SERVICE_UNAVAILABLE, "too many questions at once: ask again in a moment")
            }
            StoreError::Refused { .. } => {
                (StatusCode::INTERNAL_SERVER_ERROR, "the question could not be answered; the log has the reason")
            }
            StoreError::Unreachable(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "the database is not reachable; events are still accepted and kept")
            }
            StoreError::Timeout(_) => (
                StatusCode::GATEWAY_TIMEOUT,
                "the database did not answer in time: ask for a shorter range or filter more",
            ),
        };
        ApiError::new(status, detail)
    }
}

impl From<Exception> for ApiError {
    fn from(exception: Exception) -> Self {
        let status = match exception.status {
            // What ClickHouse calls an error of the server is mostly one of the query.
            401 | 403 | 413 | 429 | 503 => StatusCode::from_u16(exception.status).unwrap_or(StatusCode::BAD_REQUEST),
            _ => StatusCode::BAD_REQUEST,
        };
        let code = Map::from_iter([("clickhouse_code".to_owned(), exception.code.into())]);
        ApiError::new(status, exception.text).with(code)
    }
}

impl From<AskError> for ApiError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Store(error) => error.into(),
            AskError::Refused(exception) => exception.into(),
            AskError::TimeZone(_) => ApiError::bad_request(error.to_string()),
            AskError::Unreadable(_) => ApiError::internal(&error),
        }
    }
}

/// In ClickHouse's own form; in a frame for those who read only such.
pub fn exception(exception: &Exception, framed: bool) -> Response {
    let text = format!("{}\n", exception.text);
    let body = if framed { gateway::framed(&text) } else { text.into_bytes() };
    let status = StatusCode::from_u16(exception.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=UTF-8"));
    headers.insert("x-clickhouse-exception-code", HeaderValue::from(exception.code));
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"ActivityLog\""));
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(RETRY_AFTER, HeaderValue::from(2));
        }
        _ => {}
    }
    response
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (body, content_type) = if self.as_it_is {
            (self.detail, "application/json")
        } else {
            let title = self.status.canonical_reason().unwrap_or("Error");
            let mut body = serde_json::json!({
                "type": "about:blank", "title": title, "status": self.status.as_u16(), "detail": self.detail,
            });
            if let Some(body) = body.as_object_mut() {
                body.extend(self.extensions);
            }
            (body.to_string(), "application/problem+json")
        };
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(after) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        response
    }
}
