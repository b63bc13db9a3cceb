//! One row of `activitylog.metrics`: a data point.

use std::borrow::Cow;

use super::event::{AttributeValue, Str};
use super::otlp::MetricKind;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metric<'a> {
    pub event_id: u128,
    pub timestamp_ns: i64,
    pub start_timestamp_ns: i64,
    pub project: Str<'a>,
    pub repository: Str<'a>,
    pub environment: Str<'a>,
    pub service: Str<'a>,
    pub user_id: Str<'a>,
    pub user_email: Str<'a>,
    pub session_id: Str<'a>,
    /// claude_code, gen_ai or otel.
    pub source: Str<'a>,
    pub name: Str<'a>,
    pub description: Str<'a>,
    pub unit: Str<'a>,
    pub kind: MetricKind,
    /// 0 unspecified, 1 delta, 2 cumulative.
    pub temporality: i8,
    pub is_monotonic: bool,
    pub flags: u32,
    /// Hot attributes of Claude Code's and gen_ai's metrics.
    pub provider: Str<'a>,
    pub model: Str<'a>,
    pub operation: Str<'a>,
    pub feature: Str<'a>,
    pub tool_name: Str<'a>,
    /// The `type` attribute (`input`, `output`, `cacheRead`, `added`, `cli` ...), `gen_ai.token.type`.
    pub series_type: Str<'a>,
    /// The number, or the sum of a histogram or summary; NaN where there is none.
    pub value: f64,
    /// Exact where the point was an integer.
    pub value_int: Option<i64>,
    pub count: u64,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub bucket_counts: Cow<'a, [u64]>,
    pub explicit_bounds: Cow<'a, [f64]>,
    pub scale: i32,
    pub zero_count: u64,
    pub zero_threshold: f64,
    pub positive_offset: i32,
    pub positive_counts: Cow<'a, [u64]>,
    pub negative_offset: i32,
    pub negative_counts: Cow<'a, [u64]>,
    pub quantiles: Cow<'a, [f64]>,
    pub quantile_values: Cow<'a, [f64]>,
    pub attributes: Vec<(&'a str, AttributeValue<'a>)>,
    pub resource: &'a [(String, String)],
}
