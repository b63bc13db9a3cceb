//! What holds when processes die and ClickHouse is away.

use std::os::unix::fs::PermissionsExt;

use bytes::Bytes;
use hyper::Method;

use super::{EVENTS, add, assert_duplicate, assert_problem, assert_stored, webhook};
use crate::durability::Frozen;
use crate::support::{Server, eventually, request};

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_kept_once_though_the_server_dies_before_it_ships() {
    let mut server = Server::start().await;
    let mut hook = add(&server, "github", &[]).await;
    let frozen = Frozen::new(server.engine_pid());
    assert_stored(&hook.github("a guid", "{}").await);
    server.kill();
    drop(frozen);
    server.start_again().await;
    hook.url = server.api(&format!("/webhooks/{}", hook.id));
    assert_duplicate(&hook.github("a guid", "{}").await);
    server.wait_for_count(EVENTS, 1).await;
    assert_stored(&hook.github("another", "{}").await);
    server.wait_for_count(EVENTS, 2).await;
}

fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

/// GitHub sends nothing twice by itself.
#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_taken_before_clickhouse_is_there() {
    let mut server = Server::start().await;
    let mut hook = add(&server, "github", &[]).await;
    let remembered = server.dir.join("control/snapshot.jsonl");
    let mode = std::fs::metadata(&remembered).expect("it is written").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(server.stop().await.success());

    let (address, nobody) = (free_port(), format!("http://{}", free_port()));
    server.launch_again(&[("ACTIVITYLOG_CLICKHOUSE_URL", &nobody), ("ACTIVITYLOG_LISTEN_HTTP", &address)]);
    hook.url = format!("http://{address}/webhooks/{}", hook.id);
    eventually("the door is open", async || tokio::net::TcpStream::connect(&address).await.ok()).await;
    assert_stored(&hook.github("meanwhile", "{}").await);
    assert_problem(&hook.post(&[], "{}").await, 401, "missing");
    // Nobody can say yet that a source does not exist.
    let unknown = format!("http://{address}/webhooks/other");
    let answer = request(Method::POST, &unknown, &[], Bytes::new()).await;
    assert_problem(&answer, 503, "could not be read yet");
    assert!(answer.headers.contains_key("retry-after"));
    server.kill();

    server.start_again().await;
    server.wait_for_count(EVENTS, 1).await;
    let unknown = server.api("/webhooks/other");
    assert_problem(&request(Method::POST, &unknown, &[], Bytes::new()).await, 404, "no webhook source");
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_taken_while_clickhouse_is_away() {
    let server = Server::start().await;
    let hook = add(&server, "github", &[]).await;
    let frozen = Frozen::new(server.engine_pid());
    let unknown = server.api("/webhooks/other");
    eventually("the list grows old", async || {
        (request(Method::POST, &unknown, &[], Bytes::new()).await.status == 503).then_some(())
    })
    .await;
    assert_stored(&hook.github("1", "{}").await);
    drop(frozen);
    server.wait_for_count(EVENTS, 1).await;
    // What was removed is gone, also from what is remembered.
    assert_eq!(webhook(&server, &["rm", &hook.id]).code, 0);
    eventually("the source is gone", async || (hook.github("2", "{}").await.status == 404).then_some(())).await;
    eventually("it is forgotten", async || {
        let text = std::fs::read_to_string(server.dir.join("control/snapshot.jsonl")).expect("a file");
        (!text.contains(&hook.id)).then_some(())
    })
    .await;
}
