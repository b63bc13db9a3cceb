//! What a body is, where it is not what its address and content type say: so that the answer can name it.
//!
//! No legitimate request is touched. Another signal is found only where the first record contradicts the named one: in protobuf a
//! field has a wire type that the named signal's record does not have there; in JSON the named signal's list is missing.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::{Encoding, Signal, protobuf};

/// What speaks against the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Astray {
    /// The records are of this signal.
    Other(Signal),
    /// A JSON object with keys, and none of them is any signal's list.
    NoList,
}

/// Looks at one record, or at the names of the lists.
pub fn astray(named: Signal, encoding: Encoding, body: &[u8]) -> Option<Astray> {
    match encoding {
        Encoding::Protobuf => protobuf::evidence::other_signal(named, body).map(Astray::Other),
        Encoding::Json => in_json(named, body),
    }
}

/// Each signal's list may be there or not; `null` is there.
#[derive(Deserialize)]
struct Lists {
    #[serde(default, rename = "resourceLogs", alias = "resource_logs", deserialize_with = "there")]
    logs: bool,
    #[serde(default, rename = "resourceSpans", alias = "resource_spans", deserialize_with = "there")]
    traces: bool,
    #[serde(default, rename = "resourceMetrics", alias = "resource_metrics", deserialize_with = "there")]
    metrics: bool,
}

fn there<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(value).map(|_| true)
}

fn in_json(named: Signal, body: &[u8]) -> Option<Astray> {
    // Nearly always the first key is the named signal's, and nothing is parsed twice.
    let first = body.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start().strip_prefix(b"\"")?;
    let is_first = |name: &str| first.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"\""));
    if list_names(named).into_iter().any(is_first) {
        return None;
    }
    let lists: Lists = serde_json::from_str(&String::from_utf8_lossy(body)).ok()?;
    let there = [(Signal::Logs, lists.logs), (Signal::Traces, lists.traces), (Signal::Metrics, lists.metrics)];
    if there.contains(&(named, true)) {
        return None;
    }
    let other = there.into_iter().find_map(|(signal, there)| there.then_some(signal));
    Some(other.map_or(Astray::NoList, Astray::Other))
}

/// The second one is protobuf's own spelling, which parsers take too.
pub fn list_names(signal: Signal) -> [&'static str; 2] {
    match signal {
        Signal::Logs => ["resourceLogs", "resource_logs"],
        Signal::Traces => ["resourceSpans", "resource_spans"],
        Signal::Metrics => ["resourceMetrics", "resource_metrics"],
    }
}

/// What an unreadable body is instead, and what to change.
pub fn of_unreadable(encoding: Encoding, body: &[u8]) -> Option<&'static str> {
    let json = body.trim_ascii_start().first().is_some_and(|first| matches!(first, b'{' | b'['));
    match (encoding, body) {
        // RFC 1952, 2.3.1.
        (_, [0x1f, 0x8b, ..]) => Some(
            "these bytes are gzip, and nothing says so: send the header content-encoding: gzip (gRPC: grpc-encoding)",
        ),
        // RFC 8878, 3.1.1.
        (_, [0x28, 0xb5, 0x2f, 0xfd, ..]) => Some(
            "these bytes are zstd, and nothing says so: send the header content-encoding: zstd (gRPC: grpc-encoding)",
        ),
        (Encoding::Json, []) => Some("the body is empty: send at least {}"),
        (Encoding::Protobuf, _) if json => {
            Some("this is JSON, and the content type says protobuf: send it as application/json")
        }
        (Encoding::Json, [0x0a, ..]) if !json && protobuf::evidence::is_protobuf(body) => {
            Some("this is protobuf, and the content type says JSON: send it as application/x-protobuf")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_told_by_the_name_of_its_list() {
        let found = |text: &str| in_json(Signal::Traces, text.as_bytes());
        let logs = Some(Astray::Other(Signal::Logs));
        assert_eq!(found(r#"{"resourceLogs":[]}"#), logs);
        assert_eq!(found("\n{\n  \"resource_logs\" : [{}] }"), logs);
        assert_eq!(found(r#"{"x":1,"resourceMetrics":[{"resource":{}}]}"#), Some(Astray::Other(Signal::Metrics)));
        for none in [r#"{"streams":[]}"#, r#"{"ResourceSpans":[]}"#, r#"{"resourceSpans2":[]}"#] {
            assert_eq!(found(none), Some(Astray::NoList), "{none}");
        }
        for right in [
            r#"{"resourceLogs":[],"resourceSpans":[]}"#,
            r#"{"resource_spans":[]}"#,
            r#"{"x":1,"resourceSpans":null}"#,
            // What can't be read is the decoder's to refuse, what is empty nobody's.
            "",
            "{}",
            "[]",
            "{",
            r#"{"resourceLogs":["#,
        ] {
            assert_eq!(found(right), None, "{right}");
        }
    }
}
