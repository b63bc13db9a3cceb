//! The Vercel AI SDK. Each call is an outer span, which repeats, and an inner one, which is the call: told apart by the operation
//! in both of its dialects, but for embeddings in version 7, where both say `embeddings` and the outer one has no usage.

use super::call::{Call, Record, Role};
use crate::normalise::slots::Slots;

/// `Status.StatusCode.STATUS_CODE_ERROR`.
const ERROR: i32 = 2;

pub fn role<'r>(call: &Call<'r>, _: &Slots<'r>, record: Record<'_, 'r>) -> Option<Role> {
    match record {
        Record::Span(span) if call.operation == "embeddings" && !call.tokens.any() && span.status_code != ERROR => {
            Some(Role::Aggregate)
        }
        _ => None,
    }
}
