//! Claude Code's log events.

use std::borrow::Cow;

use super::{FAILURE, PREFIX, REJECTED, SUCCESS, decide, error_class, fail, fill_common, fill_tokens, succeed_or_fail};
use crate::model::event::{CostOrigin, Event, NanoUsd, Str, UsageRole};
use crate::model::otlp::{LogRecord, Value};
use crate::normalise::common::{PLAIN, fill_time, fill_who, own_usage_key, severity};
use crate::normalise::content::{self, Dropped};
use crate::normalise::keys::Key;
use crate::normalise::line::Line;
use crate::normalise::slots::Slots;
use crate::normalise::{Input, time, usage_priority, value};

pub(in crate::normalise) fn log<'r>(
    mut input: Input<'r>,
    record: &'r LogRecord<'r>,
    dropped: &mut Dropped,
    event: &mut Event<'r>,
) {
    let survey = matches!(&record.body, Value::Str(body) if body == "claude_code.feedback_survey");
    input.policy.response_is_a_score = survey;
    let mut slots = Slots::sort(&record.attributes, input.resource, input.policy, dropped);
    event.event_type = event_type(record, &mut slots);
    fill_body(input, record, &mut slots, dropped, event);
    fill_when(input, record, &mut slots, event);
    fill_who(input, &PLAIN, &mut slots, event);
    event.trace_id = Cow::Borrowed(&record.trace_id);
    event.span_id = Cow::Borrowed(&record.span_id);
    fill_common(input, &mut slots, dropped, event);
    shape(&mut slots, event);
    fill_severity(record, event);
    super::note_scope(input, &mut slots);
    event.attributes = slots.finish();
}

/// `claude_code.` and the event's name, which the attribute gives without the prefix and the body with it.
fn event_type<'r>(record: &'r LogRecord<'r>, slots: &mut Slots<'r>) -> Str<'r> {
    let body = match &record.body {
        Value::Str(body) if body.starts_with(PREFIX) => body.as_ref(),
        _ => "",
    };
    let mut name = slots.take_text(Key::EventName);
    if name.is_empty() {
        name = Cow::Borrowed(&record.event_name);
    }
    match name.as_ref() {
        "" if !body.is_empty() => Cow::Borrowed(body),
        "" => Cow::Borrowed("claude_code.event"),
        name if body.strip_prefix(PREFIX) == Some(name) => Cow::Borrowed(body),
        prefixed if prefixed.starts_with(PREFIX) => name,
        name => Cow::Owned([PREFIX, name].concat()),
    }
}

/// The body repeats the event's name. One that doesn't may be anything, so it is content.
fn fill_body<'r>(
    input: Input<'r>,
    record: &'r LogRecord<'r>,
    slots: &mut Slots<'r>,
    dropped: &mut Dropped,
    event: &Event<'r>,
) {
    let known = match &record.body {
        Value::Empty => true,
        body => value::text(body) == event.event_type,
    };
    if known {
        return;
    }
    let verdict = input.policy.apply(content::API_BODY, &record.body, dropped);
    if let Some(body) = input.policy.leave(verdict, &record.body) {
        slots.add(content::LOG_BODY, body);
    }
}

/// `event.timestamp` is the same instant again: dropped where it is, a stand-in where the record has no time.
fn fill_when<'r>(input: Input<'r>, record: &'r LogRecord<'r>, slots: &mut Slots<'r>, event: &mut Event<'r>) {
    let said = slots.get(Key::EventTimestamp).and_then(|v| match v {
        Value::Str(text) => time::iso_milliseconds(text),
        _ => None,
    });
    let unix_nano = [record.time_unix_nano, record.observed_time_unix_nano]
        .into_iter()
        .chain(said.map(|ms| ms.saturating_mul(1_000_000)))
        .find(|&time| time != 0)
        .unwrap_or(0);
    if said == Some(unix_nano / 1_000_000) {
        slots.take(Key::EventTimestamp);
    }
    fill_time(input, unix_nano, slots, event);
}

fn fill_severity<'r>(record: &'r LogRecord<'r>, event: &mut Event<'r>) {
    event.severity = severity(record.severity_number, &record.severity_text);
    if event.severity.is_empty() {
        event.severity = Cow::Borrowed(match event.outcome.as_ref() {
            "failure" => "error",
            "rejected" => "warn",
            _ => "info",
        });
    }
}

/// Class, outcome, figures and line, by event. Those not listed, of today or to come, are of class `session`.
fn shape<'r>(slots: &mut Slots<'r>, event: &mut Event<'r>) {
    event.event_class = Cow::Borrowed("session");
    event.duration_ns = slots.take_as(Key::DurationMs, value::milliseconds).unwrap_or(0);
    let event_type = event.event_type.clone();
    let name = event_type.strip_prefix(PREFIX).unwrap_or(&event_type);
    event.message = match name {
        "api_request" => api_request(slots, event),
        "api_error" | "api_retries_exhausted" | "api_refusal" => api_failure(name, slots, event),
        "api_request_body" | "api_response_body" | "assistant_response" | "system_prompt" | "tool" => {
            llm_context(name, slots, event)
        }
        "tool_decision" => tool_decision(slots, event),
        "tool_result" => tool_result(slots, event),
        "user_prompt" => user_prompt(slots),
        "subagent_completed" => subagent_completed(slots, event),
        "mcp_server_connection" => mcp_server_connection(slots, event),
        "hook_registered" | "hook_execution_start" | "hook_execution_complete" => hook(name, slots, event),
        "auth" => auth(slots, event),
        "internal_error" => {
            fail(event);
            event.error_type = slots.take_first(&[Key::ErrorName, Key::ErrorCode]);
            Line::new().lit("internal error").aside(&event.error_type).finish()
        }
        _ => session(name, slots, event),
    };
}

fn api_request<'r>(slots: &mut Slots<'r>, event: &mut Event<'r>) -> Str<'r> {
    event.event_class = Cow::Borrowed("llm");
    event.outcome = SUCCESS;
    event.operation = Cow::Borrowed("chat");
    fill_tokens(slots, event);
    let cost = slots.take_as(Key::CostUsd, value::usd).or_else(|| {
        let micros = value::count(slots.get(Key::CostUsdMicros)?);
        let nanos = i64::try_from(micros.value).ok()?.checked_mul(1000)?;
        micros.exact.then_some(NanoUsd(nanos))
    });
    if let Some(cost) = cost {
        event.cost_usd = cost;
        event.cost_reported_usd = Some(cost);
        event.cost_origin = CostOrigin::Reported;
    }
    event.usage_role = UsageRole::Leaf;
    event.usage_priority = usage_priority::CLAUDE_CODE;
    event.usage_key = slots.take_text(Key::RequestId);
    if event.usage_key.is_empty() {
        event.usage_key = own_usage_key(event);
    }
    let line = Line::usage(event);
    match cost {
        Some(cost) => line.lit(", ").usd(cost).finish(),
        None => line.finish(),
    }
}

/// Never the error's text: it may quote the prompt.
fn api_failure<'r>(name: &str, slots: &mut Slots<'r>, event: &mut Event<'r>) -> Str<'r> {
    event.operation = Cow::Borrowed("chat");
    let line = Line::new().name(&event.model, "API").lit(": ");
    if name == "api_refusal" {
        event.event_class = Cow::Borrowed("llm");
        event.outcome = REJECTED;
        return line.lit("refused").finish();
    }
    fail(event);
    event.error_type = Cow::Borrowed(error_class(event.status_code));
    let status = (event.status_code != 0).then_some(u64::from(event.status_code));
    if name == "api_error" {
        let attempts = slots.count(Key::Attempt).filter(|&n| n > 1);
        let line = line.lit("API error").counted(" ", status, "");
        return line.counted(" after ", attempts, " attempts").finish();
    }
    let waited = slots.take_as(Key::TotalRetryDurationMs, value::milliseconds);
    event.duration_ns = waited.unwrap_or(event.duration_ns);
    line.lit("gave up")
        .counted(" after ", slots.count(Key::TotalAttempts), " attempts")
        .counted(" (", status, ")")
        .finish()
}

/// What went into or came out of the model.
fn llm_context<'r>(name: &str, slots: &mut Slots<'r>, event: &mut Event<'r>) -> Str<'r> {
    event.event_class = Cow::Borrowed("llm");
    let (what, length) = match name {
        "api_request_body" => ("request body", Key::BodyLength),
        "api_response_body" => ("response body", Key::BodyLength),
        "assistant_response" => ("response", Key::ResponseLength),
        "system_prompt" => ("system prompt", Key::SystemPromptLength),
        _ => {
            return Line::new().lit("tool definition").aside(&event.tool_name).finish();
        }
    };
    let line = Line::new().lit(what);
    line.counted(" of ", slots.count(length), " characters").finish()
}

fn tool_decision<'r>(slots: &Slots<'r>, event: &mut Event<'r>) -> Str<'r> {
    event.event_class = Cow::Borrowed("tool");
    event.operation = Cow::Borrowed("execute_tool");
    decide(slots, event);
    let decided = match event.outcome.as_ref() {
        "success" => " accepted",
        "rejected" => " rejected",
        _ => " decided",
    };
    let line = Line::new().name(&event.tool_name, "tool").lit(decided);
    line.aside(&slots.text(Key::Source)).finish()
}

fn tool_result<'r>(slots: &mut Slots<'r>, event: &mut Event<'r>) -> Str<'r> {
    event.event_class = Cow::Borrowed("tool");
    event.operation = Cow::Borrowed("execute_tool");
    event.error_type = slots.take_text(Key::ErrorType);
    succeed_or_fail(slots.take_as(Key::Success, value::boolean), event);
    let line = Line::new().name(&event.tool_name, "tool");
    match event.outcome.as_ref() {
        "success" => line.lit(" succeeded").took(event.duration_ns).finish(),
        "failure" => line.lit(" failed").aside(&event.error_type).finish(),
        _ => line.lit(" finished").took(event.duration_ns).finish(),
    }
}

fn user_prompt<'r>(slots: &Slots<'r>) -> Str<'r> {
    let command = slots.text(Key::CommandName);
    let line = match command.is_empty() {
        true => Line::new().lit("prompt"),
        false => Line::new().lit("/").name(&command, "").lit(": prompt"),
    };
    line.counted(" of ", slots.count(Key::PromptLength), " characters").finish()
}

/// `total_tokens` is of the subagent's last request only, and repeats it: an aggregate without figures of its own.
fn subagent_completed<'r>(slots: &Slots<'r>, event: &mut Event<'r>) -> Str<'r> {
    event.outcome = SUCCESS;
    event.operation = Cow::Borrowed("invoke_agent");
    event.usage_role = UsageRole::Aggregate;
    let line = Line::new().name(&event.feature, "subagent").lit(" finished");
    line.counted(", ", slots.count(Key::TotalToolUses), " tool calls").took(event.duration_ns).finish()
}

fn mcp_server_connection<'r>(slots: &mut Slots<'r>, event: &mut Event<'r>) -> Str<'r> {
    let status = slots.text(Key::Status);
    event.error_type = slots.take_text(Key::ErrorCode);
    match status.as_ref() {
        "failed" => fail(event),
        "connected" => event.outcome = SUCCESS,
        _ => {}
    }
    let server = slots.text(Key::ServerName);
    let line = Line::new().lit("MCP server ").name(&server, "").lit(if server.is_empty() { "" } else { " " });
    line.name(&status, "changed").finish()
}

/// A hook that blocks is doing its job (`rejected`); one that breaks is an error.
fn hook<'r>(name: &str, slots: &mut Slots<'r>, event: &mut Event<'r>) -> Str<'r> {
    let hook = match slots.text(Key::HookName) {
        name if name.is_empty() => slots.text(Key::HookEvent),
        name => name,
    };
    let line = Line::new().lit("hook ").name(&hook, "");
    match name {
        "hook_registered" => return line.lit(" registered").finish(),
        "hook_execution_start" => return line.lit(" started").finish(),
        _ => {}
    }
    let total = slots.take_as(Key::TotalDurationMs, value::milliseconds);
    event.duration_ns = total.unwrap_or(event.duration_ns);
    super::hook_outcome(slots, event);
    match event.outcome.as_ref() {
        "failure" => line.lit(" failed").finish(),
        "rejected" => line.lit(" blocked").finish(),
        _ => line.lit(" finished").took(event.duration_ns).finish(),
    }
}

fn auth<'r>(slots: &mut Slots<'r>, event: &mut Event<'r>) -> Str<'r> {
    event.event_class = Cow::Borrowed("auth");
    event.error_type = slots.take_text(Key::ErrorCategory);
    succeed_or_fail(slots.take_as(Key::Success, value::boolean), event);
    let line = Line::new().name(&slots.text(Key::Action), "sign-in");
    line.lit(if event.outcome == FAILURE { " failed" } else { "" }).finish()
}

/// Known events whose line is their name.
const LINELESS: [&str; 4] = ["event", "managed_settings_resolved", "hook_plugin_metrics", "feedback_survey"];

/// Everything else: start-up, settings, plugins, compaction, housekeeping.
fn session<'r>(name: &str, slots: &mut Slots<'r>, event: &mut Event<'r>) -> Str<'r> {
    succeed_or_fail(slots.take_as(Key::Success, value::boolean), event);
    if name == "retention_sweep" {
        let errors = slots.count(Key::ErrorCount).unwrap_or(0);
        succeed_or_fail(Some(errors == 0), event);
    }
    let line = Line::new();
    match name {
        "permission_mode_changed" => line
            .lit("permission mode ")
            .name(&slots.text(Key::FromMode), "?")
            .lit(" -> ")
            .name(&slots.text(Key::ToMode), "?"),
        "skill_activated" => line.lit("skill ").name(&event.feature, "").lit(" activated"),
        "plugin_loaded" => line.lit("plugin ").name(&slots.text(Key::PluginName), "").lit(" loaded"),
        "plugin_installed" => line.lit("plugin ").name(&slots.text(Key::PluginName), "").lit(" installed"),
        "at_mention" => line.name(&slots.text(Key::MentionType), "something").lit(" mentioned"),
        "compaction" => line
            .lit("compacted")
            .counted(" ", slots.count(Key::PreTokens), "")
            .counted(" -> ", slots.count(Key::PostTokens), " tokens")
            .aside(&slots.text(Key::Trigger)),
        "retention_sweep" => line.lit("retention sweep ").name(&slots.text(Key::Result), "done"),
        _ => {
            event.unmapped = !LINELESS.contains(&name);
            line.name(&name.replace('_', " "), "")
        }
    }
    .finish()
}
