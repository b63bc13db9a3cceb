//! ClickHouse's answer on its way to the caller: as it comes, a frame at a time, with the turn it holds.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::HeaderMap;
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};

use super::judge::Verdict;
use super::turns::Turn;

pub struct Answer {
    /// Those of ClickHouse's that are for callers, and an id of the query that says nothing.
    pub headers: HeaderMap,
    pub stream: Stream,
    pub verdict: Verdict,
}

/// The body. Dropping it closes the connection to ClickHouse, which ends the query there.
pub struct Stream {
    from: Incoming,
    turn: Option<Turn>,
    /// How the answer broke off, kept until what came before it is on its way: it says why.
    broke: Option<hyper::Error>,
    bytes: u64,
    started: Instant,
    ended: Option<Box<dyn FnOnce(Ended) + Send>>,
}

/// What became of a query that ran.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    pub how: End,
    pub bytes: u64,
    pub elapsed: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Whole,
    /// ClickHouse gave up in the middle; the last of the body says why.
    Broken,
    /// The caller went away.
    Left,
}

/// What callers see of ClickHouse's headers. Its query id holds the scope, and the display name is the machine's.
const SHOWN: [&str; 4] =
    ["x-clickhouse-format", "x-clickhouse-timezone", "x-clickhouse-exception-code", "x-clickhouse-exception-tag"];

pub(super) fn shown(theirs: &HeaderMap, id: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for name in SHOWN.into_iter().chain([CONTENT_TYPE.as_str(), CONTENT_ENCODING.as_str()]) {
        for value in theirs.get_all(name) {
            // The names are all lower-case words, so they are valid.
            if let Ok(name) = hyper::header::HeaderName::from_bytes(name.as_bytes()) {
                headers.append(name, value.clone());
            }
        }
    }
    if let Some(summary) = theirs.get("x-clickhouse-summary").and_then(summary) {
        headers.insert("x-clickhouse-summary", summary);
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert("x-clickhouse-query-id", id);
    }
    headers
}

/// Without what was read: those are whole granules, which rows of all tenants share. Clients expect the names.
fn summary(theirs: &HeaderValue) -> Option<HeaderValue> {
    let mut members: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(theirs.as_bytes()).ok()?;
    for (name, value) in &mut members {
        if name.contains("read") || name.contains("memory") {
            *value = "0".into();
        }
    }
    HeaderValue::from_str(&serde_json::to_string(&members).ok()?).ok()
}

// === impl Stream ===

impl Stream {
    pub(super) fn new(from: Incoming, turn: Turn, started: Instant) -> Stream {
        Stream { from, turn: Some(turn), broke: None, bytes: 0, started, ended: None }
    }

    /// Called once, however it ends.
    pub fn at_end(&mut self, ended: impl FnOnce(Ended) + Send + 'static) {
        self.ended = Some(Box::new(ended));
    }

    fn end(&mut self, how: End) {
        self.turn = None;
        if let Some(ended) = self.ended.take() {
            ended(Ended { how, bytes: self.bytes, elapsed: self.started.elapsed() });
        }
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(error) = self.broke.take() {
            self.end(End::Broken);
            return Poll::Ready(Some(Err(error)));
        }
        match std::task::ready!(Pin::new(&mut self.from).poll_frame(cx)) {
            Some(Ok(frame)) => {
                self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                Poll::Ready(Some(Ok(frame)))
            }
            // hyper cuts the connection at an error, with what it has not sent: so it is let send first.
            Some(Err(error)) => {
                self.broke = Some(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            None => {
                self.end(End::Whole);
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.from.is_end_stream()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let how = if self.from.is_end_stream() { End::Whole } else { End::Left };
        self.end(how);
    }
}
