//! `trace/v1/trace.proto`.

use std::borrow::Cow;

use super::super::{DecodeError, Limits, Tally, Visit};
use super::common::{Attributes, text};
use super::wire::{Field, Malformed, Reader};
use super::{Items, too_many_attributes, walk};
use crate::model::otlp::{KeyValue, Span, SpanEvent, SpanLink};

/// Visits every span of an `ExportTraceServiceRequest`.
pub fn decode_traces(body: &[u8], limits: &Limits, visit: &mut impl Visit) -> Result<Tally, DecodeError> {
    Ok(walk(body, limits, visit, &mut Spans::default())?)
}

#[derive(Default)]
struct Spans<'a> {
    attributes: Vec<KeyValue<'a>>,
}

/// What events and links may still hold: `Limits::max_attributes` for them and their attributes together.
struct Budget(usize);

// === impl Spans ===

impl<'a> Items<'a> for Spans<'a> {
    fn count(&self, _item: &'a [u8]) -> Result<u64, Malformed> {
        Ok(1)
    }

    fn visit(
        &mut self,
        item: &'a [u8],
        limits: &Limits,
        tally: &mut Tally,
        visit: &mut impl Visit,
    ) -> Result<(), Malformed> {
        let mut view = Span { raw: item, attributes: std::mem::take(&mut self.attributes), ..Span::default() };
        if span(item, &mut view, limits, &mut tally.repaired)? {
            tally.accepted += 1;
            visit.span(&view);
        } else {
            too_many_attributes(tally, "span", limits);
        }
        self.attributes = view.attributes;
        Ok(())
    }
}

/// `Ok(false)`: too many attributes, events or links.
fn span<'a>(message: &'a [u8], span: &mut Span<'a>, limits: &Limits, repaired: &mut u64) -> Result<bool, Malformed> {
    let mut attributes = Attributes::default();
    let mut budget = Budget(limits.max_attributes);
    let mut reader = Reader::new(message);
    while let Some(field) = reader.next()? {
        match field {
            (9, Field::Bytes(bytes)) => {
                let list = &mut span.attributes;
                if !attributes.push(list, bytes, limits.max_attributes, repaired)? {
                    return Ok(false);
                }
            }
            (11, Field::Bytes(bytes)) => match event(bytes, &mut budget, repaired)? {
                Some(event) => span.events.push(event),
                None => return Ok(false),
            },
            (13, Field::Bytes(bytes)) => match link(bytes, &mut budget, repaired)? {
                Some(link) => span.links.push(link),
                None => return Ok(false),
            },
            (1, Field::Bytes(bytes)) => span.trace_id = Cow::Borrowed(bytes),
            (2, Field::Bytes(bytes)) => span.span_id = Cow::Borrowed(bytes),
            (3, Field::Bytes(bytes)) => span.trace_state = text(bytes, repaired),
            (4, Field::Bytes(bytes)) => span.parent_span_id = Cow::Borrowed(bytes),
            (5, Field::Bytes(bytes)) => span.name = text(bytes, repaired),
            (6, Field::Varint(kind)) => span.kind = kind as i32,
            (7, Field::Fixed64(time)) => span.start_time_unix_nano = time,
            (8, Field::Fixed64(time)) => span.end_time_unix_nano = time,
            (15, Field::Bytes(bytes)) => status(bytes, span, repaired)?,
            (16, Field::Fixed32(flags)) => span.flags = flags,
            _ => {}
        }
    }
    attributes.finish(&mut span.attributes);
    Ok(true)
}

/// `Status { 2: message, 3: code }`.
fn status<'a>(message: &'a [u8], span: &mut Span<'a>, repaired: &mut u64) -> Result<(), Malformed> {
    let mut reader = Reader::new(message);
    while let Some(field) = reader.next()? {
        match field {
            (2, Field::Bytes(bytes)) => span.status_message = text(bytes, repaired),
            (3, Field::Varint(code)) => span.status_code = code as i32,
            _ => {}
        }
    }
    Ok(())
}

/// `Event { 1: time, 2: name, 3: attributes }`.
fn event<'a>(message: &'a [u8], budget: &mut Budget, repaired: &mut u64) -> Result<Option<SpanEvent<'a>>, Malformed> {
    if !budget.take() {
        return Ok(None);
    }
    let mut event = SpanEvent::default();
    let mut reader = Reader::new(message);
    while let Some(field) = reader.next()? {
        match field {
            (1, Field::Fixed64(time)) => event.time_unix_nano = time,
            (2, Field::Bytes(bytes)) => event.name = text(bytes, repaired),
            (3, Field::Bytes(bytes)) => {
                let fits = budget.push(&mut event.attributes, bytes, repaired)?;
                if !fits {
                    return Ok(None);
                }
            }
            _ => {}
        }
    }
    Ok(Some(event))
}

/// `Link { 1: trace_id, 2: span_id, 4: attributes }`.
fn link<'a>(message: &'a [u8], budget: &mut Budget, repaired: &mut u64) -> Result<Option<SpanLink<'a>>, Malformed> {
    if !budget.take() {
        return Ok(None);
    }
    let mut link = SpanLink::default();
    let mut reader = Reader::new(message);
    while let Some(field) = reader.next()? {
        match field {
            (1, Field::Bytes(bytes)) => link.trace_id = Cow::Borrowed(bytes),
            (2, Field::Bytes(bytes)) => link.span_id = Cow::Borrowed(bytes),
            (4, Field::Bytes(bytes)) => {
                let fits = budget.push(&mut link.attributes, bytes, repaired)?;
                if !fits {
                    return Ok(None);
                }
            }
            _ => {}
        }
    }
    Ok(Some(link))
}

// === impl Budget ===

impl Budget {
    fn take(&mut self) -> bool {
        match self.0.checked_sub(1) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => false,
        }
    }

    fn push<'a>(
        &mut self,
        list: &mut Vec<KeyValue<'a>>,
        message: &'a [u8],
        repaired: &mut u64,
    ) -> Result<bool, Malformed> {
        Ok(self.take() && Attributes::at_end(list).push(list, message, usize::MAX, repaired)?)
    }
}
