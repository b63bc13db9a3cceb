//! What a tenant may send, what is kept of it, and that no tenant stands in another's way.

mod floods;
mod quotas;
mod settings;

use activitylog::clickhouse::server::{Endpoint, Server as Writer};
use activitylog::control::Change;
use activitylog::control::records::{Tenant, Tier, Token, TokenKind};
use activitylog::control::snapshot::hash;
use bytes::Bytes;
use hyper::Method;
use serde_json::Value;

use crate::support::{Answer, Server, eventually, logs, record, request};

/// A tenant of a running server, and who writes for it.
struct Sender {
    tenant: Tenant,
    header: String,
}

/// The server's ClickHouse, as its owner.
fn writer(server: &Server) -> Writer {
    let secrets = std::fs::read(server.dir.join("engine/secrets.json")).expect("the engine's secrets");
    let secrets: Value = serde_json::from_slice(&secrets).expect("JSON");
    let endpoint = Endpoint::new(format!("http://{}", server.run["clickhouse_http"].as_str().expect("an address")));
    let password = secrets["writer"].as_str().expect("a password");
    Writer::new(endpoint, "writer", password, std::time::Duration::from_secs(30))
}

/// Nothing is held back from it, but for what `limits` says.
async fn add(server: &Server, id: &str, limits: Tenant) -> Sender {
    let text = format!("alg_i_{id}");
    let tenant = Tenant { id: id.to_owned(), tier: Tier::Enterprise, ..limits };
    let token = Token {
        id: format!("token of {id}"),
        tenant_id: id.to_owned(),
        kind: TokenKind::Ingest,
        hash: hash(&text).into(),
        ..Token::default()
    };
    Change::new().put(&tenant).put(&token).write(&writer(server)).await.expect("written");
    let sender = Sender { tenant, header: format!("Bearer {text}") };
    eventually("the token is known", async || {
        let answer = sender.post(server, "/v1/logs", r#"{"resourceLogs": []}"#).await;
        (answer.status == 200).then_some(())
    })
    .await;
    sender
}

impl Sender {
    /// OTLP as JSON.
    async fn post(&self, server: &Server, path: &str, body: impl Into<Bytes>) -> Answer {
        let headers = [("authorization", self.header.as_str()), ("content-type", "application/json")];
        request(Method::POST, &server.otlp(path), &headers, body.into()).await
    }

    async fn send(&self, server: &Server, messages: &[&str]) -> Answer {
        let records: Vec<Value> =
            messages.iter().map(|message| record(message, 0, &[("gen_ai.prompt", "hush")])).collect();
        self.post(server, "/v1/logs", logs("test", &records).to_string()).await
    }

    /// Changes the tenant's row, as another node would.
    async fn change(&mut self, server: &Server, change: impl Fn(&mut Tenant)) {
        change(&mut self.tenant);
        self.tenant.version += 1;
        Change::new().put(&self.tenant).write(&writer(server)).await.expect("written");
    }
}

async fn metrics(server: &Server) -> String {
    server.get("/metrics").await.text()
}
