//! What strict JSON parsers refuse though clients send it: half a surrogate pair (Claude Code cuts long texts by
//! UTF-16 units: `"…\ud83d\n\n[TRUNCATED…"`), invalid UTF-8, a byte order mark.

use std::borrow::Cow;

/// The body as text that parses. Counts what it replaced.
pub fn repair<'a>(body: &'a [u8], repaired: &mut u64) -> Cow<'a, str> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let text = match simdutf8::basic::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            *repaired += 1;
            String::from_utf8_lossy(body)
        }
    };
    match lone_surrogates(text.as_bytes()) {
        lone if lone.is_empty() => text,
        lone => {
            *repaired += lone.len() as u64;
            Cow::Owned(replace(text.into_owned(), &lone))
        }
    }
}

/// Puts `\ufffd` where half a pair stood: as long, so nothing moves.
fn replace(text: String, lone: &[usize]) -> String {
    let mut bytes = text.into_bytes();
    for &at in lone {
        bytes[at..at + 6].copy_from_slice(b"\\ufffd");
    }
    // Not lossy in fact: ASCII was replaced by ASCII.
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

/// Where `\uD800`..`\uDFFF` stands without its other half.
fn lone_surrogates(text: &[u8]) -> Vec<usize> {
    let mut lone = Vec::new();
    let mut from = 0;
    while let Some(found) = memchr::memchr(b'\\', &text[from..]) {
        let at = from + found;
        match escape(text, at) {
            Some(0xd800..0xdc00) if matches!(escape(text, at + 6), Some(0xdc00..0xe000)) => {
                from = at + 12;
            }
            Some(0xd800..0xe000) => {
                lone.push(at);
                from = at + 6;
            }
            // the escaped character may itself be a backslash
            _ => from = (at + 2).min(text.len()),
        }
    }
    lone
}

/// The unit that `\uXXXX` at this place stands for.
fn escape(text: &[u8], at: usize) -> Option<u16> {
    let hex = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let mut unit = 0;
    for &digit in hex {
        unit = unit << 4 | (digit as char).to_digit(16)? as u16;
    }
    Some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repaired(text: &str) -> (String, u64) {
        let mut count = 0;
        let out = repair(text.as_bytes(), &mut count).into_owned();
        (out, count)
    }

    #[test]
    fn half_a_pair_is_replaced_and_whole_ones_are_kept() {
        for (text, expected, count) in [
            (r#""a\ud83d\n""#, r#""a\ufffd\n""#, 1),
            (r#""\uDE00 \ud83d""#, r#""\ufffd \ufffd""#, 2),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#, 0),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#, 1),
            (r#""\\ud83d""#, r#""\\ud83d""#, 0),
            (r#""\\\ud83d""#, r#""\\\ufffd""#, 1),
            (r#""\ud83"#, r#""\ud83"#, 0),
            ("\"\\", "\"\\", 0),
            ("\u{feff}{}", "{}", 0),
        ] {
            assert_eq!(repaired(text), (expected.to_owned(), count), "{text}");
        }
    }

    #[test]
    fn untouched_text_is_borrowed() {
        assert!(matches!(repair(br#""\u00e9""#, &mut 0), Cow::Borrowed(_)));
    }

    #[test]
    fn invalid_utf8_is_replaced() {
        let mut count = 0;
        assert_eq!(repair(b"\"\xff\"", &mut count), "\"\u{fffd}\"");
        assert_eq!(count, 1);
    }
}
