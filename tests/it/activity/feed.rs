//! `GET /api/v1/activity`: what an item says, the order of pages, and the window of its limit.

use std::collections::HashSet;

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use super::{Site, entry};
use crate::reading::{ids, is_problem};
use crate::store::{nanoseconds, percent, uuid};
use crate::support::{Server, eventually, request};

const START: &str = "2026-05-12T12:00:00Z";

#[tokio::test(flavor = "multi_thread")]
async fn an_item_says_what_the_contract_says_and_nothing_else() {
    let site = Site::start(&[]).await;
    let start = nanoseconds(START);
    let full = json!({
        "project": "alpha", "user_id": "ada", "event_type": "task.failed", "target_type": "task", "target_id": "task-id",
        "outcome": "failure", "source_ip": "192.0.2.1", "message": "said elsewhere",
        "attributes": {"task_name": "send_invoices", "decision": "deny"},
    });
    let bare = json!({"event_type": "settings.edit", "outcome": "", "project": "unknown"});
    let rows = [
        entry(start, 1, full),
        entry(start - 1_000_000_000, 2, bare),
        // No entry of an audit trail.
        crate::store::event(start, 3, json!({})),
    ];
    site.store.insert("activitylog.events", &rows).await;
    eventually("the projects are known", async || {
        let page = site.server.json("/api/v1/projects/alpha/audit").await;
        page["items"].as_array()?.first().filter(|item| !item["project_id"].is_null()).map(drop)
    })
    .await;

    let feed = site.server.json("/api/v1/activity").await;
    let expected = json!({"items": [
        {
            "id": uuid(1), "project_id": "default-alpha", "project_slug": "alpha", "user_id": "ada", "action": "task.failed",
            "target_type": "task", "target_id": "task-id", "result": "failure", "outcome": "deny",
            "metadata": {"task_name": "send_invoices"}, "source_ip": "192.0.2.1", "occurred_at": "2026-05-12T12:00:00.000000+00:00",
        },
        {
            "id": uuid(2), "project_id": null, "project_slug": "unknown", "user_id": null, "action": "settings.edit",
            "target_type": "", "target_id": "", "result": "success", "outcome": "allow", "metadata": {}, "source_ip": null,
            "occurred_at": "2026-05-12T11:59:59.000000+00:00",
        },
    ], "next_before_cursor": null, "newest_cursor": format!("2026-05-12T12:00:00.000000+00:00|{}", uuid(1))});
    assert_eq!(feed, expected);

    // Where nothing is newer, the cursor stays; an unescaped plus in an address is a space.
    let newest = feed["newest_cursor"].as_str().expect("a cursor");
    for cursor in [percent(newest), newest.replace('|', "%7C")] {
        let page = site.server.json(&format!("/api/v1/activity?since_cursor={cursor}")).await;
        assert_eq!(page, json!({"items": [], "next_before_cursor": null, "newest_cursor": newest}));
    }
    let page = site.server.json(&format!("/api/v1/activity?limit=1&before_cursor={}", percent(newest))).await;
    assert_eq!(ids(&page), [uuid(2)]);
    let empty = site.server.json("/api/v1/activity?project_slug=beta").await;
    assert_eq!(empty, json!({"items": [], "next_before_cursor": null, "newest_cursor": null}));
    for (query, names) in [
        ("before_cursor=yesterday", "before_cursor"),
        ("since_cursor=2026-05-12T12:00:00Z", "since_cursor"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("page=2", "page"),
        ("limit=1&limit=2", "limit"),
    ] {
        let path = format!("/api/v1/activity?{query}");
        is_problem(&site.server.get(&path).await, 400, names, &path);
    }
    // An app's own entries come by their own door, and stand in the same feed.
    let body = json!({"event_type": "prompt.create", "project": "beta", "user_id": "bob", "attributes": {"n": 1, "deep": {"a": [1]}}});
    let url = site.server.api("/api/v1/audit/events");
    let answer =
        request(Method::POST, &url, &[("content-type", "application/json")], Bytes::from(body.to_string())).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let item = eventually("the app's entry is there", async || {
        let page = site.server.json("/api/v1/activity?project_slug=beta").await;
        page["items"].as_array().expect("items").first().cloned()
    })
    .await;
    assert_eq!((&item["action"], &item["user_id"]), (&json!("prompt.create"), &json!("bob")));
    assert_eq!(item["metadata"]["n"], "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_is_literal() {
    let site = Site::start(&[]).await;
    let start = nanoseconds(START);
    let actions = [
        "task.run",
        "task_run",
        "taskXrun",
        "task%run",
        "task*run",
        "task\\run",
        "task'run",
        "task\"run",
        "TASK.run",
        "%",
        "täsk",
    ];
    let rows: Vec<Value> =
        actions.iter().zip(0..).map(|(action, n)| entry(start + n, n as u128, json!({"event_type": action}))).collect();
    site.store.insert("activitylog.events", &rows).await;
    for prefix in
        ["task.", "task_", "task%", "task*", "task\\", "task'", "task\"", "%", "_", "tä", "task", "", "task.run.", "*"]
    {
        let page = site.server.json(&format!("/api/v1/activity?action_prefix={}", percent(prefix))).await;
        let found: HashSet<&str> = page["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|item| item["action"].as_str().expect("text"))
            .collect();
        let expected: HashSet<&str> = actions.into_iter().filter(|action| action.starts_with(prefix)).collect();
        assert_eq!(found, expected, "{prefix:?}");
    }
}

/// Who asks next: each may ask sixty times.
struct Askers<'s> {
    site: &'s Site,
    tokens: Vec<String>,
    asked: usize,
}

impl Askers<'_> {
    async fn page(&mut self, query: &str) -> Value {
        let token = &self.tokens[self.asked / 50];
        self.asked += 1;
        self.site.json(token, &format!("/api/v1/activity?{query}")).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_one_microsecond_are_neither_skipped_nor_repeated() {
    const ROWS: u128 = 230;
    let site = Site::start(&[]).await;
    let mut tokens = Vec::new();
    for n in 0..20 {
        tokens.push(site.user("default", &format!("admin{n}"), "admin", &[]).await);
    }
    site.known(&tokens[19]).await;
    let start = nanoseconds(START);
    // Nanoseconds in an order of their own, and some neighbours; twice, as two inserts that were not recognised as one.
    let id = |n: u128| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let same: Vec<Value> = (0..ROWS).map(|n| entry(start + ((n * 7919) % 1000) as i64, id(n), json!({}))).collect();
    let around = [entry(start - 1, 1, json!({})), entry(start + 1000, 2, json!({}))];
    site.store.insert("activitylog.events", &same).await;
    site.store.insert("activitylog.events", &same[..50]).await;
    site.store.insert("activitylog.events", &around).await;
    let all: HashSet<String> = (0..ROWS).map(|n| uuid(id(n))).chain([uuid(1), uuid(2)]).collect();

    let mut askers = Askers { site: &site, tokens, asked: 0 };
    let mut late = 10_000_u128;
    for size in [1, 7, 50] {
        // Backwards, while newer ones arrive.
        let first = askers.page("limit=200").await;
        let known: HashSet<String> = ids(&first).into_iter().collect();
        assert!(known.len() >= 150, "{}", known.len());
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = askers.page(&format!("limit={size}{cursor}")).await;
            seen.extend(ids(&page));
            if seen.len() % 5 == 0 {
                late += 1;
                site.store.insert("activitylog.events", &[entry(start + late as i64 * 1000, late, json!({}))]).await;
            }
            let Some(next) = page["next_before_cursor"].as_str() else { break };
            cursor = format!("&before_cursor={}", percent(next));
        }
        assert_eq!(seen.len(), seen.iter().collect::<HashSet<_>>().len(), "repeated, by {size}");
        let seen: HashSet<String> = seen.into_iter().collect();
        assert!(all.is_subset(&seen), "skipped, by {size}: {:?}", all.difference(&seen).collect::<Vec<_>>());

        // Forwards from before the first of them.
        let mut newest = format!("2026-05-12T11:00:00.000000+00:00|{}", uuid(0));
        let mut walked = Vec::new();
        loop {
            let page = askers.page(&format!("limit={size}&since_cursor={}", percent(&newest))).await;
            newest = page["newest_cursor"].as_str().expect("a cursor").to_owned();
            if ids(&page).is_empty() {
                break;
            }
            // Newest first, so that the walk goes from the end of each page.
            walked.extend(ids(&page).into_iter().rev());
        }
        assert_eq!(walked.len(), walked.iter().collect::<HashSet<_>>().len(), "repeated forwards, by {size}");
        let whole: HashSet<String> = walked.into_iter().collect();
        assert!(seen.is_subset(&whole), "skipped forwards, by {size}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sixty_first_within_a_minute_is_refused() {
    let site = Site::start(&[]).await;
    let ada = site.user("default", "ada", "admin", &[]).await;
    site.known(&ada).await;
    // Also those that ask for nonsense.
    for n in 0..60 {
        let path = if n % 2 == 0 { "/api/v1/activity" } else { "/api/v1/activity?limit=none" };
        let answer = site.get(&ada, path).await;
        assert_eq!(answer.status, if n % 2 == 0 { 200 } else { 400 }, "{n}: {}", answer.text());
    }
    let answer = site.get(&ada, "/api/v1/activity").await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.headers["retry-after"], "60");
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.text(), r#"{"detail": "activity feed rate limit exceeded (60/min per worker)"}"#);
    // Others have windows of their own, and so have other pages.
    assert_eq!(site.server.get("/api/v1/activity").await.status, 200);
    assert_eq!(site.get(&ada, "/api/v1/projects/alpha/audit").await.status, 200);
    // Nothing of this wrote an entry.
    assert_eq!(site.server.number("SELECT count() FROM activitylog.audit"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_from_before_the_table_are_copied_once() {
    let mut server = Server::start().await;
    let store = crate::store::Store::of(&server);
    let rows: Vec<Value> = (0..20).map(|n| entry(nanoseconds(START) + n, n as u128, json!({}))).collect();
    // As the version before left it.
    for sql in [
        "DROP TABLE pub.audit SYNC",
        "DROP TABLE activitylog.audit_from_events SYNC",
        "DROP TABLE activitylog.audit SYNC",
        "ALTER TABLE activitylog.schema_migrations DELETE WHERE version >= 10 SETTINGS mutations_sync = 1",
    ] {
        store.write(sql).await;
    }
    store.insert("activitylog.events", &rows).await;
    server.stop().await;
    server.start_again().await;
    let store = crate::store::Store::of(&server);
    assert_eq!(server.number("SELECT count() FROM activitylog.audit"), 20);
    // A start that broke off after the copy copies again.
    store
        .write("ALTER TABLE activitylog.schema_migrations DELETE WHERE version >= 10 SETTINGS mutations_sync = 1")
        .await;
    server.stop().await;
    server.start_again().await;
    let page = server.json("/api/v1/activity").await;
    assert_eq!(ids(&page).len(), 20);
}
