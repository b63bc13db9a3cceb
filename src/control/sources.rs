//! Webhook sources: who posts to `/webhooks/{id}`, for which tenant and project, and what proves it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::table::{next_version, record};
use crate::normalise::webhook::Kind;

record! {
    pub struct Source in "webhook_sources" {
        /// The last part of its URL; random, so that it can't be guessed.
        pub id: String,
        pub tenant_id: String,
        pub kind: Kind,
        pub name: String,
        /// Of its events; empty: none.
        pub project: String,
        /// The Basic user that Azure DevOps must name; empty: any.
        pub user: String,
        /// The newest first; several while they are being changed.
        pub secrets: Vec<Secret>,
        /// Unix ms.
        pub created_at_ms: i64,
        /// The greatest wins.
        pub version: u64,
    }
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    pub secret: String,
    /// Unix ms; 0: it does not.
    pub expires_at_ms: i64,
}

/// What a secret of Standard Webhooks starts with.
pub const SIGNING: &str = "whsec_";

/// The key of a `whsec_` secret: 24 to 64 bytes.
pub fn signing_key(secret: &str) -> Option<Vec<u8>> {
    let key = STANDARD.decode(secret.strip_prefix(SIGNING)?).ok()?;
    (24..=64).contains(&key.len()).then_some(key)
}

// === impl Source ===

impl Source {
    /// Those that hold at this time.
    pub fn secrets_at(&self, now_ms: i64) -> impl Iterator<Item = &str> {
        self.secrets.iter().filter(move |secret| secret.holds_at(now_ms)).map(|secret| secret.secret.as_str())
    }

    /// A new secret; the old ones go on to hold for `keep_ms`, if they did.
    pub fn rotate(&mut self, secret: String, now_ms: i64, keep_ms: i64) {
        let end = now_ms.saturating_add(keep_ms);
        self.secrets.retain(|old| keep_ms > 0 && old.holds_at(now_ms) && old.secret != secret);
        for old in &mut self.secrets {
            old.expires_at_ms = if old.expires_at_ms == 0 { end } else { old.expires_at_ms.min(end) };
        }
        self.secrets.insert(0, Secret { secret, expires_at_ms: 0 });
        self.version = next_version(self.version, now_ms);
    }
}

// === impl Secret ===

impl Secret {
    fn holds_at(&self, now_ms: i64) -> bool {
        self.expires_at_ms == 0 || now_ms < self.expires_at_ms
    }
}

/// Sources travel in structs that get logged.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("expires_at_ms", &self.expires_at_ms).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(secrets: &[(&str, i64)]) -> Source {
        Source {
            secrets: secrets
                .iter()
                .map(|(secret, expires_at_ms)| Secret { secret: (*secret).to_owned(), expires_at_ms: *expires_at_ms })
                .collect(),
            version: 7,
            ..Source::default()
        }
    }

    fn at(source: &Source, now_ms: i64) -> Vec<&str> {
        source.secrets_at(now_ms).collect()
    }

    #[test]
    fn an_old_secret_holds_for_the_time_given_and_no_longer() {
        let mut source = source(&[("a", 0), ("gone", 50)]);
        source.rotate("b".to_owned(), 100, 10);
        assert_eq!((at(&source, 109), at(&source, 110)), (vec!["b", "a"], vec!["b"]));
        // A longer time for the next does not lengthen the first one's.
        source.rotate("c".to_owned(), 105, 1000);
        assert_eq!((at(&source, 109), at(&source, 110)), (vec!["c", "b", "a"], vec!["c", "b"]));
        source.rotate("d".to_owned(), 106, 0);
        assert_eq!(at(&source, 106), ["d"]);
        // Given again, it is the new one.
        source.rotate("d".to_owned(), 107, 10);
        assert_eq!(at(&source, 200), ["d"]);
    }

    #[test]
    fn versions_grow_also_where_clocks_do_not() {
        assert_eq!((next_version(7, 100), next_version(700, 100), next_version(0, -1)), (100, 701, 1));
    }
}
