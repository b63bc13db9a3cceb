//! `[auth]`: how people come in.

use std::net::IpAddr;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::Span;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    pub anonymous_tenant: String,
    pub first_admin: String,
    pub session_lifetime: Span,
    pub attempts: usize,
    pub attempt_window: Span,
    /// Empty: `listen.http`.
    pub public_url: String,
    pub proxy: Proxy,
    pub oidc: Oidc,
}

/// A reverse proxy that says who is calling.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// Empty: none does.
    pub header: String,
    pub name_header: String,
    pub trusted: Vec<Network>,
    pub tenant: String,
    /// Empty: only users that exist.
    pub role: String,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// Empty: none.
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
    pub name: String,
    pub tenant: String,
    /// Empty: only users that exist.
    pub role: String,
}

/// `10.0.0.0/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

/// A hundred days: a session is not for good.
const LONGEST_SESSION: u64 = 100 * 24 * 3600;
const LONGEST_WINDOW: u64 = 24 * 3600;

// === impl Auth ===

impl Auth {
    pub(super) fn check(&self, listens_on_loopback: bool) -> Result<(), String> {
        let session = self.session_lifetime.0.as_secs();
        if !(60..=LONGEST_SESSION).contains(&session) {
            return Err("auth.session_lifetime must be between 1m and 100d".to_owned());
        }
        if !(1..=1000).contains(&self.attempts) {
            return Err("auth.attempts must be from 1 to 1000: so many wrong passwords are allowed".to_owned());
        }
        if !(1..=LONGEST_WINDOW).contains(&self.attempt_window.0.as_secs()) {
            return Err("auth.attempt_window must be between 1s and 1d".to_owned());
        }
        if !self.public_url.is_empty() && site_of(&self.public_url).is_none() {
            return Err(format!(
                "auth.public_url: {:?} is not an address such as \"https://activitylog.example.com\" (without a path)",
                self.public_url
            ));
        }
        self.proxy.check(&self.anonymous_tenant)?;
        self.oidc.check()?;
        if !self.oidc.issuer.is_empty() && self.public_url.is_empty() && !listens_on_loopback {
            return Err("auth.oidc needs auth.public_url: the address that browsers come back to".to_owned());
        }
        Ok(())
    }
}

/// The host and port of an address that is nothing else: no path, no query.
pub fn site_of(url: &str) -> Option<&str> {
    let site = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let site = site.strip_suffix('/').unwrap_or(site);
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '?' | '#' | '@' | '\\');
    (!site.is_empty() && !site.contains(odd)).then_some(site)
}

// === impl Proxy ===

impl Proxy {
    fn check(&self, anonymous_tenant: &str) -> Result<(), String> {
        for (knob, name) in [("header", &self.header), ("name_header", &self.name_header)] {
            let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if !is_name {
                return Err(format!(
                    "auth.proxy.{knob}: {name:?} is not the name of a header, such as \"X-Forwarded-User\""
                ));
            }
        }
        let own = ["authorization", "cookie", "host", "origin", "x-forwarded-for", "x-forwarded-proto"];
        if own.contains(&self.header.to_ascii_lowercase().as_str()) {
            return Err(format!("auth.proxy.header: {:?} has another meaning", self.header));
        }
        if self.header.is_empty() {
            let beside = !self.name_header.is_empty() || !self.role.is_empty();
            return if beside { Err("auth.proxy is half set: header is missing".to_owned()) } else { Ok(()) };
        }
        if self.trusted.is_empty() {
            return Err("auth.proxy.header is set and auth.proxy.trusted is empty: name the addresses of the proxy, \
                        such as \"10.0.0.5\"; from anywhere else the header is ignored"
                .to_owned());
        }
        if !anonymous_tenant.is_empty() {
            return Err(
                "auth.proxy.header and auth.anonymous_tenant are both set: what the proxy passes on without the \
                        header would be let in as an admin; set auth.anonymous_tenant = \"\""
                    .to_owned(),
            );
        }
        if self.tenant.is_empty() {
            return Err("auth.proxy.tenant is empty: name the tenant of those who come through the proxy".to_owned());
        }
        Ok(())
    }
}

// === impl Oidc ===

impl Oidc {
    fn check(&self) -> Result<(), String> {
        let (issuer, client) = (&self.issuer, &self.client_id);
        if issuer.is_empty() != client.is_empty() || issuer.is_empty() && !self.client_secret.is_empty() {
            return Err(
                "auth.oidc is half set: it needs issuer and client_id (and client_secret, unless the client is public)"
                    .to_owned(),
            );
        }
        if issuer.is_empty() {
            return Ok(());
        }
        let host = issuer.strip_prefix("http://").and_then(|rest| rest.split('/').next());
        let loopback = host.is_some_and(|host| {
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
            name == "localhost" || name.trim_matches(['[', ']']).parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        });
        if !issuer.starts_with("https://") && !loopback {
            return Err(format!("auth.oidc.issuer: {issuer:?} must begin with https://"));
        }
        if self.tenant.is_empty() {
            return Err("auth.oidc.tenant is empty: name the tenant of those who sign in there".to_owned());
        }
        Ok(())
    }
}

/// Configurations get printed.
impl std::fmt::Debug for Oidc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Oidc").field("issuer", &self.issuer).field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

// === impl Network ===

impl Network {
    pub fn contains(self, address: IpAddr) -> bool {
        let bits = |address: IpAddr| match address.to_canonical() {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, 32),
            IpAddr::V6(v6) => (v6.to_bits(), 128),
        };
        let ((ours, width), (theirs, their_width)) = (bits(self.address), bits(address));
        let differ = (ours ^ theirs).checked_shr(128 - self.prefix).unwrap_or(0);
        width == their_width && differ == 0
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Network, String> {
        let wrong = || format!("{text:?} is neither an address nor a network such as \"10.0.0.0/8\"");
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let address = address.to_canonical();
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(width), |prefix| prefix.trim().parse().map_err(|_| wrong()))?;
        if prefix > width { Err(wrong()) } else { Ok(Network { address, prefix }) }
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(environment: &[(&str, &str)]) -> Result<crate::config::Config, String> {
        let pairs = environment.iter().map(|(name, value)| (format!("ACTIVITYLOG_AUTH_{name}"), (*value).to_owned()));
        crate::config::Config::layered(None, pairs).map_err(|error| error.to_string())
    }

    #[test]
    fn networks_hold_what_they_name() {
        let holds = |network: &str, address: &str| {
            network.parse::<Network>().expect("a network").contains(address.parse().expect("an address"))
        };
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(
            holds("10.1.2.3", "10.1.2.3") && holds("10.1.2.3", "::ffff:10.1.2.3") && !holds("10.1.2.3", "10.1.2.2")
        );
        assert!(holds("0.0.0.0/0", "1.2.3.4") && !holds("0.0.0.0/0", "::1") && !holds("::/0", "1.2.3.4"));
        assert!(holds("fd00::/8", "fd12::1") && !holds("fd00::/8", "fe80::1") && holds("::1", "::1"));
        for wrong in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "x", "1.2.3.4/", "1.2.3.4/-1"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_what_to_do() {
        let (proxy, issuer) = (("PROXY_HEADER", "X-User"), ("OIDC_ISSUER", "https://id.example"));
        let trusted = ("PROXY_TRUSTED", "127.0.0.1, 10.0.0.0/8");
        for (environment, says) in [
            (&[proxy][..], "auth.proxy.trusted is empty"),
            (&[proxy, trusted], "anonymous_tenant"),
            (&[("PROXY_HEADER", "X User")], "not the name of a header"),
            (&[("PROXY_HEADER", "Cookie"), trusted], "another meaning"),
            (&[("PROXY_ROLE", "viewer")], "half set"),
            (&[("PROXY_TRUSTED", "proxy.local")], "neither an address"),
            (&[issuer], "half set"),
            (&[("OIDC_CLIENT_ID", "x")], "half set"),
            (&[("OIDC_CLIENT_SECRET", "x")], "half set"),
            (&[("OIDC_ISSUER", "http://id.example"), ("OIDC_CLIENT_ID", "x")], "https://"),
            (&[("OIDC_ISSUER", "http://127.0.0.1.example"), ("OIDC_CLIENT_ID", "x")], "https://"),
            (&[("PUBLIC_URL", "example.com")], "auth.public_url"),
            (&[("PUBLIC_URL", "https://example.com/portal")], "auth.public_url"),
            (&[("ATTEMPTS", "0")], "auth.attempts"),
            (&[("ATTEMPT_WINDOW", "0s")], "auth.attempt_window"),
            (&[("SESSION_LIFETIME", "10s")], "auth.session_lifetime"),
        ] {
            let error = load(environment).expect_err("refused");
            assert!(error.contains(says), "{environment:?}: {error}");
        }
        let config = load(&[proxy, trusted, ("ANONYMOUS_TENANT", "")]).expect("valid");
        assert_eq!(config.auth.proxy.trusted.len(), 2);
        let config =
            load(&[("OIDC_ISSUER", "http://127.0.0.1:9"), ("OIDC_CLIENT_ID", "x"), ("OIDC_CLIENT_SECRET", "hush")]);
        assert!(!format!("{:?}", config.expect("valid").auth).contains("hush"));
    }
}
