//! Where OTLP goes: the paths that are taken, and what to say to what came to another.

use axum::http::{HeaderMap, HeaderValue, Method};

use super::Signal;
use super::evidence::list_names;
use crate::ingest::refusal::Refusal;
use crate::net::Endpoints;
use crate::outcome::Reason;
use crate::telemetry::counters::Door;

/// The signal that a path names, whatever stands before `/v1/`; empty segments count for nothing.
pub fn signal_of(path: &str) -> Option<Signal> {
    match last_two(path) {
        ("v1", last) => Signal::ALL.into_iter().find(|signal| signal.as_str() == last),
        _ => None,
    }
}

fn last_two(path: &str) -> (&str, &str) {
    let mut segments = path.rsplit('/').filter(|segment| !segment.is_empty());
    let last = segments.next().unwrap_or("");
    (segments.next().unwrap_or(""), last)
}

/// What else is pushed to collectors, by the ends of the paths that its clients have built in. The longer end comes first.
const FOREIGN: [(&str, &str, &str); 7] = [
    (
        "/loki/api/v1/push",
        "a Loki push",
        "use an OTLP log exporter, or an OpenTelemetry Collector that receives Loki's",
    ),
    ("/api/v1/write", "Prometheus remote write", PROMETHEUS),
    ("/api/v1/push", "Prometheus remote write", PROMETHEUS),
    ("/api/v2/spans", "Zipkin spans", COLLECTOR),
    ("/api/v1/spans", "Zipkin spans", COLLECTOR),
    ("/api/traces", "Jaeger spans", COLLECTOR),
    ("/services/collector", "a Splunk HEC push", COLLECTOR),
];
const PROMETHEUS: &str = "let an OpenTelemetry Collector scrape (receiver `prometheus`) and export OTLP";
const COLLECTOR: &str = "use an OTLP exporter, or an OpenTelemetry Collector that receives this and exports OTLP";

/// Another protocol's push: what it is, and what to do.
pub fn foreign(path: &str, headers: &HeaderMap) -> Option<(&'static str, &'static str)> {
    if headers.contains_key("x-prometheus-remote-write-version") {
        return Some(("Prometheus remote write", PROMETHEUS));
    }
    if headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"application/vnd.apache.thrift")) {
        return Some(("Jaeger spans", COLLECTOR));
    }
    let path = path.trim_end_matches('/');
    FOREIGN.into_iter().find(|(ends, ..)| path.ends_with(ends)).map(|(_, what, instead)| (what, instead))
}

/// Whether a request to the API's listener is for the OTLP doors, if only to hear where it belongs.
pub fn is_for_otlp(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    // Below /api/v1/ the names are the API's own.
    if path.starts_with("/api/v1/") {
        return *method == Method::POST && foreign(path, headers).is_some();
    }
    let kind = headers.get("content-type").map_or(&b""[..], HeaderValue::as_bytes);
    let speaks_otlp = [&b"application/grpc"[..], b"application/x-protobuf", b"application/protobuf"]
        .iter()
        .any(|known| kind.starts_with(known));
    signal_of(path).is_some()
        || *method == Method::POST
            && (speaks_otlp || foreign(path, headers).is_some() || path.starts_with("/v1/") && meant(path).is_some())
}

/// For a path where nothing is taken.
pub fn nothing_here(path: &str, headers: &HeaderMap, endpoints: &Endpoints) -> Refusal {
    let message = if let Some((what, instead)) = foreign(path, headers) {
        format!("this is {what}, and only OTLP is taken: {instead}, to /v1/logs, /v1/traces or /v1/metrics")
    } else if let Some(meant) = meant(path) {
        format!("nothing is taken at {path:?}: did you mean /v1/{}?", meant.as_str())
    } else if is_grpc_method(path) {
        format!(
            "{path} is a gRPC method, and this port speaks OTLP/HTTP: send gRPC to port {}, or post to /v1/logs, /v1/traces \
             or /v1/metrics",
            endpoints.grpc_port()
        )
    } else {
        let whole = format!(
            "an exporter that posts exactly to its URL needs the whole one, as :{}/v1/traces",
            endpoints.http_port()
        );
        format!("nothing is taken at {path:?}: post to /v1/logs, /v1/traces or /v1/metrics ({whole})")
    };
    Refusal::new(Reason::Misdirected, message)
}

/// A path that names one signal, but not as OTLP does: `/v1/log`, `/logs`, `/v1/spans`, `/otlp/traces`.
fn meant(path: &str) -> Option<Signal> {
    match last_two(path).1 {
        "log" | "logs" => Some(Signal::Logs),
        "trace" | "traces" | "span" | "spans" => Some(Signal::Traces),
        "metric" | "metrics" => Some(Signal::Metrics),
        _ => None,
    }
}

fn is_grpc_method(path: &str) -> bool {
    path.starts_with("/opentelemetry.proto.collector.")
}

/// Records of one signal at the address of another.
pub fn wrong_signal(is: Signal, named: Signal, door: Door) -> Refusal {
    let (is_name, named_name) = (is.as_str(), named.as_str());
    let message = if door == Door::Grpc {
        format!("these are {is_name}, sent to {}: call {}/Export", named.service(), is.service())
    } else {
        format!(
            "these are {is_name}, and /v1/{named_name} takes {named_name}: post them to /v1/{is_name} \
             (OTEL_EXPORTER_OTLP_{}_ENDPOINT)",
            is_name.to_ascii_uppercase()
        )
    };
    Refusal::new(Reason::Misdirected, message)
}

/// JSON that holds no records of any signal: an empty success would say that they are stored.
pub fn no_list(named: Signal) -> Refusal {
    let [list, _] = list_names(named);
    let message = format!("there is no {list:?} in this JSON object, so nothing of it can be stored: is it OTLP?");
    Refusal::new(Reason::Malformed, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_base_and_any_number_of_slashes_lead_to_a_signal() {
        for path in ["/v1/logs", "//v1/logs", "/v1//logs", "/v1/logs//", "/api/public/otel/v1/logs", "/a/v1/b/v1/logs"]
        {
            assert_eq!(signal_of(path), Some(Signal::Logs), "{path}");
        }
        for path in ["", "/", "/logs", "/v1", "/v1/", "/v1/log", "/v2/logs", "/v1/logs/x", "/xv1/logs", "/v1/Logs"] {
            assert_eq!(signal_of(path), None, "{path}");
        }
    }
}
