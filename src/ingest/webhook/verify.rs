//! Whether a delivery comes from who it should: each vendor's own rule, in constant time, over the bytes as they came.
//!
//! | kind | proof | rule |
//! |---|---|---|
//! | github | `X-Hub-Signature-256: sha256=<hex>` | HMAC-SHA256 of the body (docs.github.com, "Validating webhook deliveries") |
//! | azure_devops | Basic password, `X-ActivityLog-Secret`, or the last part of the path | the secret itself: service hooks sign nothing |
//! | gitlab | `X-Gitlab-Token`, or the three `webhook-*` headers | the secret itself; or as standard, with a `whsec_` secret |
//! | standard | `webhook-id`, `webhook-timestamp`, `webhook-signature` | HMAC-SHA256 of `id.timestamp.body` (standardwebhooks.com, v1), within five minutes |
//!
//! Any secret of the source that holds now will do. What needs no body is looked at before there is one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use hyper::HeaderMap;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::control::sources::{SIGNING, Source, signing_key};
use crate::ingest::refusal::Refusal;
use crate::normalise::webhook::Kind;
use crate::outcome::Reason;

/// Clocks differ, and deliveries travel: by this many seconds, either way.
const TOLERANCE_SECONDS: i64 = 300;
/// A sender rotates two or three keys; more are not looked at.
const MOST_SIGNATURES: usize = 16;

/// What a request's head shows.
#[derive(Debug, PartialEq, Eq)]
pub enum Shown<'r> {
    /// Nothing more to prove.
    Proved,
    GitHub([u8; 32]),
    Standard {
        id: &'r str,
        timestamp: &'r str,
        signatures: Vec<[u8; 32]>,
    },
}

/// As far as the head goes. `in_path` is the part of the path behind the source's id.
pub fn look<'r>(
    source: &Source,
    headers: &'r HeaderMap,
    in_path: Option<&str>,
    now_ms: i64,
) -> Result<Shown<'r>, Refusal> {
    match source.kind {
        Kind::GitHub => github(headers),
        Kind::AzureDevOps => azure_devops(source, headers, in_path, now_ms),
        Kind::GitLab => gitlab(source, headers, now_ms),
        Kind::Standard => standard(headers, now_ms),
    }
}

/// Whether the body is what was signed.
pub fn is_signed(shown: &Shown<'_>, source: &Source, body: &[u8], now_ms: i64) -> bool {
    match shown {
        Shown::Proved => true,
        Shown::GitHub(signature) => any(source, now_ms, |secret| {
            let mut mac = hmac(secret.as_bytes());
            mac.update(body);
            mac.verify_slice(signature).is_ok()
        }),
        Shown::Standard { id, timestamp, signatures } => any(source, now_ms, |secret| {
            let Some(key) = signing_key(secret) else { return false };
            let mut mac = hmac(&key);
            for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
                mac.update(part);
            }
            signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
        }),
    }
}

/// For a body that is not what was signed.
pub fn wrong_signature(kind: Kind) -> Refusal {
    unauthenticated(match kind {
        Kind::GitHub => {
            "X-Hub-Signature-256 is not the HMAC-SHA256 of this body with the source's secret: is the same secret set on both sides, \
             and does nothing on the way change the body?"
        }
        _ => {
            "webhook-signature holds no v1 HMAC-SHA256 of \"id.timestamp.body\" with the source's secret: is the same secret set on \
             both sides, and does nothing on the way change the body?"
        }
    })
}

fn github(headers: &HeaderMap) -> Result<Shown<'_>, Refusal> {
    let Some(value) = text(headers, "x-hub-signature-256") else {
        let message = match headers.contains_key("x-hub-signature") {
            true => "only the SHA-1 signature came: X-Hub-Signature-256 is needed",
            false => "X-Hub-Signature-256 is missing: set the source's secret as the secret of the webhook in GitHub",
        };
        return Err(unauthenticated(message));
    };
    value
        .strip_prefix("sha256=")
        .and_then(hex32)
        .map(Shown::GitHub)
        .ok_or_else(|| unauthenticated("X-Hub-Signature-256 is not \"sha256=\" and 64 hexadecimal digits"))
}

fn azure_devops(
    source: &Source,
    headers: &HeaderMap,
    in_path: Option<&str>,
    now_ms: i64,
) -> Result<Shown<'static>, Refusal> {
    if in_path.is_some_and(|secret| is_secret(source, secret, now_ms))
        || text(headers, "x-activitylog-secret").is_some_and(|secret| is_secret(source, secret, now_ms))
    {
        return Ok(Shown::Proved);
    }
    let Some((user, password)) = text(headers, "authorization").and_then(basic) else {
        let message = match in_path.is_some() || headers.contains_key("x-activitylog-secret") {
            true => "the secret in the path or in X-ActivityLog-Secret is not the source's",
            false => {
                "no credential: give the subscription the source's secret as its Basic authentication password, or the header \
                 \"X-ActivityLog-Secret:<secret>\", or the URL /webhooks/<id>/<secret>"
            }
        };
        return Err(unauthenticated(message));
    };
    let right_user = source.user.is_empty() || bool::from(same(&user, &source.user));
    // Both are looked at, whichever is wrong.
    if is_secret(source, &password, now_ms) & right_user {
        return Ok(Shown::Proved);
    }
    let message = match source.user.is_empty() {
        true => "the Basic password is not the source's secret",
        false => "the Basic user and password are not the source's user and secret",
    };
    Err(unauthenticated(message))
}

fn gitlab<'r>(source: &Source, headers: &'r HeaderMap, now_ms: i64) -> Result<Shown<'r>, Refusal> {
    let token = text(headers, "x-gitlab-token");
    // A signing secret never travels: whoever sends it as a token is not GitLab.
    if token.is_some_and(|token| !token.starts_with(SIGNING) && is_secret(source, token, now_ms)) {
        return Ok(Shown::Proved);
    }
    if headers.contains_key("webhook-signature") && source.secrets_at(now_ms).any(|secret| secret.starts_with(SIGNING))
    {
        return standard(headers, now_ms);
    }
    Err(unauthenticated(match token {
        Some(_) => "X-Gitlab-Token is not the source's secret: set it as the secret token of the webhook in GitLab",
        None => {
            "X-Gitlab-Token is missing: set the source's secret as the secret token of the webhook in GitLab (or a whsec_ secret as \
             its signing token)"
        }
    }))
}

fn standard(headers: &HeaderMap, now_ms: i64) -> Result<Shown<'_>, Refusal> {
    let header = |name: &str| {
        let value = text(headers, name).filter(|value| !value.is_empty());
        value.ok_or_else(|| {
            unauthenticated(format!(
                "{name} is missing: sign with Standard Webhooks (webhook-id, webhook-timestamp, webhook-signature) and the source's \
                 whsec_ secret"
            ))
        })
    };
    let (id, timestamp) = (header("webhook-id")?, header("webhook-timestamp")?);
    let signatures: Vec<[u8; 32]> = header("webhook-signature")?
        .split(' ')
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok()?.try_into().ok())
        .take(MOST_SIGNATURES)
        .collect();
    if signatures.is_empty() {
        return Err(unauthenticated("webhook-signature holds no \"v1,\" and 32 bytes in base64"));
    }
    let Ok(seconds) = timestamp.parse::<i64>() else {
        return Err(unauthenticated("webhook-timestamp is not Unix time in seconds"));
    };
    let off = now_ms.div_euclid(1000).saturating_sub(seconds);
    if off.saturating_abs() > TOLERANCE_SECONDS {
        return Err(unauthenticated(format!(
            "webhook-timestamp is {} s in the {}: at most {TOLERANCE_SECONDS} are taken; is the clock right on both sides?",
            off.saturating_abs(),
            if off > 0 { "past" } else { "future" }
        )));
    }
    Ok(Shown::Standard { id, timestamp, signatures })
}

/// Every secret is tried, so that the time does not tell which.
fn any(source: &Source, now_ms: i64, proves: impl Fn(&str) -> bool) -> bool {
    source.secrets_at(now_ms).fold(false, |proved, secret| proved | proves(secret))
}

fn is_secret(source: &Source, text: &str, now_ms: i64) -> bool {
    any(source, now_ms, |secret| same(text, secret).into())
}

/// Digests have one length, so the time does not tell a secret's either.
fn same(one: &str, other: &str) -> Choice {
    Sha256::digest(one).ct_eq(&Sha256::digest(other))
}

fn hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("an HMAC takes a key of any length")
}

fn hex32(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(out)
}

/// User and password.
fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, rest) = value.trim().split_once(' ')?;
    let pair = STANDARD.decode(rest.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let pair = String::from_utf8(pair).ok()?;
    pair.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    std::str::from_utf8(headers.get(name)?.as_bytes()).ok()
}

fn unauthenticated(message: impl Into<String>) -> Refusal {
    Refusal::new(Reason::Unauthenticated, message)
}

#[cfg(test)]
mod tests;
