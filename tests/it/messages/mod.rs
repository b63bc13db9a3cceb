//! Native messages and audit entries, as an app sends them: over HTTP and gRPC, and what becomes of them.

mod bad_bodies;
mod grpc;
mod http;
mod once;
mod schemas;

use serde_json::{Value, json};

use crate::senders::{JSON, post};
use crate::support::{Answer, Server};

const MESSAGES: &str = "/api/v1/messages";
const AUDIT: &str = "/api/v1/audit/events";
const NDJSON: &str = "application/x-ndjson";

async fn send(server: &Server, path: &str, body: &Value) -> Answer {
    post(&server.api(path), &[("content-type", JSON)], body.to_string()).await
}

/// What the answer says, which must be a 202.
async fn taken(server: &Server, path: &str, body: &Value) -> Value {
    let answer = send(server, path, body).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()
}

fn all_of(accepted: u64) -> Value {
    json!({"accepted": accepted, "duplicates": 0, "rejected": []})
}

async fn wait_for(server: &Server, events: u64) {
    server.wait_for_count("SELECT count() FROM activitylog.events", events).await;
}

fn events(server: &Server) -> u64 {
    server.number("SELECT count() FROM activitylog.events")
}

/// The columns of the one event with this type.
fn row(server: &Server, event_type: &str, columns: &str) -> Vec<String> {
    let rows = server.sql(&format!("SELECT {columns} FROM activitylog.events WHERE event_type = '{event_type}'"));
    assert_eq!(rows.len(), 1, "{event_type}: {rows:?}");
    rows.into_iter().next().expect("one")
}
