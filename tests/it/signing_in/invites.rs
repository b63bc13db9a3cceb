//! Invitations.

use activitylog::control::snapshot::hash;
use serde_json::{Value, json};

use super::{Browser, CLOSED, PASSWORD, put, tenant, user, wait_for_entries};
use crate::support::Server;

fn invite(id: &str, more: Value) -> Value {
    let hour = jiff::Timestamp::now().as_millisecond() + 3_600_000;
    let mut row = json!({
        "id": id, "tenant_id": "acme", "email": format!("{id}@example.com"), "role": "member", "project_ids": ["p1", "p2", "gone"],
        "hash": hash(&format!("secret-{id}")), "created_by": "ann", "expires_at_ms": hour,
    });
    row.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_makes_its_user_once() {
    let server = Server::start_with(&CLOSED).await;
    put(&server, "tenants", &[tenant("acme"), tenant("default")]).await;
    put(&server, "users", &[user("taken", json!({"tenant_id": "acme"})), user("new", json!({}))]).await;
    let project = |id: &str, of: &str| json!({"id": id, "tenant_id": of, "slug": format!("{id}-slug"), "name": id});
    put(&server, "projects", &[project("p1", "acme"), project("p2", "default"), project("p3", "acme")]).await;
    put(&server, "roles", &[json!({"tenant_id": "acme", "name": "auditor", "permissions": ["audit.read"]})]).await;
    let invites = [
        invite("new", json!({})),
        invite("own", json!({"role": "auditor"})),
        invite("old", json!({"expires_at_ms": 1})),
        invite("roleless", json!({"role": "boss"})),
        invite("homeless", json!({"tenant_id": "nowhere"})),
        invite("taken", json!({})),
    ];
    put(&server, "invites", &invites).await;
    let mut browser = Browser::new(&server, "10.0.0.1");
    let lookup =
        async |id: &str| browser.post("/api/v1/invites/lookup", &json!({"secret": format!("secret-{id}")})).await;
    let accept = |id: &str, password: &str| json!({"secret": format!("secret-{id}"), "name": " Somebody New ", "password": password});
    assert_eq!(lookup("new").await.json(), json!({"email": "new@example.com", "tenant": "ACME", "role": "member"}));
    assert_eq!(lookup("own").await.json()["role"], "auditor");
    for id in ["old", "roleless", "homeless", "unknown", ""] {
        assert_eq!(lookup(id).await.status, 404, "{id}");
        assert_eq!(browser.post("/api/v1/invites/accept", &accept(id, PASSWORD)).await.status, 404, "{id}");
    }
    for (id, password, status) in [("new", "short", 400), ("new", "new@example.com", 400), ("taken", PASSWORD, 409)] {
        assert_eq!(browser.post("/api/v1/invites/accept", &accept(id, password)).await.status.as_u16(), status, "{id}");
    }
    let nameless = json!({"secret": "secret-new", "name": " ", "password": PASSWORD});
    assert_eq!(browser.post("/api/v1/invites/accept", &nameless).await.status, 400);
    let evil = [("origin", "https://evil.example")];
    let answer = browser.ask(hyper::Method::POST, "/api/v1/invites/accept", &evil, &accept("new", PASSWORD)).await;
    assert_eq!(answer.status, 403);

    // Two at once: one of them is the user.
    let first = browser.clone();
    let body = accept("new", PASSWORD);
    let (one, two) =
        tokio::join!(first.post("/api/v1/invites/accept", &body), browser.post("/api/v1/invites/accept", &body));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404]);
    let won = if one.status == 200 { one } else { two };
    browser.keep(&won);
    let me = browser.get("/api/v1/me").await.json();
    assert_eq!(
        (&me["tenant"], &me["user"]["name"], &me["user"]["role"]),
        (&json!("acme"), &json!("Somebody New"), &json!("member"))
    );
    // Of the projects that it named, the one that is there and the tenant's own.
    assert_eq!(me["projects"], json!(["p1-slug"]));
    let id = me["user"]["id"].as_str().expect("text");
    let by = format!("user_id = '{id}' AND tenant_id = 'acme'");
    wait_for_entries(&server, "invite.accept", &format!("{by} AND target_id = 'new'"), 1).await;
    wait_for_entries(&server, "user.add", &format!("{by} AND target_id = '{id}'"), 1).await;
    wait_for_entries(&server, "auth.login", &by, 1).await;
    let again = Browser::new(&server, "10.0.0.2");
    let body = json!({"email": "new@example.com", "password": PASSWORD, "tenant": "acme"});
    assert_eq!(again.post("/api/v1/session", &body).await.status, 200);
}
