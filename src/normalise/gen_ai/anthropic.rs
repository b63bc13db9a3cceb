//! The tracing built into Anthropic's SDKs, and the Claude platform's own push of the same calls.

use std::borrow::Cow;

use super::call::{Call, Record, Role};
use crate::normalise::slots::Slots;

/// What the platform sends to try a destination.
const TEST: &str = "anthropic.test";

pub fn adjust<'r>(call: &mut Call<'r>, _: &mut Slots<'r>, _: Record<'_, 'r>) {
    if call.provider.is_empty() && !call.model().is_empty() {
        call.provider = Cow::Borrowed("anthropic");
    }
}

/// Counting tokens is free.
pub fn role<'r>(_: &Call<'r>, _: &Slots<'r>, record: Record<'_, 'r>) -> Option<Role> {
    match record {
        Record::Span(span) if span.name.ends_with("count_tokens") || span.name == TEST => Some(Role::Other),
        _ => None,
    }
}
