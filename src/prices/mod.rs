//! What a call costs: the operator's own rules, then a price file, then the prices compiled in.

use crate::model::event::NanoUsd;

/// One call, in the terms of the event table: token counts are disjoint.
#[derive(Debug, Clone, Copy, Default)]
pub struct Call<'a> {
    pub provider: &'a str,
    /// The model that answered, then the one that was asked for: the first with a price counts.
    pub models: [&'a str; 2],
    pub input_tokens: u64,
    pub cache_read_tokens: u64,
    /// All that was written to a cache, the 1-hour share included.
    pub cache_creation_tokens: u64,
    pub cache_creation_1h_tokens: u64,
    pub output_tokens: u64,
    /// As the provider said it; empty if it didn't.
    pub service_tier: &'a str,
    /// When the call was made: prices have dates.
    pub timestamp_ns: i64,
}

/// A cost, and the table that it was computed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced<'p> {
    pub usd: NanoUsd,
    pub version: &'p str,
}

#[derive(Debug, Default)]
pub struct Prices {}

// === impl Prices ===

impl Prices {
    /// `None`: no table has a price for it.
    pub fn price(&self, _call: &Call<'_>) -> Option<Priced<'_>> {
        None
    }
}
