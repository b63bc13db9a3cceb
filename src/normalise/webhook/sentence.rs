//! The line of a webhook in the feed: `ana merged pull request #42 of owner/repo: title`.

use super::super::line::Line;
use super::fact::Fact;
use super::outcome::Outcome;
use super::vocabulary::PING;
use crate::model::event::Str;

pub fn of<'d>(fact: &Fact<'_>, target_type: &str) -> Str<'d> {
    let (family, action) = fact.event_type.split_once('.').unwrap_or((&fact.event_type, ""));
    let line = match (family, action) {
        _ if fact.event_type == PING => Line::new().lit("webhook is connected"),
        _ if fact.unmapped => who(fact).name(&fact.event_type, ""),
        ("push", _) => who(fact).lit("pushed ").name(&fact.target_id, "commits"),
        // machines do these, whoever started them
        ("pipeline_run" | "pipeline_job" | "pipeline_stage" | "check_run" | "check_suite" | "deployment", _) => {
            return machine(fact, target_type, action).finish();
        }
        ("commit_status", _) => {
            let line = Line::new().lit("status of ").name(&short(&fact.target_id), "a commit").lit(": ");
            return place(line.lit(fact.outcome.as_str()), fact).aside(&fact.title).finish();
        }
        ("work_item", "state_changed") => {
            let line = subject(who(fact).lit("moved "), fact, target_type);
            line.lit(" from ")
                .name(attribute(fact, "state.from"), "?")
                .lit(" to ")
                .name(attribute(fact, "state.to"), "?")
        }
        ("pull_request_review", "submitted") => subject(who(fact).lit(reviewed(fact.outcome)), fact, target_type),
        ("pull_request_review", _) => {
            subject(who(fact).name(&verb(action), "").lit(" a review of "), fact, target_type)
        }
        ("pull_request_review_comment", _) => {
            subject(who(fact).name(&verb(action), "").lit(" a review comment on "), fact, target_type)
        }
        ("deployment_review", _) => {
            let line = who(fact).name(&verb(action), "").lit(" a deployment");
            if fact.environment.is_empty() { line } else { line.lit(" to ").name(&fact.environment, "") }
        }
        _ => subject(who(fact).name(&verb(action), "").lit(" "), fact, target_type),
    };
    let line = if family == "work_item" && fact.repository.is_empty() { line } else { place(line, fact) };
    if fact.title.is_empty() || fact.title == fact.target_id {
        return line.finish();
    }
    line.lit(": ").name(&fact.title, "").finish()
}

fn machine(fact: &Fact<'_>, target_type: &str, action: &str) -> Line {
    let line = place(subject(Line::new(), fact, target_type), fact);
    let line = if fact.environment.is_empty() { line } else { line.lit(" to ").name(&fact.environment, "") };
    let line = line.lit(" ").name(&action.replace('_', " "), "");
    let line = if matches!(fact.outcome, Outcome::None | Outcome::Pending) {
        line
    } else {
        line.lit(": ").lit(fact.outcome.as_str())
    };
    line.took(fact.duration_ns.unwrap_or(0)).aside(&fact.title)
}

fn who(fact: &Fact<'_>) -> Line {
    Line::new().name(&fact.actor, "someone").lit(" ")
}

/// `pull request #42`
fn subject(line: Line, fact: &Fact<'_>, target_type: &str) -> Line {
    let line = line.name(&target_type.replace('_', " "), "");
    if fact.target_id.is_empty() {
        return line;
    }
    line.lit(if matches!(target_type, "pull_request" | "work_item") { " #" } else { " " }).name(&fact.target_id, "")
}

fn place(line: Line, fact: &Fact<'_>) -> Line {
    let place = if fact.repository.is_empty() { &fact.project } else { &fact.repository };
    if place.is_empty() { line } else { line.lit(" of ").name(place, "") }
}

fn reviewed(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "approved ",
        Outcome::Failure => "asked for changes to ",
        _ => "reviewed ",
    }
}

/// Most actions are participles already.
fn verb(action: &str) -> String {
    match action {
        "commented" => "commented on".to_owned(),
        "comment_edited" => "edited a comment on".to_owned(),
        "comment_deleted" => "deleted a comment on".to_owned(),
        "review_requested" => "requested a review of".to_owned(),
        "review_request_removed" => "no longer requests a review of".to_owned(),
        "ready_for_review" => "made ready for review".to_owned(),
        "merge_attempted" => "tried to merge".to_owned(),
        other => other.replace('_', " "),
    }
}

/// A commit by its first digits.
fn short(commit: &str) -> String {
    commit.chars().take(10).collect()
}

fn attribute<'f>(fact: &'f Fact<'_>, name: &str) -> &'f str {
    use crate::model::event::AttributeValue::Text;
    let value = fact.attributes.iter().find(|(attribute, _)| *attribute == name);
    value.map_or("", |(_, value)| if let Text(text) = value { text } else { "" })
}
