//! The devops pack against figures that are computed here: those of the deliveries' scenario, and of facts that the test makes up.

mod counts;
mod lead_time;
mod scenario;

use serde_json::{Value, json};

use crate::store::{RETENTION_DAYS, Store, event, nanoseconds};
use crate::support::Server;
use crate::webhooks::fixtures::KEEP;

const PACK: &str = "devops-webhooks";
/// All of what the tests make up.
const ALWAYS: [(&str, &str); 2] = [("from", "2026-01-01T00:00:00Z"), ("to", "2026-11-01T00:00:00Z")];

type Row = Vec<String>;

fn sorted<T: Ord>(mut rows: Vec<T>) -> Vec<T> {
    rows.sort();
    rows
}

/// What a webhook would have told.
#[derive(Clone, Default)]
struct Fact {
    at: i64,
    kind: &'static str,
    source: &'static str,
    repository: String,
    project: String,
    environment: &'static str,
    target: String,
    outcome: &'static str,
    attempt: String,
    sha: String,
    merge_sha: String,
    took_ms: i64,
    states: (&'static str, &'static str),
}

impl Fact {
    fn row(&self, id: usize) -> Value {
        event(
            self.at,
            id as u128 + 1,
            json!({
                "kind": "webhook", "source": self.source, "event_type": self.kind, "event_class": "deploy", "repository": self.repository,
                "environment": self.environment, "target_id": self.target, "outcome": self.outcome, "user_id": "ana",
                "duration_ns": self.took_ms * 1_000_000, "project": "shop", "retention_days": RETENTION_DAYS,
                "attributes": {
                    "vcs.project": self.project, "vcs.project.id": format!("{}-id", self.project), "run_attempt": self.attempt,
                    "vcs.ref.head.revision": self.sha, "merge_commit_sha": self.merge_sha, "state.from": self.states.0, "state.to": self.states.1,
                },
            }),
        )
    }

    fn place(&self) -> String {
        if self.repository.is_empty() { self.project.clone() } else { self.repository.clone() }
    }
}

async fn told(facts: &[Fact]) -> Server {
    let server = Server::start_with(KEEP).await;
    let rows: Vec<Value> = facts.iter().enumerate().map(|(id, fact)| fact.row(id)).collect();
    Store::of(&server).insert("activitylog.events", &rows).await;
    server
}

/// Some of everything, over two months' ends, at all hours; every third thing is told twice.
fn facts() -> Vec<Fact> {
    let start = nanoseconds("2026-01-25T00:30:00Z");
    let outcomes =
        ["success", "success", "failure", "success", "timeout", "cancelled", "partial", "success", "skipped", "none"];
    let sources = ["github", "azure_devops", "gitlab", "webhook"];
    let mut facts = Vec::new();
    for i in 0..400usize {
        let source = sources[i % 4];
        let project = format!("team-{}", i % 3);
        let without = source == "azure_devops" && i % 8 == 1;
        let fact = Fact {
            at: start + (i as i64) * 37 * 60_000_000_000 * 4 + (i as i64 % 7) * 13_000_000_123,
            source,
            repository: if without { String::new() } else { format!("{project}/app-{}", i % 2) },
            project,
            target: format!("{}", i / 2),
            outcome: outcomes[(i * 7) % outcomes.len()],
            took_ms: 60_000 + (i as i64 * 7919) % 900_000,
            ..Fact::default()
        };
        let environment = ["staging", "production", ""][i % 3];
        facts.push(Fact { kind: "deployment.completed", environment, ..fact.clone() });
        let run = Fact { kind: "pipeline_run.completed", attempt: format!("{}", 1 + i % 2), ..fact.clone() };
        if source == "azure_devops" && !without {
            // The same run, told by an event that knows neither repository nor result.
            facts.push(Fact { repository: String::new(), outcome: "none", at: fact.at + 5_000_000_000, ..run.clone() });
        }
        facts.push(run);
        let change = ["pull_request.opened", "pull_request.merged", "pull_request.closed"][i % 3];
        facts.push(Fact { kind: change, outcome: "none", ..fact.clone() });
        // Never counted.
        facts.push(Fact { kind: "check_run.completed", ..fact.clone() });
        facts.push(Fact { kind: "pull_request.merge_attempted", ..fact.clone() });
        facts.push(Fact { kind: "deployment.inactive", ..fact });
    }
    let again: Vec<Fact> = facts.iter().step_by(3).cloned().collect();
    facts.extend(again);
    facts
}
