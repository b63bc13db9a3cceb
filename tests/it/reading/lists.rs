//! `GET /api/v1/messages`, and one of them: windows, filters, bounds, the shape of an item.

use serde_json::{Value, json};

use super::{ids, refused};
use crate::store::{Store, event, nanoseconds, percent, uuid};
use crate::support::Server;

const START: &str = "2026-05-12T12:00:00Z";
/// Every column of an item (too many for `json!`).
const FULL: &str = r#"{
    "kind": "span", "received_at": "2026-05-12T12:00:01.5Z", "project": "alpha", "repository": "owner/name", "environment": "production",
    "service": "api", "user_id": "ada", "user_email": "ada@example.com", "session_id": "s-1", "correlation_id": "c-1",
    "source_ip": "192.0.2.1", "duration_ns": 9007199254740993, "severity": "info", "message": "hello", "target_type": "task",
    "target_id": "7", "trace_id": "abcdef0123456789abcdef0123456789", "span_id": "0123456789abcdef",
    "parent_span_id": "fedcba9876543210", "provider": "anthropic", "model": "claude-x", "operation": "chat", "feature": "search",
    "tool_name": "Bash", "error_type": "timeout", "input_tokens": 1, "output_tokens": 2, "cache_read_tokens": 3,
    "cache_creation_tokens": 4, "cache_creation_1h_tokens": 5, "reasoning_tokens": 6, "cost_usd": "0.000000001",
    "cost_reported_usd": "123456789.000000001", "cost_origin": "reported", "price_version": "2026-05", "usage_role": "leaf",
    "usage_key": "call-1", "status_code": 200, "attributes": {"a": "1", "b": ""}, "resource": {"host.name": "h"}
}"#;
const WINDOW: &str = "from=2026-05-12T12:00:00Z&to=2026-05-12T13:00:00Z";

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_finds_its_rows_and_no_others() {
    let server = Server::start().await;
    let store = Store::of(&server);
    let start = nanoseconds(START);
    let special = [
        json!({"project": "alpha"}),
        json!({"source": "github"}),
        json!({"event_class": "llm"}),
        json!({"event_class": "tool"}),
        json!({"event_type": "pull_request.merged"}),
        json!({"event_type": "pull_request.opened"}),
        json!({"severity": "error"}),
        json!({"outcome": "failure"}),
        json!({"user_id": "ada"}),
        json!({"session_id": "s-1"}),
        json!({"trace_id": "abcdef0123456789abcdef0123456789"}),
        json!({"model": "claude-x"}),
        json!({"message": "Deploying WIDGETS 100% _done_ Ünïcode"}),
        json!({"attributes": {"colour": "Ultramarine?"}}),
        json!({"tool_name": "Bash"}),
        json!({"user_email": "ada@example.com"}),
        json!({"message": "a\ttab, a \\ and 'quotes' \"both\"\nand a line"}),
        json!({"service": "api"}),
        json!({"repository": "owner/name"}),
        json!({"provider": "aws.bedrock"}),
        json!({"environment": "staging"}),
        json!({"feature": "search"}),
        json!({"error_type": "timeout"}),
        json!({"target_type": "task"}),
        json!({"target_id": "7"}),
    ];
    let rows: Vec<_> =
        (0..40).map(|n| event(start + n, n as u128, special.get(n as usize).cloned().unwrap_or(json!({})))).collect();
    store.insert("activitylog.events", &rows).await;

    for (query, expected) in [
        ("project=alpha", &[0][..]),
        ("project=alpha&source=app", &[0]),
        ("project=alpha&source=github", &[]),
        ("source=github", &[1]),
        ("class=llm", &[2]),
        ("class=llm,tool", &[2, 3]),
        ("class=llm,,tool,", &[2, 3]),
        ("class=error", &[]),
        ("event_type=pull_request.merged", &[4]),
        ("event_type=pull_request.*", &[4, 5]),
        ("event_type=pull_request.mer*", &[4]),
        ("event_type=pull_request", &[]),
        ("event_type=pull%25*", &[]),
        ("severity=error", &[6]),
        ("outcome=failure", &[7]),
        ("user_id=ada", &[8]),
        ("session_id=s-1", &[9]),
        ("trace_id=ABCDEF0123456789abcdef0123456789", &[10]),
        ("model=claude-x", &[11]),
        ("q=widgets", &[12]),
        ("q=100%25%20_done_", &[12]),
        ("q=%C3%BCN%C3%8FCODE", &[12]),
        ("q=ULTRAmarine", &[13]),
        ("q=marine%3F", &[13]),
        ("q=Bash", &[14]),
        ("q=bas", &[]),
        ("q=s-1", &[9]),
        ("q=ada@example.com", &[15]),
        ("q=a%09tab", &[16]),
        ("q=%5C%20and%20%27quotes%27%20%22both%22%0Aand", &[16]),
        ("q=pull_request.m", &[4]),
        ("q=nowhere", &[]),
        ("tool_name=Bash", &[14]),
        ("service=api", &[17]),
        ("repository=owner/name", &[18]),
        ("provider=aws.bedrock", &[19]),
        ("environment=staging", &[20]),
        ("feature=search", &[21]),
        ("error_type=timeout", &[22]),
        ("target_type=task", &[23]),
        ("target_id=7", &[24]),
        ("target_id=7&target_type=task", &[]),
    ] {
        let mut found = ids(&server.json(&format!("/api/v1/messages?{WINDOW}&{query}")).await);
        found.reverse();
        let expected: Vec<String> = expected.iter().map(|id| uuid(*id)).collect();
        assert_eq!(found, expected, "{query}");
    }
    // The whole window, and an empty value, which is as good as none.
    for query in ["", "&project=", "&q=&class="] {
        assert_eq!(
            ids(&server.json(&format!("/api/v1/messages?{WINDOW}&limit=200{query}")).await).len(),
            40,
            "{query}"
        );
    }
    windows_and_limits(&server, start).await;
}

async fn windows_and_limits(server: &Server, start: i64) {
    let at = |ns: i64| percent(&crate::store::instant(ns));
    // From is in, to is out; the order is newest first.
    let page = server.json(&format!("/api/v1/messages?from={}&to={}", at(start + 10), at(start + 13))).await;
    assert_eq!(ids(&page), [uuid(12), uuid(11), uuid(10)]);
    assert_eq!(page["next_before_cursor"], json!(null));
    assert!(page["newest_cursor"].is_string());
    // Another offset, and no rows at all.
    assert_eq!(
        ids(&server.json("/api/v1/messages?from=2026-05-12T14:00:00%2B02:00&to=2026-05-12T15:00:00%2B02:00").await)
            .len(),
        40
    );
    let empty = server.json("/api/v1/messages?from=1970-01-01T00:00:00Z&to=1971-01-01T00:00:00Z").await;
    assert_eq!(empty, json!({"items": [], "next_before_cursor": null, "newest_cursor": null}));
    assert_eq!(ids(&server.json("/api/v1/messages").await), [""; 0], "by default the last hour");
    assert_eq!(
        ids(&server.json("/api/v1/messages?from=1000-01-01T00:00:00Z&to=9999-01-01T00:00:00Z&limit=3").await).len(),
        3
    );

    for (limit, expected) in [(1, 1), (39, 39), (40, 40), (200, 40)] {
        let page = server.json(&format!("/api/v1/messages?{WINDOW}&limit={limit}")).await;
        assert_eq!(ids(&page).len(), expected);
        assert_eq!(page["next_before_cursor"].is_string(), expected < 40, "{limit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_wrongly_is_named() {
    let server = Server::start().await;
    for (query, names) in [
        ("colour=red", "colour"),
        ("limit=1&Limit=1", "Limit"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=many", "limit"),
        ("limit=1.5", "limit"),
        ("limit=1&limit=1", "limit"),
        ("from=yesterday", "from"),
        ("to=2026-13-01T00:00:00Z", "to"),
        ("from=2026-05-12", "from"),
        ("from=2026-05-12T12:00:00", "from"),
        ("from=2026-05-12T12:00:00Z&to=2026-05-12T12:00:00Z", "from"),
        ("from=2026-05-12T12:00:01Z&to=2026-05-12T12:00:00Z", "from"),
        ("class=colour", "colour"),
        ("class=llm;tool", "class"),
        ("before_cursor=x", "before_cursor"),
        ("since_cursor=1.2.3", "since_cursor"),
        ("before_cursor=-5.0.00000000-0000-0000-0000-000000000000", "before_cursor"),
        ("since_cursor=0.9223372036854775807.00000000-0000-0000-0000-000000000000", "since_cursor"),
    ] {
        refused(&server, &format!("/api/v1/messages?{query}"), 400, names).await;
    }
    for (path, names) in [
        ("timeline?bucket=2m", "bucket"),
        ("timeline?group_by=colour", "group_by"),
        ("timeline?limit=5", "limit"),
        ("timeline?bucket=1s&from=1970-01-01T00:00:00Z", "buckets"),
        ("points?limit=20001", "limit"),
        ("points?before_cursor=x", "before_cursor"),
        ("stream?limit=1", "limit"),
        ("stream?since_cursor=x", "since_cursor"),
        ("stream?from=2026-05-12T12:00:00Z", "from"),
        ("00000000-0000-0000-0000-000000000000?maps=1", "maps"),
    ] {
        refused(&server, &format!("/api/v1/messages/{path}"), 400, names).await;
    }
    let long = "x".repeat(5_000);
    for name in ["q", "project", "event_type"] {
        refused(&server, &format!("/api/v1/messages?{name}={long}"), 400, name).await;
    }
    refused(&server, "/api/v1/me?verbose=1", 400, "verbose").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_has_its_columns_by_name_and_leaves_empty_ones_out() {
    let server = Server::start().await;
    let store = Store::of(&server);
    let start = nanoseconds(START);
    let full: Value = serde_json::from_str(FULL).expect("JSON");
    let rows = [
        event(start + 123_456_789, 1, full),
        event(start + 2, 2, json!({})),
        // Words of a reader's own are never taken for "empty".
        event(start + 3, 3, json!({"message": "none", "user_id": "none", "outcome": "none", "target_id": "0"})),
        // Nothing is not the same as not known.
        event(start + 4, 4, json!({"cost_origin": "computed", "cost_usd": "0", "cost_reported_usd": null})),
    ];
    store.insert("activitylog.events", &rows).await;
    let page = server.json(&format!("/api/v1/messages?{WINDOW}")).await;
    insta::assert_json_snapshot!("items", page["items"]);

    let one = server.json(&format!("/api/v1/messages/{}", uuid(1))).await;
    assert_eq!(one["attributes"], json!({"a": "1", "b": ""}));
    assert_eq!(one["resource"], json!({"host.name": "h"}));
    let mut without = one.clone();
    let fields = without.as_object_mut().expect("an object");
    fields.retain(|name, _| name != "attributes" && name != "resource");
    assert_eq!(without, page["items"][0], "but for the maps it is the item of the list");
    let bare = server.json(&format!("/api/v1/messages/{}", uuid(2))).await;
    assert_eq!((&bare["attributes"], &bare["resource"]), (&json!({}), &json!({})));

    for unknown in [uuid(9), "not-an-id".to_owned(), "%2e%2e".to_owned(), "%FF".to_owned()] {
        refused(&server, &format!("/api/v1/messages/{unknown}"), if unknown == "%FF" { 400 } else { 404 }, "").await;
    }
}
