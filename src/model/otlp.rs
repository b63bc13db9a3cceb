//! OTLP as it was received: views that borrow from the request body, whichever encoding it came in.
//!
//! Both decoders (protobuf and JSON, `ingest::otlp`) produce these; the normalisers read them. Names follow
//! the OTLP protobuf definitions.

use std::borrow::Cow;

/// An attribute value. Arrays, maps and bytes are rare, so they are rendered once, when decoded.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value<'a> {
    #[default]
    Empty,
    Str(Cow<'a, str>),
    Bool(bool),
    Int(i64),
    Double(f64),
    /// `arrayValue` and `kvlistValue` as compact JSON, `bytesValue` as base64.
    Rendered(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct KeyValue<'a> {
    pub key: Cow<'a, str>,
    pub value: Value<'a>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resource<'a> {
    pub attributes: Vec<KeyValue<'a>>,
    /// The resource's own bytes in the request: part of what an event id is made of.
    pub raw: &'a [u8],
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct InstrumentationScope<'a> {
    pub name: Cow<'a, str>,
    pub version: Cow<'a, str>,
    pub attributes: Vec<KeyValue<'a>>,
    pub raw: &'a [u8],
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogRecord<'a> {
    pub time_unix_nano: u64,
    pub observed_time_unix_nano: u64,
    pub severity_number: i32,
    pub severity_text: Cow<'a, str>,
    pub body: Value<'a>,
    pub attributes: Vec<KeyValue<'a>>,
    pub flags: u32,
    /// Empty, or 16 bytes; anything else is passed on as it came.
    pub trace_id: Cow<'a, [u8]>,
    /// Empty, or 8 bytes; anything else is passed on as it came.
    pub span_id: Cow<'a, [u8]>,
    pub event_name: Cow<'a, str>,
    /// The record's own bytes in the request.
    pub raw: &'a [u8],
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Span<'a> {
    pub trace_id: Cow<'a, [u8]>,
    pub span_id: Cow<'a, [u8]>,
    pub parent_span_id: Cow<'a, [u8]>,
    pub trace_state: Cow<'a, str>,
    pub flags: u32,
    pub name: Cow<'a, str>,
    /// `SpanKind` as its number.
    pub kind: i32,
    pub start_time_unix_nano: u64,
    pub end_time_unix_nano: u64,
    pub attributes: Vec<KeyValue<'a>>,
    pub events: Vec<SpanEvent<'a>>,
    pub links: Vec<SpanLink<'a>>,
    /// 0 unset, 1 ok, 2 error.
    pub status_code: i32,
    pub status_message: Cow<'a, str>,
    pub raw: &'a [u8],
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct SpanEvent<'a> {
    pub time_unix_nano: u64,
    pub name: Cow<'a, str>,
    pub attributes: Vec<KeyValue<'a>>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct SpanLink<'a> {
    pub trace_id: Cow<'a, [u8]>,
    pub span_id: Cow<'a, [u8]>,
    pub attributes: Vec<KeyValue<'a>>,
}

/// What all data points of one OTLP metric share.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetricMeta<'a> {
    pub name: Cow<'a, str>,
    pub description: Cow<'a, str>,
    pub unit: Cow<'a, str>,
    pub kind: MetricKind,
    /// 0 unspecified, 1 delta, 2 cumulative.
    pub temporality: i32,
    pub is_monotonic: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MetricKind {
    #[default]
    Gauge,
    Sum,
    Histogram,
    ExponentialHistogram,
    Summary,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct DataPoint<'a> {
    pub attributes: Vec<KeyValue<'a>>,
    pub start_time_unix_nano: u64,
    pub time_unix_nano: u64,
    pub flags: u32,
    pub value: PointValue,
    pub raw: &'a [u8],
}

#[derive(Debug, Clone, PartialEq, Default)]
pub enum PointValue {
    /// No value (`NoRecordedValue`, or an unknown data type).
    #[default]
    None,
    Int(i64),
    Double(f64),
    Histogram {
        count: u64,
        sum: Option<f64>,
        min: Option<f64>,
        max: Option<f64>,
        bucket_counts: Vec<u64>,
        explicit_bounds: Vec<f64>,
    },
    ExponentialHistogram {
        count: u64,
        sum: Option<f64>,
        min: Option<f64>,
        max: Option<f64>,
        scale: i32,
        zero_count: u64,
        zero_threshold: f64,
        positive_offset: i32,
        positive_counts: Vec<u64>,
        negative_offset: i32,
        negative_counts: Vec<u64>,
    },
    Summary {
        count: u64,
        sum: f64,
        /// (quantile, value)
        quantiles: Vec<(f64, f64)>,
    },
}
