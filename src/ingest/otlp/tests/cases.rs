//! Single cases: limits, order, repairs, leniency.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::logs::v1::{self as logs, LogRecord as ProtoLog};
use opentelemetry_proto::tonic::resource::v1::Resource as ProtoResource;
use prost::Message;
use serde_json::json;

use super::super::*;
use super::{Seen, seen, to_json};
use crate::model::otlp::{PointValue, Value};

fn log_request(records: Vec<ProtoLog>) -> Vec<u8> {
    let scope_logs = vec![logs::ScopeLogs { log_records: records, ..Default::default() }];
    let resource_logs = vec![logs::ResourceLogs { scope_logs, ..Default::default() }];
    ExportLogsServiceRequest { resource_logs }.encode_to_vec()
}

fn attribute(key: &str, value: common::any_value::Value) -> common::KeyValue {
    common::KeyValue { key: key.into(), value: Some(common::AnyValue { value: Some(value) }), ..Default::default() }
}

fn with_attributes(count: usize) -> ProtoLog {
    let value = || common::any_value::Value::IntValue(1);
    ProtoLog { attributes: (0..count).map(|_| attribute("k", value())).collect(), ..Default::default() }
}

/// The decoded values of a record's attributes, by name.
struct Values(BTreeMap<String, Value<'static>>);

impl Visit for Values {
    fn log(&mut self, record: &LogRecord<'_>) {
        for a in &record.attributes {
            let value = match &a.value {
                Value::Str(text) => Value::Str(text.to_string().into()),
                Value::Rendered(text) => Value::Rendered(text.clone()),
                Value::Int(int) => Value::Int(*int),
                Value::Double(double) => Value::Double(*double),
                Value::Bool(flag) => Value::Bool(*flag),
                Value::Empty => Value::Empty,
            };
            self.0.insert(a.key.to_string(), value);
        }
    }
}

fn json_values(attributes: serde_json::Value) -> (Tally, BTreeMap<String, Value<'static>>) {
    let body = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"attributes": attributes}]}]}]});
    let mut values = Values(BTreeMap::new());
    let tally = json::decode_logs(body.to_string().as_bytes(), &Limits::default(), &mut values);
    (tally.expect("decodes"), values.0)
}

#[test]
fn a_record_with_too_many_attributes_is_rejected_alone() {
    let limits = Limits { max_attributes: 5, ..Limits::default() };
    let body = log_request(vec![with_attributes(5), with_attributes(6), with_attributes(2)]);
    let mut seen = Seen::default();
    let tally = protobuf::decode_logs(&body, &limits, &mut seen).unwrap();
    assert_eq!((tally.accepted, tally.rejected), (2, 1));
    assert_eq!(tally.reason, Some(Reason::TooManyAttributes));
    assert_eq!(tally.message.as_deref(), Some("log record with more than 5 attributes"));
    assert_eq!(seen.0.len(), 4);
    assert_eq!(seen.0[3].matches("key:").count(), 2, "nothing left over from the record before");
}

#[test]
fn a_resource_with_too_many_attributes_takes_its_records_with_it() {
    let limits = Limits { max_attributes: 5, ..Limits::default() };
    let resource = ProtoResource { attributes: with_attributes(6).attributes, ..Default::default() };
    let scope_logs = vec![logs::ScopeLogs { log_records: vec![with_attributes(1); 3], ..Default::default() }];
    let resource_logs = vec![logs::ResourceLogs { resource: Some(resource), scope_logs, ..Default::default() }];
    let body = ExportLogsServiceRequest { resource_logs }.encode_to_vec();
    let tally = protobuf::decode_logs(&body, &limits, &mut Seen::default()).unwrap();
    assert_eq!((tally.accepted, tally.rejected), (0, 3));
}

#[test]
fn the_resource_may_come_after_its_records() {
    // ResourceLogs { 2: ScopeLogs { 2: LogRecord {}, 1: scope "s" }, 1: Resource { 1: { "k": 1 } } }
    let resource = [0x0a, 9, 0x0a, 7, 0x0a, 1, b'k', 0x12, 2, 0x18, 1];
    let scoped = [0x12, 7, 0x12, 0, 0x0a, 3, 0x0a, 1, b's'];
    let group = [scoped.as_slice(), resource.as_slice()].concat();
    let body = [&[0x0a, group.len() as u8], group.as_slice()].concat();
    let (tally, seen) = seen(Signal::Logs, Encoding::Protobuf, &body);
    assert_eq!(tally.accepted, 1);
    assert!(seen.0[0].starts_with("Resource") && seen.0[0].contains("Int(1)"), "{seen:?}");
    assert!(seen.0[1].contains("name: \"s\""), "{seen:?}");
}

#[test]
fn invalid_utf8_is_repaired_and_counted() {
    let mut body = log_request(vec![ProtoLog {
        attributes: vec![attribute("k", common::any_value::Value::StringValue("a?b".into()))],
        ..Default::default()
    }]);
    let at = body.iter().position(|&b| b == b'?').unwrap();
    body[at] = 0xff;
    let mut values = Values(BTreeMap::new());
    let tally = protobuf::decode_logs(&body, &Limits::default(), &mut values).unwrap();
    assert_eq!((tally.accepted, tally.repaired), (1, 1));
    assert_eq!(values.0["k"], Value::Str("a\u{fffd}b".into()));
}

#[test]
fn deep_values_are_cut_not_refused() {
    use common::any_value::Value::{ArrayValue, IntValue};
    let mut value = IntValue(1);
    for _ in 0..40 {
        value = ArrayValue(common::ArrayValue { values: vec![common::AnyValue { value: Some(value) }] });
    }
    let record = ProtoLog { attributes: vec![attribute("k", value)], ..Default::default() };
    let mut from_protobuf = Values(BTreeMap::new());
    let body = log_request(vec![record.clone()]);
    protobuf::decode_logs(&body, &Limits::default(), &mut from_protobuf).unwrap();
    let (_, from_json) = json_values(json!([to_json::attribute(&record.attributes[0])]));
    let expected = format!("{}{}{}", "[".repeat(32), render::TOO_DEEP, "]".repeat(32));
    assert_eq!(from_protobuf.0["k"], Value::Rendered(expected));
    assert_eq!(from_json, from_protobuf.0);
}

#[test]
fn json_is_read_leniently() {
    let (tally, values) = json_values(json!([
        {"key": "int", "value": {"intValue": 9007199254740993_i64}},
        {"key": "string int", "value": {"intValue": "-9007199254740993"}},
        {"key": "nan", "value": {"doubleValue": "NaN"}},
        {"key": "inf", "value": {"doubleValue": "-Infinity"}},
        {"key": "whole", "value": {"doubleValue": 3}},
        {"key": "snake", "value": {"string_value": "s"}},
        {"key": "bytes", "value": {"bytesValue": "_-8"}},
        {"key": "null", "value": null},
        {"key": "none"},
        {"key": "void", "value": {}},
        {"key": "unknown", "value": {"futureValue": 1}, "futureField": []},
        {"key": "list", "value": {"arrayValue": {"values": [{"intValue": "1"}, {}, null]}}},
        {"key": "map", "value": {"kvlistValue": {"values": [{"key": "a\"", "value": {"boolValue": true}}]}}},
        {"key": "empty", "value": {"arrayValue": {}}},
    ]));
    assert_eq!((tally.accepted, tally.rejected), (1, 0), "{tally:?}");
    assert_eq!(values["int"], Value::Int(9007199254740993));
    assert_eq!(values["string int"], Value::Int(-9007199254740993));
    assert!(matches!(values["nan"], Value::Double(d) if d.is_nan()));
    assert_eq!(values["inf"], Value::Double(f64::NEG_INFINITY));
    assert_eq!(values["whole"], Value::Double(3.0));
    assert_eq!(values["snake"], Value::Str("s".into()));
    assert_eq!(values["bytes"], Value::Rendered("/+8=".into()));
    for name in ["null", "none", "void", "unknown"] {
        assert_eq!(values[name], Value::Empty, "{name}");
    }
    assert_eq!(values["list"], Value::Rendered("[1,null,null]".into()));
    assert_eq!(values["map"], Value::Rendered(r#"{"a\"":true}"#.into()));
    assert_eq!(values["empty"], Value::Rendered("[]".into()));
}

/// As a Rust exporter sends it.
#[test]
fn pretty_printed_json_is_the_same_request() {
    let body = json!({"resourceLogs": [{"scopeLogs": [{"scope": {"name": "s"}, "logRecords": [
        {"observedTimeUnixNano": "17", "attributes": [{"key": "k", "value": {"intValue": "1"}}, {"key": "void", "value": {}}]},
    ]}]}]});
    let mut pretty = Values(BTreeMap::new());
    let tally = json::decode_logs(&serde_json::to_vec_pretty(&body).unwrap(), &Limits::default(), &mut pretty).unwrap();
    assert_eq!((tally.accepted, tally.rejected), (1, 0));
    assert_eq!(pretty.0, BTreeMap::from([("k".to_owned(), Value::Int(1)), ("void".to_owned(), Value::Empty)]));
}

#[test]
fn one_bad_json_record_is_rejected_alone() {
    let body = json!({"resource_logs": [{"scope_logs": [{"log_records": [
        {"severityNumber": "SEVERITY_NUMBER_WARN", "traceId": "ABCDEF00112233445566778899aabbcc"},
        {"timeUnixNano": "yesterday"},
        {"attributes": [{"key": "k", "value": {"intValue": "1.5x"}}]},
        {"traceId": "not hex"},
        null,
        "text",
        {"severityNumber": 9, "time_unix_nano": "17", "spanId": "q83vASNFZ4k="},
    ]}]}]});
    let (tally, seen) = seen(Signal::Logs, Encoding::Json, body.to_string().as_bytes());
    assert_eq!((tally.accepted, tally.rejected), (2, 5), "{tally:?}");
    assert_eq!(tally.reason, Some(Reason::Malformed));
    assert!(tally.message.unwrap().starts_with("log record: expected an unsigned"));
    assert!(seen.0[2].contains("severity_number: 13") && seen.0[2].contains("trace_id: [171, 205,"));
    assert!(seen.0[3].contains("time_unix_nano: 17") && seen.0[3].contains("span_id: [171, 205,"));
}

#[test]
fn what_is_not_an_export_request_is_an_error() {
    for body in ["", "[]", "{", "nul", "{\"resourceLogs\": {}}", "{\"resourceLogs\": [1]}"] {
        let result = json::decode_logs(body.as_bytes(), &Limits::default(), &mut Seen::default());
        assert!(result.is_err(), "{body}");
    }
    for body in ["{}", "{\"resourceLogs\": null}", "{\"resourceSpans\": [{}]}", "\u{feff}{}"] {
        let result = json::decode_logs(body.as_bytes(), &Limits::default(), &mut Seen::default());
        assert_eq!(result.unwrap().accepted, 0, "{body}");
    }
    assert!(protobuf::decode_logs(b"{}", &Limits::default(), &mut Seen::default()).is_err());
}

#[test]
fn half_a_surrogate_pair_does_not_cost_the_request() {
    let body = br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a\ud83d"}}]}]}]}"#;
    let (tally, seen) = seen(Signal::Logs, Encoding::Json, body);
    assert_eq!((tally.accepted, tally.repaired), (1, 1));
    assert!(seen.0[2].contains("a\u{fffd}"), "{seen:?}");
}

#[test]
fn too_many_buckets_reject_the_point_alone() {
    let counts = vec![1; Limits::default().max_buckets + 1];
    let point = |counts: &[u64]| json!({"count": "1", "bucketCounts": counts});
    let body = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
        {"name": "h", "histogram": {"dataPoints": [point(&counts), point(&counts[1..])]}},
        {"name": "g", "gauge": {"dataPoints": [{"asInt": "5", "flags": 1}]}},
    ]}]}]});
    let (tally, seen) = seen(Signal::Metrics, Encoding::Json, body.to_string().as_bytes());
    assert_eq!((tally.accepted, tally.rejected, tally.reason), (2, 1, Some(Reason::TooLarge)));
    let no_value = format!("value: {:?}", PointValue::None);
    assert!(seen.0.last().unwrap().contains(&no_value), "NoRecordedValue");
}
