//! ClickHouse's HTTP interface as it is: a request goes out as it was made, and its answer comes back as it streams.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::server::{Endpoint, StoreError};

/// One user at one server.
#[derive(Clone)]
pub struct Raw {
    endpoint: Endpoint,
    user: String,
    password: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// The engine closes what was idle for 3 seconds; a request must not meet that.
const IDLE: Duration = Duration::from_secs(2);

// === impl Raw ===

impl Raw {
    pub fn new(endpoint: Endpoint, user: &str, password: &str) -> Raw {
        let client =
            Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE).build_http();
        Raw { endpoint, user: user.to_owned(), password: password.to_owned(), client }
    }

    /// Where it is, as messages of ClickHouse may name it.
    pub fn address(&self) -> String {
        let url = self.endpoint.url();
        url.split_once("://").map_or(url.as_str(), |(_, rest)| rest).trim_end_matches('/').to_owned()
    }

    /// `settings` go into the address, which is encoded here. Dropping the answer's body closes its connection.
    pub async fn post(
        &self,
        settings: &[(String, String)],
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Incoming>, StoreError> {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(settings).finish();
        let unusable = |error: &dyn std::fmt::Display| StoreError::Unreachable(error.to_string());
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/?{query}", self.endpoint.url().trim_end_matches('/')))
            .body(Full::new(body))
            .map_err(|error| unusable(&error))?;
        *request.headers_mut() = headers;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        for (name, value) in [("x-clickhouse-user", &self.user), ("x-clickhouse-key", &self.password)] {
            let mut value = HeaderValue::from_str(value).map_err(|error| unusable(&error))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        self.client.request(request).await.map_err(|error| match std::error::Error::source(&error) {
            Some(cause) => unusable(&format!("{error}: {cause}")),
            None => unusable(&error),
        })
    }
}
