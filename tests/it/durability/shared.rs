//! A ClickHouse of somebody else's: another instance's engine stands in for it.

use activitylog::engine::Credentials;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::load::{BATCH, Load, assert_exactly_once, batch, nothing_waits};
use super::{children, wait_for_readiness};
use crate::support::{Server, eventually, logs, record};

/// The environment of a collector on this instance's engine.
fn on_the_engine_of(owner: &Server) -> Vec<(&'static str, String)> {
    let credentials = Credentials::load(&owner.dir).expect("the owner runs");
    let address = owner.run["clickhouse_http"].as_str().expect("an address");
    vec![
        ("ACTIVITYLOG_CLICKHOUSE_URL", format!("http://{address}")),
        ("ACTIVITYLOG_CLICKHOUSE_USER", credentials.writer.name),
        ("ACTIVITYLOG_CLICKHOUSE_PASSWORD", credentials.writer.password),
        ("ACTIVITYLOG_CLICKHOUSE_READER_USER", credentials.reader.name),
        ("ACTIVITYLOG_CLICKHOUSE_READER_PASSWORD", credentials.reader.password),
    ]
}

fn pairs<'a>(environment: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    environment.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_collectors_on_one_server_see_each_others_events() {
    let owner = Server::start().await;
    let environment = on_the_engine_of(&owner);
    let environment = pairs(&environment);
    let (mut one, two) = tokio::join!(Server::start_with(&environment), Server::start_with(&environment));
    assert_eq!((children(&one), children(&two)), (vec![], vec![]), "no engine of their own");
    assert!(!one.dir.join("engine").exists());

    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::get(one.api("/api/v1/messages/stream")).body(Empty::new()).expect("a request");
    let mut stream = client.request(request).await.expect("an answer").into_body();
    let mut told = String::new();
    let mut read_until = async |needle: &str| {
        while !told.contains(needle) {
            let frame = tokio::time::timeout(std::time::Duration::from_secs(60), stream.frame());
            let frame = frame.await.unwrap_or_else(|_| panic!("{needle} is not in {told}"));
            let data = frame.expect("the stream is open").expect("a frame").into_data().unwrap_or_default();
            told.push_str(&String::from_utf8_lossy(&data));
        }
    };
    read_until(": open").await;
    two.send_json("logs", &logs("app", &[record("from two", 0, &[])])).await;
    one.send_json("logs", &logs("app", &[record("from one", 1, &[])])).await;
    read_until("from two").await;
    read_until("from one").await;
    for server in [&one, &two] {
        eventually("both are seen", async || {
            let page = server.json("/api/v1/messages").await;
            (page["items"].as_array().map(Vec::len) == Some(2)).then_some(())
        })
        .await;
    }

    // Each keeps its promise by itself.
    let load = Load::on(&one);
    load.goes_on_for(20).await;
    one.kill();
    one.start_again().await;
    load.turn_to(&one);
    load.goes_on_for(5).await;
    let sent = load.finish().await;
    nothing_waits(&one).await;
    assert_exactly_once(&owner, &sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let mut owner = Server::start().await;
    let mut environment = on_the_engine_of(&owner);
    owner.stop().await;
    let address = free_port();
    environment.push(("ACTIVITYLOG_LISTEN_OTLP_HTTP", address.clone()));
    environment.push(("ACTIVITYLOG_LISTEN_HTTP", free_port()));
    let mut server = Server::launch(&pairs(&environment));
    server.run = serde_json::json!({"otlp_http": address, "http": environment.last().expect("pushed").1});
    eventually("the doors are open", async || tokio::net::TcpStream::connect(&address).await.ok()).await;
    eventually("both doors are open", async || {
        tokio::net::TcpStream::connect(server.run["http"].as_str().expect("text")).await.ok()
    })
    .await;

    let load = Load::on(&server);
    load.goes_on_for(30).await;
    let health = wait_for_readiness(&server, 503).await;
    assert_eq!(health["database"]["ready"], false, "{health}");

    // A stop is possible meanwhile, and takes nothing away.
    assert!(server.stop().await.success());
    owner.start_again().await;
    let url = format!("http://{}", owner.run["clickhouse_http"].as_str().expect("an address"));
    assert_eq!(environment[0].1, url, "the engine keeps its port");
    server.start_again().await;
    load.turn_to(&server);
    wait_for_readiness(&server, 200).await;
    let sent = load.finish().await;
    nothing_waits(&server).await;
    assert_exactly_once(&owner, &sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_when_the_server_appears() {
    let mut owner = Server::start().await;
    let mut environment = on_the_engine_of(&owner);
    owner.stop().await;
    let address = free_port();
    environment.push(("ACTIVITYLOG_LISTEN_OTLP_HTTP", address.clone()));
    let mut server = Server::launch(&pairs(&environment));
    server.run = serde_json::json!({"otlp_http": address});
    eventually("the door is open", async || tokio::net::TcpStream::connect(&address).await.ok()).await;
    assert_eq!(server.post("logs", "application/json", batch(0)).await.status, 200);
    owner.start_again().await;
    server.wait_until_ready().await;
    owner.wait_for_count("SELECT count() FROM activitylog.events", BATCH).await;
}
