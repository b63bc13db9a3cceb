//! Standard Webhooks, and secrets that change.

use bytes::Bytes;

use super::{EVENTS, add, assert_duplicate, assert_problem, assert_stored, standard_signature, webhook};
use crate::support::{Server, eventually};

const BODY: &str = r#"{"type":"invoice.paid","timestamp":"2024-12-02T13:20:00Z","data":{"note":"grüße"}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn standard_webhooks_are_taken_within_five_minutes_and_once() {
    // What the body tells of is older than the default retention.
    let server = Server::start_with(&[("ACTIVITYLOG_RETENTION_DAYS", "20000")]).await;
    let hook = add(&server, "standard", &[]).await;
    assert!(hook.secret.starts_with("whsec_"));
    assert_stored(&hook.standard("msg_1", 0, BODY).await);
    // Sent again, a moment later.
    assert_duplicate(&hook.standard("msg_1", 1, BODY).await);
    assert_stored(&hook.standard("msg_2", -290, BODY).await);
    assert_problem(&hook.standard("msg_3", -310, BODY).await, 401, "s in the past");
    assert_problem(&hook.standard("msg_3", 330, BODY).await, 401, "s in the future");
    let now = jiff::Timestamp::now().as_second().to_string();
    let signature = standard_signature(&hook.secret, "msg_3", &now, BODY.as_bytes());
    let headers =
        |id| [("webhook-id", id), ("webhook-timestamp", now.as_str()), ("webhook-signature", signature.as_str())];
    assert_problem(&hook.post(&headers("msg_4"), BODY).await, 401, "webhook-signature holds no v1");
    assert_problem(&hook.post(&headers("msg_3"), BODY.replace("paid", "owed")).await, 401, "webhook-signature");
    assert_problem(&hook.post(&headers("msg_3")[1..], BODY).await, 401, "webhook-id is missing");
    server.wait_for_count(EVENTS, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gitlab_signs_when_its_secret_is_a_signing_token() {
    let server = Server::start().await;
    let hook = add(&server, "gitlab", &["--secret", "whsec_bbOfWGz/CWXPJtL2CKyug4LBHgieiFfa9XZHQdCXpGw="]).await;
    assert_stored(&hook.standard("1", 0, r#"{"object_kind":"push"}"#).await);
    assert_problem(&hook.post(&[("x-gitlab-token", &hook.secret)], "{}").await, 401, "X-Gitlab-Token");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_secret_holds_until_it_is_ended() {
    let server = Server::start().await;
    let old = add(&server, "github", &[]).await;
    let new = webhook(&server, &["rotate", &old.id]).hook();
    assert_eq!((&new.id, &new.url), (&old.id, &old.url));
    assert_ne!(new.secret, old.secret);
    let body = Bytes::from("{}");
    eventually("the new secret holds", async || (new.github("1", body.clone()).await.status == 200).then_some(()))
        .await;
    assert_stored(&old.github("2", body.clone()).await);
    assert!(webhook(&server, &["ls"]).out.contains("\"secrets\":2"));

    let last = webhook(&server, &["rotate", &old.id, "--keep", "0", "--secret", "chosen"]).hook();
    assert_eq!(last.secret, "chosen");
    eventually("the last secret holds", async || (last.github("3", body.clone()).await.status == 200).then_some(()))
        .await;
    for ended in [&old, &new] {
        assert_problem(&ended.github("4", body.clone()).await, 401, "is not the HMAC-SHA256");
    }
}
