//! What a team's forge, pipelines and tracker say, relayed as plain OTLP logs: a change is opened, built, merged and
//! deployed; work items move. Attributes are those of the CI/CD, VCS and deployment conventions.

use std::sync::Arc;

use serde_json::json;

use super::feed::{Actor, pause};
use super::people::{Developer, OWNER, TEAMS, Team};
use super::random::Random;
use super::record::{Attributes, Item, MILLISECOND, Nanos, SECOND, Signal, Source};

pub struct Deliveries {
    random: Random,
    developers: Vec<Developer>,
    /// One for each team, in their order.
    sources: Vec<Arc<Source>>,
    next: Nanos,
    pace: f64,
    change: u64,
    run: u64,
    item: u64,
}

const INFO: (u64, &str) = (9, "INFO");
const ERROR: (u64, &str) = (17, "ERROR");

const TITLES: [&str; 8] = [
    "Retry the payment gateway on timeouts",
    "Show stock next to the price",
    "Move the index build to nightly",
    "Rotate the signing keys",
    "Cut the cold start of the cart",
    "Fix the rounding of discounts",
    "Document the release steps",
    "Drop the old search endpoint",
];
const STATES: [&str; 4] = ["New", "Active", "In Review", "Closed"];

/// What one episode is about.
struct Change<'a> {
    team: &'static Team,
    author: &'a Developer,
    source: Arc<Source>,
    number: u64,
    title: &'static str,
    branch: String,
    revision: String,
    clock: Nanos,
}

// === impl Deliveries ===

impl Deliveries {
    pub fn new(mut random: Random, source: u64, developers: Vec<Developer>, start: Nanos, pace: f64) -> Deliveries {
        let relay = |(i, team): (usize, &&Team)| {
            let resource = Attributes::new()
                .text("service.name", "devops-relay")
                .text("service.version", "1.8.0")
                .text("project", team.project);
            let scope = "example.devops_relay";
            Arc::new(Source { id: (source << 16) + i as u64, resource, scope, scope_version: "1.8.0" })
        };
        let sources = TEAMS.iter().enumerate().map(relay).collect();
        let next = start + pause(&mut random, 40.0, pace);
        let (change, run, item) = (random.range(300, 900), random.range(10_000, 40_000), random.range(1000, 5000));
        Deliveries { random, developers, sources, next, pace, change, run, item }
    }

    fn change(&mut self, out: &mut Vec<Item>) {
        let author = self.developers[self.random.range(0, self.developers.len() as u64) as usize].clone();
        self.change += 1;
        let team = author.team;
        let at = TEAMS.iter().position(|each| *each == team).unwrap_or(0);
        let mut change = Change {
            team,
            author: &author,
            source: self.sources[at].clone(),
            number: self.change,
            title: self.random.pick(&TITLES),
            branch: format!("{}/{}", author.login, self.random.hex(6)),
            revision: self.random.hex(40),
            clock: self.next,
        };
        let opened = change.attributes("open");
        let text = format!("{} opened pull request #{}: {}", author.login, change.number, change.title);
        out.push(change.event("pull_request.opened", INFO, text, opened));
        change.clock += self.random.range(5, 30) * SECOND;
        while !self.build(&mut change, out) {
            // the author pushes a fix
            change.clock += pause(&mut self.random, 150.0, self.pace);
            change.revision = self.random.hex(40);
            let updated = change.attributes("open");
            let text = format!("{} updated pull request #{}", author.login, change.number);
            out.push(change.event("pull_request.updated", INFO, text, updated));
            change.clock += self.random.range(3, 15) * SECOND;
        }
        if !self.random.chance(0.85) {
            return;
        }
        change.clock += pause(&mut self.random, 200.0, self.pace);
        let merged = change.attributes("merged");
        let text = format!("{} merged pull request #{}: {}", author.login, change.number, change.title);
        out.push(change.event("pull_request.merged", INFO, text, merged));
        self.work_item(&mut change, out);
        change.clock += self.random.range(5, 20) * SECOND;
        if self.build(&mut change, out) {
            for environment in ["staging", "production"] {
                if !self.deploy(&mut change, environment, out) {
                    return;
                }
            }
        }
    }

    /// True if it succeeded.
    fn build(&mut self, change: &mut Change, out: &mut Vec<Item>) -> bool {
        self.run += 1;
        let seconds = self.random.around(95.0, 0.5).clamp(15.0, 900.0);
        change.clock += (seconds * SECOND as f64) as Nanos;
        let fine = self.random.chance(0.86);
        let (event, result, severity) =
            if fine { ("build.succeeded", "success", INFO) } else { ("build.failed", "failure", ERROR) };
        let attributes = change
            .attributes("open")
            .text("cicd.pipeline.name", "build and test")
            .text("cicd.pipeline.run.id", self.run.to_string())
            .text("cicd.pipeline.result", result)
            .int("duration_ms", (seconds * 1000.0) as u64)
            .maybe("error.type", (!fine).then_some("tests_failed"));
        let text = format!(
            "Build {} of {} {}",
            self.run,
            change.team.repository,
            if fine { "passed" } else { "failed: 3 tests" }
        );
        out.push(change.event(event, severity, text, attributes));
        fine
    }

    fn deploy(&mut self, change: &mut Change, environment: &str, out: &mut Vec<Item>) -> bool {
        self.run += 1;
        let id = format!("{}-{}", change.team.repository, self.run);
        let common = |change: &Change| {
            change
                .attributes("merged")
                .text("deployment.id", &id)
                .text("deployment.name", format!("deploy {}", change.team.repository))
                .text("deployment.environment.name", environment)
        };
        change.clock += self.random.range(2, 20) * SECOND;
        let text = format!("Deploying {} to {environment}", change.team.repository);
        let started = common(change);
        out.push(change.event("deployment.started", INFO, text, started));
        let seconds = self.random.around(70.0, 0.4).clamp(20.0, 400.0);
        change.clock += (seconds * SECOND as f64) as Nanos;
        let fine = self.random.chance(0.94);
        let (event, status, severity) =
            if fine { ("deployment.succeeded", "succeeded", INFO) } else { ("deployment.failed", "failed", ERROR) };
        let attributes = common(change)
            .text("deployment.status", status)
            .int("duration_ms", (seconds * 1000.0) as u64)
            .maybe("error.type", (!fine).then_some("health_check_failed"));
        let text = format!("Deployment of {} to {environment} {status}", change.team.repository);
        out.push(change.event(event, severity, text, attributes));
        fine
    }

    fn work_item(&mut self, change: &mut Change, out: &mut Vec<Item>) {
        self.item += 1;
        let from = self.random.range(0, 3) as usize;
        change.clock += self.random.range(400, 9000) * MILLISECOND;
        let attributes = Attributes::new()
            .text("user.name", change.author.login)
            .text("user.email", change.author.email())
            .text("work_item.id", self.item.to_string())
            .text("work_item.type", self.random.pick(&["Bug", "User Story", "Task"]))
            .text("work_item.title", change.title)
            .text("work_item.previous_state", STATES[from])
            .text("work_item.state", STATES[from + 1]);
        let text = format!("{} moved {} from {} to {}", change.author.login, self.item, STATES[from], STATES[from + 1]);
        out.push(change.event("work_item.updated", INFO, text, attributes));
    }
}

impl Actor for Deliveries {
    fn next(&self) -> Nanos {
        self.next
    }

    fn act(&mut self, out: &mut Vec<Item>) {
        self.change(out);
        self.next += pause(&mut self.random, 100.0, self.pace);
    }
}

// === impl Change ===

impl Change<'_> {
    fn attributes(&self, state: &str) -> Attributes {
        Attributes::new()
            .text("user.name", self.author.login)
            .text("user.full_name", self.author.name)
            .text("user.email", self.author.email())
            .text("vcs.owner.name", OWNER)
            .text("vcs.repository.name", self.team.repository)
            .text("vcs.repository.url.full", self.team.repository_url())
            .text("vcs.change.id", self.number.to_string())
            .text("vcs.change.title", self.title)
            .text("vcs.change.state", state)
            .text("vcs.ref.head.name", if state == "merged" { "main" } else { &self.branch })
            .text("vcs.ref.head.type", "branch")
            .text("vcs.ref.head.revision", &self.revision)
    }

    fn event(&self, name: &str, severity: (u64, &str), text: String, attributes: Attributes) -> Item {
        let record = json!({
            "timeUnixNano": self.clock.to_string(),
            "observedTimeUnixNano": (self.clock + 40 * MILLISECOND).to_string(),
            "severityNumber": severity.0,
            "severityText": severity.1,
            "body": {"stringValue": text},
            "attributes": Attributes::new().text("event.name", name).and(&attributes).json(),
        });
        Item::new(self.clock, Signal::Logs, &self.source, name, record)
    }
}
