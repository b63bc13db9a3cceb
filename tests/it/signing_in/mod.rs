//! Signing in, as browsers do it.

mod codes;
mod invites;
mod lockout;
mod oidc;
mod passwords;
mod provider;
mod proxy;
mod secrets;

use activitylog::auth::password;
use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use crate::store::Store;
use crate::support::{Answer, Server, eventually, request};

pub const PASSWORD: &str = "correct horse battery";

/// What each test of this room starts with: nobody comes in without a credential, and the client's address is ours to choose.
pub const CLOSED: [(&str, &str); 2] =
    [("ACTIVITYLOG_AUTH_ANONYMOUS_TENANT", ""), ("ACTIVITYLOG_AUTH_PROXY_TRUSTED", "127.0.0.1")];

/// Somebody at a browser: their address, their cookie, and what their page knows.
#[derive(Clone)]
pub struct Browser<'s> {
    server: &'s Server,
    pub ip: String,
    pub cookie: String,
    pub csrf: String,
}

/// Writes rows into a control table, and waits until the server has read them.
pub async fn put(server: &Server, table: &str, rows: &[Value]) {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let mut row = row.clone();
            row["version"] = json!(jiff::Timestamp::now().as_millisecond());
            row
        })
        .collect();
    Store::of(server).insert(&format!("activitylog.{table}"), &rows).await;
    let newest = rows.iter().filter_map(|row| row["version"].as_i64()).max().expect("a row");
    eventually("the server knows", async || {
        let text = std::fs::read_to_string(server.dir.join("control/snapshot.jsonl")).ok()?;
        text.contains(&newest.to_string()).then_some(())
    })
    .await;
}

pub fn tenant(id: &str) -> Value {
    json!({"id": id, "name": id.to_uppercase(), "tier": "pro"})
}

/// A user of tenant `default` with [`PASSWORD`]; `more` is laid over it.
pub fn user(id: &str, more: Value) -> Value {
    let mut row = json!({
        "id": id, "tenant_id": "default", "email": format!("{id}@example.com"), "name": id, "role": "member",
        "password_hash": password::hash(PASSWORD).expect("hashed"),
    });
    row.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    row
}

/// How often the trail has this action, and what is asked of its rows.
pub async fn wait_for_entries(server: &Server, action: &str, more: &str, expected: u64) {
    let query =
        format!("SELECT count() FROM activitylog.events WHERE kind = 'audit' AND event_type = '{action}' AND ({more})");
    server.wait_for_count(&query, expected).await;
}

// === impl Browser ===

impl<'s> Browser<'s> {
    pub fn new(server: &'s Server, ip: &str) -> Browser<'s> {
        Browser { server, ip: ip.to_owned(), cookie: String::new(), csrf: String::new() }
    }

    /// With its cookie and its token, and `more` over them.
    pub async fn ask(&self, method: Method, path: &str, more: &[(&str, &str)], body: &Value) -> Answer {
        let mut headers = vec![("x-forwarded-for", self.ip.as_str()), ("content-type", "application/json")];
        if !self.cookie.is_empty() {
            headers.push(("cookie", &self.cookie));
        }
        if !self.csrf.is_empty() {
            headers.push(("x-csrf-token", &self.csrf));
        }
        headers.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        headers.extend(more);
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        request(method, &self.server.api(path), &headers, body).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], &Value::Null).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::POST, path, &[], body).await
    }

    /// Keeps what an answer that signs in gives.
    pub fn keep(&mut self, answer: &Answer) {
        let mut cookies = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        let own = cookies.rfind(|cookie| cookie.starts_with("activitylog_session=")).expect("a session");
        own.split(';').next().expect("a pair").clone_into(&mut self.cookie);
        if !answer.body.is_empty() {
            answer.json()["csrf_token"].as_str().expect("a token").clone_into(&mut self.csrf);
        }
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.post("/api/v1/session", &json!({"email": email, "password": password})).await
    }

    pub async fn signed_in(server: &'s Server, ip: &str, email: &str, password: &str) -> Browser<'s> {
        let mut browser = Browser::new(server, ip);
        let answer = browser.sign_in(email, password).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        browser.keep(&answer);
        browser
    }

    /// Whom the server takes it for; null: nobody.
    pub async fn who(&self) -> Value {
        let answer = self.get("/api/v1/session").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["user"]["email"].clone()
    }
}
