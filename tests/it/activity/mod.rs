//! The activity feed, the audit page of a project, and the audit trail, as their callers see them.

mod access;
pub(crate) mod export;
mod feed;
mod trail;

use activitylog::auth::secret;
use activitylog::control::records::{Membership, Project, Tenant, Token, TokenKind, User};
use bytes::Bytes;
use hyper::Method;
use serde::Serialize;
use serde_json::{Value, json};

use crate::store::{Store, event};
use crate::support::{Answer, Server, eventually, request};

/// A server with people on it, each with an API token.
struct Site {
    server: Server,
    store: Store,
}

fn row(record: &impl Serialize) -> Value {
    serde_json::to_value(record).expect("plain data")
}

/// A row of the audit kind.
fn entry(ns: i64, id: u128, more: Value) -> Value {
    let mut row =
        event(ns, id, json!({"kind": "audit", "source": "audit", "event_class": "audit", "event_type": "role.add"}));
    row.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    row
}

// === impl Site ===

impl Site {
    /// Tenants `default` and `other`; projects alpha and beta in both.
    async fn start(environment: &[(&str, &str)]) -> Site {
        let server = Server::start_with(environment).await;
        let store = Store::of(&server);
        let site = Site { server, store };
        let tenant = Tenant { id: "other".to_owned(), version: 1, ..Tenant::default() };
        site.store.insert("activitylog.tenants", &[row(&tenant)]).await;
        let projects = [("default", "alpha"), ("default", "beta"), ("other", "alpha")].map(|(tenant, slug)| {
            row(&Project {
                id: format!("{tenant}-{slug}"),
                tenant_id: tenant.to_owned(),
                slug: slug.to_owned(),
                version: 1,
                ..Project::default()
            })
        });
        site.store.insert("activitylog.projects", &projects).await;
        site
    }

    /// Adds a user and their memberships; answers their token.
    async fn user(&self, tenant: &str, id: &str, role: &str, projects: &[&str]) -> String {
        let user = User {
            id: id.to_owned(),
            tenant_id: tenant.to_owned(),
            email: format!("{id}@example.com"),
            name: format!("The {id}"),
            role: role.to_owned(),
            version: 1,
            ..User::default()
        };
        let memberships: Vec<Value> = projects
            .iter()
            .map(|slug| {
                row(&Membership {
                    tenant_id: tenant.to_owned(),
                    project_id: format!("{tenant}-{slug}"),
                    user_id: id.to_owned(),
                    version: 1,
                    ..Membership::default()
                })
            })
            .collect();
        self.store.insert("activitylog.users", &[row(&user)]).await;
        if !memberships.is_empty() {
            self.store.insert("activitylog.memberships", &memberships).await;
        }
        self.token(tenant, id, "").await
    }

    async fn token(&self, tenant: &str, user_id: &str, project: &str) -> String {
        let token = Token {
            tenant_id: tenant.to_owned(),
            kind: TokenKind::Api,
            user_id: user_id.to_owned(),
            project: project.to_owned(),
            version: 1,
            ..Token::default()
        };
        let (token, text) = secret::mint(token).expect("minted");
        self.store.insert("activitylog.tokens", &[row(&token)]).await;
        text
    }

    /// Waits until the server knows this token.
    async fn known(&self, token: &str) {
        eventually("the token is known", async || {
            let answer = self.get(token, "/api/v1/me").await;
            (answer.status == 200).then_some(())
        })
        .await;
    }

    async fn get(&self, token: &str, path: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        request(Method::GET, &self.server.api(path), &[("authorization", &bearer)], Bytes::new()).await
    }

    async fn json(&self, token: &str, path: &str) -> Value {
        let answer = self.get(token, path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }
}
