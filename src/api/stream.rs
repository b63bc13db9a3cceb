//! `GET /api/v1/messages/stream`: new events as server-sent events, in the order of their arrival.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Response};
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};

use super::access::{As, ReadEvents};
use super::error::ApiError;
use super::params::Params;
use super::router::Api;
use crate::live::{Follower, News};
use crate::query::cursor::Cursor;
use crate::telemetry::counters::Counters;

const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Counts an open stream for as long as it is.
pub struct Open(Arc<Counters>);

/// Filters as for lists; `Last-Event-ID` (which browsers send by themselves) or `since_cursor` resumes.
pub async fn stream_messages(
    caller: As<ReadEvents>,
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    mut params: Params,
) -> Result<Response<Body>, ApiError> {
    let filter = params.filter()?;
    let since: Option<Cursor> = params.parsed("since_cursor")?;
    params.finish()?;
    let last: Option<Cursor> = match headers.get("last-event-id").and_then(|value| value.to_str().ok()) {
        Some(text) => Some(text.parse().map_err(|error| ApiError::bad_request(format!("Last-Event-ID: {error}")))?),
        None => since,
    };
    let open = Open::new(&api.counters, api.most_streams).map_err(ApiError::too_many)?;
    let follower = api.live.follow(caller.0.scope, filter, last);
    // The first comment makes proxies and browsers see at once that the stream is open; the id is no event, but the place from
    // which to come back if the stream ends before its first one.
    let greeting = format!(": open\nid: {}\n\n", follower.place());
    let greeting = stream::once(async { Ok(Bytes::from(greeting)) });
    let mut response = Response::new(Body::from_stream(greeting.chain(lines(follower, open))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn lines(follower: Follower, open: Open) -> Pin<Box<dyn Stream<Item = Result<Bytes, Infallible>> + Send>> {
    Box::pin(stream::unfold((follower, open), |(mut follower, open)| async move {
        let text = match tokio::time::timeout(KEEP_ALIVE, follower.next()).await {
            Err(_) => ": still here\n\n".to_owned(),
            Ok(Ok(News::Events(events))) => {
                events.iter().map(|(cursor, item)| format!("id: {cursor}\ndata: {item}\n\n")).collect()
            }
            Ok(Ok(News::Skipped)) => "event: skipped\ndata: {}\n\n".to_owned(),
            Ok(Ok(News::End)) => return None,
            // The client comes back by itself, with its place.
            Ok(Err(error)) => {
                tracing::debug!(%error, "a live stream ended");
                return None;
            }
        };
        Some((Ok(Bytes::from(text)), (follower, open)))
    }))
}

// === impl Open ===

impl Open {
    pub fn new(counters: &Arc<Counters>, most: usize) -> Result<Open, &'static str> {
        let open = Open(counters.clone());
        if open.0.streams.fetch_add(1, Relaxed) >= most as u64 {
            return Err("too many live streams are open (limits.streams): close one");
        }
        Ok(open)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Relaxed);
    }
}
