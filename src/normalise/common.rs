//! What every dialect fills in the same way: who and where, when, ids.

use std::borrow::Cow;

use super::keys::{Key, Names};
use super::repository;
use super::slots::Slots;
use super::{Input, time};
use crate::model::event::{Event, Str};

/// The columns that say who and where. What the record says comes before what the resource says: with Claude Code the
/// resource is the operator's to fill (`OTEL_RESOURCE_ATTRIBUTES`) and may carry anything.
pub struct Who<'r> {
    pub project: Str<'r>,
    pub repository: Str<'r>,
    pub environment: Str<'r>,
    pub service: Str<'r>,
    pub user_id: Str<'r>,
    pub user_email: Str<'r>,
    pub session_id: Str<'r>,
}

/// What the dialects call the user and the session.
pub struct WhoNames {
    pub user: &'static Names,
    pub session: &'static Names,
}

/// What any OpenTelemetry record calls them.
pub static PLAIN: WhoNames = WhoNames {
    user: &Names::of(&[Key::UserId, Key::EnduserId, Key::UserIdSnake]),
    session: &Names::of(&[Key::SessionId, Key::GenAiConversationId]),
};

pub fn who<'r>(input: Input<'r>, names: &WhoNames, slots: &mut Slots<'r>) -> Who<'r> {
    let resource = input.resource;
    // The scope of rights is the token's to say; the attribute only speaks where the token is silent.
    let project = match input.context.project {
        "" => or(slots.take_text(Key::Project), &resource.project),
        token => {
            slots.drop_if(Key::Project, token);
            Cow::Borrowed(token)
        }
    };
    let session_id = slots.take_named(names.session);
    let environment = slots.take_named(&ENVIRONMENT);
    let user_id = slots.take_named(names.user);
    Who {
        project,
        repository: or(record_repository(slots), &resource.repository),
        environment: or(environment, &resource.environment),
        service: Cow::Borrowed(&resource.service),
        user_id: or(user_id, &resource.user_id),
        user_email: or(slots.take_text(Key::UserEmail), &resource.user_email),
        session_id: or(session_id, &resource.session_id),
    }
}

/// From the record's own `vcs.*` attributes, which stay in the map: the column is made of them, it does not hold them.
fn record_repository<'r>(slots: &Slots<'r>) -> Str<'r> {
    let (url, name) = (slots.get(Key::VcsRepositoryUrl), slots.get(Key::VcsRepositoryName));
    if url.is_none() && name.is_none() {
        return Cow::Borrowed("");
    }
    repository::name(
        slots.text(Key::VcsRepositoryUrl),
        slots.text(Key::VcsOwnerName),
        slots.text(Key::VcsRepositoryName),
    )
}

static ENVIRONMENT: Names = Names::of(&[Key::EnvironmentName, Key::Environment, Key::LangfuseEnvironment]);

fn or<'r>(own: Str<'r>, otherwise: &'r str) -> Str<'r> {
    if own.is_empty() { Cow::Borrowed(otherwise) } else { own }
}

// === what events share ===

pub fn fill_who<'r>(input: Input<'r>, names: &WhoNames, slots: &mut Slots<'r>, event: &mut Event<'r>) {
    let who = who(input, names, slots);
    event.project = who.project;
    event.repository = who.repository;
    event.environment = who.environment;
    event.service = who.service;
    event.user_id = who.user_id;
    event.user_email = who.user_email;
    event.session_id = who.session_id;
    event.resource = &input.resource.attributes;
}

/// Puts the event in time; a time that isn't believed is kept in `original_timestamp`, in nanoseconds.
pub fn fill_time<'r>(input: Input<'r>, unix_nano: u64, slots: &mut Slots<'r>, event: &mut Event<'r>) {
    let placed = time::place(unix_nano, input.context.now_ns);
    event.timestamp_ns = placed.timestamp_ns;
    if let Some(original) = placed.original {
        slots.add("original_timestamp", original.to_string());
    }
}

/// A span's start and duration. An end before the start is a duration of 0, and is kept in `original_end_timestamp`.
pub fn fill_span_time<'r>(input: Input<'r>, start: u64, end: u64, slots: &mut Slots<'r>, event: &mut Event<'r>) {
    fill_time(input, if start == 0 { end } else { start }, slots, event);
    match end.checked_sub(start) {
        Some(duration) if start != 0 => event.duration_ns = duration,
        Some(_) => {}
        None if end == 0 => {}
        None => slots.add("original_end_timestamp", end.to_string()),
    }
}

/// `usage_key` where no request or response id is known: the row's own id.
pub fn own_usage_key<'r>(event: &Event<'_>) -> Str<'r> {
    let id = uuid::Uuid::from_u128(event.event_id);
    Cow::Owned(id.hyphenated().to_string())
}

/// `severity` by OpenTelemetry's ranges of `SeverityNumber`, else by the text.
pub fn severity<'r>(number: i32, text: &'r str) -> Str<'r> {
    let by_number = match number {
        1..=4 => "trace",
        5..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warn",
        17..=20 => "error",
        21..=24 => "fatal",
        _ => "",
    };
    if !by_number.is_empty() || text.is_empty() {
        return Cow::Borrowed(by_number);
    }
    let lower = text.to_ascii_lowercase();
    Cow::Borrowed(match lower.as_str() {
        "trace" | "verbose" => "trace",
        "debug" => "debug",
        "info" | "information" | "informational" | "notice" => "info",
        "warn" | "warning" => "warn",
        "error" | "err" => "error",
        "fatal" | "critical" | "crit" | "alert" | "emergency" | "emerg" | "panic" => "fatal",
        _ => return Cow::Owned(lower),
    })
}
