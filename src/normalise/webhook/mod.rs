//! A webhook's delivery as an event: GitHub, Azure DevOps, GitLab, and whoever follows Standard Webhooks. What each vendor event
//! becomes is listed in docs/WEBHOOKS.md.

use std::borrow::Cow;
use std::str::FromStr;

use super::Context;
use super::identity::{Occurrences, Prefix, RecordKind};
use crate::model::event::{AttributeValue, Event, Kind as EventKind};

/// Whose shapes a source speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    GitHub,
    AzureDevOps,
    GitLab,
    /// <https://www.standardwebhooks.com>
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
    let prefix = Prefix::new(tenant_id, b"webhook").with(delivery.kind.as_str().as_bytes());
    let (prefix, record) = match delivery.delivery_id {
        "" => (prefix.with(b"body").with(delivery.event.as_bytes()), delivery.json),
        id => (prefix.with(b"id"), id),
    };
    Occurrences::default().event_id(prefix, RecordKind::Webhook, record.as_bytes())
}

/// Total: what is not a JSON object becomes an unmapped event with the text kept.
pub fn event<'d>(context: &Context<'d>, delivery: &'d Delivery<'d>) -> Mapped<'d> {
    let event = Event {
        event_id: identity(context.tenant_id, delivery),
        kind: EventKind::Webhook,
        timestamp_ns: context.now_ns,
        attributes: vec![("webhook.payload", AttributeValue::Text(Cow::Borrowed(delivery.json)))],
        ..Event::default()
    };
    Mapped { event, unmapped: true, ping: false }
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
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Kind, UnknownKind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| UnknownKind(text.to_owned()))
    }
}
