//! `GET /api/v1/audit/activity` and `/api/v1/audit/users`.

use serde_json::{Value, json};

use super::{Site, entry};
use crate::reading::{ids, is_problem};
use crate::store::{percent, uuid};

const DAY: i64 = 86_400_000_000_000;

fn ago(days: i64) -> i64 {
    jiff::Timestamp::now().as_nanosecond() as i64 - days * DAY
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_is_the_tenants_and_thirty_days_long() {
    let site = Site::start(&[]).await;
    let root = site.user("default", "root", "super_admin", &[]).await;
    let eve = site.user("other", "eve", "super_admin", &[]).await;
    site.known(&eve).await;
    let full = json!({
        "event_type": "role.reassign_and_delete", "message": "ada moved 3 users", "user_id": "ada", "correlation_id": "c-1",
        "attributes": {"source": "editor", "users": "3"}, "source_ip": "192.0.2.1",
    });
    let rows = [
        entry(ago(1), 1, full),
        entry(ago(2), 2, json!({"event_type": "role.add"})),
        entry(ago(29), 3, json!({"event_type": "role.add", "user_id": "ada"})),
        entry(ago(31), 4, json!({"event_type": "role.added", "user_id": "ada"})),
        entry(ago(59), 5, json!({"user_id": "ada"})),
        entry(ago(1), 6, json!({"tenant_id": "other", "user_id": "ada"})),
    ];
    site.store.insert("activitylog.events", &rows).await;

    let page = site.json(&root, "/api/v1/audit/activity").await;
    assert_eq!(ids(&page), [1, 2, 3].map(uuid));
    let item = &page["items"][0];
    assert!(item["timestamp"].as_str().is_some_and(|time| time.ends_with('Z') && time.len() == 27), "{item}");
    let expected = json!({
        "id": uuid(1), "timestamp": item["timestamp"], "event_type": "role.reassign_and_delete", "description": "ada moved 3 users",
        "customer_id": "default", "user_id": "ada", "correlation_id": "c-1", "metadata": {"source": "editor", "users": "3"},
    });
    assert_eq!(item, &expected);
    assert_eq!(page["items"][1]["user_id"], Value::Null);
    assert_eq!(ids(&site.json(&eve, "/api/v1/audit/activity").await), [uuid(6)]);

    let instant =
        |days: i64| percent(&jiff::Timestamp::from_nanosecond(i128::from(ago(days))).expect("an instant").to_string());
    for (query, expected) in [
        ("user_id=ada".to_owned(), &[1, 3][..]),
        ("event_type=role.add".to_owned(), &[2, 3]),
        ("event_type=role.*".to_owned(), &[1, 2, 3]),
        ("event_type=role.%25".to_owned(), &[]),
        // Of more than thirty days, the newest thirty.
        (format!("from={}", instant(100)), &[1, 2, 3]),
        (format!("to={}", instant(30)), &[4, 5]),
        (format!("from={}&to={}", instant(100), instant(30)), &[4, 5]),
        (format!("from={}&to={}", instant(3), instant(2)), &[2]),
        ("limit=100000".to_owned(), &[1, 2, 3]),
    ] {
        let page = site.json(&root, &format!("/api/v1/audit/activity?{query}")).await;
        assert_eq!(ids(&page), expected.iter().copied().map(uuid).collect::<Vec<_>>(), "{query}");
    }
    let first = site.json(&root, "/api/v1/audit/activity?limit=2").await;
    let cursor = first["next_before_cursor"].as_str().expect("a cursor");
    let second = site.json(&root, &format!("/api/v1/audit/activity?limit=2&before_cursor={}", percent(cursor))).await;
    assert_eq!((ids(&first), ids(&second)), (vec![uuid(1), uuid(2)], vec![uuid(3)]));
    assert_eq!(second["next_before_cursor"], Value::Null);
    for (query, names) in
        [("from=x", "from"), ("before_cursor=1.2.3", "before_cursor"), ("limit=0", "limit"), ("q=1", "q")]
    {
        let path = format!("/api/v1/audit/activity?{query}");
        is_problem(&site.get(&root, &path).await, 400, names, &path);
    }
    let backwards = format!("/api/v1/audit/activity?from={}&to={}", instant(1), instant(2));
    is_problem(&site.get(&root, &backwards).await, 400, "from", &backwards);
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_in_the_tenant_is_found_by_name_or_address() {
    let site = Site::start(&[]).await;
    let root = site.user("default", "root", "super_admin", &[]).await;
    for n in 0..5 {
        site.user("default", &format!("user{n}"), "viewer", &[]).await;
    }
    let last = site.user("other", "user9", "super_admin", &[]).await;
    site.known(&last).await;
    let found = async |query: &str| ids(&site.json(&root, &format!("/api/v1/audit/users{query}")).await);
    assert_eq!(found("").await, ["root", "user0", "user1", "user2", "user3", "user4"]);
    assert_eq!(found("?q=USER3%40ex").await, ["user3"]);
    assert_eq!(found("?q=the%20ROOT").await, ["root"]);
    assert!(found("?q=user9").await.is_empty() && found("?q=%25").await.is_empty());
    let page = site.json(&root, "/api/v1/audit/users?limit=1").await;
    let root_row = json!({"id": "root", "name": "The root", "email": "root@example.com", "role": "super_admin"});
    assert_eq!(page["items"][0], root_row);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = site.json(&root, &format!("/api/v1/audit/users?limit=4&q=user{cursor}")).await;
        seen.extend(ids(&page));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ["user0", "user1", "user2", "user3", "user4"]);
    is_problem(&site.get(&root, "/api/v1/audit/users?cursor=%25").await, 400, "cursor", "a cursor");
}
