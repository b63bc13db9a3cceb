//! A JSON object read lazily: each level is scanned once, when something in it is asked for. A payload may have 25 MiB; what
//! is held besides its text is a list of fields per level that was opened.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::moment;
use crate::model::event::Str;

/// An object has fewer fields than this, or it isn't from one of the senders that are read here. Further ones are not seen.
const MAX_FIELDS: usize = 4096;

/// Paths are names with `/` between them, since Azure DevOps has names with dots. Nothing here fails: what is missing or has
/// another type than expected is absent, or empty text.
#[derive(Debug, Default)]
pub struct Object<'d> {
    fields: Vec<Field<'d>>,
}

#[derive(Debug)]
struct Field<'d> {
    name: Str<'d>,
    /// JSON text.
    value: &'d str,
    object: OnceCell<Option<Box<Object<'d>>>>,
}

struct Text<'d>(Str<'d>);

struct List<'d> {
    first: Option<&'d str>,
    count: usize,
}

// === impl Object ===

impl<'d> Object<'d> {
    /// `None` for what is not JSON or not an object.
    pub fn parse(text: &'d str) -> Option<Object<'d>> {
        serde_json::from_str(text).ok()
    }

    /// The JSON text there, unless it is null. Of two fields with one name the last counts, as in most JSON libraries.
    pub fn get(&self, path: &str) -> Option<&'d str> {
        match path.rsplit_once('/') {
            Some((parent, name)) => self.object(parent)?.field(name),
            None => self.field(path),
        }
        .map(|field| field.value)
        .filter(|&value| value != "null")
    }

    pub fn object(&self, path: &str) -> Option<&Object<'d>> {
        path.split('/').try_fold(self, |object, name| object.field(name)?.object())
    }

    pub fn has(&self, path: &str) -> bool {
        self.get(path).is_some()
    }

    /// A string, or a number or truth value as it is written.
    pub fn text(&self, path: &str) -> Str<'d> {
        self.get(path).map_or(Cow::Borrowed(""), text)
    }

    /// The first of these that is not empty.
    pub fn first_text(&self, paths: &[&str]) -> Str<'d> {
        paths.iter().map(|path| self.text(path)).find(|text| !text.is_empty()).unwrap_or_default()
    }

    pub fn is_true(&self, path: &str) -> bool {
        self.text(path) == "true"
    }

    /// Nanoseconds since 1970.
    pub fn time(&self, path: &str) -> Option<i64> {
        moment::parse(&self.text(path))
    }

    pub fn first_time(&self, paths: &[&str]) -> Option<i64> {
        paths.iter().find_map(|path| self.time(path))
    }

    /// How long an array is.
    pub fn count(&self, path: &str) -> Option<usize> {
        Some(self.list(path)?.count)
    }

    /// The first item of an array, if it is an object.
    pub fn first_item(&self, path: &str) -> Option<Object<'d>> {
        Object::parse(self.list(path)?.first?)
    }

    /// Names and JSON texts, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&Str<'d>, &'d str)> {
        self.fields.iter().map(|field| (&field.name, field.value))
    }

    fn field(&self, name: &str) -> Option<&Field<'d>> {
        self.fields.iter().rev().find(|field| field.name == name)
    }

    fn list(&self, path: &str) -> Option<List<'d>> {
        let value = self.get(path)?;
        value.starts_with('[').then(|| serde_json::from_str(value).ok())?
    }
}

// === impl Field ===

impl<'d> Field<'d> {
    fn object(&self) -> Option<&Object<'d>> {
        let parse = || self.value.starts_with('{').then(|| Object::parse(self.value).map(Box::new)).flatten();
        self.object.get_or_init(parse).as_deref()
    }
}

/// What a JSON text says as plain text; empty for null, arrays and objects.
pub fn text(value: &str) -> Str<'_> {
    match value.as_bytes().first() {
        // Half a surrogate pair is JSON but no text: then the escapes stay as they are.
        Some(b'"') => serde_json::from_str::<Text<'_>>(value).map_or(Cow::Borrowed(value.trim_matches('"')), |t| t.0),
        Some(b'{' | b'[' | b'n') | None => Cow::Borrowed(""),
        Some(_) => Cow::Borrowed(value),
    }
}

// === reading with serde ===

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut fields = Vec::new();
                while fields.len() < MAX_FIELDS {
                    let Some((Text(name), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? else {
                        return Ok(Object { fields });
                    };
                    fields.push(Field { name, value: value.get(), object: OnceCell::new() });
                }
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Object { fields })
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Characters;

        impl<'de> Visitor<'de> for Characters {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Characters)
    }
}

impl<'de> Deserialize<'de> for List<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;

        impl<'de> Visitor<'de> for Items {
            type Value = List<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<'de>, A::Error> {
                let first = seq.next_element::<&'de RawValue>()?.map(RawValue::get);
                let mut count = usize::from(first.is_some());
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(List { first, count })
            }
        }

        deserializer.deserialize_seq(Items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_through_objects_and_types_are_forgiven() {
        let json = r#"{"a":{"b.c":{"d":"x\ny"}},"n":7.50,"t":true,"z":null,"l":[{"k":1},2],"e":[],"s":"no object",
            "twice":1,"twice":2,"half":"\ud800!"}"#;
        let object = Object::parse(json).unwrap();
        assert_eq!(object.text("a/b.c/d"), "x\ny");
        assert_eq!((object.text("n"), object.text("t")), ("7.50".into(), "true".into()));
        assert_eq!((object.text("z"), object.text("l"), object.text("a")), Default::default());
        assert_eq!((object.text("missing/d"), object.text("s/d"), object.text("a/b.c/d/e")), Default::default());
        assert_eq!((object.count("l"), object.count("e"), object.count("s")), (Some(2), Some(0), None));
        assert_eq!(object.first_item("l").unwrap().text("k"), "1");
        assert!(object.first_item("e").is_none());
        assert_eq!(object.text("twice"), "2");
        assert_eq!(object.text("half"), r"\ud800!");
        assert!(object.has("s") && !object.has("z"));
    }

    #[test]
    fn what_is_no_object_is_none() {
        for text in ["", "[]", "1", "null", "{", r#"{"a":1}x"#, r#"{"a":}"#, r#"{"\ud800":1}"#] {
            assert!(Object::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn deep_and_wide_objects_are_read() {
        let deep = format!(r#"{{"a":{}{},"b":1}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Object::parse(&deep).unwrap().text("b"), "1");
        let wide = format!("{{{}}}", (0..10_000).map(|n| format!(r#""f{n}":{n}"#)).collect::<Vec<_>>().join(","));
        let wide = Object::parse(&wide).unwrap();
        assert_eq!((wide.text("f4095"), wide.text("f4096")), ("4095".into(), "".into()));
    }
}
