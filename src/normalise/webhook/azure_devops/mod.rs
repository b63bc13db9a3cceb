//! Azure DevOps service hooks: one rule per `eventType`. Names of fields: learn.microsoft.com, "Service hooks events"; where the
//! samples there contradict what servers send, what servers send counts. The shape of `resource` changes with `resourceVersion`.

mod identity;
mod pipelines;
mod repos;
mod work;

use std::borrow::Cow;

pub use self::identity::name as identity;
use super::Delivery;
use super::fact::{Copied, Fact, is_zeros};
use super::object::Object;

struct Rule {
    /// In lower case.
    event: &'static str,
    /// Read from the body.
    attributes: &'static [Copied],
    map: for<'d> fn(&Payload<'_, 'd>, &mut Fact<'d>) -> Known,
}

struct Payload<'b, 'd> {
    /// `resource`; empty where a subscription asks for no details.
    it: &'b Object<'d>,
    /// As in the rule.
    event: &'b str,
}

/// Whether the payload says enough to be more than `azure_devops.<eventType>`.
type Known = bool;

const RULES: [&[Rule]; 3] = [&repos::RULES, &pipelines::RULES, &work::RULES];

const SHARED: &[Copied] = &[
    ("azure_devops.subscription_id", "subscriptionId"),
    ("azure_devops.notification_id", "notificationId"),
    ("azure_devops.publisher_id", "publisherId"),
    ("azure_devops.resource_version", "resourceVersion"),
    ("azure_devops.collection", "resourceContainers/collection/baseUrl"),
    // the only place that says what an update changed, in the server's language
    ("azure_devops.message", "message/text"),
    ("webhook.event", "eventType"),
    ("webhook.delivery_id", "id"),
];

pub fn map<'d>(_: &Delivery<'d>, body: &Object<'d>, fact: &mut Fact<'d>) {
    let missing = Object::default();
    let it = body.object("resource").unwrap_or(&missing);
    fact.copy(body, SHARED);
    // The "Test" button sends one made-up payload for ever.
    if is_zeros(&body.text("subscriptionId")) {
        fact.add("webhook.test", "true");
    }
    place(body, it, fact);
    fact.url = it.first_text(&["_links/web/href", "_links/html/href", "url"]);
    let sent = body.text("eventType");
    let event = spelled(&sent);
    let rule = RULES.into_iter().flatten().find(|rule| rule.event == event);
    let known = rule.is_some_and(|rule| {
        let known = (rule.map)(&Payload { it, event: &event }, fact);
        fact.copy(body, rule.attributes);
        known
    });
    if !known {
        fact.unmapped = true;
        fact.typed("azure_devops", if sent.is_empty() { "unknown" } else { &sent });
    }
    if fact.occurred_at.is_none() {
        // the time of the notification, some seconds later
        fact.occurred_at = body.time("createdDate");
        if fact.occurred_at.is_some() {
            fact.add("webhook.time", "notified");
        }
    }
}

/// The documentation prints `ms.azure-devops-release.*` where servers send `ms.vss-release.*`.
fn spelled(event: &str) -> String {
    let event = event.to_ascii_lowercase();
    match event.strip_prefix("ms.azure-devops-") {
        Some(rest) => format!("ms.vss-{rest}"),
        None => event,
    }
}

/// Project and repository. Some events know the project by its id only, and some of those have zeros there.
fn place<'d>(body: &Object<'d>, it: &Object<'d>, fact: &mut Fact<'d>) {
    let ids = ["resourceContainers/project/id", "resource/project/id", "resource/repository/project/id"];
    let ids = ids.into_iter().map(|path| body.text(path)).find(|id| !id.is_empty() && !is_zeros(id));
    let id = ids.unwrap_or_default();
    let repository = it.object("repository").or_else(|| it.object("pullRequest/repository"));
    let name = |object: &Object<'d>| object.text("project/name");
    let names = [
        it.text("fields/System.TeamProject"),
        it.text("revision/fields/System.TeamProject"),
        it.text("project/name"),
        repository.map(name).unwrap_or_default(),
        it.text("run/project/name"),
    ];
    let project = names.into_iter().find(|name| !name.is_empty());
    if let Some(repository) = repository.map(|r| r.text("name")).filter(|name| !name.is_empty()) {
        // a build of a GitHub repository has its full name already
        let full = repository.contains('/') || project.is_none();
        fact.repository = match &project {
            Some(project) if !full => Cow::Owned(format!("{project}/{repository}")),
            _ => repository,
        };
    }
    fact.project = project.unwrap_or_else(|| id.clone());
    fact.add("vcs.project.id", id);
}
