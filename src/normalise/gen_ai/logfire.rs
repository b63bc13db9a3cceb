//! Logfire's own instrumentation of OpenAI and Anthropic: cache shares only in `gen_ai.usage.raw`, the provider's usage object.
//! Streamed usage comes on a second span, marked `logfire.span_type=log`: tokens of a call that the first span counted.

use super::call::{Call, Record};
use super::json;
use crate::normalise::keys::Key;
use crate::normalise::slots::Slots;

pub fn adjust<'r>(call: &mut Call<'r>, slots: &mut Slots<'r>, _: Record<'_, 'r>) {
    let Some(usage) = slots.get(Key::GenAiUsageRaw).and_then(json::object) else {
        return;
    };
    let tokens = &mut call.tokens;
    let input = json::inner(&usage, &["prompt_tokens_details", "input_tokens_details"]);
    let output = json::inner(&usage, &["completion_tokens_details", "output_tokens_details"]);
    let written = json::inner(&usage, &["cache_creation"]);
    let cached =
        || json::count(&usage, &["cache_read_input_tokens"]).or_else(|| json::count(input?, &["cached_tokens"]));
    tokens.cache_read = tokens.cache_read.or_else(cached);
    tokens.cache_write = tokens.cache_write.or_else(|| json::count(&usage, &["cache_creation_input_tokens"]));
    tokens.cache_write_1h = tokens.cache_write_1h.or_else(|| json::count(written?, &["ephemeral_1h_input_tokens"]));
    tokens.reasoning = tokens.reasoning.or_else(|| json::count(output?, &["reasoning_tokens"]));
}
