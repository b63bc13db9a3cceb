//! Tenants, users and tokens for tests, made through the command line.

use std::process::Command;

use bytes::Bytes;
use hyper::Method;
use serde_json::Value;

use crate::support::{Answer, BINARY, Server, request};
use crate::webhooks::Said;

/// A command, on the data folder of this server.
pub fn run(server: &Server, arguments: &[&str]) -> Said {
    let output =
        Command::new(BINARY).args(arguments).env("ACTIVITYLOG_DATA_DIR", &server.dir).output().expect("the binary");
    Said {
        code: output.status.code().expect("it exited"),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        error: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// What a command that must succeed says, line by line.
#[track_caller]
pub fn lines(server: &Server, arguments: &[&str]) -> Vec<Value> {
    let said = run(server, arguments);
    assert_eq!(said.code, 0, "{arguments:?}: {}", said.error);
    assert_eq!(said.error, "", "{arguments:?}");
    said.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The one thing that a command says.
#[track_caller]
pub fn said(server: &Server, arguments: &[&str]) -> Value {
    let mut lines = lines(server, arguments);
    assert_eq!(lines.len(), 1, "{arguments:?}: {lines:?}");
    lines.remove(0)
}

pub fn tenant(server: &Server, id: &str) {
    said(server, &["tenant", "add", "--id", id]);
}

/// The id of a new user, whose password is "correct horse".
pub fn user(server: &Server, tenant: &str, email: &str, role: &str) -> String {
    let user = ["user", "add", "--tenant", tenant, "--email", email, "--role", role, "--password", "correct horse"];
    text(&said(server, &user), "id")
}

pub fn project(server: &Server, tenant: &str, slug: &str) {
    said(server, &["project", "add", "--tenant", tenant, "--slug", slug]);
}

pub fn member(server: &Server, tenant: &str, user: &str, project: &str) {
    said(server, &["membership", "add", "--tenant", tenant, "--user", user, "--project", project]);
}

/// A token that acts as a user.
pub fn api_token(server: &Server, tenant: &str, user: &str) -> String {
    text(&said(server, &["token", "mint", "--tenant", tenant, "--kind", "api", "--user", user]), "token")
}

pub fn ingest_token(server: &Server, tenant: &str) -> String {
    text(&said(server, &["token", "mint", "--tenant", tenant, "--kind", "ingest"]), "token")
}

/// A new user of this role, and a token that acts as it.
pub fn acting(server: &Server, tenant: &str, email: &str, role: &str) -> (String, String) {
    let id = user(server, tenant, email, role);
    let token = api_token(server, tenant, email);
    (id, token)
}

#[track_caller]
pub fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

/// A request with a token; an empty one is none.
pub async fn call(server: &Server, method: Method, path: &str, token: &str, body: Option<&Value>) -> Answer {
    let bearer = format!("Bearer {token}");
    let mut headers = Vec::new();
    if !token.is_empty() {
        headers.push(("authorization", bearer.as_str()));
    }
    if body.is_some() {
        headers.push(("content-type", "application/json"));
    }
    let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
    request(method, &server.api(path), &headers, body).await
}
