//! Pushes, pull requests, issues and what people say about them.

use std::borrow::Cow;

use super::super::fact::{Copied, Fact};
use super::super::moment::between;
use super::super::object::Object;
use super::super::outcome::Outcome;
use super::{Known, Payload, Rule, ping};

pub(super) const RULES: [Rule; 9] = [
    Rule { event: "push", subject: "head_commit", map: push, attributes: PUSH },
    Rule { event: "create", subject: "", map: created, attributes: REF },
    Rule { event: "delete", subject: "", map: deleted, attributes: REF },
    Rule { event: "pull_request", subject: "pull_request", map: pull_request, attributes: PULL_REQUEST },
    Rule { event: "pull_request_review", subject: "review", map: review, attributes: PULL_REQUEST },
    Rule { event: "pull_request_review_comment", subject: "comment", map: review_comment, attributes: PULL_REQUEST },
    Rule { event: "issues", subject: "issue", map: issue, attributes: ISSUE },
    Rule { event: "issue_comment", subject: "comment", map: issue_comment, attributes: ISSUE },
    Rule { event: "ping", subject: "hook", map: ping, attributes: &[("webhook.active", "hook/active")] },
];

const PUSH: &[Copied] = &[
    ("ref.forced", "forced"),
    ("vcs.ref.head.name", "ref"),
    ("author", "head_commit/author/username"),
    ("vcs.ref.base.name", "base_ref"),
];
const REF: &[Copied] = &[("vcs.ref.head.type", "ref_type"), ("vcs.ref.head.name", "ref")];
const PULL_REQUEST: &[Copied] = &[
    ("vcs.change.id", "pull_request/number"),
    ("vcs.ref.head.name", "pull_request/head/ref"),
    ("vcs.ref.head.revision", "pull_request/head/sha"),
    ("vcs.ref.base.name", "pull_request/base/ref"),
    ("vcs.ref.base.revision", "pull_request/base/sha"),
    ("merge_commit_sha", "pull_request/merge_commit_sha"),
    ("merged_by", "pull_request/merged_by/login"),
    ("author", "pull_request/user/login"),
    ("draft", "pull_request/draft"),
    ("label", "label/name"),
    ("reviewer", "requested_reviewer/login"),
    ("reviewer", "requested_team/slug"),
    ("commit_count", "pull_request/commits"),
];
const ISSUE: &[Copied] = &[
    ("author", "issue/user/login"),
    ("state.reason", "issue/state_reason"),
    ("work_item.type", "issue/type/name"),
    ("work_item.state", "issue/state"),
    ("label", "label/name"),
    ("assignee", "issue/assignee/login"),
];

/// `pushed_at` is epoch seconds in this event alone. `head_commit` is null where a branch or a tag was deleted.
fn push<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let body = payload.body;
    fact.event_type = Cow::Borrowed("push");
    fact.occurred_at = body.first_time(&["repository/pushed_at", "head_commit/timestamp"]);
    if fact.actor.is_empty() {
        fact.actor = body.text("pusher/name");
    }
    fact.target_id = body.text("ref");
    fact.url = body.text("compare");
    fact.moved(body.text("before"), body.text("after"));
    fact.add_number("commit_count", body.count("commits"));
    true
}

/// A push of the same ref comes beside it.
fn created<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    reference("created", payload, fact)
}

fn deleted<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    reference("deleted", payload, fact)
}

fn reference<'d>(action: &str, payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let body = payload.body;
    fact.typed("ref", action);
    fact.occurred_at = body.time("repository/pushed_at");
    let name = body.text("ref");
    fact.target_id = match body.text("ref_type").as_ref() {
        "branch" => Cow::Owned(format!("refs/heads/{name}")),
        "tag" => Cow::Owned(format!("refs/tags/{name}")),
        _ => name,
    };
    fact.url = body.text("repository/html_url");
    true
}

/// There is no action `merged`: a merged one is closed, and says so.
fn pull_request<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let it = payload.it;
    let (action, time) = match payload.action {
        "" => return false,
        "opened" => ("opened", it.time("created_at")),
        "closed" if it.is_true("merged") => ("merged", it.first_time(&["merged_at", "closed_at"])),
        "closed" => ("closed", it.time("closed_at")),
        "synchronize" => ("updated", it.time("updated_at")),
        other => (other, it.time("updated_at")),
    };
    fact.typed("pull_request", action);
    fact.occurred_at = time.or_else(|| it.time("updated_at"));
    if action == "merged" {
        fact.duration_ns = between(it.time("created_at"), it.time("merged_at"));
    }
    of_pull_request(payload.body, fact);
    true
}

fn review<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    if payload.action.is_empty() {
        return false;
    }
    fact.typed("pull_request_review", payload.action);
    let submitted = (payload.action == "submitted").then(|| payload.it.time("submitted_at")).flatten();
    fact.occurred_at = submitted.or_else(|| payload.body.time("pull_request/updated_at"));
    fact.result(payload.it.text("state"));
    if fact.outcome == Outcome::None {
        fact.outcome = Outcome::Neutral;
    }
    fact.add("review.id", payload.it.text("id"));
    of_pull_request(payload.body, fact);
    true
}

fn review_comment<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    if payload.action.is_empty() {
        return false;
    }
    fact.typed("pull_request_review_comment", payload.action);
    fact.occurred_at = comment_time(payload);
    fact.add("comment.id", payload.it.text("id"));
    of_pull_request(payload.body, fact);
    true
}

/// What all events of a pull request say about it.
fn of_pull_request<'d>(body: &Object<'d>, fact: &mut Fact<'d>) {
    let path = |name: &str| format!("pull_request/{name}");
    fact.target_id = body.first_text(&[&path("number"), "number"]);
    fact.title = body.text(&path("title"));
    let state = match body.text(&path("state")).as_ref() {
        "closed" if body.is_true(&path("merged")) || body.has(&path("merged_at")) => "merged",
        "closed" => "closed",
        "open" if body.is_true(&path("draft")) => "wip",
        "open" => "open",
        _ => "",
    };
    fact.add("vcs.change.state", state);
}

/// `closed_at` stays set when an issue is reopened.
fn issue<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let it = payload.it;
    fact.occurred_at = match payload.action {
        "" => return false,
        "opened" => it.time("created_at"),
        "closed" => it.first_time(&["closed_at", "updated_at"]),
        // the issue says when it was last changed, not when it went
        "deleted" => None,
        _ => it.time("updated_at"),
    };
    let pull_request = about_issue(payload, it, fact);
    match payload.action {
        action if pull_request => fact.typed("pull_request", action),
        "opened" => fact.typed("work_item", "created"),
        "closed" | "reopened" => {
            fact.typed("work_item", "state_changed");
            let [from, to] = if payload.action == "closed" { ["open", "closed"] } else { ["closed", "open"] };
            fact.add("state.from", from);
            fact.add("state.to", to);
        }
        "deleted" => fact.typed("work_item", "deleted"),
        _ => fact.typed("work_item", "updated"),
    }
    true
}

/// What is said in the conversation of a pull request arrives here too.
fn issue_comment<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let action = match payload.action {
        "created" => "commented",
        "edited" => "comment_edited",
        "deleted" => "comment_deleted",
        _ => return false,
    };
    let missing = Object::default();
    let pull_request = about_issue(payload, payload.body.object("issue").unwrap_or(&missing), fact);
    fact.typed(if pull_request { "pull_request" } else { "work_item" }, action);
    fact.occurred_at = comment_time(payload);
    fact.add("comment.id", payload.it.text("id"));
    true
}

/// Whether the issue is a pull request: to GitHub, each of those is an issue as well.
fn about_issue<'d>(payload: &Payload<'_, 'd>, issue: &Object<'d>, fact: &mut Fact<'d>) -> bool {
    fact.target_id = issue.text("number");
    fact.title = issue.text("title");
    if fact.url.is_empty() {
        fact.url = issue.text("html_url");
    }
    let pull_request = payload.body.has("issue/pull_request");
    if pull_request {
        fact.add("vcs.change.id", issue.text("number"));
    }
    pull_request
}

fn comment_time(payload: &Payload<'_, '_>) -> Option<i64> {
    match payload.action {
        "created" => payload.it.time("created_at"),
        // the comment does not say when it was deleted
        "deleted" => None,
        _ => payload.it.time("updated_at"),
    }
}
