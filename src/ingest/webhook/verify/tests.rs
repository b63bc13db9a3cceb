use hyper::HeaderMap;
use proptest::{prop_assert, proptest};

use super::*;
use crate::control::sources::Secret;

/// What GitHub's documentation computes ("Validating webhook deliveries", "Testing the webhook payload validation").
const GITHUB_SECRET: &str = "It's a Secret to Everybody";
const GITHUB_BODY: &[u8] = b"Hello, World!";
const GITHUB_SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

const NOW_MS: i64 = 1_733_145_600_000;

fn source(kind: Kind, user: &str, secrets: &[(&str, i64)]) -> Source {
    let secrets = secrets
        .iter()
        .map(|(secret, expires_at_ms)| Secret { secret: (*secret).to_owned(), expires_at_ms: *expires_at_ms })
        .collect();
    Source {
        id: String::new(),
        tenant_id: String::new(),
        kind,
        name: String::new(),
        project: String::new(),
        user: user.to_owned(),
        secrets,
        created_at_ms: 0,
        version: 0,
    }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
}

/// What the sender would be told, or nothing.
fn refusal(source: &Source, pairs: &[(&'static str, &str)], in_path: Option<&str>, body: &[u8]) -> Option<String> {
    let headers = headers(pairs);
    match look(source, &headers, in_path, NOW_MS) {
        Ok(shown) if is_signed(&shown, source, body, NOW_MS) => None,
        Ok(_) => Some(wrong_signature(source.kind).message),
        Err(refusal) => {
            assert_eq!(refusal.reason, Reason::Unauthenticated);
            Some(refusal.message)
        }
    }
}

#[track_caller]
fn assert_refused(found: Option<String>, part: &str) {
    let found = found.expect("refused");
    assert!(found.contains(part), "{found}");
}

#[test]
fn github_signs_the_body_with_any_secret_that_holds() {
    let signed = &[("x-hub-signature-256", GITHUB_SIGNATURE)][..];
    let good = source(Kind::GitHub, "", &[(GITHUB_SECRET, 0)]);
    assert_eq!(refusal(&good, signed, None, GITHUB_BODY), None);
    let second = source(Kind::GitHub, "", &[("new", 0), (GITHUB_SECRET, NOW_MS + 1)]);
    assert_eq!(refusal(&second, signed, None, GITHUB_BODY), None);

    assert_refused(refusal(&good, signed, None, b"Hello, World?"), "is not the HMAC-SHA256");
    let expired = source(Kind::GitHub, "", &[("new", 0), (GITHUB_SECRET, NOW_MS)]);
    assert_refused(refusal(&expired, signed, None, GITHUB_BODY), "is not the HMAC-SHA256");
    assert_refused(refusal(&source(Kind::GitHub, "", &[]), signed, None, GITHUB_BODY), "is not the HMAC-SHA256");
}

#[test]
fn github_without_a_sha256_signature_is_told_what_is_missing() {
    let good = source(Kind::GitHub, "", &[(GITHUB_SECRET, 0)]);
    assert_refused(refusal(&good, &[], None, GITHUB_BODY), "X-Hub-Signature-256 is missing");
    let sha1 = "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59";
    assert_refused(refusal(&good, &[("x-hub-signature", sha1)], None, GITHUB_BODY), "only the SHA-1 signature");
    let hex = GITHUB_SIGNATURE.trim_start_matches("sha256=");
    let signs = format!("sha256=+{}", &hex[1..]);
    for value in ["", "sha256=", hex, &format!("sha256={}", &hex[2..]), &format!("sha256={hex}00"), &signs] {
        assert_refused(refusal(&good, &[("x-hub-signature-256", value)], None, GITHUB_BODY), "64 hexadecimal digits");
    }
}

#[test]
fn azure_devops_proves_itself_in_one_of_three_places() {
    let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    let named = source(Kind::AzureDevOps, "azdo", &[("hush:hush", 0)]);
    let anybody = source(Kind::AzureDevOps, "", &[("hush:hush", 0)]);
    let credential = basic("azdo:hush:hush");
    assert_eq!(refusal(&named, &[("authorization", &credential)], None, b""), None);
    assert_eq!(refusal(&anybody, &[("authorization", &basic(":hush:hush"))], None, b""), None);
    assert_eq!(refusal(&named, &[("x-activitylog-secret", "hush:hush")], None, b""), None);
    assert_eq!(refusal(&named, &[], Some("hush:hush"), b""), None);

    let wrong = "not the source's user and secret";
    assert_refused(refusal(&named, &[("authorization", &basic("other:hush:hush"))], None, b""), wrong);
    assert_refused(refusal(&named, &[("authorization", &basic("azdo:hush"))], None, b""), wrong);
    assert_refused(refusal(&anybody, &[("authorization", &basic(":"))], None, b""), "not the source's secret");
    assert_refused(refusal(&anybody, &[], Some("x"), b""), "is not the source's");
    assert_refused(refusal(&anybody, &[], None, b""), "no credential");
    for value in ["Basic", "Basic !", "Bearer hush:hush", &STANDARD.encode("a:hush:hush")] {
        assert_refused(refusal(&anybody, &[("authorization", value)], None, b""), "no credential");
    }
}

const SIGNING_SECRET: &str = "whsec_H/P1Phf0xtMneGpQh6Lb+nNrAT6GxzaqUgx70XGctPs=";

#[test]
fn gitlab_sends_its_token_or_signs() {
    let token = source(Kind::GitLab, "", &[("a token", 0)]);
    assert_eq!(refusal(&token, &[("x-gitlab-token", "a token")], None, b"{}"), None);
    assert_refused(refusal(&token, &[("x-gitlab-token", "a toke")], None, b"{}"), "not the source's secret");
    assert_refused(refusal(&token, &[], None, b"{}"), "X-Gitlab-Token is missing");

    let signing = source(Kind::GitLab, "", &[(SIGNING_SECRET, 0)]);
    let signed = sign(SIGNING_SECRET, "id", NOW_MS / 1000, b"{}");
    let mut pairs = vec![("webhook-id", "id"), ("webhook-timestamp", "1733145600"), ("webhook-signature", &signed)];
    assert_eq!(refusal(&signing, &pairs, None, b"{}"), None);
    assert_refused(refusal(&signing, &pairs, None, b"{ }"), "webhook-signature holds no v1");
    // Whoever knows only the token is not asked for a signature.
    assert_refused(refusal(&token, &pairs, None, b"{}"), "X-Gitlab-Token is missing");
    pairs.truncate(0);
    pairs.push(("x-gitlab-token", SIGNING_SECRET));
    assert_refused(refusal(&signing, &pairs, None, b"{}"), "not the source's secret");
}

fn sign(secret: &str, id: &str, seconds: i64, body: &[u8]) -> String {
    let mut mac = hmac(&signing_key(secret).expect("a signing secret"));
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Computed with the npm package standardwebhooks 1.1.1.
#[test]
fn standard_webhooks_vectors_are_judged_as_the_reference_does() {
    let text = include_str!("../../../../tests/fixtures/webhooks/generic/standard-webhooks.json");
    let vectors: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let vectors = vectors["vectors"].as_array().expect("a list");
    assert_eq!(vectors.len(), 4);
    for vector in vectors {
        let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
        let source = source(Kind::Standard, "", &[(&text(&vector["secret"]), 0)]);
        let headers: HeaderMap = vector["headers"]
            .as_object()
            .expect("headers")
            .iter()
            .map(|(name, value)| (name.parse().expect("a name"), text(value).parse().expect("a value")))
            .collect::<Vec<(hyper::header::HeaderName, hyper::http::HeaderValue)>>()
            .into_iter()
            .collect();
        let now_ms = vector["now"].as_i64().expect("seconds") * 1000;
        let shown = look(&source, &headers, None, now_ms);
        let body = text(&vector["body"]);
        let valid = shown.is_ok_and(|shown| is_signed(&shown, &source, body.as_bytes(), now_ms));
        assert_eq!(valid, vector["valid"] == true, "{}", vector["name"]);
    }
}

#[test]
fn a_standard_timestamp_may_be_five_minutes_off_and_no_more() {
    let source = source(Kind::Standard, "", &[(SIGNING_SECRET, 0)]);
    for (off, part) in [(0, ""), (300, ""), (-300, ""), (301, "301 s in the future"), (-301, "301 s in the past")] {
        let seconds = NOW_MS / 1000 + off;
        let signature = sign(SIGNING_SECRET, "id", seconds, b"{}");
        let (seconds, list) = (seconds.to_string(), format!("v1,aGk= v1a,x {signature}"));
        let pairs = [("webhook-id", "id"), ("webhook-timestamp", seconds.as_str()), ("webhook-signature", &list)];
        let found = refusal(&source, &pairs, None, b"{}");
        assert_eq!(found.is_none(), part.is_empty(), "{found:?}");
        assert!(found.unwrap_or_default().contains(part));
    }
    let pairs = |timestamp| [("webhook-id", "id"), ("webhook-timestamp", timestamp), ("webhook-signature", "v1,aGk=")];
    assert_refused(refusal(&source, &pairs("0"), None, b""), "holds no \"v1,\"");
    assert_refused(refusal(&source, &pairs("")[..1], None, b""), "webhook-timestamp is missing");
    let signature = sign(SIGNING_SECRET, "id", 0, b"");
    for timestamp in ["soon", "9223372036854775808", "-9223372036854775808"] {
        let pairs = [("webhook-id", "id"), ("webhook-timestamp", timestamp), ("webhook-signature", &signature)];
        assert_refused(refusal(&source, &pairs, None, b""), "webhook-timestamp is");
    }
}

#[test]
fn a_signing_secret_is_whsec_and_enough_bytes() {
    let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
    assert_eq!([23, 24, 64, 65].map(|bytes| signing_key(&of(bytes)).is_some()), [false, true, true, false]);
    assert_eq!(signing_key(&STANDARD.encode([7; 32])), None);
    assert_eq!(signing_key("whsec_not base64"), None);
}

proptest! {
    /// No head panics, and none but the right one proves anything.
    #[test]
    fn any_head_is_judged(value in "[ -~]{0,80}", body in proptest::collection::vec(proptest::num::u8::ANY, 0..50)) {
        for kind in Kind::ALL {
            let source = source(kind, "", &[(SIGNING_SECRET, 0)]);
            for name in ["x-hub-signature-256", "x-gitlab-token", "authorization", "x-activitylog-secret", "webhook-signature"] {
                let pairs = [(name, value.as_str()), ("webhook-id", &value), ("webhook-timestamp", "1733145600")];
                prop_assert!(refusal(&source, &pairs, Some(&value), &body).is_some());
            }
        }
    }
}
