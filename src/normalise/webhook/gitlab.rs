//! GitLab: one rule per `object_kind`. Names of fields: docs.gitlab.com, "Webhook events".

use std::borrow::Cow;

use super::Delivery;
use super::fact::{Copied, Fact, namespace};
use super::moment::{between, seconds};
use super::object::Object;
use super::outcome::Outcome;
use crate::model::event::Str;

struct Rule {
    kind: &'static str,
    attributes: &'static [Copied],
    /// Gets the body and its `object_attributes`.
    map: for<'d> fn(&Object<'d>, &Object<'d>, &mut Fact<'d>) -> Known,
}

/// Whether the payload says enough to be more than `gitlab.<object_kind>`.
type Known = bool;

const RULES: [Rule; 10] = [
    Rule { kind: "push", map: push, attributes: PUSH },
    Rule { kind: "tag_push", map: push, attributes: PUSH },
    Rule { kind: "merge_request", map: merge_request, attributes: MERGE_REQUEST },
    Rule { kind: "note", map: note, attributes: &[("comment.id", "object_attributes/id")] },
    Rule { kind: "pipeline", map: pipeline, attributes: PIPELINE },
    Rule { kind: "build", map: job, attributes: JOB },
    Rule { kind: "deployment", map: deployment, attributes: DEPLOYMENT },
    Rule { kind: "release", map: release, attributes: &[("tag", "tag"), ("vcs.ref.head.revision", "commit/id")] },
    Rule { kind: "issue", map: issue, attributes: ISSUE },
    Rule { kind: "work_item", map: issue, attributes: ISSUE },
];

const SHARED: &[Copied] = &[
    ("vcs.repository.url.full", "project/web_url"),
    ("vcs.project.id", "project/id"),
    ("webhook.action", "object_attributes/action"),
];
const PUSH: &[Copied] = &[("vcs.ref.head.name", "ref"), ("commit_count", "total_commits_count")];
const MERGE_REQUEST: &[Copied] = &[
    ("vcs.change.id", "object_attributes/iid"),
    ("vcs.ref.head.name", "object_attributes/source_branch"),
    ("vcs.ref.head.revision", "object_attributes/last_commit/id"),
    ("vcs.ref.base.name", "object_attributes/target_branch"),
    ("merge_commit_sha", "object_attributes/merge_commit_sha"),
    ("merge_status", "object_attributes/detailed_merge_status"),
];
const PIPELINE: &[Copied] = &[
    ("cicd.pipeline.run.id", "object_attributes/id"),
    ("cicd.pipeline.name", "object_attributes/name"),
    ("run_number", "object_attributes/iid"),
    ("trigger", "object_attributes/source"),
    ("vcs.ref.head.name", "object_attributes/ref"),
    ("vcs.ref.head.revision", "object_attributes/sha"),
    ("vcs.change.id", "merge_request/iid"),
];
const JOB: &[Copied] = &[
    ("cicd.pipeline.run.id", "pipeline_id"),
    ("cicd.pipeline.task.name", "build_name"),
    ("cicd.pipeline.task.run.id", "build_id"),
    ("cicd.worker.name", "runner/description"),
    ("stage", "build_stage"),
    ("job.allow_failure", "build_allow_failure"),
    ("job.environment", "environment/name"),
    ("vcs.ref.head.name", "ref"),
    ("vcs.ref.head.revision", "sha"),
];
const DEPLOYMENT: &[Copied] = &[
    ("deployment.id", "deployment_id"),
    ("deployment.environment.tier", "environment_tier"),
    ("vcs.ref.head.name", "ref"),
    ("vcs.ref.head.revision", "short_sha"),
    ("cicd.pipeline.task.run.id", "deployable_id"),
];
const ISSUE: &[Copied] = &[
    ("work_item.type", "object_attributes/type"),
    ("work_item.state", "object_attributes/state"),
    ("work_item.severity", "object_attributes/severity"),
];

pub fn map<'d>(delivery: &Delivery<'d>, body: &Object<'d>, fact: &mut Fact<'d>) {
    fact.actor = body.first_text(&["user_username", "user/username"]);
    fact.repository = repository(body);
    fact.project = Cow::Owned(namespace(&fact.repository).to_owned());
    fact.copy(body, SHARED);
    // system hooks name some events only so
    let kind = body.first_text(&["object_kind", "event_name"]);
    let missing = Object::default();
    let it = body.object("object_attributes").unwrap_or(&missing);
    let rule = RULES.iter().find(|rule| rule.kind == kind);
    let known = rule.is_some_and(|rule| {
        let known = (rule.map)(body, it, fact);
        fact.copy(body, rule.attributes);
        known
    });
    if !known {
        fact.unmapped = true;
        let name = [kind.as_ref(), delivery.event, "unknown"].into_iter().find(|name| !name.is_empty());
        fact.typed("gitlab", name.unwrap_or("unknown"));
    }
}

/// `path_with_namespace`, else the path of an address: a job's `project_name` is for reading only.
fn repository<'d>(body: &Object<'d>) -> Str<'d> {
    let path = body.first_text(&["project/path_with_namespace", "path_with_namespace"]);
    if !path.is_empty() {
        return path;
    }
    let address = body.first_text(&["project/web_url", "repository/homepage"]);
    let path = address.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    Cow::Owned(path.trim_end_matches('/').to_owned())
}

/// There is no time of the push, only those of its commits. `checkout_sha` is null where a ref was deleted.
fn push<'d>(body: &Object<'d>, _: &Object<'d>, fact: &mut Fact<'d>) -> Known {
    fact.event_type = Cow::Borrowed("push");
    if fact.actor.is_empty() {
        fact.actor = body.text("user_name");
    }
    fact.target_id = body.text("ref");
    fact.url = body.first_text(&["project/web_url", "repository/homepage"]);
    fact.moved(body.text("before"), body.text("after"));
    true
}

fn merge_request<'d>(body: &Object<'d>, it: &Object<'d>, fact: &mut Fact<'d>) -> Known {
    let action = it.text("action");
    let (action, times): (&str, &[&str]) = match action.as_ref() {
        "open" => ("opened", &["created_at"]),
        "merge" => ("merged", &["merged_at", "updated_at"]),
        "close" => ("closed", &["closed_at", "updated_at"]),
        "reopen" => ("reopened", &["updated_at"]),
        "approval" | "approved" => ("approved", &["updated_at"]),
        "unapproval" | "unapproved" => ("unapproved", &["updated_at"]),
        "update" | "" => ("updated", &["updated_at"]),
        other => (other, &["updated_at"]),
    };
    fact.typed("pull_request", action);
    fact.occurred_at = it.first_time(times);
    if action == "merged" {
        fact.duration_ns = between(it.time("created_at"), fact.occurred_at);
    }
    subject(it, fact);
    let draft = it.is_true("draft") || it.is_true("work_in_progress");
    fact.add("draft", if draft { "true" } else { "false" });
    let state = match it.text("state").as_ref() {
        "opened" if draft => "wip",
        "opened" => "open",
        "closed" => "closed",
        "merged" => "merged",
        _ => "",
    };
    fact.add("vcs.change.state", state);
    author(body, it, fact);
    true
}

/// The number, address and title of an issue or a merge request.
fn subject<'d>(it: &Object<'d>, fact: &mut Fact<'d>) {
    fact.target_id = it.text("iid");
    fact.url = it.text("url");
    fact.title = it.text("title");
}

/// The author is known by number; when it is the one who acts, by name.
fn author<'d>(body: &Object<'d>, it: &Object<'d>, fact: &mut Fact<'d>) {
    let author = it.text("author_id");
    if !author.is_empty() && author == body.text("user/id") {
        fact.add("author", body.text("user/username"));
    }
}

/// A comment on a commit or a snippet is about nothing that has events of its own.
fn note<'d>(body: &Object<'d>, it: &Object<'d>, fact: &mut Fact<'d>) -> Known {
    let (family, about) = match it.text("noteable_type").as_ref() {
        "MergeRequest" => ("pull_request", "merge_request"),
        "Issue" | "WorkItem" => ("work_item", "issue"),
        _ => return false,
    };
    let edited = it.text("action") == "update";
    fact.typed(family, if edited { "comment_edited" } else { "commented" });
    fact.occurred_at = it.first_time(if edited { &["updated_at"] } else { &["created_at"] });
    let missing = Object::default();
    subject(body.object(about).unwrap_or(&missing), fact);
    fact.url = it.text("url");
    if family == "pull_request" {
        fact.add("vcs.change.id", fact.target_id.clone());
    }
    true
}

fn pipeline<'d>(body: &Object<'d>, it: &Object<'d>, fact: &mut Fact<'d>) -> Known {
    let (action, times): (&str, &[&str]) = match it.text("status").as_ref() {
        "success" | "failed" | "canceled" | "skipped" => ("completed", &["finished_at", "updated_at"]),
        "running" => ("started", &["started_at", "created_at"]),
        "" => return false,
        _ => ("requested", &["created_at"]),
    };
    fact.typed("pipeline_run", action);
    fact.occurred_at = it.first_time(times);
    status(action, it.text("status"), fact);
    if action == "completed" {
        fact.duration_ns = seconds(&it.text("duration"));
    }
    fact.target_id = it.text("id");
    fact.title = it.text("name");
    fact.url = it.text("url");
    if fact.url.is_empty() && body.has("project/web_url") {
        fact.url = Cow::Owned(format!("{}/-/pipelines/{}", body.text("project/web_url"), fact.target_id));
    }
    true
}

fn job<'d>(body: &Object<'d>, _: &Object<'d>, fact: &mut Fact<'d>) -> Known {
    let (action, times): (&str, &[&str]) = match body.text("build_status").as_ref() {
        "success" | "failed" | "canceled" | "skipped" => ("completed", &["build_finished_at", "build_created_at"]),
        "running" => ("started", &["build_started_at", "build_created_at"]),
        "created" | "pending" | "preparing" => ("queued", &["build_created_at"]),
        "" => return false,
        _ => ("waiting", &["build_created_at"]),
    };
    fact.typed("pipeline_job", action);
    fact.occurred_at = body.first_time(times);
    status(action, body.text("build_status"), fact);
    if action == "completed" {
        fact.duration_ns = seconds(&body.text("build_duration"));
    }
    if fact.outcome == Outcome::Failure {
        fact.add("webhook.reason", body.text("build_failure_reason"));
    }
    if let Some(queued) = seconds(&body.text("build_queued_duration")) {
        fact.add("queue_duration_ns", queued.to_string());
    }
    fact.target_id = body.text("build_id");
    fact.title = body.text("build_name");
    if let (Some(page), false) = (body.get("repository/homepage"), fact.target_id.is_empty()) {
        fact.url = Cow::Owned(format!("{}/-/jobs/{}", super::object::text(page), fact.target_id));
    }
    true
}

fn deployment<'d>(body: &Object<'d>, _: &Object<'d>, fact: &mut Fact<'d>) -> Known {
    let action = match body.text("status").as_ref() {
        "success" | "failed" | "canceled" | "skipped" => "completed",
        "running" => "started",
        "created" => "created",
        "blocked" | "approval_required" => "pending",
        _ => return false,
    };
    fact.typed("deployment", action);
    fact.occurred_at = body.time("status_changed_at");
    status(action, body.text("status"), fact);
    fact.target_id = body.text("deployment_id");
    fact.environment = body.text("environment");
    fact.url = body.text("deployable_url");
    true
}

/// What has not ended is pending, whatever its word.
fn status<'d>(action: &str, word: Str<'d>, fact: &mut Fact<'d>) {
    fact.result(word);
    if action != "completed" {
        fact.outcome = Outcome::Pending;
    }
}

/// `released_at` is that of the release, whatever happens to it later, and may lie in the future.
fn release<'d>(body: &Object<'d>, _: &Object<'d>, fact: &mut Fact<'d>) -> Known {
    let action = match body.text("action").as_ref() {
        "create" => "published",
        "update" => "updated",
        "delete" => "deleted",
        _ => return false,
    };
    fact.typed("release", action);
    if action == "published" {
        fact.occurred_at = body.first_time(&["released_at", "created_at"]);
    }
    fact.target_id = body.text("id");
    fact.title = body.first_text(&["name", "tag"]);
    fact.url = body.text("url");
    fact.add("webhook.action", body.text("action"));
    true
}

fn issue<'d>(body: &Object<'d>, it: &Object<'d>, fact: &mut Fact<'d>) -> Known {
    subject(it, fact);
    author(body, it, fact);
    let action = it.text("action");
    fact.occurred_at = match action.as_ref() {
        "open" => it.time("created_at"),
        "close" => it.first_time(&["closed_at", "updated_at"]),
        _ => it.time("updated_at"),
    };
    match action.as_ref() {
        "open" => fact.typed("work_item", "created"),
        "close" | "reopen" => {
            fact.typed("work_item", "state_changed");
            let [from, to] = if action == "close" { ["opened", "closed"] } else { ["closed", "opened"] };
            fact.add("state.from", from);
            fact.add("state.to", to);
        }
        _ => fact.typed("work_item", "updated"),
    }
    true
}
