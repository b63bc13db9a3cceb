//! Posts requests to the public OTLP/HTTP port the way a well-behaved exporter does: 429 and 503 and lost connections
//! are tried again with the same bytes, after what `Retry-After` says; anything else is an error.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, Response, Uri, body::Incoming, header};
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::time;

use super::DemoError;

pub struct Client {
    http: legacy::Client<HttpConnector, Full<Bytes>>,
    /// Without a slash at the end.
    endpoint: String,
    headers: Vec<(String, String)>,
    /// Whether anything was ever answered: before that, a refused connection is a mistake and not a restart.
    reached: bool,
    pub retries: u64,
}

const TRIES: u32 = 10;
const TIMEOUT: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
const MAX_ANSWER: usize = 64 * 1024;

/// One try that may be worth another.
enum Failure {
    Connect,
    Lost(String),
    /// 429 or 503, and how long the receiver wants to be left alone.
    Busy(u16, Option<Duration>),
    Fatal(DemoError),
}

// === impl Client ===

impl Client {
    pub fn new(endpoint: &str, headers: &[(String, String)]) -> Result<Client, DemoError> {
        let endpoint = endpoint.trim_end_matches('/');
        let uri: Option<Uri> = endpoint.parse().ok();
        let plain = uri.is_some_and(|uri| uri.scheme_str() == Some("http") && uri.host().is_some());
        if !plain {
            return Err(DemoError::BadEndpoint(endpoint.to_owned()));
        }
        let mut connector = HttpConnector::new();
        // head and body are two writes: the second would wait for a delayed ACK
        connector.set_nodelay(true);
        let http = legacy::Client::builder(TokioExecutor::new()).build(connector);
        Ok(Client { http, endpoint: endpoint.to_owned(), headers: headers.to_vec(), reached: false, retries: 0 })
    }

    /// Returns how many records the receiver says it rejected, once it has accepted the request.
    pub async fn post(&mut self, path: &str, body: Bytes) -> Result<u64, DemoError> {
        let mut pause = FIRST_PAUSE;
        let mut last = String::new();
        for attempt in 0..TRIES {
            if attempt > 0 {
                self.retries += 1;
            }
            let wanted = match self.try_once(path, body.clone()).await {
                Ok(rejected) => {
                    self.reached = true;
                    return Ok(rejected);
                }
                Err(Failure::Fatal(error)) => return Err(error),
                Err(Failure::Connect) if !self.reached => {
                    return Err(DemoError::NothingAnswers(self.endpoint.clone()));
                }
                Err(Failure::Connect) => {
                    last = "connection refused".to_owned();
                    None
                }
                Err(Failure::Lost(message)) => {
                    last = message;
                    None
                }
                Err(Failure::Busy(status, wanted)) => {
                    self.reached = true;
                    last = format!("HTTP {status}");
                    wanted
                }
            };
            time::sleep(wanted.unwrap_or(pause).min(LONGEST_PAUSE)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Err(DemoError::GaveUp { path: path.to_owned(), tries: TRIES, last })
    }

    async fn try_once(&self, path: &str, body: Bytes) -> Result<u64, Failure> {
        let mut request =
            Request::post(format!("{}{path}", self.endpoint)).header(header::CONTENT_TYPE, "application/json");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let fatal = |e: hyper::http::Error| Failure::Fatal(DemoError::BadHeader(e.to_string()));
        let request = request.body(Full::new(body)).map_err(fatal)?;
        let exchange = async {
            let response = self.http.request(request).await.map_err(|e| match e.is_connect() {
                true => Failure::Connect,
                false => Failure::Lost(e.to_string()),
            })?;
            let (status, wanted) = (response.status().as_u16(), retry_after(&response));
            let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
            let body = body.map_err(|e| Failure::Lost(e.to_string()))?.to_bytes();
            match status {
                200 => Ok(rejected(&body)),
                429 | 503 => Err(Failure::Busy(status, wanted)),
                _ => {
                    let text = String::from_utf8_lossy(&body).chars().take(500).collect();
                    Err(Failure::Fatal(DemoError::Refused { path: path.to_owned(), status, text }))
                }
            }
        };
        time::timeout(TIMEOUT, exchange).await.unwrap_or_else(|_| Err(Failure::Lost("no answer in 30 s".to_owned())))
    }
}

fn retry_after(response: &Response<Incoming>) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// `partialSuccess.rejected*`: an int64, so a string or a number.
fn rejected(body: &[u8]) -> u64 {
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return 0;
    };
    let Some(partial) = answer["partialSuccess"].as_object() else {
        return 0;
    };
    let counts = partial.iter().filter(|(key, _)| key.starts_with("rejected")).map(|(_, value)| value);
    counts.filter_map(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok())).sum()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// Answers each request with the next of `answers` and closes; says what it read.
    async fn receiver(answers: Vec<&'static str>) -> (String, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut text = String::new();
                while !text.ends_with("{\"a\":1}") {
                    let mut buffer = [0; 4096];
                    let n = stream.read(&mut buffer).await.unwrap();
                    text.push_str(std::str::from_utf8(&buffer[..n]).unwrap());
                }
                log.lock().unwrap().push(text);
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        (endpoint, seen)
    }

    const OK: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
    const BUSY: &str =
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n";

    #[tokio::test]
    async fn a_busy_receiver_gets_the_same_bytes_again() {
        let (endpoint, seen) = receiver(vec![BUSY, BUSY, OK]).await;
        let headers = [("authorization".to_owned(), "Bearer token".to_owned())];
        let mut client = Client::new(&endpoint, &headers).unwrap();
        assert_eq!(client.post("/v1/logs", Bytes::from_static(b"{\"a\":1}")).await.unwrap(), 0);
        assert_eq!(client.retries, 2);
        let seen = seen.lock().unwrap();
        assert!(seen.len() == 3 && seen[0] == seen[2]);
        assert!(seen[0].starts_with("POST /v1/logs HTTP/1.1\r\n"));
        assert!(seen[0].contains("authorization: Bearer token\r\n"));
    }

    #[tokio::test]
    async fn a_refusal_is_final_and_says_why() {
        let answer = "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 8\r\n\r\nno token";
        let (endpoint, _) = receiver(vec![answer]).await;
        let error = Client::new(&endpoint, &[]).unwrap().post("/v1/logs", Bytes::from_static(b"{\"a\":1}")).await;
        assert_eq!(error.unwrap_err().to_string(), "the receiver refused /v1/logs with HTTP 401: no token");
    }

    #[tokio::test]
    async fn nobody_there_is_said_at_once() {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let mut client = Client::new(&format!("http://127.0.0.1:{port}/"), &[]).unwrap();
        let error = client.post("/v1/logs", Bytes::new()).await.unwrap_err().to_string();
        assert_eq!(error, format!("nothing answers at http://127.0.0.1:{port}: start it with `make run`"));
    }

    #[test]
    fn an_endpoint_is_plain_http() {
        for endpoint in ["127.0.0.1:4318", "https://example.com", "http://", ""] {
            assert!(matches!(Client::new(endpoint, &[]), Err(DemoError::BadEndpoint(_))), "{endpoint}");
        }
    }

    #[test]
    fn a_partial_success_is_counted() {
        assert_eq!(rejected(br#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"x"}}"#), 3);
        assert_eq!(rejected(br#"{"partialSuccess":{"rejectedLogRecords":2}}"#), 2);
        assert_eq!(rejected(b"{}"), 0);
        assert_eq!(rejected(b""), 0);
    }
}
