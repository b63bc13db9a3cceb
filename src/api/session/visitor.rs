//! Whoever knocks: what the endpoints that anybody may call know of their caller.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;

use crate::api::access::{asking, known};
use crate::api::router::Api;
use crate::auth::{Denied, Principal};
use crate::net::Peer;

pub struct Visitor {
    /// Who it is already.
    pub principal: Result<Principal, Denied>,
    /// Whether a page of ours asks.
    own_page: Result<(), Denied>,
    pub ip: Option<IpAddr>,
    pub user_agent: String,
    /// Whether cookies are for TLS only.
    pub secure: bool,
    pub headers: HeaderMap,
}

// === impl Visitor ===

impl FromRequestParts<Arc<Api>> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Visitor, Infallible> {
        let principal = known(api, parts).await;
        let asking = asking(parts);
        let proxy = api.auth.proxy();
        let tls = parts.extensions.get::<Peer>().is_some_and(|peer| peer.tls);
        let user_agent =
            parts.headers.get(USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned());
        Ok(Visitor {
            principal,
            own_page: api.auth.own_page(asking.headers, asking.site),
            ip: proxy.client(asking.headers, asking.peer),
            user_agent: user_agent.unwrap_or_default(),
            secure: tls || api.signing.is_https() || proxy.is_https(asking.headers, asking.peer),
            headers: parts.headers.clone(),
        })
    }
}

impl Visitor {
    /// Another site's page must not sign its visitor in as somebody of its choice.
    pub fn must_be_own_page(&self) -> Result<(), Denied> {
        self.own_page
    }

    pub fn source_ip(&self) -> String {
        self.ip.map_or_else(String::new, |ip| ip.to_string())
    }
}
