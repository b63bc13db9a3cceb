//! Pushes and pull requests.

use std::borrow::Cow;

use super::super::fact::{Copied, Fact};
use super::super::moment::between;
use super::super::object::Object;
use super::{Known, Payload, Rule, identity};

pub(super) const RULES: [Rule; 6] = [
    Rule { event: "git.push", map: push, attributes: &[("push_id", "resource/pushId")] },
    Rule { event: "tfvc.checkin", map: checkin, attributes: &[] },
    Rule { event: "git.pullrequest.created", map: created, attributes: PULL_REQUEST },
    Rule { event: "git.pullrequest.updated", map: updated, attributes: PULL_REQUEST },
    Rule { event: "git.pullrequest.merged", map: merge_attempted, attributes: PULL_REQUEST },
    Rule {
        event: "ms.vss-code.git-pullrequest-comment-event",
        map: commented,
        attributes: &[("comment.id", "resource/comment/id"), ("vcs.change.id", "resource/pullRequest/pullRequestId")],
    },
];

const PULL_REQUEST: &[Copied] = &[
    ("vcs.change.id", "resource/pullRequestId"),
    ("vcs.ref.head.name", "resource/sourceRefName"),
    ("vcs.ref.head.revision", "resource/lastMergeSourceCommit/commitId"),
    ("vcs.ref.base.name", "resource/targetRefName"),
    ("vcs.ref.base.revision", "resource/lastMergeTargetCommit/commitId"),
    ("merge_commit_sha", "resource/lastMergeCommit/commitId"),
    ("merge_status", "resource/mergeStatus"),
    ("draft", "resource/isDraft"),
    ("vcs.repository.url.full", "resource/repository/remoteUrl"),
];

/// One push may move several refs: the first is the target. `commits` is missing where a ref was deleted.
fn push<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let it = payload.it;
    fact.event_type = Cow::Borrowed("push");
    fact.occurred_at = it.time("date");
    fact.actor = identity(it, "pushedBy");
    if let Some(update) = it.first_item("refUpdates") {
        fact.target_id = update.text("name");
        fact.add("vcs.ref.head.name", update.text("name"));
        fact.moved(update.text("oldObjectId"), update.text("newObjectId"));
    }
    fact.add_number("ref_count", it.count("refUpdates").filter(|&count| count > 1));
    fact.add_number("commit_count", it.count("commits"));
    fact.add("vcs.repository.url.full", it.text("repository/remoteUrl"));
    true
}

fn checkin<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let it = payload.it;
    fact.event_type = Cow::Borrowed("push");
    fact.occurred_at = it.time("createdDate");
    fact.actor = identity(it, "checkedInBy");
    if fact.actor.is_empty() {
        fact.actor = identity(it, "author");
    }
    fact.target_type = Some("commit");
    fact.target_id = it.text("changesetId");
    fact.add("vcs.ref.head.revision", it.text("changesetId"));
    true
}

fn created<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    fact.typed("pull_request", "opened");
    fact.occurred_at = payload.it.time("creationDate");
    fact.actor = identity(payload.it, "createdBy");
    of_pull_request(payload.it, fact);
    true
}

/// Whether a push, a vote or a reviewer updated it, and who did, stands in `message` alone; `createdBy` is the author.
fn updated<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let it = payload.it;
    let status = it.text("status").to_ascii_lowercase();
    fact.actor = identity(it, "closedBy");
    match status.as_str() {
        "completed" => {
            fact.typed("pull_request", "merged");
            fact.occurred_at = it.time("closedDate");
            fact.duration_ns = between(it.time("creationDate"), it.time("closedDate"));
        }
        "abandoned" => {
            fact.typed("pull_request", "closed");
            fact.occurred_at = it.time("closedDate");
        }
        _ => fact.typed("pull_request", "updated"),
    }
    of_pull_request(it, fact);
    true
}

/// Says that a merge commit was made or could not be, which happens to open pull requests all the time. Not a merge.
fn merge_attempted<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let it = payload.it;
    fact.typed("pull_request", "merge_attempted");
    if it.text("status").eq_ignore_ascii_case("completed") {
        fact.occurred_at = it.time("closedDate");
    }
    of_pull_request(it, fact);
    fact.result(it.text("mergeStatus"));
    true
}

fn of_pull_request<'d>(it: &Object<'d>, fact: &mut Fact<'d>) {
    fact.target_id = it.text("pullRequestId");
    fact.title = it.text("title");
    fact.add("author", identity(it, "createdBy"));
    fact.add("webhook.action", it.text("status"));
    let state = match it.text("status").to_ascii_lowercase().as_str() {
        "completed" => "merged",
        "abandoned" => "closed",
        "active" if it.is_true("isDraft") => "wip",
        "active" => "open",
        _ => "",
    };
    fact.add("vcs.change.state", state);
}

fn commented<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let it = payload.it;
    let published = it.time("comment/publishedDate");
    let edited = it.time("comment/lastContentUpdatedDate");
    let (action, time) = if it.is_true("comment/isDeleted") {
        ("comment_deleted", it.time("comment/lastUpdatedDate"))
    } else if edited.is_some() && edited > published {
        ("comment_edited", edited)
    } else {
        ("commented", published)
    };
    fact.typed("pull_request", action);
    fact.occurred_at = time;
    fact.actor = identity(it, "comment/author");
    fact.target_id = it.text("pullRequest/pullRequestId");
    fact.title = it.text("pullRequest/title");
    fact.add("author", identity(it, "pullRequest/createdBy"));
    if let Some(url) = it.get("pullRequest/_links/web/href").or_else(|| it.get("pullRequest/url")) {
        fact.url = super::super::object::text(url);
    }
    true
}
