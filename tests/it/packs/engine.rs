//! The list of packs, on and off, what a panel may be asked, and how it answers.

use hyper::Method;
use serde_json::{Value, json};

use super::{ask, panel};
use crate::people::run;
use crate::senders::{JSON, post};
use crate::support::{Server, request};

/// A pack in the operator's folder, about whatever this test sends.
const PACK: &str = r#"
id = "jobs"
title = "Jobs"
description = "What our jobs do."
sources = ["app"]
filters = ["project", "user_id"]

[fragments]
jobs = "FROM pub.events WHERE $window AND event_type = 'job.done'"

[[panels]]
id = "per-day"
title = "Jobs a day"
description = "Finished jobs, by the day of the time zone."
unit = "count"
visual = "columns"
x = "day"
by = "user_id"
values = ["jobs"]
drill_down = "/?event_type=job.done&user_id={user_id}"
sql = "SELECT $day(timestamp) AS day, user_id, count() AS jobs $jobs GROUP BY day, user_id ORDER BY day, user_id"

[[panels]]
id = "over-time"
title = "Jobs over time"
description = "Finished jobs."
unit = "count"
visual = "line"
x = "time"
values = ["jobs"]
sql = "SELECT $bucket(timestamp) AS time, count() AS jobs $jobs GROUP BY time ORDER BY time"

[[panels]]
id = "exact"
title = "Exact"
description = "Figures keep their digits."
visual = "table"
sql = """SELECT toDecimal128('1234567890123.123456789', 9) AS cost_usd, {budget_usd:Decimal(18, 2)} AS budget_usd, message,
         toInt64(-5) AS minus, nan AS p50_ms, CAST(NULL, 'Nullable(Float64)') AS p99_ms, ['a', 'b'] AS list $jobs ORDER BY timestamp"""
"#;

async fn server() -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("jobs.toml"), PACK).expect("written");
    let path = folder.path().display().to_string();
    let environment = [
        ("ACTIVITYLOG_PACKS_FOLDER", path.as_str()),
        ("ACTIVITYLOG_AUTH_FIRST_ADMIN", ""),
        // The events of these tests are of May 2026, whenever they run.
        ("ACTIVITYLOG_RETENTION_DAYS", "20000"),
    ];
    let server = Server::start_with(&environment).await;
    (server, folder)
}

async fn send(server: &Server, jobs: &[(&str, &str)]) {
    let jobs = jobs
        .iter()
        .map(|(at, user)| json!({"event_type": "job.done", "timestamp": at, "user_id": user, "message": "=1+1"}));
    let body = Value::Array(jobs.collect()).to_string();
    let answer = post(&server.api("/api/v1/messages"), &[("content-type", JSON)], body).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
}

async fn put(server: &Server, pack: &str, body: Value) -> crate::support::Answer {
    let url = server.api(&format!("/api/v1/packs/{pack}"));
    request(Method::PUT, &url, &[("content-type", JSON)], body.to_string().into()).await
}

async fn listed(server: &Server, pack: &str) -> Value {
    let list = server.json("/api/v1/packs").await;
    let items = list["items"].as_array().expect("items").iter();
    items.into_iter().find(|item| item["id"] == pack).unwrap_or_else(|| panic!("no {pack}: {list}")).clone()
}

const MAY: (&str, &str) = ("from", "2026-05-01T00:00:00Z");
const JUNE: (&str, &str) = ("to", "2026-06-01T00:00:00Z");

#[tokio::test(flavor = "multi_thread")]
async fn packs_are_on_where_there_is_something_to_show_or_an_admin_said_so() {
    let (server, _folder) = server().await;
    let list = server.json("/api/v1/packs").await;
    let ids: Vec<&str> =
        list["items"].as_array().expect("items").iter().map(|item| item["id"].as_str().expect("id")).collect();
    assert_eq!(ids, ["claude-code", "llm-cost", "devops-webhooks", "app-operator", "audit", "jobs"]);
    let jobs = listed(&server, "jobs").await;
    assert_eq!((&jobs["enabled"], &jobs["available"], &jobs["custom"]), (&json!(false), &json!(false), &json!(false)));
    assert_eq!(jobs["panels"][0]["drill_down"], "/?event_type=job.done&user_id={user_id}");
    assert_eq!(jobs["panels"][0]["filters"], json!(["project", "user_id"]));
    assert_eq!(ask(&server, "jobs", "per-day", &[MAY, JUNE]).await.status, 404);

    // A configured source is enough.
    assert_eq!(listed(&server, "devops-webhooks").await["available"], false);
    assert_eq!(run(&server, &["webhook", "add", "--kind", "github", "--name", "w"]).code, 0);
    let devops = listed(&server, "devops-webhooks").await;
    assert_eq!((&devops["available"], &devops["enabled"]), (&json!(true), &json!(true)));

    // An admin's choice goes before it, either way.
    let on = put(&server, "jobs", json!({"enabled": true})).await;
    assert_eq!(
        (on.status.as_u16(), &on.json()["enabled"], &on.json()["available"]),
        (200, &json!(true), &json!(false))
    );
    assert_eq!(panel(&server, "jobs", "per-day", &[MAY, JUNE]).await.rows, Vec::<Vec<String>>::new());
    send(&server, &[("2026-05-12T10:00:00Z", "ada")]).await;
    server.wait_for_count("SELECT count() FROM activitylog.events WHERE event_type = 'job.done'", 1).await;
    assert_eq!(put(&server, "jobs", json!({"enabled": false})).await.json()["available"], true);
    let off = ask(&server, "jobs", "per-day", &[MAY, JUNE]).await;
    assert!(off.status == 404 && off.text().contains("is off"), "{}", off.text());
    // Nothing was done to the data.
    let forgotten = request(Method::DELETE, &server.api("/api/v1/packs/jobs"), &[], Default::default()).await;
    assert_eq!(forgotten.status, 204);
    assert_eq!(panel(&server, "jobs", "per-day", &[MAY, JUNE]).await.rows, [["2026-05-12", "ada", "1"]]);
    assert_eq!(put(&server, "nothing", json!({"enabled": true})).await.status, 404);
    assert_eq!(ask(&server, "jobs", "nothing", &[]).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_answers_for_its_range_time_zone_and_filters() {
    let (server, _folder) = server().await;
    // Before midnight in Los Angeles and after it in Kolkata; and over a month's end.
    let jobs = [
        ("2026-05-12T03:00:00Z", "ada"),
        ("2026-05-12T20:00:00Z", "ada"),
        ("2026-05-12T20:00:01Z", "bob"),
        ("2026-05-31T23:59:59.999999Z", "bob"),
        ("2026-06-01T00:00:00Z", "bob"),
    ];
    send(&server, &jobs).await;
    server.wait_for_count("SELECT sum(events) FROM activitylog.events_by_minute", 5).await;
    let rows = async |query: &[(&str, &str)]| panel(&server, "jobs", "per-day", query).await.rows;
    let utc = rows(&[MAY, JUNE]).await;
    assert_eq!(utc, [["2026-05-12", "ada", "2"], ["2026-05-12", "bob", "1"], ["2026-05-31", "bob", "1"]]);
    let west = rows(&[MAY, JUNE, ("timezone", "America/Los_Angeles"), ("user_id", "ada")]).await;
    assert_eq!(west, [["2026-05-11", "ada", "1"], ["2026-05-12", "ada", "1"]]);
    let east = rows(&[MAY, JUNE, ("timezone", "Asia/Kolkata"), ("user_id", "ada")]).await;
    assert_eq!(east, [["2026-05-12", "ada", "1"], ["2026-05-13", "ada", "1"]]);
    let over = rows(&[("from", "2026-05-31T00:00:00Z"), ("to", "2026-06-02T00:00:00Z")]).await;
    assert_eq!(over, [["2026-05-31", "bob", "1"], ["2026-06-01", "bob", "1"]]);
    // To is not part of the range, from is.
    let one = rows(&[("from", "2026-05-12T03:00:00Z"), ("to", "2026-05-12T03:00:00.000001Z")]).await;
    assert_eq!(one, [["2026-05-12", "ada", "1"]]);
    assert_eq!(rows(&[MAY, JUNE, ("project", "none")]).await.len(), 0);

    let days = panel(&server, "jobs", "over-time", &[MAY, JUNE, ("timezone", "America/Los_Angeles")]).await;
    assert_eq!(days.body["bucket_seconds"], 86_400);
    assert_eq!(days.column("time"), ["2026-05-11T07:00:00Z", "2026-05-12T07:00:00Z", "2026-05-31T07:00:00Z"]);
    let hour = [("from", "2026-05-12T20:00:00Z"), ("to", "2026-05-12T21:00:00Z")];
    let minutes = panel(&server, "jobs", "over-time", &hour).await;
    assert_eq!(minutes.rows, [["2026-05-12T20:00:00Z", "2"]]);
    assert_eq!(
        minutes.body["columns"],
        json!([{"name": "time", "type": "time", "unit": "none"}, {"name": "jobs", "type": "integer", "unit": "none"}])
    );

    figures_keep_their_digits(&server).await;
    nonsense_is_refused(&server).await;
}

async fn figures_keep_their_digits(server: &Server) {
    let url = server.api("/api/v1/settings");
    let budget = json!({"monthly_budget_usd": 12.3}).to_string();
    let set = request(Method::PATCH, &url, &[("content-type", JSON)], budget.into()).await;
    assert_eq!((set.status.as_u16(), &set.json()["monthly_budget_usd"]), (200, &json!(12.3)));
    let exact = panel(server, "jobs", "exact", &[MAY, JUNE, ("limit", "2")]).await;
    assert_eq!(exact.rows[0], ["1234567890123.123456789", "12.3", "=1+1", "-5", "null", "null", "[\"a\",\"b\"]"]);
    assert_eq!((exact.rows.len(), &exact.body["truncated"]), (2, &json!(true)));
    let kinds: Vec<_> =
        exact.body["columns"].as_array().expect("columns").iter().map(|column| column["type"].clone()).collect();
    assert_eq!(kinds, ["decimal", "decimal", "string", "integer", "number", "number", "list"]);
    let csv = ask(server, "jobs", "exact", &[MAY, JUNE, ("limit", "1"), ("format", "csv")]).await;
    assert_eq!(
        csv.text(),
        "cost_usd,budget_usd,message,minus,p50_ms,p99_ms,list\r\n1234567890123.123456789,12.3,'=1+1,-5,,,\"[\"\"a\"\",\"\"b\"\"]\"\r\n"
    );
    assert!(csv.headers["content-disposition"].to_str().expect("text").contains("jobs-exact.csv"));
}

async fn nonsense_is_refused(server: &Server) {
    for (query, says) in [
        (("timezone", "Mars/Olympus"), "no time zone"),
        (("timezone", "UTC'"), "no time zone"),
        (("colour", "red"), "colour"),
        (("from", "2026-07-01T00:00:00Z"), "from is not before to"),
        (("from", "2020-07-01T00:00:00Z"), "400 days"),
        (("limit", "0"), "limit"),
        (("format", "xls"), "format"),
    ] {
        let mut asked = vec![JUNE, query];
        if query.0 != "from" {
            asked.push(MAY);
        }
        let answer = ask(server, "jobs", "over-time", &asked).await;
        assert!(answer.status == 400 && answer.text().contains(says), "{query:?}: {} {}", answer.status, answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_that_is_wrong_stops_the_start_and_fails_the_check() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("jobs.toml");
    let wrong = PACK.replace("count() AS jobs $jobs GROUP BY time", "count() AS events $jobs GROUP BY time");
    std::fs::write(&file, wrong).expect("written");
    let path = folder.path().display().to_string();
    let mut server = Server::launch(&[("ACTIVITYLOG_PACKS_FOLDER", &path)]);
    let status = server.ended().await;
    assert!(!status.success() && server.log().contains("no column \"jobs\""), "{}", server.log());

    let check = |text: &str| {
        std::fs::write(&file, text).expect("written");
        run(&server, &["pack", "check", &file.display().to_string()])
    };
    let said = check(PACK);
    assert_eq!((said.code, said.out.trim()), (0, "1 packs with 3 panels are right"), "{}", said.error);
    let said = check(&PACK.replace("user_id, count()", "user_id, toString(count())"));
    assert!(
        said.code == 1 && said.error.contains("\"jobs\" is not a number") && said.error.contains("empty"),
        "{}",
        said.error
    );
    let said = check(&PACK.replace("toInt64(-5)", "throwIf(event_type = 'job.done')"));
    assert_eq!(said.code, 0, "nothing of that type is in the filled database: {}", said.error);
    let said = check(&PACK.replace("event_type = 'job.done'\"", "throwIf(source = 'app') = 0\""));
    assert!(said.code == 1 && said.error.contains("filled") && !said.error.contains("empty"), "{}", said.error);
    let built_in = run(&server, &["pack", "check"]);
    assert!(built_in.code == 0 && built_in.out.starts_with("5 packs"), "{}", built_in.error);
    let said = check("id = 7");
    assert!(said.code == 64 && said.error.contains("line 1"), "{}", said.error);
}
