//! Facts told once, twice and by two events, at all hours and over the ends of months: what is counted, and on which day.

use std::collections::{BTreeMap, BTreeSet};

use super::{ALWAYS, Fact, PACK, Row, facts, sorted, told};
use crate::packs::zones::{ZONES, date};
use crate::packs::{Panel, every_panel_answers, panel};
use crate::store::nanoseconds;
use crate::support::Server;

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

/// Each attempt of a run once, as the event with a repository tells it.
fn runs(facts: &[Fact]) -> Vec<&Fact> {
    let mut runs: BTreeMap<(&str, String, &str, &str), Vec<&Fact>> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| fact.kind == "pipeline_run.completed") {
        let scope = if fact.source == "azure_devops" { fact.project.clone() } else { fact.place() };
        runs.entry((fact.source, scope, &fact.target, &fact.attempt)).or_default().push(fact);
    }
    let runs = runs.into_values();
    runs.filter_map(|told| told.into_iter().max_by_key(|fact| (!fact.repository.is_empty(), fact.at))).collect()
}

/// Failed and decided runs, and all of them.
type Builds = BTreeMap<Row, (usize, usize, usize)>;

fn builds(facts: &[Fact], key: impl Fn(&Fact) -> Row) -> Builds {
    let mut found = Builds::new();
    for run in runs(facts) {
        let (failed, decided, all) = found.entry(key(run)).or_default();
        *failed += usize::from(["failure", "timeout"].contains(&run.outcome));
        *decided += usize::from(["success", "failure", "timeout", "partial"].contains(&run.outcome));
        *all += 1;
    }
    found
}

fn by_place(fact: &Fact) -> Row {
    vec![fact.source.into(), fact.place()]
}

/// The middle one, or between the two in the middle.
fn median(values: &mut [i64]) -> f64 {
    values.sort_unstable();
    let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    (low + high) as f64 / 2.0
}

/// How long merged pull requests were open, by what `key` says.
fn merge_times(facts: &[Fact], key: impl Fn(&Fact) -> Row) -> Vec<(Row, f64)> {
    let mut found: BTreeMap<Row, BTreeMap<(&str, &str, &str), i64>> = BTreeMap::new();
    for fact in facts.iter().filter(|fact| fact.kind == "pull_request.merged") {
        found.entry(key(fact)).or_default().insert((fact.source, &fact.repository, &fact.target), fact.took_ms);
    }
    let middle = |times: BTreeMap<_, i64>| median(&mut times.into_values().collect::<Vec<_>>());
    found.into_iter().map(|(key, times)| (key, middle(times))).collect()
}

/// Rows whose last cell is a figure; those without one are left out.
fn figures(rows: Vec<Vec<&str>>) -> Vec<(Row, f64)> {
    let figure = |row: Vec<&str>| {
        let (figure, key) = row.split_last().expect("cells");
        Some((key.iter().map(|cell| (*cell).to_owned()).collect(), figure.parse().ok()?))
    };
    let mut found: Vec<(Row, f64)> = rows.into_iter().filter_map(figure).collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
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
        let by_day = |fact: &Fact| vec![date(fact.at, zone)];
        let days = ask("builds-per-day").await;
        let expected = builds(&facts, by_day);
        assert_eq!(days.rows.len(), expected.len());
        for row in days.of(&["day", "success", "failure", "other"]) {
            let count: Vec<usize> = row[1..].iter().map(|cell| cell.parse().expect("a number")).collect();
            let (failed, _, all) = expected[&vec![row[0].to_owned()]];
            assert_eq!((count[1], count.iter().sum()), (failed, all), "{zone} {row:?}");
        }
        let times = ask("time-to-merge").await;
        assert_eq!(figures(times.of(&["day", "p50_ms"])), merge_times(&facts, by_day), "{zone}");
        let lines = ask("deploys-per-day").await;
        // One point a day for each series.
        let points: BTreeSet<Vec<&str>> = lines.of(&["day", "source", "deployment"]).into_iter().collect();
        assert_eq!(points.len(), lines.rows.len());
    }
    let ask = async |id: &str, more: &[(&str, &str)]| panel(&server, PACK, id, &[&ALWAYS[..], more].concat()).await;
    let cadence = ask("pr-cadence", &[]).await;
    let per_repository = changes(&facts, |fact| vec![fact.source.into(), fact.repository.clone()]);
    assert_eq!(sorted(cadence.of(&["source", "repo", "opened", "merged", "closed"])), per_repository);
    let times = figures(cadence.of(&["source", "repo", "time_to_merge_p50_ms"]));
    assert_eq!(times, merge_times(&facts, |fact| vec![fact.source.into(), fact.repository.clone()]));
    compare_builds(&ask("build-fail-rate", &[]).await, &builds(&facts, by_place));

    // Filters narrow what is counted.
    let one: Vec<Fact> = facts.iter().filter(|fact| fact.repository == "team-1/app-1").cloned().collect();
    let filter = [("repository", "team-1/app-1")];
    compare_builds(&ask("build-fail-rate", &filter).await, &builds(&one, by_place));
    let staging: Vec<Fact> = one.iter().filter(|fact| fact.environment == "staging").cloned().collect();
    let filter = [("repository", "team-1/app-1"), ("environment", "staging"), ("user_id", "ana"), ("project", "shop")];
    let names = ["day", "source", "repo_or_project", "environment", "success", "failure", "other"];
    assert_eq!(sorted(ask("deploys-per-day", &filter).await.of(&names)), deploys(&staging, "UTC"));
    assert_eq!(ask("deploys-per-day", &[("user_id", "nobody")]).await.rows.len(), 0);

    summary_and_outcomes(&server, &facts).await;
    ranges(&server, &facts).await;
}

fn compare_builds(found: &Panel, expected: &Builds) {
    let numbers = ["success", "failure", "timeout", "partial", "cancelled", "skipped", "neutral", "none"];
    assert_eq!(found.rows.len(), expected.len());
    for (names, figures) in found.of(&["source", "repo_or_project", "fail_rate"]).iter().zip(found.of(&numbers)) {
        let figures: Vec<usize> = figures.iter().map(|figure| figure.parse().expect("a number")).collect();
        let (failed, decided, all) = expected[&vec![names[0].to_owned(), names[1].to_owned()]];
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
    for (bad, all, _) in builds(facts, by_place).values() {
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
    every_panel_answers(server, "", PACK, [("from", "2011-01-01T00:00:00Z"), ("to", "2011-01-02T00:00:00Z")]).await;
}
