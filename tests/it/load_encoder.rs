//! The load generator writes protobuf by hand; here the reference implementation reads it.

#[path = "../../benches/load/encode.rs"]
mod encode;

use encode::{Shape, Signal, Template};
use opentelemetry_proto::tonic::collector::{logs::v1::ExportLogsServiceRequest, trace::v1::ExportTraceServiceRequest};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use prost::Message;

const NOW: u64 = 1_795_221_643_356_000_000;

fn stamped(signal: Signal, batch: usize, attrs: usize, marker: &[u8; 16]) -> Template {
    let mut template = Template::new(Shape { signal, batch, attrs });
    template.stamp(marker, NOW);
    template
}

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|kv| kv.key == key)?.value.as_ref()?.value.as_ref()?;
    match found {
        Value::StringValue(s) => Some(s),
        _ => None,
    }
}

#[test]
fn logs_decode_with_every_time_and_the_marker_patched() {
    let template = stamped(Signal::Logs, 7, 14, b"marker-123456789");
    let request = ExportLogsServiceRequest::decode(template.bytes()).unwrap();
    let block = &request.resource_logs[0];
    assert_eq!(text(&block.resource.as_ref().unwrap().attributes, "load.marker"), Some("marker-123456789"));
    let scope = &block.scope_logs[0];
    assert_eq!(scope.scope.as_ref().unwrap().name, "com.anthropic.claude_code.events");
    assert_eq!(scope.log_records.len(), 7);
    for record in &scope.log_records {
        assert_eq!((record.time_unix_nano, record.observed_time_unix_nano), (NOW, NOW));
        assert_eq!((record.severity_number, record.severity_text.as_str()), (9, "INFO"));
        assert_eq!(record.attributes.len(), 15);
        assert_eq!(text(&record.attributes, "event.name"), Some("api_request"));
        assert_eq!(text(&record.attributes, "speed"), Some("normal"));
    }
}

#[test]
fn spans_decode_and_end_after_they_start() {
    let template = stamped(Signal::Traces, 3, 14, b"marker-123456789");
    let request = ExportTraceServiceRequest::decode(template.bytes()).unwrap();
    let spans = &request.resource_spans[0].scope_spans[0].spans;
    assert_eq!(spans.len(), 3);
    for span in spans {
        assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano), (NOW, NOW + 5_000_000));
        assert_eq!((span.trace_id.len(), span.span_id.len(), span.parent_span_id.len()), (16, 8, 8));
        assert_eq!(span.attributes.len(), 14);
        assert_eq!(text(&span.attributes, "gen_ai.provider.name"), Some("openai"));
    }
}

#[test]
fn a_record_has_as_many_attributes_as_asked_for() {
    for attrs in [0, 3, 14, 40] {
        let logs = stamped(Signal::Logs, 1, attrs, &[b'm'; 16]);
        let request = ExportLogsServiceRequest::decode(logs.bytes()).unwrap();
        assert_eq!(request.resource_logs[0].scope_logs[0].log_records[0].attributes.len(), attrs + 1);
        let traces = stamped(Signal::Traces, 1, attrs, &[b'm'; 16]);
        let request = ExportTraceServiceRequest::decode(traces.bytes()).unwrap();
        assert_eq!(request.resource_spans[0].scope_spans[0].spans[0].attributes.len(), attrs);
    }
}

#[test]
fn a_stamp_behind_a_prefix_changes_the_request_and_not_the_prefix() {
    let prefix = b"POST /v1/logs HTTP/1.1\r\n\r\n";
    let mut framed = Template::new(Shape { signal: Signal::Logs, batch: 2, attrs: 14 }).behind(prefix);
    framed.stamp(b"AAAAAAAAAAAAAAAA", NOW);
    let first = framed.bytes().to_vec();
    framed.stamp(b"BBBBBBBBBBBBBBBB", NOW);
    assert_ne!(first, framed.bytes());
    assert!(framed.bytes().starts_with(prefix));
    assert_eq!(&first[prefix.len()..], stamped(Signal::Logs, 2, 14, b"AAAAAAAAAAAAAAAA").bytes());
}
