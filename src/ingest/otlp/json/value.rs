//! `AnyValue` and attribute lists.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::{Limits, render};
use super::scalar::{F64, Flag, I64, Text, base64};
use super::{Rejection, null_default};
use crate::model::otlp::{KeyValue, Value};

/// Containers stay raw, so that nesting is followed only as deep as it is rendered.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub struct AnyValue<'a> {
    #[serde(borrow, alias = "string_value")]
    string_value: Option<Text<'a>>,
    #[serde(alias = "bool_value")]
    bool_value: Option<Flag>,
    #[serde(alias = "int_value")]
    int_value: Option<I64>,
    #[serde(alias = "double_value")]
    double_value: Option<F64>,
    #[serde(borrow, alias = "array_value")]
    array_value: Option<&'a RawValue>,
    #[serde(borrow, alias = "kvlist_value")]
    kvlist_value: Option<&'a RawValue>,
    #[serde(borrow, alias = "bytes_value")]
    bytes_value: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Attribute<'a> {
    #[serde(borrow, default)]
    key: Text<'a>,
    #[serde(borrow, default, deserialize_with = "null_default")]
    value: AnyValue<'a>,
}

/// `ArrayValue` and `KeyValueList`, still raw.
#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    values: Option<&'a RawValue>,
}

/// Renders the elements of a list one by one; together they may be many times as large in memory as in the body.
struct RenderElements<'o> {
    out: &'o mut String,
    depth: usize,
    map: bool,
}

/// Fills a list that is used again for the next record, and stops at the limit.
struct AttributeList<'l, 'a> {
    list: &'l mut Vec<KeyValue<'a>>,
    max: usize,
    full: bool,
}

/// Replaces `list` by the attributes in `raw`.
pub fn attributes<'a>(
    raw: Option<&'a RawValue>,
    list: &mut Vec<KeyValue<'a>>,
    limits: &Limits,
    what: &str,
) -> Result<(), Rejection> {
    list.clear();
    let Some(raw) = raw else { return Ok(()) };
    let mut seed = AttributeList { list, max: limits.max_attributes, full: false };
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    match (&mut seed).deserialize(&mut deserializer) {
        Ok(()) => Ok(()),
        Err(_) if seed.full => Err(Rejection::too_many_attributes(what, limits)),
        Err(error) => Err(Rejection::malformed(what, error)),
    }
}

// === impl AttributeList ===

impl<'a> DeserializeSeed<'a> for &mut AttributeList<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for &mut AttributeList<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of attributes")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(attribute) = seq.next_element::<Attribute<'a>>()? {
            if self.list.len() >= self.max {
                self.full = true;
                return Err(A::Error::custom("too many attributes"));
            }
            let value = attribute.value.value().map_err(A::Error::custom)?;
            self.list.push(KeyValue { key: attribute.key.0, value });
        }
        Ok(())
    }
}

// === impl AnyValue ===

impl<'a> AnyValue<'a> {
    pub fn value(self) -> Result<Value<'a>, serde_json::Error> {
        Ok(match self {
            AnyValue { string_value: Some(text), .. } => Value::Str(text.0),
            AnyValue { bool_value: Some(flag), .. } => Value::Bool(flag.0),
            AnyValue { int_value: Some(int), .. } => Value::Int(int.0),
            AnyValue { double_value: Some(double), .. } => Value::Double(double.0),
            AnyValue { bytes_value: Some(bytes), .. } => Value::Rendered(bytes_value(&bytes)?),
            AnyValue { array_value: Some(_), .. } | AnyValue { kvlist_value: Some(_), .. } => {
                let mut out = String::new();
                self.render(&mut out, 0)?;
                Value::Rendered(out)
            }
            _ => Value::Empty,
        })
    }

    fn render(self, out: &mut String, depth: usize) -> Result<(), serde_json::Error> {
        match self {
            AnyValue { string_value: Some(text), .. } => render::json_string(out, &text.0),
            AnyValue { bool_value: Some(flag), .. } => {
                out.push_str(if flag.0 { "true" } else { "false" });
            }
            AnyValue { int_value: Some(int), .. } => render::json_int(out, int.0),
            AnyValue { double_value: Some(double), .. } => render::json_double(out, double.0),
            AnyValue { bytes_value: Some(bytes), .. } => {
                render::json_string(out, &bytes_value(&bytes)?);
            }
            AnyValue { array_value: Some(_), .. } | AnyValue { kvlist_value: Some(_), .. }
                if depth >= render::MAX_DEPTH =>
            {
                out.push_str(render::TOO_DEEP);
            }
            AnyValue { array_value: Some(raw), .. } => {
                out.push('[');
                render_elements(raw, out, depth + 1, false)?;
                out.push(']');
            }
            AnyValue { kvlist_value: Some(raw), .. } => {
                out.push('{');
                render_elements(raw, out, depth + 1, true)?;
                out.push('}');
            }
            _ => out.push_str("null"),
        }
        Ok(())
    }
}

/// Base64 as the protobuf decoder would write it.
fn bytes_value(text: &Text<'_>) -> Result<String, serde_json::Error> {
    match base64(&text.0) {
        Some(bytes) => Ok(render::base64(&bytes)),
        None => Err(serde_json::Error::custom("bytesValue is not base64")),
    }
}

fn render_elements(raw: &RawValue, out: &mut String, depth: usize, map: bool) -> Result<(), serde_json::Error> {
    let list: List<'_> = serde_json::from_str(raw.get())?;
    let Some(values) = list.values else {
        return Ok(());
    };
    serde_json::Deserializer::from_str(values.get()).deserialize_any(RenderElements { out, depth, map })
}

// === impl RenderElements ===

impl<'a> Visitor<'a> for RenderElements<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut first = true;
        let mut separate = |out: &mut String| {
            if !std::mem::take(&mut first) {
                out.push(',');
            }
        };
        if self.map {
            while let Some(attribute) = seq.next_element::<Attribute<'a>>()? {
                separate(self.out);
                render::json_string(self.out, &attribute.key.0);
                self.out.push(':');
                let rendered = attribute.value.render(self.out, self.depth);
                rendered.map_err(A::Error::custom)?;
            }
        } else {
            while let Some(value) = seq.next_element::<Option<AnyValue<'a>>>()? {
                separate(self.out);
                let rendered = value.unwrap_or_default().render(self.out, self.depth);
                rendered.map_err(A::Error::custom)?;
            }
        }
        Ok(())
    }
}
