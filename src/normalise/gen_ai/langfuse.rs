//! The Langfuse SDK: usage and cost as JSON in strings. <https://langfuse.com/docs/opentelemetry>; seen: 5.0.4.

use super::call::{Call, Record};
use super::json::{self, Object};
use crate::model::event::NanoUsd;
use crate::normalise::keys::Key;
use crate::normalise::slots::Slots;

pub fn adjust<'r>(call: &mut Call<'r>, slots: &mut Slots<'r>, record: Record<'_, 'r>) {
    if let Some(usage) = slots.get(Key::LangfuseUsageDetails).and_then(json::object) {
        match usage.contains_key("prompt_tokens") || usage.contains_key("completion_tokens") {
            true => openai(call, &usage),
            false => disjoint(call, &usage),
        }
    }
    if call.cost.is_none() {
        let costs = slots.get(Key::LangfuseCostDetails).and_then(json::object);
        let total = costs.as_ref().and_then(|costs| costs.get("total")?.as_f64());
        call.cost = total.and_then(NanoUsd::from_f64);
    }
    if let (Record::Span(span), None) = (record, call.ttft_ms) {
        let started = slots.text(Key::LangfuseCompletionStart);
        call.ttft_ms = since(span.start_time_unix_nano, &json::unquoted(started));
    }
}

/// OpenAI's usage object as it is: input includes what was cached.
fn openai(call: &mut Call<'_>, usage: &Object) {
    let tokens = &mut call.tokens;
    tokens.input = json::count(usage, &["prompt_tokens"]);
    tokens.output = json::count(usage, &["completion_tokens"]);
    let prompt = json::inner(usage, &["prompt_tokens_details"]);
    tokens.cache_read = json::count(usage, &["prompt_tokens_details.cached_tokens"])
        .or_else(|| json::count(prompt?, &["cached_tokens"]));
    let completion = json::inner(usage, &["completion_tokens_details"]);
    tokens.reasoning = json::count(usage, &["completion_tokens_details.reasoning_tokens"])
        .or_else(|| json::count(completion?, &["reasoning_tokens"]));
    tokens.without_cache = Some(false);
}

/// Langfuse's own names: every figure leaves the others out.
fn disjoint(call: &mut Call<'_>, usage: &Object) {
    let tokens = &mut call.tokens;
    tokens.input = json::count(usage, &["input", "input_tokens"]);
    tokens.output = json::count(usage, &["output", "output_tokens"]);
    tokens.cache_read = json::count(usage, &["input_cached_tokens", "cache_read_input_tokens", "input_cache_read"]);
    tokens.cache_write = json::count(usage, &["input_cache_creation", "cache_creation_input_tokens"]);
    tokens.without_cache = Some(true);
    let apart = json::count(usage, &["output_reasoning_tokens"]);
    if let (Some(output), Some(reasoning)) = (tokens.output, apart) {
        tokens.output = Some(output + reasoning);
    }
    tokens.reasoning = apart.or_else(|| json::count(usage, &["reasoning_tokens"]));
}

/// Milliseconds from `start` to a time in RFC 3339.
fn since(start_unix_nano: u64, text: &str) -> Option<f64> {
    let time: jiff::Timestamp = text.parse().ok()?;
    let passed = time.as_nanosecond() - i128::from(start_unix_nano);
    (passed >= 0 && start_unix_nano != 0).then_some(passed as f64 / 1e6)
}
