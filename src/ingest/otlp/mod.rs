//! OTLP decoding: request bodies to the views of [`crate::model::otlp`], one record at a time.
//!
//! ```text
//! protobuf body ─┐
//!                ├─> Visit::resource, Visit::scope, Visit::{log, span, point} ...
//! JSON body ─────┘
//! ```
//! No request-wide tree is built: a record lives while it is visited, and its attribute list is reused for the
//! next one. Memory is bounded by the body and [`Limits`].
//!
//! What a visitor may rely on: `resource` comes before the scopes of that resource, `scope` before its records, also
//! where the wire has them the other way round. What it may not: a request can turn out to be malformed *after*
//! records were visited. Then `decode` returns an error and the caller drops what it took (its block has
//! `truncate(mark)`); a structural pass up front would cost each good request for the sake of the bad ones.

use std::fmt;

use crate::model::otlp::{DataPoint, InstrumentationScope, LogRecord, MetricMeta, Resource, Span};
use crate::outcome::Reason;

pub mod address;
pub mod answer;
pub mod evidence;
pub mod grpc;
pub mod http;
pub mod json;
pub mod protobuf;
mod render;
#[cfg(test)]
mod tests;

/// Takes the records of a request, in order. Every method has an empty default: a visitor of logs writes `log`.
pub trait Visit {
    fn resource(&mut self, _resource: &Resource<'_>) {}
    fn scope(&mut self, _scope: &InstrumentationScope<'_>) {}
    fn log(&mut self, _record: &LogRecord<'_>) {}
    fn span(&mut self, _span: &Span<'_>) {}
    fn point(&mut self, _metric: &MetricMeta<'_>, _point: &DataPoint<'_>) {}
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    Logs,
    Traces,
    Metrics,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    Protobuf,
    Json,
}

/// Beyond these a record is rejected alone, so that one request can't take more memory than a small multiple of
/// its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Attributes of one record, resource or scope; the events and links of a span and their attributes together
    /// may be as many again.
    pub max_attributes: usize,
    /// Buckets or quantiles of one data point (the SDKs' defaults are 15 and 160).
    pub max_buckets: usize,
}

/// What became of the records of one request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Handed to the visitor.
    pub accepted: u64,
    pub rejected: u64,
    /// Why, where something was rejected: the first reason met.
    pub reason: Option<Reason>,
    /// For `partial_success`: what was wrong with the first rejected record.
    pub message: Option<String>,
    /// Strings that held invalid UTF-8 or half a surrogate pair and were repaired with U+FFFD.
    pub repaired: u64,
}

/// The request as a whole can't be read; nothing of it may be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    pub message: String,
}

/// Decodes one export request of any signal in either encoding.
pub fn decode(
    signal: Signal,
    encoding: Encoding,
    body: &[u8],
    limits: &Limits,
    visit: &mut impl Visit,
) -> Result<Tally, DecodeError> {
    match (encoding, signal) {
        (Encoding::Protobuf, Signal::Logs) => protobuf::decode_logs(body, limits, visit),
        (Encoding::Protobuf, Signal::Traces) => protobuf::decode_traces(body, limits, visit),
        (Encoding::Protobuf, Signal::Metrics) => protobuf::decode_metrics(body, limits, visit),
        (Encoding::Json, Signal::Logs) => json::decode_logs(body, limits, visit),
        (Encoding::Json, Signal::Traces) => json::decode_traces(body, limits, visit),
        (Encoding::Json, Signal::Metrics) => json::decode_metrics(body, limits, visit),
    }
}

// === impl Signal ===

impl Signal {
    pub const ALL: [Signal; 3] = [Signal::Logs, Signal::Traces, Signal::Metrics];

    /// As in the path.
    pub fn as_str(self) -> &'static str {
        match self {
            Signal::Logs => "logs",
            Signal::Traces => "traces",
            Signal::Metrics => "metrics",
        }
    }

    /// As in the gRPC method.
    pub fn service(self) -> &'static str {
        match self {
            Signal::Logs => "LogsService",
            Signal::Traces => "TraceService",
            Signal::Metrics => "MetricsService",
        }
    }
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Limits { max_attributes: 1000, max_buckets: 5000 }
    }
}

// === impl Tally ===

impl Tally {
    pub(crate) fn reject(&mut self, count: u64, reason: Reason, message: impl FnOnce() -> String) {
        if count == 0 {
            return;
        }
        self.rejected += count;
        if self.reason.is_none() {
            self.reason = Some(reason);
            self.message = Some(message());
        }
    }
}

// === impl DecodeError ===

impl DecodeError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        DecodeError { message: message.into() }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DecodeError {}
