//! What went astray hears what it is and where it belongs, in its own encoding. What is only odd is taken.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::doors::RpcStatus;
use crate::senders::*;
use crate::support::{Answer, Server, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn what_went_astray_hears_where_it_belongs() {
    let server = Server::start().await;
    other_signals(&server).await;
    other_encodings(&server).await;
    other_paths(&server).await;
    other_protocols(&server).await;
    tokens(&server).await;
    assert_eq!(total(&counters(&server).await, "activitylog_items_stored_total"), 0);
    odd_and_taken(&server).await;
    tls(&server).await;
    let counters = assert_items_add_up(&server).await;
    assert_eq!(counters["activitylog_requests_refused_total{door=\"grpc\",reason=\"misdirected\"}"], 6 + 2);
    assert_well(&server).await;
}

fn port(url: &str) -> &str {
    url.rsplit(':').next().expect("a port")
}

/// The message, from whichever encoding the request had.
fn said(answer: &Answer) -> String {
    match answer.headers["content-type"].to_str().expect("ASCII") {
        PROTOBUF => RpcStatus::decode(answer.body.clone()).expect("a google.rpc.Status").message,
        _ => answer.json()["message"].as_str().expect("a message").to_owned(),
    }
}

fn requests() -> [(&'static str, Vec<u8>, Value); 3] {
    let attributes = json!({"attributes": [{"key": "service.name", "value": {"stringValue": "astray"}}]});
    let json = |list: &str, scopes: &str| json!({list: [{"resource": attributes, scopes: [{}]}]});
    [
        ("logs", one_log("astray").encode_to_vec(), json("resourceLogs", "scopeLogs")),
        ("traces", one_span("astray").encode_to_vec(), json("resourceSpans", "scopeSpans")),
        // As long as a trace id, and as any other.
        ("metrics", gauge("process.cpu.time", &[1.0]).encode_to_vec(), json("resourceMetrics", "scopeMetrics")),
    ]
}

/// Every signal at the addresses of both others.
async fn other_signals(server: &Server) {
    let services = [
        ("logs", "logs.v1.LogsService"),
        ("traces", "trace.v1.TraceService"),
        ("metrics", "metrics.v1.MetricsService"),
    ];
    for (is, protobuf, json) in requests() {
        for (named, service) in services.into_iter().filter(|(named, _)| *named != is) {
            let url = server.otlp(&format!("/v1/{named}"));
            let expected = format!("these are {is}, and /v1/{named} takes {named}: post them to /v1/{is}");
            for (kind, body) in [(PROTOBUF, protobuf.clone()), (JSON, json.to_string().into_bytes())] {
                let answer = post(&url, &[("content-type", kind)], body).await;
                assert_eq!(
                    (answer.status.as_u16(), &answer.headers["content-type"]),
                    (404, &kind.parse().expect("ASCII"))
                );
                assert!(said(&answer).starts_with(&expected), "{}", said(&answer));
            }
            let method = format!("/opentelemetry.proto.collector.{service}/Export");
            let end = grpc_call(server, &method, &[], framed(0, &protobuf)).await;
            assert_eq!(end.code, "12", "{is} to {method}: {end:?}");
            assert!(end.message.starts_with(&format!("these are {is}, sent to ")), "{end:?}");
        }
    }
}

async fn other_encodings(server: &Server) {
    let [(_, protobuf, json), ..] = requests();
    let json = json.to_string().into_bytes();
    for (kind, body, expected) in [
        (PROTOBUF, json.clone(), "this is JSON, and the content type says protobuf"),
        (PROTOBUF, serde_json::to_vec_pretty(&json!({"resourceLogs": []})).expect("JSON"), "this is JSON"),
        (JSON, protobuf.clone(), "this is protobuf, and the content type says JSON"),
        (PROTOBUF, gzip(&protobuf), "these bytes are gzip, and nothing says so"),
        (JSON, gzip(&json), "these bytes are gzip, and nothing says so"),
        (JSON, zstd(&json), "these bytes are zstd, and nothing says so"),
        (JSON, vec![], "the body is empty"),
        (JSON, b"{\"streams\": []}".to_vec(), "there is no \"resourceLogs\" in this JSON object"),
    ] {
        let answer = server.post("logs", kind, body).await;
        assert_eq!(answer.status, 400, "{expected}");
        assert!(said(&answer).contains(expected), "{}", said(&answer));
    }
    let headers = [("content-type", PROTOBUF), ("content-encoding", "gzip")];
    let answer = post(&server.otlp("/v1/logs"), &headers, protobuf.clone()).await;
    assert!(said(&answer).contains("it is not gzip"), "{}", said(&answer));
    let end = grpc_call(server, LOGS_METHOD, &[], framed(0, &gzip(&protobuf))).await;
    assert!(end.message.contains("these bytes are gzip, and nothing says so"), "{end:?}");
}

async fn other_paths(server: &Server) {
    let body = one_log("astray").encode_to_vec();
    for (path, expected) in [
        ("/v1/log", "did you mean /v1/logs?"),
        ("/v1/trace", "did you mean /v1/traces?"),
        ("/v1/metric", "did you mean /v1/metrics?"),
        ("/v1/spans", "did you mean /v1/traces?"),
        ("/logs", "did you mean /v1/logs?"),
        ("/", "an exporter that posts exactly to its URL needs the whole one"),
        (LOGS_METHOD, "is a gRPC method, and this port speaks OTLP/HTTP"),
    ] {
        for url in [server.otlp(path), server.api(path)] {
            let answer = post(&url, &[("content-type", PROTOBUF)], body.clone()).await;
            assert_eq!(answer.status, 404, "{url}");
            assert!(said(&answer).contains(expected), "{url}: {}", said(&answer));
        }
    }
    // gRPC at either port of HTTP, and HTTP at the port of gRPC: the answer names the right one.
    for url in [server.otlp(LOGS_METHOD), server.api(LOGS_METHOD)] {
        let answer = post(&url, &[("content-type", "application/grpc")], framed(0, &body)).await;
        let expected = format!("send it to the gRPC port, {},", port(&server.grpc()));
        assert!(answer.status == 415 && said(&answer).contains(&expected), "{}", said(&answer));
    }
    for kind in [PROTOBUF, JSON] {
        let answer = post(&(server.grpc() + "/v1/logs"), &[("content-type", kind)], body.clone()).await;
        let expected = format!("For OTLP/HTTP use the HTTP port, {},", port(&server.otlp("")));
        assert!(answer.status == 415 && said(&answer).contains(&expected), "{}", said(&answer));
    }
    // Below /api/v1/ the API answers, and it takes no OTLP there.
    let answer = post(&server.api("/api/v1/logs"), &[("content-type", PROTOBUF)], body).await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.json()["detail"], "there is nothing at /api/v1/logs: OTLP goes to /v1/logs");
}

async fn other_protocols(server: &Server) {
    for (path, headers, what) in [
        ("/api/v1/write", [("content-type", PROTOBUF), ("content-encoding", "snappy")], "Prometheus remote write"),
        (
            "/push",
            [("content-type", PROTOBUF), ("x-prometheus-remote-write-version", "0.1.0")],
            "Prometheus remote write",
        ),
        ("/api/v2/spans", [("content-type", JSON), ("x-b3-sampled", "0")], "Zipkin spans"),
        ("/api/traces", [("content-type", "application/vnd.apache.thrift.binary"), ("accept", "*/*")], "Jaeger spans"),
        ("/loki/api/v1/push", [("content-type", JSON), ("x-scope-orgid", "1")], "a Loki push"),
    ] {
        for url in [server.otlp(path), server.api(path)] {
            let answer = post(&url, &headers, "[]").await;
            assert_eq!(answer.status, 404, "{url}");
            let expected = format!("this is {what}, and only OTLP is taken: ");
            assert!(said(&answer).starts_with(&expected), "{url}: {}", said(&answer));
        }
    }
}

/// One that nobody knows says the same whatever it once was; one that can't be read says how it is sent.
async fn tokens(server: &Server) {
    let unknown = "the token in the Authorization header is not known here";
    let misplaced = "the Authorization header holds an ActivityLog token (alg_...) where it can't be read";
    for (authorization, expected) in [
        ("Bearer alg_i_made-up", unknown),
        ("Bearer%20alg_i_made-up", unknown),
        ("Bearer alg_i_", unknown),
        ("Bearer alg_x_of-no-kind", unknown),
        ("Basic%20OmFsZ19pX3g%3D", unknown),
        ("alg_i_made-up", misplaced),
        ("Token alg_i_made-up", misplaced),
        ("Bearer \"alg_i_made-up\"", misplaced),
        // alg_i_x: without a password
        ("Basic YWxnX2lfeDo=", misplaced),
    ] {
        for path in ["/v1/logs", "/api/public/otel/v1/traces"] {
            let headers = [("content-type", JSON), ("authorization", authorization)];
            let answer = post(&server.otlp(path), &headers, "{}").await;
            assert_eq!(answer.status, 401, "{authorization}");
            assert!(said(&answer).starts_with(expected), "{authorization}: {}", said(&answer));
        }
    }
    let reading = [("authorization", "Bearer alg_i_made-up")];
    let answer = crate::support::request(hyper::Method::GET, &server.api("/api/v1/me"), &reading, "".into()).await;
    assert_eq!(answer.status, 401);
    assert!(answer.text().contains("this is an ingest token"), "{}", answer.text());
}

/// Nothing in them contradicts the address.
async fn odd_and_taken(server: &Server) {
    let bare_span = |span: Span| -> ExportTraceServiceRequest {
        let mut request = one_span("");
        request.resource_spans[0].scope_spans[0].spans = vec![span];
        request
    };
    let mut described: ExportMetricsServiceRequest = gauge("process.cpu.time", &[1.0]);
    described.resource_metrics[0].scope_metrics[0].metrics[0].description = "8 letter".to_owned();
    let bodies: [ExportLogsServiceRequest; 3] = [
        logs_of(vec![LogRecord { body: text("only a body"), ..LogRecord::default() }]),
        logs_of(vec![LogRecord { attributes: vec![attribute("only", "attributes")], ..LogRecord::default() }]),
        logs_of(vec![LogRecord::default()]),
    ];
    for (signal, body) in [
        ("logs", bodies[0].encode_to_vec()),
        ("logs", bodies[1].encode_to_vec()),
        ("logs", bodies[2].encode_to_vec()),
        ("traces", bare_span(Span { name: "only a name".to_owned(), ..Span::default() }).encode_to_vec()),
        (
            "traces",
            bare_span(Span { trace_id: vec![1; 4], start_time_unix_nano: now(), ..Span::default() }).encode_to_vec(),
        ),
        ("metrics", described.encode_to_vec()),
    ] {
        let answer = server.post(signal, PROTOBUF, body).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0), "{signal}: {}", answer.text());
    }
    assert_eq!(total(&counters(server).await, "activitylog_items_stored_total"), 6);
}

/// A ClientHello at each port: the connection ends at once, and the operator reads why.
async fn tls(server: &Server) {
    let hello = [&[22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3][..], &[7; 194]].concat();
    for url in [server.otlp(""), server.api(""), server.grpc()] {
        assert_eq!(talk(&url, &hello).await, "", "{url}");
        // In pieces, too.
        let mut stream = connect(&url).await;
        stream.write_all(&hello[..1]).await.expect("sent");
        assert_eq!(read_to_end(&mut stream).await, "", "{url}");
    }
    eventually("the log says so", async || server.log().contains("a TLS handshake came to a port").then_some(())).await;
    eventually("so do the diagnostics", async || {
        let sources = server.json("/api/v1/diagnostics").await["sources"].clone();
        let sources = sources.as_array().expect("sources").clone();
        let met: u64 = sources
            .iter()
            .flat_map(|source| source["rejections"].as_array().expect("rejections").clone())
            .filter(|rejection| rejection["message"].as_str().expect("text").starts_with("a TLS handshake came"))
            .map(|rejection| rejection["count"].as_u64().expect("a count"))
            .sum();
        (met == 6).then_some(())
    })
    .await;
}
