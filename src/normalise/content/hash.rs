//! A value's stand-in: the same for equal values of one tenant, and not to be guessed without the installation's key.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Before every stand-in, so that it can't be taken for a value.
pub const PREFIX: &str = "hmac:";

/// Bytes of the code that are kept: 128 bits, so equal ones are equal values.
const LENGTH: usize = 16;

/// The installation's key, ready for use.
#[derive(Clone)]
pub struct HashKey(Hmac<Sha256>);

// === impl HashKey ===

impl HashKey {
    pub fn new(secret: &[u8]) -> HashKey {
        // HMAC takes keys of any length.
        HashKey(Hmac::new_from_slice(secret).expect("any length"))
    }

    /// `hmac:` and 32 hex digits of HMAC-SHA256 (RFC 2104) over the tenant, a zero byte and the text. Nothing for nothing: an
    /// absent value doesn't become one.
    pub fn hash(&self, tenant_id: &str, text: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        let mut mac = self.0.clone();
        for part in [tenant_id.as_bytes(), b"\0", text.as_bytes()] {
            mac.update(part);
        }
        let code = mac.finalize().into_bytes();
        let mut out = String::with_capacity(PREFIX.len() + 2 * LENGTH);
        out.push_str(PREFIX);
        for byte in &code[..LENGTH] {
            for digit in [byte >> 4, byte & 15] {
                out.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
            }
        }
        out
    }
}

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_of_a_tenant_are_equal_and_nobody_elses() {
        let (key, other) = (HashKey::new(b"secret"), HashKey::new(b"other"));
        let hash = key.hash("acme", "ada@example.com");
        assert_eq!(hash, key.hash("acme", "ada@example.com"));
        assert_ne!(hash, key.hash("acme", "bob@example.com"));
        assert_ne!(hash, key.hash("other", "ada@example.com"));
        assert_ne!(hash, other.hash("acme", "ada@example.com"));
        assert_ne!(key.hash("a", "b"), key.hash("", "ab"));
        assert_eq!(key.hash("acme", ""), "");
        assert!(!format!("{key:?}").contains("secret"));
    }

    /// Also by `printf 'acme\0ada@example.com' | openssl dgst -sha256 -hmac secret`.
    #[test]
    fn it_is_the_published_algorithm() {
        assert_eq!(HashKey::new(b"secret").hash("acme", "ada@example.com"), "hmac:5ee162c9cbdd77a88a21b2abaf79a49e");
    }
}
