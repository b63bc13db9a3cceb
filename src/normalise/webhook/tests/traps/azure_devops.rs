use super::*;

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
