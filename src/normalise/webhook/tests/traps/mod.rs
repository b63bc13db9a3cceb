//! What no recorded delivery shows.

mod azure_devops;
mod github;
mod others;

use serde_json::json;

use super::*;

/// What a test looks at, owned.
#[derive(Debug)]
struct Seen {
    event_type: String,
    class: String,
    outcome: String,
    severity: String,
    target: (String, String),
    actor: String,
    repository: String,
    environment: String,
    duration_ns: u64,
    message: String,
    unmapped: bool,
    ping: bool,
    attributes: BTreeMap<String, String>,
}

fn see(kind: Kind, event: &str, body: &Value) -> Seen {
    let json = body.to_string();
    mapped(&delivery(kind, event, "", &json), NOW, |mapped| {
        let event = mapped.event;
        let attributes = event.attributes.iter().map(|(name, value)| match value {
            AttributeValue::Text(text) => ((*name).to_owned(), text.to_string()),
            AttributeValue::Otlp(_) => unreachable!("webhooks have no OTLP values"),
        });
        Seen {
            event_type: event.event_type.to_string(),
            class: event.event_class.to_string(),
            outcome: event.outcome.to_string(),
            severity: event.severity.to_string(),
            target: (event.target_type.to_string(), event.target_id.to_string()),
            actor: event.user_id.to_string(),
            repository: event.repository.to_string(),
            environment: event.environment.to_string(),
            duration_ns: event.duration_ns,
            message: event.message.to_string(),
            unmapped: mapped.unmapped,
            ping: mapped.ping,
            attributes: attributes.collect(),
        }
    })
}

fn github(event: &str, body: Value) -> Seen {
    see(Kind::GitHub, event, &body)
}

fn azure(event: &str, resource: Value) -> Seen {
    see(Kind::AzureDevOps, "", &json!({"id": "1", "eventType": event, "resource": resource}))
}

fn gitlab(body: Value) -> Seen {
    see(Kind::GitLab, "", &body)
}

impl Seen {
    fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

#[test]
fn identities() {
    let github = delivery(Kind::GitHub, "push", "guid", "{}");
    let same = Delivery { event: "create", json: r#"{"a":1}"#, ..github.clone() };
    assert_eq!(identity("t", &github), identity("t", &same), "the sender's id counts, not the body");
    assert_ne!(identity("t", &github), identity("u", &github), "two tenants may watch one repository");
    assert_ne!(identity("t", &github), identity("t", &Delivery { kind: Kind::GitLab, ..github.clone() }));
    let bare = Delivery { delivery_id: "", ..github.clone() };
    assert_ne!(identity("t", &bare), identity("t", &Delivery { event: "create", ..bare.clone() }));
    assert_ne!(identity("t", &bare), identity("t", &Delivery { json: "{} ", ..bare.clone() }));
    assert_ne!(identity("t", &bare), identity("t", &Delivery { delivery_id: "{}", ..bare.clone() }));
    let azure = |json| identity("t", &delivery(Kind::AzureDevOps, "", "", json));
    let first = azure(r#"{"id":"a","eventType":"git.push","notificationId":1}"#);
    assert_eq!(first, azure("\u{feff}{\"id\":\"a\",\"eventType\":\"git.push\",\"notificationId\":2}"));
    assert_ne!(first, azure(r#"{"id":"a","eventType":"build.complete"}"#), "samples share one id");
    assert_ne!(azure(r#"{"eventType":"git.push"}"#), azure(r#"{"eventType":"git.push","x":1}"#));
}

#[test]
fn what_is_no_object_is_kept_as_text() {
    for json in ["", "[1]", "null", "{", "payload=%7B%7D", "{}{}"] {
        for kind in Kind::ALL {
            mapped(&delivery(kind, "push", "1", json), NOW, |mapped| {
                assert!(mapped.unmapped);
                assert_eq!(attribute(&mapped.event, "webhook.payload"), json);
                assert_eq!(attribute(&mapped.event, "webhook.error"), "the body is not a JSON object");
                assert_eq!(mapped.event.event_type, format!("{}.push", kind.source()));
            });
        }
    }
}

#[test]
fn payloads_of_mapped_events_are_kept_on_demand() {
    let json = "\u{feff}{\"ref\":\"refs/heads/main\"}";
    let plain = delivery(Kind::GitHub, "push", "1", json);
    mapped(&plain, NOW, |mapped| assert_eq!(attribute(&mapped.event, "webhook.payload"), ""));
    let kept = Delivery { keep_payload: true, headers: &[("github.hook_id", "42")], ..plain };
    mapped(&kept, NOW, |mapped| {
        assert_eq!((attribute(&mapped.event, "webhook.payload"), mapped.unmapped), (json, false));
        assert_eq!(attribute(&mapped.event, "github.hook_id"), "42");
        assert_eq!(mapped.event.target_id, "refs/heads/main");
    });
}

#[test]
fn kinds_have_names() {
    for kind in Kind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
    }
    assert!("bitbucket".parse::<Kind>().unwrap_err().to_string().contains("github, azure_devops, gitlab, standard"));
}
