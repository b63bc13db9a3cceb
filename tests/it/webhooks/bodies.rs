//! Bodies as they come: large, compressed, in pieces, as forms, and not what they should be.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;

use super::{EVENTS, Hook, add, assert_duplicate, assert_problem, assert_stored, basic, github_signature};
use crate::support::{Answer, Server};

const MIB: usize = 1 << 20;

/// JSON of about so many bytes.
fn large(bytes: usize) -> Bytes {
    json!({"zen": "x".repeat(bytes)}).to_string().into()
}

fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory").into()
}

/// In pieces, without a length.
async fn in_pieces(hook: &Hook, headers: &[(&str, &str)], body: &Bytes) -> Answer {
    let pieces: Vec<_> =
        body.chunks(64 * 1024).map(|piece| Ok::<_, std::io::Error>(Frame::data(body.slice_ref(piece)))).collect();
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut request = Request::builder().method(Method::POST).uri(&hook.url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(StreamBody::new(stream::iter(pieces))).expect("a request");
    let (parts, body) = client.request(request).await.expect("an answer").into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    Answer { status: parts.status, headers: parts.headers, body }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_github_end_at_the_limit_in_every_wrapping() {
    let server = Server::start().await;
    let hook = add(&server, "github", &[]).await;
    assert_stored(&hook.github("at the limit", large(25 * MIB - 100)).await);
    let body = large(26 * MIB);
    assert_problem(&hook.github("too large", body.clone()).await, 413, "webhooks.max_bytes");
    let signature = github_signature(&hook.secret, &body);
    let mut headers = vec![("x-github-delivery", "1"), ("x-hub-signature-256", signature.as_str())];
    assert_problem(&in_pieces(&hook, &headers, &body).await, 413, "webhooks.max_bytes");
    headers.push(("content-encoding", "gzip"));
    assert_problem(&hook.post(&headers, gzip(&body)).await, 413, "webhooks.max_bytes");

    // The same server goes on.
    let small = Bytes::from(json!({"ref": "refs/heads/main"}).to_string());
    let (plain, packed) = (github_signature(&hook.secret, &small), github_signature(&hook.secret, &gzip(&small)));
    for (delivery, signature) in [("signed before", &plain), ("signed after", &packed)] {
        let headers =
            [("x-github-delivery", delivery), ("x-hub-signature-256", signature), ("content-encoding", "gzip")];
        assert_stored(&hook.post(&headers, gzip(&small)).await);
    }
    let headers = [("x-github-delivery", "pieces"), ("x-hub-signature-256", &plain)];
    assert_stored(&in_pieces(&hook, &headers, &small).await);
    let headers = [("x-hub-signature-256", plain.as_str()), ("content-encoding", "br")];
    assert_problem(&hook.post(&headers, small.clone()).await, 415, "gzip");
    server.wait_for_count(EVENTS, 4).await;
}

/// A subscription must not be put on probation for one event.
#[tokio::test(flavor = "multi_thread")]
async fn from_azure_devops_are_answered_with_success_whatever_they_are() {
    let server = Server::start().await;
    let hook = add(&server, "azure_devops", &[]).await;
    let credential = basic("", &hook.secret);
    let body = large(26 * MIB);
    assert_stored(&hook.azure_devops(body.clone()).await);
    // Sent again, in another wrapping, it is the same.
    assert_duplicate(&in_pieces(&hook, &[("authorization", &credential)], &body).await);
    server.wait_for_count(EVENTS, 1).await;
    let rows = server.sql(
        "SELECT attributes['webhook.body_bytes'], toString(attributes) FROM activitylog.events WHERE kind = 'webhook'",
    );
    assert_eq!(rows[0][0], body.len().to_string());
    assert!(rows[0][1].contains("webhooks.max_bytes") && rows[0][1].len() < 4096, "{}", rows[0][1]);

    let packed = [("authorization", credential.as_str()), ("content-encoding", "gzip")];
    assert_stored(&hook.post(&packed, gzip(&body)).await);
    assert_stored(&hook.post(&packed, "not gzip").await);
    assert_stored(&hook.post(&[("authorization", &credential), ("content-encoding", "br")], "{}").await);
    for body in ["", "not json", "[1", "null", "{\"eventType\":7}", "{\"eventType\":\"some.new-event\",\"id\":\"9\"}"] {
        assert_stored(&hook.azure_devops(body).await);
    }
    assert_stored(&hook.azure_devops(Bytes::from_static(b"\xff\xfe{}")).await);
    server.wait_for_count(EVENTS, 11).await;
    for body in ["not json", "[1"] {
        assert_duplicate(&hook.azure_devops(body).await);
    }
    for headers in [vec![], vec![("authorization", "Basic OnJvbmc=")]] {
        assert_problem(&hook.post(&headers, body.clone()).await, 401, "secret");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn may_be_forms_and_may_start_with_a_mark() {
    let server = Server::start().await;
    let hook = add(&server, "azure_devops", &[]).await;
    let credential = basic("", &hook.secret);
    let event = json!({"id": "1", "eventType": "git.push", "createdDate": "2025-02-03T09:00:02Z"}).to_string();
    assert_stored(&hook.azure_devops(format!("\u{feff}{event}")).await);
    assert_eq!(hook.azure_devops(event.clone()).await.json()["status"], "duplicate");
    let form = form_urlencoded::Serializer::new(String::new()).append_pair("payload", &event).finish();
    let headers =
        [("authorization", credential.as_str()), ("content-type", "application/X-WWW-Form-Urlencoded; charset=utf-8")];
    assert_eq!(hook.post(&headers, form).await.json()["status"], "duplicate");
    // A form without the field is kept as it is.
    assert_stored(&hook.post(&headers, "other=1").await);
}
