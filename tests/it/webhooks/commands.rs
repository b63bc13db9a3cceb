//! `activitylog webhook add|ls|rotate|rm`.

use serde_json::Value;

use super::{EVENTS, add, assert_stored, webhook};
use crate::support::{Server, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_made_listed_and_removed() {
    let server = Server::start().await;
    assert_eq!(webhook(&server, &["ls"]).out, "");
    let hook = add(&server, "github", &["--project", "shop"]).await;
    assert_eq!(hook.url, server.api(&format!("/webhooks/{}", hook.id)));
    assert_eq!((hook.id.len(), hook.secret.len()), (32, 64));

    let list = || {
        let list = webhook(&server, &["ls"]);
        assert!(!list.out.contains(&hook.secret), "{}", list.out);
        serde_json::from_str::<Value>(list.out.trim()).expect("one line of JSON")
    };
    let listed = list();
    let expected = serde_json::json!({
        "id": hook.id, "tenant": "default", "kind": "github", "name": "github", "project": "shop", "url": hook.url,
        "created": listed["created"], "secrets": 1, "last_received": null, "events": 0, "connected": false,
    });
    assert_eq!(listed, expected);
    assert!(listed["created"].as_str().is_some_and(|created| created.parse::<jiff::Timestamp>().is_ok()), "{listed}");

    assert_stored(&hook.github("1", "{}").await);
    server.wait_for_count(EVENTS, 1).await;
    let listed = list();
    assert_eq!((&listed["connected"], &listed["events"]), (&true.into(), &1.into()), "{listed}");
    assert!(listed["last_received"].as_str().is_some_and(|last| last.parse::<jiff::Timestamp>().is_ok()), "{listed}");

    assert_eq!(webhook(&server, &["rm", &hook.id]).code, 0);
    assert_eq!(webhook(&server, &["ls"]).out, "");
    eventually("the source is gone", async || (hook.github("2", "{}").await.status == 404).then_some(())).await;
    assert_eq!(server.number("SELECT sum(length(secrets)) FROM activitylog.webhook_sources FINAL"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_is_refused() {
    let server = Server::start().await;
    let add = ["add", "--name", "n", "--kind"];
    for (arguments, part) in [
        (vec!["add", "--kind", "gerrit", "--name", "n"], "github, azure_devops, gitlab, standard"),
        (vec!["add", "--kind", "github"], "--name"),
        (vec!["add", "--kind", "github", "--name", " "], "--name is empty"),
        ([&add[..], &["github", "--secret", ""]].concat(), "--secret is empty"),
        ([&add[..], &["github", "--tenant", ""]].concat(), "--tenant"),
        ([&add[..], &["github", "--user", "u"]].concat(), "--user is for azure_devops"),
        ([&add[..], &["standard", "--secret", "hush"]].concat(), "whsec_"),
        ([&add[..], &["gitlab", "--secret", "whsec_hush"]].concat(), "whsec_"),
        (vec!["rotate", "x", "--keep", "soon"], "is not a time"),
        (vec!["rm"], "<ID>"),
    ] {
        let said = webhook(&server, &arguments);
        assert_eq!((said.code, said.out.as_str()), (64, ""), "{arguments:?}: {}", said.error);
        assert!(said.error.contains(part), "{arguments:?}: {}", said.error);
    }
    for arguments in [&["rotate", "unknown"], &["rm", "unknown"]] {
        let said = webhook(&server, arguments);
        assert_eq!(said.code, 1);
        assert!(said.error.contains("there is no webhook source \"unknown\""), "{}", said.error);
    }
    for command in ["add", "ls", "rotate", "rm"] {
        let said = webhook(&server, &[command, "--help"]);
        assert_eq!(said.code, 0);
        assert!(said.out.contains(&format!("Example:\n  activitylog webhook {command}")), "{}", said.out);
    }
    assert_eq!(webhook(&server, &["ls"]).out, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn its_url_is_the_public_one_where_there_is_one() {
    let server = Server::start().await;
    let output = std::process::Command::new(crate::support::BINARY)
        .args(["webhook", "add", "--kind", "gitlab", "--name", "n"])
        .env("ACTIVITYLOG_DATA_DIR", &server.dir)
        .env("ACTIVITYLOG_WEBHOOKS_PUBLIC_URL", "https://hooks.example.com/")
        .output()
        .expect("the binary");
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(said["url"].as_str().is_some_and(|url| url.starts_with("https://hooks.example.com/webhooks/")), "{said}");
}

/// The sources are nobody's to read but the operator's.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_can_not_see_the_sources() {
    let server = Server::start().await;
    add(&server, "github", &[]).await;
    let reader = activitylog::engine::Credentials::load(&server.dir).expect("it runs").reader;
    let url = format!("http://{}/", server.run["clickhouse_http"].as_str().expect("an address"));
    for table in ["activitylog.webhook_sources", "pub.webhook_sources"] {
        let headers = [("x-clickhouse-user", reader.name.as_str()), ("x-clickhouse-key", reader.password.as_str())];
        let query = format!("SELECT * FROM {table}");
        let answer = crate::support::request(hyper::Method::POST, &url, &headers, query.into()).await;
        assert_ne!(answer.status, 200);
        assert!(
            answer.text().contains("ACCESS_DENIED") || answer.text().contains("UNKNOWN_TABLE"),
            "{}",
            answer.text()
        );
    }
}
