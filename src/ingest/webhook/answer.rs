//! What a sender of webhooks gets back: JSON that its delivery log shows to people.

use axum::body::Body;
use hyper::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use hyper::http::HeaderValue;
use hyper::{Response, StatusCode};
use serde_json::json;

use super::Taken;
use crate::ingest::refusal::Refusal;
use crate::normalise::webhook::Kind;
use crate::outcome::Reason;

pub(super) fn taken(taken: &Taken) -> Response<Body> {
    let body = match taken {
        Taken::Stored(stored) if stored.ping => {
            json!({"status": "stored", "event_type": stored.event_type, "message": "connected"})
        }
        Taken::Stored(stored) => json!({"status": "stored", "event_type": stored.event_type}),
        Taken::Duplicate => {
            json!({"status": "duplicate", "message": "this delivery was stored before, and is not stored again"})
        }
    };
    respond(StatusCode::OK, "application/json", body.to_string())
}

/// The kind, where the source is known.
pub(super) fn refused(kind: Option<Kind>, refusal: &Refusal) -> Response<Body> {
    let status = status(kind, refusal);
    let problem = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": refusal.message,
    });
    let mut response = respond(status, "application/problem+json", problem.to_string());
    let headers = response.headers_mut();
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        headers.insert(RETRY_AFTER, HeaderValue::from(refusal.retry_after.map_or(5, |after| after.as_secs().max(1))));
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

/// Azure DevOps repeats only after 408, 502, 503 and 504; any other failure puts the subscription on probation. What it may
/// learn from that is a wrong credential.
fn status(kind: Option<Kind>, refusal: &Refusal) -> StatusCode {
    let status = StatusCode::from_u16(refusal.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match kind {
        Some(Kind::AzureDevOps) if refusal.reason != Reason::Unauthenticated => StatusCode::SERVICE_UNAVAILABLE,
        _ => status,
    }
}

fn respond(status: StatusCode, content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// https://learn.microsoft.com/azure/devops/service-hooks/troubleshoot: transient and enduring failures.
    #[test]
    fn azure_devops_is_never_told_what_puts_a_subscription_on_probation() {
        for reason in Reason::ALL {
            let refusal = Refusal::new(reason, "x");
            let told = refused(Some(Kind::AzureDevOps), &refusal);
            match reason {
                Reason::Unauthenticated => assert_eq!(told.status(), 401),
                _ => assert_eq!((told.status().as_u16(), told.headers().contains_key("retry-after")), (503, true)),
            }
            let status = refused(Some(Kind::GitHub), &refusal).status();
            assert_eq!(status.as_u16(), refusal.http_status(), "{reason}");
        }
    }
}
