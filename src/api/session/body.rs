//! A small JSON body. What is wrong with it is said without repeating its values: they are secrets.

use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use crate::api::error::ApiError;

pub struct Said<T>(pub T);

const MOST_BYTES: usize = 16 << 10;
const PATIENCE: Duration = Duration::from_secs(15);

// === impl Said ===

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Said<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Said<T>, ApiError> {
        let body = tokio::time::timeout(PATIENCE, to_bytes(request.into_body(), MOST_BYTES)).await;
        let body = body.map_err(|_| ApiError::bad_request("the body did not arrive in time"))?;
        let body = body
            .map_err(|_| ApiError::bad_request(format!("the body broke off, or is longer than {MOST_BYTES} bytes")))?;
        serde_json::from_slice(&body).map(Said).map_err(|error| {
            let text = error.to_string();
            // Serde's other messages quote what was sent.
            let named = ["missing field", "unknown field"].iter().any(|start| text.starts_with(start));
            let why = if named {
                text
            } else {
                format!("it can't be read at line {}, column {}", error.line(), error.column())
            };
            ApiError::bad_request(format!("the body must be the JSON object of this endpoint: {why}"))
        })
    }
}
