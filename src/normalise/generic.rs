//! Any OpenTelemetry log or span: the general semantic conventions, as far as the columns go. Records that follow the
//! gen_ai conventions are handed on to [`gen_ai`](super::gen_ai).

use std::borrow::Cow;

use super::common::{PLAIN, WhoNames, fill_span_time, fill_time, fill_who, severity};
use super::content::{self, Dropped};
use super::keys::Key;
use super::slots::Slots;
use super::{Input, class, gen_ai, span_events, value};
use crate::model::event::{Event, Str};
use crate::model::otlp::{LogRecord, Span, Value};

const SOURCE: &str = "otel";
/// `SeverityNumber.SEVERITY_NUMBER_ERROR`.
const SEVERITY_ERROR: i32 = 17;
const STATUS_ERROR: i32 = 2;
const KIND_CLIENT: i32 = 3;
/// `error_type` of a span that failed and doesn't say how.
const UNNAMED_ERROR: &str = "_ERROR";

pub(super) fn log<'r>(input: Input<'r>, record: &'r LogRecord<'r>, dropped: &mut Dropped, event: &mut Event<'r>) {
    let mut slots = Slots::sort(&record.attributes, input.resource, input.policy, dropped);
    event.source = Cow::Borrowed(SOURCE);
    event.event_type = log_event_type(record, &mut slots);
    event.reporter = input.scope.gen_ai.map_or("", |dialect| dialect.name);
    let dialect = gen_ai::dialect(input.scope, &slots, &event.event_type);
    let times = [record.time_unix_nano, record.observed_time_unix_nano];
    let time = times.into_iter().find(|&time| time != 0).unwrap_or(0);
    fill_time(input, time, &mut slots, event);
    fill_who(input, who_names(dialect), &mut slots, event);
    event.trace_id = Cow::Borrowed(&record.trace_id);
    event.span_id = Cow::Borrowed(&record.span_id);
    fill_severity(record, &mut slots, event);
    let class = class::of(&event.event_type);
    let outcome = class.and_then(|_| class::outcome_of(&event.event_type));
    let failed = record.severity_number >= SEVERITY_ERROR
        || matches!(event.severity.as_ref(), "error" | "fatal")
        || outcome == Some("failure");
    event.event_class = Cow::Borrowed(if failed { "error" } else { class.unwrap_or("app") });
    event.outcome = Cow::Borrowed(if failed { "failure" } else { outcome.unwrap_or("") });
    fill_shared(&mut slots, event);
    fill_body(input, dialect, record, &mut slots, dropped, event);
    if let Some(dialect) = dialect {
        gen_ai::log(input, dialect, record, &mut slots, event);
        slots.drop_error_texts(input.policy.of_gen_ai(input.scope.speaker), dropped);
    }
    if event.message.is_empty() {
        event.message = event.event_type.clone();
    }
    note_scope(input, &mut slots);
    event.attributes = slots.finish();
}

pub(super) fn span<'r>(input: Input<'r>, span: &'r Span<'r>, dropped: &mut Dropped, event: &mut Event<'r>) {
    let mut slots = Slots::sort(&span.attributes, input.resource, input.policy, dropped);
    let dialect = gen_ai::dialect(input.scope, &slots, &span.name);
    event.source = Cow::Borrowed(SOURCE);
    event.reporter = input.scope.gen_ai.map_or("", |dialect| dialect.name);
    event.event_type = Cow::Borrowed(span_event_type(span.kind, &slots));
    event.message = Cow::Borrowed(&span.name);
    let (start, end) = (span.start_time_unix_nano, span.end_time_unix_nano);
    fill_span_time(input, start, end, &mut slots, event);
    fill_who(input, who_names(dialect), &mut slots, event);
    event.trace_id = Cow::Borrowed(&span.trace_id);
    event.span_id = Cow::Borrowed(&span.span_id);
    event.parent_span_id = Cow::Borrowed(&span.parent_span_id);
    event.event_class = Cow::Borrowed("app");
    fill_shared(&mut slots, event);
    fill_outcome(span, event);
    if event.error_type.is_empty() {
        event.error_type = exception(span);
    }
    if event.error_type.is_empty() && dialect.is_some() {
        event.error_type = gen_ai::error_type(span, &mut slots);
    }
    if event.error_type.is_empty() && span.status_code == STATUS_ERROR {
        event.error_type = Cow::Borrowed(UNNAMED_ERROR);
    }
    let mut input = input;
    if let Some(dialect) = dialect {
        gen_ai::span(input, dialect, span, &mut slots, event);
        input.policy = input.policy.of_gen_ai(input.scope.speaker);
        slots.drop_error_texts(input.policy, dropped);
    }
    if !span.status_message.is_empty() {
        let message = input.policy.text(content::STATUS_MESSAGE, Cow::Borrowed(&span.status_message), dropped);
        if !message.is_empty() {
            slots.add(content::STATUS_MESSAGE, message);
        }
    }
    slots.add("span.kind", span_events::kind(span.kind));
    span_events::fill(input, span, &mut slots, dropped);
    note_scope(input, &mut slots);
    event.attributes = slots.finish();
}

/// The record's own field, unless it is a place in the source of a Rust library (the `tracing` bridge's names); then, and without
/// one, an attribute.
fn log_event_type<'r>(record: &'r LogRecord<'r>, slots: &mut Slots<'r>) -> Str<'r> {
    let own = record.event_name.as_ref();
    if !own.is_empty() && !is_source_location(own) {
        slots.drop_if(Key::EventName, own);
        return Cow::Borrowed(own);
    }
    let name = slots.take_first(&[Key::EventName, Key::EventNameSnake]);
    if name.is_empty() {
        return Cow::Borrowed(if own.is_empty() { "log" } else { own });
    }
    if !own.is_empty() {
        slots.add("log.event_name", own);
    }
    name
}

/// `event otel/src/events/session_telemetry.rs:1153`
fn is_source_location(name: &str) -> bool {
    let place = name.strip_prefix("event ").and_then(|place| place.rsplit_once(".rs:"));
    place.is_some_and(|(_, line)| !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit()))
}

fn who_names(dialect: Option<&gen_ai::dialects::Dialect>) -> &'static WhoNames {
    if dialect.is_some() { &gen_ai::WHO } else { &PLAIN }
}

/// A gen_ai event's body holds messages, a command line tool's may quote them; anyone else's is the line itself.
fn fill_body<'r>(
    input: Input<'r>,
    dialect: Option<&gen_ai::dialects::Dialect>,
    record: &'r LogRecord<'r>,
    slots: &mut Slots<'r>,
    dropped: &mut Dropped,
    event: &mut Event<'r>,
) {
    if matches!(record.body, Value::Empty) {
        return;
    }
    let is_gen_ai = event.event_type.starts_with("gen_ai.") || dialect.is_some_and(|dialect| dialect.whole);
    let verdict = match is_gen_ai {
        true => input.policy.apply(content::BODY, &record.body, dropped),
        false => input.policy.judge(None, content::LOG_BODY, &record.body, dropped),
    };
    match input.policy.leave(verdict, &record.body) {
        Some(body) if is_gen_ai => slots.add(content::LOG_BODY, body),
        Some(body) => event.message = body,
        None => {}
    }
}

/// The exact number and text stay in the map where the column says less.
fn fill_severity<'r>(record: &'r LogRecord<'r>, slots: &mut Slots<'r>, event: &mut Event<'r>) {
    let (number, text) = (record.severity_number, record.severity_text.as_ref());
    event.severity = severity(number, text);
    if number != 0 && !(1..=21).step_by(4).any(|base| base == number) {
        slots.add("severity_number", number.to_string());
    }
    if !text.is_empty() && !text.eq_ignore_ascii_case(&event.severity) {
        slots.add("severity_text", text);
    }
}

fn fill_shared<'r>(slots: &mut Slots<'r>, event: &mut Event<'r>) {
    // Often only the span above a model call says what it is for.
    event.feature = slots.first(&gen_ai::names::FEATURE).map_or(Cow::Borrowed(""), |(_, feature)| feature);
    event.source_ip = slots.take_text(Key::ClientAddress);
    event.error_type = slots.take_first(&[Key::ErrorDotType, Key::ExceptionType]);
    let status = slots.take_as(Key::HttpStatus, value::status);
    let status = status.or_else(|| slots.take_as(Key::HttpStatusOld, value::status));
    event.status_code = status.unwrap_or(0);
}

/// `http.server`, `db.client` ... by the conventions that the attributes follow, else `span.<kind>`.
fn span_event_type(kind: i32, slots: &Slots<'_>) -> &'static str {
    let has = |keys: &[Key]| keys.iter().any(|&key| slots.get(key).is_some());
    if has(&[Key::HttpMethod, Key::HttpMethodOld]) {
        return match kind {
            2 => "http.server",
            3 => "http.client",
            _ => "http",
        };
    }
    if has(&[Key::DbSystem, Key::DbSystemOld]) {
        return "db.client";
    }
    if has(&[Key::RpcSystem, Key::RpcSystemName]) {
        return match kind {
            2 => "rpc.server",
            3 => "rpc.client",
            _ => "rpc",
        };
    }
    if has(&[Key::MessagingSystem]) {
        return match kind {
            4 => "messaging.producer",
            5 => "messaging.consumer",
            _ => "messaging",
        };
    }
    match kind {
        1 => "span.internal",
        2 => "span.server",
        3 => "span.client",
        4 => "span.producer",
        5 => "span.consumer",
        _ => "span.unspecified",
    }
}

/// Status ERROR is a failure. Without a status, HTTP's own rule (semantic conventions, HTTP spans): 5xx is an error,
/// 4xx only to the client.
fn fill_outcome(span: &Span<'_>, event: &mut Event<'_>) {
    let http_error = match event.status_code {
        500.. => true,
        400..500 => span.kind == KIND_CLIENT,
        _ => false,
    };
    let failed = span.status_code == STATUS_ERROR || (span.status_code == 0 && http_error);
    if failed {
        event.event_class = Cow::Borrowed("error");
        event.severity = Cow::Borrowed("error");
        event.outcome = Cow::Borrowed("failure");
    } else {
        event.severity = Cow::Borrowed("info");
        event.outcome = Cow::Borrowed("success");
    }
}

/// The type of the first recorded exception.
fn exception<'r>(span: &'r Span<'r>) -> Str<'r> {
    let attributes = span.events.iter().filter(|e| e.name == "exception").flat_map(|e| &e.attributes);
    let mut types = attributes.filter(|a| a.key == "exception.type");
    types.next().map_or(Cow::Borrowed(""), |a| value::text(&a.value))
}

fn note_scope<'r>(input: Input<'r>, slots: &mut Slots<'r>) {
    if !input.scope.name.is_empty() {
        slots.add("otel.scope.name", input.scope.name.as_str());
    }
    if !input.scope.version.is_empty() {
        slots.add("otel.scope.version", input.scope.version.as_str());
    }
    slots.add_all(&input.scope.attributes);
}
