//! Google's Gemini CLI. The bill is the log event `gemini_cli.api_response` (`api_error` where the call failed), whose output
//! leaves the thoughts out; the span and the conventions' event repeat it.
//! <https://github.com/google-gemini/gemini-cli/blob/main/docs/cli/telemetry.md>; seen: 0.61.

use std::borrow::Cow;

use super::call::{Call, Record, Role};
use crate::normalise::keys::Key;
use crate::normalise::slots::Slots;

pub fn adjust<'r>(call: &mut Call<'r>, slots: &mut Slots<'r>, record: Record<'_, 'r>) {
    if let (Some(output), Some(thoughts)) = (call.tokens.output, call.tokens.reasoning) {
        call.tokens.output = Some(output + thoughts);
    }
    let Record::Log(name, _) = record else {
        return;
    };
    match name {
        "gemini_cli.api_response" | "gemini_cli.api_error" => {
            call.operation = Cow::Borrowed("generate_content");
            let vertex = slots.text(Key::AuthType) == "vertex-ai";
            call.provider = Cow::Borrowed(if vertex { "gcp.vertex_ai" } else { "gcp.gemini" });
            call.failed = name.ends_with("error");
        }
        "gemini_cli.tool_call" => call.operation = Cow::Borrowed("execute_tool"),
        _ => {}
    }
}

pub fn role<'r>(call: &Call<'r>, _: &Slots<'r>, record: Record<'_, 'r>) -> Option<Role> {
    Some(match record {
        Record::Log("gemini_cli.api_response" | "gemini_cli.api_error", _) => Role::Leaf,
        // The bill has no response id: a copy with one would be counted beside it.
        Record::Log(super::DETAILS, _) => Role::Copy { keyed: false },
        Record::Span(_) if call.tokens.input.is_some() => Role::Copy { keyed: false },
        _ => Role::Other,
    })
}
