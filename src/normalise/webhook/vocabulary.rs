//! The event types that all senders share, and what follows from the first word of one.

/// What events that begin with one word are about.
#[derive(Debug)]
pub struct Family {
    pub name: &'static str,
    pub class: &'static str,
    pub target_type: &'static str,
    /// What may follow the dot; empty: the name stands alone.
    actions: &'static [&'static str],
}

const fn family(
    name: &'static str,
    class: &'static str,
    target_type: &'static str,
    actions: &'static [&'static str],
) -> Family {
    Family { name, class, target_type, actions }
}

const COMMENT: &[&str] = &["created", "edited", "deleted"];
const CHECK: &[&str] = &["created", "requested", "rerequested", "requested_action", "completed"];

#[rustfmt::skip]
const FAMILIES: [Family; 16] = [
    family("push", "code", "ref", &[]),
    family("ref", "code", "ref", &["created", "deleted"]),
    family("pull_request", "code", "pull_request", &[
        "opened", "updated", "merged", "closed", "reopened", "edited", "ready_for_review", "converted_to_draft",
        "review_requested", "review_request_removed", "assigned", "unassigned", "labeled", "unlabeled", "milestoned",
        "demilestoned", "locked", "unlocked", "auto_merge_enabled", "auto_merge_disabled", "enqueued", "dequeued",
        "approved", "unapproved", "merge_attempted", "commented", "comment_edited", "comment_deleted",
    ]),
    family("pull_request_review", "code", "pull_request", &["submitted", "edited", "dismissed"]),
    family("pull_request_review_comment", "code", "pull_request", COMMENT),
    family("merge_group", "code", "ref", &["checks_requested", "destroyed"]),
    family("deployment", "deploy", "deployment", &["created", "pending", "started", "completed", "inactive"]),
    family("deployment_review", "deploy", "approval", &["requested", "approved", "rejected"]),
    family("release", "deploy", "release", &[
        "created", "published", "released", "prereleased", "edited", "unpublished", "deleted", "updated", "abandoned",
    ]),
    family("pipeline_run", "build", "pipeline_run", &["requested", "started", "completed", "canceling"]),
    family("pipeline_job", "build", "pipeline_job", &["queued", "waiting", "started", "completed"]),
    family("pipeline_stage", "build", "pipeline_stage", &["waiting", "started", "completed", "canceling"]),
    family("check_run", "build", "check_run", CHECK),
    family("check_suite", "build", "check_suite", CHECK),
    family("commit_status", "build", "commit", &["updated"]),
    family("work_item", "work", "work_item", &[
        "created", "updated", "state_changed", "commented", "comment_edited", "comment_deleted", "deleted", "restored",
    ]),
];

/// `webhook.ping` apart: it is about the webhook itself.
pub const PING: &str = "webhook.ping";

/// The family that an event type belongs to, whatever follows the dot.
pub fn of(event_type: &str) -> Option<&'static Family> {
    let first = event_type.split('.').next()?;
    FAMILIES.iter().find(|family| family.name == first)
}

/// Whether an event type is one of those listed here, to the last word.
pub fn knows(event_type: &str) -> bool {
    let Some(family) = of(event_type) else {
        return event_type == PING;
    };
    match event_type.split_once('.') {
        None => family.actions.is_empty(),
        Some((_, action)) => family.actions.contains(&action),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_known_by_both_words() {
        for known in ["push", "ref.created", "deployment.completed", "work_item.restored", "webhook.ping"] {
            assert!(knows(known), "{known}");
        }
        for unknown in ["", "push.forced", "deployment", "deployment.", "pull_request.exploded", "invoice.paid"] {
            assert!(!knows(unknown), "{unknown}");
        }
        assert_eq!(of("deployment_review.approved").unwrap().class, "deploy");
        assert_eq!(of("pull_request.exploded").unwrap().target_type, "pull_request");
    }
}
