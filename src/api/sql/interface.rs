//! ClickHouse's HTTP interface: what its clients send, and answers and errors in its own form.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, header::HOST};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::error;
use super::super::router::Api;
use super::body;
use super::record::{Record, Way};
use crate::auth::permissions::Permission;
use crate::auth::{Asking, Denied, Principal};
use crate::gateway::{Asked, Exception, LONGEST_QUERY, Question};
use crate::net::Peer;

/// As ClickHouse answers it.
pub(super) async fn ping() -> &'static str {
    "Ok.\n"
}

pub(super) async fn serve(State(api): State<Arc<Api>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut asked = Asked::default();
    match answer(&api, &parts, body, &mut asked).await {
        Ok(response) => response,
        Err(exception) => error::exception(&exception, asked.framed),
    }
}

async fn answer(api: &Api, parts: &Parts, body: Body, asked: &mut Asked) -> Result<Response, Exception> {
    let pairs: Vec<(String, String)> =
        form_urlencoded::parse(parts.uri.query().unwrap_or("").as_bytes()).into_owned().collect();
    asked.framed = pairs.iter().any(|(name, value)| name == "compress" && value == "1");
    let caller = caller(api, parts, &pairs).map_err(|denied| match denied {
        denied if denied.is_unauthenticated() => Exception::unauthenticated(denied),
        Denied::NotYetKnown => Exception::too_many(denied),
        denied => Exception::denied(denied),
    })?;
    for (name, value) in &pairs {
        asked.take(name, value)?;
    }
    // Its data may be long, and is not read.
    if asked.query.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("insert")) {
        return Err(Exception::denied(
            "only SELECT is taken here: events come in over OTLP, webhooks and POST /api/v1/messages",
        ));
    }
    let mut text = body::take(api, &parts.headers, body, LONGEST_QUERY).await?;
    if let Some(boundary) = body::boundary(&parts.headers) {
        for (name, value) in body::fields(&text, &boundary)? {
            asked.take(&name, &value)?;
        }
        text.clear();
    }
    if !asked.query.is_empty() {
        text = [asked.query.as_bytes(), b"\n", text.as_ref()].concat().into();
    }
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(Exception::new(
            400,
            62,
            "SYNTAX_ERROR",
            "there is no query: send one SELECT, in the address or the body",
        ));
    }
    let record = Record::of(&caller, Way::ClickHouse, &text);
    let question = Question { text, asked: asked.clone(), coding: super::coding(&parts.headers) };
    Ok(super::respond(super::ask(api, &caller, question, record).await?))
}

/// ClickHouse's clients name themselves by Basic, by headers of their own, or in the address: the token is the password.
fn caller(api: &Api, parts: &Parts, pairs: &[(String, String)]) -> Result<Principal, Denied> {
    let mut headers = parts.headers.clone();
    if let Some(credential) = credential(&headers, pairs) {
        headers.insert(AUTHORIZATION, credential);
    }
    let authority = parts.uri.authority().map(Authority::as_str);
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.address.ip());
    // A query is as good as a change: pages of other sites must not start one, whichever method they take.
    let asking = Asking { method: &Method::POST, headers: &headers, site: authority.or(host), peer };
    let caller = api.auth.principal(asking)?;
    let site = parts.headers.get("sec-fetch-site").map_or(&b"none"[..], HeaderValue::as_bytes);
    if !matches!(caller.via, crate::auth::principal::Via::Token(_)) && !matches!(site, b"none" | b"same-origin") {
        return Err(Denied::ForeignOrigin);
    }
    caller.require(Permission::SqlQuery)?;
    Ok(caller)
}

fn credential(headers: &HeaderMap, pairs: &[(String, String)]) -> Option<HeaderValue> {
    if headers.contains_key(AUTHORIZATION) {
        return None;
    }
    let said = |header: &str, parameter: &str| {
        let header = headers.get(header).and_then(|value| value.to_str().ok()).map(str::to_owned);
        header.or_else(|| pairs.iter().find(|(name, _)| name == parameter).map(|(_, value)| value.clone()))
    };
    let password = said("x-clickhouse-key", "password").filter(|password| !password.is_empty())?;
    let user = said("x-clickhouse-user", "user").unwrap_or_default().replace(':', "");
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))).ok()?;
    value.set_sensitive(true);
    Some(value)
}
