//! Who guesses is made to wait: failures are counted for the email address that was tried, and for the network address that tried.
//!
//! An attempt is counted before it is made and given back if it succeeds, so that many at once are no way around it.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::time::Duration;

use crate::limits::window::SlidingWindow;

#[derive(Debug)]
pub struct Lockout {
    window: SlidingWindow<Key>,
    /// Email addresses are kept as hashes, which are short and which nobody can make collide.
    hashing: RandomState,
}

/// One that is counted as failed until it is said to have succeeded.
#[must_use]
pub struct Attempt<'l> {
    lockout: &'l Lockout,
    email: Key,
    peer: Option<Key>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Email(u64),
    Peer(IpAddr),
}

/// Of some 150 bytes each.
const MOST_KEYS: usize = 100_000;

// === impl Lockout ===

impl Lockout {
    pub fn new(attempts: usize, window: Duration) -> Lockout {
        Lockout { window: SlidingWindow::new(attempts, window, MOST_KEYS), hashing: RandomState::new() }
    }

    /// The error says how long to wait.
    pub fn attempt(&self, email: &str, peer: Option<IpAddr>, now_ms: i64) -> Result<Attempt<'_>, Duration> {
        let email = Key::Email(self.hashing.hash_one(email.trim().to_lowercase()));
        let peer = peer.map(network).map(Key::Peer);
        if let Some(peer) = &peer {
            self.window.take(peer, now_ms)?;
        }
        if let Err(wait) = self.window.take(&email, now_ms) {
            // It was not tried.
            peer.iter().for_each(|peer| self.window.give_back(peer));
            return Err(wait);
        }
        Ok(Attempt { lockout: self, email, peer })
    }
}

/// A household has 2^64 IPv6 addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & (u128::MAX << 64)).into()),
        v4 => v4,
    }
}

// === impl Attempt ===

impl Attempt<'_> {
    /// Nobody guessed: neither counts it.
    pub fn is_none(self) {
        self.lockout.window.give_back(&self.email);
        self.peer.iter().for_each(|peer| self.lockout.window.give_back(peer));
    }

    /// Who knows the password and the code did not guess. The network address keeps its other failures: with an account of one's own
    /// one could guess at others' for ever.
    pub fn succeeded(self) {
        self.lockout.window.forget(&self.email);
        self.peer.iter().for_each(|peer| self.lockout.window.give_back(peer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_locked_by_its_failures_and_freed_by_time_or_success() {
        let lockout = Lockout::new(2, Duration::from_secs(10));
        let try_at = |email: &str, peer: &str, now| lockout.attempt(email, peer.parse().ok(), now).map(drop);
        assert_eq!((try_at("a@x", "10.0.0.1", 0), try_at("A@x ", "10.0.0.2", 0)), (Ok(()), Ok(())));
        assert_eq!(try_at("a@x", "10.0.0.3", 4000), Err(Duration::from_secs(6)));
        assert_eq!(try_at("a@x", "10.0.0.3", 10_000), Ok(()));
        lockout.attempt("a@x", None, 10_000).unwrap_or_else(|wait| panic!("no room for {wait:?}")).succeeded();
        assert_eq!((try_at("a@x", "10.0.0.4", 10_001), try_at("a@x", "10.0.0.5", 10_001)), (Ok(()), Ok(())));
    }

    #[test]
    fn one_network_tries_many_addresses_in_vain() {
        let lockout = Lockout::new(2, Duration::from_secs(10));
        let try_it = |email: &str, peer: &str| lockout.attempt(email, peer.parse().ok(), 0);
        assert!(try_it("a@x", "2001:db8::1").is_ok() && try_it("b@x", "2001:db8::ffff:2").is_ok());
        assert!(try_it("c@x", "2001:db8::3").is_err() && try_it("c@x", "2001:db8:1::").is_ok());
        // A success gives back its own place only.
        try_it("d@x", "10.0.0.1").unwrap_or_else(|wait| panic!("no room for {wait:?}")).succeeded();
        assert!(try_it("d@x", "10.0.0.1").is_ok());
        try_it("e@x", "10.0.0.1").unwrap_or_else(|wait| panic!("no room for {wait:?}")).succeeded();
        assert!(try_it("f@x", "10.0.0.1").is_ok() && try_it("g@x", "10.0.0.1").is_err());
    }
}
