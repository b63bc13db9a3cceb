//! SIGTERM: quick when there is nothing to do, and nothing acknowledged is lost.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::load::{Load, assert_exactly_once, batch};
use super::{Frozen, wait_for_readiness};
use crate::support::Server;

/// It is a few tenths of a second on a quiet machine; what must not be is a wait for a timeout.
const SOON: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn it_is_quick_though_clients_hold_on() {
    let mut server = Server::start().await;
    assert_eq!(server.post("logs", "application/json", batch(0)).await.status, 200);
    server.wait_for_count("SELECT count() FROM activitylog.events", 24).await;

    // A page that is open, an idle connection, and a gRPC client.
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = |path: &str| Request::get(server.api(path)).body(Empty::new()).expect("a request");
    let mut stream = client.request(request("/api/v1/messages/stream")).await.expect("an answer").into_body();
    stream.frame().await.expect("it is open").expect("a frame");
    client.request(request("/healthz")).await.expect("an answer").into_body().collect().await.expect("a body");
    let channel =
        tonic::transport::Endpoint::from_shared(server.grpc()).expect("a URL").connect().await.expect("connected");

    let started = Instant::now();
    assert!(server.stop().await.success());
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    drop(channel);
}

#[tokio::test(flavor = "multi_thread")]
async fn under_load_it_ships_what_was_acknowledged() {
    let mut server = Server::start().await;
    let load = Load::on(&server);
    for _ in 0..3 {
        load.goes_on_for(40).await;
        assert!(server.stop().await.success());
        let left = std::fs::read_dir(server.dir.join("spool/events")).expect("a folder").filter(|entry| {
            let name = entry.as_ref().expect("an entry").file_name();
            let name = name.to_string_lossy().into_owned();
            name.ends_with(".seg") || name.ends_with(".open")
        });
        assert_eq!(left.count(), 0, "there was time for all of it");
        server.start_again().await;
        load.turn_to(&server);
    }
    let sent = load.finish().await;
    assert!(sent.refused.iter().all(|text| text.contains("stopping")), "{:?}", sent.refused);
    assert_exactly_once(&server, &sent).await;
}

/// What can't be shipped in time is there after the next start.
#[tokio::test(flavor = "multi_thread")]
async fn it_does_not_wait_for_an_engine_that_hangs() {
    let mut server = Server::start().await;
    let load = Load::on(&server);
    load.goes_on_for(20).await;
    let frozen = Frozen::new(server.engine_pid());
    load.goes_on_for(20).await;
    wait_for_readiness(&server, 503).await;
    let pid = frozen.0;
    let stopped = server.stop().await;
    assert!(stopped.success(), "{stopped}");
    assert!(!super::is_running(pid), "the engine is gone, by force");
    server.start_again().await;
    load.turn_to(&server);
    let sent = load.finish().await;
    wait_for_readiness(&server, 200).await;
    assert_exactly_once(&server, &sent).await;
}
