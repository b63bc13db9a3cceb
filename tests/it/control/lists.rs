//! Lists page by page, and who sees what in them.

use hyper::Method;
use serde_json::{Value, json};

use super::{Caller, server};
use crate::people::{acting, member, tenant, text};
use crate::support::{eventually, request};
use crate::webhooks::github_signature;

fn names(page: &Value, field: &str) -> Vec<String> {
    page["items"].as_array().expect("items").iter().map(|item| text(item, field)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_walked_page_by_page() {
    let server = server().await;
    tenant(&server, "acme");
    let boss = Caller { server: &server, token: acting(&server, "acme", "boss@a.b", "super_admin").1 };
    for slug in ["b", "a", "e", "d", "c"] {
        boss.post("/api/v1/projects", json!({"slug": slug, "description": "x"})).await;
    }
    let (mut seen, mut path) = (Vec::new(), "/api/v1/projects?limit=2".to_owned());
    loop {
        let page = boss.get(&path).await;
        seen.extend(names(&page, "slug"));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/projects?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ["a", "b", "c", "d", "e"]);
    boss.post("/api/v1/users", json!({"email": "grace@a.b", "name": "Grace Hopper", "role": "viewer"})).await;
    for (q, found) in [("HOPP", 1), ("race@", 1), ("a.b", 2), ("%25", 0)] {
        let page = boss.get(&format!("/api/v1/users?q={q}")).await;
        assert_eq!(page["items"].as_array().map(Vec::len), Some(found), "{q}: {page}");
    }
    let page = boss.get("/api/v1/roles").await;
    assert_eq!(names(&page, "name"), ["platform_admin", "super_admin", "admin", "member", "viewer"]);
    for list in ["tokens", "invites", "webhooks", "permissions"] {
        boss.get(&format!("/api/v1/{list}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_see_their_projects_and_no_others() {
    let server = server().await;
    tenant(&server, "acme");
    let boss = Caller { server: &server, token: acting(&server, "acme", "boss@a.b", "super_admin").1 };
    for slug in ["alpha", "beta"] {
        boss.post("/api/v1/projects", json!({"slug": slug, "name": slug})).await;
    }
    let (id, token) = acting(&server, "acme", "m@a.b", "member");
    let caller = Caller { server: &server, token };
    assert_eq!(names(&caller.get("/api/v1/projects").await, "slug"), [""; 0]);
    member(&server, "acme", "m@a.b", "alpha");
    assert_eq!(names(&caller.get("/api/v1/projects").await, "slug"), ["alpha"]);
    caller.get("/api/v1/projects/alpha").await;
    caller.refused(Method::GET, "/api/v1/projects/beta", Value::Null, 404, "no project").await;
    assert_eq!(names(&boss.get("/api/v1/projects/alpha/members").await, "user_id"), [id.as_str()]);
    let projects = boss.get(&format!("/api/v1/users/{id}")).await;
    assert_eq!(projects["projects"], json!(["alpha"]));
    // A token for one project sees that one, whoever it acts as.
    let bound = boss.post("/api/v1/tokens", json!({"kind": "api", "project": "beta"})).await;
    let bound = Caller { server: &server, token: text(&bound, "token") };
    assert_eq!(names(&bound.get("/api/v1/projects").await, "slug"), ["beta"]);
    bound.refused(Method::POST, "/api/v1/projects", json!({"slug": "x"}), 403, "one project").await;
    bound.refused(Method::POST, "/api/v1/tokens", json!({"kind": "ingest"}), 403, "your projects").await;
    boss.delete("/api/v1/projects/beta").await;
    assert_eq!(bound.ask(Method::GET, "/api/v1/me", None).await.status, 401);
    // A user of one tenant is nobody in another.
    tenant(&server, "other");
    let other = acting(&server, "other", "o@a.b", "admin").0;
    let path = format!("/api/v1/projects/alpha/members/{other}");
    boss.refused(Method::PUT, &path, Value::Null, 404, "no user").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_source_says_what_it_received() {
    let server = server().await;
    let boss = Caller { server: &server, token: acting(&server, "default", "boss@a.b", "super_admin").1 };
    let hook = boss.post("/api/v1/webhooks", json!({"kind": "github", "name": "w", "project": "p"})).await;
    let deliver = async |secret: &str, id: &str| {
        let signature = github_signature(secret, b"{}");
        let headers = [
            ("x-github-event", "push"),
            ("x-github-delivery", id),
            ("x-hub-signature-256", signature.as_str()),
            ("content-type", "application/json"),
        ];
        request(Method::POST, &text(&hook, "url"), &headers, "{}".into()).await.status
    };
    assert_eq!(deliver(&text(&hook, "secret"), "1").await, 200);
    eventually("the delivery is seen", async || {
        let page = boss.get("/api/v1/webhooks").await;
        assert!(!page.to_string().contains(&text(&hook, "secret")), "shown once");
        let item = &page["items"][0];
        (item["deliveries"] == 1 && item["last_received"].is_string()).then_some(())
    })
    .await;
    let path = format!("/api/v1/webhooks/{}", text(&hook, "id"));
    let rotated = boss.done(Method::POST, &format!("{path}/rotate"), Some(&json!({"keep_hours": 0})), 200).await;
    assert_ne!(rotated["secret"], hook["secret"]);
    assert_eq!(deliver(&text(&hook, "secret"), "2").await, 401);
    assert_eq!(deliver(&text(&rotated, "secret"), "2").await, 200);
    assert_eq!(boss.patch(&path, json!({"name": "v"})).await["name"], "v");
    boss.delete(&path).await;
    assert_eq!(deliver(&text(&rotated, "secret"), "3").await, 404);
}
