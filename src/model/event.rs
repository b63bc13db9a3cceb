//! One row of `activitylog.events`, borrowed from the request it came in.

use std::borrow::Cow;

use super::otlp::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(i8)]
pub enum Kind {
    #[default]
    Log = 1,
    Span = 2,
    Webhook = 3,
    Message = 4,
    Audit = 5,
}

/// Where a cost figure came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(i8)]
pub enum CostOrigin {
    #[default]
    None = 0,
    Reported = 1,
    Computed = 2,
}

/// What a row's usage figures are, so that a token is counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(i8)]
pub enum UsageRole {
    #[default]
    None = 0,
    /// One billable call.
    Leaf = 1,
    /// Repeats what its children said.
    Aggregate = 2,
    /// The same call on another record.
    Copy = 3,
}

/// US dollars in units of 1e-9: what `Decimal(18, 9)` stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub struct NanoUsd(pub i64);

pub type Str<'a> = Cow<'a, str>;

/// Every field is a column of DESIGN, "The data", but for what the block adds itself: tenant, `received_at`,
/// `retention_days`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event<'a> {
    pub event_id: u128,
    pub kind: Kind,
    /// Nanoseconds since 1970, already clamped to what the column holds.
    pub timestamp_ns: i64,
    pub duration_ns: u64,

    pub project: Str<'a>,
    pub repository: Str<'a>,
    pub environment: Str<'a>,
    pub service: Str<'a>,
    pub user_id: Str<'a>,
    pub user_email: Str<'a>,
    pub session_id: Str<'a>,
    pub correlation_id: Str<'a>,
    pub source_ip: Str<'a>,

    pub source: Str<'a>,
    pub event_class: Str<'a>,
    pub event_type: Str<'a>,
    pub outcome: Str<'a>,
    pub severity: Str<'a>,
    pub message: Str<'a>,
    pub target_type: Str<'a>,
    pub target_id: Str<'a>,

    /// Raw bytes; the block writes lower-case hex.
    pub trace_id: Cow<'a, [u8]>,
    pub span_id: Cow<'a, [u8]>,
    pub parent_span_id: Cow<'a, [u8]>,

    pub provider: Str<'a>,
    pub model: Str<'a>,
    pub operation: Str<'a>,
    pub feature: Str<'a>,
    pub tool_name: Str<'a>,
    pub error_type: Str<'a>,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_read_tokens: u64,
    pub cache_creation_tokens: u64,
    pub cache_creation_1h_tokens: u64,
    pub reasoning_tokens: u64,
    /// Whether the reporter says how much input came from and went to a cache: 0 is then a figure, else it is a gap.
    pub cache_known: bool,
    pub cost_usd: NanoUsd,
    pub cost_reported_usd: Option<NanoUsd>,
    /// By our own price table, whatever the reporter says.
    pub cost_computed_usd: Option<NanoUsd>,
    pub cost_origin: CostOrigin,
    pub price_version: Str<'a>,
    pub usage_role: UsageRole,
    pub usage_key: Str<'a>,
    /// Which dialect's record of a call wins when several arrive (higher wins); for the `usage` table.
    pub usage_priority: u8,
    /// No rule knows its type: kept as it came. No column.
    pub unmapped: bool,
    /// Which dialect said it, for the rules about whose figures to trust. No column.
    pub reporter: &'static str,

    pub status_code: u16,

    /// What has no column of its own: the record's attributes, borrowed.
    pub attributes: Vec<(&'a str, AttributeValue<'a>)>,
    /// The resource's attributes, rendered once per resource; every row of that resource shares them.
    pub resource: &'a [(String, String)],
}

/// A value of the `attributes` map: numbers are rendered straight into the column's buffer.
#[derive(Debug, Clone, PartialEq)]
pub enum AttributeValue<'a> {
    Otlp(&'a Value<'a>),
    Text(Cow<'a, str>),
}

// === impl NanoUsd ===

impl NanoUsd {
    /// Rounds to nine decimals. `None` for NaN, infinities, negatives and what the column can't hold.
    pub fn from_f64(usd: f64) -> Option<NanoUsd> {
        let nanos = (usd * 1e9).round();
        (nanos.is_finite() && (0.0..=999_999_999_999_999_999.0).contains(&nanos)).then_some(NanoUsd(nanos as i64))
    }
}
