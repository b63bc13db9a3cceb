//! LiteLLM's `otel` callback: it reports what a call cost, and no cache shares (but as Python text, which is left alone).
//! <https://docs.litellm.ai/docs/observability/opentelemetry_integration>; seen: 1.106.

use std::borrow::Cow;

use super::call::{Call, Record, Role};
use crate::normalise::keys::Key;
use crate::normalise::slots::Slots;

/// The child of a call's span with the provider's request and response as they were.
pub const RAW_REQUEST: &str = "raw_gen_ai_request";

pub fn adjust<'r>(call: &mut Call<'r>, slots: &mut Slots<'r>, record: Record<'_, 'r>) {
    if is_raw(record) {
        call.operation = Cow::Borrowed("");
    }
    let team = slots.text(Key::LitellmTeamId);
    if !team.is_empty() {
        slots.add("team.id", team);
    }
}

pub fn role<'r>(_: &Call<'r>, _: &Slots<'r>, record: Record<'_, 'r>) -> Option<Role> {
    // The provider's id: where LiteLLM translates, the call's span has another.
    is_raw(record).then_some(Role::Copy { keyed: false })
}

fn is_raw(record: Record<'_, '_>) -> bool {
    matches!(record, Record::Span(span) if span.name == RAW_REQUEST)
}
