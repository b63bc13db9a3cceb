//! Large JSON answers are compressed for those who take it: the points of a busy hour are megabytes of text.

use std::io::Write;

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::error::ApiError;
use crate::net::takes_gzip;

/// Below this, the time to compress is worth more than the bytes.
const WORTH_IT: u64 = 32 << 10;

pub async fn compress(request: Request, next: Next) -> Response {
    let wanted = takes_gzip(request.headers());
    let response = next.run(request).await;
    let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|value| value == "application/json");
    // Streams have no size beforehand, and the answers to HEAD no body.
    let is_large = response.body().size_hint().exact().is_some_and(|size| size >= WORTH_IT);
    if !is_json || !is_large {
        return response;
    }
    let (mut head, body) = response.into_parts();
    head.headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if !wanted {
        return Response::from_parts(head, body);
    }
    // The whole body is there already, so there is nothing to cap.
    let plain = match to_bytes(body, usize::MAX).await {
        Ok(plain) => plain,
        Err(error) => return ApiError::internal(&error).into_response(),
    };
    let packed = match tokio::task::spawn_blocking(move || pack(&plain)).await {
        Ok(packed) => packed,
        Err(error) => return ApiError::internal(&error).into_response(),
    };
    head.headers.remove(CONTENT_LENGTH);
    head.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(head, Body::from(packed))
}

fn pack(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::fast());
    // Writing to memory does not fail.
    let packed = encoder.write_all(plain).and_then(|()| encoder.finish()).expect("memory takes it");
    packed.into()
}
