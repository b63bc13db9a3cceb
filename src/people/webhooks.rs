//! Webhook sources: who may post to `/webhooks/{id}`.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decision, Problem, now_ms, rules};
use crate::audit::{Action, Entry};
use crate::auth::Principal;
use crate::auth::secret::NoRandomness;
use crate::control::hidden::Hidden;
use crate::control::sources::{SIGNING, Secret, Source, signing_key};
use crate::control::{Change, Snapshot};
use crate::normalise::webhook::Kind;

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WebhookItem {
    pub id: String,
    pub kind: Kind,
    pub name: String,
    pub project: String,
    /// The Basic user that Azure DevOps must name; empty: any.
    pub user: String,
    /// Where to post.
    pub url: String,
    pub created_at: Option<String>,
    /// Of the last 90 days; null: none came, or the database did not answer.
    pub last_received: Option<String>,
    /// Of the last 90 days; null: the database did not answer.
    pub deliveries: Option<u64>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MadeWebhook {
    #[serde(flatten)]
    pub item: WebhookItem,
    /// Shown once.
    pub secret: String,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    pub kind: Kind,
    pub name: String,
    #[serde(default)]
    pub project: String,
    /// For azure_devops alone.
    pub user: Option<String>,
    /// One is made, if none is given.
    pub secret: Option<Hidden>,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditWebhook {
    pub name: Option<String>,
    pub project: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotate {
    /// How long the old secrets go on to hold: a day if nothing is said, 0 ends them at once.
    pub keep_hours: Option<u32>,
}

const KEEP_HOURS: u32 = 24;
const MOST_HOURS: u32 = 90 * 24;
const LONGEST_SECRET: usize = 1024;

pub fn url(base: &str, id: &str) -> String {
    format!("{}/webhooks/{id}", base.trim_end_matches('/'))
}

/// `seen`: how many came, and when the last (Unix ms), if that is known.
pub fn item(source: &Source, base: &str, seen: Option<(u64, i64)>) -> WebhookItem {
    WebhookItem {
        id: source.id.clone(),
        kind: source.kind,
        name: source.name.clone(),
        project: source.project.clone(),
        user: source.user.clone(),
        url: url(base, &source.id),
        created_at: rules::instant(source.created_at_ms),
        last_received: seen.and_then(|(_, last)| rules::instant(last)),
        deliveries: seen.map(|(count, _)| count),
    }
}

/// Those that `who` sees, by name.
pub fn seen<'s>(snapshot: &'s Snapshot, who: &Principal) -> Vec<&'s Arc<Source>> {
    let mut sources: Vec<_> = snapshot.sources.values().filter(|source| sees(who, source)).collect();
    sources.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    sources
}

fn sees(who: &Principal, source: &Source) -> bool {
    source.tenant_id == who.tenant() && rules::in_scope(who, &source.project)
}

fn find<'s>(snapshot: &'s Snapshot, who: &Principal, id: &str) -> Result<&'s Arc<Source>, Problem> {
    let source = snapshot.sources.get(id).filter(|source| sees(who, source));
    source.ok_or_else(|| Problem::unknown("webhook source", id))
}

pub fn add(who: &Principal, request: &NewWebhook) -> Result<Decision<Source>, Problem> {
    if request.user.is_some() && request.kind != Kind::AzureDevOps {
        return Err(Problem::invalid("user is for azure_devops: the others send no user"));
    }
    let source = Source {
        id: uuid::Uuid::new_v4().simple().to_string(),
        tenant_id: who.tenant().to_owned(),
        kind: request.kind,
        name: rules::name("name", &request.name)?,
        project: project(who, &request.project)?,
        user: rules::name_or_nothing("user", request.user.as_deref().unwrap_or(""))?,
        secrets: vec![Secret { secret: secret(request.kind, request.secret.as_deref())?, expires_at_ms: 0 }],
        created_at_ms: now_ms(),
        version: 0,
    };
    let text = format!("a webhook source of {} was added", source.kind.as_str());
    let entry = said(who, Action::WebhookAdd, text, &source).with("kind", source.kind.as_str());
    Ok(Decision::new(Change::new().put(&source), entry, source))
}

pub fn edit(
    snapshot: &Snapshot,
    who: &Principal,
    id: &str,
    request: &EditWebhook,
) -> Result<Decision<Source>, Problem> {
    let before = find(snapshot, who, id)?;
    let mut source = Source::clone(before);
    if let Some(name) = &request.name {
        source.name = rules::name("name", name)?;
    }
    if let Some(of) = &request.project {
        source.project = project(who, of)?;
    }
    if source == **before {
        return Ok(Decision::nothing(source));
    }
    let entry = said(who, Action::WebhookEdit, "a webhook source was edited", &source);
    Ok(Decision::new(Change::new().put(&source), entry, source))
}

/// A new secret; the old ones go on to hold for `keep_ms`.
pub fn rotate(
    snapshot: &Snapshot,
    who: &Principal,
    id: &str,
    given: Option<&str>,
    keep_ms: i64,
) -> Result<Decision<Source>, Problem> {
    let mut source = Source::clone(find(snapshot, who, id)?);
    source.rotate(secret(source.kind, given)?, now_ms(), keep_ms);
    let entry = said(who, Action::WebhookEdit, "a webhook source got a new secret", &source).with("changed", "secret");
    Ok(Decision::new(Change::new().put(&source), entry, source))
}

pub fn remove(snapshot: &Snapshot, who: &Principal, id: &str) -> Result<Decision<()>, Problem> {
    let source = find(snapshot, who, id)?;
    let entry = said(who, Action::WebhookDelete, "a webhook source was deleted", source);
    Ok(Decision::new(without(source, Change::new()), entry, ()))
}

/// Its secrets go with it.
pub(super) fn without(source: &Source, change: Change) -> Change {
    change.remove(&Source { secrets: Vec::new(), ..source.clone() })
}

fn said(who: &Principal, action: Action, text: impl Into<String>, source: &Source) -> Entry {
    Entry::by(who, action, text).target("webhook", &source.id).project(&source.project)
}

fn project(who: &Principal, slug: &str) -> Result<String, Problem> {
    let slug = rules::name_or_nothing("project", slug)?;
    if rules::in_scope(who, &slug) {
        return Ok(slug);
    }
    Err(Problem::not_allowed("you write to your projects only: bind the source to one of them (project)"))
}

/// The one given, or one that is made.
fn secret(kind: Kind, given: Option<&str>) -> Result<String, Problem> {
    match given {
        None => Ok(made(kind)?),
        Some("") => Err(Problem::invalid("secret is empty: anybody could post")),
        Some(secret) if secret.len() > LONGEST_SECRET => {
            Err(Problem::invalid(format!("secret is longer than {LONGEST_SECRET} bytes")))
        }
        Some(secret) if must_sign(kind, secret) && signing_key(secret).is_none() => Err(Problem::invalid(
            "secret is none of Standard Webhooks: it is whsec_ and 24 to 64 bytes in base64; leave it out to have one made",
        )),
        Some(secret) => Ok(secret.to_owned()),
    }
}

/// GitLab takes either form: a token, or a signing token.
fn must_sign(kind: Kind, secret: &str) -> bool {
    kind == Kind::Standard || kind == Kind::GitLab && secret.starts_with(SIGNING)
}

/// 32 random bytes.
fn made(kind: Kind) -> Result<String, NoRandomness> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(match kind {
        Kind::Standard => format!("{SIGNING}{}", STANDARD.encode(bytes)),
        _ => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}

// === impl Rotate ===

impl Rotate {
    pub fn keep_ms(&self) -> Result<i64, Problem> {
        let hours = self.keep_hours.unwrap_or(KEEP_HOURS);
        if hours > MOST_HOURS {
            return Err(Problem::invalid(format!("keep_hours: give 0 to {MOST_HOURS}")));
        }
        Ok(i64::from(hours) * 3_600_000)
    }
}
