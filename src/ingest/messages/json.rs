//! Native events as JSON. The body is cut into entries first, and each is read by itself, so that a bad one is rejected alone.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::fields::{self, ENTRY_BYTES, FIELDS, Takes};
use super::{Entry, Flaw, MOST_ENTRIES, time};
use crate::model::event::Str;
use crate::model::message::{Duration, Message};
use crate::model::otlp::{KeyValue, Value};
use crate::outcome::Reason;

/// Cuts a body into its entries: one object, a list, or one object a line (`lines`: the content type says so). An error means
/// that nothing could be read.
pub fn cut(text: &str, lines: bool) -> Result<Vec<Entry<'_>>, Flaw> {
    let trimmed = text.trim_ascii();
    if trimmed.is_empty() {
        return Err(Flaw::malformed("the body is empty: send an event, a list of events, or one event a line"));
    }
    let whole = serde_json::from_str::<&RawValue>(trimmed);
    match (&whole, trimmed.starts_with('[')) {
        (Ok(_), true) => list(trimmed),
        (Ok(raw), false) => Ok(vec![Entry::Json(raw.get())]),
        (Err(_), true) if !lines => list(trimmed),
        (Err(error), _) if lines || has_whole_line(trimmed) => each_line(trimmed).map_err(|flaw| flaw.or(error)),
        (Err(error), _) => Err(malformed(error)),
    }
}

/// A broken object of many lines is no list of lines.
fn has_whole_line(text: &str) -> bool {
    text.lines()
        .map(str::trim_ascii)
        .any(|line| line.starts_with('{') && serde_json::from_str::<&RawValue>(line).is_ok())
}

fn each_line(text: &str) -> Result<Vec<Entry<'_>>, Flaw> {
    let mut entries = Vec::new();
    let mut readable = false;
    for line in text.lines().map(str::trim_ascii).filter(|line| !line.is_empty()) {
        if entries.len() == MOST_ENTRIES {
            return Err(Flaw::too_many());
        }
        entries.push(match serde_json::from_str::<&RawValue>(line) {
            Ok(_) => Entry::Json(line),
            Err(error) => Entry::broken(malformed(&error)),
        });
        readable |= matches!(entries.last(), Some(Entry::Json(_)));
    }
    if readable { Ok(entries) } else { Err(Flaw::malformed("no line of the body is JSON")) }
}

/// What stands before a syntax error is read; what stands behind it can't be told apart any more.
fn list(text: &str) -> Result<Vec<Entry<'_>>, Flaw> {
    struct Elements<'e, 'b>(&'e mut Vec<Entry<'b>>);
    impl<'b> Visitor<'b> for Elements<'_, 'b> {
        /// Whether all were taken.
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }
        fn visit_seq<A: SeqAccess<'b>>(self, mut elements: A) -> Result<bool, A::Error> {
            while let Some(element) = elements.next_element::<&RawValue>()? {
                if self.0.len() == MOST_ENTRIES {
                    return Ok(false);
                }
                self.0.push(Entry::Json(element.get()));
            }
            Ok(true)
        }
    }
    let mut entries = Vec::new();
    let mut parser = serde_json::Deserializer::from_str(text);
    let read = parser.deserialize_seq(Elements(&mut entries));
    if entries.len() == MOST_ENTRIES && !matches!(read, Ok(true)) {
        return Err(Flaw::too_many());
    }
    if let Err(error) = read.and_then(|_| parser.end()) {
        if entries.is_empty() {
            return Err(malformed(&error));
        }
        let what = format!("malformed JSON: {error}; nothing from here to the end of the body was read");
        entries.push(Entry::broken(Flaw::malformed(what)));
    }
    Ok(entries)
}

fn malformed(error: &serde_json::Error) -> Flaw {
    Flaw::malformed(format!("malformed JSON: {error}"))
}

/// Reads one entry.
pub fn read(raw: &str, most_attributes: usize) -> Result<Message<'_>, Flaw> {
    if raw.len() > ENTRY_BYTES {
        return Err(Flaw::too_large(raw.len()));
    }
    if !raw.starts_with('{') {
        return Err(Flaw::malformed(format!("an event is an object, and this is {}", what(raw))));
    }
    let mut parser = serde_json::Deserializer::from_str(raw);
    let mut message = Message::default();
    let mut flaw = None;
    let mut seen = 0u16;
    parser
        .deserialize_map(Members(|name: &str, value| {
            if flaw.is_none() {
                flaw = member(&mut message, &mut seen, name, value, most_attributes).err();
            }
        }))
        .map_err(|error| malformed(&error))?;
    match flaw {
        Some(flaw) => Err(flaw),
        None => fields::check(&mut message).map(|()| message).map_err(Flaw::malformed),
    }
}

fn member<'a>(
    message: &mut Message<'a>,
    seen: &mut u16,
    name: &str,
    raw: &'a str,
    most_attributes: usize,
) -> Result<(), Flaw> {
    let Some(index) = FIELDS.iter().position(|field| field.name == name) else {
        let known: Vec<&str> = FIELDS.iter().map(|field| field.name).collect();
        let name: String = name.chars().take(100).collect();
        return Err(Flaw::malformed(format!(
            "unknown field {name:?}: the fields are {}; anything else belongs in attributes",
            known.join(", ")
        )));
    };
    if *seen & (1 << index) != 0 {
        return Err(Flaw::malformed(format!("{name} stands twice")));
    }
    *seen |= 1 << index;
    if raw == "null" {
        return Ok(());
    }
    let most = FIELDS[index].most;
    let bounded = |said: Str<'a>| match said.len() > most {
        true => Err(Flaw::malformed(format!("{name}: {} bytes, more than {most}", said.len()))),
        false => Ok(said),
    };
    let wrong = |expected: &str| Flaw::malformed(format!("{name}: expected {expected}, got {}", what(raw)));
    match FIELDS[index].takes {
        Takes::Text => {
            if let Some(slot) = fields::slot(message, FIELDS[index].name) {
                *slot = scalar(raw).ok_or_else(|| wrong("text"))?;
            }
        }
        Takes::Time => {
            let said = bounded(scalar(raw).ok_or_else(|| wrong("a time"))?)?;
            message.time = time::read(said).map_err(Flaw::malformed)?;
        }
        Takes::Milliseconds => {
            let said = bounded(scalar(raw).ok_or_else(|| wrong("a number"))?)?;
            message.duration = duration(said).map_err(Flaw::malformed)?;
        }
        Takes::Attributes => {
            if !raw.starts_with('{') {
                return Err(wrong("an object"));
            }
            message.attributes = attributes(raw, most_attributes)?;
        }
    }
    Ok(())
}

fn attributes(raw: &str, most: usize) -> Result<Vec<KeyValue<'_>>, Flaw> {
    struct Names<'v, 'a> {
        out: &'v mut Vec<KeyValue<'a>>,
        most: usize,
    }
    impl<'a> Visitor<'a> for Names<'_, 'a> {
        /// Whether there were not too many.
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<bool, A::Error> {
            while let Some((Name(key), raw)) = map.next_entry::<Name<'a>, &'a RawValue>()? {
                if self.out.len() == self.most {
                    // The rest is read and forgotten: the text is known to be valid.
                    while map.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
                    return Ok(false);
                }
                self.out.push(KeyValue { key, value: value(raw.get()) });
            }
            Ok(true)
        }
    }
    let mut out = Vec::new();
    let mut parser = serde_json::Deserializer::from_str(raw);
    match parser.deserialize_map(Names { out: &mut out, most }) {
        Ok(true) => Ok(out),
        Ok(false) => Err(Flaw {
            reason: Reason::TooManyAttributes,
            message: format!("attributes: more than {most} (limits.attributes_per_record)"),
        }),
        Err(error) => Err(malformed(&error)),
    }
}

/// Numbers keep their digits; what is nested becomes JSON text.
fn value(raw: &str) -> Value<'_> {
    match raw.as_bytes().first() {
        Some(b'{' | b'[') => Value::Rendered(compact(raw)),
        Some(b'n') => Value::Empty,
        Some(b't' | b'f') => Value::Str(Cow::Borrowed(raw)),
        _ => Value::Str(scalar(raw).unwrap_or(Cow::Borrowed(raw))),
    }
}

/// A string's text, or a number's digits.
fn scalar(raw: &str) -> Option<Str<'_>> {
    match raw.as_bytes().first()? {
        b'"' if raw.contains('\\') => serde_json::from_str(raw).ok().map(Cow::Owned),
        b'"' => raw.get(1..raw.len() - 1).map(Cow::Borrowed),
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(raw)),
        _ => None,
    }
}

fn duration(said: Str<'_>) -> Result<Option<Duration<'_>>, String> {
    if said.trim().is_empty() {
        return Ok(None);
    }
    match said.trim().parse::<f64>() {
        Ok(ms) => Ok(Some(Duration::milliseconds(ms, said))),
        Err(_) => Err(format!("duration_ms: {:?} is not a number", short(&said))),
    }
}

pub(super) fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

fn what(raw: &str) -> &'static str {
    match raw.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "text",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// Valid JSON without the blanks between its parts.
pub(super) fn compact(raw: &str) -> String {
    let mut out = Vec::with_capacity(raw.len());
    let (mut in_string, mut escaped) = (false, false);
    for &byte in raw.as_bytes() {
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' if !in_string => continue,
            b'"' if !escaped => in_string = !in_string,
            _ => {}
        }
        escaped = in_string && byte == b'\\' && !escaped;
        out.push(byte);
    }
    // Only ASCII was left out, so this copies nothing.
    String::from_utf8(out).unwrap_or_default()
}

/// The members of an object, in their order.
struct Members<F>(F);

impl<'a, F: FnMut(&str, &'a str)> Visitor<'a> for Members<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((Name(name), raw)) = map.next_entry::<Name<'a>, &'a RawValue>()? {
            (self.0)(&name, raw.get());
        }
        Ok(())
    }
}

/// A member's name: borrowed, unless it has escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_str(Text)
    }
}
