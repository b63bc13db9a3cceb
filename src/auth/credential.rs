//! What a request shows of itself: an Authorization header, or the cookie of a session.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, COOKIE};
use percent_encoding::percent_decode;

/// Every credential that ActivityLog gives out starts so.
const TOKEN_PREFIX: &str = "alg_";
/// What it may do shows in its name, so that an answer about that tells nothing of the token itself.
pub const INGEST_PREFIX: &str = "alg_i_";
pub const API_PREFIX: &str = "alg_a_";
/// The cookie that a browser's session is known by.
pub const SESSION_COOKIE: &str = "activitylog_session";

/// What the Authorization header holds.
pub(super) enum Credential {
    /// One of ours, whether or not it is valid.
    Token(String),
    /// One of ours, not as a Bearer or as the password of Basic.
    Misplaced,
    /// None, or somebody else's.
    Foreign,
}

/// Exporters send `%20` for the blank (OTEL_EXPORTER_OTLP_HEADERS is percent-encoded by its specification, and some clients pass
/// it on as it is), and then `%3D` at the end of a Basic credential.
pub(super) fn credential(headers: &HeaderMap) -> Credential {
    let Some(value) = headers.get(AUTHORIZATION) else { return Credential::Foreign };
    let value = percent_decode(value.as_bytes()).decode_utf8_lossy();
    let (scheme, rest) = value.trim().split_once(' ').unwrap_or(("", value.trim()));
    let mut said = rest.trim().to_owned();
    let mut secret = said.as_str();
    if scheme.eq_ignore_ascii_case("basic") {
        said = STANDARD.decode(secret).ok().and_then(|pair| String::from_utf8(pair).ok()).unwrap_or_default();
        secret = said.split_once(':').map_or("", |(_, password)| password);
    }
    let is_read = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("basic");
    if is_read && secret.starts_with(TOKEN_PREFIX) {
        return Credential::Token(secret.to_owned());
    }
    let words = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ':' | '=');
    match said.split(words).any(|word| word.starts_with(TOKEN_PREFIX)) {
        true => Credential::Misplaced,
        false => Credential::Foreign,
    }
}

/// The value of the session's cookie.
pub fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|list| list.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, value)| *name == SESSION_COOKIE && !value.is_empty()).map(|(_, value)| value)
}
