use super::*;

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
