//! What is revoked is dead at once on the node that was asked, and soon on the others.

use hyper::Method;
use serde_json::json;

use super::Caller;
use crate::people::{acting, call, text};
use crate::support::{Server, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_dead_on_every_node() {
    let first = super::server().await;
    let url = format!("http://{}", first.run["clickhouse_http"].as_str().expect("an address"));
    let writer = activitylog::engine::Credentials::load(&first.dir).expect("it runs").writer;
    let reader = activitylog::engine::Credentials::load(&first.dir).expect("it runs").reader;
    let second = Server::start_with(&[
        ("ACTIVITYLOG_AUTH_ANONYMOUS_TENANT", ""),
        ("ACTIVITYLOG_CLICKHOUSE_URL", &url),
        ("ACTIVITYLOG_CLICKHOUSE_USER", &writer.name),
        ("ACTIVITYLOG_CLICKHOUSE_PASSWORD", &writer.password),
        ("ACTIVITYLOG_CLICKHOUSE_READER_USER", &reader.name),
        ("ACTIVITYLOG_CLICKHOUSE_READER_PASSWORD", &reader.password),
    ])
    .await;
    let boss = Caller { server: &first, token: acting(&first, "default", "boss@a.b", "super_admin").1 };
    let made = boss.post("/api/v1/tokens", json!({"kind": "api"})).await;
    let token = text(&made, "token");
    let status = async |server: &Server| call(server, Method::GET, "/api/v1/me", &token, None).await.status;
    assert_eq!(status(&first).await, 200);
    eventually("the other node knows it", async || (status(&second).await == 200).then_some(())).await;
    boss.delete(&format!("/api/v1/tokens/{}", text(&made, "id"))).await;
    assert_eq!(status(&first).await, 401, "at once");
    eventually("the other node knows it too", async || (status(&second).await == 401).then_some(())).await;
}
