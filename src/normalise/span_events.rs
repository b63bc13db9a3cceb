//! Span events and links, as one JSON attribute each; content inside them follows the same policy as elsewhere.

use std::fmt::Write as _;

use super::Input;
use super::content::{self, Dropped, Policy, Verdict};
use super::keys::Key;
use super::slots::Slots;
use super::value;
use crate::model::json;
use crate::model::otlp::{KeyValue, Span, SpanEvent, Value};

/// What holds content in a `gen_ai.*` span event, and is a plain word elsewhere.
const GEN_AI_CONTENT: [&str; 3] = ["content", "message", "tool_calls"];

/// `Span.SpanKind` by name.
pub fn kind(number: i32) -> &'static str {
    match number {
        1 => "internal",
        2 => "server",
        3 => "client",
        4 => "producer",
        5 => "consumer",
        _ => "unspecified",
    }
}

/// Adds `events` (`[{"name","time_unix_nano","attributes"}]`), `links` (`[{"trace_id","span_id","attributes"}]`) and
/// `trace_state`, where there are any. Times are strings, as in OTLP/JSON: they don't fit a double.
pub(super) fn fill<'r>(input: Input<'r>, span: &'r Span<'r>, slots: &mut Slots<'r>, dropped: &mut Dropped) {
    if !span.trace_state.is_empty() {
        slots.add("trace_state", span.trace_state.as_ref());
    }
    if !span.events.is_empty() {
        slots.add("events", events(&span.events, input.policy, dropped));
    }
    if !span.links.is_empty() {
        slots.add("links", links(span, input.policy, dropped));
    }
}

fn events(events: &[SpanEvent<'_>], policy: Policy<'_>, dropped: &mut Dropped) -> String {
    let mut out = String::from("[");
    for event in events {
        separate(&mut out);
        out.push_str("{\"name\":");
        json::string(&mut out, &event.name);
        // Writing to a String can't fail.
        let _ = write!(out, ",\"time_unix_nano\":\"{}\"", event.time_unix_nano);
        let gen_ai = event.name.starts_with("gen_ai.");
        attributes(&mut out, &event.attributes, policy, gen_ai, dropped);
        out.push('}');
    }
    out.push(']');
    out
}

fn links(span: &Span<'_>, policy: Policy<'_>, dropped: &mut Dropped) -> String {
    let mut out = String::from("[");
    for link in &span.links {
        separate(&mut out);
        out.push_str("{\"trace_id\":\"");
        hex(&mut out, &link.trace_id);
        out.push_str("\",\"span_id\":\"");
        hex(&mut out, &link.span_id);
        out.push('"');
        attributes(&mut out, &link.attributes, policy, false, dropped);
        out.push('}');
    }
    out.push(']');
    out
}

fn attributes(out: &mut String, list: &[KeyValue<'_>], policy: Policy<'_>, gen_ai: bool, dropped: &mut Dropped) {
    if list.is_empty() {
        return;
    }
    out.push_str(",\"attributes\":{");
    for attribute in list {
        let key = Key::of(&attribute.key);
        let verdict = if gen_ai && GEN_AI_CONTENT.contains(&attribute.key.as_ref()) {
            policy.apply(content::BODY, &attribute.value, dropped)
        } else {
            policy.judge(key, &attribute.key, &attribute.value, dropped)
        };
        if verdict == Verdict::Drop {
            continue;
        }
        separate(out);
        json::string(out, &attribute.key);
        out.push(':');
        match verdict {
            Verdict::Hash => json::string(out, &policy.hash(&value::text(&attribute.value))),
            _ => json_value(out, &attribute.value),
        }
    }
    out.push('}');
}

fn json_value(out: &mut String, value: &Value<'_>) {
    match value {
        Value::Empty => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Int(int) => json::int(out, *int),
        Value::Double(double) => json::double(out, *double),
        // arrays and maps are JSON already (base64 starts with neither bracket)
        Value::Rendered(text) if text.starts_with(['[', '{']) => out.push_str(text),
        Value::Str(_) | Value::Rendered(_) => json::string(out, &value::text(value)),
    }
}

fn separate(out: &mut String) {
    if !out.ends_with(['[', '{']) {
        out.push(',');
    }
}

fn hex(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a String can't fail.
        let _ = write!(out, "{byte:02x}");
    }
}
