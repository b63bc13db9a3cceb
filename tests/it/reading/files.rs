//! Lists as files: `?format=csv` and `?format=ndjson`.

use hyper::Method;
use serde_json::{Value, json};

use super::{is_problem, refused};
use crate::activity::export::parse;
use crate::people::{acting, call, project, tenant};
use crate::senders::peak_memory;
use crate::store::{Store, event, nanoseconds, uuid};
use crate::support::{Answer, Server, eventually, request};

const START: &str = "2026-05-12T12:00:00Z";
const RANGE: &str = "from=2026-05-12T12:00:00Z&to=2026-05-12T13:00:00Z";

fn name_of(answer: &Answer) -> String {
    let today = &jiff::Timestamp::now().to_string()[..10];
    let name = answer.headers["content-disposition"].to_str().expect("text").replace(today, "DAY");
    name.trim_start_matches("attachment; filename=").trim_matches('"').to_owned()
}

fn lines(answer: &Answer) -> Vec<Value> {
    answer.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn column(cells: &[Vec<String>], name: &str) -> Vec<String> {
    let at = cells[0].iter().position(|column| column == name).unwrap_or_else(|| panic!("no {name}: {:?}", cells[0]));
    cells[1..].iter().map(|line| line[at].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_leave_as_files_whole_and_in_order() {
    let server = Server::start().await;
    let store = Store::of(&server);
    let start = nanoseconds(START);
    // Some batches; many at one instant; one twice.
    let rows: Vec<Value> = (0..1_600)
        .map(|n| {
            let more = match n {
                0 => json!({"message": "=HYPERLINK(\"http://x\")", "user_id": "+1", "attributes": {"a": "=1", "b": "x\"y"}, "resource": {"host": "h"}}),
                _ => json!({"message": format!("line {n}, \"quoted\"\nand more"), "model": if n % 2 == 0 { "even" } else { "odd" }}),
            };
            event(start + n / 700, n as u128, more)
        })
        .collect();
    store.insert("activitylog.events", &rows).await;
    store.insert("activitylog.events", &rows[800..801]).await;

    let csv = server.get(&format!("/api/v1/messages?{RANGE}&format=csv")).await;
    assert_eq!(csv.status, 200);
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8; header=present");
    assert_eq!(
        (name_of(&csv).as_str(), &csv.headers["cache-control"]),
        ("messages-DAY.csv", &"no-store".parse().expect("a value"))
    );
    let cells = parse(&csv.text());
    assert!(cells.iter().all(|line| line.len() == cells[0].len()));
    let mut newest_first: Vec<(i64, String)> = (0..1_600).map(|n| (n / 700, uuid(n as u128))).collect();
    newest_first.sort_by(|a, b| b.cmp(a));
    let expected: Vec<String> = newest_first.into_iter().map(|(_, id)| id).collect();
    assert_eq!(column(&cells, "id"), expected);
    let last = |name: &str| column(&cells, name)[1_600 - 700 + 699].clone();
    assert_eq!(last("id"), uuid(0));
    assert_eq!((last("message"), last("user_id")), ("'=HYPERLINK(\"http://x\")".to_owned(), "'+1".to_owned()));
    assert_eq!(serde_json::from_str::<Value>(&last("attributes")).ok(), Some(json!({"a": "=1", "b": "x\"y"})));

    let ndjson = server.get(&format!("/api/v1/messages?{RANGE}&format=ndjson&model=odd")).await;
    assert_eq!(
        (&ndjson.headers["content-type"], name_of(&ndjson)),
        (&"application/x-ndjson".parse().expect("a value"), "messages-DAY.ndjson".to_owned())
    );
    let found = lines(&ndjson);
    assert_eq!(found.len(), 800);
    assert!(found.iter().all(|item| item["model"] == "odd" && item["resource"].is_object()));
    // As the list has it, but for the maps.
    let page = server.json(&format!("/api/v1/messages?{RANGE}&model=odd&limit=1")).await;
    let mut first = found[0].clone();
    for map in ["attributes", "resource"] {
        first.as_object_mut().expect("an object").remove(map);
    }
    assert_eq!(page["items"][0], first);

    // `limit` is of rows; cursors bound a file as they bound a list; Accept asks for one too.
    for (limit, rows) in [(1, 1), (500, 500), (501, 501), (5_000, 1_600)] {
        let file = server.get(&format!("/api/v1/messages?{RANGE}&format=csv&limit={limit}")).await;
        assert_eq!(parse(&file.text()).len(), rows + 1, "{limit}");
    }
    let cursor = server.json(&format!("/api/v1/messages?{RANGE}&limit=150")).await["next_before_cursor"]
        .as_str()
        .expect("a cursor")
        .to_owned();
    for (bound, rows) in [("before_cursor", 1_450), ("since_cursor", 149)] {
        let file = server.get(&format!("/api/v1/messages?{RANGE}&format=ndjson&{bound}={cursor}")).await;
        assert_eq!(lines(&file).len(), rows, "{bound}");
    }
    for (accept, media) in [
        ("text/csv", "text/csv; charset=utf-8; header=present"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("*/*", "application/json"),
    ] {
        let url = server.api(&format!("/api/v1/messages?{RANGE}"));
        let answer = request(Method::GET, &url, &[("accept", accept)], bytes::Bytes::new()).await;
        assert_eq!(answer.headers["content-type"], media, "{accept}");
    }
    let empty = server.get("/api/v1/messages?from=2020-01-01T00:00:00Z&to=2021-01-01T00:00:00Z&format=csv").await;
    assert_eq!(parse(&empty.text()).len(), 1);
    for (path, names) in [
        ("messages?format=xml", "format"),
        ("messages?format=csv&limit=0", "limit"),
        ("messages/timeline?format=csv", "format"),
        ("messages?format=csv&colour=x", "colour"),
    ] {
        refused(&server, &format!("/api/v1/{path}"), 400, names).await;
    }
    sessions_too(&server).await;
}

async fn sessions_too(server: &Server) {
    let store = Store::of(server);
    let start = nanoseconds("2026-04-12T12:00:00Z");
    let rows: Vec<Value> = (0..1_100)
        .map(|n| event(start + n / 3, 10_000 + n as u128, json!({"session_id": format!("s{n}"), "model": "m"})))
        .collect();
    store.insert("activitylog.events", &rows).await;
    let range = "from=2026-04-12T12:00:00Z&to=2026-04-12T13:00:00Z";
    let csv = server.get(&format!("/api/v1/sessions?{range}&format=csv")).await;
    let cells = parse(&csv.text());
    let mut ids = column(&cells, "session_id");
    assert!(column(&cells, "start").is_sorted_by(|a, b| a >= b));
    assert!(column(&cells, "models").iter().all(|models| models == "[\"m\"]"));
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), name_of(&csv).as_str()), (1_100, "sessions-DAY.csv"));
    let ndjson = server.get(&format!("/api/v1/sessions?{range}&format=ndjson&limit=2")).await;
    let page = server.json(&format!("/api/v1/sessions?{range}&limit=2")).await;
    assert_eq!(json!(lines(&ndjson)), page["items"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_trails_leave_as_files_of_what_one_sees() {
    let server = Server::start_with(&[("ACTIVITYLOG_AUTH_ANONYMOUS_TENANT", "")]).await;
    for id in ["one", "two"] {
        tenant(&server, id);
    }
    project(&server, "one", "alpha");
    let (_, owner) = acting(&server, "one", "boss@one.example", "super_admin");
    let (_, stranger) = acting(&server, "two", "boss@two.example", "super_admin");
    let (_, viewer) = acting(&server, "one", "viewer@one.example", "viewer");
    let platform = crate::people::said(
        &server,
        &[
            "user",
            "add",
            "--tenant",
            "one",
            "--email",
            "root@one.example",
            "--role",
            "platform_admin",
            "--password",
            "correct horse",
        ],
    );
    let platform = crate::people::api_token(&server, "one", platform["id"].as_str().expect("an id"));
    let get = async |path: &str, token: &str| call(&server, Method::GET, path, token, None).await;
    let add = json!({"slug": "beta", "name": "=1+1"});
    assert_eq!(call(&server, Method::POST, "/api/v1/projects", &owner, Some(&add)).await.status, 201);

    for (list, token) in [
        ("users", &owner),
        ("roles", &owner),
        ("projects", &owner),
        ("tokens", &owner),
        ("invites", &owner),
        ("webhooks", &owner),
        ("tenants", &platform),
        ("projects/alpha/members", &owner),
    ] {
        let path = format!("/api/v1/{list}");
        let whole = get(&format!("{path}?limit=200"), token).await.json();
        let items = whole["items"].as_array().unwrap_or_else(|| panic!("{list}: {whole}"));
        let ndjson = get(&format!("{path}?format=ndjson"), token).await;
        assert_eq!(json!(lines(&ndjson)), whole["items"], "{list}");
        let csv = get(&format!("{path}?format=csv"), token).await;
        let cells = parse(&csv.text());
        assert_eq!(cells.len(), items.len() + 1, "{list}");
        let fields: Vec<&str> = items
            .first()
            .map(|item| item.as_object().expect("an object").keys().map(String::as_str).collect())
            .unwrap_or_default();
        assert!(
            fields.iter().all(|field| cells[0].iter().any(|column| column == field)),
            "{list}: {fields:?} {:?}",
            cells[0]
        );
        assert_eq!(name_of(&csv), format!("{}-DAY.csv", list.rsplit('/').next().expect("a name")));
        let one = get(&format!("{path}?format=csv&limit=1"), token).await;
        assert_eq!(parse(&one.text()).len(), items.len().min(1) + 1, "{list}");
    }
    let projects = parse(&get("/api/v1/projects?format=csv", &owner).await.text());
    assert_eq!(column(&projects, "name"), ["alpha", "'=1+1"]);
    assert_eq!(get("/api/v1/users?format=csv", &viewer).await.status, 403);

    // What the trail says of the project that was added, on every list of it; and that the lists left.
    let paths = ["/api/v1/activity", "/api/v1/audit/activity", "/api/v1/projects/beta/audit"];
    for path in paths {
        let cells = eventually(path, async || {
            let cells = parse(&get(&format!("{path}?format=csv"), &owner).await.text());
            let actions = if path.contains("/audit/") { "event_type" } else { "action" };
            column(&cells, actions).iter().any(|action| action == "project.add").then_some(cells)
        })
        .await;
        assert!(cells.iter().all(|line| line.len() == cells[0].len()), "{path}");
        let others = get(&format!("{path}?format=ndjson"), &stranger).await;
        assert!(!others.text().contains("beta"), "{path}: {}", others.text());
    }
    let exported =
        "SELECT count() FROM activitylog.audit FINAL WHERE action = 'export.activity' AND target_id = 'beta'";
    eventually("it is said that they left", async || (server.number(exported) >= 1).then_some(())).await;
    is_problem(&get("/api/v1/audit/activity?format=csv", &viewer).await, 403, "audit.read", "a viewer");
    // A while of those, and it is too many.
    eventually("it is refused", async || {
        let answer = get("/api/v1/audit/activity?format=csv", &owner).await;
        (answer.status == 429 && answer.headers.contains_key("retry-after")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_takes_no_more_memory_than_a_small_one() {
    let server = Server::start().await;
    let store = Store::of(&server);
    let row = "SELECT 'default' AS tenant_id, toDateTime64('2026-05-12 12:00:00', 9, 'UTC') + intDiv(number, 10) AS timestamp, now64(3) AS received_at, \
               reinterpretAsUUID(sipHash128(number)) AS event_id, 'log' AS kind, 'app.done' AS event_type, repeat('x', 4000) AS message, 20000 AS retention_days \
               FROM numbers(30000)";
    let columns = "tenant_id, timestamp, received_at, event_id, kind, event_type, message, retention_days";
    store.write(&format!("INSERT INTO activitylog.events ({columns}) {row}")).await;
    let file = async |limit: usize| {
        let answer = server.get(&format!("/api/v1/messages?{RANGE}&format=csv&limit={limit}")).await;
        assert_eq!(answer.status, 200);
        answer.body.len()
    };
    // Some batches, so that what batches take is in the first figure.
    assert!(file(3_000).await > 12_000_000);
    let before = peak_memory(&server);
    assert!(file(30_000).await > 120_000_000);
    let after = peak_memory(&server);
    assert!(after < before + 50_000, "{before} KiB, then {after} KiB");
}
