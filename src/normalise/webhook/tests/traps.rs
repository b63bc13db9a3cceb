//! What no recorded delivery shows.

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

// === GitHub ===

#[test]
fn a_run_again_is_the_same_run_with_another_attempt() {
    let run = json!({"action": "completed", "workflow_run": {"id": 7, "run_attempt": 2, "conclusion": "timed_out",
        "created_at": "2026-11-20T10:00:00Z", "run_started_at": "2026-11-20T12:00:00Z", "updated_at": "2026-11-20T12:01:00Z"}});
    let seen = github("workflow_run", run);
    assert_eq!((seen.event_type.as_str(), seen.attribute("run_attempt")), ("pipeline_run.completed", "2"));
    assert_eq!((seen.outcome.as_str(), seen.severity.as_str(), seen.class.as_str()), ("timeout", "error", "error"));
    assert_eq!((seen.duration_ns, seen.attribute("cicd.pipeline.result")), (60_000_000_000, "timeout"));
    let requested = json!({"action": "requested", "workflow_run": {"id": 7, "run_attempt": 2, "conclusion": "action_required",
        "created_at": "2026-11-20T10:00:00Z", "run_started_at": "2026-11-20T12:00:00Z"}});
    let json = requested.to_string();
    mapped(&delivery(Kind::GitHub, "workflow_run", "", &json), NOW, |mapped| {
        assert_eq!(mapped.event.timestamp_ns, moment::parse("2026-11-20T12:00:00Z").unwrap());
        assert_eq!((mapped.event.outcome.as_ref(), mapped.event.event_class.as_ref()), ("pending", "build"));
    });
}

#[test]
fn conclusions() {
    for (conclusion, outcome, severity) in [
        (json!("success"), "success", "info"),
        (json!("startup_failure"), "failure", "error"),
        (json!("cancelled"), "cancelled", "warn"),
        (json!("skipped"), "skipped", "info"),
        (json!("stale"), "neutral", "info"),
        (json!("action_required"), "neutral", "info"),
        (json!(null), "none", "info"),
    ] {
        for event in ["workflow_run", "workflow_job", "check_run", "check_suite"] {
            let body = json!({"action": "completed", event: {"id": 1, "conclusion": conclusion}});
            let seen = github(event, body);
            assert_eq!((seen.outcome.as_str(), seen.severity.as_str()), (outcome, severity), "{event} {conclusion}");
        }
    }
}

#[test]
fn a_deleted_branch_has_no_commits() {
    let zeros = "0".repeat(40);
    let seen = github(
        "push",
        json!({"ref": "refs/heads/old", "before": "6113", "after": zeros, "deleted": true, "created": false,
            "head_commit": null, "commits": [], "repository": {"full_name": "o/n", "pushed_at": 1_795_200_000}}),
    );
    assert_eq!((seen.event_type.as_str(), seen.target.1.as_str()), ("push", "refs/heads/old"));
    assert_eq!((seen.attribute("ref.deleted"), seen.attribute("ref.created")), ("true", "false"));
    assert_eq!((seen.attribute("vcs.ref.head.revision"), seen.attribute("ref.before")), ("", "6113"));
    assert_eq!(seen.attribute("commit_count"), "0");
}

#[test]
fn issues_that_are_pull_requests() {
    let issue = json!({"number": 5, "pull_request": {"url": "u"}, "title": "t", "state": "open"});
    let seen = github("issues", json!({"action": "labeled", "issue": issue}));
    assert_eq!((seen.event_type.as_str(), seen.target.0.as_str()), ("pull_request.labeled", "pull_request"));
    for (action, expected) in [("created", "commented"), ("edited", "comment_edited"), ("deleted", "comment_deleted")] {
        let seen = github("issue_comment", json!({"action": action, "issue": issue, "comment": {"id": 1}}));
        assert_eq!(seen.event_type, format!("pull_request.{expected}"));
        assert_eq!((seen.target.1.as_str(), seen.attribute("vcs.change.id")), ("5", "5"));
    }
    let seen = github("issues", json!({"action": "closed", "issue": issue}));
    assert_eq!((seen.event_type.as_str(), seen.attribute("state.to")), ("pull_request.closed", ""));
}

#[test]
fn an_inactive_deployment_neither_succeeded_nor_failed() {
    let status = |state| {
        github(
            "deployment_status",
            json!({"action": "created", "deployment": {"id": 9, "environment": "prod", "created_at": "2026-11-20T10:00:00Z"},
                "deployment_status": {"id": 1, "state": state, "created_at": "2026-11-20T10:00:05Z"},
                "workflow_run": {"id": 77}}),
        )
    };
    let seen = status("inactive");
    assert_eq!((seen.event_type.as_str(), seen.outcome.as_str()), ("deployment.inactive", "none"));
    let seen = status("error");
    assert_eq!(
        (seen.event_type.as_str(), seen.outcome.as_str(), seen.target.1.as_str()),
        ("deployment.completed", "failure", "9")
    );
    assert_eq!((seen.duration_ns, seen.attribute("cicd.pipeline.run.id")), (5_000_000_000, "77"));
    assert_eq!((seen.environment.as_str(), seen.attribute("deployment.status")), ("prod", "failed"));
    for state in ["queued", "pending", "waiting"] {
        assert_eq!(status(state).event_type, "deployment.pending");
        assert_eq!(status(state).duration_ns, 0);
    }
    let seen = status("exploded");
    assert_eq!((seen.event_type.as_str(), seen.unmapped), ("github.deployment_status.created", true));
}

#[test]
fn a_review_that_asks_for_changes_is_no_error() {
    for state in ["changes_requested", "CHANGES_REQUESTED"] {
        let seen = github("pull_request_review", json!({"action": "submitted", "review": {"state": state}}));
        assert_eq!((seen.outcome.as_str(), seen.severity.as_str(), seen.class.as_str()), ("failure", "info", "code"));
    }
    let seen = github("deployment_review", json!({"action": "rejected", "workflow_run": {"id": 3}}));
    assert_eq!((seen.outcome.as_str(), seen.severity.as_str(), seen.class.as_str()), ("failure", "info", "deploy"));
    assert_eq!(seen.target, ("pipeline_run".to_owned(), "3".to_owned()));
}

#[test]
fn all_actions_of_a_pull_request() {
    for (action, expected) in
        [("synchronize", "updated"), ("enqueued", "enqueued"), ("auto_merge_enabled", "auto_merge_enabled")]
    {
        let seen = github(
            "pull_request",
            json!({"action": action, "pull_request": {"number": 1, "merge_commit_sha": "m",
            "head": {"sha": "h"}, "draft": true, "state": "open"}}),
        );
        assert_eq!(seen.event_type, format!("pull_request.{expected}"));
        assert_eq!((seen.attribute("merge_commit_sha"), seen.attribute("vcs.ref.head.revision")), ("m", "h"));
        assert_eq!(seen.attribute("vcs.change.state"), "wip");
    }
    assert!(github("pull_request", json!({"pull_request": {}})).unmapped);
    let bare = github("pull_request", json!({"action": "opened"}));
    assert_eq!((bare.message.as_str(), bare.target), ("someone opened pull request", Default::default()));
}

#[test]
fn a_queued_job_of_a_deployment_names_it() {
    let job = json!({"id": 1, "run_id": 2, "created_at": "2026-11-20T10:00:00Z", "started_at": "2026-11-20T10:00:07Z",
        "completed_at": "2026-11-20T10:00:01Z"});
    let seen = github("workflow_job", json!({"action": "queued", "workflow_job": job, "deployment": {"id": 44}}));
    assert_eq!((seen.event_type.as_str(), seen.attribute("deployment.id")), ("pipeline_job.queued", "44"));
    let seen = github("workflow_job", json!({"action": "completed", "workflow_job": job}));
    assert_eq!((seen.duration_ns, seen.attribute("queue_duration_ns")), (0, "7000000000"), "an end before the start");
}

#[test]
fn unknown_events_of_every_sender_are_kept_whole() {
    let seen = github("star", json!({"action": "created", "sender": {"login": "ana"}}));
    assert_eq!((seen.event_type.as_str(), seen.unmapped, seen.actor.as_str()), ("github.star.created", true, "ana"));
    assert_eq!(seen.attribute("webhook.payload"), r#"{"action":"created","sender":{"login":"ana"}}"#);
    assert_eq!((seen.class.as_str(), seen.outcome.as_str()), ("app", "none"));
    let seen = azure("git.repo.created", json!({"repository": {"name": "n", "project": {"name": "p"}}}));
    assert_eq!((seen.event_type.as_str(), seen.repository.as_str()), ("azure_devops.git.repo.created", "p/n"));
    assert_eq!(gitlab(json!({"object_kind": "wiki_page"})).event_type, "gitlab.wiki_page");
    assert_eq!(gitlab(json!({"event_name": "project_create"})).event_type, "gitlab.project_create");
    assert_eq!(see(Kind::GitLab, "Emoji Hook", &json!({})).event_type, "gitlab.emoji_hook");
}

// === Azure DevOps ===

#[test]
fn both_spellings_of_release_events() {
    for prefix in ["ms.vss-release", "ms.azure-devops-release", "MS.Azure-DevOps-Release"] {
        let seen = azure(
            &format!("{prefix}.deployment-completed-event"),
            json!({"environment": {"id": 5, "name": "Dev", "status": "partiallySucceeded", "releaseId": 0,
                "release": {"id": 12, "name": "Release-1"}}, "project": {"name": "Shop"}}),
        );
        assert_eq!((seen.event_type.as_str(), seen.target.1.as_str()), ("deployment.completed", "12/5"));
        assert_eq!((seen.outcome.as_str(), seen.severity.as_str()), ("partial", "warn"));
        let seen = azure(&format!("{prefix}.release-abandoned-event"), json!({"release": {"id": 3}}));
        assert_eq!(seen.event_type, "release.abandoned");
    }
}

#[test]
fn a_push_that_deletes_has_no_commits() {
    let seen = azure(
        "git.push",
        json!({"refUpdates": [{"name": "refs/heads/a", "oldObjectId": "11", "newObjectId": "0".repeat(40)},
        {"name": "refs/heads/b"}], "pushedBy": "Ana <ana@x>"}),
    );
    assert_eq!((seen.attribute("ref.deleted"), seen.attribute("ref_count")), ("true", "2"));
    assert_eq!((seen.actor.as_str(), seen.target.1.as_str()), ("ana@x", "refs/heads/a"));
}

#[test]
fn a_merge_attempt_never_counts_as_a_merge() {
    for (status, outcome) in
        [("conflicts", "failure"), ("rejectedByPolicy", "failure"), ("succeeded", "success"), ("queued", "none")]
    {
        let seen =
            azure("git.pullrequest.merged", json!({"pullRequestId": 4, "status": "completed", "mergeStatus": status}));
        assert_eq!((seen.event_type.as_str(), seen.outcome.as_str()), ("pull_request.merge_attempted", outcome));
    }
    let seen = azure("git.pullrequest.updated", json!({"pullRequestId": 4, "status": "abandoned"}));
    assert_eq!(seen.event_type, "pull_request.closed");
    assert_eq!(azure("git.pullrequest.updated", json!({"pullRequestId": "4"})).event_type, "pull_request.updated");
}

#[test]
fn comments_are_new_edited_or_deleted() {
    let event = "ms.vss-code.git-pullrequest-comment-event";
    let [published, later] = ["2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z"];
    for (comment, expected) in [
        (json!({"publishedDate": published, "lastContentUpdatedDate": published}), "commented"),
        (json!({"publishedDate": published, "lastContentUpdatedDate": later}), "comment_edited"),
        (json!({"publishedDate": published, "isDeleted": true}), "comment_deleted"),
        (json!({}), "commented"),
    ] {
        let seen = azure(event, json!({"comment": comment, "pullRequest": {"pullRequestId": 4}}));
        assert_eq!(
            (seen.event_type.as_str(), seen.target.1.as_str()),
            (format!("pull_request.{expected}").as_str(), "4")
        );
    }
}

#[test]
fn states_of_runs_stages_and_jobs() {
    let event = |what: &str| format!("ms.vss-pipelines.{what}-state-changed-event");
    for (what, state, expected, outcome) in [
        ("run", "inProgress", "pipeline_run.started", "pending"),
        ("run", "canceling", "pipeline_run.canceling", "pending"),
        ("run", "completed", "pipeline_run.completed", "cancelled"),
        ("stage", "completed", "pipeline_stage.completed", "cancelled"),
        ("job", "waiting", "pipeline_job.waiting", "pending"),
        ("job", "running", "pipeline_job.started", "pending"),
    ] {
        let seen = azure(
            &event(what),
            json!({what: {"state": state, "result": "canceled", "id": 6, "name": "n"}, "run": {"id": 6, "state": state, "result": "canceled"}}),
        );
        assert_eq!((seen.event_type.as_str(), seen.outcome.as_str()), (expected, outcome), "{what}");
    }
    assert!(azure(&event("run"), json!({"run": {"id": 6}})).unmapped, "resourceDetailsToSend=minimal");
}

#[test]
fn approvals() {
    let checks = "ms.vss-pipelinechecks-events.approval";
    for (event, status, expected, outcome) in [
        (format!("{checks}-pending"), "pending", "requested", "pending"),
        (format!("{checks}-completed"), "approved", "approved", "success"),
        ("ms.vss-release.deployment-approval-completed-event".to_owned(), "rejected", "rejected", "failure"),
    ] {
        let seen = azure(
            &event,
            json!({"approval": {"id": 8, "status": status, "approver": {"id": "guid", "displayName": null}}}),
        );
        assert_eq!(seen.event_type, format!("deployment_review.{expected}"));
        assert_eq!((seen.outcome.as_str(), seen.severity.as_str()), (outcome, "info"));
        assert_eq!((seen.target.0.as_str(), seen.actor.as_str()), ("approval", ""));
    }
}

#[test]
fn the_samples_of_the_documentation_name_no_old_and_new_values() {
    let seen = azure(
        "workitem.updated",
        json!({"id": 2, "workItemId": "7", "rev": "2", "fields": {"System.State": "New", "System.Rev": "2"},
        "revision": {"id": 7, "fields": {"System.TeamProject": "Shop", "System.State": "New", "System.Title": "t"}},
        "revisedBy": "Ana <ana@x>", "revisedDate": "9999-01-01T00:00:00Z"}),
    );
    assert_eq!((seen.event_type.as_str(), seen.target.1.as_str()), ("work_item.updated", "7"));
    assert_eq!(
        (seen.actor.as_str(), seen.attribute("vcs.project"), seen.attribute("work_item.changed")),
        ("ana@x", "Shop", "System.State")
    );
    assert_eq!(seen.attribute("webhook.time"), "received");
}

#[test]
fn test_notifications_are_marked() {
    let body =
        |id: &str| json!({"subscriptionId": id, "id": "1", "eventType": "build.complete", "resource": {"id": 1}});
    let zeros = "00000000-0000-0000-0000-000000000000";
    assert_eq!(see(Kind::AzureDevOps, "", &body(zeros)).attribute("webhook.test"), "true");
    assert_eq!(see(Kind::AzureDevOps, "", &body("c7a4e2d0-0000-4000-8000-00000000aaaa")).attribute("webhook.test"), "");
}

#[test]
fn a_build_of_a_github_repository_keeps_its_name() {
    let seen = azure(
        "build.complete",
        json!({"id": 1, "result": "stopped", "project": {"name": "Shop"}, "repository": {"name": "acme/web"}}),
    );
    assert_eq!(
        (seen.repository.as_str(), seen.outcome.as_str(), seen.attribute("vcs.project")),
        ("acme/web", "cancelled", "Shop")
    );
}

// === GitLab ===

#[test]
fn gitlab_deletions_notes_and_statuses() {
    let seen = gitlab(
        json!({"object_kind": "push", "ref": "refs/heads/a", "before": "1", "after": "0".repeat(40), "checkout_sha": null}),
    );
    assert_eq!((seen.attribute("ref.deleted"), seen.attribute("webhook.time")), ("true", "received"));
    let note = |kind: &str| {
        gitlab(json!({"object_kind": "note", "object_attributes": {"noteable_type": kind, "url": "u"},
            "merge_request": {"iid": 3, "title": "t"}, "issue": {"iid": 4}}))
    };
    assert_eq!(
        (note("MergeRequest").event_type.as_str(), note("MergeRequest").target.1.as_str()),
        ("pull_request.commented", "3")
    );
    assert_eq!((note("Issue").event_type.as_str(), note("Issue").target.1.as_str()), ("work_item.commented", "4"));
    assert_eq!((note("Snippet").event_type.as_str(), note("Snippet").unmapped), ("gitlab.note", true));
    for (status, expected, outcome) in
        [("canceled", "completed", "cancelled"), ("running", "started", "pending"), ("manual", "requested", "pending")]
    {
        let seen = gitlab(
            json!({"object_kind": "pipeline", "object_attributes": {"id": 1, "status": status, "duration": -5}}),
        );
        assert_eq!((seen.event_type, seen.outcome.as_str()), (format!("pipeline_run.{expected}"), outcome));
        assert_eq!(seen.duration_ns, 0);
    }
    let seen = gitlab(json!({"object_kind": "work_item", "object_attributes": {"iid": 9, "action": "reopen"}}));
    assert_eq!((seen.attribute("state.from"), seen.attribute("state.to")), ("closed", "opened"));
}

// === Standard Webhooks ===

#[test]
fn a_sender_of_its_own() {
    let standard = |body: Value| see(Kind::Standard, "", &body);
    let seen =
        standard(json!({"type": "pipeline_run.completed", "timestamp": "2026-11-20T10:01:00Z", "data": {"id": 12,
        "actor": "ana", "repo": "acme/web", "outcome": "FAILED", "started_at": "2026-11-20T10:00:00Z", "sha": "abc",
        "node": "linux-1", "webhook.source_id": "forged", "parameters": {"a": 1}}}));
    assert_eq!(
        (seen.event_type.as_str(), seen.outcome.as_str(), seen.class.as_str()),
        ("pipeline_run.completed", "failure", "error")
    );
    assert_eq!((seen.duration_ns, seen.repository.as_str()), (60_000_000_000, "acme/web"));
    assert_eq!((seen.attribute("vcs.ref.head.revision"), seen.attribute("node")), ("abc", "linux-1"));
    assert_eq!(seen.attribute("webhook.source_id"), "src_1");
    assert!(seen.attribute("webhook.data").contains("parameters") && seen.attribute("webhook.payload").is_empty());
    for (body, event_type) in [
        (json!({"type": "pipeline_run.completed", "data": {}}), "webhook.pipeline_run.completed"),
        (json!({"type": "pull_request.exploded", "data": {"id": 1}}), "webhook.pull_request.exploded"),
        (json!({"data": {"id": 1}}), "webhook.unknown"),
        (json!({"type": {"a": 1}}), "webhook.unknown"),
    ] {
        let seen = standard(body);
        assert_eq!((seen.event_type.as_str(), seen.unmapped), (event_type, true));
    }
    let seen = standard(json!({"type": "webhook.ping"}));
    assert_eq!((seen.ping, seen.class.as_str(), seen.unmapped), (true, "ingest", false));
}

#[test]
fn the_time_of_the_attempt_stands_in_for_a_missing_one() {
    let json = r#"{"type":"invoice.paid"}"#;
    let sent = Delivery { sent_at_ns: Some(NOW - 5), ..delivery(Kind::Standard, "", "msg_1", json) };
    mapped(&sent, NOW, |mapped| assert_eq!(mapped.event.timestamp_ns, NOW - 5));
}

// === all of them ===

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
