//! HTTP toward an identity provider: TLS with the machine's own roots, no redirects, small answers, and not for long.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Uri;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use tokio_rustls::rustls::crypto::ring;

pub(super) struct Http(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("this machine's root certificates can't be read: {0}")]
    Roots(std::io::Error),
    #[error("{0} is not an address with https://")]
    Plain(String),
    #[error("the request can't be made: {0}")]
    Request(#[from] hyper::http::Error),
    #[error("no answer: {0}")]
    Unreachable(#[from] hyper_util::client::legacy::Error),
    #[error("the answer broke off or is too large: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    #[error("no answer in {} s", PATIENCE.as_secs())]
    Timeout,
}

const PATIENCE: Duration = Duration::from_secs(10);
const MOST_BYTES: usize = 1 << 20;

/// A provider on this machine may do without TLS.
fn is_safe(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or("").trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    uri.scheme_str() == Some("https") || is_here
}

// === impl Http ===

impl Http {
    pub(super) fn new() -> Result<Http, HttpError> {
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(ring::default_provider())
            .map_err(HttpError::Roots)?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Http(Client::builder(TokioExecutor::new()).build(connector)))
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if !is_safe(request.uri()) {
            return Err(HttpError::Plain(request.uri().to_string()));
        }
        let (head, body) = request.into_parts();
        let request = hyper::Request::from_parts(head, Full::new(Bytes::from(body)));
        let (head, body) = self.0.request(request).await?.into_parts();
        let body = Limited::new(body, MOST_BYTES).collect().await.map_err(HttpError::Body)?;
        Ok(hyper::Response::from_parts(head, body.to_bytes().to_vec()))
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(
            async move { tokio::time::timeout(PATIENCE, self.ask(request)).await.unwrap_or(Err(HttpError::Timeout)) },
        )
    }
}
