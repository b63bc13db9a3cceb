//! The line of a webhook in the feed: `ana merged pull request #42 of owner/repo: title`.

use super::super::line::Line;
use super::fact::Fact;
use super::outcome::Outcome;
use super::vocabulary::PING;
use crate::model::event::{AttributeValue, Str};

pub fn of<'d>(fact: &Fact<'_>, target_type: &str) -> Str<'d> {
    let (family, action) = fact.event_type.split_once('.').unwrap_or((&fact.event_type, ""));
    let line = match (family, action) {
        _ if fact.event_type == PING => return place(Line::new().lit("webhook"), fact).lit(" is connected").finish(),
        _ if fact.unmapped => unknown(fact),
        ("push", _) => place(who(fact).lit("pushed ").name(&fact.target_id, "commits"), fact),
        // machines do these, whoever started them
        ("pipeline_run" | "pipeline_job" | "pipeline_stage" | "check_run" | "check_suite" | "deployment", _) => {
            return machine(fact, target_type, action).finish();
        }
        ("commit_status", _) => {
            let line = place(Line::new().lit("status of ").name(&short(&fact.target_id), "a commit"), fact);
            return line.lit(": ").lit(fact.outcome.as_str()).aside(&fact.title).finish();
        }
        ("work_item", "state_changed") => {
            let line = subject(who(fact).lit("moved "), fact, target_type);
            line.lit(" from ")
                .name(attribute(fact, "state.from"), "?")
                .lit(" to ")
                .name(attribute(fact, "state.to"), "?")
        }
        ("pull_request_review", "submitted") => subject(who(fact).lit(reviewed(fact.outcome)), fact, target_type),
        ("pull_request_review", _) => subject(done(fact, action).lit(" a review of "), fact, target_type),
        ("pull_request_review_comment", _) => {
            subject(done(fact, action).lit(" a review comment on "), fact, target_type)
        }
        ("deployment_review", _) => place(to_environment(done(fact, action).lit(" a deployment"), fact), fact),
        ("pull_request", "ready_for_review") => {
            subject(who(fact).lit("made "), fact, target_type).lit(" ready for review")
        }
        _ => subject(done(fact, action).lit(" "), fact, target_type),
    };
    if fact.title.is_empty() || fact.title == fact.target_id {
        return line.finish();
    }
    line.lit(": ").name(&fact.title, "").finish()
}

fn unknown(fact: &Fact<'_>) -> Line {
    let line = place(Line::new().name(&fact.event_type, ""), fact);
    if fact.actor.is_empty() { line } else { line.lit(" by ").name(&fact.actor, "") }
}

fn machine(fact: &Fact<'_>, target_type: &str, action: &str) -> Line {
    let line = to_environment(subject(Line::new(), fact, target_type), fact);
    let line = line.lit(" ").name(&action.replace('_', " "), "");
    let line = match fact.outcome {
        Outcome::None | Outcome::Pending => line,
        outcome => line.lit(": ").lit(outcome.as_str()),
    };
    line.took(fact.duration_ns.unwrap_or(0)).aside(&fact.title)
}

fn who(fact: &Fact<'_>) -> Line {
    Line::new().name(&fact.actor, "someone").lit(" ")
}

/// Most actions are participles already.
fn done(fact: &Fact<'_>, action: &str) -> Line {
    match action {
        "commented" => who(fact).lit("commented on"),
        "comment_edited" => who(fact).lit("edited a comment on"),
        "comment_deleted" => who(fact).lit("deleted a comment on"),
        "review_requested" => who(fact).lit("requested a review of"),
        "review_request_removed" => who(fact).lit("no longer requests a review of"),
        "converted_to_draft" => who(fact).lit("made a draft of"),
        "merge_attempted" => who(fact).lit("tried to merge"),
        other => who(fact).name(&other.replace('_', " "), ""),
    }
}

/// `pull request #42 of owner/repo`
fn subject(line: Line, fact: &Fact<'_>, target_type: &str) -> Line {
    let numbered = matches!(target_type, "pull_request" | "work_item");
    let line = line.name(&target_type.replace('_', " "), "");
    let line = match fact.target_id.as_ref() {
        "" => line,
        id => line.lit(if numbered { " #" } else { " " }).name(id, ""),
    };
    place(line, fact)
}

/// The repository, else a project that has a name.
fn place(line: Line, fact: &Fact<'_>) -> Line {
    match (fact.repository.as_ref(), fact.project.as_ref()) {
        ("", project) if project.is_empty() || project == attribute(fact, "vcs.project.id") => line,
        ("", project) => line.lit(" of ").name(project, ""),
        (repository, _) => line.lit(" of ").name(repository, ""),
    }
}

fn to_environment(line: Line, fact: &Fact<'_>) -> Line {
    if fact.environment.is_empty() { line } else { line.lit(" to ").name(&fact.environment, "") }
}

fn reviewed(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "approved ",
        Outcome::Failure => "asked for changes to ",
        _ => "reviewed ",
    }
}

/// A commit by its first digits.
fn short(commit: &str) -> String {
    commit.chars().take(10).collect()
}

fn attribute<'f>(fact: &'f Fact<'_>, name: &str) -> &'f str {
    let value = fact.attributes.iter().find(|(attribute, _)| *attribute == name);
    match value {
        Some((_, AttributeValue::Text(text))) => text,
        _ => "",
    }
}
