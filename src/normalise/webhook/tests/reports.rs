//! `scenario.json`: deliveries out of order and more than once; what is stored, and what the reports of docs/WEBHOOKS.md say of it.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;

/// What the reports read of an event.
struct Row {
    source: String,
    event_type: String,
    occurred_ns: i64,
    repository: String,
    project: String,
    project_id: String,
    target_id: String,
    outcome: String,
    environment: String,
    run_attempt: String,
    tag: String,
    from: String,
    to: String,
}

#[test]
fn the_scenario_gives_its_reports() {
    for folder in folders() {
        let scenario = read_json(&folder, "scenario.json");
        let requests = requests(&folder);
        let mut stored = BTreeMap::new();
        let mut repeated = Vec::new();
        for file in scenario["deliveries"].as_array().unwrap() {
            let request = requests.iter().find(|r| r.file == *file).expect("a request");
            let delivery = request.delivery();
            let id = identity("acme", &delivery);
            if stored.insert(id, mapped(&delivery, NOW, |mapped| Row::of(&mapped.event))).is_some() {
                repeated.push(file.clone());
            }
        }
        repeated.sort_by_key(Value::to_string);
        assert_eq!(Value::Array(repeated), scenario["duplicates"]);
        let pings = stored.values().filter(|row| row.event_type == PING).count();
        assert_eq!(json!(stored.len()), scenario["expected"]["distinct_events"]);
        assert_eq!(json!(pings), scenario["expected"]["pings"]);
        let rows: Vec<&Row> = stored.values().filter(|row| row.event_type != PING).collect();
        let expected = &scenario["expected"]["reports"];
        assert_eq!(Value::Array(deploys(&rows)), expected["deploys_per_day"]);
        assert_eq!(Value::Array(cadence(&rows)), expected["pr_cadence"]);
        assert_eq!(Value::Array(builds(&rows)), expected["build_fail_rate"]);
        assert_eq!(Value::Array(releases(&rows)), expected["release_timeline"]);
        assert_eq!(Value::Array(churn(&rows)), expected["work_item_churn"]);
    }
}

fn deploys(rows: &[&Row]) -> Vec<Value> {
    let completed = rows.iter().filter(|row| row.event_type == "deployment.completed");
    let mut days: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for row in completed {
        let key = (row.time()[..10].to_owned(), &row.source, row.place(), &row.environment);
        days.entry(key).or_default().insert((&row.target_id, &row.outcome));
    }
    let count = |day: &BTreeSet<(&String, &String)>, outcome| day.iter().filter(|(_, o)| *o == outcome).count();
    days.iter()
        .map(|((date, source, place, environment), day)| {
            let (success, failure) = (count(day, "success"), count(day, "failure"));
            json!({"date": date, "source": source, "repo_or_project": place, "environment": environment,
                "success": success, "failure": failure, "other": day.len() - success - failure})
        })
        .collect()
}

fn cadence(rows: &[&Row]) -> Vec<Value> {
    let mut repositories: BTreeMap<_, BTreeMap<&str, BTreeSet<_>>> = BTreeMap::new();
    for row in rows {
        if let Some(action @ ("opened" | "merged" | "closed")) = row.event_type.strip_prefix("pull_request.") {
            let repository = repositories.entry((&row.source, &row.repository)).or_default();
            repository.entry(action).or_default().insert(&row.target_id);
        }
    }
    repositories
        .iter()
        .map(|((source, repository), actions)| {
            let mut row = json!({"source": source, "repo": repository});
            for (action, targets) in actions {
                row[action] = json!(targets.len());
            }
            row
        })
        .collect()
}

fn builds(rows: &[&Row]) -> Vec<Value> {
    let mut runs: BTreeMap<_, &Row> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.event_type == "pipeline_run.completed") {
        let scope = if row.source == "azure_devops" { &row.project_id } else { &row.repository };
        let run = runs.entry((&row.source, scope, &row.target_id, &row.run_attempt)).or_insert(row);
        if run.repository.is_empty() {
            *run = row;
        }
    }
    let mut places: BTreeMap<_, BTreeMap<&str, usize>> = BTreeMap::new();
    for row in runs.values() {
        *places.entry((&row.source, row.place())).or_default().entry(&row.outcome).or_default() += 1;
    }
    places
        .iter()
        .map(|((source, place), outcomes)| {
            let count = |names: &[&str]| names.iter().filter_map(|name| outcomes.get(name)).sum::<usize>();
            let (failed, all) = (count(&["failure", "timeout"]), count(&["success", "failure", "timeout", "partial"]));
            let rate = (all > 0).then(|| failed as f64 / all as f64);
            let mut row = json!({"source": source, "repo_or_project": place, "fail_rate": rate});
            for (outcome, runs) in outcomes {
                row[outcome] = json!(runs);
            }
            row
        })
        .collect()
}

fn releases(rows: &[&Row]) -> Vec<Value> {
    let types = ["release.published", "release.released", "release.prereleased"];
    let mut releases = BTreeMap::new();
    for row in rows.iter().filter(|row| types.contains(&row.event_type.as_str())) {
        releases.insert((&row.source, &row.repository, &row.target_id), (row.time(), &row.tag));
    }
    let row = |((source, repository, id), (at, tag)): (&(&String, &String, &String), &(String, &String))| json!({"source": source, "repo": repository, "release_id": id, "at": at, "tag": tag});
    releases.iter().map(row).collect()
}

fn churn(rows: &[&Row]) -> Vec<Value> {
    let mut items: BTreeMap<_, Vec<&Row>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.event_type == "work_item.state_changed") {
        items.entry((&row.source, row.place(), &row.target_id)).or_default().push(row);
    }
    items
        .iter_mut()
        .map(|((source, place, item), changes)| {
            changes.sort_by_key(|row| row.occurred_ns);
            let path: Vec<Value> = changes.iter().map(|row| json!([row.from, row.to, row.time()])).collect();
            json!({"source": source, "repo_or_project": place, "work_item": item, "transitions": path.len(), "path": path})
        })
        .collect()
}

// === impl Row ===

impl Row {
    fn of(event: &Event<'_>) -> Row {
        let attribute = |name| attribute(event, name).to_owned();
        Row {
            source: event.source.to_string(),
            event_type: event.event_type.to_string(),
            occurred_ns: event.timestamp_ns,
            repository: event.repository.to_string(),
            project: attribute("vcs.project"),
            project_id: attribute("vcs.project.id"),
            target_id: event.target_id.to_string(),
            outcome: event.outcome.to_string(),
            environment: event.environment.to_string(),
            run_attempt: attribute("run_attempt"),
            tag: attribute("tag"),
            from: attribute("state.from"),
            to: attribute("state.to"),
        }
    }

    fn place(&self) -> &String {
        if self.repository.is_empty() { &self.project } else { &self.repository }
    }

    fn time(&self) -> String {
        let timestamp = jiff::Timestamp::from_millisecond(self.occurred_ns / 1_000_000).unwrap();
        timestamp.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }
}
