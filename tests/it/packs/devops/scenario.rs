//! Deliveries of GitHub, Azure DevOps and GitLab, and the reports that their scenario expects.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{PACK, Row, sorted};
use crate::packs::panel;
use crate::store::nanoseconds;
use crate::support::Server;
use crate::webhooks::fixtures::{KEEP, Senders, read};
use crate::webhooks::{EVENTS, folder};

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
