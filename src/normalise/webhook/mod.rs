//! A webhook's delivery as an event: GitHub, Azure DevOps, GitLab, and whoever follows Standard Webhooks. What each vendor event
//! becomes is listed in docs/WEBHOOKS.md.

mod azure_devops;
mod fact;
mod github;
mod gitlab;
mod moment;
mod object;
mod outcome;
mod sentence;
mod standard;
#[cfg(test)]
mod tests;
mod vocabulary;

use std::borrow::Cow;
use std::str::FromStr;

use self::fact::{Fact, word};
use self::object::Object;
use self::vocabulary::PING;
use super::identity::{Occurrences, Prefix, RecordKind};
use super::{Context, time};
use crate::model::event::{Event, Kind as EventKind, Str};

/// A UTF-8 byte order mark, which some servers put before their JSON.
const BOM: char = '\u{feff}';

/// Whose shapes a source speaks.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub enum Kind {
    #[serde(rename = "github")]
    GitHub,
    #[serde(rename = "azure_devops")]
    AzureDevOps,
    #[serde(rename = "gitlab")]
    GitLab,
    /// <https://www.standardwebhooks.com>
    #[default]
    #[serde(rename = "standard")]
    Standard,
}

/// An authenticated delivery.
#[derive(Debug, Clone)]
pub struct Delivery<'d> {
    pub kind: Kind,
    /// `X-GitHub-Event` or `X-Gitlab-Event`; empty for the others.
    pub event: &'d str,
    /// The sender's own id of the delivery: `X-GitHub-Delivery`, `Idempotency-Key`, `webhook-id`. Empty where there is none, as
    /// with Azure DevOps, whose body has it.
    pub delivery_id: &'d str,
    /// `webhook-timestamp`, for Standard Webhooks.
    pub sent_at_ns: Option<i64>,
    /// Other headers worth keeping, as attribute name and value.
    pub headers: &'d [(&'static str, &'d str)],
    pub source_name: &'d str,
    pub source_id: &'d str,
    /// Keep the payload of mapped events too; that of others is always kept.
    pub keep_payload: bool,
    /// The body as JSON text.
    pub json: &'d str,
}

#[derive(Debug, Clone)]
pub struct Mapped<'d> {
    pub event: Event<'d>,
    /// Kept whole: there is no rule for it.
    pub unmapped: bool,
    /// Says only that the webhook is connected.
    pub ping: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a webhook kind is one of github, azure_devops, gitlab, standard, not `{0}`")]
pub struct UnknownKind(String);

/// Names the delivery for ever: the same tenant, kind and id (or body where there is no id) give the same number, a UUID of
/// version 8.
pub fn identity(tenant_id: &str, delivery: &Delivery<'_>) -> u128 {
    // Azure DevOps alone has its id in the body.
    let body =
        (delivery.kind == Kind::AzureDevOps && delivery.delivery_id.is_empty()).then(|| read(delivery)).flatten();
    identity_of(tenant_id, delivery, body.as_ref())
}

/// Total: what is not a JSON object becomes an unmapped event with the text kept.
pub fn event<'d>(context: &Context<'d>, delivery: &'d Delivery<'d>) -> Mapped<'d> {
    let body = read(delivery);
    let mut fact = Fact::default();
    note_delivery(delivery, &mut fact);
    match &body {
        Some(body) => match delivery.kind {
            Kind::GitHub => github::map(delivery, body, &mut fact),
            Kind::AzureDevOps => azure_devops::map(delivery, body, &mut fact),
            Kind::GitLab => gitlab::map(delivery, body, &mut fact),
            Kind::Standard => standard::map(delivery, body, &mut fact),
        },
        None => unreadable(delivery, &mut fact),
    }
    let unmapped = fact.unmapped;
    if unmapped || delivery.keep_payload {
        fact.add("webhook.payload", delivery.json);
    }
    let event_id = identity_of(context.tenant_id, delivery, body.as_ref());
    let event = finish(context, delivery.kind, event_id, fact);
    Mapped { ping: event.event_type == PING, event, unmapped }
}

fn read<'d>(delivery: &Delivery<'d>) -> Option<Object<'d>> {
    Object::parse(delivery.json.trim_start_matches(BOM))
}

fn identity_of(tenant_id: &str, delivery: &Delivery<'_>, body: Option<&Object<'_>>) -> u128 {
    let prefix = Prefix::new(tenant_id, b"webhook").with(delivery.kind.as_str().as_bytes());
    let in_body = body.filter(|_| delivery.kind == Kind::AzureDevOps && delivery.delivery_id.is_empty());
    // One id stands on samples of many event types in the documentation, and so in what some servers send as a test.
    let in_body = in_body.map(|body| (body.text("id"), body.text("eventType"))).filter(|(id, _)| !id.is_empty());
    let (prefix, record): (Prefix, Str<'_>) = match (delivery.delivery_id, in_body) {
        ("", Some((id, event))) => (prefix.with(b"id").with(event.as_bytes()), id),
        ("", None) => (prefix.with(b"body").with(delivery.event.as_bytes()), delivery.json.into()),
        (id, _) => (prefix.with(b"id"), id.into()),
    };
    Occurrences::default().event_id(prefix, RecordKind::Webhook, record.as_bytes())
}

/// What is known about a delivery without reading it.
fn note_delivery<'d>(delivery: &Delivery<'d>, fact: &mut Fact<'d>) {
    for (name, value) in [
        ("webhook.source", delivery.source_name),
        ("webhook.source_id", delivery.source_id),
        ("webhook.event", delivery.event),
        ("webhook.delivery_id", delivery.delivery_id),
    ] {
        fact.add(name, value);
    }
    for &(name, value) in delivery.headers {
        fact.add(name, value);
    }
}

fn unreadable<'d>(delivery: &Delivery<'d>, fact: &mut Fact<'d>) {
    fact.unmapped = true;
    let name = if delivery.event.is_empty() { "unknown" } else { delivery.event };
    fact.event_type = Cow::Owned(format!("{}.{}", delivery.kind.source(), word(name)));
    fact.add("webhook.error", "the body is not a JSON object");
}

fn finish<'d>(context: &Context<'d>, kind: Kind, event_id: u128, mut fact: Fact<'d>) -> Event<'d> {
    let family = vocabulary::of(&fact.event_type);
    conventions(kind, &mut fact);
    let occurred = fact.occurred_at.and_then(|ns| u64::try_from(ns).ok()).unwrap_or(0);
    let placed = time::place_delivered(occurred, context.now_ns);
    match placed.original {
        Some(original) => fact.add("original_timestamp", original.to_string()),
        None if occurred == 0 => fact.add("webhook.time", "received"),
        None => {}
    }
    // A review that asks for changes is an opinion, not a failure.
    let failed = fact.outcome.is_failure() && !fact.event_type.contains("_review");
    let class = match family {
        _ if fact.event_type == PING => "ingest",
        _ if failed => "error",
        family => family.map_or("app", |family| family.class),
    };
    let severity = if fact.event_type.contains("_review") { "info" } else { fact.outcome.severity() };
    let target_type = fact.target_type.or(family.map(|family| family.target_type));
    Event {
        event_id,
        kind: EventKind::Webhook,
        timestamp_ns: placed.timestamp_ns,
        duration_ns: fact.duration_ns.unwrap_or(0),
        message: sentence::of(&fact, target_type.unwrap_or("")),
        project: Cow::Borrowed(context.project),
        repository: fact.repository,
        environment: fact.environment,
        user_id: fact.actor,
        source: Cow::Borrowed(kind.source()),
        event_class: Cow::Borrowed(class),
        event_type: fact.event_type,
        outcome: Cow::Borrowed(fact.outcome.as_str()),
        severity: Cow::Borrowed(severity),
        target_type: Cow::Borrowed(target_type.filter(|_| !fact.target_id.is_empty()).unwrap_or("")),
        target_id: fact.target_id,
        attributes: fact.attributes,
        ..Event::default()
    }
}

/// What OpenTelemetry's CI/CD, VCS and deployment conventions say in their own words, and what all senders share.
fn conventions(kind: Kind, fact: &mut Fact<'_>) {
    if kind != Kind::Standard {
        fact.add("vcs.provider.name", kind.as_str());
    }
    fact.add("vcs.project", fact.project.clone());
    fact.add("url.full", fact.url.clone());
    fact.add("title", fact.title.clone());
    let result = fact.outcome.pipeline_result();
    match fact.event_type.as_ref() {
        "pipeline_run.requested" => fact.add("cicd.pipeline.run.state", "pending"),
        "pipeline_run.started" => fact.add("cicd.pipeline.run.state", "executing"),
        "pipeline_run.canceling" => fact.add("cicd.pipeline.run.state", "finalizing"),
        "pipeline_run.completed" => fact.add("cicd.pipeline.result", result),
        "pipeline_job.completed" => fact.add("cicd.pipeline.task.run.result", result),
        "deployment.completed" => match result {
            "success" => fact.add("deployment.status", "succeeded"),
            "failure" | "timeout" => fact.add("deployment.status", "failed"),
            _ => {}
        },
        _ => {}
    }
}

// === impl Kind ===

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::GitHub, Kind::AzureDevOps, Kind::GitLab, Kind::Standard];

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::GitHub => "github",
            Kind::AzureDevOps => "azure_devops",
            Kind::GitLab => "gitlab",
            Kind::Standard => "standard",
        }
    }

    /// The `source` column, and the first word of event types that no rule knows.
    pub fn source(self) -> &'static str {
        match self {
            Kind::Standard => "webhook",
            vendor => vendor.as_str(),
        }
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Kind, UnknownKind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| UnknownKind(text.to_owned()))
    }
}
