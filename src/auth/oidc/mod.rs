//! Signing in at an OpenID provider: the authorization code flow with PKCE, state and nonce.
//!
//! ```text
//! start  -> remembers {state, nonce, verifier} under a random handle; the handle goes into a cookie, the state to the provider
//! finish <- the cookie's handle, once; the provider's state must be the one that was remembered under it; the code becomes an id token
//! ```

mod http;
mod pending;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreIdTokenClaims, CoreJwsSigningAlgorithm as Algorithm, CoreProviderMetadata,
};
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, IssuerUrl, Nonce, PkceCodeChallenge, RedirectUrl, Scope, SignatureVerificationError, TokenResponse,
};
use tokio::sync::Mutex;

use crate::config::signing_in;
use crate::limits::window::SlidingWindow;
use http::Http;
use pending::{Flow, Pending};

pub struct Oidc {
    config: signing_in::Oidc,
    redirect: String,
    provider: Mutex<Provider>,
    pending: Pending,
    /// Nobody fills what is remembered.
    starts: SlidingWindow<IpAddr>,
}

/// Who somebody is, as the provider says.
#[derive(Debug, Clone)]
pub struct Identity {
    /// `<issuer> <subject>`, which never changes.
    pub subject: String,
    /// None where the provider knows none, or one that it did not verify.
    pub email: Option<String>,
    pub name: String,
}

/// The first is for the person who tries, the rest for the log.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    #[error("too many sign-ins began at {0}")]
    TooMany(IpAddr),
    #[error("the provider can't be asked: {0}")]
    Provider(String),
    #[error("the sign-in is not one that began in this browser, or it was finished before, or it took too long")]
    UnknownFlow,
    #[error("the provider refused: {0}")]
    Refused(String),
    #[error("the provider's token is not valid: {0}")]
    Token(String),
}

/// Asked at the first sign-in, and again when it may have changed.
#[derive(Default)]
struct Provider {
    http: Option<Arc<Http>>,
    known: Option<(Instant, CoreProviderMetadata)>,
    failed: Option<Instant>,
    /// When it was asked before its time, for new keys.
    hurried: Option<Instant>,
}

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// Where the provider sends browsers back to.
pub const CALLBACK: &str = "/api/v1/session/oidc/callback";
const STARTS_PER_MINUTE: usize = 60;
const MOST_STARTERS: usize = 10_000;
const ASK_AGAIN: Duration = Duration::from_secs(3600);
/// Keys change; a token of nobody's must not make us ask all the time.
const NEW_KEYS: Duration = Duration::from_secs(30);
const REST_AFTER_FAILURE: Duration = Duration::from_secs(2);

/// Signatures that only the provider can make: none, and those made with the client's secret, are not among them.
const SIGNATURES: [Algorithm; 9] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::RsaSsaPssSha512,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
];

// === impl Oidc ===

impl Oidc {
    /// None where the configuration names no provider.
    pub fn new(config: &signing_in::Oidc, public_url: &str) -> Option<Oidc> {
        (!config.issuer.is_empty()).then(|| Oidc {
            config: config.clone(),
            redirect: format!("{public_url}{CALLBACK}"),
            provider: Mutex::default(),
            pending: Pending::default(),
            starts: SlidingWindow::new(STARTS_PER_MINUTE, Duration::from_secs(60), MOST_STARTERS),
        })
    }

    /// What the button says.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    pub fn tenant(&self) -> &str {
        &self.config.tenant
    }

    /// Of whoever is seen for the first time; empty: nobody is made.
    pub fn role(&self) -> &str {
        &self.config.role
    }

    /// Where to send the browser, and the handle to give it.
    pub async fn start(&self, from: Option<IpAddr>, now_ms: i64) -> Result<(String, String), OidcError> {
        if let Some(ip) = from {
            self.starts.take(&ip, now_ms).map_err(|_| OidcError::TooMany(ip))?;
        }
        let (client, _) = self.client(false).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let handle = CsrfToken::new_random_len(32).into_secret();
        self.pending.put(&handle, Flow { state, nonce, verifier }, now_ms);
        Ok((url.to_string(), handle))
    }

    pub async fn finish(&self, handle: &str, state: &str, code: &str, now_ms: i64) -> Result<Identity, OidcError> {
        let flow = self.pending.take(handle, state, now_ms).ok_or(OidcError::UnknownFlow)?;
        let (client, http) = self.client(false).await?;
        let exchange = client.exchange_code(AuthorizationCode::new(code.to_owned()));
        let exchange = exchange.map_err(|error| OidcError::Provider(error.to_string()))?;
        let answer = exchange.set_pkce_verifier(flow.verifier).request_async(&*http).await;
        let answer = answer.map_err(|error| OidcError::Refused(error.to_string()))?;
        let token = answer.id_token().ok_or_else(|| OidcError::Token("there is none".to_owned()))?;
        let claims = match verified(token, &client, &flow.nonce) {
            // The provider may have a new key since we asked.
            Err(ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)) => {
                let (client, _) = self.client(true).await?;
                verified(token, &client, &flow.nonce)
            }
            claims => claims,
        };
        claims.map(|claims| identity(&claims)).map_err(|error| OidcError::Token(because(&error)))
    }

    /// With what the provider says of itself; `hurry`: its keys may be newer than what it said last.
    async fn client(&self, hurry: bool) -> Result<(Client, Arc<Http>), OidcError> {
        let mut provider = self.provider.lock().await;
        let hurry = hurry && provider.hurried.is_none_or(|at| at.elapsed() > NEW_KEYS);
        let failed = |error: &dyn std::error::Error| OidcError::Provider(because(error));
        let http = match &provider.http {
            Some(http) => http.clone(),
            None => provider.http.insert(Arc::new(Http::new().map_err(|error| failed(&error))?)).clone(),
        };
        if hurry || provider.known.as_ref().is_none_or(|(at, _)| at.elapsed() > ASK_AGAIN) {
            if provider.failed.is_some_and(|at| at.elapsed() < REST_AFTER_FAILURE) {
                return Err(OidcError::Provider("it did not answer just now".to_owned()));
            }
            let issuer = IssuerUrl::new(self.config.issuer.clone()).map_err(|error| failed(&error))?;
            match CoreProviderMetadata::discover_async(issuer, &*http).await {
                Ok(metadata) => {
                    provider.known = Some((Instant::now(), metadata));
                    provider.failed = None;
                    provider.hurried = hurry.then(Instant::now).or(provider.hurried);
                }
                Err(error) => {
                    provider.failed = Some(Instant::now());
                    return Err(failed(&error));
                }
            }
        }
        let Some((_, metadata)) = provider.known.clone() else { return Err(OidcError::UnknownFlow) };
        let secret = Some(self.config.client_secret.clone()).filter(|secret| !secret.is_empty()).map(ClientSecret::new);
        let redirect = RedirectUrl::new(self.redirect.clone()).map_err(|error| failed(&error))?;
        let client = CoreClient::from_provider_metadata(metadata, ClientId::new(self.config.client_id.clone()), secret);
        Ok((client.set_redirect_uri(redirect), http))
    }
}

fn verified(
    token: &openidconnect::core::CoreIdToken,
    client: &Client,
    nonce: &Nonce,
) -> Result<CoreIdTokenClaims, ClaimsVerificationError> {
    token.claims(&client.id_token_verifier().set_allowed_algs(SIGNATURES), nonce).cloned()
}

fn identity(claims: &CoreIdTokenClaims) -> Identity {
    let name = claims.name().and_then(|name| name.get(None)).map_or("", |name| name.as_str());
    // Providers that verify all their addresses do not say so of each.
    let email = claims.email().filter(|_| claims.email_verified() != Some(false));
    Identity {
        subject: format!("{} {}", claims.issuer().as_str(), claims.subject().as_str()),
        email: email.map(|email| email.as_str().trim().to_owned()),
        name: name.chars().filter(|c| !c.is_control()).take(200).collect(),
    }
}

/// An error and what it came of.
fn because(error: &dyn std::error::Error) -> String {
    let (mut text, mut next) = (error.to_string(), error.source());
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}

// === impl OidcError ===

impl OidcError {
    /// For whoever tries to sign in.
    pub fn short(&self) -> &'static str {
        match self {
            OidcError::TooMany(_) => "Too many sign-ins began here. Wait a minute and try again.",
            OidcError::Provider(_) => "The sign-in provider can't be reached. Try again later.",
            OidcError::UnknownFlow => "The sign-in took too long or was used before. Start again.",
            OidcError::Refused(_) => "The sign-in provider refused. Start again.",
            OidcError::Token(_) => "The sign-in provider's answer is not valid. Start again.",
        }
    }
}
