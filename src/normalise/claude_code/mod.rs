//! Claude Code's telemetry: <https://code.claude.com/docs/en/monitoring-usage>, and what versions 2.1.197 to 2.1.329 were
//! seen to send.
//!
//! The same call arrives three times: the `api_request` event is the leaf, the `llm_request` span its copy (joined by
//! request id), the token and cost metrics stand in at read time only for sessions that sent no events.

mod attribution;
mod log;
mod span;

use std::borrow::Cow;

pub(super) use self::log::log;
pub(super) use self::span::span;

use super::content::Dropped;
use super::keys::Key;
use super::slots::Slots;
use super::{Input, value};
use crate::model::event::{Event, Str};
use crate::model::metric::Metric;

pub const SOURCE: &str = "claude_code";
/// Whose models these are, and what the `gen_ai.*` attributes of its spans say whoever serves them.
const PROVIDER: &str = "anthropic";
const PREFIX: &str = "claude_code.";

/// `Event::reporter`.
const REPORTER: &str = "claude-code";

const SUCCESS: Str<'static> = Cow::Borrowed("success");
const FAILURE: Str<'static> = Cow::Borrowed("failure");
const REJECTED: Str<'static> = Cow::Borrowed("rejected");

/// A data point of one of the `claude_code.*` metrics.
pub(super) fn point<'r>(slots: &mut Slots<'r>, metric: &mut Metric<'r>) {
    metric.source = Cow::Borrowed(SOURCE);
    metric.provider = attribution::provider(slots);
    metric.series_type = slots.take_text(Key::Type);
    metric.tool_name = slots.take_text(Key::ToolName);
    metric.feature = feature(slots);
    metric.model = model(slots);
}

/// The model without `[1m]`, which marks the long context window on some signals and is left out on others. The
/// original goes to `model.raw` where it differs.
fn model<'r>(slots: &mut Slots<'r>) -> Str<'r> {
    let raw = slots.take_text(Key::Model);
    slots.drop_if(Key::GenAiRequestModel, &raw);
    let Some(stripped) = raw.strip_suffix("[1m]") else {
        return raw;
    };
    let stripped = match &raw {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..stripped.len()]),
        Cow::Owned(_) => Cow::Owned(stripped.to_owned()),
    };
    slots.add("model.raw", raw);
    stripped
}

/// What the work was for: a skill, a slash command or an agent, in this order. The attributes stay in the map, since
/// the column doesn't say which of them it was.
fn feature<'r>(slots: &Slots<'r>) -> Str<'r> {
    let keys = [Key::SkillName, Key::CommandName, Key::AgentName, Key::AgentType, Key::SubagentType];
    let named = keys.into_iter().find(|&key| slots.get(key).is_some());
    named.map_or(Cow::Borrowed(""), |key| slots.text(key))
}

/// What log events and spans share.
fn fill_common<'r>(input: Input<'r>, slots: &mut Slots<'r>, dropped: &mut Dropped, event: &mut Event<'r>) {
    event.source = Cow::Borrowed(SOURCE);
    event.reporter = REPORTER;
    event.provider = attribution::provider(slots);
    slots.drop_if(Key::GenAiProviderName, PROVIDER);
    slots.drop_if(Key::GenAiSystem, PROVIDER);
    event.correlation_id = slots.take_text(Key::PromptId);
    event.model = model(slots);
    event.feature = feature(slots);
    attribution::name_agent(input, slots, dropped, event);
    event.status_code = slots.take_as(Key::StatusCode, value::status).unwrap_or(0);
    event.tool_name = slots.take_text(Key::ToolName);
    if !event.tool_name.is_empty() {
        slots.drop_if(Key::GenAiToolName, &event.tool_name);
        slots.drop_if(Key::ToolNameSafe, &event.tool_name);
    }
    event.target_id = slots.take_text(Key::ToolUseId);
    if !event.target_id.is_empty() {
        event.target_type = Cow::Borrowed("tool");
        slots.drop_if(Key::GenAiToolCallId, &event.target_id);
    }
}

/// The token columns of a call. Claude Code's are disjoint as they come.
fn fill_tokens<'r>(slots: &mut Slots<'r>, event: &mut Event<'r>) {
    event.input_tokens = slots.take_tokens(Key::InputTokens);
    event.output_tokens = slots.take_tokens(Key::OutputTokens);
    event.cache_read_tokens = slots.take_tokens(Key::CacheReadTokens);
    event.cache_creation_tokens = slots.take_tokens(Key::CacheCreationTokens);
    event.cache_creation_1h_tokens = slots.take_tokens(Key::CacheCreation1hTokens);
    event.cache_known = true;
}

/// A failure is of class `error`, whatever else it is.
fn fail(event: &mut Event<'_>) {
    event.event_class = Cow::Borrowed("error");
    event.outcome = FAILURE;
}

fn succeed_or_fail(ok: Option<bool>, event: &mut Event<'_>) {
    match ok {
        Some(true) => event.outcome = SUCCESS,
        Some(false) => fail(event),
        None => {}
    }
}

/// accept or reject (tool decisions; `unknown` before 2.1.329).
fn decide(slots: &Slots<'_>, event: &mut Event<'_>) {
    match slots.text(Key::Decision).as_ref() {
        "accept" => event.outcome = SUCCESS,
        "reject" => event.outcome = REJECTED,
        _ => {}
    }
}

/// What kind of error an HTTP status is, in the words of the spans' `error_class`; events carry none.
fn error_class(status: u16) -> &'static str {
    match status {
        0 => "no_response",
        429 => "rate_limit",
        529 => "server_overload",
        400..=499 => "client_error",
        _ => "server_error",
    }
}

/// A hook that blocks is doing its job; one that breaks is an error.
fn hook_outcome(slots: &Slots<'_>, event: &mut Event<'_>) {
    let some = |key| slots.count(key).is_some_and(|n| n > 0);
    if event.outcome == FAILURE || some(Key::NumNonBlockingError) {
        fail(event);
    } else if some(Key::NumBlocking) {
        event.outcome = REJECTED;
    } else {
        event.outcome = SUCCESS;
    }
}

/// The scope's version is the CLI's (the tracing scope's own is constant), even where the operator overrides
/// `service.version`; kept where it says something new.
fn note_scope<'r>(input: Input<'r>, slots: &mut Slots<'r>) {
    let version = input.scope.version.as_str();
    if !version.is_empty() && version != "1.0.0" && version != input.resource.service_version {
        slots.add("otel.scope.version", version);
    }
}
