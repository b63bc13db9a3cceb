//! A reverse proxy in front of us: it says who is calling, and from where. Only peers that the configuration trusts are believed.

use std::net::{IpAddr, SocketAddr};

use hyper::HeaderMap;
use hyper::header::HeaderName;

use super::Denied;
use crate::config::signing_in::{self, Network};

#[derive(Debug, Default)]
pub struct Proxy {
    header: Option<HeaderName>,
    name_header: Option<HeaderName>,
    trusted: Vec<Network>,
    pub tenant: String,
    /// Of whoever is seen for the first time; empty: nobody is made.
    pub role: String,
}

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

// === impl Proxy ===

impl Proxy {
    pub fn new(config: &signing_in::Proxy) -> Proxy {
        // The configuration was checked: what is not empty is a name.
        let header = |name: &str| name.parse().ok();
        Proxy {
            header: header(&config.header),
            name_header: header(&config.name_header),
            trusted: config.trusted.clone(),
            tenant: config.tenant.clone(),
            role: config.role.clone(),
        }
    }

    pub fn signs_in(&self) -> bool {
        self.header.is_some()
    }

    fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(peer))
    }

    /// The email address of whom it signed in.
    pub fn named<'h>(&self, headers: &'h HeaderMap, peer: Option<IpAddr>) -> Result<Option<&'h str>, Denied> {
        let Some(header) = &self.header else { return Ok(None) };
        if !peer.is_some_and(|peer| self.trusts(peer)) {
            return Ok(None);
        }
        let mut values = headers.get_all(header).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            // Twice: one of them may be the client's own.
            return if headers.contains_key(header) { Err(Denied::BadProxyHeader) } else { Ok(None) };
        };
        let email = value.to_str().map_err(|_| Denied::BadProxyHeader)?.trim();
        Ok(Some(email).filter(|email| !email.is_empty()))
    }

    /// The name of whom it signed in, if it says one.
    pub fn full_name(&self, headers: &HeaderMap) -> Option<String> {
        let value = headers.get(self.name_header.as_ref()?)?;
        let name = std::str::from_utf8(value.as_bytes()).ok()?.trim();
        Some(name.chars().filter(|c| !c.is_control()).take(200).collect()).filter(|name: &String| !name.is_empty())
    }

    /// Where a request comes from: the peer, or whom a trusted peer had it from.
    pub fn client(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Option<IpAddr> {
        let mut client = peer?;
        let values: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
        // Each proxy adds its peer at the end, so what stands before the first that is not trusted is anybody's invention.
        for said in values.iter().rev().flat_map(|list| list.rsplit(',')) {
            if !self.trusts(client) {
                break;
            }
            let said = said.trim();
            let socket = || said.parse::<SocketAddr>().map(|socket| socket.ip());
            let Ok(before) = said.trim_matches(['[', ']']).parse::<IpAddr>().or_else(|_| socket()) else { break };
            client = before;
        }
        Some(client.to_canonical())
    }

    /// Whether the browser speaks TLS with a trusted peer.
    pub fn is_https(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> bool {
        peer.is_some_and(|peer| self.trusts(peer)) && headers.get(FORWARDED_PROTO).is_some_and(|proto| proto == "https")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy() -> Proxy {
        let trusted = ["10.0.0.0/8", "::1"].map(|network| network.parse().expect("a network"));
        Proxy { header: Some(HeaderName::from_static("x-user")), trusted: trusted.into(), ..Proxy::default() }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().expect("a value")));
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn only_a_trusted_peer_is_believed() {
        let said = |pairs: &[(&'static str, &str)], peer: &str| {
            proxy().named(&headers(pairs), peer.parse().ok()).map(|email| email.map(str::to_owned))
        };
        let one = &[("x-user", " a@x ")][..];
        assert_eq!(said(one, "10.1.1.1"), Ok(Some("a@x".to_owned())));
        assert_eq!((said(one, "11.1.1.1"), said(one, "nobody"), said(&[], "::1")), (Ok(None), Ok(None), Ok(None)));
        assert_eq!(said(&[("x-user", "a@x"), ("x-user", "b@x")], "::1"), Err(Denied::BadProxyHeader));
        assert_eq!(Proxy::default().named(&headers(one), "::1".parse().ok()), Ok(None));
    }

    #[test]
    fn the_client_is_who_the_first_untrusted_peer_was() {
        for (forwarded, peer, client) in [
            (&["1.2.3.4"][..], "11.0.0.1", "11.0.0.1"),
            (&["1.2.3.4"], "10.0.0.1", "1.2.3.4"),
            (&["6.6.6.6, 1.2.3.4, 10.0.0.2"], "10.0.0.1", "1.2.3.4"),
            (&["6.6.6.6", "1.2.3.4:999"], "10.0.0.1", "1.2.3.4"),
            (&["[2001:db8::1]:5"], "::1", "2001:db8::1"),
            (&["unknown, 10.0.0.3"], "10.0.0.1", "10.0.0.3"),
            (&[], "::ffff:10.0.0.1", "10.0.0.1"),
        ] {
            let pairs: Vec<_> = forwarded.iter().map(|value| (FORWARDED_FOR, *value)).collect();
            let found = proxy().client(&headers(&pairs), peer.parse().ok());
            assert_eq!(found.map(|ip| ip.to_string()).as_deref(), Some(client), "{forwarded:?} {peer}");
        }
    }
}
