//! What GitHub, Azure DevOps and GitLab send, with their own headers and signatures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::Value;

use super::{EVENTS, Hook, add, assert_duplicate, assert_stored, folder, webhook};
use crate::support::{Answer, Server};

/// The fixtures' times are years ago, and are believed.
pub const KEEP: &[(&str, &str)] = &[("ACTIVITYLOG_RETENTION_DAYS", "20000")];

/// A folder of fixtures, and a source of each kind.
pub struct Senders {
    root: PathBuf,
    requests: BTreeMap<String, Vec<(String, String)>>,
    hooks: BTreeMap<&'static str, Hook>,
}

impl Senders {
    pub async fn of(root: &Path, server: &Server, tenant: &str) -> Senders {
        let file = read(&root.join("requests.json"));
        let secret = |name: &str| file["secrets"][name].as_str().expect("a secret").to_owned();
        let basic = &file["secrets"]["azure_devops_basic"];
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let mut hooks = BTreeMap::new();
        for (folder, kind, secret, more) in [
            ("github", "github", secret("github_secret"), vec![]),
            ("azure-devops", "azure_devops", text(&basic["password"]), vec!["--user".to_owned(), text(&basic["user"])]),
            ("gitlab", "gitlab", secret("gitlab_token"), vec![]),
        ] {
            let mut arguments = vec!["--secret", &secret, "--tenant", tenant, "--project", "the project"];
            arguments.extend(more.iter().map(String::as_str));
            hooks.insert(folder, add(server, kind, &arguments).await);
        }
        let requests = file["requests"].as_array().expect("a list").iter().map(|request| {
            let headers = request["headers"].as_object().expect("headers");
            (text(&request["file"]), headers.iter().map(|(name, value)| (name.clone(), text(value))).collect())
        });
        Senders { root: root.to_owned(), requests: requests.collect(), hooks }
    }

    /// The sender's own: in a header, or in the body.
    fn delivery_id(&self, file: &str) -> String {
        let names = ["X-GitHub-Delivery", "Idempotency-Key"];
        let header = self.requests[file].iter().find(|(name, _)| names.contains(&name.as_str()));
        header.map_or_else(
            || read(&self.root.join(file))["id"].as_str().expect("an id").to_owned(),
            |(_, value)| value.clone(),
        )
    }

    pub async fn send(&self, file: &str) -> Answer {
        self.send_with(file, &Value::Null, &[]).await
    }

    /// With these headers instead, and without those.
    async fn send_with(&self, file: &str, set: &Value, drop: &[Value]) -> Answer {
        let mut headers: BTreeMap<&str, &str> =
            self.requests[file].iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        for (name, value) in set.as_object().into_iter().flatten() {
            assert!(headers.insert(name, value.as_str().expect("text")).is_some(), "{name}");
        }
        for name in drop {
            assert!(headers.remove(name.as_str().expect("text")).is_some(), "{name}");
        }
        let headers: Vec<(&str, &str)> = headers.into_iter().collect();
        let body = std::fs::read(self.root.join(file)).expect("a fixture");
        self.hooks[file.split('/').next().expect("a folder")].post(&headers, Bytes::from(body)).await
    }
}

pub fn read(path: &Path) -> Value {
    let text = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn are_stored_once_by_tenant_as_what_they_say() {
    let server = Server::start_with(KEEP).await;
    let senders = Senders::of(&folder(), &server, "one").await;
    let files: Vec<&String> = senders.requests.keys().collect();
    assert_eq!(files.len(), 57);
    for file in &files {
        assert_stored(&senders.send(file).await);
    }
    for file in &files {
        assert_duplicate(&senders.send(file).await);
    }
    server.wait_for_count(EVENTS, 57).await;
    // The ids that the vendors give are shared by all who listen.
    let others = Senders::of(&folder(), &server, "two").await;
    for file in &files {
        assert_stored(&others.send(file).await);
    }
    server.wait_for_count(EVENTS, 114).await;
    assert_eq!(server.number("SELECT uniqExact(event_id) FROM activitylog.events WHERE kind = 'webhook'"), 114);
    for tenant in ["one", "two"] {
        assert_rows(&server, &senders, tenant);
    }
    assert_eq!(server.number("SELECT count() FROM activitylog.events WHERE project != 'the project'"), 0);
    assert_connected(&server);
}

/// The columns that people filter by; `normalise` compares all of them.
fn assert_rows(server: &Server, senders: &Senders, tenant: &str) {
    let columns =
        ["source", "event_type", "user_id", "repository", "target_type", "target_id", "outcome", "environment"];
    let names = ["source", "event_type", "actor", "repo", "target_type", "target_id", "outcome", "environment"];
    let rows = server.sql(&format!(
        "SELECT attributes['webhook.delivery_id'], {} FROM activitylog.events WHERE kind = 'webhook' AND tenant_id = '{tenant}'",
        columns.join(", ")
    ));
    let rows: BTreeMap<&str, &[String]> = rows.iter().map(|row| (row[0].as_str(), &row[1..])).collect();
    let expected = read(&senders.root.join("expected.json"));
    let expected = expected["events"].as_array().expect("a list");
    assert_eq!(rows.len(), expected.len());
    for event in expected {
        let file = event["file"].as_str().expect("text");
        let row = rows.get(senders.delivery_id(file).as_str()).unwrap_or_else(|| panic!("{file} in {rows:?}"));
        let unchecked = event["not_checked"].as_array().map_or(&[][..], Vec::as_slice);
        for (name, found) in names.iter().zip(*row) {
            if !unchecked.contains(&Value::from(*name)) {
                assert_eq!(found, event[name].as_str().unwrap_or(""), "{file}: {name}");
            }
        }
    }
}

/// Each file that may lie in the repository: its name, what is expected of it, and what is stored.
pub async fn said_and_stored() -> Vec<[String; 3]> {
    let server = Server::start_with(KEEP).await;
    let senders = Senders::of(&folder(), &server, "default").await;
    for file in senders.requests.keys() {
        assert_stored(&senders.send(file).await);
    }
    server.wait_for_count(EVENTS, senders.requests.len() as u64).await;
    let rows = server.sql(
        "SELECT attributes['webhook.delivery_id'], concatWithSeparator(', ', event_type, target_type || ' ' || target_id, outcome, \
         if(attributes['webhook.time'] = 'received', 'on receipt', formatDateTime(timestamp, '%FT%T', 'UTC'))) FROM activitylog.events WHERE kind = 'webhook'",
    );
    let rows: BTreeMap<&str, &String> = rows.iter().map(|row| (row[0].as_str(), &row[1])).collect();
    let expected = read(&senders.root.join("expected.json"));
    let lines = expected["events"].as_array().expect("a list").iter().map(|event| {
        let text = |name: &str| event[name].as_str().unwrap_or("").to_owned();
        let time = event["occurred_at"].as_str().map_or("on receipt".to_owned(), |time| time[..19].to_owned());
        let target = format!("{} {}", text("target_type"), text("target_id"));
        let said = [text("event_type"), target, text("outcome"), time].join(", ");
        let stored = rows.get(senders.delivery_id(&text("file")).as_str()).map_or("missing", |row| row.as_str());
        [text("file"), said, stored.to_owned()]
    });
    lines.collect()
}

/// GitHub's ping counts as one.
fn assert_connected(server: &Server) {
    let list = webhook(server, &["ls"]);
    assert_eq!(list.out.lines().count(), 6, "{}", list.out);
    for line in list.out.lines() {
        let source: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(source["connected"], true, "{source}");
        assert!(source["events"].as_u64() >= Some(1) && source["last_received"].is_string(), "{source}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_another_signature_are_turned_away() {
    let server = Server::start_with(KEEP).await;
    let senders = Senders::of(&folder(), &server, "one").await;
    let cases = read(&folder().join("auth-cases.json"));
    let cases = cases.as_array().expect("a list");
    assert_eq!(cases.len(), 5);
    let mut stored = 0;
    for case in cases {
        let answer = senders
            .send_with(case["file"].as_str().expect("text"), &case["set"], case["drop"].as_array().expect("a list"))
            .await;
        if case["expect_stored"] == true {
            assert_stored(&answer);
            stored += 1;
        } else {
            assert_eq!(answer.status, 401, "{case}");
        }
    }
    server.wait_for_count(EVENTS, stored).await;
    assert_eq!(stored, 1);
}

/// Redeliveries among deliveries, in an order of their own.
#[tokio::test(flavor = "multi_thread")]
async fn in_the_order_of_the_scenario_are_stored_once() {
    let scenario = read(&folder().join("scenario.json"));
    let server = Server::start_with(KEEP).await;
    let senders = Senders::of(&folder(), &server, "one").await;
    let deliveries = scenario["deliveries"].as_array().expect("a list");
    let (mut stored, mut duplicates) = (0, Vec::new());
    for file in deliveries.iter().map(|file| file.as_str().expect("text")) {
        let answer = senders.send(file).await;
        assert_eq!(answer.status, 200, "{file}: {}", answer.text());
        if answer.json()["status"] == "stored" {
            stored += 1;
        } else {
            duplicates.push(file);
        }
    }
    let expected = &scenario["expected"];
    let events = expected["distinct_events"].as_u64().expect("a number");
    duplicates.sort_unstable();
    assert_eq!(serde_json::json!(duplicates), scenario["duplicates"]);
    assert_eq!(stored, events);
    server.wait_for_count(EVENTS, events).await;
    let pings = format!("{EVENTS} AND event_type = 'webhook.ping'");
    assert_eq!(server.number(&pings), expected["pings"].as_u64().expect("a number"));
}
