//! What a body is, where it is not what its address and content type say: so that the answer can name it.
//!
//! No legitimate request is touched. Another signal is found only where the first record contradicts the named one: in protobuf a
//! field has a wire type that the named signal's record does not have there; in JSON the named signal's list is missing.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Encoding, Signal, protobuf};

/// The signal whose records these are, if it is not `named`. Looks at one record.
pub fn other_signal(named: Signal, encoding: Encoding, body: &[u8]) -> Option<Signal> {
    match encoding {
        Encoding::Protobuf => protobuf::evidence::other_signal(named, body),
        Encoding::Json => in_json(named, body),
    }
}

/// Each signal's list may be there or not.
#[derive(Deserialize)]
struct Lists {
    #[serde(default, rename = "resourceLogs", alias = "resource_logs")]
    logs: Option<IgnoredAny>,
    #[serde(default, rename = "resourceSpans", alias = "resource_spans")]
    traces: Option<IgnoredAny>,
    #[serde(default, rename = "resourceMetrics", alias = "resource_metrics")]
    metrics: Option<IgnoredAny>,
}

fn in_json(named: Signal, body: &[u8]) -> Option<Signal> {
    // Nearly always the first key is the named signal's, and nothing is parsed twice.
    let [camel, snake] = list_names(named);
    let first = body.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start().strip_prefix(b"\"")?;
    if [camel, snake].iter().any(|name| first.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"\"")))
    {
        return None;
    }
    let lists: Lists = serde_json::from_str(&String::from_utf8_lossy(body)).ok()?;
    let there = [
        (Signal::Logs, lists.logs.is_some()),
        (Signal::Traces, lists.traces.is_some()),
        (Signal::Metrics, lists.metrics.is_some()),
    ];
    let is_there = |signal: Signal| there.contains(&(signal, true));
    if is_there(named) {
        return None;
    }
    there.into_iter().find_map(|(signal, there)| there.then_some(signal))
}

fn list_names(signal: Signal) -> [&'static str; 2] {
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
        let logs = |text: &str| in_json(Signal::Traces, text.as_bytes());
        assert_eq!(logs(r#"{"resourceLogs":[]}"#), Some(Signal::Logs));
        assert_eq!(logs("\n{\n  \"resource_logs\" : [{}] }"), Some(Signal::Logs));
        assert_eq!(logs(r#"{"x":1,"resourceMetrics":[{"resource":{}}]}"#), Some(Signal::Metrics));
        assert_eq!(logs(r#"{"resourceLogs":[],"resourceSpans":[]}"#), None, "the named one is there");
        for not in ["", "{}", "[]", "{", r#"{"resourceSpans":[]}"#, r#"{"resourceLogs":null}"#, r#"{"resourceLogs":["#]
        {
            assert_eq!(logs(not), None, "{not}");
        }
    }
}
