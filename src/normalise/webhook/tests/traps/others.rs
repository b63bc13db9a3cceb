use super::*;

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
