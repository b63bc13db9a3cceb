//! Who is calling. Until there are tokens and sessions, one answer: whoever reaches a loopback listener, if the
//! configuration lets anonymous callers in.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HOST};
use percent_encoding::percent_decode;

use crate::model::scope::Scope;

/// Every credential that ActivityLog gives out starts so.
const TOKEN_PREFIX: &str = "alg_";
/// What it may do shows in its name, so that an answer about that tells nothing of the token itself.
const INGEST_PREFIX: &str = "alg_i_";

#[derive(Debug, Clone)]
pub struct Auth {
    anonymous_tenant: Option<String>,
}

/// May write into one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    pub tenant: String,
    /// The project that its events belong to; empty: what they say themselves.
    pub project: String,
}

/// May read what its scope allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    pub scope: Scope,
    pub user_id: String,
    pub role: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error(
        "the token in the Authorization header is not known here: it is mistyped, revoked, or from another installation"
    )]
    UnknownToken,
    #[error(
        "the Authorization header holds an ActivityLog token (alg_...) where it can't be read: send \"Authorization: Bearer <token>\", \
         or Basic with the token as the password"
    )]
    MisplacedToken,
    #[error("this is an ingest token (alg_i_...), which may only write: to read, send an API token (alg_a_...)")]
    WriteOnlyToken,
    #[error(
        "no credential: send \"Authorization: Bearer <token>\"; anonymous access is off (auth.anonymous_tenant is empty)"
    )]
    NoCredential,
    /// A page on another name that resolves to this machine must not act as its user.
    #[error(
        "anonymous callers must use a loopback name: ask for localhost or 127.0.0.1, not for the name in the Host header"
    )]
    ForeignHost,
}

// === impl Auth ===

impl Auth {
    pub fn new(anonymous_tenant: &str) -> Auth {
        Auth { anonymous_tenant: Some(anonymous_tenant.to_owned()).filter(|tenant| !tenant.is_empty()) }
    }

    pub fn writer(&self, headers: &HeaderMap) -> Result<Writer, Denied> {
        let tenant = self.anonymous(headers)?;
        Ok(Writer { tenant: tenant.to_owned(), project: String::new() })
    }

    pub fn reader(&self, headers: &HeaderMap) -> Result<Reader, Denied> {
        if matches!(credential(headers), Credential::Token(token) if token.starts_with(INGEST_PREFIX)) {
            return Err(Denied::WriteOnlyToken);
        }
        let tenant = self.anonymous(headers)?;
        Ok(Reader { scope: Scope::whole_tenant(tenant), user_id: "local".to_owned(), role: "admin" })
    }

    /// Whose the requests are that are turned away before their sender is known; empty: nobody's.
    pub fn tenant_of_strangers(&self) -> &str {
        self.anonymous_tenant.as_deref().unwrap_or("")
    }

    /// A token of our form must be valid; a credential of somebody else's (another backend's header, left in an exporter's
    /// environment) says nothing about us and is not looked at.
    fn anonymous(&self, headers: &HeaderMap) -> Result<&str, Denied> {
        match credential(headers) {
            Credential::Token(_) => return Err(Denied::UnknownToken),
            Credential::Misplaced => return Err(Denied::MisplacedToken),
            Credential::Foreign => {}
        }
        let tenant = self.anonymous_tenant.as_deref().ok_or(Denied::NoCredential)?;
        match headers.get(HOST).map(|host| host.to_str().unwrap_or("")) {
            Some(host) if !is_loopback_name(host) => Err(Denied::ForeignHost),
            _ => Ok(tenant),
        }
    }
}

/// What the Authorization header holds.
enum Credential {
    /// One of ours, whether or not it is valid.
    Token(String),
    /// One of ours, not as a Bearer or as the password of Basic.
    Misplaced,
    /// None, or somebody else's.
    Foreign,
}

/// Exporters send `%20` for the blank (OTEL_EXPORTER_OTLP_HEADERS is percent-encoded by its specification, and some clients pass
/// it on as it is), and then `%3D` at the end of a Basic credential.
fn credential(headers: &HeaderMap) -> Credential {
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

fn is_loopback_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(""),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost")
        || name.to_ascii_lowercase().ends_with(".localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn anonymous_callers_on_loopback_write_into_the_configured_tenant() {
        let auth = Auth::new("default");
        for host in ["127.0.0.1:4318", "localhost", "[::1]:8080", "activitylog.localhost:1"] {
            assert_eq!(auth.writer(&headers(&[("host", host)])).expect("let in").tenant, "default");
        }
        assert_eq!(auth.reader(&headers(&[("host", "evil.example:8080")])), Err(Denied::ForeignHost));
    }

    #[test]
    fn a_token_of_ours_must_be_known_and_a_foreign_credential_is_not_looked_at() {
        let auth = Auth::new("default");
        let said = |value: &str| auth.writer(&headers(&[("authorization", value)]));
        for value in ["Bearer alg_i_x", "bearer%20alg_i_x", "Basic dXNlcjphbGdfaV94", "Basic%20OmFsZ19pX3g%3D"] {
            assert_eq!(said(value), Err(Denied::UnknownToken), "{value}");
        }
        // Without a scheme, with another, quoted, twice, and as the user of Basic.
        for value in [
            "alg_i_x",
            "Token alg_i_x",
            "Bearer \"alg_i_x\"",
            "Bearer Bearer alg_i_x",
            "Basic YWxnX2lfeDo=",
            "Bearer token=alg_i_x",
        ] {
            assert_eq!(said(value), Err(Denied::MisplacedToken), "{value}");
        }
        for value in ["", "Basic cGstbGYtZmFrZTpzay1sZi1mYWtl", "Bearer eyJh.balg_x.y", "Basic alg", "%", "%ff%fe"] {
            assert!(said(value).is_ok(), "{value}");
        }
        let reading = headers(&[("authorization", "Bearer alg_i_x")]);
        assert_eq!(auth.reader(&reading), Err(Denied::WriteOnlyToken));
        assert!(said("Bearer of-another-backend").is_ok());
    }

    #[test]
    fn nobody_comes_without_a_credential_when_anonymous_access_is_off() {
        assert_eq!(Auth::new("").writer(&HeaderMap::new()), Err(Denied::NoCredential));
    }
}
