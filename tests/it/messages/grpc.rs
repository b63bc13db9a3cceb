//! `activitylog.v1.Messages` as a mainstream gRPC client uses it.

use activitylog::ingest::messages::protobuf::v1::tail_response::News;
use activitylog::ingest::messages::protobuf::v1::{
    Event, Kind, PublishRequest, PublishSummary, StoredEvent, TailRequest, TailResponse,
};
use futures_util::stream;
use hyper::http::uri::PathAndQuery;
use serde_json::json;
use tonic::codec::CompressionEncoding;
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming};
use tonic_prost::ProstCodec;

use super::{MESSAGES, all_of, events, row, taken, wait_for};
use crate::senders::{assert_well, channel, counters, framed, grpc_call};
use crate::support::{Server, eventually};

const PUBLISH: &str = "/activitylog.v1.Messages/Publish";
const TAIL: &str = "/activitylog.v1.Messages/Tail";

async fn client(server: &Server) -> tonic::client::Grpc<Channel> {
    let mut client = tonic::client::Grpc::new(channel(server).await);
    client.ready().await.expect("a connection");
    client
}

async fn publish(server: &Server, requests: Vec<PublishRequest>) -> Result<PublishSummary, Status> {
    publish_with(server, Request::new(requests), None).await
}

async fn publish_with(
    server: &Server,
    requests: Request<Vec<PublishRequest>>,
    compression: Option<CompressionEncoding>,
) -> Result<PublishSummary, Status> {
    let mut client = client(server).await;
    if let Some(compression) = compression {
        client = client.send_compressed(compression);
    }
    let codec: ProstCodec<PublishRequest, PublishSummary> = ProstCodec::default();
    let path = PathAndQuery::from_static(PUBLISH);
    let answer = client.client_streaming(requests.map(stream::iter), path, codec).await?;
    Ok(answer.into_inner())
}

async fn tail(server: &Server, asked: TailRequest) -> Result<Streaming<TailResponse>, Status> {
    let codec: ProstCodec<TailRequest, TailResponse> = ProstCodec::default();
    let path = PathAndQuery::from_static(TAIL);
    let mut stream = client(server).await.server_streaming(Request::new(asked), path, codec).await?.into_inner();
    let greeting = stream.message().await?.expect("a place");
    assert!(greeting.news.is_none() && !greeting.cursor.is_empty());
    Ok(stream)
}

async fn next(stream: &mut Streaming<TailResponse>) -> (String, StoredEvent) {
    let response = stream.message().await.expect("no error").expect("it goes on");
    match response.news {
        Some(News::Event(event)) => (response.cursor, event),
        other => panic!("{other:?}"),
    }
}

fn event(event_type: &str, id: &str) -> Event {
    Event { event_type: event_type.to_owned(), id: id.to_owned(), ..Event::default() }
}

fn request(events: Vec<Event>) -> PublishRequest {
    PublishRequest { events, idempotency_key: String::new() }
}

fn counts(summary: &PublishSummary) -> (u64, u64, Vec<u64>) {
    (summary.accepted, summary.duplicates, summary.rejected.iter().map(|rejected| rejected.index).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn published_events_are_stored_once_under_the_same_rules() {
    let server = Server::start().await;
    let full = Event {
        timestamp: Some(std::time::SystemTime::now().into()),
        message: "done".to_owned(),
        severity: "info".to_owned(),
        outcome: "failure".to_owned(),
        user_id: "ada".to_owned(),
        duration_ms: 2.5,
        target_type: "task".to_owned(),
        attributes: [("a".to_owned(), "b".to_owned())].into(),
        ..event("task.run", "1")
    };
    let audit = Event { kind: Kind::Audit.into(), ..event("role.add", "1") };
    let secret = Event { attributes: [("password".to_owned(), "x".to_owned())].into(), ..audit.clone() };
    let requests = vec![
        request(vec![full.clone(), event("bad type", "")]),
        request(vec![]),
        request(vec![audit, secret, Event { kind: 9, ..event("t", "") }, event("", "")]),
    ];
    for (compression, expected) in [
        (None, (2, 0, vec![1, 3, 4, 5])),
        (Some(CompressionEncoding::Gzip), (0, 2, vec![1, 3, 4, 5])),
        (Some(CompressionEncoding::Zstd), (0, 2, vec![1, 3, 4, 5])),
    ] {
        let summary = publish_with(&server, Request::new(requests.clone()), compression).await.expect("taken");
        assert_eq!(counts(&summary), expected, "{compression:?} {summary:?}");
        assert!(summary.rejected[1].error.contains("password"), "{summary:?}");
    }
    // The same id over HTTP is the same event.
    assert_eq!(taken(&server, MESSAGES, &json!({"event_type": "t", "id": 1})).await["duplicates"], 1);
    wait_for(&server, 2).await;
    assert_eq!(
        row(&server, "task.run", "kind, event_class, user_id, duration_ns, target_type, attributes['a']"),
        ["message", "error", "ada", "2500000", "task", "b"]
    );
    assert_eq!(row(&server, "role.add", "kind, source"), ["audit", "audit"]);
    let counters = counters(&server).await;
    assert_eq!(counters["activitylog_items_stored_total{door=\"messages\"}"], 2);
    assert_eq!(counters["activitylog_items_rejected_total{door=\"messages\",reason=\"malformed\"}"], 12);
    assert_eq!(counters["activitylog_in_flight_bytes"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_name_requests_and_calls() {
    let server = Server::start().await;
    let keyed =
        |key: &str| PublishRequest { events: vec![event("a", ""), event("a", "")], idempotency_key: key.to_owned() };
    let summary = publish(&server, vec![keyed("k"), keyed("l"), keyed("k")]).await.expect("taken");
    assert_eq!(counts(&summary), (4, 2, vec![]));
    let call = || {
        let mut call = Request::new(vec![request(vec![event("b", "")]), request(vec![event("b", "")])]);
        call.metadata_mut().insert("idempotency-key", "call".parse().expect("ASCII"));
        call
    };
    assert_eq!(counts(&publish_with(&server, call(), None).await.expect("taken")), (2, 0, vec![]));
    assert_eq!(counts(&publish_with(&server, call(), None).await.expect("taken")), (0, 2, vec![]));
    assert_eq!(counts(&publish(&server, vec![request(vec![event("c", "")])]).await.expect("taken")), (1, 0, vec![]));
    assert_eq!(counts(&publish(&server, vec![request(vec![event("c", "")])]).await.expect("taken")), (1, 0, vec![]));
    wait_for(&server, 8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_brings_what_arrives_and_resumes() {
    let server = Server::start().await;
    let mut all = tail(&server, TailRequest::default()).await.expect("open");
    let ada = TailRequest { user_id: "ada".to_owned(), classes: vec!["app".to_owned()], ..TailRequest::default() };
    let mut ada = tail(&server, ada).await.expect("open");
    for name in ["bob", "ada"] {
        let body = json!({"event_type": "seen", "user_id": name, "duration_ms": 3, "target_id": "t"});
        assert_eq!(taken(&server, MESSAGES, &body).await, all_of(1));
        let (_, event) = next(&mut all).await;
        assert_eq!((event.user_id.as_str(), event.kind.as_str(), event.duration_ns), (name, "message", 3_000_000));
    }
    let (place, event) = next(&mut ada).await;
    assert_eq!((event.user_id.as_str(), event.target_id.as_str()), ("ada", "t"));
    assert_eq!(counters(&server).await["activitylog_streams"], 2);
    drop((all, ada));
    eventually("both are closed", async || (counters(&server).await["activitylog_streams"] == 0).then_some(())).await;
    taken(&server, MESSAGES, &json!({"event_type": "later"})).await;
    let mut resumed = tail(&server, TailRequest { after_cursor: place, ..TailRequest::default() }).await.expect("open");
    assert_eq!(next(&mut resumed).await.1.event_type, "later");

    // What it brings is what the lists have.
    let item = server.json("/api/v1/messages?limit=1").await["items"][0].clone();
    let from_list: StoredEvent = serde_json::from_value(item.clone()).expect("a StoredEvent");
    assert_eq!(from_list.event_type, "later");
    assert_eq!(
        (item["received_at"].as_str(), from_list.received_at.is_empty()),
        (Some(from_list.received_at.as_str()), false)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_in_a_status() {
    let server =
        Server::start_with(&[("ACTIVITYLOG_LIMITS_STREAMS", "1"), ("ACTIVITYLOG_LIMITS_REQUEST_BYTES", "1MiB")]).await;
    let refused = |asked| async { tail(&server, asked).await.expect_err("refused") };
    let wrong = refused(TailRequest { after_cursor: "x".to_owned(), ..TailRequest::default() }).await;
    assert_eq!((wrong.code(), wrong.message().contains("after_cursor")), (Code::InvalidArgument, true), "{wrong:?}");
    let wrong = refused(TailRequest { classes: vec!["x".to_owned()], ..TailRequest::default() }).await;
    assert_eq!((wrong.code(), wrong.message().contains("llm, tool")), (Code::InvalidArgument, true), "{wrong:?}");
    let wrong = refused(TailRequest { q: "x".repeat(5000), ..TailRequest::default() }).await;
    assert_eq!(wrong.code(), Code::InvalidArgument);
    let open = tail(&server, TailRequest::default()).await.expect("the first");
    let full = refused(TailRequest::default()).await;
    assert_eq!((full.code(), full.message().contains("limits.streams")), (Code::Unavailable, true), "{full:?}");
    drop(open);

    let large = publish(&server, vec![request(vec![Event { message: "x".repeat(2 << 20), ..event("a", "") }])]).await;
    assert_eq!(large.expect_err("refused").code(), Code::ResourceExhausted);
    for (path, frame, code) in [
        (PUBLISH, framed(0, &[0xff]), "3"),
        (PUBLISH, framed(7, &[]), "3"),
        (PUBLISH, vec![0, 0, 0, 0, 9, 1], "3"),
        (PUBLISH, vec![], "0"),
        (TAIL, framed(0, &[0xff]), "3"),
        ("/activitylog.v1.Messages/Other", framed(0, &[]), "12"),
    ] {
        let end = grpc_call(&server, path, &[], frame.clone()).await;
        assert_eq!(end.code, code, "{path} {frame:?}: {}", end.message);
    }
    // Empty events by the million are two bytes each, and no memory.
    let end = grpc_call(&server, PUBLISH, &[], framed(0, &[0x0a, 0].repeat(200_000))).await;
    assert_eq!(end.code, "8", "{}", end.message);
    let mut stranger = Request::new(vec![request(vec![event("a", "")])]);
    stranger.metadata_mut().insert("authorization", "Bearer alg_i_x".parse().expect("ASCII"));
    assert_eq!(publish_with(&server, stranger, None).await.expect_err("refused").code(), Code::Unauthenticated);
    assert_eq!(events(&server), 0);
    assert_eq!(counters(&server).await["activitylog_in_flight_bytes"], 0);
    assert_well(&server).await;
}

/// Who does not read costs a batch, not the server; and the server's end is said.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_holds_nobody_up() {
    let mut server = Server::start().await;
    let mut slow = tail(&server, TailRequest::default()).await.expect("open");
    let entry = json!({"event_type": "flood", "message": "m".repeat(8000)});
    for _ in 0..20 {
        taken(&server, MESSAGES, &json!(vec![entry.clone(); 1000])).await;
    }
    wait_for(&server, 20_000).await;
    let held = crate::senders::peak_memory(&server);
    assert!(held < 700 << 10, "{} MiB", held >> 10);
    assert_eq!(next(&mut slow).await.1.event_type, "flood");
    drop(slow);

    let mut open = tail(&server, TailRequest::default()).await.expect("open");
    assert!(server.stop().await.success());
    let ended = loop {
        match open.message().await {
            Ok(Some(_)) => {}
            other => break other,
        }
    };
    assert_eq!(ended.expect_err("it says why").code(), Code::Unavailable);
}
