//! What a model costs and how fast it is. Prices are those that Claude Code 2.1.329 computes with.

use crate::demo::record::Tokens;

#[derive(Debug, PartialEq)]
pub struct Model {
    pub name: &'static str,
    /// Billionths of a US dollar for each token, so that a sum of costs is exact.
    input: u64,
    output: u64,
    cache_read: u64,
    cache_creation: u64,
    /// Milliseconds for each output token.
    pub pace_ms: f64,
}

pub const OPUS: Model = Model {
    name: "claude-opus-5-5",
    input: 4000,
    output: 20_000,
    cache_read: 200,
    cache_creation: 5000,
    pace_ms: 17.0,
};
pub const OPUS_BEFORE: Model = Model {
    name: "claude-opus-4-8",
    input: 5000,
    output: 25_000,
    cache_read: 500,
    cache_creation: 6250,
    pace_ms: 19.0,
};
pub const SONNET: Model = Model {
    name: "claude-sonnet-4-5",
    input: 3000,
    output: 15_000,
    cache_read: 300,
    cache_creation: 3750,
    pace_ms: 13.0,
};
/// Subagents and titles.
pub const HAIKU: Model =
    Model { name: "claude-haiku-5-5", input: 100, output: 500, cache_read: 10, cache_creation: 125, pace_ms: 6.0 };

// === impl Model ===

impl Model {
    pub fn cost_nanos(&self, tokens: Tokens) -> u64 {
        tokens.input * self.input
            + tokens.output * self.output
            + tokens.cache_read * self.cache_read
            + tokens.cache_creation * self.cache_creation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_those_of_captured_requests() {
        let tokens = |input, output, cache_read, cache_creation| Tokens { input, output, cache_read, cache_creation };
        assert_eq!(OPUS.cost_nanos(tokens(120, 14, 900, 300)), 2_440_000);
        assert_eq!(OPUS_BEFORE.cost_nanos(tokens(211, 75, 1000, 500)), 6_555_000);
        assert_eq!(HAIKU.cost_nanos(tokens(120, 14, 900, 300)), 65_500);
    }
}
