//! Google's Agent Development Kit. Before it followed the conventions, the counts were only inside of the response.

use super::call::{Call, Record};
use super::json;
use crate::normalise::slots::Slots;

const RESPONSE: &str = "gcp.vertex.agent.llm_response";

pub fn adjust<'r>(call: &mut Call<'r>, slots: &mut Slots<'r>, _: Record<'_, 'r>) {
    if call.tokens.any() || call.model().is_empty() {
        return;
    }
    let response = slots.raw(RESPONSE).and_then(json::object);
    let Some(usage) =
        response.as_ref().and_then(|response| json::inner(response, &["usage_metadata", "usageMetadata"]))
    else {
        return;
    };
    let count = |names: &[&str]| json::count(usage, names);
    call.tokens.input = count(&["prompt_token_count", "promptTokenCount"]);
    call.tokens.reasoning = count(&["thoughts_token_count", "thoughtsTokenCount"]);
    let answer = count(&["candidates_token_count", "candidatesTokenCount"]);
    call.tokens.output = answer.map(|answer| answer + call.tokens.reasoning.unwrap_or(0));
    call.tokens.cache_read = count(&["cached_content_token_count", "cachedContentTokenCount"]);
}
