//! OpenInference (Phoenix, Arize): no response id but inside of the response, the requested model inside of the parameters.
//! <https://github.com/Arize-ai/openinference/tree/main/spec>

use std::borrow::Cow;

use memchr::memmem;

use super::call::{Call, Record};
use super::json;
use crate::model::event::Str;
use crate::normalise::keys::Key;
use crate::normalise::slots::Slots;
use crate::normalise::value;

/// The id stands at the beginning of a response.
const SEARCHED: usize = 4000;

pub fn adjust<'r>(call: &mut Call<'r>, slots: &mut Slots<'r>, _: Record<'_, 'r>) {
    if slots.get(Key::LlmRequestModelName).is_none() {
        let parameters = [Key::LlmInvocationParameters, Key::EmbeddingInvocationParameters];
        let model = parameters.iter().find_map(|&key| {
            let object = json::object(slots.get(key)?)?;
            Some(object.get("model")?.as_str()?.to_owned())
        });
        if let Some(model) = model.filter(|model| !model.is_empty()) {
            call.request_model = Cow::Owned(model);
        }
    }
    if call.response_id.is_empty() {
        // Content, which may be dropped: the id isn't.
        let output = slots.raw("output.value").map_or(Cow::Borrowed(""), value::text);
        call.response_id = response_id(output);
    }
}

/// The `id` of OpenAI's or Anthropic's response.
fn response_id(response: Str<'_>) -> Str<'_> {
    let end = (0..=SEARCHED.min(response.len())).rev().find(|&at| response.is_char_boundary(at)).unwrap_or(0);
    let text = &response[..end];
    let ids = memmem::find_iter(text.as_bytes(), "\"id\":").filter_map(|at| {
        let quoted = text[at + 5..].trim_start().strip_prefix('"')?;
        let id = &quoted[..quoted.find('"')?];
        let known = ["chatcmpl", "resp", "msg"].iter().find_map(|kind| id.strip_prefix(kind));
        known.is_some_and(|rest| rest.len() > 1 && rest.starts_with(['-', '_'])).then_some(id)
    });
    ids.into_iter().next().map_or(Cow::Borrowed(""), |id| Cow::Owned(id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_found_at_the_beginning_of_a_response() {
        let far = format!("{}{}", "é".repeat(3000), r#""id":"msg_1""#);
        for (text, expected) in [
            (r#"{"id":"chatcmpl-1","x":1}"#, "chatcmpl-1"),
            (r#"{"a": {"id": "call_1"}, "id":  "resp_2"}"#, "resp_2"),
            (r#"{"id": "msg_"}"#, ""),
            (r#"{"id": "msg_3"#, ""),
            (r#"{"id":"#, ""),
            (far.as_str(), ""),
            ("", ""),
        ] {
            assert_eq!(response_id(text.into()), expected, "{text}");
        }
    }
}
