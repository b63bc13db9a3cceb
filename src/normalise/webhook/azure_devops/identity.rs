//! Who it was, in any of the shapes that identities come in.

use std::borrow::Cow;

use super::super::object::{Object, text};
use crate::model::event::Str;

/// `uniqueName`, else `displayName` or `name` of an object; of a text the part in `<…>`, else all of it. `path` leads to one.
pub fn name<'d>(from: &Object<'d>, path: &str) -> Str<'d> {
    match from.object(path) {
        Some(object) => mail(object.first_text(&["uniqueName", "displayName", "email", "name"])),
        None => mail(from.get(path).map_or(Cow::Borrowed(""), text)),
    }
}

/// `Name <mail>`
fn mail(name: Str<'_>) -> Str<'_> {
    let inner = |name: &str| {
        let (start, end) = (name.rfind('<')? + 1, name.rfind('>')?);
        (start < end).then_some((start, end))
    };
    match (inner(&name), name) {
        (Some((start, end)), Cow::Borrowed(name)) => Cow::Borrowed(&name[start..end]),
        (Some((start, end)), Cow::Owned(name)) => Cow::Owned(name[start..end].to_owned()),
        (None, name) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_an_identity() {
        for (json, expected) in [
            (r#"{"who":{"uniqueName":"a@x","displayName":"A"}}"#, "a@x"),
            (r#"{"who":{"displayName":"A B"}}"#, "A B"),
            (r#"{"who":{"name":"A B <a@x>"}}"#, "a@x"),
            (r#"{"who":{"uniqueName":null,"displayName":7}}"#, "7"),
            (r#"{"who":"A B <a@x>"}"#, "a@x"),
            (r#"{"who":"A \"Z\" B <a@x>"}"#, "a@x"),
            (r#"{"who":"A > B <"}"#, "A > B <"),
            (r#"{"who":"<>"}"#, "<>"),
            (r#"{"who":"A B"}"#, "A B"),
            (r#"{"who":[1]}"#, ""),
            (r#"{"who":null}"#, ""),
            ("{}", ""),
        ] {
            assert_eq!(name(&Object::parse(json).unwrap(), "who"), expected, "{json}");
        }
    }
}
