//! `POST /webhooks/{source_id}`: what GitHub, Azure DevOps, GitLab and others say by themselves.
//!
//! Source looked up, head looked at, body received within the budget, proved over the bytes as they came (`verify`), and only
//! then read and mapped ([`crate::normalise::webhook`]). A delivery has an id, so one that comes again is acknowledged and not
//! stored again. Nothing here waits for ClickHouse.
//!
//! Azure DevOps puts a subscription on probation, and loses its events, over any answer but a few. So what it may have sent is
//! taken, also what is too large or can't be read; and what can't be taken now is a 503, which it repeats.

mod answer;
mod payload;
mod verify;

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Response};
use percent_encoding::percent_decode_str;

use self::payload::Payload;
use self::verify::Shown;
use super::accept::Delivered;
use super::body::{self, BodyLimits};
use super::otlp::http::{Doors, is_worth_draining};
use super::refusal::Refusal;
use crate::auth::Writer;
use crate::control::Control;
use crate::control::sources::Source;
use crate::normalise::webhook::{self, Delivery, Kind};
use crate::outcome::{Outcome, Reason};
use crate::spool::RequestKey;
use crate::telemetry::counters::Door;
use crate::telemetry::diagnostics::Sender;

/// What the webhook door needs.
pub struct Hooks {
    pub doors: Arc<Doors>,
    pub control: Arc<Control>,
    pub body: BodyLimits,
    /// Every delivery whole in its event's attributes.
    pub keep_payload: bool,
}

/// What became of a delivery that was proved.
#[derive(Debug, PartialEq, Eq)]
enum Taken {
    Stored(Stored),
    Duplicate,
}

#[derive(Debug, PartialEq, Eq)]
struct Stored {
    source: String,
    event_type: String,
    unmapped: bool,
    ping: bool,
}

/// A longer body is worth moving the other tasks of this thread away.
const LONG_WORK: usize = 256 * 1024;

/// `/webhooks` and everything below it.
pub async fn receive(State(hooks): State<Arc<Hooks>>, request: Request) -> Response<Body> {
    let started = Instant::now();
    let (parts, mut body) = request.into_parts();
    let (source, taken) = match hooks.addressed(&parts) {
        Ok((source, in_path)) => {
            let taken = hooks.take(&source, in_path.as_deref(), &parts, &mut body).await;
            (Some(source), taken)
        }
        Err(refusal) => (None, Err(refusal)),
    };
    match taken {
        Ok(taken) => {
            hooks.doors.intake.counters.acknowledgements.record(started.elapsed());
            answer::taken(&taken)
        }
        Err(refusal) => {
            hooks.count_refusal(source.as_deref(), &refusal);
            if is_worth_draining(&parts, &body, &refusal) {
                tokio::spawn(body::drain(body, hooks.body.clone()));
            }
            answer::refused(source.as_deref().map(|source| source.kind), &refusal)
        }
    }
}

// === impl Hooks ===

impl Hooks {
    /// The source that the path names, and what stands behind its id.
    fn addressed(&self, parts: &Parts) -> Result<(Arc<Source>, Option<String>), Refusal> {
        // Whether there is such a source is nobody's business who only looks.
        if parts.method != Method::POST {
            let message = format!("{}: webhooks are posted to /webhooks/<source id>", parts.method);
            return Err(Refusal::new(Reason::WrongMethod, message));
        }
        let rest = parts.uri.path().strip_prefix("/webhooks").unwrap_or("").trim_matches('/');
        let (id, in_path) = match rest.split_once('/') {
            Some((id, secret)) => (id, Some(percent_decode_str(secret).decode_utf8_lossy().into_owned())),
            None => (rest, None),
        };
        match self.control.snapshot().sources.get(id) {
            Some(source) if in_path.is_none() || source.kind == Kind::AzureDevOps => Ok((source.clone(), in_path)),
            _ if self.control.is_current() => Err(Refusal::new(
                Reason::Misdirected,
                "no webhook source has this URL: `activitylog webhook ls` lists the sources with theirs",
            )),
            // A source that was added meanwhile must not be told that it is unknown: GitLab would give up for good.
            _ => Err(Refusal::overloaded(
                "the list of webhook sources could not be read yet: send it again",
                std::time::Duration::from_secs(5),
            )),
        }
    }

    async fn take(
        &self,
        source: &Source,
        in_path: Option<&str>,
        parts: &Parts,
        body: &mut Body,
    ) -> Result<Taken, Refusal> {
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let shown = verify::look(source, &parts.headers, in_path, now_ms)?;
        let payload = payload::receive(source.kind, &parts.headers, body, &self.body.of(&source.tenant_id), |bytes| {
            if verify::is_signed(&shown, source, bytes, now_ms) {
                return Ok(());
            }
            Err(verify::wrong_signature(source.kind))
        })
        .await?;
        let taken = self.store(source, &parts.headers, &shown, &payload).await?;
        self.count(source, &taken);
        Ok(taken)
    }

    async fn store(
        &self,
        source: &Source,
        headers: &HeaderMap,
        shown: &Shown<'_>,
        payload: &Payload,
    ) -> Result<Taken, Refusal> {
        self.doors.intake.admit(&source.tenant_id)?;
        let who = Writer { tenant: source.tenant_id.clone(), project: source.project.clone() };
        let text = payload.text();
        let json = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut kept = attributes(source.kind, headers);
        kept.extend(payload.size().map(|size| ("webhook.body_bytes", size)));
        let delivery = Delivery {
            kind: source.kind,
            event: header(headers, event_header(source.kind)),
            delivery_id: delivery_id(source.kind, headers),
            sent_at_ns: sent_at_ns(shown),
            headers: &kept,
            source_name: &source.name,
            source_id: &source.id,
            keep_payload: self.keep_payload,
            json,
        };
        let key = RequestKey::delivery(webhook::identity(&who.tenant, &delivery));
        let intake = &self.doors.intake;
        let stored = intake.deliver(&who, json.len(), key, |rows| {
            let mut work = || {
                let mapped = webhook::event(&rows.context, &delivery);
                rows.push(&mapped.event);
                Stored {
                    source: mapped.event.source.to_string(),
                    event_type: mapped.event.event_type.to_string(),
                    unmapped: mapped.unmapped,
                    ping: mapped.ping,
                }
            };
            if json.len() > LONG_WORK { tokio::task::block_in_place(work) } else { work() }
        });
        Ok(match stored.await? {
            Delivered::Stored(stored) => {
                intake.charge(&who.tenant, 1, json.len() as u64);
                Taken::Stored(stored)
            }
            Delivered::Duplicate => Taken::Duplicate,
        })
    }

    fn count(&self, source: &Source, taken: &Taken) {
        let intake = &self.doors.intake;
        let outcome = match taken {
            Taken::Stored(stored) => {
                intake.diagnostics.received(&source.tenant_id, sender(source), 1);
                if stored.unmapped {
                    intake.diagnostics.unmapped(&source.tenant_id, &stored.source, &stored.event_type);
                }
                Outcome { stored: 1, ..Outcome::default() }
            }
            Taken::Duplicate => Outcome { duplicate: 1, ..Outcome::default() },
        };
        intake.counters.taken(Door::Webhook, &source.tenant_id, &outcome);
    }

    fn count_refusal(&self, source: Option<&Source>, refusal: &Refusal) {
        let intake = &self.doors.intake;
        intake.counters.refused(Door::Webhook, refusal.reason);
        let nobody = Sender { door: Door::Webhook, name: "" };
        let (tenant, sender) = source.map_or(("", nobody), |source| (&source.tenant_id, sender(source)));
        intake.diagnostics.rejected(tenant, sender, refusal.reason, &refusal.message);
    }
}

fn sender(source: &Source) -> Sender<'_> {
    Sender { door: Door::Webhook, name: &source.name }
}

/// Empty where the vendor has none: Azure DevOps and Standard Webhooks name the event in the body.
fn event_header(kind: Kind) -> &'static str {
    match kind {
        Kind::GitHub => "x-github-event",
        Kind::GitLab => "x-gitlab-event",
        Kind::AzureDevOps | Kind::Standard => "",
    }
}

fn delivery_id(kind: Kind, headers: &HeaderMap) -> &str {
    match kind {
        Kind::GitHub => header(headers, "x-github-delivery"),
        // Since 17.4; a signed delivery's webhook-id is the same.
        Kind::GitLab if headers.contains_key("idempotency-key") => header(headers, "idempotency-key"),
        Kind::GitLab | Kind::Standard => header(headers, "webhook-id"),
        // Its id stands in the body.
        Kind::AzureDevOps => "",
    }
}

fn sent_at_ns(shown: &Shown<'_>) -> Option<i64> {
    match shown {
        Shown::Standard { timestamp, .. } => timestamp.parse::<i64>().ok()?.checked_mul(1_000_000_000),
        _ => None,
    }
}

/// What the head says that the body does not.
fn attributes(kind: Kind, headers: &HeaderMap) -> Vec<(&'static str, &str)> {
    let wanted: &[(&'static str, &str)] = match kind {
        Kind::GitHub => &[
            ("webhook.hook_id", "x-github-hook-id"),
            ("webhook.hook_target_type", "x-github-hook-installation-target-type"),
            ("webhook.hook_target_id", "x-github-hook-installation-target-id"),
            ("webhook.instance", "x-github-enterprise-host"),
        ],
        Kind::GitLab => &[
            ("webhook.hook_id", "x-gitlab-webhook-uuid"),
            ("webhook.event_uuid", "x-gitlab-event-uuid"),
            ("webhook.instance", "x-gitlab-instance"),
        ],
        Kind::AzureDevOps | Kind::Standard => &[],
    };
    let all = wanted.iter().map(|(attribute, name)| (*attribute, header(headers, name)));
    let agent = ("webhook.user_agent", header(headers, "user-agent"));
    all.chain([agent]).filter(|(_, value)| !value.is_empty()).collect()
}

/// Empty where it is missing or is not UTF-8.
fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok()).unwrap_or("")
}

fn is_form(headers: &HeaderMap) -> bool {
    let essence = header(headers, CONTENT_TYPE.as_str()).split(';').next().unwrap_or("").trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
