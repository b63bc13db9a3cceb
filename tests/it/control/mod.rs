//! Users, roles, projects, tokens, invites, webhook sources and tenants: over the API and the command line.

mod actions;
mod commands;
mod guards;
mod lists;
mod revoked;

use hyper::Method;
use serde_json::{Value, json};

use crate::people::{call, text};
use crate::support::{Answer, Server};

/// No anonymous access, so that what a token may do shows.
pub async fn server() -> Server {
    let environment = [("ACTIVITYLOG_AUTH_ANONYMOUS_TENANT", ""), ("ACTIVITYLOG_TIERS_FREE_RETENTION_DAYS", "7")];
    Server::start_with(&environment).await
}

/// Somebody who asks.
pub struct Caller<'s> {
    pub server: &'s Server,
    pub token: String,
}

impl Caller<'_> {
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        call(self.server, method, path, &self.token, body).await
    }

    pub async fn get(&self, path: &str) -> Value {
        self.done(Method::GET, path, None, 200).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.done(Method::POST, path, Some(&body), 201).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Value {
        self.done(Method::PATCH, path, Some(&body), 200).await
    }

    pub async fn delete(&self, path: &str) {
        self.done(Method::DELETE, path, None, 204).await;
    }

    pub async fn done(&self, method: Method, path: &str, body: Option<&Value>, status: u16) -> Value {
        let answer = self.ask(method.clone(), path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    /// Refused with this status and a text that holds `part`.
    pub async fn refused(&self, method: Method, path: &str, body: Value, status: u16, part: &str) {
        let body = Some(&body).filter(|body| !body.is_null());
        let answer = self.ask(method.clone(), path, body).await;
        let said = answer.text();
        assert_eq!(answer.status, status, "{method} {path} {body:?}: {said}");
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{method} {path}");
        assert!(said.contains(part), "{method} {path} {body:?}: {said}, expected {part:?}");
    }

    pub async fn add_user(&self, email: &str, role: &str) -> String {
        text(&self.post("/api/v1/users", json!({"email": email, "name": "", "role": role})).await, "id")
    }
}
