//! Secrets that are given out: 256 random bits, and what is kept of them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::credential::{API_PREFIX, INGEST_PREFIX};
use crate::control::records::{Token, TokenKind};
use crate::control::snapshot::hash;

/// Nothing else than its randomness stands between a secret and a guess.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes: {0}")]
pub struct NoRandomness(#[from] getrandom::Error);

/// 43 letters, digits, `-` and `_`.
pub fn random() -> Result<String, NoRandomness> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Fills in what makes `token` one: its id, hash and prefix. The text is shown once, and never again.
pub fn mint(token: Token) -> Result<(Token, String), NoRandomness> {
    let prefix = match token.kind {
        TokenKind::Ingest => INGEST_PREFIX,
        TokenKind::Api => API_PREFIX,
    };
    let text = format!("{prefix}{}", random()?);
    let token = Token {
        id: uuid::Uuid::new_v4().to_string(),
        prefix: text[..prefix.len() + 4].to_owned(),
        hash: hash(&text).into(),
        created_at_ms: jiff::Timestamp::now().as_millisecond(),
        ..token
    };
    Ok((token, text))
}

/// What a page of the session must send along with a change (`X-CSRF-Token`). Who can't read the cookie can't make it.
pub fn csrf_token(session_cookie: &str) -> String {
    let mut token = hash(&format!("csrf {session_cookie}"));
    token.truncate(32);
    token
}
