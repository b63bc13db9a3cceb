//! `POST /webhooks/{source_id}`, and `activitylog webhook`: through the front doors, with what the vendors send.

mod answers;
mod bodies;
mod commands;
pub mod fixtures;
mod lasting;
mod signed;

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, Mac};
use hyper::Method;
use serde_json::Value;
use sha2::Sha256;

use crate::support::{Answer, BINARY, Server, eventually, request};

/// A source, as `webhook add` printed it.
#[derive(Debug)]
pub struct Hook {
    pub id: String,
    pub url: String,
    pub secret: String,
}

/// What a command said: exit code, stdout, stderr.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub error: String,
}

pub fn webhook(server: &Server, arguments: &[&str]) -> Said {
    let output = Command::new(BINARY)
        .arg("webhook")
        .args(arguments)
        .env("ACTIVITYLOG_DATA_DIR", &server.dir)
        .output()
        .expect("the binary");
    Said {
        code: output.status.code().expect("it exited"),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        error: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

// === impl Said ===

impl Said {
    #[track_caller]
    pub fn hook(&self) -> Hook {
        assert_eq!(self.code, 0, "{}", self.error);
        let said: Value = serde_json::from_str(&self.out).expect("JSON");
        let text = |name: &str| said[name].as_str().expect("text").to_owned();
        Hook { id: text("id"), url: text("url"), secret: text("secret") }
    }
}

/// Makes a source, and waits until the server knows it.
pub async fn add(server: &Server, kind: &str, arguments: &[&str]) -> Hook {
    let hook = webhook(server, &[&["add", "--kind", kind, "--name", kind], arguments].concat()).hook();
    eventually("the server knows the source", async || {
        (request(Method::POST, &hook.url, &[], Bytes::new()).await.status == 401).then_some(())
    })
    .await;
    hook
}

impl Hook {
    pub async fn post(&self, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        request(Method::POST, &self.url, headers, body.into()).await
    }

    /// As GitHub does.
    pub async fn github(&self, delivery: &str, body: impl Into<Bytes>) -> Answer {
        let body = body.into();
        let signature = github_signature(&self.secret, &body);
        let headers =
            [("x-github-event", "push"), ("x-github-delivery", delivery), ("x-hub-signature-256", &signature)];
        self.post(&headers, body).await
    }

    /// As Azure DevOps does.
    pub async fn azure_devops(&self, body: impl Into<Bytes>) -> Answer {
        self.post(&[("authorization", &basic("anybody", &self.secret))], body).await
    }

    /// As Standard Webhooks does, so many seconds from now.
    pub async fn standard(&self, id: &str, seconds: i64, body: &str) -> Answer {
        let timestamp = (jiff::Timestamp::now().as_second() + seconds).to_string();
        let signature = standard_signature(&self.secret, id, &timestamp, body.as_bytes());
        let headers = [("webhook-id", id), ("webhook-timestamp", &timestamp), ("webhook-signature", &signature)];
        self.post(&headers, body.to_owned()).await
    }
}

pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

pub fn github_signature(secret: &str, body: &[u8]) -> String {
    let digest = hmac_sha256(secret.as_bytes(), &[body]);
    format!("sha256={}", digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

pub fn standard_signature(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> String {
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).expect("base64");
    let digest = hmac_sha256(&key, &[id.as_bytes(), b".", timestamp.as_bytes(), b".", body]);
    format!("v1,{}", STANDARD.encode(digest))
}

pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

#[track_caller]
pub fn assert_stored(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (200, &Value::from("stored")), "{}", answer.text());
}

#[track_caller]
pub fn assert_duplicate(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (200, &"duplicate".into()), "{}", answer.text());
}

/// A problem of this status, whose detail names this.
#[track_caller]
pub fn assert_problem(answer: &Answer, status: u16, part: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["status"], status);
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(part)), "{problem}");
}

pub const EVENTS: &str = "SELECT count() FROM activitylog.events WHERE kind = 'webhook'";

/// Of the counters in `/metrics`.
pub async fn metric(server: &Server, name: &str) -> u64 {
    let metrics = server.get("/metrics").await.text();
    let line = metrics.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name} in {metrics}"));
    line.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/webhooks")
}
