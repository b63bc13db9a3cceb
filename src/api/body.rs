//! What a request says in its body and in its path, and what is answered when it can't be read.

use axum::body::to_bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use std::sync::Arc;

use super::error::ApiError;
use super::router::Api;

/// A small body of JSON. It is read after the caller was let in, since it is a handler's last argument.
pub struct JsonBody<T>(pub T);

/// What stands for `{...}` in the path.
pub struct InPath<T>(pub T);

const MOST_BYTES: usize = 64 << 10;

// === impl JsonBody ===

impl<T: DeserializeOwned> FromRequest<Arc<Api>> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<JsonBody<T>, ApiError> {
        // A form or plain text could be sent by a page of another site without asking.
        if !is_json(request.headers()) {
            return Err(ApiError::unsupported_media_type("the body must be application/json: say so in Content-Type"));
        }
        let reading = to_bytes(request.into_body(), MOST_BYTES);
        let read = tokio::time::timeout(api.doors.body.timeout, reading).await;
        let read = read.map_err(|_| ApiError::timeout("the body did not come in time"))?;
        let bytes = read.map_err(|_| ApiError::too_large(format!("the body is larger than {MOST_BYTES} bytes")))?;
        serde_json::from_slice(&bytes)
            .map(JsonBody)
            .map_err(|error| ApiError::bad_request(format!("the body can't be read: {error}")))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let said = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    said.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("application/json")
}

// === impl InPath ===

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Api>> for InPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<InPath<T>, ApiError> {
        let path: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, api).await;
        path.map(|Path(value)| InPath(value)).map_err(|error| ApiError::bad_request(error.body_text()))
    }
}
