//! What nobody may do, whatever their role: give more than they have, leave a tenant without anybody, reach another's.

use hyper::Method;
use serde_json::{Value, json};

use super::{Caller, server};
use crate::people::{acting, said, tenant, text};
use crate::support::request;

const USERS: &str = "/api/v1/users";
const ROLES: &str = "/api/v1/roles";
const TOKENS: &str = "/api/v1/tokens";

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_away_what_they_do_not_have() {
    let server = server().await;
    tenant(&server, "acme");
    let caller = |token| Caller { server: &server, token };
    let (boss, token) = acting(&server, "acme", "boss@a.b", "super_admin");
    let boss_calls = caller(token);
    let admin = caller(acting(&server, "acme", "admin@a.b", "admin").1);
    let user = |email: &str, role: &str| json!({"email": email, "role": role});

    // Admins lack audit.read, which super admins have; neither has tenants.manage.
    admin.refused(Method::POST, USERS, user("x@a.b", "super_admin"), 403, "audit.read").await;
    boss_calls.refused(Method::POST, USERS, user("x@a.b", "platform_admin"), 403, "platform admin").await;
    admin.refused(Method::POST, "/api/v1/invites", user("x@a.b", "super_admin"), 403, "audit.read").await;
    let of_boss = format!("{USERS}/{boss}");
    for body in [json!({"role": "viewer"}), json!({"disabled": true}), json!({"name": "x"})] {
        admin.refused(Method::PATCH, &of_boss, body, 403, "audit.read").await;
    }
    admin.refused(Method::DELETE, &of_boss, Value::Null, 403, "audit.read").await;
    let role = |name: &str, permission: &str| json!({"name": name, "permissions": ["events.read", permission]});
    admin.refused(Method::POST, ROLES, role("x", "audit.read"), 403, "audit.read").await;
    boss_calls.refused(Method::POST, ROLES, role("x", "tenants.manage"), 400, "tenants.manage").await;
    boss_calls.refused(Method::POST, ROLES, role("x", "fly"), 400, "no permission").await;
    boss_calls.refused(Method::POST, ROLES, role("admin", "sql.query"), 409, "already").await;
    boss_calls.refused(Method::PATCH, "/api/v1/roles/viewer", json!({}), 409, "comes with the product").await;
    boss_calls.post(ROLES, role("auditor", "audit.read")).await;
    let auditor = format!("{ROLES}/auditor");
    admin.refused(Method::PATCH, &auditor, json!({"permissions": []}), 403, "audit.read").await;
    admin.refused(Method::DELETE, &auditor, Value::Null, 403, "audit.read").await;
    let reassign = format!("{auditor}/reassign_and_delete");
    admin.refused(Method::POST, &reassign, json!({"to": "viewer"}), 403, "audit.read").await;

    // Assigned: how many have it stands in the refusal.
    let someone = boss_calls.add_user("someone@a.b", "auditor").await;
    boss_calls.refused(Method::DELETE, &auditor, Value::Null, 409, "1 user has the role").await;
    boss_calls.refused(Method::POST, &reassign, json!({"to": "auditor"}), 400, "name another").await;
    let moved = boss_calls.done(Method::POST, &reassign, Some(&json!({"to": "member"})), 200).await;
    assert_eq!(moved, json!({"moved": 1}));
    assert_eq!(boss_calls.get(&format!("{USERS}/{someone}")).await["role"], "member");

    // Tokens: within the maker's rights, and no wider than the token that makes them.
    admin.refused(Method::POST, TOKENS, json!({"kind": "api", "permissions": ["audit.read"]}), 403, "audit.read").await;
    let narrow = json!({"kind": "api", "permissions": ["events.read", "tokens.manage"], "expires_in_days": 1});
    let narrow = caller(text(&boss_calls.post(TOKENS, narrow).await, "token"));
    let made = narrow.post(TOKENS, json!({"kind": "api"})).await;
    assert_eq!(made["permissions"], json!(["events.read", "tokens.manage"]));
    assert!(made["expires_at"].is_string(), "{made}");
    narrow
        .refused(Method::POST, TOKENS, json!({"kind": "api", "permissions": ["audit.read"]}), 403, "audit.read")
        .await;
    narrow.refused(Method::GET, USERS, Value::Null, 403, "users.manage").await;
    let viewer = caller(acting(&server, "acme", "viewer@a.b", "viewer").1);
    viewer.refused(Method::POST, TOKENS, json!({"kind": "ingest"}), 403, "tokens.manage").await;
    viewer.post(TOKENS, json!({"kind": "api"})).await;
    assert_eq!(viewer.get(TOKENS).await["items"].as_array().map(Vec::len), Some(2));

    // Another's way in is as good as their rights.
    let of_the_boss = boss_calls.get(TOKENS).await;
    let of_the_boss = of_the_boss["items"].as_array().expect("items").iter();
    let theirs = of_the_boss.filter(|token| token["user_id"] == *boss && token["permissions"] == json!([]));
    let path = format!("{TOKENS}/{}", theirs.map(|token| text(token, "id")).next().expect("one"));
    admin.refused(Method::DELETE, &path, Value::Null, 403, "audit.read").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_keeps_its_last_super_admin() {
    let server = server().await;
    tenant(&server, "acme");
    let (boss, token) = acting(&server, "acme", "boss@a.b", "super_admin");
    let caller = Caller { server: &server, token };
    let path = format!("{USERS}/{boss}");
    let last = "last super admin";
    caller.refused(Method::DELETE, &path, Value::Null, 409, last).await;
    caller.refused(Method::PATCH, &path, json!({"role": "viewer"}), 409, last).await;
    caller.refused(Method::PATCH, &path, json!({"disabled": true}), 409, last).await;
    let other = caller.add_user("other@a.b", "super_admin").await;
    server.sql(&format!(
        "INSERT INTO activitylog.sessions (id, tenant_id, user_id, expires_at_ms, version) \
         VALUES ('s', 'acme', '{other}', 4000000000000, 1)"
    ));
    caller.patch(&format!("{USERS}/{other}"), json!({"disabled": true})).await;
    let sessions = "SELECT count() FROM activitylog.sessions FINAL WHERE deleted = 0";
    assert_eq!(server.number(sessions), 0, "they ended with the user's access");
    caller.refused(Method::DELETE, &path, Value::Null, 409, last).await;
    caller.patch(&format!("{USERS}/{other}"), json!({"disabled": false})).await;
    caller.delete(&path).await;
    // With the user went the token.
    assert_eq!(caller.ask(Method::GET, "/api/v1/me", None).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_looked_at() {
    let server = server().await;
    let caller = Caller { server: &server, token: acting(&server, "default", "boss@a.b", "super_admin").1 };
    caller.refused(Method::POST, USERS, json!({"email": "a@b", "role": "viewer", "admin": true}), 400, "admin").await;
    caller.refused(Method::POST, USERS, json!({"email": "a@b"}), 400, "role").await;
    caller.refused(Method::POST, USERS, json!([]), 400, "can't be read").await;
    caller.refused(Method::POST, USERS, json!({"email": "BOSS@a.b", "role": "viewer"}), 409, "already").await;
    let large = json!({"email": "x".repeat(70_000), "role": "viewer"});
    caller.refused(Method::POST, USERS, large, 413, "65536").await;
    let bearer = format!("Bearer {}", caller.token);
    for content_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let headers = [("authorization", bearer.as_str()), ("content-type", content_type)];
        let answer = request(Method::POST, &server.api(USERS), &headers, "{}".into()).await;
        assert_eq!(answer.status, 415, "{content_type}: {}", answer.text());
    }
    caller.refused(Method::GET, "/api/v1/users?limit=201", Value::Null, 400, "limit").await;
    caller.refused(Method::GET, "/api/v1/users?cursor=%21", Value::Null, 400, "cursor").await;
    caller.refused(Method::GET, "/api/v1/users?who=x", Value::Null, 400, "who").await;
    caller.refused(Method::GET, "/api/v1/users/%ff", Value::Null, 400, "").await;
    for (days, status) in [(20_001, 400), (20_000, 200), (0, 200)] {
        let answer = caller.ask(Method::PATCH, "/api/v1/settings", Some(&json!({"retention_days": days}))).await;
        assert_eq!(answer.status, status, "{days}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_is_deleted_is_dead_at_once() {
    let server = server().await;
    let platform = Caller { server: &server, token: acting(&server, "default", "p@a.b", "platform_admin").1 };
    tenant(&server, "acme");
    said(&server, &["tenant", "add", "--id", "free", "--tier", "free"]);
    let acme = Caller { server: &server, token: acting(&server, "acme", "boss@a.b", "super_admin").1 };
    let free = Caller { server: &server, token: acting(&server, "free", "boss@a.b", "super_admin").1 };
    let hook = acme.post("/api/v1/webhooks", json!({"kind": "github", "name": "w"})).await;
    assert_eq!((&hook["deliveries"], &hook["last_received"]), (&json!(0), &Value::Null));
    assert_eq!(request(Method::POST, &text(&hook, "url"), &[], "{}".into()).await.status, 401);

    // A tier's limit is the tenant's own admins'. (`server` sets it to 7.)
    free.refused(Method::PATCH, "/api/v1/settings", json!({"retention_days": 30}), 403, "7 days").await;
    free.patch("/api/v1/settings", json!({"retention_days": 3})).await;
    platform.patch("/api/v1/tenants/free", json!({"retention_days": 60})).await;
    assert_eq!(free.get("/api/v1/settings").await["effective"]["retention_days"], 60);

    platform.refused(Method::DELETE, "/api/v1/tenants/default", Value::Null, 409, "it stays").await;
    acme.refused(Method::DELETE, "/api/v1/tenants/free", Value::Null, 403, "tenants.manage").await;
    platform.delete("/api/v1/tenants/acme").await;
    assert_eq!(acme.ask(Method::GET, "/api/v1/me", None).await.status, 401);
    assert_eq!(request(Method::POST, &text(&hook, "url"), &[], "{}".into()).await.status, 404);
    platform.refused(Method::DELETE, "/api/v1/tenants/acme", Value::Null, 404, "no tenant").await;
    assert_eq!(server.number("SELECT sum(length(secrets)) FROM activitylog.webhook_sources FINAL"), 0);
}
