//! A delivery's body: received, unfolded, proved; or, from Azure DevOps, a note in its place that says why it is not there.

use std::borrow::Cow;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use xxhash_rust::xxh3::Xxh3;

use super::{header, is_form};
use crate::ingest::body::{self, BodyLimits, Compression, Held};
use crate::ingest::refusal::Refusal;
use crate::normalise::webhook::Kind;
use crate::outcome::Reason;

pub(super) enum Payload {
    Json(Held),
    Form(Held),
    /// A service hook's event as far as it is known: JSON of our own, and the size of what came.
    Note {
        json: String,
        size: String,
    },
}

/// What has gone by of a body.
#[derive(Default)]
struct Measure {
    bytes: u64,
    hash: Xxh3,
}

/// Why there is no payload.
enum Failed {
    /// Sent again, it would be the same.
    ForGood(Refusal),
    Now(Refusal),
}

/// Whoever asks for a body of Azure DevOps has proved himself by the head alone.
pub(super) async fn receive(
    kind: Kind,
    headers: &HeaderMap,
    body: &mut Body,
    limits: &BodyLimits,
    prove: impl Fn(&[u8]) -> Result<(), Refusal>,
) -> Result<Payload, Refusal> {
    if kind != Kind::AzureDevOps {
        return whole(headers, body, limits, prove).await.map_err(Failed::into_refusal);
    }
    let measure = Arc::new(Mutex::new(Measure::default()));
    *body = measured(mem::take(body), measure.clone());
    match whole(headers, body, limits, prove).await {
        Err(Failed::ForGood(refusal)) => {
            // An answer before the end of the body may not be read.
            body::drain(mem::take(body), limits.clone()).await;
            Ok(note(&refusal, &measure.lock().unwrap_or_else(PoisonError::into_inner)))
        }
        taken => taken.map_err(Failed::into_refusal),
    }
}

async fn whole(
    headers: &HeaderMap,
    body: &mut Body,
    limits: &BodyLimits,
    prove: impl Fn(&[u8]) -> Result<(), Refusal>,
) -> Result<Payload, Failed> {
    let compression = body::compression(Some(header(headers, CONTENT_ENCODING.as_str()))).map_err(Failed::ForGood)?;
    let declared = header(headers, CONTENT_LENGTH.as_str()).parse().ok();
    let held = body::receive(body, declared, 0, limits).await.map_err(|refusal| Failed::receiving(refusal, limits))?;
    let mut held = if compression == Compression::None {
        prove(&held.bytes).map_err(Failed::Now)?;
        held
    } else {
        // Some sign before they compress, some after.
        let proved = prove(&held.bytes);
        let unfolded = body::decompress(held, compression, limits.bytes);
        let held = unfolded.map_err(|refusal| Failed::unfolding(refusal, limits))?;
        proved.or_else(|_| prove(&held.bytes)).map_err(Failed::Now)?;
        held
    };
    // A form is decoded into another text, and so is what is not UTF-8, of which each byte may become three.
    let length = held.bytes.len() as u64;
    if is_form(headers) {
        held.hold_also(length).map_err(Failed::Now)?;
        return Ok(Payload::Form(held));
    }
    if std::str::from_utf8(&held.bytes).is_err() {
        held.hold_also(length.saturating_mul(3)).map_err(Failed::Now)?;
    }
    Ok(Payload::Json(held))
}

fn measured(body: Body, measure: Arc<Mutex<Measure>>) -> Body {
    Body::new(body.map_frame(move |frame| {
        if let Some(data) = frame.data_ref() {
            let mut measure = measure.lock().unwrap_or_else(PoisonError::into_inner);
            measure.bytes += data.len() as u64;
            measure.hash.update(data);
        }
        frame
    }))
}

/// In the form of a service hook's event, so that it is mapped as one that nobody knows. Its id is that of the bytes, so that
/// it comes once.
fn note(refusal: &Refusal, measure: &Measure) -> Payload {
    let event_type = match refusal.reason {
        Reason::TooLarge => "oversized",
        _ => "unreadable",
    };
    let json = serde_json::json!({
        "id": format!("{:032x}", measure.hash.digest128()),
        "eventType": event_type,
        "message": {"text": format!("an event of {} bytes was not kept: {}", measure.bytes, refusal.message)},
    });
    Payload::Note { json: json.to_string(), size: measure.bytes.to_string() }
}

// === impl Failed ===

impl Failed {
    /// One that broke off comes again.
    fn receiving(refusal: Refusal, limits: &BodyLimits) -> Failed {
        match refusal.reason {
            Reason::TooLarge => Failed::too_large(limits),
            _ => Failed::Now(refusal),
        }
    }

    fn unfolding(refusal: Refusal, limits: &BodyLimits) -> Failed {
        match refusal.reason {
            Reason::TooLarge => Failed::too_large(limits),
            Reason::Overloaded => Failed::Now(refusal),
            _ => Failed::ForGood(refusal),
        }
    }

    /// Of the knob that counts here.
    fn too_large(limits: &BodyLimits) -> Failed {
        let message = format!("the delivery is larger than {} bytes (webhooks.max_bytes)", limits.bytes);
        Failed::ForGood(Refusal::new(Reason::TooLarge, message))
    }

    fn into_refusal(self) -> Refusal {
        match self {
            Failed::ForGood(refusal) | Failed::Now(refusal) => refusal,
        }
    }
}

// === impl Payload ===

impl Payload {
    /// The JSON, or whatever stands in its place.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Payload::Json(held) => String::from_utf8_lossy(&held.bytes),
            Payload::Form(held) => form_urlencoded::parse(&held.bytes)
                .find(|(name, _)| name == "payload")
                .map_or_else(|| String::from_utf8_lossy(&held.bytes), |(_, payload)| payload),
            Payload::Note { json, .. } => Cow::Borrowed(json),
        }
    }

    /// Of what came, where it was not kept.
    pub(super) fn size(&self) -> Option<&str> {
        match self {
            Payload::Note { size, .. } => Some(size),
            _ => None,
        }
    }
}
