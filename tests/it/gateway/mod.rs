//! SQL of the callers' own: what clients of ClickHouse send, and what somebody hostile would.

mod clients;
mod hostile;
mod interface;
mod limits;

use activitylog::control::snapshot::hash;
use bytes::Bytes;
use hyper::Method;
use serde_json::json;

use crate::store::{Store, percent};
use crate::support::{Answer, Server, eventually, request};

/// An API token of an admin in a tenant that is made at run time; returned once it works.
pub async fn tenant(server: &Server, store: &Store, name: &str, tier: &str) -> String {
    tenant_in(server, store, name, tier, "").await
}

/// The same with a token that is bound to a project.
pub async fn tenant_in(server: &Server, store: &Store, name: &str, tier: &str, project: &str) -> String {
    let token = format!("alg_a_{name}_token");
    let insert =
        async |table: &str, row: serde_json::Value| store.insert(&format!("activitylog.{table}"), &[row]).await;
    insert("tenants", json!({"id": name, "name": name, "tier": tier, "version": 1})).await;
    insert(
        "users",
        json!({"id": format!("u-{name}"), "tenant_id": name, "email": "a@b", "role": "admin", "version": 1}),
    )
    .await;
    insert("tokens", json!({
        "id": format!("t-{name}"), "tenant_id": name, "kind": "api", "hash": hash(&token), "user_id": format!("u-{name}"), "project": project,
        "version": 1,
    })).await;
    eventually("the tenant is known", async || (ask(server, &token, "", "SELECT 1").await.status == 200).then_some(()))
        .await;
    token
}

/// As clients of ClickHouse ask; an empty token: as nobody.
pub async fn ask(server: &Server, token: &str, settings: &str, sql: &str) -> Answer {
    let basic = format!("Basic {}", base64::Engine::encode(&base64::prelude::BASE64_STANDARD, format!("any:{token}")));
    let headers = [("authorization", basic.as_str())];
    let headers = if token.is_empty() { &[][..] } else { &headers[..] };
    request(Method::POST, &server.api(&format!("/clickhouse/?{settings}")), headers, Bytes::from(sql.to_owned())).await
}

/// Through `POST /api/v1/sql`.
pub async fn post(server: &Server, token: &str, body: serde_json::Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    request(Method::POST, &server.api("/api/v1/sql"), &headers, body.to_string().into()).await
}

/// A successful answer's text.
pub async fn said(server: &Server, token: &str, settings: &str, sql: &str) -> String {
    let answer = ask(server, token, settings, sql).await;
    assert_eq!(answer.status, 200, "{sql}: {}", answer.text());
    answer.text().trim_end().to_owned()
}

pub fn address(pairs: &[(String, String)]) -> String {
    pairs.iter().map(|(name, value)| format!("{}={}", percent(name), percent(value))).collect::<Vec<_>>().join("&")
}
