//! Which record of a call wins when several arrive with the same `usage_key`: the higher `Event::usage_priority`. A reporter
//! that says the cost comes first, then who says most about the call.

/// Claude Code's `api_request` event: cost and cache shares.
pub const CLAUDE_CODE: u8 = 100;
pub const LITELLM: u8 = 90;
pub const PYDANTIC_AI: u8 = 80;
pub const LOGFIRE: u8 = 80;
pub const ANTHROPIC_SDK: u8 = 70;
/// The API's own word for what it billed, but it knows neither user nor session.
pub const CLAUDE_PLATFORM: u8 = 65;
pub const OTEL_GEN_AI: u8 = 60;
pub const OPENINFERENCE: u8 = 50;
pub const TRACELOOP: u8 = 40;
pub const OPENLIT: u8 = 30;
pub const OTHERS: u8 = 10;

/// A copy's, by its leaf's: below every leaf, in the same order.
pub const fn of_copy(leaf: u8) -> u8 {
    leaf / 11
}

const _: () = assert!(of_copy(CLAUDE_CODE) < OTHERS);
