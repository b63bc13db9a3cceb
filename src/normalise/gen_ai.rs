//! The gen_ai semantic conventions, current names. The dialects of the many instrumentations come here.

use std::borrow::Cow;

use super::common::own_usage_key;
use super::keys::Key;
use super::line::Line;
use super::slots::Slots;
use crate::model::event::{Event, UsageRole};
use crate::model::metric::Metric;

const SOURCE: &str = "gen_ai";
/// `Event::usage_priority`: the span of a call says more than the log beside it.
const SPAN_PRIORITY: u8 = 20;
const LOG_PRIORITY: u8 = 15;

/// Whether a record follows these conventions.
pub(super) fn speaks(slots: &Slots<'_>) -> bool {
    slots.any(GEN_AI_KEYS)
}

const GEN_AI_KEYS: &[Key] = &[
    Key::GenAiRequestModel,
    Key::GenAiResponseModel,
    Key::GenAiProviderName,
    Key::GenAiSystem,
    Key::GenAiOperationName,
    Key::GenAiResponseId,
    Key::GenAiToolName,
    Key::GenAiToolCallId,
    Key::GenAiAgentName,
    Key::GenAiTokenType,
    Key::GenAiInputTokens,
    Key::GenAiOutputTokens,
];

pub(super) fn span<'r>(slots: &mut Slots<'r>, event: &mut Event<'r>) {
    fill(slots, event);
    let name = match event.operation.is_empty() {
        true => "gen_ai".into(),
        false => Cow::Owned(["gen_ai.", &event.operation].concat()),
    };
    event.event_type = name;
    fill_usage(slots, event, UsageRole::Leaf, SPAN_PRIORITY);
}

pub(super) fn log<'r>(slots: &mut Slots<'r>, event: &mut Event<'r>) {
    fill(slots, event);
    // Inside a span the usage is that span's, told again.
    let role = match event.span_id.is_empty() {
        true => UsageRole::Leaf,
        false => UsageRole::Copy,
    };
    fill_usage(slots, event, role, LOG_PRIORITY);
    if event.message.is_empty() && !event.model.is_empty() {
        let line = Line::new().name(&event.model, "").lit(": ").name(&event.event_type, "");
        event.message = line.finish();
    }
}

/// A data point: model, provider, operation, and the token type as `series_type`.
pub(super) fn point<'r>(slots: &mut Slots<'r>, metric: &mut Metric<'r>) {
    metric.source = Cow::Borrowed("otel");
    if !metric.name.starts_with("gen_ai.") && !speaks(slots) {
        return;
    }
    metric.source = Cow::Borrowed(SOURCE);
    metric.provider = slots.take_first(&[Key::GenAiProviderName, Key::GenAiSystem]);
    slots.drop_if(Key::GenAiSystem, &metric.provider);
    metric.model = slots.take_first(&[Key::GenAiResponseModel, Key::GenAiRequestModel]);
    slots.drop_if(Key::GenAiRequestModel, &metric.model);
    metric.operation = slots.take_text(Key::GenAiOperationName);
    metric.series_type = slots.take_text(Key::GenAiTokenType);
    metric.tool_name = slots.take_text(Key::GenAiToolName);
    metric.feature = slots.text(Key::GenAiAgentName);
}

fn fill<'r>(slots: &mut Slots<'r>, event: &mut Event<'r>) {
    event.source = Cow::Borrowed(SOURCE);
    event.provider = slots.take_first(&[Key::GenAiProviderName, Key::GenAiSystem]);
    slots.drop_if(Key::GenAiSystem, &event.provider);
    event.model = slots.take_first(&[Key::GenAiResponseModel, Key::GenAiRequestModel]);
    slots.drop_if(Key::GenAiRequestModel, &event.model);
    event.operation = slots.take_text(Key::GenAiOperationName);
    event.feature = slots.text(Key::GenAiAgentName);
    event.tool_name = slots.take_text(Key::GenAiToolName);
    event.target_id = slots.take_text(Key::GenAiToolCallId);
    if !event.target_id.is_empty() {
        event.target_type = Cow::Borrowed("tool");
    }
    if event.event_class == "app" {
        let tool = event.operation == "execute_tool";
        event.event_class = Cow::Borrowed(if tool { "tool" } else { "llm" });
    }
}

/// The conventions' input includes what was read from and written to a cache; the columns are disjoint.
fn fill_usage<'r>(slots: &mut Slots<'r>, event: &mut Event<'r>, role: UsageRole, priority: u8) {
    let keys = [Key::GenAiInputTokens, Key::GenAiOutputTokens];
    if !slots.any(&keys) {
        return;
    }
    let input = slots.take_tokens(Key::GenAiInputTokens);
    event.output_tokens = slots.take_tokens(Key::GenAiOutputTokens);
    event.cache_read_tokens = slots.take_tokens(Key::GenAiCacheRead);
    event.cache_creation_tokens = match slots.take_tokens(Key::GenAiCacheWrite) {
        0 => slots.take_tokens(Key::GenAiCacheCreation),
        written => written,
    };
    event.reasoning_tokens = slots.take_tokens(Key::GenAiReasoning);
    let cached = event.cache_read_tokens + event.cache_creation_tokens;
    // Less input than cache: a sender whose input excludes it already.
    event.input_tokens = input.checked_sub(cached).unwrap_or(input);
    event.usage_role = match event.operation.as_ref() {
        "invoke_agent" | "create_agent" | "invoke_workflow" => UsageRole::Aggregate,
        _ => role,
    };
    event.usage_priority = priority;
    event.usage_key = slots.take_text(Key::GenAiResponseId);
    if event.usage_key.is_empty() {
        event.usage_key = own_usage_key(event);
    }
}
