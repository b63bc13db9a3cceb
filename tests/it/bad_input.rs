//! What the doors say to what they can't take. Each answer is exact; after each the server lives, and nothing panicked.

use std::io::Write;

use bytes::Bytes;
use hyper::Method;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use prost::Message;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::Code;
use tonic::codec::CompressionEncoding;

use crate::doors::RpcStatus;
use crate::senders::*;
use crate::support::{Answer, Server, logs, record, request};

const MIB: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused_as_a_whole() {
    let server = Server::start().await;
    unreadable_bodies(&server).await;
    assert_well(&server).await;
    wrong_addresses(&server).await;
    assert_well(&server).await;
    wrong_frames(&server).await;
    assert_well(&server).await;
    old_and_odd_http(&server).await;
    assert_well(&server).await;
    let counters = assert_items_add_up(&server).await;
    assert_eq!(total(&counters, "activitylog_items_stored_total"), 4, "those of old_and_odd_http");
    assert_eq!(counters["activitylog_in_flight_bytes"], 0);
    server.wait_for_count("SELECT count() FROM activitylog.events", 4).await;
}

/// HTTP status, `google.rpc.Code` and message, in the encoding of the request.
fn assert_refused(answer: &Answer, status: u16, code: Code, message: &str) {
    let said = match answer.headers["content-type"].to_str().expect("ASCII") {
        PROTOBUF => RpcStatus::decode(answer.body.clone()).expect("a google.rpc.Status"),
        JSON => {
            let json = answer.json();
            let code = json["code"].as_i64().expect("a code") as i32;
            RpcStatus { code, message: json["message"].as_str().expect("a message").to_owned(), details: vec![] }
        }
        other => panic!("{other}"),
    };
    assert_eq!((answer.status.as_u16(), said.code), (status, code as i32), "{}", said.message);
    assert!(said.message.starts_with(message), "{:?} instead of {message:?}", said.message);
}

async fn unreadable_bodies(server: &Server) {
    let good = logs_of(vec![log_record("kept by nobody"), log_record("cut off")]).encode_to_vec();
    let answer = server.post("logs", PROTOBUF, good[..good.len() - 3].to_vec()).await;
    assert_refused(&answer, 400, Code::InvalidArgument, "malformed protobuf: ");
    let mut client = LogsServiceClient::new(channel(server).await);
    let end = grpc_call(server, LOGS_METHOD, &[], framed(0, &good[..good.len() - 3])).await;
    assert_eq!(end.code, "3");
    assert!(end.message.starts_with("malformed protobuf: "), "{end:?}");

    for (body, message) in [
        ("", "malformed JSON: expected an object"),
        ("[]", "malformed JSON: expected an object"),
        ("{", "malformed JSON: EOF while parsing an object"),
        ("{\"resourceLogs\":[{]}", "malformed JSON: "),
        ("{\"resourceLogs\":[{\"scopeLogs\":[}]}", "malformed JSON: "),
        ("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{]}]}]}", "malformed JSON: "),
        (
            "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"a}}]}]}]}",
            "malformed JSON: ",
        ),
        ("{\"resourceLogs\":[]}}", "malformed JSON: trailing characters"),
        ("{\"resourceLogs\":{}}", "malformed JSON: invalid type: map, expected a sequence"),
        ("{\"resourceLogs\":[1]}", "malformed JSON: invalid type: integer `1`"),
        ("{\"resourceLogs\":[],\"resourceLogs\":[]}", "malformed JSON: duplicate field `resourceLogs`"),
        ("\u{0}", "malformed JSON: expected an object"),
    ] {
        assert_refused(&server.post("logs", JSON, body).await, 400, Code::InvalidArgument, message);
    }

    let compressed = |name| [("content-type", PROTOBUF), ("content-encoding", name)];
    let url = server.otlp("/v1/logs");
    for encoding in ["gzip", "deflate", "zstd"] {
        let answer = post(&url, &compressed(encoding), "not compressed at all").await;
        assert_refused(&answer, 400, Code::InvalidArgument, "the body can't be decompressed: ");
    }
    let whole = gzip(&good);
    let answer = post(&url, &compressed("gzip"), whole[..whole.len() - 9].to_vec()).await;
    assert_refused(&answer, 400, Code::InvalidArgument, "the body can't be decompressed: ");
    for encoding in ["br", "gzip, gzip", "snappy"] {
        let message = format!("the body is encoded as {encoding:?}: send it as gzip, deflate, zstd or not compressed");
        assert_refused(&post(&url, &compressed(encoding), good.clone()).await, 415, Code::Unimplemented, &message);
    }
    let end = grpc_call(server, LOGS_METHOD, &[("grpc-encoding", "snappy")], framed(1, &good)).await;
    assert_eq!(
        (end.code.as_str(), end.message.starts_with("the body is encoded as \"snappy\"")),
        ("12", true),
        "{end:?}"
    );

    // Empty requests are fine, and nothing.
    for (signal, list) in [("logs", "Logs"), ("traces", "Spans"), ("metrics", "Metrics")] {
        let json = format!("{{\"resource{list}\":[{{\"scope{list}\":[{{}}]}}]}}");
        for (content_type, body) in [(PROTOBUF, ""), (JSON, "{}"), (JSON, json.as_str())] {
            assert_eq!(server.post(signal, content_type, body.to_owned()).await.status, 200, "{signal} {body}");
        }
    }
    client.export(logs_of(vec![])).await.expect("taken");
}

async fn wrong_addresses(server: &Server) {
    let body = one_log("misdirected").encode_to_vec();
    for content_type in ["text/plain", "", "application/x-www-form-urlencoded", "application/jsonl"] {
        let message = format!("the content type is {content_type:?}: send application/x-protobuf or application/json");
        assert_refused(&server.post("logs", content_type, body.clone()).await, 415, Code::Unimplemented, &message);
    }
    for path in ["/", "/v1/logs/extra", "/nothing"] {
        let answer = post(&server.otlp(path), &[("content-type", PROTOBUF)], body.clone()).await;
        let message = format!("nothing is taken at {path:?}: post to /v1/logs, /v1/traces or /v1/metrics");
        assert_refused(&answer, 404, Code::Unimplemented, &message);
    }
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS, Method::HEAD] {
        for url in [server.otlp("/v1/logs"), server.api("/v1/logs")] {
            let answer = request(method.clone(), &url, &[], Bytes::new()).await;
            assert_eq!((answer.status.as_u16(), answer.headers["allow"].to_str().expect("ASCII")), (405, "POST"));
            let message = if method == Method::HEAD {
                String::new()
            } else {
                format!("{method} /v1/logs: this path takes POST only")
            };
            assert!(answer.text().contains(&message), "{}", answer.text());
        }
    }

    // gRPC at the HTTP port: its client sees UNIMPLEMENTED, over either version of HTTP.
    let wrong =
        tonic::transport::Endpoint::from_shared(server.otlp("")).expect("a URL").connect().await.expect("HTTP/2");
    let status = LogsServiceClient::new(wrong).export(one_log("misdirected")).await.expect_err("refused");
    assert_eq!(status.code(), Code::Unimplemented, "{status:?}");
    assert!(status.message().starts_with("this is gRPC, and this port speaks OTLP/HTTP"), "{status:?}");
    let answer = post(&server.otlp(LOGS_METHOD), &[("content-type", "application/grpc")], framed(0, &body)).await;
    assert_eq!(answer.status, 415);
    assert!(answer.text().contains("this port speaks OTLP/HTTP"), "{}", answer.text());

    // HTTP at the gRPC port.
    let before = counters(server).await["activitylog_requests_total{door=\"grpc\"}"];
    for (content_type, path) in [(PROTOBUF, "/v1/logs"), (JSON, "/v1/logs"), ("", "/")] {
        let answer = post(&(server.grpc() + path), &[("content-type", content_type)], body.clone()).await;
        assert_eq!(answer.status, 415);
        let message = format!("POST {path}: this port speaks OTLP/gRPC. For OTLP/HTTP use the HTTP port");
        assert!(answer.text().contains(&message), "{}", answer.text());
    }
    assert_eq!(
        counters(server).await["activitylog_requests_total{door=\"grpc\"}"],
        before + 3,
        "counted as all others"
    );
}

/// gRPC messages that are not what their prefix says, and calls of methods nobody has.
async fn wrong_frames(server: &Server) {
    let message = one_log("misframed").encode_to_vec();
    let (short, long) = (message.len() as u32 - 1, message.len() as u32 + 1);
    let prefixed = |flag: u8, length: u32| [&[flag][..], &length.to_be_bytes(), &message].concat();
    for (bytes, headers, said) in [
        (vec![], vec![], "not a gRPC message: the call ended before its five-byte prefix".to_owned()),
        (vec![0, 0, 0], vec![], "not a gRPC message: the call ended before its five-byte prefix".to_owned()),
        (
            prefixed(0, short),
            vec![],
            format!("not a gRPC message: its prefix says {short} bytes, {} came", message.len()),
        ),
        (
            prefixed(0, long),
            vec![],
            format!("not a gRPC message: its prefix says {long} bytes, {} came", message.len()),
        ),
        (
            prefixed(0, u32::MAX),
            vec![],
            format!("not a gRPC message: its prefix says {} bytes, {} came", u32::MAX, message.len()),
        ),
        (prefixed(2, message.len() as u32), vec![], "not a gRPC message: its first byte is neither 0 nor 1".to_owned()),
        (
            framed(1, &message),
            vec![],
            "not a gRPC message: it is flagged as compressed, but grpc-encoding names nothing".to_owned(),
        ),
        (framed(1, &message), vec![("grpc-encoding", "gzip")], "the body can't be decompressed: ".to_owned()),
        (
            [framed(0, &message), framed(0, &message)].concat(),
            vec![],
            "not a gRPC message: its prefix says ".to_owned(),
        ),
    ] {
        let end = grpc_call(server, LOGS_METHOD, &headers, bytes).await;
        assert_eq!((end.http_status, end.code.as_str()), (200, "3"), "{end:?}");
        assert!(end.message.starts_with(&said), "{end:?}");
    }
    for path in ["/", "/opentelemetry.proto.collector.logs.v1.LogsService/Import", "/grpc.health.v1.Health/Check"] {
        let end = grpc_call(server, path, &[], framed(0, &message)).await;
        assert_eq!((end.http_status, end.code.as_str()), (200, "12"), "{end:?}");
        assert!(end.message.starts_with(&format!("{path} is not served here")), "{end:?}");
    }
}

/// HTTP/1.0, `Expect`, HEAD, lengths that are not true, and two requests in one packet.
async fn old_and_odd_http(server: &Server) {
    let url = server.otlp("");
    let post = |version: &str, more: &str, body: &str| {
        format!("POST /v1/logs HTTP/{version}\r\nhost: localhost\r\ncontent-type: application/json\r\n{more}\r\n{body}")
    };
    let body = |name: &str| logs("app", &[record(name, 0, &[])]).to_string();
    let length = |body: &str| format!("content-length: {}\r\n", body.len());

    let old = body("HTTP/1.0");
    let said = talk(&url, post("1.0", &length(&old), &old).as_bytes()).await;
    assert!(said.starts_with("HTTP/1.0 200 OK\r\n") && said.ends_with("{}"), "{said}");
    let without_host = post("1.0", &length(&old), &old).replace("host: localhost\r\n", "");
    let said = talk(&url, without_host.as_bytes()).await;
    assert!(said.starts_with("HTTP/1.0 200 OK\r\n") && said.ends_with("{}"), "a replay: {said}");

    let expecting = body("Expect");
    let close = "connection: close\r\n";
    let mut stream = connect(&url).await;
    let head = post("1.1", &(length(&expecting) + close + "expect: 100-continue\r\n"), "");
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut said = [0; 25];
    stream.read_exact(&mut said).await.expect("an interim answer");
    assert_eq!(&said, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(expecting.as_bytes()).await.expect("sent");
    let said = read_to_end(&mut stream).await;
    assert!(said.starts_with("HTTP/1.1 200 OK\r\n") && said.ends_with("{}"), "{said}");
    // One that would be refused whatever its body is, is not asked for it.
    let said = talk(&url, post("1.1", "content-length: 99999999\r\nexpect: 100-continue\r\n", "").as_bytes()).await;
    assert!(said.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{said}");

    let two = [body("pipelined 1"), body("pipelined 2")];
    let both = post("1.1", &length(&two[0]), &two[0]) + &post("1.1", &(length(&two[1]) + close), &two[1]);
    let said = talk(&url, both.as_bytes()).await;
    assert_eq!(said.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{said}");

    let head = "HEAD /v1/logs HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let said = talk(&url, head.as_bytes()).await;
    assert!(said.starts_with("HTTP/1.1 405 Method Not Allowed\r\n") && said.ends_with("\r\n\r\n"), "{said}");

    // Fewer bytes than promised, and gone: nothing is kept and nobody is there to hear it.
    let mut stream = connect(&url).await;
    stream.write_all(post("1.1", "content-length: 1000\r\n", "{}").as_bytes()).await.expect("sent");
    stream.shutdown().await.expect("half closed");
    let said = read_to_end(&mut stream).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{said}");
    // More than promised: the rest is no request.
    let said = talk(&url, post("1.1", "content-length: 2\r\n", "{}garbage\r\n\r\n").as_bytes()).await;
    assert!(said.starts_with("HTTP/1.1 200 OK\r\n") && said.contains("HTTP/1.1 400 Bad Request\r\n"), "{said}");
    for lie in [
        "content-length: -1\r\n",
        "content-length: 2\r\ncontent-length: 3\r\n",
        "content-length: x\r\n",
        "content-length: 2\r\ntransfer-encoding: chunked, x\r\n",
    ] {
        let said = talk(&url, post("1.1", lie, "{}").as_bytes()).await;
        assert!(said.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{lie:?}: {said}");
    }
    let said = talk(&url, post("1.1", "content-length: 18446744073709551615\r\n", "{}").as_bytes()).await;
    assert!(said.starts_with("HTTP/1.1 431 "), "hyper's own, for a length that no machine could hold: {said}");
    let said = talk(&url, post("1.1", "transfer-encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n").as_bytes()).await;
    assert!(said.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{said}");
    let said = talk(&url, &[b"GET / HTTP/1.1\r\nx: ".as_slice(), &[b'y'; 1 << 20], b"\r\n\r\n"].concat()).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 431 "), "{said}");
}

/// Bodies up to the limit and past it, and what unfolds past it, without the memory for it.
#[tokio::test(flavor = "multi_thread")]
async fn size_is_bounded_before_and_after_decompression() {
    let server = Server::start().await;
    let limit = 64 * MIB;
    let at_rest = peak_memory(&server);
    let url = server.otlp("/v1/logs");
    let plain = [("content-type", PROTOBUF)];
    let compressed = |name| [plain[0], ("content-encoding", name)];
    let too_large = format!("the body is larger than {limit} bytes (limits.request_bytes): send smaller batches");

    let zeros = vec![0; 10 * MIB];
    let mut gzipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut zlibbed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..100 {
        gzipped.write_all(&zeros).expect("in memory");
        zlibbed.write_all(&zeros).expect("in memory");
    }
    let gzip_bomb = gzipped.finish().expect("in memory");
    // Its frame wants a window of 1 GiB; a decoder that gave it would hold the limit many times.
    let mut wide = zstd::stream::write::Encoder::new(Vec::new(), 1).expect("a level");
    wide.long_distance_matching(true).and_then(|()| wide.window_log(30)).expect("a window");
    let mut many = Vec::new();
    let frame = zstd(&zeros);
    for n in 0..100 {
        many.extend_from_slice(&frame);
        if n < 8 {
            wide.write_all(&zeros).expect("in memory");
        }
    }
    let wide = wide.finish().expect("in memory");
    for (name, bomb) in [("gzip", &gzip_bomb), ("deflate", &zlibbed.finish().expect("in memory")), ("zstd", &many)] {
        let before = peak_memory(&server);
        let answer = post(&url, &compressed(name), bomb.clone()).await;
        let grown = peak_memory(&server) - before;
        assert!(grown < 150 << 10, "{name} took {grown} KiB");
        assert_refused(&answer, 413, Code::ResourceExhausted, &too_large);
        let end = grpc_call(&server, LOGS_METHOD, &[("grpc-encoding", name)], framed(1, bomb)).await;
        assert_eq!((end.code.as_str(), end.message.as_str()), ("8", too_large.as_str()));
    }
    let answer = post(&url, &compressed("zstd"), wide).await;
    assert_refused(&answer, 400, Code::InvalidArgument, "the body can't be decompressed: ");
    // A great many gzip members of one byte each.
    let member = gzip(b"\n");
    let answer = post(&url, &[("content-type", JSON), ("content-encoding", "gzip")], member.repeat(200_000)).await;
    assert_refused(&answer, 400, Code::InvalidArgument, "malformed JSON: expected an object");
    // The allocator may keep the memory of one while the next comes, but it does not add up.
    let grown = peak_memory(&server) - at_rest;
    assert!(grown < 300 << 10, "bombs took {grown} KiB");
    assert_well(&server).await;

    let mut sent = 0;
    for size in [1 << 10, 100 << 10, MIB, 8 * MIB, limit] {
        let body = exactly(size);
        assert_eq!(body.len(), size);
        let answer = post(&url, &plain, body.clone()).await;
        assert_eq!(answer.status, 200, "{size}: {}", answer.text());
        let again = post(&url, &compressed("gzip"), gzip(&body)).await;
        assert_eq!(again.status, 200, "{size}: {}", again.text());
        let end = grpc_call(&server, LOGS_METHOD, &[], framed(0, &body)).await;
        assert_eq!(end.code, "0", "{size}: {}", end.message);
        sent += 1;
    }
    let body = exactly(limit + 1);
    assert_refused(&post(&url, &plain, body.clone()).await, 413, Code::ResourceExhausted, &too_large);
    assert_refused(&post_chunked(&url, &plain, &body).await, 413, Code::ResourceExhausted, &too_large);
    let answer = post(&url, &compressed("gzip"), gzip(&body)).await;
    assert_refused(&answer, 413, Code::ResourceExhausted, &too_large);
    let end = grpc_call(&server, LOGS_METHOD, &[], framed(0, &body)).await;
    assert_eq!((end.code.as_str(), end.message.as_str()), ("8", too_large.as_str()));
    // A client that reads no answer before it has sent everything gets to read it: nothing resets its connection.
    for (content_type, length, status) in
        [("text/plain", 8 * MIB, "415 Unsupported Media Type"), (PROTOBUF, limit + 1, "413 Payload Too Large")]
    {
        let head = format!(
            "POST /v1/logs HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: {content_type}\r\n\
             content-length: {length}\r\n\r\n"
        );
        let said = talk(&url, &[head.as_bytes(), &body[..length]].concat()).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{said:?}");
    }
    let grown = peak_memory(&server) - at_rest;
    // The body, its rows, and their frame.
    assert!(grown < 600 << 10, "64 MiB took {grown} KiB");

    server.wait_for_count("SELECT count() FROM activitylog.events", sent).await;
    let counters = assert_items_add_up(&server).await;
    assert_eq!(total(&counters, "activitylog_items_duplicate_total"), 2 * sent);
    assert_well(&server).await;
}

/// One record with a body that makes the request this long.
fn exactly(size: usize) -> Vec<u8> {
    let mut length = size;
    loop {
        let body = one_log(&"x".repeat(length)).encode_to_vec();
        match body.len().cmp(&size) {
            std::cmp::Ordering::Equal => return body,
            std::cmp::Ordering::Greater => length -= body.len() - size,
            std::cmp::Ordering::Less => length += 1,
        }
    }
}

/// Those who never finish what they began.
#[tokio::test(flavor = "multi_thread")]
async fn slow_senders_are_sent_away() {
    let server = Server::start_with(&[
        ("ACTIVITYLOG_LIMITS_HEADER_TIMEOUT", "300ms"),
        ("ACTIVITYLOG_LIMITS_BODY_TIMEOUT", "300ms"),
    ])
    .await;
    for url in [server.otlp(""), server.api(""), server.grpc()] {
        // Silent; silent after the first letters of HTTP/1 or of HTTP/2; silent in its head.
        for beginning in ["", "P", "POST", "PRI * HTTP/2", "POST /v1/logs HTTP/1.1\r\nhost: loc"] {
            let said = talk(&url, beginning.as_bytes()).await;
            assert!(said.is_empty() || said.starts_with("HTTP/1.1 408 "), "{url} {beginning:?}: {said}");
        }
    }
    // A head that goes on for ever, and a body likewise.
    let mut stream = connect(&server.otlp("")).await;
    stream.write_all(b"POST /v1/logs HTTP/1.1\r\n").await.expect("sent");
    trickle(&mut stream, b"x: y\r\n").await;
    let head = "POST /v1/logs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n";
    let said = talk(&server.otlp(""), (head.to_owned() + "{").as_bytes()).await;
    assert!(said.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{said}");
    assert!(said.ends_with("{\"code\":4,\"message\":\"the body did not arrive in time: send it again\"}"), "{said}");
    let mut stream = connect(&server.otlp("")).await;
    stream.write_all(head.as_bytes()).await.expect("sent");
    trickle(&mut stream, b" ").await;

    // A call whose message is whole but which does not end, and one that stops in its message.
    for message in [framed(0, &one_log("unended").encode_to_vec()), vec![0, 0, 0, 1, 0, 7]] {
        let pieces = futures_util::StreamExt::chain(
            futures_util::stream::iter([Ok::<_, std::convert::Infallible>(hyper::body::Frame::data(Bytes::from(
                message,
            )))]),
            futures_util::stream::pending(),
        );
        let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
            .http2_only(true)
            .build_http();
        let request = hyper::Request::post(server.grpc() + LOGS_METHOD).header("content-type", "application/grpc");
        let request = request.body(http_body_util::StreamBody::new(pieces)).expect("a request");
        let answer = client.request(request).await.expect("an answer");
        assert_eq!(answer.headers()["grpc-status"], "4", "DEADLINE_EXCEEDED");
    }
    let counters = assert_items_add_up(&server).await;
    assert_eq!(total(&counters, "activitylog_items_stored_total"), 0);
    assert_eq!(counters["activitylog_requests_refused_total{door=\"http\",reason=\"timeout\"}"], 2);
    assert_eq!(counters["activitylog_requests_refused_total{door=\"grpc\",reason=\"timeout\"}"], 2);
    assert_eq!(counters["activitylog_in_flight_bytes"], 0);
    assert_well(&server).await;
}

/// Sends the piece again and again, until the other side has had enough.
async fn trickle(stream: &mut tokio::net::TcpStream, piece: &[u8]) {
    let mut said = [0; 512];
    loop {
        match tokio::time::timeout(std::time::Duration::from_millis(100), stream.read(&mut said)).await {
            Err(_) => {
                if stream.write_all(piece).await.is_err() {
                    return;
                }
            }
            Ok(Ok(1..)) => {}
            Ok(Ok(0) | Err(_)) => return,
        }
    }
}

/// What is odd in one record is repaired, placed or rejected in that record; its neighbours are kept as they are.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_odd_in_a_record_stays_in_that_record() {
    let server = Server::start().await;
    let mut kept = 0;

    let mut huge = log_record("huge");
    huge.attributes = (0..200_000).map(|n| attribute(&format!("k{n}"), "v")).collect();
    let request = logs_of(vec![log_record("before the huge one"), huge, log_record("after the huge one")]);
    let mut client = LogsServiceClient::new(channel(&server).await).send_compressed(CompressionEncoding::Zstd);
    let partial = client.export(request).await.expect("taken").into_inner().partial_success.expect("partial");
    assert_eq!(
        (partial.rejected_log_records, partial.error_message.as_str()),
        (1, "log record with more than 1024 attributes")
    );
    kept += 2;

    // LogRecord { body: "a\xffb" }, by hand: the reference implementation refuses to write it.
    let value = field(1, b"a\xffb");
    let record_bytes = field(5, &value);
    let body = field(1, &field(2, &field(2, &record_bytes)));
    assert_eq!(server.post("logs", PROTOBUF, body).await.text(), "");
    let json = b"{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"c\xffd\"}},\
        {\"body\":{\"stringValue\":\"e\\ud83d\"}},{\"body\":{\"stringValue\":\"f\\ude00\\ud83d\\ude00\"}}]}]}]}";
    assert_eq!(server.post("logs", JSON, json.to_vec()).await.text(), "{}");
    kept += 4;

    // Times that can't be: 0 is now; the far ones are now too, and keep what was said.
    let mut odd_times: Vec<Value> = Vec::new();
    for (n, time) in ["0", "1", "18446744073709551615", "4102444800000000000"].into_iter().enumerate() {
        odd_times.push(json!({"timeUnixNano": time, "body": {"stringValue": format!("time {n}")}}));
    }
    server.send_json("logs", &logs("app", &odd_times)).await;
    kept += 4;

    // Deep values are cut, in both encodings, at the same level.
    let mut bytes = AnyValue { value: Some(any_value::Value::IntValue(1)) }.encode_to_vec();
    for _ in 0..10_000 {
        bytes = field(5, &field(1, &bytes));
    }
    let body = field(
        1,
        &field(
            2,
            &field(
                2,
                &[field(5, &field(1, b"deep protobuf")), field(6, &[field(1, b"k"), field(2, &bytes)].concat())]
                    .concat(),
            ),
        ),
    );
    assert_eq!(server.post("logs", PROTOBUF, body).await.status, 200);
    let nested = "{\"arrayValue\":{\"values\":[".repeat(10_000) + &"]}}".repeat(10_000);
    let json = format!(
        "{{\"ignored\":{0}{1},\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[\
         {{\"body\":{{\"stringValue\":\"deep JSON\"}},\"attributes\":[{{\"key\":\"k\",\"value\":{nested}}}]}}]}}]}}]}}",
        "[".repeat(10_000),
        "]".repeat(10_000),
    );
    assert_eq!(server.post("logs", JSON, json).await.text(), "{}");
    kept += 2;

    // Numbers as strings and strings as numbers; what is wrong in one record rejects that record.
    let mixed = logs(
        "app",
        &[
            json!({"timeUnixNano": now(), "severityNumber": "9", "flags": "1", "body": {"intValue": "42"}}),
            json!({"timeUnixNano": now().to_string(), "severityNumber": 9.0, "body": {"doubleValue": "1.5"}}),
            json!({"timeUnixNano": "yesterday", "body": {"stringValue": "no time"}}),
            json!({"timeUnixNano": -1, "body": {"stringValue": "before time"}}),
            json!({"attributes": [{"key": "k", "value": {"intValue": "9223372036854775808"}}]}),
            json!({"traceId": "xyz"}),
            json!({"attributes": {"k": "v"}}),
            json!({"body": "text"}),
            json!(null),
            json!([]),
        ],
    );
    let answer = server.post("logs", JSON, mixed.to_string()).await.json();
    let rejected = &answer["partialSuccess"];
    assert_eq!(rejected["rejectedLogRecords"], "8", "{answer}");
    assert!(rejected["errorMessage"].as_str().expect("why").starts_with("log record: "), "{answer}");
    kept += 2;
    let twice = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[
        {"body":{"stringValue":"twice"},"body":{"stringValue":"2"}},{"body":{"stringValue":"once"}}]}]}]}"#;
    let answer = server.post("logs", JSON, twice).await.json();
    assert_eq!(answer["partialSuccess"]["rejectedLogRecords"], "1", "{answer}");
    assert!(
        answer["partialSuccess"]["errorMessage"].as_str().expect("why").contains("duplicate field `body`"),
        "{answer}"
    );
    kept += 1;
    // At every level above the records, a wrong shape is everybody's.
    let whole = logs("app", &[record("sound", 0, &[])]).to_string();
    for (sound, broken) in [
        ("\"scopeLogs\":[", "\"scopeLogs\":7,\"x\":["),
        ("\"logRecords\":[", "\"logRecords\":{},\"x\":["),
        ("\"resourceLogs\":[", "\"resourceLogs\":[7,"),
    ] {
        let answer = server.post("logs", JSON, whole.replacen(sound, broken, 1)).await;
        assert_refused(&answer, 400, Code::InvalidArgument, "malformed JSON: ");
    }
    for (sound, broken) in [("\"resource\":{", "\"resource\":7,\"x\":{"), ("\"scope\":{", "\"scope\":[],\"x\":{")] {
        let answer = server.post("logs", JSON, whole.replacen(sound, broken, 1)).await.json();
        assert_eq!(answer["partialSuccess"]["rejectedLogRecords"], "1", "{answer}");
    }

    let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MIN_POSITIVE / 2.0, f64::MAX];
    assert_eq!(server.post("metrics", PROTOBUF, gauge("odd", &values).encode_to_vec()).await.text(), "");
    let points: Vec<Value> =
        ["NaN", "Infinity", "-Infinity"].iter().map(|v| json!({"timeUnixNano": now(), "asDouble": v})).collect();
    let json = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "odd json", "gauge": {"dataPoints": points}}]}]}]});
    server.send_json("metrics", &json).await;

    server.wait_for_count("SELECT count() FROM activitylog.events", kept).await;
    server.wait_for_count("SELECT count() FROM activitylog.metrics", 9).await;
    let messages: Vec<String> =
        server.sql("SELECT message FROM activitylog.events ORDER BY message").into_iter().flatten().collect();
    for expected in [
        "a\u{fffd}b",
        "c\u{fffd}d",
        "e\u{fffd}",
        "f\u{fffd}\u{1f600}",
        "42",
        "1.5",
        "once",
        "deep JSON",
        "deep protobuf",
    ] {
        assert!(messages.iter().any(|message| message == expected), "{expected}: {messages:?}");
    }
    let placed = "SELECT count() FROM activitylog.events WHERE message LIKE 'time %' AND abs(dateDiff('second', timestamp, received_at)) < 60";
    assert_eq!(server.number(placed), 4);
    let originals = server.sql("SELECT arrayFilter(v -> match(v, '^[0-9]+$'), mapValues(attributes)) FROM activitylog.events WHERE message LIKE 'time %' ORDER BY message");
    assert_eq!(originals.concat(), ["[]", "['1']", "['18446744073709551615']", "['4102444800000000000']"]);
    let deep = server.sql("SELECT attributes['k'] FROM activitylog.events WHERE message LIKE 'deep %'").concat();
    assert!(deep.iter().all(|value| value.contains("[nested too deeply]") && value.len() < 100), "{deep:?}");
    let odd =
        server.sql("SELECT toString(value) FROM activitylog.metrics WHERE name = 'odd' ORDER BY timestamp").concat();
    assert_eq!(odd, ["nan", "inf", "-inf", "-0", "1.1125369292536007e-308", "1.7976931348623157e308"]);
    let odd = server
        .sql("SELECT toString(value) FROM activitylog.metrics WHERE name = 'odd json' ORDER BY event_id")
        .concat();
    assert_eq!(odd.len(), 3);
    // Whatever was kept can be read, too.
    let page = server.json("/api/v1/messages?limit=200").await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(kept as usize));
    let counters = assert_items_add_up(&server).await;
    assert_eq!(counters["activitylog_strings_repaired_total"], 4);
    assert_well(&server).await;
}
