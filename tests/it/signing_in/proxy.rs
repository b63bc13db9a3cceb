//! A reverse proxy that says who is calling.

use hyper::Method;
use serde_json::{Value, json};

use super::{Browser, PASSWORD, put, tenant, user, wait_for_entries};
use crate::support::Server;

const USER: &str = "x-forwarded-user";

fn behind(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let mut environment = vec![
        ("ACTIVITYLOG_AUTH_ANONYMOUS_TENANT", ""),
        ("ACTIVITYLOG_AUTH_PROXY_HEADER", "X-Forwarded-User"),
        ("ACTIVITYLOG_AUTH_PROXY_NAME_HEADER", "X-Forwarded-Name"),
    ];
    environment.extend(more);
    environment
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_signs_people_in() {
    let server = Server::start_with(&behind(&[
        ("ACTIVITYLOG_AUTH_PROXY_TRUSTED", "127.0.0.0/8"),
        ("ACTIVITYLOG_AUTH_PROXY_ROLE", "viewer"),
        ("ACTIVITYLOG_AUTH_PUBLIC_URL", "https://logs.example.com"),
    ]))
    .await;
    put(&server, "tenants", &[tenant("acme"), tenant("default")]).await;
    let people = [
        user("ann", json!({"role": "admin"})),
        user("gone", json!({"disabled": true})),
        user("far", json!({"tenant_id": "acme"})),
    ];
    put(&server, "users", &people).await;
    let browser = Browser::new(&server, "192.0.2.7");
    let me = async |headers: &[(&str, &str)]| browser.ask(Method::GET, "/api/v1/me", headers, &Value::Null).await;

    let ann = (USER, "Ann@example.com");
    assert_eq!(
        me(&[ann]).await.json()["user"],
        json!({"id": "ann", "email": "ann@example.com", "name": "ann", "role": "admin"})
    );
    assert_eq!(me(&[]).await.status, 401);
    assert_eq!(me(&[(USER, "gone@example.com")]).await.status, 401);
    assert_eq!(me(&[(USER, "not an address")]).await.status, 401);
    assert_eq!(me(&[ann, (USER, "bob@example.com")]).await.status, 401, "the client added its own");
    let session = browser.ask(Method::GET, "/api/v1/session", &[ann], &Value::Null).await.json();
    assert_eq!((&session["user"]["id"], &session["methods"]["proxy"]), (&json!("ann"), &json!(true)));
    // It is not a session of ours: nothing to change of it.
    let origin = ("origin", "https://logs.example.com");
    let totp = browser.ask(Method::POST, "/api/v1/me/totp", &[ann, origin], &Value::Null).await;
    assert_eq!(totp.status, 403);
    assert!(totp.text().contains("signed in to the portal"), "{}", totp.text());

    // A change must come from a page of ours.
    for (headers, passes) in [
        (&[ann][..], false),
        (&[ann, ("sec-fetch-site", "cross-site")], false),
        (&[ann, ("origin", "https://evil.example")], false),
        (&[ann, ("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")], false),
        (&[ann, origin], true),
        (&[ann, ("sec-fetch-site", "same-origin")], true),
    ] {
        let answer = browser.ask(Method::POST, "/api/v1/me/totp", headers, &Value::Null).await;
        assert_eq!(answer.text().contains("signed in to the portal"), passes, "{headers:?}: {}", answer.text());
        assert_eq!(answer.status, 403);
    }

    // At first sight somebody becomes a user of the proxy's tenant, once, also where another tenant has the address.
    for _ in 0..3 {
        let new = me(&[(USER, "far@example.com"), ("x-forwarded-name", "Far Away")]).await;
        assert_eq!(new.status, 200, "{}", new.text());
        let new = new.json();
        assert_eq!(
            (&new["tenant"], &new["user"]["name"], &new["user"]["role"]),
            (&json!("default"), &json!("Far Away"), &json!("viewer"))
        );
    }
    wait_for_entries(&server, "user.add", "attributes['method'] = 'proxy' AND source_ip = '192.0.2.7'", 1).await;
    wait_for_entries(&server, "auth.login", "attributes['method'] = 'proxy' AND user_id = 'ann'", 1).await;
    wait_for_entries(&server, "auth.login", "attributes['method'] = 'proxy'", 2).await;

    // Passwords go on to work; the public address makes cookies for TLS only.
    let answer = browser.sign_in("ann@example.com", PASSWORD).await;
    assert!(answer.headers["set-cookie"].to_str().expect("text").ends_with("; Secure"));
    // The proxy's word counts before the cookie's.
    let mut signed_in = browser.clone();
    signed_in.keep(&answer);
    let far = signed_in.ask(Method::GET, "/api/v1/me", &[(USER, "far@example.com")], &Value::Null).await.json();
    assert_eq!(far["user"]["name"], "Far Away");
}

#[tokio::test(flavor = "multi_thread")]
async fn from_anywhere_else_the_header_is_nothing() {
    let server = Server::start_with(&behind(&[("ACTIVITYLOG_AUTH_PROXY_TRUSTED", "192.0.2.1")])).await;
    put(&server, "tenants", &[tenant("default")]).await;
    put(&server, "users", &[user("ann", json!({}))]).await;
    let browser = Browser::new(&server, "192.0.2.1");
    let answer = browser.ask(Method::GET, "/api/v1/me", &[(USER, "ann@example.com")], &Value::Null).await;
    assert_eq!(answer.status, 401);
    Browser::signed_in(&server, "192.0.2.1", "ann@example.com", PASSWORD).await;
    // Nor is what it says about where it comes from.
    wait_for_entries(&server, "auth.login", "source_ip = '127.0.0.1'", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_role_nobody_is_made() {
    let server = Server::start_with(&behind(&[("ACTIVITYLOG_AUTH_PROXY_TRUSTED", "127.0.0.1")])).await;
    put(&server, "tenants", &[tenant("default")]).await;
    let browser = Browser::new(&server, "192.0.2.1");
    let answer = browser.ask(Method::GET, "/api/v1/me", &[(USER, "ann@example.com")], &Value::Null).await;
    assert_eq!(answer.status, 401);
    assert!(answer.text().contains("no account"), "{}", answer.text());
    assert_eq!(server.number("SELECT count() FROM activitylog.users FINAL"), 0);
}
