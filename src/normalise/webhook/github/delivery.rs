//! Workflows, checks, deployments and releases.

use std::borrow::Cow;

use super::super::fact::{Copied, Fact};
use super::super::moment::between;
use super::super::outcome::Outcome;
use super::{Known, Payload, Rule, conclude};

pub(super) const RULES: [Rule; 10] = [
    Rule { event: "workflow_run", subject: "workflow_run", map: workflow_run, attributes: RUN },
    Rule { event: "workflow_job", subject: "workflow_job", map: workflow_job, attributes: JOB },
    Rule { event: "check_run", subject: "check_run", map: check_run, attributes: CHECK_RUN },
    Rule { event: "check_suite", subject: "check_suite", map: check_suite, attributes: CHECK_SUITE },
    Rule { event: "status", subject: "commit", map: status, attributes: STATUS },
    Rule { event: "deployment", subject: "deployment", map: deployment, attributes: DEPLOYMENT },
    Rule { event: "deployment_status", subject: "deployment_status", map: deployment_status, attributes: DEPLOYMENT },
    Rule { event: "deployment_review", subject: "workflow_run", map: deployment_review, attributes: REVIEW },
    Rule { event: "release", subject: "release", map: release, attributes: RELEASE },
    Rule { event: "merge_group", subject: "merge_group", map: merge_group, attributes: MERGE_GROUP },
];

const RUN: &[Copied] = &[
    ("cicd.pipeline.name", "workflow_run/name"),
    ("cicd.pipeline.run.id", "workflow_run/id"),
    ("run_attempt", "workflow_run/run_attempt"),
    ("run_number", "workflow_run/run_number"),
    ("trigger", "workflow_run/event"),
    ("author", "workflow_run/actor/login"),
    ("vcs.ref.head.name", "workflow_run/head_branch"),
    ("vcs.ref.head.revision", "workflow_run/head_sha"),
];
const JOB: &[Copied] = &[
    ("cicd.pipeline.name", "workflow_job/workflow_name"),
    ("cicd.pipeline.run.id", "workflow_job/run_id"),
    ("cicd.pipeline.task.name", "workflow_job/name"),
    ("cicd.pipeline.task.run.id", "workflow_job/id"),
    ("run_attempt", "workflow_job/run_attempt"),
    ("vcs.ref.head.name", "workflow_job/head_branch"),
    ("vcs.ref.head.revision", "workflow_job/head_sha"),
    ("cicd.worker.name", "workflow_job/runner_name"),
    ("deployment.id", "deployment/id"),
];
const CHECK_RUN: &[Copied] = &[
    ("check.name", "check_run/name"),
    ("check.app", "check_run/app/slug"),
    ("check.suite_id", "check_run/check_suite/id"),
    ("vcs.ref.head.name", "check_run/check_suite/head_branch"),
    ("vcs.ref.head.revision", "check_run/head_sha"),
    ("deployment.id", "check_run/deployment/id"),
];
const CHECK_SUITE: &[Copied] = &[
    ("check.app", "check_suite/app/slug"),
    ("vcs.ref.head.name", "check_suite/head_branch"),
    ("vcs.ref.head.revision", "check_suite/head_sha"),
];
const STATUS: &[Copied] = &[
    ("check.name", "context"),
    ("check.url", "target_url"),
    ("vcs.ref.head.revision", "sha"),
    ("author", "commit/author/login"),
];
/// An Actions deployment names the run that made it.
const DEPLOYMENT: &[Copied] = &[
    ("deployment.id", "deployment/id"),
    ("vcs.ref.head.revision", "deployment/sha"),
    ("vcs.ref.head.name", "deployment/ref"),
    ("author", "deployment/creator/login"),
    ("deployment.environment.production", "deployment/production_environment"),
    ("deployment.environment.transient", "deployment/transient_environment"),
    ("cicd.pipeline.run.id", "workflow_run/id"),
    ("cicd.pipeline.name", "workflow_run/name"),
    ("run_attempt", "workflow_run/run_attempt"),
];
const REVIEW: &[Copied] = &[
    ("cicd.pipeline.run.id", "workflow_run/id"),
    ("cicd.pipeline.name", "workflow_run/name"),
    ("run_attempt", "workflow_run/run_attempt"),
    ("vcs.ref.head.name", "workflow_run/head_branch"),
    ("vcs.ref.head.revision", "workflow_run/head_sha"),
    ("approver", "approver/login"),
];
const RELEASE: &[Copied] = &[
    ("tag", "release/tag_name"),
    ("author", "release/author/login"),
    ("draft", "release/draft"),
    ("prerelease", "release/prerelease"),
    ("vcs.ref.base.name", "release/target_commitish"),
];
const MERGE_GROUP: &[Copied] = &[
    ("webhook.reason", "reason"),
    ("vcs.ref.head.name", "merge_group/head_ref"),
    ("vcs.ref.head.revision", "merge_group/head_sha"),
    ("vcs.ref.base.name", "merge_group/base_ref"),
    ("vcs.ref.base.revision", "merge_group/base_sha"),
];

/// A run that is started again keeps its id and its `created_at`; it has no time of completion but `updated_at`.
fn workflow_run<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let it = payload.it;
    let again = !matches!(it.text("run_attempt").as_ref(), "" | "0" | "1");
    let (action, times): (&str, &[&str]) = match payload.action {
        "requested" if again => ("requested", &["run_started_at", "updated_at"]),
        "requested" => ("requested", &["created_at", "run_started_at"]),
        "in_progress" => ("started", &["run_started_at", "updated_at"]),
        "completed" => ("completed", &["updated_at"]),
        _ => return false,
    };
    fact.typed("pipeline_run", action);
    fact.occurred_at = it.first_time(times);
    if action == "completed" {
        fact.duration_ns = between(it.first_time(&["run_started_at", "created_at"]), it.time("updated_at"));
    }
    fact.target_id = it.text("id");
    fact.title = it.first_text(&["name", "display_title"]);
    conclude(payload, fact);
    if let Some(change) = it.first_item("pull_requests") {
        fact.add("vcs.change.id", change.text("number"));
    }
    true
}

/// Payloads before 2023 have no `created_at`: a queued job's `started_at` is the same moment then.
fn workflow_job<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let it = payload.it;
    let (action, times): (&str, &[&str]) = match payload.action {
        "queued" => ("queued", &["created_at", "started_at"]),
        "waiting" => ("waiting", &["created_at", "started_at"]),
        "in_progress" => ("started", &["started_at"]),
        "completed" => ("completed", &["completed_at"]),
        _ => return false,
    };
    fact.typed("pipeline_job", action);
    fact.occurred_at = it.first_time(times);
    let started = it.time("started_at");
    if action == "completed" {
        fact.duration_ns = between(started, it.time("completed_at"));
    }
    if let (Some(queued), "started" | "completed") = (between(it.time("created_at"), started), action) {
        fact.add("queue_duration_ns", queued.to_string());
    }
    fact.target_id = it.text("id");
    fact.title = it.text("name");
    conclude(payload, fact);
    true
}

fn check_run<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    fact.occurred_at = match payload.action {
        "" => return false,
        "created" => payload.it.time("started_at"),
        "completed" => payload.it.time("completed_at"),
        _ => None,
    };
    let (start, end) = (payload.it.time("started_at"), payload.it.time("completed_at"));
    check("check_run", between(start, end), payload, fact)
}

/// The same CI as a workflow run, told once more.
fn check_suite<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    fact.occurred_at = match payload.action {
        "" => return false,
        "requested" => payload.it.time("created_at"),
        "completed" => payload.it.time("updated_at"),
        _ => None,
    };
    let (start, end) = (payload.it.time("created_at"), payload.it.time("updated_at"));
    check("check_suite", between(start, end), payload, fact)
}

fn check<'d>(family: &str, took: Option<u64>, payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    fact.typed(family, payload.action);
    fact.duration_ns = took.filter(|_| payload.action == "completed");
    fact.target_id = payload.it.text("id");
    fact.title = payload.it.text("name");
    if fact.url.is_empty() {
        fact.url = payload.it.text("url");
    }
    conclude(payload, fact);
    if let Some(change) = payload.it.first_item("pull_requests") {
        fact.add("vcs.change.id", change.text("number"));
    }
    true
}

fn status<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let body = payload.body;
    fact.typed("commit_status", "updated");
    fact.occurred_at = body.first_time(&["updated_at", "created_at"]);
    fact.target_id = body.text("sha");
    fact.title = body.text("description");
    fact.result(body.text("state"));
    true
}

fn deployment<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    fact.typed("deployment", "created");
    fact.occurred_at = payload.it.time("created_at");
    fact.target_id = payload.it.text("id");
    fact.environment = payload.it.text("environment");
    fact.outcome = Outcome::Pending;
    fact.url = payload.it.text("url");
    true
}

/// About the deployment, not about its status: the id is that of the deployment. What it took includes waiting for an approval.
fn deployment_status<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let (it, body) = (payload.it, payload.body);
    let state = it.text("state");
    let action = match state.as_ref() {
        "success" | "failure" | "error" => "completed",
        "in_progress" => "started",
        "queued" | "pending" | "waiting" => "pending",
        "inactive" => "inactive",
        _ => return false,
    };
    fact.typed("deployment", action);
    fact.occurred_at = it.time("created_at");
    fact.target_id = body.text("deployment/id");
    fact.environment = it.first_text(&["environment"]);
    if fact.environment.is_empty() {
        fact.environment = body.text("deployment/environment");
    }
    fact.url = it.first_text(&["target_url", "log_url", "url"]);
    fact.result(state);
    match action {
        "completed" => fact.duration_ns = between(body.time("deployment/created_at"), fact.occurred_at),
        "inactive" => {}
        _ => fact.outcome = Outcome::Pending,
    }
    true
}

fn deployment_review<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    fact.outcome = match payload.action {
        "requested" => Outcome::Pending,
        "approved" => Outcome::Success,
        "rejected" => Outcome::Failure,
        _ => return false,
    };
    fact.typed("deployment_review", payload.action);
    fact.occurred_at = payload.body.time("since");
    fact.target_type = Some("pipeline_run");
    fact.target_id = payload.it.text("id");
    fact.environment = payload.body.text("environment");
    fact.title = payload.it.text("name");
    true
}

/// `created_at` is the date of the tagged commit. One publication sends `created`, `published` and `released` or `prereleased`.
fn release<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let it = payload.it;
    fact.occurred_at = match payload.action {
        "" => return false,
        "deleted" | "unpublished" => None,
        "edited" => it.time("updated_at"),
        _ => it.first_time(&["published_at", "updated_at"]),
    };
    fact.typed("release", payload.action);
    fact.target_id = it.text("id");
    fact.title = it.first_text(&["name", "tag_name"]);
    true
}

fn merge_group<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    if payload.action.is_empty() {
        return false;
    }
    fact.typed("merge_group", payload.action);
    fact.target_id = payload.it.text("head_ref");
    fact.title = Cow::Borrowed("");
    true
}
