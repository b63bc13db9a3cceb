//! Who a call was for and who served it, under the names that every dialect's rows are grouped by (`docs/EVENTS.md`). What
//! Claude Code said stays in the map as well.

use std::borrow::Cow;

use super::PROVIDER;
use crate::model::event::{Event, Str};
use crate::normalise::Input;
use crate::normalise::content::Dropped;
use crate::normalise::keys::Key;
use crate::normalise::slots::Slots;

const AGENT_NAME: &str = "agent.name";

/// `anthropic.provider` (from 2.1.329) in the words of the gen_ai conventions. Anthropic where it is not said, or in a word
/// that is not known.
pub(super) fn provider<'r>(slots: &Slots<'r>) -> Str<'r> {
    Cow::Borrowed(match slots.text(Key::AnthropicProvider).as_ref() {
        "bedrock" => "aws.bedrock",
        "vertex" => "gcp.vertex_ai",
        "foundry" => "azure.ai.inference",
        _ => PROVIDER,
    })
}

/// Sees to it that what a subagent did says so in `agent.name`: `api_request` says it itself, other events and spans only by
/// `query_source` (`agent:builtin:general-purpose`; on spans `query_source_safe`, with dots) or, when it is done, `agent_type`.
/// A tool call's `subagent_type` is the agent that is asked, not the one that asks.
pub(super) fn name_agent<'r>(input: Input<'r>, slots: &mut Slots<'r>, dropped: &mut Dropped, event: &mut Event<'r>) {
    if slots.get(Key::AgentName).is_some() {
        return;
    }
    let mut name = after_two(slots.text(Key::QuerySource), ':');
    if name.is_empty() {
        name = after_two(slots.text(Key::QuerySourceSafe), '.');
    }
    if name.is_empty() {
        name = slots.text(Key::AgentType);
    }
    if name.is_empty() {
        return;
    }
    // What the operator wants of the attribute goes for its stand-in too.
    let name = input.policy.text(AGENT_NAME, name, dropped);
    if name.is_empty() {
        return;
    }
    if event.feature.is_empty() {
        event.feature = name.clone();
    }
    slots.add(AGENT_NAME, name);
}

/// The name in `agent:<kind>:<name>`; nothing of anything else.
fn after_two(source: Str<'_>, separator: char) -> Str<'_> {
    let start = source.strip_prefix("agent").and_then(|rest| {
        let kind_and_name = rest.strip_prefix(separator)?;
        let name = kind_and_name.split_once(separator)?.1;
        Some(source.len() - name.len())
    });
    match (start, source) {
        (None, _) => Cow::Borrowed(""),
        (Some(start), Cow::Borrowed(text)) => Cow::Borrowed(&text[start..]),
        (Some(start), Cow::Owned(text)) => Cow::Owned(text[start..].to_owned()),
    }
}
