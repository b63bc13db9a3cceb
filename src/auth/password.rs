//! Passwords, as argon2id hashes.

use std::sync::{Arc, OnceLock};

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, PasswordHash};
use tokio::sync::{Semaphore, SemaphorePermit};

#[derive(Debug, thiserror::Error)]
#[error("the password can't be hashed: {0}")]
pub struct HashError(String);

/// Why a new password is not taken (NIST SP 800-63B: length is what counts, no rules about what it is made of).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    #[error("the password is too short: take at least {LEAST_LETTERS} characters, such as some words in a row")]
    TooShort,
    #[error("the password is too long: at most {MOST_BYTES} bytes")]
    TooLong,
    #[error("the password is the email address: take another")]
    IsTheEmail,
}

/// Hashing asks for 19 MiB and a core for some 20 ms each time, so only a few run at once, and not many wait.
#[derive(Debug)]
pub struct Passwords {
    running: Semaphore,
    waiting: Semaphore,
}

#[derive(Debug, thiserror::Error)]
pub enum Unhashed {
    #[error("too many people are signing in at once: try again in a moment")]
    Busy,
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error("the task that hashes ended early")]
    Ended,
}

pub const LEAST_LETTERS: usize = 12;
pub const MOST_BYTES: usize = 1024;
const MOST_WAITING: usize = 64;
const MOST_AT_ONCE: usize = 4;

/// A PHC string with a salt of its own. It takes some 20 ms of a core, on purpose: not for an async task.
pub fn hash(password: &str) -> Result<String, HashError> {
    let hash = Argon2::default().hash_password(password.as_bytes()).map_err(|error| HashError(error.to_string()))?;
    Ok(hash.to_string())
}

/// Whether it is the password; as slow as [`hash`].
pub fn verify(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// Whether somebody with this email address may have it as their new password.
pub fn check(password: &str, email: &str) -> Result<(), Weak> {
    if password.len() > MOST_BYTES {
        return Err(Weak::TooLong);
    }
    if password.chars().count() < LEAST_LETTERS {
        return Err(Weak::TooShort);
    }
    if password.trim().eq_ignore_ascii_case(email.trim()) { Err(Weak::IsTheEmail) } else { Ok(()) }
}

/// Nobody's: verified where there is no other, so that it takes as long.
fn nobodys() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| hash("the password of nobody").unwrap_or_default())
}

// === impl Passwords ===

impl Passwords {
    pub fn new() -> Passwords {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Passwords { running: Semaphore::new(cores.min(MOST_AT_ONCE)), waiting: Semaphore::new(MOST_WAITING) }
    }

    /// Which of these hashes it is the password of. Without any it takes as long as with one.
    pub async fn verify(&self, password: &str, hashes: Vec<String>) -> Result<Vec<bool>, Unhashed> {
        let _places = self.place().await?;
        let password: Arc<str> = password.into();
        let verifying = move || {
            if hashes.is_empty() {
                verify(&password, nobodys());
            }
            // An empty one, of somebody who signs in elsewhere, is nobody's too.
            let check = |hash: &String| {
                let (has_one, hash) = (!hash.is_empty(), if hash.is_empty() { nobodys() } else { hash });
                verify(&password, hash) && has_one
            };
            hashes.iter().map(check).collect()
        };
        tokio::task::spawn_blocking(verifying).await.map_err(|_| Unhashed::Ended)
    }

    pub async fn hash(&self, password: &str) -> Result<String, Unhashed> {
        let _places = self.place().await?;
        let password: Arc<str> = password.into();
        let hashed = tokio::task::spawn_blocking(move || hash(&password)).await.map_err(|_| Unhashed::Ended)?;
        Ok(hashed?)
    }

    async fn place(&self) -> Result<(SemaphorePermit<'_>, SemaphorePermit<'_>), Unhashed> {
        let waiting = self.waiting.try_acquire().map_err(|_| Unhashed::Busy)?;
        let running = self.running.acquire().await.map_err(|_| Unhashed::Ended)?;
        Ok((waiting, running))
    }
}

impl Default for Passwords {
    fn default() -> Passwords {
        Passwords::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_and_no_other() {
        let hash = hash("correct horse").expect("hashed");
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(verify("correct horse", &hash));
        assert!(
            !verify("correct horse ", &hash) && !verify("", &hash) && !verify("x", "") && !verify("x", "$argon2id$x")
        );
    }

    #[tokio::test]
    async fn nobodys_password_opens_nothing() {
        let passwords = Passwords::new();
        let hashes = vec![String::new(), hash("correct horse").expect("hashed")];
        let found = passwords.verify("the password of nobody", hashes.clone()).await.expect("verified");
        assert_eq!(found, [false, false]);
        assert_eq!(passwords.verify("correct horse", hashes).await.expect("verified"), [false, true]);
        assert_eq!(passwords.verify("x", Vec::new()).await.expect("verified"), [false; 0]);
    }

    #[test]
    fn length_is_what_counts() {
        let check = |password: &str| check(password, "somebody@example.com");
        assert_eq!(check("elevenchars"), Err(Weak::TooShort));
        assert_eq!((check("twelve chars"), check("éééééééééééé")), (Ok(()), Ok(())));
        assert_eq!(check(&"x".repeat(1025)), Err(Weak::TooLong));
        assert_eq!(check("Somebody@Example.com"), Err(Weak::IsTheEmail));
    }
}
