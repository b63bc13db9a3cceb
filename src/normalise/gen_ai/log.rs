//! Log events of model calls, agents and tools.

use std::borrow::Cow;

use super::call::{Call, Record, Role};
use super::dialects::Dialect;
use super::{PREFIX, SOURCE};
use crate::model::event::Event;
use crate::model::otlp::LogRecord;
use crate::normalise::keys::Key;
use crate::normalise::line::Line;
use crate::normalise::slots::Slots;
use crate::normalise::{Input, value};

const FAILURE: &str = "failure";

pub(in crate::normalise) fn log<'r>(
    input: Input<'r>,
    dialect: &Dialect,
    record: &'r LogRecord<'r>,
    slots: &mut Slots<'r>,
    event: &mut Event<'r>,
) {
    let name = event.event_type.clone();
    let mut call = Call::read(slots);
    let said = Record::Log(&name, record);
    (dialect.adjust)(&mut call, slots, said);
    let role = (dialect.role)(&call, slots, said).unwrap_or_else(|| call.log_role(record, &name));
    event.source = Cow::Borrowed(SOURCE);
    event.reporter = dialect.name;
    call.fill(dialect, role, &input.resource.feature, slots, event);
    if event.error_type.is_empty() {
        event.error_type = slots.take_text(Key::ErrorType);
    }
    if dialect.whole {
        fill_product(slots, event);
    }
    fill_outcome(call.failed, role, slots, event);
    if event.event_class != "error" {
        event.event_class = Cow::Borrowed(class(dialect, &name, event));
    }
    fill_message(role, &call, event);
}

/// What the command line tools say besides.
fn fill_product<'r>(slots: &mut Slots<'r>, event: &mut Event<'r>) {
    event.duration_ns = slots.take_as(Key::DurationMs, value::milliseconds).unwrap_or(0);
    let status = slots.take_as(Key::StatusCode, value::status).unwrap_or(0);
    if event.status_code == 0 {
        event.status_code = status;
    }
}

fn fill_outcome(failed: bool, role: Role, slots: &mut Slots<'_>, event: &mut Event<'_>) {
    let succeeded = slots.take_as(Key::Success, value::boolean);
    let failed = failed || succeeded == Some(false) || !event.error_type.is_empty() || event.status_code >= 400;
    if failed {
        event.event_class = Cow::Borrowed("error");
        event.outcome = Cow::Borrowed(FAILURE);
    } else if event.outcome.is_empty() && (succeeded == Some(true) || role == Role::Leaf) {
        event.outcome = Cow::Borrowed("success");
    }
}

fn class(dialect: &Dialect, name: &str, event: &Event<'_>) -> &'static str {
    let tool = event.operation == "execute_tool" || (dialect.whole && name.contains(".tool_"));
    if tool {
        return "tool";
    }
    let llm = !dialect.whole || name.starts_with(PREFIX) || name.contains(".api_") || name.contains(".sse_");
    if llm { "llm" } else { "session" }
}

/// Never the body: it may quote a prompt or an answer. [`super::super::generic`] keeps it elsewhere.
fn fill_message(role: Role, call: &Call<'_>, event: &mut Event<'_>) {
    if role == Role::Leaf || (matches!(role, Role::Copy { .. }) && call.tokens.any()) {
        event.message = super::call_line(event);
    } else if event.operation == "execute_tool" {
        event.message = super::tool_line(event);
    } else if event.message.is_empty() && !event.model.is_empty() {
        let line = Line::new().name(&event.model, "").lit(": ").name(&event.event_type, "");
        event.message = line.aside(&event.error_type).finish();
    }
}
