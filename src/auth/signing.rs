//! What signing in needs besides the control tables.

use std::time::Duration;

use super::lockout::Lockout;
use super::oidc::Oidc;
use super::password::Passwords;
use super::totp::UsedCodes;
use crate::config;
use crate::limits::window::SlidingWindow;

pub struct Signing {
    pub passwords: Passwords,
    pub lockout: Lockout,
    pub codes: UsedCodes,
    /// Somebody else's sign-in page.
    pub oidc: Option<Oidc>,
    /// Of a session.
    pub lifetime: Duration,
    /// How browsers reach the portal, without a slash at the end.
    pub public_url: String,
    /// Users whom a proxy vouches for are signed in with every request; the audit trail says so once in a session's lifetime.
    pub proxied: SlidingWindow<String>,
}

/// Of users that come through a proxy.
const MOST_PROXIED: usize = 10_000;

// === impl Signing ===

impl Signing {
    /// `listens_on` is the address of the portal where the configuration says no other.
    pub fn new(config: &config::Auth, listens_on: &str) -> Signing {
        let public_url = if config.public_url.is_empty() { listens_on } else { &config.public_url };
        let public_url = public_url.trim_end_matches('/').to_owned();
        Signing {
            passwords: Passwords::new(),
            lockout: Lockout::new(config.attempts, config.attempt_window.0),
            codes: UsedCodes::default(),
            oidc: Oidc::new(&config.oidc, &public_url),
            lifetime: config.session_lifetime.0,
            proxied: SlidingWindow::new(1, config.session_lifetime.0, MOST_PROXIED),
            public_url,
        }
    }

    /// Whether cookies are for TLS only, whatever the connection is.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}
