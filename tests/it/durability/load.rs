//! A sender like those out there: several connections, and the same bytes again until they are acknowledged.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::{Server, eventually};

const CONNECTIONS: usize = 6;
/// Records of one request.
pub const BATCH: u64 = 24;
/// One record of so many is a billable call.
const LEAF_EVERY: u64 = 4;

/// Sends until it is told to stop.
pub struct Load {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

struct Shared {
    /// Where to send; changes when the server comes back elsewhere.
    target: watch::Sender<String>,
    next: AtomicU64,
    acknowledged: AtomicU64,
    /// Sent again, for a broken connection or a 503.
    again: AtomicU64,
    /// Answers that were no 200.
    refused: Mutex<Vec<String>>,
    stop: AtomicBool,
}

/// What was sent in the end, all of it acknowledged.
#[derive(Debug)]
pub struct Sent {
    pub records: u64,
    /// Requests that had to be sent again.
    pub again: u64,
    /// Answers that were no 200.
    pub refused: Vec<String>,
}

/// A request of `BATCH` records with the serial numbers from `first`; in three partitions, some of them billable.
pub fn batch(first: u64) -> Bytes {
    let now = jiff::Timestamp::now().as_nanosecond() as i64;
    let record = |serial: u64| {
        let time = now - (serial % 3) as i64 * 7 * 86_400 * 1_000_000_000;
        let text = |key: &str, value: String| json!({"key": key, "value": {"stringValue": value}});
        let mut attributes = vec![text("serial", serial.to_string()), text("padding", random_hex(200))];
        let mut body = "tick";
        if serial.is_multiple_of(LEAF_EVERY) {
            body = "claude_code.api_request";
            attributes.extend([
                text("event.name", "api_request".to_owned()),
                text("request_id", format!("req_{serial}")),
                text("model", "claude-opus-4-8".to_owned()),
                text("input_tokens", "1".to_owned()),
            ]);
        }
        json!({"timeUnixNano": time.to_string(), "body": {"stringValue": body}, "attributes": attributes})
    };
    let (calls, plain): (Vec<u64>, Vec<u64>) =
        (first..first + BATCH).partition(|serial| serial.is_multiple_of(LEAF_EVERY));
    let records = |serials: Vec<u64>| serials.into_iter().map(record).collect::<Vec<_>>();
    let body = json!({"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "load"}}]},
        "scopeLogs": [
            {"scope": {"name": "com.anthropic.claude_code.events"}, "logRecords": records(calls)},
            {"scope": {"name": "load"}, "logRecords": records(plain)},
        ],
    }]});
    Bytes::from(body.to_string())
}

fn random_hex(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).expect("random bytes");
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Between the two, the upper one left out.
pub fn random(from: u64, to: u64) -> u64 {
    from + u64::from(getrandom::u32().expect("random bytes")) % (to - from)
}

impl Load {
    pub fn on(server: &Server) -> Load {
        let shared = Arc::new(Shared {
            target: watch::Sender::new(server.otlp("/v1/logs")),
            next: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            again: AtomicU64::new(0),
            refused: Mutex::default(),
            stop: AtomicBool::new(false),
        });
        let tasks = (0..CONNECTIONS).map(|_| tokio::spawn(connection(shared.clone()))).collect();
        Load { shared, tasks }
    }

    /// Requests that were acknowledged.
    pub fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(SeqCst)
    }

    /// Waits until so many more requests were acknowledged.
    pub async fn goes_on_for(&self, requests: u64) {
        let until = self.acknowledged() + requests;
        eventually("the load goes on", async || (self.acknowledged() >= until).then_some(())).await;
    }

    /// The server is at a new place.
    pub fn turn_to(&self, server: &Server) {
        self.shared.target.send_replace(server.otlp("/v1/logs"));
    }

    /// Sends no new requests, and returns when each one is acknowledged.
    pub async fn finish(self) -> Sent {
        self.shared.stop.store(true, SeqCst);
        for task in self.tasks {
            task.await.expect("a connection's task");
        }
        Sent {
            records: self.shared.next.load(SeqCst),
            again: self.shared.again.load(SeqCst),
            refused: std::mem::take(&mut self.shared.refused.lock().expect("no panic")),
        }
    }
}

async fn connection(shared: Arc<Shared>) {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    while !shared.stop.load(SeqCst) {
        let body = batch(shared.next.fetch_add(BATCH, SeqCst));
        let mut target = shared.target.subscribe();
        loop {
            let url = target.borrow_and_update().clone();
            let request = Request::post(url).header("content-type", "application/json").body(Full::new(body.clone()));
            let answer = async {
                let response = client.request(request.expect("a request")).await.ok()?;
                let status = response.status();
                // A head without its body is no acknowledgement.
                let body = response.into_body().collect().await.ok()?.to_bytes();
                Some((status, body))
            };
            match answer.await {
                Some((status, _)) if status == 200 => break,
                Some((status, body)) => {
                    let text = format!("{status}: {}", String::from_utf8_lossy(&body));
                    assert_eq!(status, 503, "{text}");
                    shared.refused.lock().expect("no panic").push(text);
                }
                None => {}
            }
            shared.again.fetch_add(1, SeqCst);
            // A sender's back-off.
            let _ = tokio::time::timeout(Duration::from_millis(50), target.changed()).await;
        }
        shared.acknowledged.fetch_add(1, SeqCst);
    }
}

/// Every event is in ClickHouse or in quarantine.
pub async fn nothing_waits(server: &Server) {
    eventually("everything is shipped", async || {
        let metrics = server.get("/metrics").await.text();
        metrics.contains("activitylog_spool_rows{table=\"events\"} 0\n").then_some(())
    })
    .await;
}

/// Each record is there exactly once: in the table, in the rollup (which adds up, so that nothing merges a second one away)
/// and in the usage.
pub async fn assert_exactly_once(server: &Server, sent: &Sent) {
    let records = sent.records;
    println!("{records} records; {} requests sent again, {} of them refused", sent.again, sent.refused.len());
    nothing_waits(server).await;
    let ours = "has(mapKeys(attributes), 'serial')";
    let found = server.sql(&format!(
        "SELECT count(), uniqExact(attributes['serial']), max(toUInt64OrZero(attributes['serial'])) + 1 \
         FROM activitylog.events WHERE {ours}"
    ));
    let numbers = |cells: &[u64]| vec![cells.iter().map(u64::to_string).collect::<Vec<_>>()];
    assert_eq!(found, numbers(&[records, records, records]), "events");
    let events = server.number("SELECT sum(events) FROM activitylog.events_by_minute WHERE service = 'load'");
    assert_eq!(events, records, "events_by_minute");
    let calls = records.div_ceil(LEAF_EVERY);
    let usage = server.sql("SELECT count(), uniqExact(usage_key), sum(input_tokens) FROM activitylog.usage");
    assert_eq!(usage, numbers(&[calls, calls, calls]), "usage");
}
