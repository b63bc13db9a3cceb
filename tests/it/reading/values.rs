//! `GET /api/v1/values`: what a filter may be set to.

use hyper::Method;
use serde_json::{Value, json};

use super::refused;
use crate::people::{acting, call, member, project, tenant};
use crate::store::{Store, event, nanoseconds};
use crate::support::Server;

const RANGE: &str = "from=2026-05-12T12:00:30Z&to=2026-05-12T12:02:30Z";

fn found(answer: &Value) -> Vec<(String, u64)> {
    let items = answer["items"].as_array().expect("items").iter();
    items
        .map(|item| (item["value"].as_str().expect("text").to_owned(), item["events"].as_u64().expect("a number")))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_used_come_first() {
    let server = Server::start_with(&[("ACTIVITYLOG_AUTH_ANONYMOUS_TENANT", "")]).await;
    for id in ["one", "two"] {
        tenant(&server, id);
    }
    project(&server, "one", "alpha");
    let (_, owner) = acting(&server, "one", "boss@one.example", "super_admin");
    let (_, stranger) = acting(&server, "two", "boss@two.example", "super_admin");
    let (insider, theirs) = acting(&server, "one", "ada@one.example", "member");
    member(&server, "one", &insider, "alpha");
    let (start, minute) = (nanoseconds("2026-05-12T12:00:00Z"), 60_000_000_000);
    let rows: Vec<Value> = (0..10)
        .map(|n| {
            let fields = json!({
                "tenant_id": "one", "project": if n < 3 { "alpha" } else { "" }, "user_id": if n == 0 { "Ada" } else { "bob" },
                "user_email": if n == 1 { "bob@example.com" } else { "" },
                "tool_name": if n % 2 == 0 { "Bash" } else { "" }, "repository": "o/r", "source": if n == 9 { "github" } else { "app" },
                "session_id": format!("s{n}"), "kind": if n == 8 { "audit" } else { "log" }, "event_type": "role.add",
            });
            // The last one is in a minute that the range has not.
            event(start + minute + if n == 9 { 5 * minute } else { n }, n as u128, fields)
        })
        .collect();
    Store::of(&server).insert("activitylog.events", &rows).await;
    let get = async |query: &str, token: &str| {
        let answer = call(&server, Method::GET, &format!("/api/v1/values?{RANGE}&{query}"), token, None).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        found(&answer.json())
    };
    let pair = |value: &str, events| (value.to_owned(), events);
    // From the rollup, and from the events.
    assert_eq!(get("field=user_id", &owner).await, [pair("bob", 8), pair("Ada", 1)]);
    assert_eq!(get("field=user_id&q=AD", &owner).await, [pair("Ada", 1)]);
    assert_eq!(get("field=user_id&limit=1", &owner).await, [pair("bob", 8)]);
    assert_eq!(get("field=project", &owner).await, [pair("alpha", 3)]);
    assert_eq!(get("field=tool_name", &owner).await, [pair("Bash", 5)]);
    assert_eq!(get("field=tool_name&project=alpha", &owner).await, [pair("Bash", 2)]);
    assert_eq!(get("field=repository&source=app", &owner).await, [pair("o/r", 9)]);
    assert_eq!(get("field=repository&source=github", &owner).await, []);
    assert_eq!(get("field=session_id&q=s7", &owner).await, [pair("s7", 1)]);
    assert_eq!(get("field=action", &owner).await, [pair("role.add", 1)]);
    for field in [
        "source",
        "class",
        "event_type",
        "service",
        "model",
        "environment",
        "provider",
        "operation",
        "feature",
        "error_type",
        "outcome",
        "severity",
        "target_type",
        "target_id",
        "team",
        "skill",
    ] {
        get(&format!("field={field}"), &owner).await;
        assert_eq!(get(&format!("field={field}"), &stranger).await, [], "{field}");
    }
    assert_eq!(get("field=user_id", &theirs).await, [pair("bob", 2), pair("Ada", 1)]);
    assert_eq!(get("field=session_id", &stranger).await, []);
    assert_eq!(get("field=action", &theirs).await, []);
    let users = call(&server, Method::GET, &format!("/api/v1/values?{RANGE}&field=user_id"), &owner, None).await;
    let items = json!([{"value": "bob", "events": 8, "label": "bob@example.com"}, {"value": "Ada", "events": 1}]);
    assert_eq!(users.json()["items"], items);

    let open = Server::start().await;
    for (query, names) in [
        ("", "field"),
        ("field=colour", "colour"),
        ("field=model&limit=0", "limit"),
        ("field=model&x=1", "x"),
        ("field=message", "message"),
    ] {
        refused(&open, &format!("/api/v1/values?{query}"), 400, names).await;
    }
}
