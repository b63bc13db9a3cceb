//! What the name of a plain OpenTelemetry event says about its class: relays and apps that speak of deployments, builds, work
//! items or logins name their events so, and the feed colours them as it does the webhooks that say the same.

/// The class that `event_type` belongs to, by its first word.
pub fn of(event_type: &str) -> Option<&'static str> {
    let (first, _) = event_type.split_once('.')?;
    Some(match first {
        "pull_request" | "merge_request" | "push" | "commit" | "branch" | "tag" | "code_review" | "vcs" => "code",
        "deployment" | "deploy" | "release" | "rollback" => "deploy",
        "build" | "pipeline" | "workflow_run" | "workflow_job" | "check_run" | "check_suite" | "cicd" => "build",
        "work_item" | "issue" | "ticket" | "incident" => "work",
        "auth" | "login" | "mfa" => "auth",
        "audit" | "role" | "token" | "invite" | "membership" => "audit",
        "ingest" => "ingest",
        "query" => "query",
        "tool" => "tool",
        "session" => "session",
        _ => return None,
    })
}

/// What the last word says became of it.
pub fn outcome_of(event_type: &str) -> Option<&'static str> {
    let last = event_type.rsplit(['.', '_']).next()?;
    match last {
        "failed" | "failure" | "error" | "errored" => Some("failure"),
        "succeeded" | "success" | "completed" | "passed" => Some("success"),
        "rejected" | "denied" | "blocked" => Some("rejected"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_gives_the_class_and_the_last_the_outcome() {
        assert_eq!((of("pull_request.merged"), outcome_of("pull_request.merged")), (Some("code"), None));
        assert_eq!((of("deployment.failed"), outcome_of("deployment.failed")), (Some("deploy"), Some("failure")));
        assert_eq!((of("auth.login_failed"), outcome_of("auth.login_failed")), (Some("auth"), Some("failure")));
        assert_eq!(of("build"), None);
        assert_eq!(of("app.started"), None);
    }
}
