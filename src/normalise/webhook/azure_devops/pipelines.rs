//! Builds, pipeline runs with their stages and jobs, approvals, classic releases.

use std::borrow::Cow;

use super::super::fact::{Copied, Fact};
use super::super::moment::between;
use super::super::object::Object;
use super::super::outcome::Outcome;
use super::{Known, Payload, Rule, identity};
use crate::model::event::Str;

pub(super) const RULES: [Rule; 12] = [
    Rule { event: "build.complete", map: build, attributes: BUILD },
    Rule { event: "ms.vss-pipelines.run-state-changed-event", map: run, attributes: RUN },
    Rule { event: "ms.vss-pipelines.stage-state-changed-event", map: stage, attributes: STAGE },
    Rule { event: "ms.vss-pipelines.job-state-changed-event", map: job, attributes: JOB },
    Rule { event: "ms.vss-pipelinechecks-events.approval-pending", map: approval, attributes: APPROVAL },
    Rule { event: "ms.vss-pipelinechecks-events.approval-completed", map: approval, attributes: APPROVAL },
    Rule { event: "ms.vss-release.deployment-approval-pending-event", map: approval, attributes: APPROVAL },
    Rule { event: "ms.vss-release.deployment-approval-completed-event", map: approval, attributes: APPROVAL },
    Rule { event: "ms.vss-release.deployment-started-event", map: deployment, attributes: DEPLOYMENT },
    Rule { event: "ms.vss-release.deployment-completed-event", map: deployment, attributes: DEPLOYMENT },
    Rule { event: "ms.vss-release.release-created-event", map: release, attributes: RELEASE },
    Rule { event: "ms.vss-release.release-abandoned-event", map: release, attributes: RELEASE },
];

const BUILD: &[Copied] = &[
    ("cicd.pipeline.name", "resource/definition/name"),
    ("cicd.pipeline.run.id", "resource/id"),
    ("run_number", "resource/buildNumber"),
    ("trigger", "resource/reason"),
    ("vcs.ref.head.name", "resource/sourceBranch"),
    ("vcs.ref.head.revision", "resource/sourceVersion"),
];
const RUN: &[Copied] = &[
    ("cicd.pipeline.name", "resource/pipeline/name"),
    ("cicd.pipeline.run.id", "resource/run/id"),
    ("run_number", "resource/run/name"),
];
const STAGE: &[Copied] = &[
    ("cicd.pipeline.name", "resource/pipeline/name"),
    ("cicd.pipeline.run.id", "resource/run/id"),
    ("run_number", "resource/run/name"),
    ("stage", "resource/stage/name"),
];
const JOB: &[Copied] = &[
    ("cicd.pipeline.name", "resource/pipeline/name"),
    ("cicd.pipeline.run.id", "resource/run/id"),
    ("cicd.pipeline.task.name", "resource/job/name"),
    ("cicd.pipeline.task.run.id", "resource/job/id"),
    ("run_number", "resource/run/name"),
    ("stage", "resource/stage/name"),
];
const APPROVAL: &[Copied] = &[
    ("cicd.pipeline.name", "resource/pipeline/name"),
    ("cicd.pipeline.run.id", "resource/run/id"),
    ("stage", "resource/stage/name"),
    ("release", "resource/release/name"),
    ("definition", "resource/release/releaseDefinition/name"),
];
const DEPLOYMENT: &[Copied] = &[
    ("release", "resource/environment/release/name"),
    ("release.id", "resource/environment/release/id"),
    ("deployment.id", "resource/deployment/id"),
    ("run_attempt", "resource/deployment/attempt"),
    ("trigger", "resource/deployment/reason"),
];
const RELEASE: &[Copied] = &[
    ("definition", "resource/release/releaseDefinition/name"),
    ("trigger", "resource/release/reason"),
    ("release", "resource/release/name"),
    ("webhook.action", "resource/release/status"),
];

/// Version 1.0 has its result in `status`; since 2.0 that says `completed`. `lastChangedBy` is a service account as a rule.
fn build<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let it = payload.it;
    fact.typed("pipeline_run", "completed");
    fact.occurred_at = it.time("finishTime");
    fact.duration_ns = between(it.time("startTime"), it.time("finishTime"));
    fact.actor = identity(it, "requestedFor");
    if let (true, Some(request)) = (fact.actor.is_empty(), it.first_item("requests")) {
        fact.actor = identity(&request, "requestedFor");
    }
    fact.target_id = it.text("id");
    fact.title = it.text("definition/name");
    fact.result(it.first_text(&["result", "status"]));
    true
}

/// The same run as in `build.complete`, with the time in the queue.
fn run<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let missing = Object::default();
    let run = payload.it.object("run").unwrap_or(&missing);
    let (start, end) = (run.time("createdDate"), run.time("finishedDate"));
    fact.title = pipeline(payload.it);
    fact.target_id = run.text("id");
    state("pipeline_run", run, start, end, fact)
}

/// A stage of a YAML pipeline may be a deployment: no other event tells of those.
fn stage<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let missing = Object::default();
    let it = payload.it;
    let stage = it.object("stage").unwrap_or(&missing);
    fact.title = stage.first_text(&["displayName", "name"]);
    fact.target_id = joined(&[it.text("run/id"), stage.text("name")]);
    state("pipeline_stage", stage, stage.time("startTime"), stage.time("finishTime"), fact)
}

fn job<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let missing = Object::default();
    let it = payload.it;
    let job = it.object("job").unwrap_or(&missing);
    fact.title = job.text("name");
    fact.target_id = joined(&[it.text("run/id"), it.text("stage/name"), job.text("name")]);
    // The author of the change that runs is the nearest thing to an actor here.
    if let Some(repository) = it.first_item("repositories") {
        fact.add("author", identity(&repository, "change/author"));
        fact.add("vcs.repository.url.full", repository.text("url"));
    }
    state("pipeline_job", job, job.time("startTime"), job.time("finishTime"), fact)
}

/// A run, a stage or a job that changed its state.
fn state<'d>(family: &str, it: &Object<'d>, start: Option<i64>, end: Option<i64>, fact: &mut Fact<'d>) -> Known {
    let word = it.text("state");
    let action = match word.to_ascii_lowercase().as_str() {
        "completed" => "completed",
        "canceling" | "cancelling" => "canceling",
        "inprogress" | "running" => "started",
        "waiting" | "pending" | "notstarted" => "waiting",
        _ => return false,
    };
    fact.typed(family, action);
    fact.add("webhook.action", word);
    let url = it.text("_links/web/href");
    if !url.is_empty() {
        fact.url = url;
    }
    fact.result(it.text("result"));
    if action == "completed" {
        fact.occurred_at = end;
        fact.duration_ns = between(start, end);
    } else {
        fact.occurred_at = start;
        fact.outcome = Outcome::Pending;
    }
    true
}

/// Of a pipeline's check, or of a classic release.
fn approval<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let missing = Object::default();
    let it = payload.it;
    let approval = it.object("approval").unwrap_or(&missing);
    let status = approval.text("status");
    let (action, outcome) = match status.to_ascii_lowercase().as_str() {
        _ if payload.event.contains("pending") => ("requested", Outcome::Pending),
        "approved" => ("approved", Outcome::Success),
        "rejected" => ("rejected", Outcome::Failure),
        _ => return false,
    };
    fact.typed("deployment_review", action);
    fact.result(status);
    fact.outcome = outcome;
    let times: &[&str] = match action {
        "requested" => &["createdOn", "modifiedOn"],
        _ => &["lastModifiedOn", "modifiedOn"],
    };
    fact.occurred_at = approval.first_time(times);
    let who = ["approvedBy", "approver"].map(|path| identity(approval, path));
    fact.actor = who.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    fact.target_id = approval.text("id");
    fact.environment = it.first_text(&["environment/name", "approval/releaseEnvironment/name"]);
    fact.title = pipeline(it);
    true
}

/// `environment` is the stage of a release. Without a deployment's id, release and stage name it.
fn deployment<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let it = payload.it;
    fact.actor = identity(it, "deployment/requestedFor");
    fact.environment = it.first_text(&["environment/name", "deployment/releaseEnvironment/name"]);
    fact.target_id = it.text("deployment/id");
    if fact.target_id.is_empty() {
        let release = ["environment/release/id", "environment/releaseId", "release/id"];
        let release = release.into_iter().map(|path| it.text(path)).find(|id| !matches!(id.as_ref(), "" | "0"));
        fact.target_id = joined(&[release.unwrap_or_default(), it.text("environment/id")]);
    }
    fact.title = it.first_text(&["environment/release/name", "deployment/release/name", "release/name"]);
    fact.result(it.first_text(&["deployment/deploymentStatus", "environment/status"]));
    let (start, end) = (it.time("deployment/startedOn"), it.time("deployment/completedOn"));
    if payload.event.contains("started") {
        fact.typed("deployment", "started");
        fact.occurred_at = start;
        fact.outcome = Outcome::Pending;
    } else {
        fact.typed("deployment", "completed");
        // `environment.modifiedOn` is not the end
        fact.occurred_at = end;
        fact.duration_ns = between(start, end);
    }
    true
}

fn release<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let it = payload.it;
    let (action, time, who) = if payload.event.contains("abandoned") {
        ("abandoned", "release/modifiedOn", "release/modifiedBy")
    } else {
        ("created", "release/createdOn", "release/createdBy")
    };
    fact.typed("release", action);
    fact.occurred_at = it.time(time);
    fact.actor = identity(it, who);
    fact.target_id = it.text("release/id");
    fact.title = it.text("release/name");
    let url = it.text("release/_links/web/href");
    if !url.is_empty() {
        fact.url = url;
    }
    true
}

fn pipeline<'d>(it: &Object<'d>) -> Str<'d> {
    it.first_text(&["pipeline/name", "run/pipeline/name"])
}

/// With `/` between; what is missing is left out.
fn joined<'d>(parts: &[Str<'d>]) -> Str<'d> {
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).filter(|part| !part.is_empty()).collect();
    Cow::Owned(parts.join("/"))
}
