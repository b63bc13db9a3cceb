//! A small OpenID provider: discovery, keys, an authorization page that asks nobody, and tokens, true or twisted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use rcgen::{KeyPair, PublicKeyData, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const CLIENT: &str = "activitylog";
pub const SECRET: &str = "the client's own secret";

#[derive(Clone)]
pub struct Provider {
    pub issuer: String,
    state: Arc<Mutex<Inner>>,
}

struct Inner {
    key: KeyPair,
    key_id: String,
    /// By code: what the authorization was asked with.
    codes: HashMap<String, HashMap<String, String>>,
    claims: Value,
    twist: Twist,
}

/// What is wrong with the next tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twist {
    Nothing,
    Nonce,
    Audience,
    TwoAudiences,
    Issuer,
    Expired,
    Signature,
    Unsigned,
    SignedWithSecret,
    NoToken,
}

// === impl Provider ===

impl Provider {
    pub async fn start() -> Provider {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let inner = Inner {
            key: new_key(),
            key_id: "k1".to_owned(),
            codes: HashMap::new(),
            claims: json!({}),
            twist: Twist::Nothing,
        };
        let provider = Provider { issuer, state: Arc::new(Mutex::new(inner)) };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    /// Whom the next tokens are about, and what is wrong with them.
    pub fn says(&self, claims: Value, twist: Twist) {
        let mut inner = self.state.lock().expect("unpoisoned");
        (inner.claims, inner.twist) = (claims, twist);
    }

    pub fn changes_its_key(&self, id: &str) {
        let mut inner = self.state.lock().expect("unpoisoned");
        (inner.key, inner.key_id) = (new_key(), id.to_owned());
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key")
}

async fn discovery(State(provider): State<Provider>) -> Json<Value> {
    let issuer = &provider.issuer;
    Json(json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"), "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
        // What it says that it may do is not what is taken.
        "id_token_signing_alg_values_supported": ["EdDSA", "HS256", "none"],
    }))
}

async fn keys(State(provider): State<Provider>) -> Json<Value> {
    let inner = provider.state.lock().expect("unpoisoned");
    let x = URL_SAFE_NO_PAD.encode(inner.key.der_bytes());
    Json(json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": inner.key_id, "x": x}]}))
}

async fn authorize(State(provider): State<Provider>, Query(asked): Query<HashMap<String, String>>) -> Response {
    for (name, value) in [("response_type", "code"), ("client_id", CLIENT), ("code_challenge_method", "S256")] {
        assert_eq!(asked[name], value, "{name}");
    }
    assert!(asked["scope"].split(' ').any(|scope| scope == "openid"), "{}", asked["scope"]);
    assert!(asked["nonce"].len() > 15 && asked["state"].len() > 15 && asked["code_challenge"].len() == 43);
    let code = format!("code-{}", uuid::Uuid::new_v4());
    let back = format!("{}?code={code}&state={}&session_state=x", asked["redirect_uri"], asked["state"]);
    provider.state.lock().expect("unpoisoned").codes.insert(code, asked);
    (StatusCode::SEE_OTHER, [(header::LOCATION, back)]).into_response()
}

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    form: String,
) -> Result<Json<Value>, (StatusCode, Json<Value>)> {
    let refuse = |why: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": why})));
    let form: HashMap<String, String> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let mut inner = provider.state.lock().expect("unpoisoned");
    // Each part is form-encoded before it goes into Basic (RFC 6749, 2.3.1).
    let credential = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    let pair = credential.and_then(|pair| String::from_utf8(STANDARD.decode(pair).ok()?).ok()).unwrap_or_default();
    let secret: String = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    if pair != format!("{CLIENT}:{secret}") {
        return Err(refuse("invalid_client"));
    }
    let asked = inner.codes.remove(&form["code"]).ok_or_else(|| refuse("invalid_grant"))?;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    if challenge != asked["code_challenge"] || form["redirect_uri"] != asked["redirect_uri"] {
        return Err(refuse("invalid_grant"));
    }
    let id_token = inner.id_token(&provider.issuer, &asked["nonce"]);
    let mut answer = json!({"access_token": "opaque-access-token", "token_type": "Bearer", "expires_in": 60});
    if inner.twist != Twist::NoToken {
        answer["id_token"] = id_token.into();
    }
    Ok(Json(answer))
}

// === impl Inner ===

impl Inner {
    fn id_token(&mut self, issuer: &str, nonce: &str) -> String {
        let now = jiff::Timestamp::now().as_second();
        let twist = self.twist;
        let age = if twist == Twist::Expired { 7200 } else { 0 };
        let mut claims = json!({
            "iss": if twist == Twist::Issuer { "https://other.example" } else { issuer },
            "aud": match twist {
                Twist::Audience => json!("somebody-else"),
                Twist::TwoAudiences => json!([CLIENT, "somebody-else"]),
                _ => json!(CLIENT),
            },
            "iat": now - age, "exp": now + 600 - age,
            "nonce": if twist == Twist::Nonce { "another-nonce" } else { nonce },
        });
        claims.as_object_mut().expect("an object").extend(self.claims.as_object().expect("an object").clone());
        let algorithm = match twist {
            Twist::Unsigned => "none",
            Twist::SignedWithSecret => "HS256",
            _ => "EdDSA",
        };
        let head = json!({"alg": algorithm, "kid": self.key_id, "typ": "JWT"});
        let text = [head, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let signature = match twist {
            Twist::Unsigned => Vec::new(),
            Twist::SignedWithSecret => {
                let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key");
                mac.update(text.as_bytes());
                mac.finalize().into_bytes().to_vec()
            }
            Twist::Signature => new_key().sign(text.as_bytes()).expect("signed"),
            _ => self.key.sign(text.as_bytes()).expect("signed"),
        };
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
