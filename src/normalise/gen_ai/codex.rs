//! OpenAI's Codex CLI. The bill is the log event `codex.sse_event` of a completed response, with its counts as strings; the
//! spans repeat it. <https://github.com/openai/codex>, the `[otel]` configuration; seen: 0.169.

use std::borrow::Cow;

use super::call::{Call, Record, Role};
use crate::normalise::keys::Key;
use crate::normalise::slots::Slots;

pub fn adjust<'r>(call: &mut Call<'r>, slots: &mut Slots<'r>, record: Record<'_, 'r>) {
    // A path such as `/root`, no name.
    call.agent_name = Cow::Borrowed("");
    call.operation = Cow::Borrowed(match record {
        Record::Log("codex.tool_result", _) => "execute_tool",
        Record::Log(..) if is_bill(call, slots, record) => "chat",
        _ => "",
    });
    if call.operation == "chat" {
        call.stream = Some(true);
        if call.provider.is_empty() {
            call.provider = Cow::Borrowed("openai");
        }
    }
    call.failed = matches!(record, Record::Log(..)) && slots.text(Key::EventKind) == "response.failed";
}

pub fn role<'r>(call: &Call<'r>, _: &Slots<'r>, record: Record<'_, 'r>) -> Option<Role> {
    Some(match record {
        Record::Log(..) if call.operation == "chat" => Role::Leaf,
        Record::Span(_) if call.tokens.input.is_some() => Role::Copy { keyed: false },
        _ => Role::Other,
    })
}

fn is_bill(call: &Call<'_>, slots: &Slots<'_>, record: Record<'_, '_>) -> bool {
    matches!(record, Record::Log("codex.sse_event", _))
        && slots.text(Key::EventKind) == "response.completed"
        && call.tokens.input.is_some()
}
