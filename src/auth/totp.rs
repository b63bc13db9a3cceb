//! The second factor: six digits that change every 30 s (RFC 6238), and ten codes for when the telephone is gone.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use totp_rs::{Algorithm, Builder, Secret, Totp};

use super::secret::NoRandomness;
use crate::control::hidden::Hidden;
use crate::control::records::User;
use crate::control::snapshot::hash;

/// A code is good once: the newest step that each user has shown.
#[derive(Debug, Default)]
pub struct UsedCodes(Mutex<HashMap<String, u64>>);

const STEP_SECONDS: u64 = 30;
/// Clocks differ by one step at most.
const SKEW: u16 = 1;
const RECOVERY_CODES: usize = 10;
const ISSUER: &str = "ActivityLog";

/// What an authenticator is told.
#[derive(Debug, Clone)]
pub struct Enrolment {
    pub secret: Hidden,
    pub url: Hidden,
}

/// A new secret for somebody with this email address.
pub fn enrol(email: &str) -> Result<Enrolment, NoRandomness> {
    let mut bytes = [0u8; 20];
    getrandom::fill(&mut bytes)?;
    let secret = Secret::new(Box::new(bytes));
    let text = secret.to_base32();
    // What stands before a colon would be the issuer.
    let account = email.replace(':', "_");
    let account = if account.is_empty() { "user".to_owned() } else { account };
    let url = totp(secret, &account).and_then(|totp| totp.to_url().ok()).unwrap_or_default();
    Ok(Enrolment { secret: text.into(), url: url.into() })
}

/// Ten codes of 80 bits, and the hashes that are kept of them.
pub fn recovery_codes() -> Result<(Vec<String>, Vec<Hidden>), NoRandomness> {
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let mut bytes = [0u8; 10];
        getrandom::fill(&mut bytes)?;
        let text = Secret::new(Box::new(bytes)).to_base32().to_ascii_lowercase();
        let groups: Vec<&str> = [0, 4, 8, 12].iter().filter_map(|at| text.get(*at..at + 4)).collect();
        codes.push(groups.join("-"));
    }
    let hashes = codes.iter().map(|code| recovery_hash(code).into()).collect();
    Ok((codes, hashes))
}

/// Which of the user's recovery codes it is, as its hash.
pub fn recovery(user: &User, code: &str) -> Option<Hidden> {
    let wanted: Hidden = recovery_hash(code).into();
    user.recovery_hashes.iter().find(|hash| **hash == wanted).cloned()
}

/// As people type them.
fn recovery_hash(code: &str) -> String {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    hash(&plain)
}

fn totp(secret: Secret, account: &str) -> Option<Totp> {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(STEP_SECONDS)
        .with_skew(SKEW)
        .with_secret(secret)
        .with_account_name(account)
        .with_issuer(Some(ISSUER))
        .build()
        .ok()
}

// === impl UsedCodes ===

impl UsedCodes {
    /// Whether it is the user's code of now, for the first time.
    pub fn take(&self, user: &User, code: &str, now_ms: i64) -> bool {
        let now = u64::try_from(now_ms / 1000).unwrap_or(0);
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let secret = Secret::try_from_base32(user.totp_secret.0.as_str()).ok();
        let Some(totp) = secret.and_then(|secret| totp(secret, "user")) else { return false };
        let Some(step) = totp.check(&code, now) else { return false };
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = (now / STEP_SECONDS).saturating_sub(u64::from(SKEW));
        // Older steps are refused by the clock.
        used.retain(|_, last| *last >= oldest);
        let is_new = used.get(&user.id).is_none_or(|last| *last < step);
        if is_new {
            used.insert(user.id.clone(), step);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B (SHA-1, the last six of its eight digits).
    fn user(id: &str) -> User {
        let secret = Secret::new(Box::new(*b"12345678901234567890")).to_base32();
        User { id: id.to_owned(), totp_secret: secret.into(), ..User::default() }
    }

    #[test]
    fn codes_are_those_of_the_rfc_and_good_once() {
        let used = UsedCodes::default();
        for (second, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            assert!(used.take(&user(code), code, second * 1000), "{second}");
            assert!(!used.take(&user(code), code, second * 1000), "{second} twice");
        }
        // A step early or late, and no more.
        for (second, may) in [(-31, false), (-1, true), (0, true), (59, true), (60, false)] {
            let at = (1_111_111_080 + second) * 1000;
            assert_eq!(UsedCodes::default().take(&user("x"), "081804", at), may, "{second}");
        }
        // What came before a code that was shown is over with it.
        let used = UsedCodes::default();
        let codes =
            |at: u64| totp(Secret::new(Box::new(*b"12345678901234567890")), "x").expect("one").generate(at).to_string();
        assert!(used.take(&user("y"), &codes(3030), 3_000_000));
        assert!(!used.take(&user("y"), &codes(3000), 3_000_000) && used.take(&user("z"), &codes(3000), 3_000_000));
        for wrong in ["", "28708", "2870822", "abcdef", "２８７０８２"] {
            assert!(!used.take(&user("w"), wrong, 59_000), "{wrong}");
        }
    }

    #[test]
    fn recovery_codes_are_found_as_people_type_them() {
        let (codes, hashes) = recovery_codes().expect("randomness");
        assert_eq!((codes.len(), codes[0].len()), (10, 19));
        let user = User { recovery_hashes: hashes.clone(), ..User::default() };
        assert_eq!(recovery(&user, &codes[3].to_uppercase().replace('-', " ")), Some(hashes[3].clone()));
        assert_eq!((recovery(&user, ""), recovery(&user, "aaaa-aaaa-aaaa-aaaa")), (None, None));
    }

    #[test]
    fn an_enrolment_says_what_authenticators_read() {
        let enrolment = enrol("a:b@example.com").expect("randomness");
        assert!(enrolment.url.starts_with("otpauth://totp/ActivityLog:a_b%40example.com?"), "{}", enrolment.url.0);
        assert!(enrolment.url.contains(&format!("secret={}", enrolment.secret.0)));
        assert!(!format!("{enrolment:?}").contains(&enrolment.secret.0));
    }
}
