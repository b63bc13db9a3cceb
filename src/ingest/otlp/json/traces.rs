//! `resourceSpans`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::{DecodeError, Limits, Tally, Visit};
use super::scalar::{Enum, Text, U64, id};
use super::value::attributes;
use super::{Items, Rejection, envelope, null_default, parse, walk, walk_groups};
use crate::model::otlp::{KeyValue, Span, SpanEvent, SpanLink};

envelope!(request, "resourceSpans" | "resource_spans", "scopeSpans" | "scope_spans", "spans" | "Spans");

/// Visits every span of an export request in OTLP/JSON.
pub fn decode_traces(body: &[u8], limits: &Limits, visit: &mut impl Visit) -> Result<Tally, DecodeError> {
    walk(body, visit, request, |groups, tally, visit| walk_groups(groups, limits, tally, visit, &mut Spans::default()))
}

#[derive(Default)]
struct Spans<'a> {
    attributes: Vec<KeyValue<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw<'a> {
    #[serde(borrow, default, alias = "trace_id")]
    trace_id: Text<'a>,
    #[serde(borrow, default, alias = "span_id")]
    span_id: Text<'a>,
    #[serde(borrow, default, alias = "parent_span_id")]
    parent_span_id: Text<'a>,
    #[serde(borrow, default, alias = "trace_state")]
    trace_state: Text<'a>,
    #[serde(default)]
    flags: U64,
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    kind: Enum<'a>,
    #[serde(default, alias = "start_time_unix_nano")]
    start_time_unix_nano: U64,
    #[serde(default, alias = "end_time_unix_nano")]
    end_time_unix_nano: U64,
    #[serde(borrow, default)]
    attributes: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "null_default")]
    events: Vec<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "null_default")]
    links: Vec<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "null_default")]
    status: Status<'a>,
}

#[derive(Deserialize, Default)]
struct Status<'a> {
    #[serde(borrow, default)]
    message: Text<'a>,
    #[serde(borrow, default)]
    code: Enum<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEvent<'a> {
    #[serde(default, alias = "time_unix_nano")]
    time_unix_nano: U64,
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    attributes: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawLink<'a> {
    #[serde(borrow, default, alias = "trace_id")]
    trace_id: Text<'a>,
    #[serde(borrow, default, alias = "span_id")]
    span_id: Text<'a>,
    #[serde(borrow, default)]
    attributes: Option<&'a RawValue>,
}

const WHAT: &str = "span";

/// `Span.SpanKind`.
const KINDS: &[&str] = &[
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];
/// `Status.StatusCode`.
const STATUS_CODES: &[&str] = &["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

// === impl Spans ===

impl<'a> Items<'a> for Spans<'a> {
    fn count(&self, _item: &'a RawValue) -> u64 {
        1
    }

    fn visit(&mut self, item: &'a RawValue, limits: &Limits, tally: &mut Tally, visit: &mut impl Visit) {
        let mut view =
            Span { raw: item.get().as_bytes(), attributes: std::mem::take(&mut self.attributes), ..Span::default() };
        match span(item, &mut view, limits) {
            Ok(()) => {
                tally.accepted += 1;
                visit.span(&view);
            }
            Err(rejection) => rejection.count(tally),
        }
        self.attributes = view.attributes;
    }
}

fn span<'a>(item: &'a RawValue, span: &mut Span<'a>, limits: &Limits) -> Result<(), Rejection> {
    let bad = |error: String| Rejection::malformed(WHAT, error);
    let raw: Raw<'a> = parse(item, WHAT)?;
    span.trace_id = id(&raw.trace_id.0, 16).map_err(bad)?;
    span.span_id = id(&raw.span_id.0, 8).map_err(bad)?;
    span.parent_span_id = id(&raw.parent_span_id.0, 8).map_err(bad)?;
    span.trace_state = raw.trace_state.0;
    span.flags = raw.flags.0 as u32;
    span.name = raw.name.0;
    span.kind = raw.kind.number(KINDS);
    span.start_time_unix_nano = raw.start_time_unix_nano.0;
    span.end_time_unix_nano = raw.end_time_unix_nano.0;
    span.status_code = raw.status.code.number(STATUS_CODES);
    span.status_message = raw.status.message.0;
    attributes(raw.attributes, &mut span.attributes, limits, WHAT)?;
    // Events, links and their attributes share one allowance, as in the protobuf decoder.
    let mut left = limits.max_attributes;
    for event in raw.events {
        let raw: RawEvent<'a> = parse(event, "span event")?;
        span.events.push(SpanEvent {
            time_unix_nano: raw.time_unix_nano.0,
            name: raw.name.0,
            attributes: within(raw.attributes, &mut left, limits)?,
        });
    }
    for link in raw.links {
        let raw: RawLink<'a> = parse(link, "span link")?;
        span.links.push(SpanLink {
            trace_id: id(&raw.trace_id.0, 16).map_err(bad)?,
            span_id: id(&raw.span_id.0, 8).map_err(bad)?,
            attributes: within(raw.attributes, &mut left, limits)?,
        });
    }
    Ok(())
}

fn within<'a>(raw: Option<&'a RawValue>, left: &mut usize, limits: &Limits) -> Result<Vec<KeyValue<'a>>, Rejection> {
    let full = || Rejection::too_many_attributes(WHAT, limits);
    *left = left.checked_sub(1).ok_or_else(full)?;
    let mut list = Vec::new();
    attributes(raw, &mut list, limits, WHAT)?;
    *left = left.checked_sub(list.len()).ok_or_else(full)?;
    Ok(list)
}
