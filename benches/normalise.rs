//! What it costs to decode and normalise a record: `cargo bench --bench normalise`. Prints ns per record, the best of several
//! rounds, for Claude Code's `api_request` event and for an HTTP server's span.

use std::hint::black_box;
use std::time::Instant;

use activitylog::ingest::otlp::{Encoding, Limits, Signal, Visit, decode};
use activitylog::model::otlp::{DataPoint, InstrumentationScope, LogRecord, MetricMeta, Resource, Span};
use activitylog::normalise::rules::Rules;
use activitylog::normalise::{Context, Normaliser};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource as WireResource;
use opentelemetry_proto::tonic::trace::v1 as wire;
use prost::Message;

const RECORDS: usize = 1_000;
const ROUNDS: usize = 300;

struct Visitor<'c>(Normaliser<'c>);

impl Visit for Visitor<'_> {
    fn resource(&mut self, resource: &Resource<'_>) {
        self.0.resource(resource);
    }
    fn scope(&mut self, scope: &InstrumentationScope<'_>) {
        self.0.scope(scope);
    }
    fn log(&mut self, record: &LogRecord<'_>) {
        black_box(self.0.log(record));
    }
    fn span(&mut self, span: &Span<'_>) {
        black_box(self.0.span(span));
    }
    fn point(&mut self, meta: &MetricMeta<'_>, point: &DataPoint<'_>) {
        black_box(self.0.point(meta, point));
    }
}

fn main() {
    let rules = Rules::default();
    for (name, signal, body) in
        [("claude_code.api_request log", Signal::Logs, api_requests()), ("HTTP server span", Signal::Traces, spans())]
    {
        let best = (0..ROUNDS).map(|_| round(signal, &body, &rules)).min().unwrap_or(0);
        println!("{name}: {} ns per record", best / RECORDS as u128);
    }
}

/// Nanoseconds for all records of a request.
fn round(signal: Signal, body: &[u8], rules: &Rules) -> u128 {
    let context = Context { tenant_id: "default", project: "", now_ns: 1_795_221_532_690_000_000, rules };
    let mut visitor = Visitor(Normaliser::new(context));
    let started = Instant::now();
    let tally = decode(signal, Encoding::Protobuf, body, &Limits::default(), &mut visitor).expect("a valid request");
    let took = started.elapsed().as_nanos();
    assert_eq!(tally.accepted, RECORDS as u64);
    took
}

/// A recorded one, many times over.
fn api_requests() -> Vec<u8> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/claude-code/010-edit_files_grpc-logs.pb");
    let bytes = std::fs::read(file).expect("a fixture of the repository");
    let mut request = ExportLogsServiceRequest::decode(bytes.as_slice()).expect("valid");
    let records = &mut request.resource_logs[0].scope_logs[0].log_records;
    let is_call = |body: &Option<_>| format!("{body:?}").contains("claude_code.api_request\"");
    let call = records.iter().find(|record| is_call(&record.body)).expect("an api_request").clone();
    *records = (0..RECORDS as u64)
        .map(|n| {
            let mut record = call.clone();
            record.time_unix_nano += n;
            record
        })
        .collect();
    request.encode_to_vec()
}

fn spans() -> Vec<u8> {
    let attributes = [
        text("http.request.method", "GET"),
        text("url.path", "/api/orders/17"),
        text("url.scheme", "https"),
        text("http.route", "/api/orders/{id}"),
        number("http.response.status_code", 200),
        text("server.address", "shop.example.com"),
        number("server.port", 443),
        text("client.address", "192.0.2.7"),
        text("network.protocol.version", "1.1"),
        text("user_agent.original", "curl/8"),
        text("user.id", "u-1"),
        text("thread.name", "worker-3"),
        text("order.kind", "retail"),
        text("app.feature", "checkout"),
    ];
    let span = |n: usize| wire::Span {
        trace_id: vec![7; 16],
        span_id: (n as u64 + 1).to_be_bytes().to_vec(),
        name: "GET /api/orders/{id}".to_owned(),
        kind: 2,
        start_time_unix_nano: 1_795_221_532_690_000_000,
        end_time_unix_nano: 1_795_221_532_695_000_000,
        attributes: attributes.to_vec(),
        ..wire::Span::default()
    };
    let resource = vec![text("service.name", "shop"), text("host.name", "h1")];
    let scope_spans = wire::ScopeSpans { spans: (0..RECORDS).map(span).collect(), ..wire::ScopeSpans::default() };
    let resource_spans = wire::ResourceSpans {
        resource: Some(WireResource { attributes: resource, ..WireResource::default() }),
        scope_spans: vec![scope_spans],
        ..wire::ResourceSpans::default()
    };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }.encode_to_vec()
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
