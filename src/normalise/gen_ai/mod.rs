//! Model calls, agents and tools: the OpenTelemetry gen_ai conventions, their deprecated names, and the dialects met in practice.
//!
//! [`names`] says under which names a fact may come, [`dialects`] what is particular about each dialect. A new dialect is a row
//! there, and a file where it needs code.

mod anthropic;
mod call;
mod codex;
pub mod dialects;
mod gemini_cli;
mod google_adk;
mod json;
mod langfuse;
mod litellm;
mod log;
mod logfire;
pub mod names;
mod openinference;
mod operation;
mod point;
mod provider;
mod span;
mod usage;
mod vercel;

pub(super) use self::log::log;
pub(super) use self::point::point;
pub(super) use self::span::{error_type, span};

use self::dialects::Dialect;
use super::common::WhoNames;
use super::line::Line;
use super::resource::ScopeCtx;
use super::slots::Slots;
use crate::model::event::{Event, Str};

/// What the dialects call the user and the session.
pub(super) static WHO: WhoNames = WhoNames { user: &names::USER, session: &names::SESSION };

const SOURCE: &str = "gen_ai";
/// The event beside an inference span, with all that the span says: semantic conventions, gen_ai events.
const DETAILS: &str = "gen_ai.client.inference.operation.details";
/// How the conventions' names begin.
const PREFIX: &str = "gen_ai.";

/// Whose record it is, if it is one of these. `name` is the span's, or the log event's.
#[inline]
pub(super) fn dialect(scope: &ScopeCtx, slots: &Slots<'_>, name: &str) -> Option<&'static Dialect> {
    let speaks = slots.any_of(&names::SPEAKS) || name.starts_with(PREFIX);
    match scope.gen_ai {
        Some(dialect) => (speaks || dialect.whole || dialect.spans.contains(&name)).then_some(dialect),
        None if speaks => Some(dialects::by_attributes(slots)),
        None => dialects::by_event(name),
    }
}

/// `get_weather in 3 ms`, `get_weather failed (TimeoutError)`
fn tool_line<'r>(event: &Event<'r>) -> Str<'r> {
    let line = Line::new().name(&event.tool_name, "tool");
    match event.outcome.as_ref() {
        "failure" => line.lit(" failed").aside(&event.error_type).took(event.duration_ns).finish(),
        _ => line.took(event.duration_ns).finish(),
    }
}

/// `gpt-4o-mini: 176 in, 45 out, 1024 cached, $0.0001302 in 840 ms`, `gpt-4o-mini: failed (RateLimitError) in 12 ms`,
/// `gpt-4o-mini: chat in 50 ms` where nobody says how much.
fn call_line<'r>(event: &Event<'r>) -> Str<'r> {
    if event.outcome == "failure" {
        let line = Line::new().name(&event.model, "model").lit(": failed");
        return line.aside(&event.error_type).took(event.duration_ns).finish();
    }
    let figures = event.input_tokens + event.cache_read_tokens + event.cache_creation_tokens + event.output_tokens;
    if figures == 0 {
        let line = Line::new().name(&event.model, "model").lit(": ").name(&event.operation, "called");
        return line.took(event.duration_ns).finish();
    }
    let line = Line::usage(event);
    let line = match event.cost_reported_usd {
        Some(cost) => line.lit(", ").usd(cost),
        None => line,
    };
    line.took(event.duration_ns).finish()
}
