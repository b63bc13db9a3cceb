//! Single sign-on, against a small provider of our own.

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use super::provider::{CLIENT, Provider, SECRET, Twist};
use super::{Browser, CLOSED, put, tenant, user, wait_for_entries};
use crate::support::{Answer, Server, request};

const START: &str = "/api/v1/session/oidc";

async fn server(provider: &Provider, more: &[(&str, &str)]) -> Server {
    let mut environment = CLOSED.to_vec();
    environment.extend([
        ("ACTIVITYLOG_AUTH_OIDC_ISSUER", provider.issuer.as_str()),
        ("ACTIVITYLOG_AUTH_OIDC_CLIENT_ID", CLIENT),
        ("ACTIVITYLOG_AUTH_OIDC_CLIENT_SECRET", SECRET),
        ("ACTIVITYLOG_AUTH_OIDC_NAME", "Example ID"),
    ]);
    environment.extend(more);
    let server = Server::start_with(&environment).await;
    put(&server, "tenants", &[tenant("acme"), tenant("default")]).await;
    let people = [
        user("ann", json!({"role": "admin"})),
        user("gone", json!({"disabled": true})),
        user("linked", json!({"oidc_subject": "https://elsewhere.example 1"})),
        user("far", json!({"tenant_id": "acme"})),
    ];
    put(&server, "users", &people).await;
    server
}

fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.headers["location"].to_str().expect("text").to_owned()
}

/// The value of a cookie that an answer sets, as the browser sends it back.
fn flow_cookie(answer: &Answer) -> String {
    let set = answer.headers["set-cookie"].to_str().expect("text");
    assert!(set.starts_with("activitylog_oidc=") && set.contains("; Path=/api/v1/session/oidc;"), "{set}");
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax"), "{set}");
    set.split(';').next().expect("a pair").to_owned()
}

/// To the provider and back: the path to come back with, and the cookie.
async fn there(browser: &Browser<'_>, server: &Server) -> (String, String) {
    let start = browser.get(START).await;
    let cookie = flow_cookie(&start);
    let back = location(&request(Method::GET, &location(&start), &[], Bytes::new()).await);
    let path = back.strip_prefix(&server.api("")).expect("our own address").to_owned();
    assert!(path.starts_with("/api/v1/session/oidc/callback?code="), "{path}");
    (path, cookie)
}

/// Whether the answer signs in; else what it says.
fn outcome(answer: &Answer) -> Result<(), String> {
    let to = location(answer);
    let sets_session = answer
        .headers
        .get_all("set-cookie")
        .iter()
        .any(|value| value.to_str().expect("text").starts_with("activitylog_session="));
    match to.strip_prefix("/?signin_error=") {
        None => {
            assert_eq!((to.as_str(), sets_session), ("/", true));
            Ok(())
        }
        Some(error) => {
            assert!(!sets_session);
            Err(form_urlencoded::parse(format!("e={error}").as_bytes()).next().expect("a pair").1.into_owned())
        }
    }
}

async fn try_it(server: &Server) -> (Answer, Result<(), String>) {
    let browser = Browser::new(server, "10.0.0.1");
    let (path, cookie) = there(&browser, server).await;
    let answer = browser.ask(Method::GET, &path, &[("cookie", &cookie)], &Value::Null).await;
    let outcome = outcome(&answer);
    (answer, outcome)
}

#[tokio::test(flavor = "multi_thread")]
async fn users_sign_in_at_their_provider() {
    let provider = Provider::start().await;
    let server = server(&provider, &[]).await;
    let methods = Browser::new(&server, "10.0.0.1").get("/api/v1/session").await.json()["methods"].clone();
    assert_eq!(methods["oidc"], json!({"name": "Example ID", "start": START}));

    let ann = json!({"sub": "0001", "email": "Ann@Example.com", "email_verified": true, "name": "Ann Other"});
    provider.says(ann.clone(), Twist::Nothing);
    let (answer, outcome) = try_it(&server).await;
    assert_eq!(outcome, Ok(()));
    let mut browser = Browser::new(&server, "10.0.0.1");
    browser.keep(&answer);
    assert_eq!(browser.who().await, "ann@example.com");
    wait_for_entries(&server, "auth.login", "user_id = 'ann' AND attributes['method'] = 'oidc'", 1).await;

    // From now on it is who they are, whatever their address becomes.
    provider.says(json!({"sub": "0001", "email": "married@example.com"}), Twist::Nothing);
    assert_eq!(try_it(&server).await.1, Ok(()));
    wait_for_entries(&server, "auth.login", "user_id = 'ann' AND attributes['method'] = 'oidc'", 2).await;

    // Others, with true tokens.
    for (claims, says) in [
        (json!({"sub": "2", "email": "far@example.com", "email_verified": true}), "no account"),
        (json!({"sub": "2", "email": "nobody@example.com", "email_verified": true}), "no account"),
        (json!({"sub": "2", "email": "gone@example.com", "email_verified": true}), "disabled"),
        (json!({"sub": "2", "email": "linked@example.com", "email_verified": true}), "another identity"),
        (json!({"sub": "2", "email": "ann@example.com", "email_verified": true}), "another identity"),
        (json!({"sub": "2", "email": "ann@example.com", "email_verified": false}), "no verified email"),
        (json!({"sub": "2"}), "no verified email"),
    ] {
        provider.says(claims.clone(), Twist::Nothing);
        let error = try_it(&server).await.1.expect_err("refused");
        assert!(error.contains(says), "{claims}: {error}");
    }
    wait_for_entries(&server, "auth.login_failed", "attributes['reason'] = 'unknown_address'", 2).await;

    // A new key is asked for, once in a while.
    provider.changes_its_key("k2");
    provider.says(ann.clone(), Twist::Nothing);
    assert_eq!(try_it(&server).await.1, Ok(()));
    assert_eq!(server.number("SELECT count() FROM activitylog.users FINAL"), 4, "nobody was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_for_us_now_opens_nothing() {
    let provider = Provider::start().await;
    let server = server(&provider, &[]).await;
    let ann = json!({"sub": "0001", "email": "ann@example.com", "email_verified": true});
    for twist in [
        Twist::Nonce,
        Twist::Audience,
        Twist::TwoAudiences,
        Twist::Issuer,
        Twist::Expired,
        Twist::Signature,
        Twist::Unsigned,
        Twist::SignedWithSecret,
        Twist::NoToken,
    ] {
        provider.says(ann.clone(), twist);
        let error = try_it(&server).await.1.expect_err("refused");
        assert_eq!(error, "The sign-in provider's answer is not valid. Start again.", "{twist:?}");
    }
    provider.says(ann, Twist::Nothing);
    let browser = Browser::new(&server, "10.0.0.1");
    let come_back = async |path: &str, cookie: &str| {
        outcome(&browser.ask(Method::GET, path, &[("cookie", cookie)], &Value::Null).await)
    };
    const AGAIN: &str = "The sign-in took too long or was used before. Start again.";
    // Without the cookie, with another's, with another state, and again.
    let (path, cookie) = there(&browser, &server).await;
    let (other_path, other_cookie) = there(&browser, &server).await;
    assert_eq!(come_back(&path, "x=y").await.expect_err("refused"), AGAIN);
    assert_eq!(come_back(&path, &other_cookie).await.expect_err("refused"), AGAIN);
    assert_eq!(come_back(&other_path, &other_cookie).await.expect_err("spent"), AGAIN);
    assert_eq!(come_back(&path, &cookie).await, Ok(()));
    assert_eq!(come_back(&path, &cookie).await.expect_err("replayed"), AGAIN);
    let (path, cookie) = there(&browser, &server).await;
    let altered = path.replace("&state=", "&state=x");
    assert_eq!(come_back(&altered, &cookie).await.expect_err("refused"), AGAIN);
    // A code of nobody's.
    let (path, cookie) = there(&browser, &server).await;
    let error = come_back(&path.replace("code=code-", "code=made-up-"), &cookie).await.expect_err("refused");
    assert_eq!(error, "The sign-in provider refused. Start again.");
    let denied = come_back("/api/v1/session/oidc/callback?error=access_denied&state=x", "x=y").await;
    assert!(denied.expect_err("refused").contains("provider says no"));
    // The database's and the provider's words stay inside.
    assert_eq!(server.number("SELECT count() FROM activitylog.sessions FINAL WHERE deleted = 0"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_role_whoever_the_provider_knows_becomes_a_user() {
    let provider = Provider::start().await;
    let server = server(&provider, &[("ACTIVITYLOG_AUTH_OIDC_ROLE", "viewer")]).await;
    let new = json!({"sub": "7", "email": "far@example.com", "email_verified": true, "name": "Far Away"});
    provider.says(new, Twist::Nothing);
    for _ in 0..2 {
        let (answer, outcome) = try_it(&server).await;
        assert_eq!(outcome, Ok(()));
        let mut browser = Browser::new(&server, "10.0.0.1");
        browser.keep(&answer);
        let me = browser.get("/api/v1/me").await.json();
        assert_eq!(
            (&me["tenant"], &me["user"]["role"], &me["user"]["name"]),
            (&json!("default"), &json!("viewer"), &json!("Far Away"))
        );
    }
    wait_for_entries(&server, "user.add", "attributes['method'] = 'oidc'", 1).await;
    provider.says(json!({"sub": "8", "email": "who@example.com", "email_verified": false}), Twist::Nothing);
    assert!(try_it(&server).await.1.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_provider_there_is_no_such_page() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let issuer = format!("http://{}", gone.local_addr().expect("an address"));
    drop(gone);
    let environment =
        [CLOSED[0], ("ACTIVITYLOG_AUTH_OIDC_ISSUER", issuer.as_str()), ("ACTIVITYLOG_AUTH_OIDC_CLIENT_ID", CLIENT)];
    let server = Server::start_with(&environment).await;
    let error = outcome(&server.get(START).await).expect_err("refused");
    assert_eq!(error, "The sign-in provider can't be reached. Try again later.");
    let server = Server::start_with(&CLOSED).await;
    for path in [START, "/api/v1/session/oidc/callback?code=x&state=y"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
}
