//! Claude Code's spans (beta; two switches on the client).

use std::borrow::Cow;

use super::{PREFIX, decide, error_class, fail, fill_common, fill_tokens, succeed_or_fail};
use crate::model::event::{Event, Str, UsageRole};
use crate::model::otlp::Span;
use crate::normalise::common::{PLAIN, fill_span_time, fill_who};
use crate::normalise::content::{self, Dropped};
use crate::normalise::keys::Key;
use crate::normalise::line::Line;
use crate::normalise::slots::Slots;
use crate::normalise::{Input, span_events, usage_priority, value};

/// `Status.StatusCode.STATUS_CODE_ERROR`.
const ERROR: i32 = 2;
const INTERNAL: i32 = 1;

pub(in crate::normalise) fn span<'r>(
    input: Input<'r>,
    span: &'r Span<'r>,
    dropped: &mut Dropped,
    event: &mut Event<'r>,
) {
    let mut slots = Slots::sort(&span.attributes, input.resource, input.policy, dropped);
    event.event_type = match span.name.starts_with(PREFIX) {
        true => Cow::Borrowed(&span.name),
        false => Cow::Owned([PREFIX, &span.name].concat()),
    };
    let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
    fill_span_time(input, start, end, &mut slots, event);
    fill_who(input, &PLAIN, &mut slots, event);
    event.trace_id = Cow::Borrowed(&span.trace_id);
    event.span_id = Cow::Borrowed(&span.span_id);
    event.parent_span_id = Cow::Borrowed(&span.parent_span_id);
    fill_common(input, &mut slots, dropped, event);
    fill_error(span, &mut slots, event);
    shape(&mut slots, event);
    fill_rest(input, span, &mut slots, dropped);
    event.attributes = slots.finish();
}

/// A failed call, execution or hook has status ERROR; `error_class` names the same as the events' `error_type`.
fn fill_error<'r>(span: &Span<'_>, slots: &mut Slots<'r>, event: &mut Event<'r>) {
    event.error_type = slots.take_first(&[Key::ErrorClass, Key::ErrorDotType]);
    event.event_class = Cow::Borrowed("session");
    event.severity = Cow::Borrowed("info");
    if span.status_code == ERROR {
        fail(event);
        event.severity = Cow::Borrowed("error");
    }
}

fn shape<'r>(slots: &mut Slots<'r>, event: &mut Event<'r>) {
    let event_type = event.event_type.clone();
    let name = event_type.strip_prefix(PREFIX).unwrap_or(&event_type);
    if slots.text(Key::SpanType) == name {
        slots.take(Key::SpanType);
    }
    event.operation = slots.take_text(Key::GenAiOperationName);
    event.message = match name {
        "llm_request" => llm_request(slots, event),
        "tool" => {
            class(event, "tool");
            Line::new().name(&event.tool_name, "tool").took(event.duration_ns).finish()
        }
        "tool.blocked_on_user" => {
            class(event, "tool");
            decide(slots, event);
            let decision = slots.text(Key::Decision);
            let line = Line::new().lit("permission: ").name(&decision, "unknown");
            line.aside(&slots.text(Key::Source)).finish()
        }
        "tool.execution" => {
            class(event, "tool");
            succeed_or_fail(slots.take_as(Key::Success, value::boolean), event);
            let failed = event.outcome == super::FAILURE;
            let line = Line::new().lit(if failed { "execution failed" } else { "execution finished" });
            line.took(event.duration_ns).finish()
        }
        "interaction" => interaction(slots, event),
        "hook" => {
            super::hook_outcome(slots, event);
            let hook = slots.text(Key::HookName);
            Line::new().lit("hook ").name(&hook, "").took(event.duration_ns).finish()
        }
        "mcp.rpc" | "bash.subprocess" => {
            class(event, "tool");
            Line::new().name(name, "").took(event.duration_ns).finish()
        }
        _ => Line::new().name(&name.replace(['_', '.'], " "), "").took(event.duration_ns).finish(),
    };
}

/// The class, unless the span failed.
fn class(event: &mut Event<'_>, class: &'static str) {
    if event.outcome != super::FAILURE {
        event.event_class = Cow::Borrowed(class);
    }
}

/// The same call as the `api_request` event with this request id.
fn llm_request<'r>(slots: &mut Slots<'r>, event: &mut Event<'r>) -> Str<'r> {
    class(event, "llm");
    if event.operation.is_empty() {
        event.operation = Cow::Borrowed("chat");
    }
    fill_tokens(slots, event);
    succeed_or_fail(slots.take_as(Key::Success, value::boolean), event);
    let request_id = slots.text(Key::RequestId);
    slots.drop_if(Key::GenAiResponseId, &request_id);
    if event.outcome == super::FAILURE {
        if event.error_type.is_empty() {
            event.error_type = Cow::Borrowed(error_class(event.status_code));
        }
        let line = Line::new().name(&event.model, "API").lit(": failed");
        return line.aside(&event.error_type).took(event.duration_ns).finish();
    }
    event.usage_role = UsageRole::Copy;
    event.usage_priority = usage_priority::of_copy(usage_priority::CLAUDE_CODE);
    // Without one nobody could tell whether the call is counted already.
    event.usage_key = slots.take_text(Key::RequestId);
    Line::usage(event).took(event.duration_ns).finish()
}

/// One prompt with everything it led to. Carries no tokens today; if it ever does, they are its children's.
fn interaction<'r>(slots: &mut Slots<'r>, event: &mut Event<'r>) -> Str<'r> {
    event.usage_role = UsageRole::Aggregate;
    fill_tokens(slots, event);
    let sequence = slots.count(Key::InteractionSequence);
    let length = slots.count(Key::UserPromptLength);
    let line = Line::new().lit("interaction").counted(" ", sequence, "");
    line.counted(": prompt of ", length, " characters").took(event.duration_ns).finish()
}

/// Status message (content), kind, trace state, events and links.
fn fill_rest<'r>(input: Input<'r>, span: &'r Span<'r>, slots: &mut Slots<'r>, dropped: &mut Dropped) {
    if !span.status_message.is_empty() {
        let message = input.policy.text(content::STATUS_MESSAGE, Cow::Borrowed(&span.status_message), dropped);
        if !message.is_empty() {
            slots.add(content::STATUS_MESSAGE, message);
        }
    }
    if span.kind != INTERNAL {
        slots.add("span.kind", span_events::kind(span.kind));
    }
    span_events::fill(input, span, slots, dropped);
    super::note_scope(input, slots);
}
