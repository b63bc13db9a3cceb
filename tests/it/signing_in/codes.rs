//! The second factor.

use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use super::{Browser, CLOSED, PASSWORD, put, tenant, user, wait_for_entries};
use crate::support::Server;

/// As an authenticator makes it, so many steps from now.
fn code(secret: &str, steps: i64) -> String {
    let secret = Secret::try_from_base32(secret).expect("base32");
    let totp = Builder::new().with_secret(secret).with_account_name("x").build().expect("an authenticator");
    let now = jiff::Timestamp::now().as_second() + steps * 30;
    totp.generate(u64::try_from(now).expect("after 1970")).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_enrolled_asked_for_and_removed() {
    let server = Server::start_with(&[CLOSED[0], CLOSED[1], ("ACTIVITYLOG_AUTH_ATTEMPTS", "100")]).await;
    put(&server, "tenants", &[tenant("default")]).await;
    put(&server, "users", &[user("ann", json!({}))]).await;
    let ann = Browser::signed_in(&server, "10.0.0.1", "ann@example.com", PASSWORD).await;
    let sign_in = async |code: Value| {
        let body = json!({"email": "ann@example.com", "password": PASSWORD, "code": code});
        Browser::new(&server, "10.0.0.2").post("/api/v1/session", &body).await
    };
    assert_eq!(ann.post("/api/v1/me/totp/verify", &json!({"code": "000000"})).await.status, 409);
    let first = ann.post("/api/v1/me/totp", &Value::Null).await.json();
    let enrolled = ann.post("/api/v1/me/totp", &Value::Null).await.json();
    assert_ne!(first["secret"], enrolled["secret"]);
    let secret = enrolled["secret"].as_str().expect("text");
    let url = enrolled["otpauth_url"].as_str().expect("text");
    assert!(url.starts_with("otpauth://totp/ActivityLog:ann%40example.com?secret=") && url.contains(secret), "{url}");
    // It is not asked for before it was shown once.
    assert_eq!(sign_in(Value::Null).await.status, 200);
    let wrong = ann.post("/api/v1/me/totp/verify", &json!({"code": code(secret, 50)})).await;
    assert_eq!(wrong.status, 400, "{}", wrong.text());
    wait_for_entries(&server, "auth.mfa_failed", "user_id = 'ann'", 1).await;
    let shown = code(secret, -1);
    let verified = ann.post("/api/v1/me/totp/verify", &json!({"code": shown})).await;
    assert_eq!(verified.status, 200, "{}", verified.text());
    let recovery: Vec<String> = serde_json::from_value(verified.json()["recovery_codes"].clone()).expect("texts");
    assert_eq!(recovery.len(), 10);
    wait_for_entries(&server, "auth.mfa_enrol", "user_id = 'ann'", 1).await;
    assert_eq!(ann.get("/api/v1/session").await.json()["mfa_enrolled"], true);
    assert_eq!(ann.post("/api/v1/me/totp", &Value::Null).await.status, 409);

    let needed = sign_in(Value::Null).await;
    assert_eq!((needed.status.as_u16(), &needed.json()["mfa_required"]), (401, &json!(true)));
    assert!(!needed.headers.contains_key("set-cookie"));
    // What was shown is used up; so is a later one once it was shown.
    assert_eq!(sign_in(json!(shown)).await.status, 401);
    let now = code(secret, 1);
    let answer = sign_in(json!(now)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(sign_in(json!(now)).await.status, 401);
    assert_eq!(sign_in(json!("000")).await.status, 401);
    wait_for_entries(&server, "auth.mfa_failed", "user_id = 'ann' AND outcome = 'failure'", 4).await;
    wait_for_entries(&server, "auth.login", "attributes['second_factor'] = 'totp'", 1).await;
    // The right code with a wrong password says no more than a wrong password.
    let body = json!({"email": "ann@example.com", "password": "wrong horse battery", "code": code(secret, 0)});
    let answer = Browser::new(&server, "10.0.0.2").post("/api/v1/session", &body).await;
    assert_eq!((answer.status.as_u16(), answer.json().get("mfa_required")), (401, None));

    // Each recovery code is good once, in any spelling.
    assert_eq!(sign_in(json!(recovery[0].to_uppercase().replace('-', " "))).await.status, 200);
    assert_eq!(sign_in(json!(recovery[0])).await.status, 401);
    assert_eq!(sign_in(json!(recovery[9])).await.status, 200);
    wait_for_entries(&server, "auth.login", "attributes['second_factor'] = 'recovery_code'", 2).await;
    let kept = std::fs::read_to_string(server.dir.join("control/snapshot.jsonl")).expect("the snapshot");
    assert!(recovery.iter().all(|code| !kept.contains(code) && !kept.contains(&code.replace('-', ""))));

    assert_eq!(ann.post("/api/v1/me/totp/remove", &json!({"password": "wrong horse battery"})).await.status, 403);
    assert_eq!(ann.post("/api/v1/me/totp/remove", &json!({"password": PASSWORD})).await.status, 204);
    wait_for_entries(&server, "auth.mfa_remove", "user_id = 'ann'", 1).await;
    assert_eq!(sign_in(Value::Null).await.status, 200);
    assert_eq!(sign_in(json!(recovery[1])).await.status, 200, "a code that nobody asks for is not looked at");
}
