//! Native messages and audit entries. Their senders know the columns by name, so there is little to find out.

use std::borrow::Cow;

use super::common::severity;
use super::content::{Dropped, Policy, Speaker, Verdict};
use super::keys::Key;
use super::{Context, class, time, value};
use crate::model::event::{AttributeValue, Event, Kind, Str};
use crate::model::message::Message;

/// `kind` is [`Kind::Message`] or [`Kind::Audit`].
pub fn event<'r>(
    context: Context<'r>,
    kind: Kind,
    event_id: u128,
    said: &'r Message<'r>,
    dropped: &mut Dropped,
) -> Event<'r> {
    let policy = Policy::new(context.rules, context.tenant_id, Speaker::Anybody);
    let mut event = Event {
        event_id,
        kind,
        event_type: borrowed(&said.event_type),
        // An event without a text of its own is still a line in the feed.
        message: if said.message.is_empty() { borrowed(&said.event_type) } else { borrowed(&said.message) },
        user_id: policy.text("user.id", borrowed(&said.user_id), dropped),
        session_id: policy.text("session.id", borrowed(&said.session_id), dropped),
        correlation_id: borrowed(&said.correlation_id),
        target_type: borrowed(&said.target_type),
        target_id: borrowed(&said.target_id),
        attributes: attributes(policy, said, dropped),
        ..Event::default()
    };
    fill_project(context, said, &mut event);
    fill_time(context, said, &mut event);
    fill_duration(said, &mut event);
    fill_outcome(said, &mut event);
    fill_class(kind, said, &mut event);
    event
}

fn attributes<'r>(
    policy: Policy<'_>,
    said: &'r Message<'r>,
    dropped: &mut Dropped,
) -> Vec<(&'r str, AttributeValue<'r>)> {
    let mut kept = Vec::with_capacity(said.attributes.len() + 2);
    for attribute in &said.attributes {
        let key = Key::of(&attribute.key);
        match policy.judge(key, &attribute.key, &attribute.value, dropped) {
            Verdict::Keep => kept.push((attribute.key.as_ref(), AttributeValue::Otlp(&attribute.value))),
            Verdict::Hash => {
                let stand_in = policy.hash(&value::text(&attribute.value));
                kept.push((attribute.key.as_ref(), AttributeValue::Text(stand_in.into())));
            }
            Verdict::Drop => {}
        }
    }
    kept
}

/// The scope of rights is the token's to say. What the entry says besides stays in the map.
fn fill_project<'r>(context: Context<'r>, said: &'r Message<'r>, event: &mut Event<'r>) {
    match context.project {
        "" => event.project = borrowed(&said.project),
        token => {
            event.project = Cow::Borrowed(token);
            if !said.project.is_empty() && said.project != token {
                add(event, "project", &said.project);
            }
        }
    }
}

/// A time that isn't believed is kept in `original_timestamp`, as it was written.
fn fill_time<'r>(context: Context<'r>, said: &'r Message<'r>, event: &mut Event<'r>) {
    let Some(time) = &said.time else {
        event.timestamp_ns = context.now_ns;
        return;
    };
    let placed = time::place(time.unix_nano, context.now_ns);
    event.timestamp_ns = placed.timestamp_ns;
    if u64::try_from(placed.timestamp_ns) != Ok(time.unix_nano) {
        add(event, "original_timestamp", &time.said);
    }
}

/// A duration that the column can't hold is 0, and kept in `original_duration_ms`.
fn fill_duration<'r>(said: &'r Message<'r>, event: &mut Event<'r>) {
    let Some(duration) = &said.duration else { return };
    match duration.ns {
        Some(ns) => event.duration_ns = ns,
        None => add(event, "original_duration_ms", &duration.said),
    }
}

/// One word for one thing, so that a filter finds it; what was said otherwise stays in the map.
fn fill_outcome<'r>(said: &'r Message<'r>, event: &mut Event<'r>) {
    if said.outcome.is_empty() {
        event.outcome = Cow::Borrowed(class::outcome_of(&said.event_type).unwrap_or(""));
        return;
    }
    let lower = said.outcome.to_ascii_lowercase();
    event.outcome = match lower.as_str() {
        "success" | "succeeded" | "ok" => Cow::Borrowed("success"),
        "failure" | "failed" | "error" => Cow::Borrowed("failure"),
        _ => Cow::Owned(lower),
    };
    if event.outcome != said.outcome {
        add(event, "outcome_text", &said.outcome);
    }
}

/// A failure is `error`, whatever else it is.
fn fill_class<'r>(kind: Kind, said: &'r Message<'r>, event: &mut Event<'r>) {
    let number = said.severity.parse().ok().filter(|number| (1..=24).contains(number)).unwrap_or(0);
    event.severity = severity(number, &said.severity);
    if !said.severity.is_empty() && !said.severity.eq_ignore_ascii_case(&event.severity) {
        let name = if number == 0 { "severity_text" } else { "severity_number" };
        add(event, name, &said.severity);
    }
    let failed = event.outcome == "failure" || matches!(event.severity.as_ref(), "error" | "fatal");
    if event.severity.is_empty() {
        event.severity = Cow::Borrowed(if failed { "error" } else { "info" });
    }
    let (source, class) = match kind {
        Kind::Audit => ("audit", "audit"),
        _ => ("app", class::of(&said.event_type).unwrap_or("app")),
    };
    event.source = Cow::Borrowed(source);
    event.event_class = Cow::Borrowed(if failed { "error" } else { class });
}

fn add<'r>(event: &mut Event<'r>, name: &'static str, text: &'r Str<'r>) {
    event.attributes.push((name, AttributeValue::Text(borrowed(text))));
}

fn borrowed<'r>(text: &'r Str<'r>) -> Str<'r> {
    Cow::Borrowed(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{Duration, Time};
    use crate::normalise::rules::Rules;

    const NOW: i64 = 1_795_221_532_690_000_000;

    fn check(kind: Kind, project: &str, said: &Message<'_>, expect: impl FnOnce(&Event<'_>, &[(&str, String)])) {
        let rules = Rules::default();
        let context = Context { tenant_id: "t", project, now_ns: NOW, rules: &rules };
        let event = event(context, kind, 7, said, &mut Dropped::default());
        let map: Vec<(&str, String)> = event
            .attributes
            .iter()
            .map(|(name, value)| match value {
                AttributeValue::Text(text) => (*name, text.to_string()),
                AttributeValue::Otlp(value) => (*name, value::text(value).into_owned()),
            })
            .collect();
        expect(&event, &map);
    }

    fn typed(event_type: &str) -> Message<'_> {
        Message { event_type: event_type.into(), ..Message::default() }
    }

    #[test]
    fn a_failure_is_an_error_whatever_else_it_is() {
        for (kind, event_type, outcome, severity, expected) in [
            (Kind::Message, "invoice.sent", "", "", ("app", "app", "", "info")),
            (Kind::Message, "deployment.done", "OK", "", ("app", "deploy", "success", "info")),
            (Kind::Message, "invoice.failed", "", "", ("app", "error", "failure", "error")),
            (Kind::Message, "invoice.sent", "", "ERR", ("app", "error", "", "error")),
            (Kind::Message, "invoice.sent", "", "17", ("app", "error", "", "error")),
            (Kind::Message, "invoice.failed", "success", "", ("app", "app", "success", "info")),
            (Kind::Audit, "role.add", "allow", "", ("audit", "audit", "allow", "info")),
            (Kind::Audit, "auth.login_failed", "", "warn", ("audit", "error", "failure", "warn")),
        ] {
            let said = Message { outcome: outcome.into(), severity: severity.into(), ..typed(event_type) };
            check(kind, "", &said, |event, _| {
                let found = (&*event.source, &*event.event_class, &*event.outcome, &*event.severity);
                assert_eq!(found, expected, "{event_type} {outcome} {severity}");
            });
        }
    }

    #[test]
    fn what_a_column_does_not_say_stays_in_the_map() {
        let said = Message {
            outcome: "Failed".into(),
            severity: "18".into(),
            project: "other".into(),
            time: Some(Time { unix_nano: 0, said: "0001-01-01T00:00:00Z".into() }),
            duration: Some(Duration::milliseconds(-1.0, "-1")),
            ..typed("a.b")
        };
        check(Kind::Message, "alpha", &said, |event, map| {
            assert_eq!((event.timestamp_ns, event.duration_ns, &*event.project), (NOW, 0, "alpha"));
            let expected = [
                ("project", "other"),
                ("original_timestamp", "0001-01-01T00:00:00Z"),
                ("original_duration_ms", "-1"),
                ("outcome_text", "Failed"),
                ("severity_number", "18"),
            ];
            assert_eq!(map, expected.map(|(name, value)| (name, value.to_owned())));
        });
        let said = Message {
            project: "alpha".into(),
            time: Some(Time { unix_nano: NOW as u64 - 5, said: "x".into() }),
            duration: Some(Duration::milliseconds(1.5, "1.5")),
            ..typed("a.b")
        };
        check(Kind::Message, "alpha", &said, |event, map| {
            assert_eq!((event.timestamp_ns, event.duration_ns, &*event.message), (NOW - 5, 1_500_000, "a.b"));
            assert!(map.is_empty(), "{map:?}");
        });
    }
}
