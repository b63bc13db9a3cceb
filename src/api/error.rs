//! The one place where errors become responses: `application/problem+json` for the caller, the whole story for the log.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::auth::Denied;
use crate::clickhouse::server::StoreError;

#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    /// For the caller.
    detail: String,
}

// === impl ApiError ===

impl ApiError {
    pub fn bad_request(detail: impl Into<String>) -> ApiError {
        ApiError { status: StatusCode::BAD_REQUEST, detail: detail.into() }
    }

    pub fn not_found(detail: impl Into<String>) -> ApiError {
        ApiError { status: StatusCode::NOT_FOUND, detail: detail.into() }
    }

    pub fn method_not_allowed(detail: impl Into<String>) -> ApiError {
        ApiError { status: StatusCode::METHOD_NOT_ALLOWED, detail: detail.into() }
    }

    pub fn internal(error: &dyn std::fmt::Display) -> ApiError {
        tracing::error!(%error, "an answer could not be made");
        ApiError {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            detail: "something went wrong here; the log has the reason".to_owned(),
        }
    }

    pub fn too_many(detail: impl Into<String>) -> ApiError {
        ApiError { status: StatusCode::TOO_MANY_REQUESTS, detail: detail.into() }
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        let status = match denied {
            Denied::UnknownToken | Denied::MisplacedToken | Denied::WriteOnlyToken | Denied::NoCredential => {
                StatusCode::UNAUTHORIZED
            }
            Denied::ForeignHost => StatusCode::FORBIDDEN,
        };
        ApiError { status, detail: denied.to_string() }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if error.is_over_limit() {
            tracing::info!(%error, "a read was refused by its limits");
            return ApiError {
                status: StatusCode::BAD_REQUEST,
                detail:
                    "the question needs more time or memory than one may have: ask for a shorter range or filter more"
                        .to_owned(),
            };
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
        ApiError { status, detail: detail.to_owned() }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let body = serde_json::json!({
            "type": "about:blank", "title": title, "status": self.status.as_u16(), "detail": self.detail,
        });
        let mut response = (self.status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if matches!(self.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}
