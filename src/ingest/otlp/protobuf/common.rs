//! `common/v1/common.proto` and `resource/v1/resource.proto`: attributes, values, resource, scope.

use std::borrow::Cow;

use super::super::{Limits, Tally, render};
use super::messages;
use super::wire::{Field, Malformed, Reader};
use crate::model::otlp::{InstrumentationScope, KeyValue, Resource, Value};

/// An attribute list under construction in a vector that is used again for the next record. Slots are overwritten
/// in place: senders repeat themselves, and a string equal to the one in the slot was validated already.
#[derive(Default)]
pub struct Attributes {
    len: usize,
}

/// The last field of an `AnyValue` oneof, which is the one that counts.
type AnyValue<'a> = Option<(u32, Field<'a>)>;

// === impl Attributes ===

impl Attributes {
    /// For a list that isn't used again: what is in it stays.
    pub fn at_end(list: &[KeyValue<'_>]) -> Self {
        Attributes { len: list.len() }
    }

    /// Reads one `KeyValue`. `Ok(false)`: the list is full.
    #[inline]
    pub fn push<'a>(
        &mut self,
        list: &mut Vec<KeyValue<'a>>,
        message: &'a [u8],
        max: usize,
        repaired: &mut u64,
    ) -> Result<bool, Malformed> {
        if self.len == list.len() {
            if self.len >= max {
                return Ok(false);
            }
            list.push(KeyValue { key: Cow::Borrowed(""), value: Value::Empty });
        }
        let (key, value) = key_value(message)?;
        let slot = &mut list[self.len];
        set_text(&mut slot.key, key, repaired);
        set_value(&mut slot.value, value, repaired)?;
        self.len += 1;
        Ok(true)
    }

    /// Ends the list: what a longer record left behind goes.
    #[inline]
    pub fn finish(self, list: &mut Vec<KeyValue<'_>>) {
        list.truncate(self.len);
    }
}

/// Strings must be UTF-8 on the wire; one that isn't is repaired, not refused.
#[inline]
pub fn text<'a>(bytes: &'a [u8], repaired: &mut u64) -> Cow<'a, str> {
    match simdutf8::basic::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => repair(bytes, repaired),
    }
}

#[cold]
fn repair<'a>(bytes: &'a [u8], repaired: &mut u64) -> Cow<'a, str> {
    *repaired += 1;
    String::from_utf8_lossy(bytes)
}

#[inline]
pub fn set_text<'a>(slot: &mut Cow<'a, str>, bytes: &'a [u8], repaired: &mut u64) {
    // A repaired string never equals its bytes, so it is repaired and counted again.
    if slot.as_bytes() != bytes {
        *slot = text(bytes, repaired);
    }
}

/// `KeyValue { 1: key, 2: value }`.
#[inline]
fn key_value<'a>(message: &'a [u8]) -> Result<(&'a [u8], AnyValue<'a>), Malformed> {
    // Both fields, in order, and nothing else: how every encoder writes it.
    if let [0x0a, key_len, rest @ ..] = message
        && *key_len < 0x80
        && let Some((key, [0x12, rest @ ..])) = rest.split_at_checked(usize::from(*key_len))
        && let Some(value) = whole(rest)
    {
        return Ok((key, any_value_of(value)?));
    }
    let mut reader = Reader::new(message);
    let mut key: &[u8] = b"";
    let mut value = None;
    while let Some(field) = reader.next()? {
        match field {
            (1, Field::Bytes(bytes)) => key = bytes,
            (2, Field::Bytes(bytes)) => any_value(bytes, &mut value)?,
            _ => {}
        }
    }
    Ok((key, value))
}

/// The payload of a length-delimited field that ends exactly where the message does.
#[inline(always)]
fn whole(rest: &[u8]) -> Option<&[u8]> {
    match rest {
        [len, payload @ ..] if *len < 0x80 => (payload.len() == usize::from(*len)).then_some(payload),
        [low, high, payload @ ..] if *high < 0x80 => {
            let len = usize::from(*low & 0x7f) | usize::from(*high) << 7;
            (payload.len() == len).then_some(payload)
        }
        _ => None,
    }
}

/// One `AnyValue` message by itself; the usual one is a single field.
#[inline]
fn any_value_of(message: &[u8]) -> Result<AnyValue<'_>, Malformed> {
    match message {
        [0x0a, rest @ ..] => {
            if let Some(text) = whole(rest) {
                return Ok(Some((1, Field::Bytes(text))));
            }
        }
        [0x18, int] if *int < 0x80 => return Ok(Some((3, Field::Varint(u64::from(*int))))),
        [0x18, low, high] if *high < 0x80 => {
            let int = u64::from(*low & 0x7f) | u64::from(*high) << 7;
            return Ok(Some((3, Field::Varint(int))));
        }
        [0x10, flag] if *flag < 0x80 => return Ok(Some((2, Field::Varint(u64::from(*flag))))),
        [0x21, double @ ..] => {
            if let Ok(bits) = double.try_into() {
                return Ok(Some((4, Field::Fixed64(u64::from_le_bytes(bits)))));
            }
        }
        _ => {}
    }
    let mut value = None;
    any_value(message, &mut value)?;
    Ok(value)
}

/// `AnyValue`: string 1, bool 2, int 3, double 4, array 5, kvlist 6, bytes 7.
pub fn any_value<'a>(message: &'a [u8], value: &mut AnyValue<'a>) -> Result<(), Malformed> {
    let mut reader = Reader::new(message);
    while let Some(field) = reader.next()? {
        match field {
            (1 | 5 | 6 | 7, Field::Bytes(_)) | (2 | 3, Field::Varint(_)) | (4, Field::Fixed64(_)) => {
                *value = Some(field)
            }
            _ => {}
        }
    }
    Ok(())
}

#[inline]
pub fn set_value<'a>(slot: &mut Value<'a>, value: AnyValue<'a>, repaired: &mut u64) -> Result<(), Malformed> {
    *slot = match value {
        Some((1, Field::Bytes(bytes))) => {
            if let Value::Str(text) = slot {
                set_text(text, bytes, repaired);
                return Ok(());
            }
            Value::Str(text(bytes, repaired))
        }
        Some((2, Field::Varint(flag))) => Value::Bool(flag != 0),
        Some((3, Field::Varint(int))) => Value::Int(int as i64),
        Some((4, Field::Fixed64(bits))) => Value::Double(f64::from_bits(bits)),
        Some((5 | 6, _)) => {
            let mut out = String::new();
            render_json(&mut out, value, 0, repaired)?;
            Value::Rendered(out)
        }
        Some((_, Field::Bytes(bytes))) => Value::Rendered(render::base64(bytes)),
        _ => Value::Empty,
    };
    Ok(())
}

fn render_json(out: &mut String, value: AnyValue<'_>, depth: usize, repaired: &mut u64) -> Result<(), Malformed> {
    match value {
        Some((1, Field::Bytes(bytes))) => render::json_string(out, &text(bytes, repaired)),
        Some((2, Field::Varint(flag))) => out.push_str(if flag != 0 { "true" } else { "false" }),
        Some((3, Field::Varint(int))) => render::json_int(out, int as i64),
        Some((4, Field::Fixed64(bits))) => render::json_double(out, f64::from_bits(bits)),
        Some((5 | 6, _)) if depth >= render::MAX_DEPTH => out.push_str(render::TOO_DEEP),
        Some((5, Field::Bytes(list))) => {
            out.push('[');
            for (i, item) in messages(list, 1).enumerate() {
                if i > 0 {
                    out.push(',');
                }
                render_json(out, any_value_of(item?)?, depth + 1, repaired)?;
            }
            out.push(']');
        }
        Some((6, Field::Bytes(list))) => {
            out.push('{');
            for (i, item) in messages(list, 1).enumerate() {
                if i > 0 {
                    out.push(',');
                }
                let (key, value) = key_value(item?)?;
                render::json_string(out, &text(key, repaired));
                out.push(':');
                render_json(out, value, depth + 1, repaired)?;
            }
            out.push('}');
        }
        Some((7, Field::Bytes(bytes))) => render::json_string(out, &render::base64(bytes)),
        _ => out.push_str("null"),
    }
    Ok(())
}

/// The resource inside a `Resource*` message. A field that comes twice is merged, as protobuf has it. The flag says
/// whether its attributes fit.
pub fn resource<'a>(
    group: &'a [u8],
    number: u32,
    limits: &Limits,
    tally: &mut Tally,
) -> Result<(Resource<'a>, bool), Malformed> {
    let mut resource = Resource::default();
    let mut fits = true;
    let mut attributes = Attributes::default();
    for message in messages(group, number) {
        resource.raw = message?;
        for attribute in messages(resource.raw, 1) {
            fits &=
                attributes.push(&mut resource.attributes, attribute?, limits.max_attributes, &mut tally.repaired)?;
        }
    }
    Ok((resource, fits))
}

/// `InstrumentationScope { 1: name, 2: version, 3: attributes }`.
pub fn scope<'a>(
    scoped: &'a [u8],
    number: u32,
    limits: &Limits,
    tally: &mut Tally,
) -> Result<(InstrumentationScope<'a>, bool), Malformed> {
    let mut scope = InstrumentationScope::default();
    let mut fits = true;
    let mut attributes = Attributes::default();
    for message in messages(scoped, number) {
        scope.raw = message?;
        let mut reader = Reader::new(scope.raw);
        while let Some(field) = reader.next()? {
            match field {
                (1, Field::Bytes(bytes)) => scope.name = text(bytes, &mut tally.repaired),
                (2, Field::Bytes(bytes)) => scope.version = text(bytes, &mut tally.repaired),
                (3, Field::Bytes(bytes)) => {
                    fits &=
                        attributes.push(&mut scope.attributes, bytes, limits.max_attributes, &mut tally.repaired)?;
                }
                _ => {}
            }
        }
    }
    Ok((scope, fits))
}
