//! What sends to the doors in these tests: a mainstream gRPC client, HTTP in every encoding, and bare sockets.

use std::collections::BTreeMap;
use std::io::Write;

use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric, number_data_point,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Answer, Server, request};

/// How long a test waits before it gives up.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

pub const PROTOBUF: &str = "application/x-protobuf";
pub const JSON: &str = "application/json";

pub fn now() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_nanosecond()).expect("after 1970")
}

// === records ===

pub fn text(value: &str) -> Option<AnyValue> {
    Some(AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) })
}

pub fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), value: text(value), ..KeyValue::default() }
}

pub fn log_record(body: &str) -> LogRecord {
    LogRecord { time_unix_nano: now(), body: text(body), ..LogRecord::default() }
}

pub fn logs_of(records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    let scope_logs = vec![ScopeLogs { log_records: records, ..ScopeLogs::default() }];
    ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }] }
}

pub fn one_log(body: &str) -> ExportLogsServiceRequest {
    logs_of(vec![log_record(body)])
}

pub fn one_span(name: &str) -> ExportTraceServiceRequest {
    let span = Span {
        trace_id: vec![7; 16],
        span_id: vec![8; 8],
        name: name.to_owned(),
        start_time_unix_nano: now() - 5_000_000,
        end_time_unix_nano: now(),
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    ExportTraceServiceRequest { resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }] }
}

pub fn gauge(name: &str, values: &[f64]) -> ExportMetricsServiceRequest {
    let point = |(n, value): (usize, &f64)| NumberDataPoint {
        time_unix_nano: now() + n as u64,
        value: Some(number_data_point::Value::AsDouble(*value)),
        ..NumberDataPoint::default()
    };
    let data_points = values.iter().enumerate().map(point).collect();
    let data = Some(metric::Data::Gauge(Gauge { data_points }));
    let metrics = vec![Metric { name: name.to_owned(), data, ..Metric::default() }];
    let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }],
    }
}

/// One field of a protobuf message.
pub fn field(number: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = payload.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(payload);
    out
}

// === compression ===

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).expect("in memory");
    out.finish().expect("in memory")
}

pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).expect("in memory");
    out.finish().expect("in memory")
}

pub fn raw_deflate(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).expect("in memory");
    out.finish().expect("in memory")
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 1).expect("in memory")
}

// === HTTP ===

pub async fn post(url: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
    request(Method::POST, url, headers, body.into()).await
}

/// In pieces, without a length.
pub async fn post_chunked(url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut request = Request::post(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let size = body.len().div_ceil(3).max(1);
    let pieces: Vec<Result<Frame<Bytes>, std::convert::Infallible>> =
        body.chunks(size).map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece)))).collect();
    let body = StreamBody::new(futures_util::stream::iter(pieces));
    let response = client.request(request.body(body).expect("a request")).await.expect("an answer");
    let (parts, body) = response.into_parts();
    Answer { status: parts.status, headers: parts.headers, body: body.collect().await.expect("a body").to_bytes() }
}

// === bare sockets ===

pub async fn connect(url: &str) -> TcpStream {
    let address = url.strip_prefix("http://").expect("a URL").split('/').next().expect("an address");
    TcpStream::connect(address).await.expect("a connection")
}

/// Everything that comes until the server closes the connection, however it does.
pub async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut piece = [0; 4096];
    let whole = async {
        while let Ok(count @ 1..) = stream.read(&mut piece).await {
            all.extend_from_slice(&piece[..count]);
        }
    };
    tokio::time::timeout(PATIENCE, whole).await.expect("the server closes the connection");
    String::from_utf8_lossy(&all).into_owned()
}

/// Sends these bytes and returns what comes until the server closes.
pub async fn talk(url: &str, bytes: &[u8]) -> String {
    let mut stream = connect(url).await;
    stream.write_all(bytes).await.expect("sent");
    read_to_end(&mut stream).await
}

// === gRPC ===

pub async fn channel(server: &Server) -> tonic::transport::Channel {
    tonic::transport::Endpoint::from_shared(server.grpc()).expect("a URL").connect().await.expect("a connection")
}

pub const LOGS_METHOD: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// How a call ended.
#[derive(Debug)]
pub struct CallEnd {
    pub http_status: u16,
    pub code: String,
    pub message: String,
    pub body: Bytes,
}

/// A call whose bytes are up to the test.
pub async fn grpc_call(server: &Server, path: &str, headers: &[(&str, &str)], framed: Vec<u8>) -> CallEnd {
    let client: Client<_, http_body_util::Full<Bytes>> =
        Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let mut request =
        Request::post(server.grpc() + path).header("content-type", "application/grpc").header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(http_body_util::Full::new(framed.into())).expect("a request");
    let (parts, body) = client.request(request).await.expect("an answer").into_parts();
    let body = body.collect().await.expect("a body");
    let trailers = body.trailers().cloned().unwrap_or_default();
    let header = |name: &str| {
        let value = trailers.get(name).or(parts.headers.get(name));
        value.map(|value| value.to_str().expect("ASCII").to_owned()).unwrap_or_default()
    };
    CallEnd {
        http_status: parts.status.as_u16(),
        code: header("grpc-status"),
        message: header("grpc-message"),
        body: body.to_bytes(),
    }
}

/// The five-byte prefix, and the message.
pub fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a message");
    [&[flag][..], &length.to_be_bytes(), message].concat()
}

// === what the server says about itself ===

/// `/metrics`, by name and labels as they stand there.
pub async fn counters(server: &Server) -> BTreeMap<String, u64> {
    let text = server.get("/metrics").await.text();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect()
}

/// The sum over all label values.
pub fn total(counters: &BTreeMap<String, u64>, name: &str) -> u64 {
    let labelled = format!("{name}{{");
    counters.iter().filter(|(key, _)| *key == name || key.starts_with(&labelled)).map(|(_, value)| value).sum()
}

/// Every item that was received is stored, a duplicate or rejected; nothing is in flight any more.
pub async fn assert_items_add_up(server: &Server) -> BTreeMap<String, u64> {
    let counters = counters(server).await;
    for door in ["grpc", "http"] {
        let one = |name: &str| counters[&format!("activitylog_items_{name}_total{{door=\"{door}\"}}")];
        let rejected = format!("activitylog_items_rejected_total{{door=\"{door}\",");
        let rejected: u64 = counters.iter().filter(|(key, _)| key.starts_with(&rejected)).map(|(_, value)| value).sum();
        assert_eq!(one("received"), one("stored") + one("duplicate") + rejected, "{door}");
    }
    counters
}

/// Alive, and nothing panicked.
pub async fn assert_well(server: &Server) {
    let answer = server.get("/healthz").await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "ok\n"));
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// The most memory that the process itself ever held, in KiB.
pub fn peak_memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
