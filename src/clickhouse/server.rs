//! A ClickHouse server and how to ask it: where it is, who asks, and what its errors mean.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use clickhouse::Client;
use clickhouse::query::Query;

/// Where the server is now. The embedded engine may come back on another port.
#[derive(Debug, Clone)]
pub struct Endpoint(Arc<RwLock<String>>);

/// One user at one server.
#[derive(Clone)]
pub struct Server {
    endpoint: Endpoint,
    client: Client,
    timeout: Duration,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// ClickHouse answered with an error of its own.
    #[error("ClickHouse refused (code {code}): {message}")]
    Refused { code: u32, message: String },
    #[error("ClickHouse is not reachable: {0}")]
    Unreachable(String),
    #[error("ClickHouse did not answer within {0:?}")]
    Timeout(Duration),
}

// === impl Endpoint ===

impl Endpoint {
    pub fn new(url: impl Into<String>) -> Endpoint {
        Endpoint(Arc::new(RwLock::new(url.into())))
    }

    pub fn set(&self, url: impl Into<String>) {
        *self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = url.into();
    }

    pub fn url(&self) -> String {
        self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }
}

// === impl Server ===

impl Server {
    pub fn new(endpoint: Endpoint, user: &str, password: &str, timeout: Duration) -> Server {
        // No row types of ours to validate: answers are JSON, inserts are blocks.
        let client = Client::default().with_user(user).with_password(password).with_validation(false);
        Server { endpoint, client, timeout }
    }

    pub fn client(&self) -> Client {
        self.client.clone().with_url(self.endpoint.url())
    }

    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    pub async fn execute(&self, sql: &str) -> Result<(), StoreError> {
        // Our own statements hold no bind markers, so every `?` in them is meant.
        let query = self.client().query(&sql.replace('?', "??"));
        self.within(query.execute()).await
    }

    /// As [`Server::execute`], with settings of ClickHouse for this statement.
    pub async fn execute_with(&self, sql: &str, settings: &[(&str, &str)]) -> Result<(), StoreError> {
        let client = settings.iter().fold(self.client(), |client, (name, value)| client.with_setting(*name, *value));
        self.within(client.query(&sql.replace('?', "??")).execute()).await
    }

    /// The answer as lines of tab-separated text.
    pub async fn lines(&self, sql: &str) -> Result<Vec<Vec<String>>, StoreError> {
        let query = self.client().query(&sql.replace('?', "??"));
        let bytes = self.bytes(query, "TabSeparatedRaw").await?;
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
    }

    pub async fn bytes(&self, query: Query, format: &str) -> Result<Vec<u8>, StoreError> {
        self.within(async {
            let mut cursor = query.fetch_bytes(format)?;
            Ok(cursor.collect().await?.to_vec())
        })
        .await
    }

    async fn within<T>(
        &self,
        asked: impl Future<Output = Result<T, clickhouse::error::Error>>,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(self.timeout, asked).await {
            Ok(answer) => answer.map_err(StoreError::from),
            Err(_) => Err(StoreError::Timeout(self.timeout)),
        }
    }
}

// === impl StoreError ===

impl StoreError {
    pub const TABLE_ALREADY_EXISTS: u32 = 57;
    const UNKNOWN_DATABASE: u32 = 81;

    /// Whether the same insert can succeed later. Unknown codes can: a segment is set aside only when it never could.
    pub fn is_retryable(&self) -> bool {
        // Can't parse, no such column, type mismatch, not enough data, wrong checksum, unknown type, can't convert,
        // too large, can't decompress, value out of range, overflow, unknown codec.
        const NEVER: [u32; 17] = [6, 10, 16, 26, 27, 33, 40, 43, 47, 50, 53, 62, 70, 117, 131, 271, 407];
        match self {
            StoreError::Refused { code, .. } => !NEVER.contains(code),
            StoreError::Unreachable(_) | StoreError::Timeout(_) => true,
        }
    }

    pub fn is_missing_database(&self) -> bool {
        matches!(self, StoreError::Refused { code, .. } if *code == Self::UNKNOWN_DATABASE || *code == 60)
    }

    pub fn is_already_there(&self) -> bool {
        matches!(self, StoreError::Refused { code, .. } if *code == Self::TABLE_ALREADY_EXISTS)
    }

    /// Others are asking too much at once; the same query can succeed later.
    pub fn is_busy(&self) -> bool {
        matches!(self, StoreError::Refused { code: 202, .. })
    }

    /// The query asked for more time, memory or rows than a reader may have.
    pub fn is_over_limit(&self) -> bool {
        matches!(self, StoreError::Refused { code, .. } if [158, 159, 160, 241, 307, 396].contains(code))
    }
}

impl From<clickhouse::error::Error> for StoreError {
    fn from(error: clickhouse::error::Error) -> Self {
        use clickhouse::error::Error;
        match error {
            // The crate hands on ClickHouse's text, which starts with its number: "Code: 62. DB::Exception: ...".
            Error::BadResponse(text) => match text.split_once("Code: ").map(|(_, rest)| rest) {
                Some(rest) => {
                    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                    StoreError::Refused { code: rest[..digits].parse().unwrap_or(0), message: text }
                }
                None => StoreError::Unreachable(text),
            },
            Error::TimedOut => StoreError::Timeout(Duration::ZERO),
            other => {
                let mut text = other.to_string();
                let mut source = std::error::Error::source(&other);
                while let Some(cause) = source {
                    text = format!("{text}: {cause}");
                    source = cause.source();
                }
                StoreError::Unreachable(text)
            }
        }
    }
}
