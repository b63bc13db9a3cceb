//! `GET /api/v1/messages/stream`: server-sent events, and a place in them that survives whatever ends a stream.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::is_problem;
use crate::support::{Answer, Server, eventually, logs, record, request};

const PATIENCE: Duration = Duration::from_secs(60);

/// A browser's EventSource, as far as it matters.
struct Sse {
    body: Incoming,
    text: String,
    /// What `Last-Event-ID` would be.
    last_id: String,
}

/// What stands between two blank lines.
#[derive(Debug, Default)]
struct Block {
    event: String,
    data: Option<Value>,
    comment: String,
}

async fn open(server: &Server, query: &str, last_id: &str) -> Result<Sse, Answer> {
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut ask =
        Request::get(server.api(&format!("/api/v1/messages/stream{query}"))).header("accept", "text/event-stream");
    if !last_id.is_empty() {
        ask = ask.header("last-event-id", last_id);
    }
    let answer = client.request(ask.body(Empty::new()).expect("a request")).await.expect("an answer");
    let (head, body) = answer.into_parts();
    if head.status != 200 {
        let body = body.collect().await.expect("a body").to_bytes();
        return Err(Answer { status: head.status, headers: head.headers, body });
    }
    assert_eq!(head.headers["content-type"], "text/event-stream");
    assert_eq!(head.headers["cache-control"], "no-store");
    let mut sse = Sse { body, text: String::new(), last_id: last_id.to_owned() };
    let greeting = sse.block().await.expect("a greeting");
    assert!(greeting.data.is_none() && !greeting.comment.is_empty(), "{greeting:?}");
    Ok(sse)
}

async fn must_open(server: &Server, query: &str, last_id: &str) -> Sse {
    open(server, query, last_id).await.unwrap_or_else(|answer| panic!("{}: {}", answer.status, answer.text()))
}

async fn send(server: &Server, messages: &[&str]) {
    let records: Vec<Value> = messages.iter().map(|message| record(message, 0, &[("user.id", message)])).collect();
    server.send_json("logs", &logs("app", &records)).await;
}

// === impl Sse ===

impl Sse {
    /// `None`: the stream ended.
    async fn block(&mut self) -> Option<Block> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(self.read(&block));
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("something comes");
            let data = frame?.ok()?.into_data().expect("data");
            self.text.push_str(std::str::from_utf8(&data).expect("UTF-8"));
        }
    }

    fn read(&mut self, text: &str) -> Block {
        let mut block = Block::default();
        for line in text.lines() {
            match line.split_once(": ").unwrap_or((line, "")) {
                ("", comment) => block.comment = comment.to_owned(),
                ("id", id) => self.last_id = id.to_owned(),
                ("event", name) => block.event = name.to_owned(),
                ("data", data) => block.data = Some(serde_json::from_str(data).expect("JSON")),
                _ => panic!("unexpected line {line:?}"),
            }
        }
        block
    }

    /// The next `count` messages, in the order in which they came.
    async fn messages(&mut self, count: usize) -> Vec<String> {
        let mut messages = Vec::new();
        while messages.len() < count {
            let block = self.block().await.expect("the stream goes on");
            assert_eq!(block.event, "");
            messages.extend(block.data.map(|item| item["message"].as_str().expect("a message").to_owned()));
        }
        messages
    }
}

fn sorted(mut messages: Vec<String>) -> Vec<String> {
    messages.sort();
    messages
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_arrives_and_a_stream_resumes_without_gap_or_repeat() {
    let server = Server::start().await;
    let mut earlier = must_open(&server, "", "").await;
    send(&server, &["before"]).await;
    assert_eq!(earlier.messages(1).await, ["before"]);
    let mut stream = must_open(&server, "", "").await;
    send(&server, &["one"]).await;
    assert_eq!(stream.messages(1).await, ["one"], "and nothing from before");
    send(&server, &["two a", "two b", "two c"]).await;
    assert_eq!(sorted(stream.messages(3).await), ["two a", "two b", "two c"]);

    // Left in the middle of a commit: of three rows at one instant one was seen.
    let mut half = must_open(&server, "", "").await;
    send(&server, &["three a", "three b", "three c"]).await;
    let first = half.messages(1).await;
    let place = half.last_id.clone();
    drop(half);
    send(&server, &["four"]).await;
    let mut resumed = must_open(&server, "", &place).await;
    let mut seen = resumed.messages(3).await;
    assert_eq!(seen.pop().as_deref(), Some("four"), "in the order of arrival");
    assert_eq!(sorted([first, seen].concat()), ["three a", "three b", "three c"]);

    // A place as a parameter is as good, and the header goes before it: a browser sends both.
    let mut again = must_open(&server, &format!("?since_cursor={place}"), "").await;
    assert_eq!(again.messages(3).await.len(), 3);
    let mut header = must_open(&server, &format!("?since_cursor={place}"), &again.last_id).await;
    send(&server, &["five"]).await;
    assert_eq!(header.messages(1).await, ["five"]);

    // An item is the item of the lists, and its id the cursor that they take.
    let page = server.json(&format!("/api/v1/messages?before_cursor={}&limit=200", header.last_id)).await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(9));
    let refused = open(&server, "", "not a place").await.err().expect("refused");
    is_problem(&refused, 400, "Last-Event-ID", "stream");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_has_a_place_before_its_first_event() {
    let server = Server::start().await;
    let stream = must_open(&server, "", "").await;
    assert_ne!(stream.last_id, "", "whoever loses it now must find what came meanwhile");
    let place = stream.last_id.clone();
    drop(stream);
    send(&server, &["meanwhile"]).await;
    server.wait_for_count("SELECT count() FROM activitylog.events", 1).await;
    assert_eq!(must_open(&server, "", &place).await.messages(1).await, ["meanwhile"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_keeps_to_its_filters() {
    let server = Server::start().await;
    let mut ada = must_open(&server, "?user_id=ada", "").await;
    let mut all = must_open(&server, "?class=app,error&event_type=*", "").await;
    for name in ["bob", "ada", "eve"] {
        send(&server, &[name]).await;
    }
    let seen = all.messages(3).await;
    assert_eq!(seen, ["bob", "ada", "eve"]);
    assert_eq!(ada.messages(1).await, ["ada"]);
    send(&server, &["eve"]).await;
    send(&server, &["ada"]).await;
    assert_eq!(ada.messages(1).await, ["ada"]);
    assert_eq!(all.messages(2).await, ["eve", "ada"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn past_the_limit_streams_are_refused_until_one_is_closed() {
    let server = Server::start_with(&[("ACTIVITYLOG_LIMITS_STREAMS", "2")]).await;
    let (one, _two) = (must_open(&server, "", "").await, must_open(&server, "", "").await);
    let refused = open(&server, "", "").await.err().expect("one too many");
    is_problem(&refused, 429, "limits.streams", "stream");
    assert!(refused.headers.contains_key("retry-after"));
    assert!(server.get("/metrics").await.text().contains("\nactivitylog_streams 2\n"));
    drop(one);
    eventually("there is room again", async || open(&server, "", "").await.ok()).await;
}

/// More watchers than the engine lets `reader` ask at once, all woken by the same event.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_streams_are_woken_together_and_none_is_lost() {
    let server = Server::start().await;
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(must_open(&server, "", "").await);
    }
    for round in ["one", "two"] {
        send(&server, &[round]).await;
        for stream in &mut streams {
            assert_eq!(stream.messages(1).await, [round]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_the_engine_costs_a_watcher_nothing() {
    let server = Server::start().await;
    let mut stream = must_open(&server, "", "").await;
    send(&server, &["before"]).await;
    let mut seen = stream.messages(1).await;
    let engine = rustix::process::Pid::from_raw(server.engine_pid() as i32).expect("a pid");
    rustix::process::kill_process(engine, rustix::process::Signal::KILL).expect("our grandchild");
    send(&server, &["while it is down"]).await;
    send(&server, &["and another"]).await;
    // The stream goes on, or ends and is taken up again, as a browser does.
    while seen.len() < 3 {
        match stream.block().await {
            Some(block) => seen.extend(block.data.map(|item| item["message"].as_str().expect("a message").to_owned())),
            None => {
                let place = stream.last_id.clone();
                stream = must_open(&server, "", &place).await;
            }
        }
    }
    assert_eq!(seen, ["before", "while it is down", "and another"]);
}

/// What was fsynced before a crash and reached ClickHouse after it belongs to a watcher who comes back.
#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_outlives_the_server() {
    let mut server = Server::start().await;
    let mut stream = must_open(&server, "", "").await;
    send(&server, &["one"]).await;
    assert_eq!(stream.messages(1).await, ["one"]);
    let place = stream.last_id.clone();
    for message in ["two", "three", "four"] {
        send(&server, &[message]).await;
    }
    server.kill();
    server.start_again().await;
    let mut stream = must_open(&server, "", &place).await;
    assert_eq!(stream.messages(3).await, ["two", "three", "four"]);
}

/// Far behind, with more than one look can bring: the watcher is told and moved forward, and goes on from there.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_far_behind_is_told_and_moved_forward() {
    let server = Server::start().await;
    let stream = must_open(&server, "", "").await;
    let place = stream.last_id.clone();
    drop(stream);
    let names: Vec<String> = (0..700).map(|n| format!("old {n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    send(&server, &names).await;
    server.wait_for_count("SELECT count() FROM activitylog.events", 700).await;
    // The cursor of an hour ago: its time is what says how far behind one is.
    let id = place.rsplit_once('.').map(|(_, id)| id.to_owned()).expect("a cursor");
    let hour_ago = jiff::Timestamp::now().as_millisecond() - 3_600_000;
    // 700 rows of one commit are newer than five seconds, so nobody is moved: all arrive, each once.
    let mut behind = must_open(&server, "", &format!("0.{hour_ago}.{id}")).await;
    let found = sorted(behind.messages(700).await);
    assert_eq!(found, sorted(names.iter().map(|name| (*name).to_owned()).collect()));

    // Rows that really are old.
    let store = crate::store::Store::of(&server);
    let rows: Vec<Value> = (0..600)
        .map(|n| {
            let ns = (hour_ago + 1000) * 1_000_000;
            crate::store::event(ns, n, serde_json::json!({"message": "very old"}))
        })
        .collect();
    store.insert("activitylog.events", &rows).await;
    let mut behind = must_open(&server, "", &format!("0.{hour_ago}.{id}")).await;
    let skipped = loop {
        let block = behind.block().await.expect("the stream goes on");
        if !block.event.is_empty() || block.data.is_some() {
            break block;
        }
    };
    assert_eq!(skipped.event, "skipped");
    send(&server, &["fresh"]).await;
    assert_eq!(behind.messages(1).await, ["fresh"]);
    let head = request(hyper::Method::HEAD, &server.api("/api/v1/messages/stream"), &[], Bytes::new()).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
}
