//! Who is calling: a token, a session, or whoever reaches a loopback listener where the configuration lets anonymous callers in.
//!
//! ```text
//! headers -> credential -> Snapshot -> Principal (who, which rows, which permissions) | Writer (which tenant) | Denied
//! ```

pub mod credential;
pub mod lockout;
pub mod oidc;
pub mod password;
pub mod permissions;
pub mod principal;
pub mod proxy;
pub mod secret;
pub mod session;
pub mod signing;
pub mod totp;

use std::net::IpAddr;
use std::sync::Arc;

use hyper::header::{HOST, ORIGIN};
use hyper::{HeaderMap, Method};

use crate::config;
use crate::config::signing_in::site_of;
use crate::control::Control;
use crate::control::records::TokenKind;

use credential::{Credential, INGEST_PREFIX, credential, session_cookie};
use principal::Via;
pub use principal::{Principal, Writer};
use proxy::Proxy;

pub struct Auth {
    anonymous_tenant: Option<String>,
    control: Arc<Control>,
    proxy: Proxy,
    /// As browsers name it, where something between them and us names it differently.
    public_site: Option<String>,
}

/// The head of a request, and where it came from.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'r> {
    pub method: &'r Method,
    pub headers: &'r HeaderMap,
    /// The host and port that were asked for: `Host`, or `:authority`.
    pub site: Option<&'r str>,
    pub peer: Option<IpAddr>,
}

/// What a platform admin names another tenant in.
pub const TENANT_HEADER: &str = "x-activitylog-tenant";
/// What a session's page shows with a change.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// How browsers say whether the page that asks is of the same site (Fetch Metadata).
const SEC_FETCH_SITE: &str = "sec-fetch-site";

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
        "no credential: send \"Authorization: Bearer <token>\", or sign in; anonymous access is off (auth.anonymous_tenant is empty)"
    )]
    NoCredential,
    /// Whoever sent it should keep what it sends.
    #[error("the tokens could not be read yet: send it again")]
    NotYetKnown,
    #[error("the session is over: sign in again")]
    SessionOver,
    /// A page on another name that resolves to this machine must not act as its user.
    #[error(
        "anonymous callers must use a loopback name: ask for localhost or 127.0.0.1, not for the name in the Host header"
    )]
    ForeignHost,
    #[error("a page of another site asks for a change: its Origin is not this one")]
    ForeignOrigin,
    #[error("X-CSRF-Token is missing or wrong: send the csrf_token that GET /api/v1/session says")]
    BadCsrf,
    #[error("the password must be changed first: send the current and a new one to POST /api/v1/me/password")]
    MustChangePassword,
    #[error("you signed in, and have no account here: ask an admin for one")]
    UnknownProxyUser,
    #[error("the header that names the user came twice or can't be read: the proxy must replace what its client sent")]
    BadProxyHeader,
    #[error("a change must say where it comes from (Origin or Sec-Fetch-Site): use a browser, or an API token")]
    NoOrigin,
    #[error("this needs the permission {0}, which your role or token does not have")]
    Lacks(&'static str),
    #[error("there is no such tenant")]
    UnknownTenant,
    #[error("you are a member of several projects or of none: to write, send a token that is bound to one project")]
    ManyProjects,
}

// === impl Denied ===

impl Denied {
    /// Whether the caller would have to say who they are; else they are known, and may not.
    pub fn is_unauthenticated(self) -> bool {
        matches!(
            self,
            Denied::UnknownToken
                | Denied::MisplacedToken
                | Denied::WriteOnlyToken
                | Denied::NoCredential
                | Denied::SessionOver
                | Denied::UnknownProxyUser
                | Denied::BadProxyHeader
        )
    }
}

// === impl Auth ===

impl Auth {
    pub fn new(anonymous_tenant: &str, control: Arc<Control>) -> Auth {
        Auth {
            anonymous_tenant: Some(anonymous_tenant.to_owned()).filter(|tenant| !tenant.is_empty()),
            control,
            proxy: Proxy::default(),
            public_site: None,
        }
    }

    /// With what stands between browsers and us.
    #[must_use]
    pub fn behind(self, config: &config::Auth) -> Auth {
        let public_site = site_of(&config.public_url).map(str::to_owned);
        Auth { proxy: Proxy::new(&config.proxy), public_site, ..self }
    }

    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// Who sends events.
    pub fn writer(&self, headers: &HeaderMap) -> Result<Writer, Denied> {
        let text = match credential(headers) {
            Credential::Token(text) => text,
            Credential::Misplaced => return Err(Denied::MisplacedToken),
            Credential::Foreign => {
                let tenant = self.anonymous(headers)?;
                return Ok(Writer { tenant: tenant.to_owned(), project: String::new() });
            }
        };
        let snapshot = self.control.snapshot();
        let token = snapshot.token(&text, now_ms()).ok_or_else(|| self.unknown())?;
        if !snapshot.tenants.contains_key(&token.tenant_id) {
            return Err(Denied::UnknownToken);
        }
        match token.kind {
            TokenKind::Ingest => Ok(Writer { tenant: token.tenant_id.clone(), project: token.project.clone() }),
            TokenKind::Api => Principal::of_token(&snapshot, token).ok_or(Denied::UnknownToken)?.writer(),
        }
    }

    /// Who reads or changes something.
    pub fn principal(&self, asking: Asking<'_>) -> Result<Principal, Denied> {
        let principal = self.known(asking)?;
        principal.has_own_password()?;
        Ok(principal)
    }

    /// Who is calling, also if they must change their password before they do anything else.
    pub fn known(&self, asking: Asking<'_>) -> Result<Principal, Denied> {
        let mut principal = self.admitted(asking)?;
        let address = self.proxy.client(asking.headers, asking.peer);
        principal.source_ip = address.map_or_else(String::new, |ip| ip.to_string());
        match asking.headers.get(TENANT_HEADER) {
            None => Ok(principal),
            Some(tenant) => principal.moved_to(&self.control.snapshot(), tenant.to_str().unwrap_or("")),
        }
    }

    fn admitted(&self, asking: Asking<'_>) -> Result<Principal, Denied> {
        let Asking { method, headers, site, .. } = asking;
        match credential(headers) {
            Credential::Token(text) => return self.of_token(&text),
            Credential::Misplaced => return Err(Denied::MisplacedToken),
            Credential::Foreign => {}
        }
        let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        // What a browser adds by itself, another site's page could send too.
        if changes {
            self.own_page(headers, site)?;
        }
        if let Some(email) = self.proxy.named(headers, asking.peer)? {
            return self.of_proxy(email, changes, headers);
        }
        if let Some(cookie) = session_cookie(headers) {
            let principal = self.of_session(cookie);
            // An old cookie does not keep out whoever may come without one.
            if principal.is_some() || self.anonymous_tenant.is_none() {
                let principal = principal.ok_or(Denied::SessionOver)?;
                return if changes { with_csrf_token(principal, headers) } else { Ok(principal) };
            }
        }
        self.anonymous(headers).map(Principal::local)
    }

    /// No page of another site asks.
    pub fn own_page(&self, headers: &HeaderMap, site: Option<&str>) -> Result<(), Denied> {
        let is_foreign = |site| is_foreign_origin(headers, site);
        if is_foreign(site) && (self.public_site.is_none() || is_foreign(self.public_site.as_deref())) {
            return Err(Denied::ForeignOrigin);
        }
        Ok(())
    }

    /// Browsers send what makes the proxy know them with every request, whatever page asks for it, and there is no cookie of ours that a
    /// token could be made from: so they must say that the page is ours.
    fn of_proxy(&self, email: &str, changes: bool, headers: &HeaderMap) -> Result<Principal, Denied> {
        let says_same = headers.get(SEC_FETCH_SITE).is_some_and(|site| site == "same-origin");
        if changes && !headers.contains_key(ORIGIN) && !says_same {
            return Err(Denied::NoOrigin);
        }
        let snapshot = self.control.snapshot();
        let users = snapshot.users_with_email(email);
        let user = users.into_iter().find(|user| user.tenant_id == self.proxy.tenant);
        let principal = user.and_then(|user| Principal::of_user(&snapshot, user, Via::Proxy));
        principal.ok_or(if self.control.is_current() { Denied::UnknownProxyUser } else { Denied::NotYetKnown })
    }

    fn of_token(&self, text: &str) -> Result<Principal, Denied> {
        if text.starts_with(INGEST_PREFIX) {
            return Err(Denied::WriteOnlyToken);
        }
        let snapshot = self.control.snapshot();
        let token = snapshot.token(text, now_ms()).filter(|token| token.kind == TokenKind::Api);
        token.and_then(|token| Principal::of_token(&snapshot, token)).ok_or_else(|| self.unknown())
    }

    fn unknown(&self) -> Denied {
        if self.control.is_current() { Denied::UnknownToken } else { Denied::NotYetKnown }
    }

    fn of_session(&self, cookie: &str) -> Option<Principal> {
        let snapshot = self.control.snapshot();
        let session = snapshot.session(cookie, now_ms())?;
        let user = snapshot.users.get(&session.user_id).filter(|user| user.tenant_id == session.tenant_id)?;
        let must_change_password = user.must_change_password;
        let via = Via::Session { id: session.id.clone(), csrf: secret::csrf_token(cookie), must_change_password };
        Principal::of_user(&snapshot, user, via)
    }

    /// Whose the requests are that are turned away before their sender is known; empty: nobody's.
    pub fn tenant_of_strangers(&self) -> &str {
        self.anonymous_tenant.as_deref().unwrap_or("")
    }

    /// A token of our form must be valid; a credential of somebody else's (another backend's header, left in an exporter's
    /// environment) says nothing about us and is not looked at.
    fn anonymous(&self, headers: &HeaderMap) -> Result<&str, Denied> {
        let tenant = self.anonymous_tenant.as_deref().ok_or(Denied::NoCredential)?;
        match headers.get(HOST).map(|host| host.to_str().unwrap_or("")) {
            Some(host) if !is_loopback_name(host) => Err(Denied::ForeignHost),
            _ => Ok(tenant),
        }
    }
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn with_csrf_token(principal: Principal, headers: &HeaderMap) -> Result<Principal, Denied> {
    let Via::Session { csrf, .. } = &principal.via else { return Ok(principal) };
    let shown = headers.get(CSRF_HEADER).map_or(&b""[..], |value| value.as_bytes());
    let same: bool = subtle::ConstantTimeEq::ct_eq(shown, csrf.as_bytes()).into();
    if same { Ok(principal) } else { Err(Denied::BadCsrf) }
}

/// Browsers name the site of the page that asks (RFC 6454, 7); other clients have none.
fn is_foreign_origin(headers: &HeaderMap, site: Option<&str>) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return false };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    !matches!((origin, site), (Some((_, page)), Some(site)) if page.eq_ignore_ascii_case(site))
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
    use crate::clickhouse::server::{Endpoint, Server};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    /// Knows no tokens.
    fn auth(anonymous_tenant: &str) -> (Auth, tempfile::TempDir) {
        let dir = tempfile::tempdir().expect("a folder");
        let server = Server::new(Endpoint::new(""), "", "", std::time::Duration::ZERO);
        (Auth::new(anonymous_tenant, Arc::new(Control::open(dir.path(), server))), dir)
    }

    fn asked(auth: &Auth, method: &Method, headers: &HeaderMap) -> Result<Principal, Denied> {
        let site = headers.get(HOST).and_then(|host| host.to_str().ok());
        auth.principal(Asking { method, headers, site, peer: None })
    }

    #[test]
    fn anonymous_callers_on_loopback_are_the_configured_tenants() {
        let (auth, _dir) = auth("default");
        for host in ["127.0.0.1:4318", "localhost", "[::1]:8080", "activitylog.localhost:1"] {
            assert_eq!(auth.writer(&headers(&[("host", host)])).expect("let in").tenant, "default");
        }
        let evil = headers(&[("host", "evil.example:8080")]);
        assert_eq!(asked(&auth, &Method::GET, &evil), Err(Denied::ForeignHost));
    }

    #[test]
    fn a_page_of_another_site_changes_nothing() {
        let (auth, _dir) = auth("default");
        for (origin, method, may) in [
            ("http://localhost:8080", Method::POST, true),
            ("http://LOCALHOST:8080", Method::DELETE, true),
            ("http://evil.example", Method::POST, false),
            ("http://localhost:9090", Method::PUT, false),
            ("null", Method::POST, false),
            ("http://evil.example", Method::GET, true),
        ] {
            let headers = headers(&[("host", "localhost:8080"), ("origin", origin)]);
            assert_eq!(asked(&auth, &method, &headers).is_ok(), may, "{method} {origin}");
        }
    }

    #[test]
    fn a_token_of_ours_must_be_known_and_a_foreign_credential_is_not_looked_at() {
        let (auth, _dir) = auth("default");
        let said = |value: &str| auth.writer(&headers(&[("authorization", value)]));
        for value in ["Bearer alg_i_x", "bearer%20alg_i_x", "Basic dXNlcjphbGdfaV94", "Basic%20OmFsZ19pX3g%3D"] {
            // Nothing was read of ClickHouse yet.
            assert_eq!(said(value), Err(Denied::NotYetKnown), "{value}");
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
        assert_eq!(asked(&auth, &Method::GET, &reading), Err(Denied::WriteOnlyToken));
        assert!(said("Bearer of-another-backend").is_ok());
    }

    #[test]
    fn nobody_comes_without_a_credential_when_anonymous_access_is_off() {
        let (auth, _dir) = auth("");
        assert_eq!(auth.writer(&HeaderMap::new()), Err(Denied::NoCredential));
    }
}
