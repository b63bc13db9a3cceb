//! What an audit entry may not hold: content and secrets. Such an entry is refused, with the name of what it should not have
//! said; it is never stored in part.

use std::borrow::Cow;

use crate::model::otlp::{KeyValue, Value};

/// A name is refused if its last dotted part is one of these, or ends with `_` and one of these (`user_prompt`,
/// `http.response.body`, `access_token`). `input_tokens` and `content_type` are figures and kinds, and pass.
pub const CONTENT_WORDS: [&str; 37] = [
    "prompt",
    "prompts",
    "completion",
    "completions",
    "content",
    "contents",
    "body",
    "payload",
    "messages",
    "input",
    "inputs",
    "output",
    "outputs",
    "text",
    "transcript",
    "response",
    "arguments",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "secrets",
    "token",
    "api_key",
    "apikey",
    "private_key",
    "secret_key",
    "access_key",
    "credential",
    "credentials",
    "authorization",
    "cookie",
    "cookies",
    "set_cookie",
    "client_secret",
    "ssn",
    "card_number",
];

/// How values begin that let somebody in.
pub const SECRET_PREFIXES: [&str; 17] = [
    "alg_i_",
    "alg_a_",
    "sk-",
    "sk_live_",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "AKIA",
    "eyJ",
    "Bearer ",
    "Basic ",
    "-----BEGIN ",
];
/// Shorter values with such a beginning are words.
const SECRET_BYTES: usize = 20;

/// Why an attribute may not stand in an audit entry.
pub fn objection(attribute: &KeyValue<'_>) -> Option<String> {
    let name = attribute.key.as_ref();
    if names_content(name) {
        return Some(content(name));
    }
    match &attribute.value {
        Value::Str(text) if is_secret(text) => Some(secret(name)),
        Value::Rendered(json) => strings(json).find_map(|found| match found {
            Found::Name(inner) if names_content(&inner) => Some(content(&format!("{name}.{inner}"))),
            Found::Text(text) if is_secret(&text) => Some(secret(name)),
            _ => None,
        }),
        _ => None,
    }
}

fn content(name: &str) -> String {
    format!("attributes.{name}: audit entries take no content and no secrets; leave it out, or send a message instead")
}

fn secret(name: &str) -> String {
    format!("attributes.{name}: its value looks like a credential, which audit entries don't take; leave it out")
}

fn names_content(name: &str) -> bool {
    let name = snake(name);
    // `prompt.0` is a prompt too.
    let is_number = |part: &&str| part.bytes().all(|b| b.is_ascii_digit());
    let Some(last) = name.rsplit(['.', '/', ':']).find(|part| !is_number(part)) else { return false };
    CONTENT_WORDS.iter().any(|word| last.strip_suffix(word).is_some_and(|rest| rest.is_empty() || rest.ends_with('_')))
}

/// `accessToken`, `Access-Token` and `access_token` are the same name.
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut after_lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && after_lower {
            out.push('_');
        }
        after_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        out.push(if matches!(c, '-' | ' ') { '_' } else { c.to_ascii_lowercase() });
    }
    out
}

fn is_secret(text: &str) -> bool {
    let text = text.trim();
    text.len() >= SECRET_BYTES && SECRET_PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}

/// A string of a JSON text.
enum Found<'a> {
    Name(Cow<'a, str>),
    Text(Cow<'a, str>),
}

/// Every string of a valid JSON text, at any depth, without building what it says.
fn strings(json: &str) -> impl Iterator<Item = Found<'_>> {
    let mut rest = json;
    std::iter::from_fn(move || {
        let start = rest.find('"')?;
        let from = &rest[start..];
        let end = string_end(from)?;
        let (string, after) = from.split_at(end);
        rest = after;
        let text = match string[1..end - 1].contains('\\') {
            // Valid JSON text has valid strings.
            true => Cow::Owned(serde_json::from_str(string).unwrap_or_default()),
            false => Cow::Borrowed(&string[1..end - 1]),
        };
        let is_name = after.trim_start().starts_with(':');
        Some(if is_name { Found::Name(text) } else { Found::Text(text) })
    })
}

/// Just past the closing quote of the string that `text` begins with.
fn string_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_content_and_secrets_are_refused_and_figures_about_them_pass() {
        for name in [
            "prompt",
            "user_prompt",
            "gen_ai.prompt",
            "http.response.body",
            "accessToken",
            "X-Api-Key",
            "DB_PASSWORD",
            "tool.input",
            "gen_ai.prompt.0",
            "set-cookie",
        ] {
            assert!(names_content(name), "{name}");
        }
        for name in [
            "prompt_id",
            "prompt.name",
            "http.response.status_code",
            "input_tokens",
            "content_type",
            "context",
            "token_id",
            "body_bytes",
            "message",
            "role",
            "target_role",
            "",
        ] {
            assert!(!names_content(name), "{name}");
        }
    }

    #[test]
    fn nested_values_are_looked_through() {
        let attribute = |value| KeyValue { key: "meta".into(), value };
        let refused = |value| objection(&attribute(value)).is_some();
        assert!(refused(Value::Rendered(r#"{"a":[{"pr\u006fmpt" : "x"}]}"#.to_owned())));
        assert!(refused(Value::Rendered(r#"["a","ghp_0123456789abcdefghij"]"#.to_owned())));
        assert!(refused(Value::Str("Bearer 0123456789abcdefghij".into())));
        assert!(!refused(Value::Rendered(r#"{"a":["prompt","\"body\""],"b":1}"#.to_owned())));
        assert!(!refused(Value::Str("sk-learn".into())));
        let why = objection(&attribute(Value::Rendered(r#"{"x":{"body":1}}"#.to_owned()))).expect("refused");
        assert!(why.contains("attributes.meta.body"), "{why}");
    }
}
