//! What a record costs on its way from the request's bytes to the columns: `cargo bench --bench normalise`.
//!
//! Three kinds of record, 500 a request: decoded alone, decoded and normalised, decoded, normalised and pushed into a
//! block. Prints ns per record, the best of `--runs` passes over `--records` records each.

use std::hint::black_box;
use std::time::Instant;

use activitylog::clickhouse::events::{EventBlock, Stamp};
use activitylog::clickhouse::table::Block;
use activitylog::ingest::otlp::{self, Encoding, Limits, Signal, Visit};
use activitylog::model::otlp::{InstrumentationScope, LogRecord, Resource, Span};
use activitylog::normalise::rules::Rules;
use activitylog::normalise::{Context, Normaliser};
use clap::Parser;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope as Scope, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord as Log, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource as ResourceProto;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as SpanProto};
use prost::Message;

#[derive(Parser)]
struct Options {
    #[arg(long, default_value_t = 200_000)]
    records: usize,
    #[arg(long, default_value_t = 7)]
    runs: usize,
    #[arg(long, hide = true)]
    bench: bool,
}

const BATCH: usize = 500;
const NOW: u64 = 1_795_221_532_690_000_000;

/// How far a record is taken.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Decode,
    Normalise,
    Push,
}

struct Sink<'c> {
    way: Way,
    normaliser: Normaliser<'c>,
    block: EventBlock,
}

const STAMP: Stamp<'static> = Stamp { tenant_id: "default", retention_days: 30 };

impl Visit for Sink<'_> {
    fn resource(&mut self, resource: &Resource<'_>) {
        self.normaliser.resource(resource);
    }
    fn scope(&mut self, scope: &InstrumentationScope<'_>) {
        self.normaliser.scope(scope);
    }
    fn log(&mut self, record: &LogRecord<'_>) {
        if self.way == Way::Decode {
            black_box(record);
            return;
        }
        let event = self.normaliser.log(record);
        match self.way {
            Way::Push => self.block.push(STAMP, &event),
            _ => drop(black_box(event)),
        }
    }
    fn span(&mut self, span: &Span<'_>) {
        if self.way == Way::Decode {
            black_box(span);
            return;
        }
        let event = self.normaliser.span(span);
        match self.way {
            Way::Push => self.block.push(STAMP, &event),
            _ => drop(black_box(event)),
        }
    }
}

fn main() {
    let options = Options::parse();
    println!("{:<36} {:>8} {:>12} {:>8} {:>12}", "ns a record", "decode", "+ normalise", "+ push", "normalising");
    let bodies = [
        ("Claude Code api_request log, 14 attr.", Signal::Logs, claude_code()),
        ("OpenTelemetry span, 14 attributes", Signal::Traces, spans("shop", plain)),
        ("gen_ai span, 14 attributes", Signal::Traces, spans("opentelemetry.instrumentation.genai.openai", gen_ai)),
    ];
    for (name, signal, body) in &bodies {
        let [decode, normalise, push] =
            [Way::Decode, Way::Normalise, Way::Push].map(|way| best(&options, way, *signal, body));
        println!("{name:<36} {decode:>8.0} {normalise:>12.0} {push:>8.0} {:>12.0}", normalise - decode);
    }
}

fn best(options: &Options, way: Way, signal: Signal, body: &[u8]) -> f64 {
    let rules = Rules::default();
    let context = Context { tenant_id: "default", project: "", now_ns: NOW as i64, rules: &rules };
    let mut sink = Sink { way, normaliser: Normaliser::new(context), block: EventBlock::default() };
    let requests = options.records.div_ceil(BATCH);
    let mut best = f64::MAX;
    for _ in 0..options.runs {
        let start = Instant::now();
        for _ in 0..requests {
            otlp::decode(signal, Encoding::Protobuf, black_box(body), &Limits::default(), &mut sink).expect("decodes");
            sink.normaliser.reset(context);
            sink.block.clear();
        }
        best = best.min(start.elapsed().as_nanos() as f64 / (requests * BATCH) as f64);
    }
    best
}

// === the requests ===

fn text(key: &str, value: &str) -> KeyValue {
    pair(key, any_value::Value::StringValue(value.to_owned()))
}

fn int(key: &str, value: i64) -> KeyValue {
    pair(key, any_value::Value::IntValue(value))
}

fn pair(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn resource(service: &str) -> Option<ResourceProto> {
    let attributes = vec![
        text("service.name", service),
        text("service.version", "2.1.0"),
        text("os.type", "linux"),
        text("host.arch", "amd64"),
        text("deployment.environment.name", "production"),
    ];
    Some(ResourceProto { attributes, ..ResourceProto::default() })
}

fn scope(name: &str) -> Option<Scope> {
    Some(Scope { name: name.to_owned(), version: "1.2.3".to_owned(), ..Scope::default() })
}

fn claude_code() -> Vec<u8> {
    let record = |n: usize| Log {
        time_unix_nano: NOW + n as u64,
        body: Some(AnyValue { value: Some(any_value::Value::StringValue("claude_code.api_request".to_owned())) }),
        attributes: vec![
            text("user.id", "3f1c9a"),
            text("session.id", &format!("{n:032x}")),
            text("organization.id", "org-1"),
            text("user.email", "dev1@example.com"),
            text("terminal.type", "vscode"),
            text("event.name", "api_request"),
            text("model", "claude-opus-4-5"),
            int("input_tokens", 120 + n as i64),
            int("output_tokens", 14),
            int("cache_read_tokens", 9_000),
            int("cache_creation_tokens", 60),
            pair("cost_usd", any_value::Value::DoubleValue(0.00244)),
            int("duration_ms", 840),
            text("request_id", &format!("req_{n:024x}")),
        ],
        ..Log::default()
    };
    let records = (0..BATCH).map(record).collect();
    let scope_logs =
        ScopeLogs { scope: scope("com.anthropic.claude_code.events"), log_records: records, ..ScopeLogs::default() };
    let resource_logs =
        ResourceLogs { resource: resource("claude-code"), scope_logs: vec![scope_logs], ..ResourceLogs::default() };
    ExportLogsServiceRequest { resource_logs: vec![resource_logs] }.encode_to_vec()
}

fn plain(n: usize) -> (String, Vec<KeyValue>) {
    let attributes = vec![
        text("http.request.method", "GET"),
        int("http.response.status_code", 200),
        text("http.route", "/orders/{id}"),
        text("url.path", "/orders/7"),
        text("url.scheme", "https"),
        text("server.address", "shop.example"),
        int("server.port", 443),
        text("client.address", "10.0.0.7"),
        text("user_agent.original", "curl/8.9"),
        text("network.protocol.version", "1.1"),
        text("user.id", "u-1"),
        text("session.id", &format!("{n:032x}")),
        int("thread.id", 7),
        text("code.function.name", "orders.get"),
    ];
    ("GET /orders/{id}".to_owned(), attributes)
}

fn gen_ai(n: usize) -> (String, Vec<KeyValue>) {
    let attributes = vec![
        text("gen_ai.operation.name", "chat"),
        text("gen_ai.provider.name", "openai"),
        text("gen_ai.request.model", "gpt-4o-mini"),
        text("gen_ai.response.model", "gpt-4o-mini-2024-07-18"),
        text("gen_ai.response.id", &format!("chatcmpl-{n:024x}")),
        int("gen_ai.usage.input_tokens", 1_200 + n as i64),
        int("gen_ai.usage.output_tokens", 45),
        int("gen_ai.usage.cache_read.input_tokens", 1_024),
        pair("gen_ai.request.temperature", any_value::Value::DoubleValue(0.2)),
        int("gen_ai.request.max_tokens", 200),
        text("gen_ai.conversation.id", &format!("{n:032x}")),
        text("server.address", "api.openai.com"),
        int("server.port", 443),
        text("gen_ai.agent.name", "planner"),
    ];
    ("chat gpt-4o-mini".to_owned(), attributes)
}

fn spans(scope_name: &str, shape: impl Fn(usize) -> (String, Vec<KeyValue>)) -> Vec<u8> {
    let span = |n: usize| {
        let (name, attributes) = shape(n);
        SpanProto {
            trace_id: (n as u128 + 1).to_be_bytes().to_vec(),
            span_id: (n as u64 + 1).to_be_bytes().to_vec(),
            name,
            kind: 3,
            start_time_unix_nano: NOW + n as u64,
            end_time_unix_nano: NOW + n as u64 + 840_000_000,
            attributes,
            ..SpanProto::default()
        }
    };
    let spans = (0..BATCH).map(span).collect();
    let scope_spans = ScopeSpans { scope: scope(scope_name), spans, ..ScopeSpans::default() };
    let resource_spans =
        ResourceSpans { resource: resource("shop"), scope_spans: vec![scope_spans], ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }.encode_to_vec()
}
