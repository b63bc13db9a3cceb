//! Who guesses waits.

use futures_util::future::join_all;
use serde_json::json;

use super::{Browser, CLOSED, PASSWORD, put, tenant, user};
use crate::support::Server;

#[tokio::test(flavor = "multi_thread")]
async fn failures_lock_an_address_and_a_network_address_and_nobody_else() {
    let environment = [CLOSED[0], CLOSED[1], ("ACTIVITYLOG_AUTH_ATTEMPTS", "3")];
    let server = Server::start_with(&environment).await;
    put(&server, "tenants", &[tenant("default")]).await;
    put(&server, "users", &[user("ann", json!({})), user("bob", json!({}))]).await;
    let status = async |ip: &str, email: &str, password: &str| {
        let answer = Browser::new(&server, ip).sign_in(email, password).await;
        if answer.status == 429 {
            let after: u64 = answer.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
            assert!((1..=900).contains(&after), "{after}");
            assert_eq!(answer.headers["content-type"], "application/problem+json");
        }
        answer.status.as_u16()
    };
    // From everywhere, at once, and in all spellings: three are tried, and the others wait.
    let guesses = (0..12).map(|n| {
        let email = if n % 2 == 0 { "ann@example.com" } else { "ANN@example.com" };
        let ip = format!("10.0.0.{n}");
        let status = &status;
        async move { status(&ip, email, "wrong horse battery").await }
    });
    let mut found = join_all(guesses).await;
    found.sort_unstable();
    assert_eq!(found, [401, 401, 401, 429, 429, 429, 429, 429, 429, 429, 429, 429]);
    assert_eq!(status("10.0.1.1", "ann@example.com", PASSWORD).await, 429, "also the right one");
    assert_eq!(status("10.0.1.1", "bob@example.com", PASSWORD).await, 200, "others come in");
    // An address that nobody has locks the same way.
    for (n, expected) in [401, 401, 401, 429].into_iter().enumerate() {
        assert_eq!(status(&format!("10.0.2.{n}"), "nobody@example.com", PASSWORD).await, expected);
    }
    // One network address at many addresses; an IPv6 household is one.
    for (n, expected) in [401, 401, 401, 429, 429].into_iter().enumerate() {
        assert_eq!(status("10.0.3.1", &format!("a{n}@example.com"), PASSWORD).await, expected);
        assert_eq!(status(&format!("2001:db8::{n}"), &format!("b{n}@example.com"), PASSWORD).await, expected);
    }
    assert_eq!(status("10.0.3.1", "bob@example.com", PASSWORD).await, 429);
    // What succeeds does not count, however often.
    for _ in 0..5 {
        assert_eq!(status("10.0.4.1", "bob@example.com", PASSWORD).await, 200);
    }
    // Guessing with a session in hand is guessing too.
    let bob = Browser::signed_in(&server, "10.0.5.1", "bob@example.com", PASSWORD).await;
    let wrong = json!({"current": "wrong horse battery", "new": "another horse battery"});
    for expected in [403, 403, 403, 429] {
        assert_eq!(bob.post("/api/v1/me/password", &wrong).await.status.as_u16(), expected);
    }
    let text = server.log();
    assert!(!text.contains("panicked"), "{text}");
}
