//! What people sign in with stands in no log and in no file, however much is logged.

use std::path::Path;

use activitylog::control::snapshot::hash;
use hyper::Method;
use serde_json::{Value, json};

use super::provider::{CLIENT, Provider, SECRET, Twist};
use super::{Browser, CLOSED, PASSWORD, put, tenant, user};
use crate::support::{Server, eventually};

/// Every file below.
fn files(dir: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_logged_or_kept() {
    let provider = Provider::start().await;
    provider.says(json!({"sub": "1", "email": "bob@example.com", "email_verified": true}), Twist::Nothing);
    let mut environment = CLOSED.to_vec();
    environment.extend([
        ("ACTIVITYLOG_LOG", "info,activitylog=trace,text"),
        ("ACTIVITYLOG_AUTH_OIDC_ISSUER", provider.issuer.as_str()),
        ("ACTIVITYLOG_AUTH_OIDC_CLIENT_ID", CLIENT),
        ("ACTIVITYLOG_AUTH_OIDC_CLIENT_SECRET", SECRET),
    ]);
    let mut server = Server::start_with(&environment).await;
    const TOKEN: &str = "alg_a_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
    const NEW: &str = "another horse battery";
    const WRONG: &str = "wrong horse battery";
    put(&server, "tenants", &[tenant("default")]).await;
    put(&server, "users", &[user("ann", json!({})), user("bob", json!({}))]).await;
    put(
        &server,
        "tokens",
        &[json!({"id": "t", "tenant_id": "default", "kind": "api", "user_id": "ann", "hash": hash(TOKEN)})],
    )
    .await;
    let later = jiff::Timestamp::now().as_millisecond() + 3_600_000;
    let invite = json!({"id": "i", "tenant_id": "default", "email": "new@example.com", "role": "viewer", "hash": hash("the-invitation-secret"), "expires_at_ms": later});
    put(&server, "invites", &[invite]).await;

    let ann = Browser::signed_in(&server, "10.0.0.1", "ann@example.com", PASSWORD).await;
    let nobody = Browser::new(&server, "10.0.0.2");
    for (email, password) in [("ann@example.com", WRONG), (WRONG, PASSWORD), ("gone@example.com", WRONG)] {
        assert_eq!(nobody.sign_in(email, password).await.status, 401);
    }
    let broken = nobody.post("/api/v1/session", &json!({"email": [WRONG], "password": WRONG})).await;
    assert_eq!(broken.status, 400);
    assert!(!broken.text().contains(WRONG), "{}", broken.text());
    let enrolled = ann.post("/api/v1/me/totp", &Value::Null).await.json();
    let totp_secret = enrolled["secret"].as_str().expect("text").to_owned();
    assert_eq!(ann.post("/api/v1/me/totp/verify", &json!({"code": "000000"})).await.status, 400);
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(nobody.ask(Method::GET, "/api/v1/me", &[("authorization", &bearer)], &Value::Null).await.status, 200);
    let basic = format!("Basic {TOKEN}x");
    assert_eq!(nobody.ask(Method::GET, "/api/v1/me", &[("authorization", &basic)], &Value::Null).await.status, 401);
    let accept = json!({"secret": "the-invitation-secret", "name": "New", "password": "invited horse battery"});
    assert_eq!(nobody.post("/api/v1/invites/accept", &accept).await.status, 200);
    let change = json!({"current": PASSWORD, "new": NEW});
    assert_eq!(ann.post("/api/v1/me/password", &change).await.status, 204);
    let start = nobody.get("/api/v1/session/oidc").await;
    assert_eq!(start.status, 303);

    let cookie = ann.cookie.split_once('=').expect("a pair").1.to_owned();
    let secrets =
        [PASSWORD, NEW, WRONG, "invited horse battery", TOKEN, "the-invitation-secret", SECRET, &cookie, &ann.csrf];
    // What is kept, uncompressed.
    let tables = ["users", "sessions", "invites", "tokens", "events"];
    eventually("the trail is in", async || {
        let count = server.number("SELECT count() FROM activitylog.events WHERE event_type LIKE 'auth.%'");
        (count >= 7).then_some(())
    })
    .await;
    for table in tables {
        let text = format!("{:?}", server.sql(&format!("SELECT toString(tuple(*)) FROM activitylog.{table}")));
        assert!(text.len() > 20, "{table}");
        secrets.iter().for_each(|secret| assert!(!text.contains(secret), "{secret} in {table}"));
    }
    assert!(server.stop().await.success());
    let log = server.log();
    assert!(log.contains("TRACE") || log.contains("DEBUG") || log.contains("INFO"), "{log}");
    let mut found = Vec::new();
    files(&server.dir, &mut found);
    assert!(found.len() > 10, "{found:?}");
    for path in found {
        let bytes = std::fs::read(&path).unwrap_or_default();
        let holds = |secret: &str| memchr::memmem::find(&bytes, secret.as_bytes()).is_some();
        secrets.iter().for_each(|secret| assert!(!holds(secret), "{secret} in {}", path.display()));
        // Codes are made of it, so it is kept: in the control tables, and nowhere else.
        let is_log = path.extension().is_some_and(|extension| extension == "txt" || extension == "log");
        assert!(!is_log || !holds(&totp_secret), "the TOTP secret in {}", path.display());
    }
}
