//! The OTLP doors, as their mainstream clients use them: every encoding, every port, nothing lost and nothing twice.

use bytes::Bytes;
use futures_util::future::join_all;
use hyper::Method;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tonic::Code;
use tonic::codec::CompressionEncoding;

use crate::senders::*;
use crate::support::{Answer, Server, eventually, logs, record, request};

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_through_any_door_is_kept_once() {
    let server = Server::start().await;
    let mut sent = 0;
    sent += grpc_in_every_compression(&server).await;
    sent += http_in_every_encoding(&server).await;
    sent += other_ways_in(&server).await;
    sent += many_at_once(&server).await;
    sent += the_good_ones_of_a_request(&server).await;
    sent += replays(&server).await;
    server.wait_for_count("SELECT count() FROM activitylog.events", sent).await;
    server.wait_for_count("SELECT uniqExact(message) FROM activitylog.events", sent).await;
    assert_eq!(server.number("SELECT count() FROM activitylog.metrics"), 3 + 10);

    let counters = assert_items_add_up(&server).await;
    assert_eq!(total(&counters, "activitylog_items_stored_total"), sent + 13);
    assert_eq!(
        total(&counters, "activitylog_tenant_items_total"),
        total(&counters, "activitylog_items_received_total")
    );
    assert_eq!(total(&counters, "activitylog_items_duplicate_total"), 5);
    assert_eq!(counters["activitylog_items_rejected_total{door=\"http\",reason=\"too_many_attributes\"}"], 2);
    assert_eq!(counters["activitylog_items_rejected_total{door=\"grpc\",reason=\"too_many_attributes\"}"], 1);
    assert_eq!(counters["activitylog_in_flight_bytes"], 0);
    assert_well(&server).await;
}

async fn grpc_in_every_compression(server: &Server) -> u64 {
    let channel = channel(server).await;
    for compression in [None, Some(CompressionEncoding::Gzip), Some(CompressionEncoding::Zstd)] {
        let mut log = LogsServiceClient::new(channel.clone());
        let mut trace = TraceServiceClient::new(channel.clone());
        let mut metrics = MetricsServiceClient::new(channel.clone());
        if let Some(compression) = compression {
            (log, trace) = (log.send_compressed(compression), trace.send_compressed(compression));
            // What a client says it accepts is an offer: the answers are a few bytes, and not compressed.
            metrics = metrics.send_compressed(compression).accept_compressed(compression);
        }
        let name = format!("grpc {compression:?}");
        let answer = log.export(one_log(&name)).await.expect("taken").into_inner();
        assert_eq!(answer.partial_success, None, "{name}");
        trace.export(one_span(&format!("{name} span"))).await.expect("taken");
        metrics.export(gauge(&format!("{name} gauge"), &[1.5])).await.expect("taken");
    }
    6
}

/// Both encodings in every compression, for each signal. An answer is in its request's encoding.
async fn http_in_every_encoding(server: &Server) -> u64 {
    type Compress = fn(&[u8]) -> Vec<u8>;
    let compressions: [(&str, Compress); 5] =
        [("", <[u8]>::to_vec), ("gzip", gzip), ("deflate", zlib), ("deflate", raw_deflate), ("zstd", zstd)];
    for (n, (encoding, compress)) in compressions.into_iter().enumerate() {
        let name = format!("http {encoding} {n}");
        let json_name = format!("{name} json");
        let json_logs = logs("app", &[record(&json_name, 0, &[])]);
        let json_spans = json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
            "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "name": format!("{json_name} span"),
            "startTimeUnixNano": now().to_string(), "endTimeUnixNano": now().to_string(),
        }]}]}]});
        let json_gauge = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
            {"name": json_name, "gauge": {"dataPoints": [{"timeUnixNano": now().to_string(), "asInt": "7"}]}},
        ]}]}]});
        let bodies = [
            ("logs", PROTOBUF, one_log(&name).encode_to_vec()),
            ("traces", PROTOBUF, one_span(&format!("{name} span")).encode_to_vec()),
            ("metrics", PROTOBUF, gauge(&name, &[2.5]).encode_to_vec()),
            ("logs", JSON, json_logs.to_string().into_bytes()),
            ("traces", JSON, json_spans.to_string().into_bytes()),
            ("metrics", JSON, json_gauge.to_string().into_bytes()),
        ];
        for (signal, content_type, body) in bodies {
            let mut headers = vec![("content-type", content_type)];
            headers.extend((!encoding.is_empty()).then_some(("content-encoding", encoding)));
            let answer = post(&server.otlp(&format!("/v1/{signal}")), &headers, compress(&body)).await;
            assert_success(&answer, content_type, &format!("{name} {signal} {content_type}"));
        }
    }
    20
}

fn assert_success(answer: &Answer, content_type: &str, what: &str) {
    assert_eq!(answer.status, 200, "{what}: {}", answer.text());
    assert_eq!(answer.headers["content-type"], content_type, "{what}");
    let empty: &[u8] = if content_type == JSON { b"{}" } else { b"" };
    assert_eq!(answer.body, empty, "{what}");
}

/// Without a length, under a path of one's own, on the API's port, with a credential of somebody else's, over HTTP/2.
async fn other_ways_in(server: &Server) -> u64 {
    let body = |name: &str| one_log(name).encode_to_vec();
    let typed = ("content-type", PROTOBUF);
    let chunked = post_chunked(&server.otlp("/v1/logs"), &[typed], &body("chunked")).await;
    assert_success(&chunked, PROTOBUF, "chunked");
    let chunked =
        post_chunked(&server.otlp("/v1/logs"), &[typed, ("content-encoding", "gzip")], &gzip(&body("chunked gzip")))
            .await;
    assert_success(&chunked, PROTOBUF, "chunked gzip");
    for (url, headers) in [
        (server.otlp("/any/base/v1/logs"), vec![typed]),
        (server.otlp("/v1/logs/"), vec![typed]),
        (server.otlp("/v1/logs?token=ignored"), vec![typed]),
        (server.otlp("/v1/logs#1"), vec![("content-type", "Application/X-Protobuf; charset=utf-8")]),
        (server.api("/v1/logs"), vec![typed]),
        (server.api("/any/base/v1/logs"), vec![typed]),
        (server.otlp("/v1/logs#2"), vec![typed, ("authorization", "Bearer of-another-backend")]),
        (server.otlp("/v1/logs#3"), vec![typed, ("authorization", "Bearer%20of-another-backend")]),
        (server.otlp("/v1/logs#4"), vec![typed, ("authorization", "Basic bm90OnVz")]),
        (server.otlp("/v1/logs#5"), vec![typed, ("content-encoding", "identity")]),
        (server.otlp("/v1/logs#6"), vec![typed, ("origin", "https://app.example.com")]),
    ] {
        let answer = post(&url, &headers, body(&url)).await;
        assert_success(&answer, PROTOBUF, &format!("{url} {headers:?}"));
        assert!(!answer.headers.contains_key("access-control-allow-origin"), "cors.origins is empty");
    }
    for authorization in ["Bearer alg_i_x", "Bearer%20alg_i_x", "bearer alg_a_x", "Basic OmFsZ19pX3g="] {
        let headers = [typed, ("authorization", authorization)];
        let answer = post(&server.otlp("/v1/logs"), &headers, body("unknown token")).await;
        assert_eq!(answer.status, 401, "{authorization}");
        let status = RpcStatus::decode(answer.body).expect("a google.rpc.Status");
        assert_eq!(status.code, Code::Unauthenticated as i32);
        assert!(
            status.message.starts_with("the token in the Authorization header is not known here"),
            "{}",
            status.message
        );
        let mut call = tonic::Request::new(one_log("unknown token"));
        call.metadata_mut().insert("authorization", authorization.parse().expect("ASCII"));
        let refused = LogsServiceClient::new(channel(server).await).export(call).await.expect_err("refused");
        assert_eq!(refused.code(), Code::Unauthenticated, "{authorization}");
    }
    13
}

async fn many_at_once(server: &Server) -> u64 {
    let channel = channel(server).await;
    let calls = (0..64).map(|n| {
        let (mut client, server) = (LogsServiceClient::new(channel.clone()), &server);
        async move {
            let request = one_log(&format!("at once {n}"));
            if n % 2 == 0 {
                client.export(request).await.expect("taken");
            } else {
                let answer = server.post("logs", PROTOBUF, request.encode_to_vec()).await;
                assert_success(&answer, PROTOBUF, "at once");
            }
        }
    });
    join_all(calls).await;
    64
}

/// One record too many attributes, its neighbours kept; the sender learns how many and why.
async fn the_good_ones_of_a_request(server: &Server) -> u64 {
    let mixed = |door: &str| {
        let mut bad = log_record(&format!("{door} bad"));
        bad.attributes = (0..1025).map(|n| attribute(&format!("k{n}"), "v")).collect();
        logs_of(vec![log_record(&format!("{door} before")), bad, log_record(&format!("{door} after"))])
    };
    let reason = "log record with more than 1024 attributes";
    let mut client = LogsServiceClient::new(channel(server).await);
    let partial = client.export(mixed("grpc")).await.expect("taken").into_inner().partial_success.expect("partial");
    assert_eq!((partial.rejected_log_records, partial.error_message.as_str()), (1, reason));

    let answer = server.post("logs", PROTOBUF, mixed("http").encode_to_vec()).await;
    assert_eq!(answer.status, 200);
    let decoded = opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse::decode(answer.body)
        .expect("an answer");
    let partial = decoded.partial_success.expect("partial");
    assert_eq!((partial.rejected_log_records, partial.error_message.as_str()), (1, reason));

    let names: Vec<String> = (0..1025).map(|n| format!("k{n}")).collect();
    let attributes: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
    let json = logs("app", &[record("json bad", 0, &attributes), record("json good", 0, &[])]);
    let answer = server.post("logs", JSON, json.to_string()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json(), json!({"partialSuccess": {"rejectedLogRecords": "1", "errorMessage": reason}}));
    5
}

/// The same request again is acknowledged and not stored again, also over another door or compressed.
async fn replays(server: &Server) -> u64 {
    let request = logs_of(vec![log_record("replayed 1"), log_record("replayed 2")]);
    let mut client = LogsServiceClient::new(channel(server).await);
    client.export(request.clone()).await.expect("taken");
    let again = client.export(request.clone()).await.expect("acknowledged").into_inner();
    assert_eq!(again.partial_success, None);
    let headers = [("content-type", PROTOBUF), ("content-encoding", "gzip")];
    let again = post(&server.otlp("/v1/logs"), &headers, gzip(&request.encode_to_vec())).await;
    assert_success(&again, PROTOBUF, "replay");

    let body = logs("app", &[record("replayed json", 0, &[])]).to_string();
    let first = server.post("logs", JSON, body.clone()).await;
    assert_success(&first, JSON, "first");
    let again = server.post("logs", JSON, body).await;
    assert_success(&again, JSON, "replay");
    3
}

/// A spool without room, and hardly any memory: a sender keeps its data and learns when to come again.
#[tokio::test(flavor = "multi_thread")]
async fn an_overloaded_server_asks_to_retry_and_a_browser_may_hear_it() {
    let server = Server::start_with(&[
        ("ACTIVITYLOG_SPOOL_MAX_BYTES", "0"),
        ("ACTIVITYLOG_LIMITS_REQUEST_BYTES", "64KiB"),
        ("ACTIVITYLOG_LIMITS_IN_FLIGHT_BYTES", "64KiB"),
        ("ACTIVITYLOG_CORS_ORIGINS", "https://app.example.com"),
    ])
    .await;
    let full = "nothing was stored: ";
    let mut client = LogsServiceClient::new(channel(&server).await);
    let refused = client.export(one_log("no room")).await.expect_err("refused");
    assert_retryable(&refused, full, 5);

    let answer = server.post("logs", PROTOBUF, one_log("no room").encode_to_vec()).await;
    assert_eq!((answer.status.as_u16(), answer.headers["retry-after"].to_str().expect("ASCII")), (503, "5"));
    let status = RpcStatus::decode(answer.body).expect("a google.rpc.Status");
    assert_eq!(status.code, Code::Unavailable as i32);
    assert_eq!(retry_delay(&status), Some(5));

    let answer = server.post("metrics", JSON, json!({"resourceMetrics": []}).to_string()).await;
    assert_eq!(answer.status, 503, "an empty request is no way to learn that there is room");
    browsers(&server).await;

    // Most of the memory is held by somebody who takes his time.
    let mut slow = connect(&server.otlp("")).await;
    let head = "POST /v1/logs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\ncontent-length: 60000\r\n\r\n";
    slow.write_all(&[head.as_bytes(), &[b'x'; 40_000]].concat()).await.expect("sent");
    eventually("his bytes are counted", async || {
        (counters(&server).await["activitylog_in_flight_bytes"] >= 40_000).then_some(())
    })
    .await;
    let crowded = "too many requests are in flight (limits.in_flight_bytes)";
    let refused = client.export(one_log(&"x".repeat(40_000))).await.expect_err("refused");
    assert_retryable(&refused, crowded, 1);
    let answer = server.post("logs", PROTOBUF, vec![0; 40_000]).await;
    assert_eq!((answer.status.as_u16(), answer.headers["retry-after"].to_str().expect("ASCII")), (503, "1"));
    let headers = [("content-type", PROTOBUF), ("content-encoding", "gzip")];
    let answer = post(&server.otlp("/v1/logs"), &headers, gzip(&[0; 40_000])).await;
    assert_eq!(answer.status, 503, "what unfolds counts too");
    drop(slow);
    eventually("his bytes are given back", async || {
        (counters(&server).await["activitylog_in_flight_bytes"] == 0).then_some(())
    })
    .await;

    let counters = assert_items_add_up(&server).await;
    assert_eq!(total(&counters, "activitylog_items_stored_total"), 0);
    assert_eq!(counters["activitylog_requests_refused_total{door=\"grpc\",reason=\"overloaded\"}"], 2);
    assert_well(&server).await;
}

fn assert_retryable(status: &tonic::Status, message: &str, seconds: i64) {
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(status.message().starts_with(message), "{status:?}");
    let details = RpcStatus::decode(status.details()).expect("a google.rpc.Status");
    assert_eq!((details.code, details.message.as_str()), (Code::Unavailable as i32, status.message()));
    assert_eq!(retry_delay(&details), Some(seconds));
}

async fn browsers(server: &Server) {
    let asks = [
        ("origin", "https://app.example.com"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type,authorization"),
    ];
    for url in [server.otlp("/v1/logs"), server.api("/v1/logs")] {
        let answer = request(Method::OPTIONS, &url, &asks, Bytes::new()).await;
        assert_eq!(answer.status, 204, "{url}: {}", answer.text());
        let header = |name: &str| answer.headers[name].to_str().expect("ASCII").to_owned();
        assert_eq!(header("access-control-allow-origin"), "https://app.example.com");
        assert_eq!(header("access-control-allow-methods"), "POST");
        assert_eq!(header("access-control-allow-headers"), "authorization, content-encoding, content-type");
        assert!(header("vary").contains("origin"));
    }
    // A browser shows its page nothing of an answer that does not name the origin, a refusal included.
    let answer = post(&server.otlp("/v1/logs"), &[asks[0], ("content-type", JSON)], "{}").await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["access-control-allow-origin"]),
        (503, &asks[0].1.parse().expect("ASCII"))
    );
    assert!(answer.headers["access-control-expose-headers"].to_str().expect("ASCII").contains("retry-after"));

    let foreign = [("origin", "https://evil.example"), asks[1]];
    let answer = request(Method::OPTIONS, &server.otlp("/v1/logs"), &foreign, Bytes::new()).await;
    assert_eq!(answer.status, 405);
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}

// === google.rpc ===

#[derive(Clone, PartialEq, prost::Message)]
pub struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Any>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Duration>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Duration {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

fn retry_delay(status: &RpcStatus) -> Option<i64> {
    let info = status.details.iter().find(|any| any.type_url == "type.googleapis.com/google.rpc.RetryInfo")?;
    RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay.map(|delay| delay.seconds)
}
