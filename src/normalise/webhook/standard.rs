//! Standard Webhooks: `{type, timestamp, data}`, with a type of our vocabulary or any other.

use std::borrow::Cow;

use super::Delivery;
use super::fact::{Fact, word};
use super::moment::between;
use super::object::{Object, text};
use super::vocabulary::{PING, knows};

/// What of `data` goes to columns.
const COLUMNS: [&str; 9] = ["id", "actor", "repo", "project", "environment", "outcome", "url", "started_at", "title"];

/// Names in `data` that have a documented attribute.
const ATTRIBUTES: [(&str, &str); 8] = [
    ("sha", "vcs.ref.head.revision"),
    ("ref", "vcs.ref.head.name"),
    ("base_ref", "vcs.ref.base.name"),
    ("from_state", "state.from"),
    ("to_state", "state.to"),
    ("pipeline", "cicd.pipeline.name"),
    ("run_id", "cicd.pipeline.run.id"),
    ("environment_tier", "deployment.environment.tier"),
];

/// Attributes of ours that no sender may speak for.
const RESERVED: [&str; 2] = ["webhook.", "original_"];
const MAX_ATTRIBUTES: usize = 64;

pub fn map<'d>(delivery: &Delivery<'d>, body: &Object<'d>, fact: &mut Fact<'d>) {
    let sent = body.text("type");
    fact.add("webhook.event", sent.clone());
    fact.occurred_at = body.time("timestamp").or(delivery.sent_at_ns);
    let missing = Object::default();
    let data = body.object("data").unwrap_or(&missing);
    columns(data, fact);
    fact.unmapped = !knows(&sent) || (fact.target_id.is_empty() && sent != PING);
    if fact.unmapped {
        fact.event_type =
            Cow::Owned(format!("webhook.{}", if sent.is_empty() { "unknown".into() } else { word(&sent) }));
        return;
    }
    fact.event_type = sent;
    rest(body, data, fact);
}

fn columns<'d>(data: &Object<'d>, fact: &mut Fact<'d>) {
    fact.actor = data.text("actor");
    fact.repository = data.text("repo");
    fact.project = data.text("project");
    fact.target_id = data.text("id");
    fact.environment = data.text("environment");
    fact.url = data.text("url");
    fact.title = data.text("title");
    if data.has("outcome") {
        fact.result(data.text("outcome"));
    }
    fact.duration_ns = between(data.time("started_at"), fact.occurred_at);
}

/// Plain values become attributes. Where one can't, the whole of `data` is kept beside them.
fn rest<'d>(body: &Object<'d>, data: &Object<'d>, fact: &mut Fact<'d>) {
    let mut whole = false;
    for (index, (name, value)) in data.iter().enumerate() {
        let documented = ATTRIBUTES.iter().find(|(theirs, _)| name == theirs).map(|&(_, ours)| ours);
        let nested = value.starts_with(['{', '[']);
        match (documented, name) {
            _ if COLUMNS.contains(&name.as_ref()) && !nested => {}
            _ if nested || index >= MAX_ATTRIBUTES || RESERVED.iter().any(|own| name.starts_with(own)) => whole = true,
            (Some(ours), _) => fact.add(ours, text(value)),
            // a name with escapes is no slice of the payload
            (None, Cow::Owned(_)) => whole = true,
            (None, &Cow::Borrowed(name)) => fact.add(name, text(value)),
        }
    }
    if whole {
        fact.add("webhook.data", body.get("data").unwrap_or(""));
    }
}
