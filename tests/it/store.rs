//! The ClickHouse of a running server, asked directly: as its owner, who may write what no client would send, and as the reader.

use activitylog::clickhouse::read::query_id;
use activitylog::model::scope::Scope;
use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Server, request};

pub struct Store {
    url: String,
    secrets: Value,
}

/// Kept for long, but not past what a `DateTime` holds: rows must not expire under a test.
pub const RETENTION_DAYS: u16 = 20_000;

pub fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

pub fn uuid(id: u128) -> String {
    uuid::Uuid::from_u128(id).to_string()
}

/// RFC 3339 with nanoseconds.
pub fn instant(ns: i64) -> String {
    format!("{:.9}", jiff::Timestamp::from_nanosecond(i128::from(ns)).expect("an instant"))
}

pub fn nanoseconds(text: &str) -> i64 {
    let instant: jiff::Timestamp = text.parse().expect("an instant");
    instant.as_nanosecond().try_into().expect("in range")
}

/// A row of `activitylog.events` of tenant `default`; `more` is laid over it.
pub fn event(ns: i64, id: u128, more: Value) -> Value {
    let mut row = json!({
        "tenant_id": "default", "timestamp": instant(ns), "received_at": instant(ns), "event_id": uuid(id),
        "source": "app", "event_class": "app", "event_type": "app.done", "outcome": "success",
        "retention_days": RETENTION_DAYS,
    });
    let fields = row.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    row
}

// === impl Store ===

impl Store {
    pub fn of(server: &Server) -> Store {
        let secrets = std::fs::read(server.dir.join("engine/secrets.json")).expect("the engine's secrets");
        Store {
            url: format!("http://{}", server.run["clickhouse_http"].as_str().expect("an address")),
            secrets: serde_json::from_slice(&secrets).expect("JSON"),
        }
    }

    /// `settings` as in a URL: `a=1&b=2`.
    pub async fn ask(&self, user: &str, settings: &str, body: impl Into<Bytes>) -> Answer {
        let password = self.secrets[user].as_str().unwrap_or("");
        let headers = [("x-clickhouse-user", user), ("x-clickhouse-key", password)];
        request(Method::POST, &format!("{}/?{settings}", self.url), &headers, body.into()).await
    }

    /// As the owner; must succeed.
    pub async fn write(&self, sql: &str) -> String {
        let answer = self.ask("writer", "", sql.to_owned()).await;
        assert_eq!(answer.status, 200, "{sql}: {}", answer.text());
        answer.text().trim_end().to_owned()
    }

    /// As the product reads: behind the wall, in the whole of a tenant. Cells by rows.
    pub async fn read(&self, tenant: &str, sql: &str) -> Vec<Vec<String>> {
        let id = query_id(&Scope::whole_tenant(tenant));
        let settings = format!("readonly=1&default_format=TabSeparatedRaw&query_id={}", percent(&id));
        let answer = self.ask("reader", &settings, sql.to_owned()).await;
        assert_eq!(answer.status, 200, "{sql}: {}", answer.text());
        answer.text().lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
    }

    /// Rows as JSON objects.
    pub async fn insert(&self, table: &str, rows: &[Value]) {
        let body: String = rows.iter().map(|row| format!("{row}\n")).collect();
        let query = percent(&format!("INSERT INTO {table} FORMAT JSONEachRow"));
        let answer = self
            .ask("writer", &format!("date_time_input_format=best_effort&optimize_on_insert=0&query={query}"), body)
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    pub async fn insert_native(&self, table: &str, body: Vec<u8>) {
        let query = percent(&format!("INSERT INTO {table} FORMAT Native"));
        let answer = self.ask("writer", &format!("query={query}"), body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}
