//! GitHub: one rule per value of `X-GitHub-Event`. Names of fields: docs.github.com, "Webhook events and payloads".

mod code;
mod delivery;

use std::borrow::Cow;

use super::Delivery;
use super::fact::{Copied, Fact, namespace, word};
use super::object::Object;
use super::outcome::Outcome;
use super::vocabulary::PING;

/// What the events of one name become.
struct Rule {
    event: &'static str,
    /// The object that they are about.
    subject: &'static str,
    /// Read from the body.
    attributes: &'static [Copied],
    map: for<'d> fn(&Payload<'_, 'd>, &mut Fact<'d>) -> Known,
}

struct Payload<'b, 'd> {
    body: &'b Object<'d>,
    /// Empty where it is missing.
    it: &'b Object<'d>,
    action: &'b str,
}

/// Whether the payload says enough to be more than `github.<event>`.
type Known = bool;

const RULES: [&[Rule]; 2] = [&code::RULES, &delivery::RULES];

/// What is true of every event.
const SHARED: &[Copied] = &[
    ("webhook.action", "action"),
    ("vcs.repository.url.full", "repository/html_url"),
    ("vcs.project.id", "repository/id"),
    ("github.installation_id", "installation/id"),
    ("github.organization", "organization/login"),
];

pub fn map<'d>(delivery: &Delivery<'d>, body: &Object<'d>, fact: &mut Fact<'d>) {
    fact.actor = body.text("sender/login");
    fact.repository = body.text("repository/full_name");
    fact.project = body.first_text(&["repository/owner/login", "organization/login"]);
    if fact.project.is_empty() {
        fact.project = Cow::Owned(namespace(&fact.repository).to_owned());
    }
    fact.copy(body, SHARED);
    let action = body.text("action");
    let rule = RULES.into_iter().flatten().find(|rule| rule.event == delivery.event);
    let known = rule.is_some_and(|rule| {
        let missing = Object::default();
        let it = body.object(rule.subject).unwrap_or(&missing);
        fact.url = it.text("html_url");
        let known = (rule.map)(&Payload { body, it, action: &action }, fact);
        fact.copy(body, rule.attributes);
        known
    });
    if !known {
        unknown(delivery, &action, fact);
    }
}

fn unknown<'d>(delivery: &Delivery<'d>, action: &str, fact: &mut Fact<'d>) {
    fact.unmapped = true;
    match (word(delivery.event).as_str(), action) {
        ("", _) => fact.event_type = Cow::Borrowed("github.unknown"),
        (event, "") => fact.typed("github", event),
        (event, action) => fact.typed("github", &format!("{event}.{action}")),
    }
}

fn ping<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    fact.event_type = Cow::Borrowed(PING);
    fact.target_type = Some("webhook");
    fact.target_id = payload.body.text("hook_id");
    fact.url = Cow::Borrowed("");
    true
}

/// `completed` has a conclusion, all before it is still pending.
fn conclude<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) {
    fact.result(payload.it.text("conclusion"));
    if payload.action != "completed" {
        fact.outcome = Outcome::Pending;
    }
}
