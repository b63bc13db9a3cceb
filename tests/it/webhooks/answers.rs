//! What each answer is, and what it gives away.

use bytes::Bytes;
use hyper::Method;

use super::{EVENTS, add, assert_problem, assert_stored, metric};
use crate::support::{Server, request};

const REFUSED: &str = "activitylog_requests_refused_total{door=\"webhook\",reason=";

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_credential_learns_nothing() {
    let server = Server::start().await;
    let hook = add(&server, "github", &["--secret", "a secret to keep"]).await;
    let unknown = server.api("/webhooks/00000000000000000000000000000000");
    // Looking is not asking: the answer is the same for what exists and what does not.
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::OPTIONS] {
        let known = request(method.clone(), &hook.url, &[], Bytes::new()).await;
        let other = request(method.clone(), &unknown, &[], Bytes::new()).await;
        assert_eq!((known.status.as_u16(), other.status.as_u16()), (405, 405));
        assert_eq!(known.body, other.body);
        assert_eq!(known.headers["allow"], "POST");
        assert_eq!(known.headers["content-type"], other.headers["content-type"]);
    }
    let post = async |url: &str| request(Method::POST, url, &[("x-github-event", "push")], Bytes::from("{}")).await;
    let with_secret = format!("{}/a%20secret%20to%20keep", hook.url);
    let below = format!("{unknown}/x");
    for url in [&unknown, &below, &with_secret, &server.api("/webhooks"), &server.api("/webhooks/")] {
        let answer = post(url).await;
        assert_problem(&answer, 404, "no webhook source has this URL");
        assert_eq!(answer.body, post(&unknown).await.body, "{url}");
    }
    // A slash at the end is no other source.
    assert_problem(&post(&format!("{}/", hook.url)).await, 401, "X-Hub-Signature-256 is missing");
    let wrong = [("x-hub-signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")];
    let answer = hook.post(&wrong, "{}").await;
    assert_problem(&answer, 401, "is not the HMAC-SHA256 of this body");
    assert!(!answer.text().contains("secret to keep"));
    assert_eq!(server.number(EVENTS), 0);
    assert!(!server.log().contains("secret to keep") && !server.log().contains(&hook.id), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_delivery_is_counted_once() {
    let server = Server::start().await;
    let hook = add(&server, "github", &[]).await;
    // Those that `add` tried with.
    let before = metric(&server, &format!("{REFUSED}\"unauthenticated\"")).await;
    assert_stored(&hook.github("1", "{}").await);
    for _ in 0..2 {
        hook.github("1", "{}").await;
    }
    hook.post(&[], "{}").await;
    assert_eq!(metric(&server, "activitylog_items_stored_total{door=\"webhook\"}").await, 1);
    assert_eq!(metric(&server, "activitylog_items_duplicate_total{door=\"webhook\"}").await, 2);
    assert_eq!(metric(&server, &format!("{REFUSED}\"unauthenticated\"")).await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_asks_for_patience() {
    let server = Server::start_with(&[("ACTIVITYLOG_SPOOL_MAX_BYTES", "0")]).await;
    let (github, azure) = (add(&server, "github", &[]).await, add(&server, "azure_devops", &[]).await);
    for answer in [github.github("1", "{}").await, azure.azure_devops("{}").await] {
        assert_problem(&answer, 503, "the spool is full");
        assert_eq!(answer.headers["retry-after"], "5");
    }
    assert_eq!(metric(&server, &format!("{REFUSED}\"overloaded\"")).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_at_once_asks_for_patience() {
    let server = Server::start_with(&[
        ("ACTIVITYLOG_LIMITS_IN_FLIGHT_BYTES", "1KiB"),
        ("ACTIVITYLOG_LIMITS_REQUEST_BYTES", "1KiB"),
        ("ACTIVITYLOG_WEBHOOKS_MAX_BYTES", "1KiB"),
    ])
    .await;
    let azure = add(&server, "azure_devops", &[]).await;
    // Twice the room: the text that the form is decoded to comes beside it.
    let form = format!("payload=%7B%7D&more={}", "x".repeat(900));
    let headers = [
        ("authorization", super::basic("", &azure.secret)),
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
    ];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_problem(&azure.post(&headers, form).await, 503, "limits.in_flight_bytes");
    assert_stored(&azure.azure_devops("{}").await);
}

/// Whoever listens on other addresses has no anonymous callers, and webhooks need none.
#[tokio::test(flavor = "multi_thread")]
async fn webhooks_need_no_other_credential() {
    let server =
        Server::start_with(&[("ACTIVITYLOG_LISTEN_HTTP", "0.0.0.0:0"), ("ACTIVITYLOG_AUTH_ANONYMOUS_TENANT", "")])
            .await;
    let hook = add(&server, "github", &["--tenant", "ours"]).await;
    assert_eq!(server.get("/api/v1/messages").await.status, 401);
    assert_stored(&hook.github("1", "{}").await);
    server.wait_for_count(&format!("{EVENTS} AND tenant_id = 'ours'"), 1).await;
}
