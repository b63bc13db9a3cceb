//! JSON inside of strings: usage objects, metadata, lists and strings that were encoded twice. What is broken says nothing.

use std::borrow::Cow;

use crate::model::event::Str;
use crate::model::otlp::Value;
use crate::normalise::value;

/// A usage object has some hundred bytes.
const MAX_PARSED: usize = 64 << 10;

pub type Object = serde_json::Map<String, serde_json::Value>;

/// A map, or a string that holds one.
pub fn object(value: &Value<'_>) -> Option<Object> {
    let text = value::text(value);
    let looks = text.starts_with('{') && text.len() <= MAX_PARSED;
    looks.then(|| serde_json::from_str(&text).ok()).flatten()
}

/// The count under the first of these names that holds one.
pub fn count(object: &Object, names: &[&str]) -> Option<u64> {
    names.iter().find_map(|name| {
        let number = match object.get(*name)? {
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(int) => value::tokens(&Value::Int(int)),
                None => value::tokens(&Value::Double(number.as_f64()?)),
            },
            serde_json::Value::String(text) => value::tokens(&Value::Str(Cow::Borrowed(text))),
            _ => return None,
        };
        number.exact.then_some(number.value)
    })
}

/// The object under the first of these names that holds one.
pub fn inner<'o>(object: &'o Object, names: &[&str]) -> Option<&'o Object> {
    names.iter().find_map(|name| object.get(*name)?.as_object())
}

/// `"qa"` without its quotes: a string that was encoded twice.
pub fn unquoted(text: Str<'_>) -> Str<'_> {
    let bytes = text.as_bytes();
    if bytes.len() < 2 || bytes[0] != b'"' || bytes[bytes.len() - 1] != b'"' {
        return text;
    }
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[1..text.len() - 1]),
        Cow::Owned(text) => Cow::Owned(text[1..text.len() - 1].to_owned()),
    }
}

/// `stop` of `["stop", "length"]`, of `"stop"` and of `stop`.
pub fn first_of_list(text: Str<'_>) -> Str<'_> {
    let Some(list) = text.strip_prefix('[') else {
        return unquoted(text);
    };
    let first = list.trim_start().strip_prefix('"').and_then(|rest| Some(&rest[..rest.find('"')?]));
    match (first, &text) {
        (None, _) => Cow::Borrowed(""),
        (Some(first), Cow::Owned(_)) => Cow::Owned(first.to_owned()),
        (Some(first), Cow::Borrowed(whole)) => {
            let start = first.as_ptr() as usize - whole.as_ptr() as usize;
            Cow::Borrowed(&whole[start..start + first.len()])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_quotes_are_opened() {
        for (text, expected) in [
            ("stop", "stop"),
            ("\"stop\"", "stop"),
            ("[\"stop\"]", "stop"),
            ("[ \"tool_calls\", \"stop\"]", "tool_calls"),
            ("[]", ""),
            ("[\"", ""),
            ("[1]", ""),
            ("\"", "\""),
            ("", ""),
        ] {
            assert_eq!(first_of_list(text.into()), expected, "{text}");
            assert_eq!(first_of_list(text.to_owned().into()), expected, "{text}");
        }
    }

    #[test]
    fn counts_come_as_numbers_or_strings() {
        let text = r#"{"a": 12, "b": "7", "c": -1, "d": 1e308, "e": {"f": 3}, "g": null}"#;
        let usage = object(&Value::Str(text.into())).expect("an object");
        assert_eq!(count(&usage, &["a"]), Some(12));
        assert_eq!(count(&usage, &["none", "b"]), Some(7));
        assert_eq!(count(&usage, &["c", "d", "e", "g"]), None);
        assert_eq!(count(inner(&usage, &["e"]).expect("inner"), &["f"]), Some(3));
        for broken in ["{\"a\": ", "[1]", "", "{}}"] {
            assert_eq!(object(&Value::Str(broken.into())), None, "{broken}");
        }
    }
}
