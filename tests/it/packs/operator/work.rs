//! Work that native messages say has started and finished.

use serde_json::{Value, json};

use super::{DAY, HOUR, MINUTE, SECOND, every_panel_answers, range, rows};
use crate::senders::{JSON, post};
use crate::store::instant;
use crate::support::Server;
use crate::webhooks::fixtures::KEEP;

const PATH: &str = "/api/v1/messages";

fn message(event_type: &str, at: i64, more: Value) -> Value {
    let mut message = json!({"event_type": event_type, "timestamp": instant(at)});
    message.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    message
}

/// What is sent for a range that begins at `from`.
fn messages(from: i64) -> Vec<Value> {
    let mut messages = Vec::new();
    for i in 0..20i64 {
        let at = from + i * 5 * MINUTE;
        let id = json!({"correlation_id": format!("r{i}"), "project": "reports", "user_id": "ana"});
        messages.push(message("report.render.started", at, id.clone()));
        // Of twenty, two are still open, three failed, one was cancelled.
        let end = match i {
            4 | 9 => continue,
            5 | 10 | 15 => "report.render.failed",
            6 => "report.render.cancelled",
            _ => "report.render.finished",
        };
        messages.push(message(end, at + (i + 1) * SECOND, id));
    }
    for i in 0..6i64 {
        // The same target again and again, a session's; the end says how long it took.
        let more = json!({"session_id": "s1", "target_type": "file", "target_id": "a.csv"});
        let mut done = more.clone();
        done["duration_ms"] = json!(250);
        messages.push(message("import_started", from + i * MINUTE, more));
        messages.push(message("import_completed", from + i * MINUTE + 2 * SECOND, done));
    }
    messages.extend([
        // Began before the range, ended in it; began before it and is open; ended before it.
        message("backup.started", from - 2 * HOUR, json!({"correlation_id": "b1"})),
        message("backup.done", from + HOUR, json!({"correlation_id": "b1"})),
        message("backup.started", from - 3 * HOUR, json!({"correlation_id": "b2"})),
        message("backup.started", from - 5 * HOUR, json!({"correlation_id": "b3"})),
        message("backup.finished", from - 4 * HOUR, json!({"correlation_id": "b3"})),
        // Twice begun, once ended; and two that nothing ties together.
        message("sync.started", from + MINUTE, json!({"correlation_id": "y"})),
        message("sync.started", from + 3 * MINUTE, json!({"correlation_id": "y"})),
        message("sync.finished", from + 4 * MINUTE, json!({"correlation_id": "y"})),
        message("sync.started", from + MINUTE, json!({})),
        message("sync.finished", from + 2 * MINUTE, json!({})),
        // Not of this kind.
        message("invoice.sent", from + MINUTE, json!({"duration_ms": 9})),
    ]);
    messages
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_and_ends_are_paired_and_what_is_open_is_told() {
    let server = Server::start_with(KEEP).await;
    let now = i64::try_from(jiff::Timestamp::now().as_nanosecond()).expect("in range");
    let from = now - now % HOUR - 3 * DAY;
    let messages = messages(from);
    let count = messages.len() as u64;
    let answer = post(&server.api(PATH), &[("content-type", JSON)], Value::Array(messages).to_string()).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["accepted"]), (202, &json!(count)), "{}", answer.text());
    server.wait_for_count("SELECT sum(events) FROM activitylog.events_by_minute", count).await;

    let whole = range(from, from + 4 * HOUR);
    let names =
        ["operation", "completed", "failed", "cancelled", "open", "restarted", "unpaired", "p50_ms", "longest_ms"];
    let found = rows(&server, "duration-messages", &whole, &names).await;
    // Renders took 1 to 20 seconds, but for 5 and 10: the median of 18.
    let expected = [
        ["report.render", "14", "3", "1", "2", "0", "0", "12000", "20000"],
        ["import", "6", "0", "0", "0", "0", "0", "250", "250"],
        ["backup", "1", "0", "0", "1", "0", "0", "10800000", "10800000"],
        ["sync", "2", "0", "0", "0", "1", "1", "60000", "60000"],
    ];
    assert_eq!(found, expected);

    let open =
        rows(&server, "open-work", &whole, &["operation", "correlation_id", "time", "open_for_ms", "user_id"]).await;
    let expected = [
        ("backup", "b2", -3 * HOUR, ""),
        ("report.render", "r4", 20 * MINUTE, "ana"),
        ("report.render", "r9", 45 * MINUTE, "ana"),
    ];
    assert_eq!(open.len(), expected.len(), "{open:?}");
    for (row, (operation, id, at, user)) in open.iter().zip(expected) {
        let at = from + at;
        assert_eq!((&row[0][..], &row[1][..], &row[4][..]), (operation, id, user));
        assert_eq!(crate::store::nanoseconds(&row[2]), at);
        assert_eq!(row[3].parse::<f64>(), Ok((from + 4 * HOUR - at) as f64 / 1e6));
    }
    let steps = rows(&server, "work-over-time", &whole, &["completed", "failed", "cancelled"]).await;
    let sum = |at: usize| steps.iter().map(|row| row[at].parse::<u64>().expect("a number")).sum::<u64>();
    assert_eq!((sum(0), sum(1), sum(2)), (23, 3, 1));

    // Of one project, and of one piece of work alone: what ends after the range is open in it.
    let query = [&whole[..], &[("project", "reports".to_owned())]].concat();
    assert_eq!(rows(&server, "duration-messages", &query, &["operation"]).await, [["report.render"]]);
    let query = [&range(from, from + SECOND)[..], &[("project", "reports".to_owned())]].concat();
    assert_eq!(
        rows(&server, "duration-messages", &query, &["operation", "completed", "open"]).await,
        [["report.render", "0", "1"]]
    );
    let empty = [("from", "2026-01-01T00:00:00Z"), ("to", "2026-01-02T00:00:00Z")];
    every_panel_answers(&server, "", "app-operator", empty).await;
}
