//! Passwords, sessions, and what a page must show to change something.

use hyper::Method;
use serde_json::{Value, json};

use super::{Browser, CLOSED, PASSWORD, put, tenant, user, wait_for_entries};
use crate::support::Server;

async fn server() -> Server {
    let server = Server::start_with(&CLOSED).await;
    put(&server, "tenants", &[tenant("acme"), tenant("default")]).await;
    let people = [
        user("ann", json!({"role": "super_admin"})),
        user("bob", json!({})),
        user("fresh", json!({"must_change_password": true})),
        user("gone", json!({"disabled": true})),
        user("elsewhere", json!({"password_hash": ""})),
        user("lost", json!({"tenant_id": "nowhere"})),
        user("both1", json!({"email": "both@example.com"})),
        user("both2", json!({"email": "Both@example.com", "tenant_id": "acme"})),
    ];
    put(&server, "users", &people).await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_opens_a_session_and_nothing_else_does() {
    let server = server().await;
    let nobody = Browser::new(&server, "10.0.0.1");
    let start = nobody.get("/api/v1/session").await.json();
    assert_eq!(
        (&start["user"], &start["anonymous"], &start["csrf_token"]),
        (&Value::Null, &json!(false), &Value::Null)
    );
    assert_eq!(start["methods"], json!({"password": true, "proxy": false, "oidc": null}));

    let answer = nobody.sign_in(" Ann@Example.com", PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let set = answer.headers["set-cookie"].to_str().expect("text").to_owned();
    assert!(set.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax"), "{set}");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let mut ann = nobody.clone();
    ann.keep(&answer);
    assert_eq!(answer.json()["user"]["role"], "super_admin");
    let me = ann.get("/api/v1/me").await.json();
    assert_eq!((&me["user"]["email"], &me["tenant"]), (&json!("ann@example.com"), &json!("default")));
    assert_eq!(ann.get("/api/v1/session").await.json()["csrf_token"], ann.csrf.as_str());
    wait_for_entries(&server, "auth.login", "user_id = 'ann' AND source_ip = '10.0.0.1' AND outcome = 'success'", 1)
        .await;

    // Whatever is wrong, the answer is the same.
    let mut bodies = Vec::new();
    let tries = [
        ("ann@example.com", "wrong horse battery"),
        ("nobody@example.com", PASSWORD),
        ("gone@example.com", PASSWORD),
        ("elsewhere@example.com", ""),
        ("elsewhere@example.com", "the password of nobody"),
        ("lost@example.com", PASSWORD),
        ("hunter2hunter2", PASSWORD),
    ];
    for (number, (email, password)) in tries.into_iter().enumerate() {
        let answer = Browser::new(&server, &format!("10.0.1.{number}")).sign_in(email, password).await;
        assert_eq!(answer.status, 401, "{email}");
        assert!(!answer.headers.contains_key("set-cookie"));
        bodies.push(answer.text());
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
    let failed = "auth.login_failed";
    wait_for_entries(&server, failed, "user_id = 'ann' AND attributes['reason'] = 'password'", 1).await;
    wait_for_entries(&server, failed, "user_id = 'gone' AND attributes['reason'] = 'disabled'", 1).await;
    wait_for_entries(&server, failed, "attributes['reason'] = 'unknown_address' AND user_id = ''", 3).await;
    // What was typed for an address may be a password.
    let typed = "SELECT count() FROM activitylog.events WHERE toString(tuple(*)) LIKE '%hunter2%'";
    assert_eq!(server.number(typed), 0);

    // The same address in two tenants, with the same password: which one has to be said, and not before the password was.
    let both = Browser::new(&server, "10.0.2.1");
    let answer = both.sign_in("both@example.com", PASSWORD).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["tenants"]), (400, &json!(["acme", "default"])));
    for (of, status) in [("acme", 200), ("default", 200), ("nowhere", 401)] {
        let body = json!({"email": "both@example.com", "password": PASSWORD, "tenant": of});
        assert_eq!(both.post("/api/v1/session", &body).await.status.as_u16(), status, "{of}");
    }
    for body in
        [json!({}), json!([]), json!({"email": "x", "password": 7}), json!({"email": "x", "password": "y", "z": 1})]
    {
        let answer = both.post("/api/v1/session", &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
    }
    let long = json!({"email": "ann@example.com", "password": "x".repeat(2000)});
    assert_eq!(both.post("/api/v1/session", &long).await.status, 400);
    let huge = json!({"email": "ann@example.com", "password": "x".repeat(40_000)});
    assert_eq!(both.post("/api/v1/session", &huge).await.status, 400);

    // TLS ends at the trusted proxy.
    let body = json!({"email": "bob@example.com", "password": PASSWORD});
    let answer = both.ask(Method::POST, "/api/v1/session", &[("x-forwarded-proto", "https")], &body).await;
    assert!(answer.headers["set-cookie"].to_str().expect("text").ends_with("; Secure"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_changes_something_only_from_its_own_page_and_ends() {
    let server = server().await;
    let bob = Browser::signed_in(&server, "10.0.0.1", "bob@example.com", PASSWORD).await;
    let other = Browser::signed_in(&server, "10.0.0.2", "bob@example.com", PASSWORD).await;
    let body = json!({"current": PASSWORD, "new": "another horse battery"});

    // Without its token, with another session's, and from another site's page nothing happens.
    let address = server.api("");
    for (headers, why) in [
        (&[("x-csrf-token", "")][..], "X-CSRF-Token"),
        (&[("x-csrf-token", other.csrf.as_str())], "X-CSRF-Token"),
        (&[("origin", "https://evil.example")], "Origin"),
        (&[("origin", "null")], "Origin"),
    ] {
        let answer = bob.ask(Method::POST, "/api/v1/me/password", headers, &body).await;
        assert_eq!(answer.status, 403, "{headers:?}");
        assert!(answer.text().contains(why), "{}", answer.text());
        let answer = bob.ask(Method::DELETE, "/api/v1/session", headers, &Value::Null).await;
        assert_eq!(answer.status, 403, "{headers:?}");
    }
    assert_eq!(bob.who().await, "bob@example.com");
    let foreign = [("origin", "https://evil.example")];
    let sign_in = json!({"email": "bob@example.com", "password": PASSWORD});
    assert_eq!(bob.ask(Method::POST, "/api/v1/session", &foreign, &sign_in).await.status, 403);

    let refused = |new: &str| json!({"current": PASSWORD, "new": new});
    for new in ["short", "bob@example.com", PASSWORD, &"x".repeat(1025)] {
        let answer = bob.post("/api/v1/me/password", &refused(new)).await;
        assert_eq!(answer.status, 400, "{new}");
    }
    let wrong = json!({"current": "wrong horse battery", "new": "another horse battery"});
    assert_eq!(bob.post("/api/v1/me/password", &wrong).await.status, 403);

    // A changed password ends the other session, and this one goes on.
    let own = [("origin", address.as_str())];
    assert_eq!(bob.ask(Method::POST, "/api/v1/me/password", &own, &body).await.status, 204);
    assert_eq!((bob.who().await, other.who().await), (json!("bob@example.com"), Value::Null));
    assert_eq!(other.get("/api/v1/me").await.status, 401);
    wait_for_entries(&server, "auth.password_change", "user_id = 'bob' AND outcome = 'success'", 1).await;
    assert_eq!(Browser::new(&server, "10.0.0.3").sign_in("bob@example.com", PASSWORD).await.status, 401);

    let answer = bob.ask(Method::DELETE, "/api/v1/session", &[], &Value::Null).await;
    assert_eq!(answer.status, 204);
    assert!(
        answer.headers["set-cookie"].to_str().expect("text").starts_with("activitylog_session=; Path=/; Max-Age=0")
    );
    assert_eq!(bob.get("/api/v1/me").await.status, 401);
    // Again, and with no session at all: there is nothing to end.
    assert_eq!(bob.ask(Method::DELETE, "/api/v1/session", &[], &Value::Null).await.status, 204);
    wait_for_entries(&server, "auth.logout", "user_id = 'bob'", 1).await;

    // The oldest of more than twenty ends.
    let mut ann = Vec::new();
    for _ in 0..21 {
        ann.push(Browser::signed_in(&server, "10.0.0.4", "ann@example.com", PASSWORD).await);
    }
    assert_eq!(ann[0].who().await, Value::Null);
    assert_eq!((ann[1].who().await, ann[20].who().await), (json!("ann@example.com"), json!("ann@example.com")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_somebody_else_chose_is_changed_first() {
    let server = server().await;
    let fresh = Browser::signed_in(&server, "10.0.0.1", "fresh@example.com", PASSWORD).await;
    assert_eq!(fresh.get("/api/v1/session").await.json()["must_change_password"], true);
    assert_eq!(fresh.get("/api/v1/me").await.status, 200);
    for path in ["/api/v1/messages", "/api/v1/messages/timeline"] {
        let answer = fresh.get(path).await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.text().contains("/api/v1/me/password"));
    }
    assert_eq!(fresh.post("/api/v1/me/totp", &Value::Null).await.status, 403);
    let body = json!({"current": PASSWORD, "new": "another horse battery"});
    assert_eq!(fresh.post("/api/v1/me/password", &body).await.status, 204);
    assert_eq!(fresh.get("/api/v1/messages").await.status, 200);
    assert_eq!(fresh.get("/api/v1/session").await.json()["must_change_password"], false);
    // Signing out is allowed before, too.
    put(&server, "users", &[user("fresh", json!({"must_change_password": true}))]).await;
    assert_eq!(fresh.ask(Method::DELETE, "/api/v1/session", &[], &Value::Null).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_anonymous_callers_are_let_in_one_can_still_sign_in() {
    let server = Server::start().await;
    put(&server, "users", &[user("ann", json!({}))]).await;
    let browser = Browser::new(&server, "");
    let start = browser.get("/api/v1/session").await.json();
    assert_eq!((&start["user"], &start["anonymous"]), (&Value::Null, &json!(true)));
    let ann = Browser::signed_in(&server, "", "ann@example.com", PASSWORD).await;
    assert_eq!(ann.get("/api/v1/me").await.json()["user"]["role"], "member");
    // Nobody in particular has no password.
    let body = json!({"current": PASSWORD, "new": "another horse battery"});
    assert_eq!(browser.post("/api/v1/me/password", &body).await.status, 403);
    assert_eq!(browser.post("/api/v1/me/totp", &Value::Null).await.status, 403);
}
