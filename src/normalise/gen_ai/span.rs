//! Spans of model calls, agents and tools.

use std::borrow::Cow;

use super::call::{Call, Record, Role};
use super::dialects::{Calls, Dialect};
use super::{SOURCE, operation};
use crate::model::event::{Event, Str};
use crate::model::otlp::Span;
use crate::normalise::Input;
use crate::normalise::keys::Key;
use crate::normalise::line::Line;
use crate::normalise::slots::Slots;

/// Span events that mark the first chunk of a stream.
const FIRST_CHUNK: &[&str] = &[
    "First Token Stream Event",
    "ai.stream.firstChunk",
    "gen_ai.content.completion.chunk",
    "llm.content.completion.chunk",
];

pub(in crate::normalise) fn span<'r>(
    input: Input<'r>,
    dialect: &Dialect,
    span: &'r Span<'r>,
    slots: &mut Slots<'r>,
    event: &mut Event<'r>,
) {
    let mut call = Call::read(slots);
    let record = Record::Span(span);
    (dialect.adjust)(&mut call, slots, record);
    if call.ttft_ms.is_none() {
        call.ttft_ms = first_chunk(span);
    }
    let role = (dialect.role)(&call, slots, record).unwrap_or_else(|| match dialect.calls {
        Calls::Spans => call.span_role(),
        Calls::Logs => Role::Other,
    });
    event.source = Cow::Borrowed(SOURCE);
    event.reporter = dialect.name;
    call.fill(dialect, role, &input.resource.feature, slots, event);
    if !event.operation.is_empty() || role == Role::Leaf {
        event.event_type = operation::event_type(&event.operation);
    }
    if event.event_class != "error" {
        event.event_class = Cow::Borrowed(class(dialect, role, event));
    }
    event.message = message(role, &call, span, event);
    if event.message != span.name {
        slots.add("span.name", span.name.as_ref());
    }
}

/// What failed, where neither an attribute nor an exception says it: the name that the status message begins with.
pub(in crate::normalise) fn error_type<'r>(span: &'r Span<'r>, slots: &mut Slots<'r>) -> Str<'r> {
    let said = slots.take_text(Key::ErrorType);
    if !said.is_empty() {
        return said;
    }
    let text = span.status_message.as_ref();
    let end = text.find(|c: char| !c.is_ascii_alphabetic() && c != '_' && c != '.').unwrap_or(text.len());
    let name = &text[..end];
    let names_an_error = name.contains("Error") || name.contains("Exception");
    Cow::Borrowed(if names_an_error { name.trim_end_matches('.') } else { "" })
}

/// Milliseconds from the start to the first chunk.
fn first_chunk(span: &Span<'_>) -> Option<f64> {
    let chunk = span.events.iter().find(|event| FIRST_CHUNK.contains(&event.name.as_ref()))?;
    let passed = chunk.time_unix_nano.checked_sub(span.start_time_unix_nano)?;
    Some(passed as f64 / 1e6)
}

fn class(dialect: &Dialect, role: Role, event: &Event<'_>) -> &'static str {
    match event.operation.as_ref() {
        "execute_tool" => "tool",
        "" if !event.tool_name.is_empty() => "tool",
        "" if role == Role::Other => {
            if dialect.whole {
                "session"
            } else {
                "app"
            }
        }
        _ => "llm",
    }
}

fn message<'r>(role: Role, call: &Call<'_>, span: &'r Span<'r>, event: &Event<'r>) -> Str<'r> {
    match role {
        Role::Leaf => super::call_line(event),
        Role::Copy { .. } if call.tokens.any() => super::call_line(event),
        Role::Other if event.event_class == "tool" || event.operation == "execute_tool" => super::tool_line(event),
        Role::Aggregate => {
            let line =
                Line::new().name(if call.agent_name.is_empty() { &span.name } else { &call.agent_name }, "agent");
            let line = line.lit(": ").name(&event.operation, "");
            let line = if event.outcome == "failure" { line.lit(" failed").aside(&event.error_type) } else { line };
            line.took(event.duration_ns).finish()
        }
        _ => Cow::Borrowed(span.name.as_ref()),
    }
}
