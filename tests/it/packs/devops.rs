//! The devops pack against figures that are computed here: those of the deliveries' scenario, and of facts that the test makes up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::zones::{ZONES, date};
use super::{Panel, panel};
use crate::store::{RETENTION_DAYS, Store, event, nanoseconds};
use crate::support::Server;
use crate::webhooks::fixtures::{KEEP, Senders, read};
use crate::webhooks::{EVENTS, folder};

const PACK: &str = "devops-webhooks";
/// All of what the test makes up.
const ALWAYS: [(&str, &str); 2] = [("from", "2026-01-01T00:00:00Z"), ("to", "2026-11-01T00:00:00Z")];
const HOUR: i64 = 3_600_000_000_000;

type Row = Vec<String>;

/// The deliveries that lie here, and those that may not be copied.
fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut beside = root.ancestors().skip(1).map(|folder| folder.join("shared/fixtures/webhooks"));
    let found = beside.find(|folder| folder.is_dir());
    if found.is_none() {
        println!("skipped: the deliveries that may not be copied");
    }
    std::iter::once(folder()).chain(found).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_give_the_reports_of_their_scenario() {
    for folder in folders() {
        let scenario = read(&folder.join("scenario.json"));
        let server = Server::start_with(KEEP).await;
        let senders = Senders::of(&folder, &server, "default").await;
        for file in scenario["deliveries"].as_array().expect("a list") {
            let answer = senders.send(file.as_str().expect("text")).await;
            assert_eq!(answer.status, 200, "{file}: {}", answer.text());
        }
        let expected = &scenario["expected"];
        server.wait_for_count(EVENTS, expected["distinct_events"].as_u64().expect("a number")).await;
        let reports = &expected["reports"];
        let ask = async |id: &str, names: &[&str]| years(&server, id, names).await;

        let names = ["day", "source", "repo_or_project", "environment", "success", "failure", "other"];
        let keys = ["date", "source", "repo_or_project", "environment", "success", "failure", "other"];
        assert_eq!(sorted(ask("deploys-per-day", &names).await), expected_rows(&reports["deploys_per_day"], &keys));

        let names = ["source", "repo", "opened", "merged", "closed"];
        assert_eq!(summed(ask("pr-cadence", &names).await, 2), expected_rows(&reports["pr_cadence"], &names));

        let names = ["source", "repo_or_project", "success", "failure", "timeout", "partial", "cancelled", "none"];
        let expected = expected_rows(&reports["build_fail_rate"], &names);
        assert_eq!(summed(ask("build-fail-rate", &names).await, 2), expected);
        let rates = ask("build-fail-rate", &["source", "repo_or_project", "fail_rate"]).await;
        for row in reports["build_fail_rate"].as_array().expect("a list") {
            let of = |found: &&Row| found[0] == row["source"] && found[1] == row["repo_or_project"];
            for found in rates.iter().filter(of) {
                assert_eq!(found[2].parse().ok(), row["fail_rate"].as_f64(), "{found:?}");
            }
        }

        let names = ["source", "repo", "release_id", "tag"];
        let releases = ask("release-timeline", &[&names[..], &["time"]].concat()).await;
        let (found, times): (Vec<Row>, Vec<i64>) =
            releases.iter().map(|row| (row[..4].to_vec(), nanoseconds(&row[4]))).unzip();
        assert_eq!(sorted(found), expected_rows(&reports["release_timeline"], &names));
        let at = |release: &Value| nanoseconds(release["at"].as_str().expect("text"));
        let expected: Vec<i64> = reports["release_timeline"].as_array().expect("a list").iter().map(at).collect();
        assert_eq!(sorted(times), sorted(expected));

        compare_churn(&server, &reports["work_item_churn"]).await;
    }
}

/// Rows of these columns over all the years of the deliveries. A range has 400 days at most.
async fn years(server: &Server, id: &str, names: &[&str]) -> Vec<Row> {
    let mut rows = Vec::new();
    for year in 2013..2026 {
        let range = [format!("{year}-01-01T00:00:00Z"), format!("{}-01-01T00:00:00Z", year + 1)];
        let found = panel(server, PACK, id, &[("from", &range[0]), ("to", &range[1])]).await;
        rows.extend(found.of(names).into_iter().map(|row| row.into_iter().map(str::to_owned).collect::<Row>()));
    }
    rows
}

/// Figures of rows with the same first columns together.
fn summed(rows: Vec<Row>, keys: usize) -> Vec<Row> {
    let mut sums: BTreeMap<Row, Vec<u64>> = BTreeMap::new();
    for row in rows {
        let figures: Vec<u64> = row[keys..].iter().map(|cell| cell.parse().expect("a number")).collect();
        let sum = sums.entry(row[..keys].to_vec()).or_insert_with(|| vec![0; figures.len()]);
        sum.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure);
    }
    sums.into_iter().map(|(key, sum)| [key, sum.iter().map(u64::to_string).collect()].concat()).collect()
}

async fn compare_churn(server: &Server, expected: &Value) {
    let names = ["source", "repo_or_project", "work_item", "transitions"];
    assert_eq!(summed(years(server, "work-item-churn", &names).await, 3), expected_rows(expected, &names));
    let names = ["source", "repo_or_project", "work_item", "time", "from_state", "to_state"];
    let steps = years(server, "work-item-transitions", &names).await;
    let paths = years(server, "work-item-churn", &["source", "repo_or_project", "work_item", "path"]).await;
    for item in expected.as_array().expect("a list") {
        let id = ["source", "repo_or_project", "work_item"].map(|name| item[name].as_str().expect("text").to_owned());
        let of_item = |row: &&Row| row[..3] == id;
        let found = steps.iter().filter(of_item).map(|row| (nanoseconds(&row[3]) / 1_000_000, row[4..].join(" → ")));
        let told = item["path"].as_array().expect("a list").iter().map(|step| {
            let text = |at: usize| step[at].as_str().expect("text");
            (nanoseconds(text(2)) / 1_000_000, format!("{} → {}", text(0), text(1)))
        });
        let told: Vec<(i64, String)> = told.collect();
        assert_eq!(sorted(found.collect::<Vec<_>>()), told, "{id:?}");
        // The roll-up tells the same steps, in their order.
        let path =
            paths.iter().filter(of_item).flat_map(|row| serde_json::from_str::<Vec<String>>(&row[3]).expect("a list"));
        assert_eq!(path.collect::<Vec<_>>(), told.into_iter().map(|(_, step)| step).collect::<Vec<_>>(), "{id:?}");
    }
}

fn expected_rows(rows: &Value, keys: &[&str]) -> Vec<Vec<String>> {
    let cell = |row: &Value, key: &&str| match &row[*key] {
        Value::Null => "0".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let rows = rows.as_array().expect("a list").iter();
    sorted(rows.map(|row| keys.iter().map(|key| cell(row, key)).collect()).collect())
}

fn sorted<T: Ord>(mut rows: Vec<T>) -> Vec<T> {
    rows.sort();
    rows
}

// === facts made up here ===

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

fn deploys(facts: &[Fact], zone: &str) -> Vec<Row> {
    let mut days: BTreeMap<Row, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| fact.kind == "deployment.completed") {
        let key = vec![date(fact.at, zone), fact.source.into(), fact.place(), fact.environment.into()];
        days.entry(key).or_default().insert((&fact.target, fact.outcome));
    }
    let count = |set: &BTreeSet<(&str, &str)>, name| set.iter().filter(|(_, outcome)| *outcome == name).count();
    let row = |(mut key, set): (Row, BTreeSet<(&str, &str)>)| {
        let (success, failure) = (count(&set, "success"), count(&set, "failure"));
        key.extend([success, failure, set.len() - success - failure].map(|n| n.to_string()));
        key
    };
    days.into_iter().map(row).collect()
}

/// Opened, merged and closed by what `key` says.
fn changes(facts: &[Fact], key: impl Fn(&Fact) -> Row) -> Vec<Row> {
    let kinds = ["pull_request.opened", "pull_request.merged", "pull_request.closed"];
    type Changes<'a> = BTreeSet<(&'a str, &'a str, &'a str)>;
    let mut found: BTreeMap<Row, [Changes<'_>; 3]> = BTreeMap::new();
    for fact in facts {
        if let Some(at) = kinds.iter().position(|kind| *kind == fact.kind) {
            found.entry(key(fact)).or_default()[at].insert((fact.source, &fact.repository, &fact.target));
        }
    }
    found.into_iter().map(|(key, sets)| [key, sets.map(|set| set.len().to_string()).to_vec()].concat()).collect()
}

/// Runs, by source and place: failed and decided ones, and all.
fn builds(facts: &[Fact]) -> BTreeMap<(String, String), (usize, usize, usize)> {
    let mut runs: BTreeMap<(String, String, String, String), Vec<&Fact>> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| fact.kind == "pipeline_run.completed") {
        let scope = if fact.source == "azure_devops" { fact.project.clone() } else { fact.place() };
        runs.entry((fact.source.into(), scope, fact.target.clone(), fact.attempt.clone())).or_default().push(fact);
    }
    let mut places: BTreeMap<(String, String), (usize, usize, usize)> = BTreeMap::new();
    for run in runs.values() {
        let told = run.iter().max_by_key(|fact| (!fact.repository.is_empty(), fact.at)).expect("one");
        let (failed, decided, all) = places.entry((told.source.into(), told.place())).or_default();
        *failed += usize::from(["failure", "timeout"].contains(&told.outcome));
        *decided += usize::from(["success", "failure", "timeout", "partial"].contains(&told.outcome));
        *all += 1;
    }
    places
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_count_facts_once_in_every_time_zone() {
    let facts = facts();
    let server = told(&facts).await;
    for zone in ZONES {
        let query = [ALWAYS.as_slice(), &[("timezone", zone)]].concat();
        let ask = async |id: &str| panel(&server, PACK, id, &query).await;
        let names = ["day", "source", "repo_or_project", "environment", "success", "failure", "other"];
        assert_eq!(sorted(ask("deploys-per-day").await.of(&names)), deploys(&facts, zone), "{zone}");
        let changed = ask("pull-requests-per-day").await;
        let per_day = changes(&facts, |fact| vec![date(fact.at, zone)]);
        assert_eq!(changed.of(&["day", "opened", "merged", "closed"]), per_day, "{zone}");
        let lines = ask("deploys-per-day").await;
        // One point a day for each series.
        let points: BTreeSet<Vec<&str>> = lines.of(&["day", "source", "deployment"]).into_iter().collect();
        assert_eq!(points.len(), lines.rows.len());
    }
    let ask = async |id: &str, more: &[(&str, &str)]| panel(&server, PACK, id, &[&ALWAYS[..], more].concat()).await;
    let cadence = ask("pr-cadence", &[]).await;
    let per_repository = changes(&facts, |fact| vec![fact.source.into(), fact.repository.clone()]);
    assert_eq!(sorted(cadence.of(&["source", "repo", "opened", "merged", "closed"])), per_repository);
    compare_builds(&ask("build-fail-rate", &[]).await, &builds(&facts));

    // Filters narrow what is counted.
    let one: Vec<Fact> = facts.iter().filter(|fact| fact.repository == "team-1/app-1").cloned().collect();
    let filter = [("repository", "team-1/app-1")];
    compare_builds(&ask("build-fail-rate", &filter).await, &builds(&one));
    let staging: Vec<Fact> = one.iter().filter(|fact| fact.environment == "staging").cloned().collect();
    let filter = [("repository", "team-1/app-1"), ("environment", "staging"), ("user_id", "ana"), ("project", "shop")];
    let names = ["day", "source", "repo_or_project", "environment", "success", "failure", "other"];
    assert_eq!(sorted(ask("deploys-per-day", &filter).await.of(&names)), deploys(&staging, "UTC"));
    assert_eq!(ask("deploys-per-day", &[("user_id", "nobody")]).await.rows.len(), 0);

    summary_and_outcomes(&server, &facts).await;
    ranges(&server, &facts).await;
}

fn compare_builds(found: &Panel, expected: &BTreeMap<(String, String), (usize, usize, usize)>) {
    let numbers = ["success", "failure", "timeout", "partial", "cancelled", "skipped", "neutral", "none"];
    assert_eq!(found.rows.len(), expected.len());
    for (names, figures) in found.of(&["source", "repo_or_project", "fail_rate"]).iter().zip(found.of(&numbers)) {
        let figures: Vec<usize> = figures.iter().map(|figure| figure.parse().expect("a number")).collect();
        let (failed, decided, all) = expected[&(names[0].to_owned(), names[1].to_owned())];
        assert_eq!(
            (figures[1] + figures[2], figures[..4].iter().sum(), figures.iter().sum()),
            (failed, decided, all),
            "{names:?}"
        );
        assert_eq!(names[2].parse().ok(), (decided > 0).then(|| failed as f64 / decided as f64), "{names:?}");
    }
}

async fn summary_and_outcomes(server: &Server, facts: &[Fact]) {
    let rows = deploys(facts, "UTC");
    let sum = |at: usize| rows.iter().map(|row| row[at].parse::<usize>().expect("a number")).sum::<usize>();
    let summary = panel(server, PACK, "delivery-summary", &ALWAYS).await;
    let (mut failed, mut decided) = (0, 0);
    for (bad, all, _) in builds(facts).values() {
        (failed, decided) = (failed + bad, decided + all);
    }
    let merged: usize = changes(facts, |_| vec![]).iter().map(|row| row[1].parse::<usize>().expect("a number")).sum();
    assert_eq!(summary.of(&["deploys", "merged", "releases"]), [[sum(4).to_string(), merged.to_string(), "0".into()]]);
    let rate: f64 = summary.column("build_fail_rate")[0].parse().expect("a number");
    assert!((rate - failed as f64 / decided as f64).abs() < 1e-12, "{rate} {failed}/{decided}");

    // By environment: of those that were decided.
    let rates = panel(server, PACK, "change-fail-rate", &ALWAYS).await;
    let mut expected: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let once: BTreeSet<_> = facts
        .iter()
        .filter(|fact| fact.kind == "deployment.completed")
        .map(|fact| (date(fact.at, "UTC"), fact.source, fact.place(), fact.environment, &fact.target, fact.outcome))
        .collect();
    for (.., environment, _, outcome) in &once {
        let (failed, decided) = expected.entry(environment).or_default();
        *failed += usize::from(["failure", "timeout"].contains(outcome));
        *decided += usize::from(["success", "failure", "timeout", "partial"].contains(outcome));
    }
    assert_eq!(rates.rows.len(), expected.len());
    for row in rates.of(&["environment", "fail_rate", "decided"]) {
        let (failed, decided) = expected[row[0]];
        assert_eq!((row[1].parse(), row[2].parse()), (Ok(failed as f64 / decided as f64), Ok(decided)), "{row:?}");
    }
}

/// Nothing, one thing, and what lies around the end of a month.
async fn ranges(server: &Server, facts: &[Fact]) {
    let between = async |id: &str, from: i64, to: i64, zone: &str| {
        let text = |ns: i64| format!("{:.9}", jiff::Timestamp::from_nanosecond(i128::from(ns)).expect("an instant"));
        panel(server, PACK, id, &[("from", &text(from)), ("to", &text(to)), ("timezone", zone)]).await
    };
    let names = ["day", "source", "repo_or_project", "environment", "success", "failure", "other"];
    let one = facts.iter().find(|fact| fact.kind == "deployment.completed" && fact.outcome == "success").expect("one");
    let found = between("deploys-per-day", one.at, one.at + 1000, "UTC").await;
    assert_eq!(found.of(&names), deploys(std::slice::from_ref(one), "UTC"));
    // The end is not in the range.
    assert_eq!(between("deploys-per-day", one.at - 1000, one.at, "UTC").await.rows.len(), 0);
    let (from, to) = (nanoseconds("2026-01-31T12:00:00Z"), nanoseconds("2026-02-01T12:00:00Z"));
    let around: Vec<Fact> = facts.iter().filter(|fact| (from..to).contains(&fact.at)).cloned().collect();
    for zone in ZONES {
        let expected = deploys(&around, zone);
        let days: BTreeSet<&String> = expected.iter().map(|row| &row[0]).collect();
        assert_eq!(days.len(), 2, "{days:?}");
        assert_eq!(sorted(between("deploys-per-day", from, to, zone).await.of(&names)), expected, "{zone}");
    }
    super::every_panel_answers(server, "", PACK, [("from", "2011-01-01T00:00:00Z"), ("to", "2011-01-02T00:00:00Z")])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lead_time_runs_from_a_commit_to_its_deployment() {
    let sha = |n: u8| format!("{n:02x}").repeat(20);
    let at = nanoseconds("2026-03-01T04:00:00Z");
    let push = |n: u8, hours: i64| Fact {
        at: at + hours * HOUR,
        kind: "push",
        source: "github",
        repository: "acme/shop".into(),
        sha: sha(n),
        ..Fact::default()
    };
    let deploy = |sha: String, source, repository: &str, environment, target: &str, hours: i64| Fact {
        at: at + hours * HOUR,
        kind: "deployment.completed",
        source,
        repository: repository.into(),
        environment,
        target: target.into(),
        outcome: "success",
        sha,
        ..Fact::default()
    };
    let merged = Fact { kind: "pull_request.merged", sha: sha(9), merge_sha: sha(3), ..push(0, 4) };
    let facts = [
        push(1, 0),
        push(1, 1),
        // 20 days before the range.
        push(2, -20 * 24),
        merged,
        deploy(sha(1), "github", "acme/shop", "staging", "1", 2),
        // Told again, and told of another environment.
        deploy(sha(1), "github", "acme/shop", "staging", "1", 3),
        deploy(sha(1), "github", "acme/shop", "production", "2", 10),
        deploy(sha(2), "github", "acme/shop", "production", "3", 12),
        // Another tool deploys what the forge merged.
        deploy(sha(3), "webhook", "", "production", "4", 14),
        // Half a hash does where the repository is the same, not elsewhere.
        deploy(sha(1)[..8].into(), "gitlab", "acme/shop", "review", "5", 5),
        deploy(sha(1)[..8].into(), "gitlab", "acme/other", "review", "6", 5),
        // Nobody told of this one, that one failed, and these went out before they were heard of.
        deploy(sha(7), "github", "acme/shop", "production", "7", 20),
        Fact { outcome: "failure", ..deploy(sha(1), "github", "acme/shop", "production", "8", 20) },
        deploy(sha(4), "github", "acme/shop", "production", "9", 20),
        push(4, 21),
    ];
    let server = told(&facts).await;
    let range = [("from", "2026-03-01T00:00:00Z"), ("to", "2026-03-08T00:00:00Z")];
    let found = panel(&server, PACK, "deployed-commits", &range).await;
    let rows: Vec<Vec<String>> = sorted(found.of(&["deployment_id", "environment", "lead_ms", "via"]))
        .into_iter()
        .map(|row| {
            let hours = row[2].parse::<f64>().expect("a number") / 3_600_000.0;
            vec![row[0].to_owned(), row[1].to_owned(), format!("{hours}"), row[3].to_owned()]
        })
        .collect();
    let expected = [
        ["1", "staging", "2", "push"],
        ["2", "production", "10", "push"],
        ["3", "production", "492", "push"],
        ["4", "production", "10", "pull_request.merged"],
        ["5", "review", "5", "push"],
    ];
    assert_eq!(rows, expected);
    let days = panel(&server, PACK, "lead-time", &range).await;
    let hours: Vec<(&str, &str, f64)> = days
        .of(&["day", "environment", "lead_p50_ms"])
        .into_iter()
        .map(|row| (row[0], row[1], row[2].parse::<f64>().expect("a number") / 3_600_000.0))
        .collect();
    assert_eq!(
        hours,
        [("2026-03-01", "production", 10.0), ("2026-03-01", "review", 5.0), ("2026-03-01", "staging", 2.0)]
    );
    // In Los Angeles the night is still February's.
    let west = panel(&server, PACK, "lead-time", &[&range[..], &[("timezone", "America/Los_Angeles")]].concat()).await;
    assert_eq!(west.of(&["day", "environment"])[..2], [["2026-02-28", "staging"], ["2026-03-01", "production"]]);
    let early = panel(
        &server,
        PACK,
        "deployed-commits",
        &[("from", "2026-03-01T00:00:00Z"), ("to", "2026-03-01T06:00:00.000001Z")],
    )
    .await;
    assert_eq!(early.column("deployment_id"), ["1"]);
}
