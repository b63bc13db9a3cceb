//! The panels of Claude Code against what is known of the recordings (`expected.json`), and against events whose figures this
//! test makes up. Expected figures are never made by SQL.

mod counted;
mod recorded;

use serde_json::Value;

use self::counted::{a_session_without_spans, costs_per_commit, counters};
use super::made::{self, Made};
use super::panel;
use crate::senders::JSON;
use crate::support::{Server, request};

const PACK: &str = "claude-code";

/// What the views make of events comes a moment after them.
async fn calls_are_there(server: &Server, calls: u64) {
    server.wait_for_count("SELECT count() FROM activitylog.usage FINAL", calls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_sessions_add_up_in_every_panel() {
    let server = Server::start_with(&[("ACTIVITYLOG_RETENTION_DAYS", "20000")]).await;
    let made = Made::around_a_months_end();
    assert_nothing(&server, &made).await;
    days_and_months_end(&server, &made).await;
    latency(&server, &made).await;
    counters(&server, &made).await;
    costs_per_commit(&server, &made).await;
    a_session_without_spans(&server, &made).await;
}

/// An empty range has no rows, and a stat its one.
async fn assert_nothing(server: &Server, made: &Made) {
    let on = serde_json::json!({"enabled": true}).to_string();
    let url = server.api("/api/v1/packs/claude-code");
    let put = request(hyper::Method::PUT, &url, &[("content-type", JSON)], on.into());
    assert_eq!(put.await.status, 200);
    let list = server.json("/api/v1/packs").await;
    let pack = list["items"].as_array().expect("items").iter().find(|pack| pack["id"] == PACK).expect(PACK);
    for described in pack["panels"].as_array().expect("panels") {
        let id = described["id"].as_str().expect("an id");
        let empty = panel(server, PACK, id, &made.range(-20, -19)).await;
        assert_eq!(empty.rows.len(), usize::from(described["visual"] == "stat"), "{id}");
    }
    let overview = panel(server, PACK, "overview", &made.range(-20, -19)).await;
    assert_eq!(overview.rows, [["0", "0", "0", "0", "0", "null", "null"]]);
}

async fn days_and_months_end(server: &Server, made: &Made) {
    // The last microsecond of the month, its end, and two evenings in Europe.
    let requests = [
        (made.at(0, -1), "ada", "s-last", "claude-opus-4-8", "0.100000001"),
        (made.at(0, 0), "ada", "s-first", "claude-opus-4-8", "0.2"),
        (made.at(3, 3 * 3_600_000), "bob", "s-west", "claude-haiku-4-5", "0.3"),
        (made.at(3, 19 * 3_600_000 + 1_800_000), "bob", "s-east", "claude-haiku-4-5", "0.000000004"),
    ];
    let records: Vec<Value> = requests
        .iter()
        .map(|(at, user, session, model, cost)| {
            made::log(
                *at,
                "api_request",
                &[
                    ("user.id", user),
                    ("session.id", session),
                    ("model", model),
                    ("cost_usd", cost),
                    ("input_tokens", "10"),
                ],
            )
        })
        .collect();
    server.send_json("logs", &made::logs(&[], &records)).await;
    calls_are_there(server, 4).await;
    let ask = async |name: &str, range: &[(&str, &str)], more: &[(&str, &str)]| {
        panel(server, PACK, name, &[range, more].concat()).await
    };
    let days = async |zone: &str, name: &str| {
        let rows = ask("sessions-per-day", &made.range(-1, 6), &[("timezone", zone), ("user_id", name)]).await.rows;
        rows.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect::<Vec<_>>()
    };
    let one = |day: i64| (made.day(day), "1".to_owned());
    assert_eq!(days("UTC", "ada").await, [one(-1), one(0)]);
    assert_eq!(days("UTC", "bob").await, [(made.day(3), "2".to_owned())]);
    assert_eq!(days("America/Los_Angeles", "bob").await, [one(2), one(3)]);
    assert_eq!(days("Asia/Kolkata", "bob").await, [one(3), one(4)]);
    assert_eq!(days("America/Los_Angeles", "ada").await, [(made.day(-1), "2".to_owned())]);
    let users = ask("active-users", &made.range(-1, 6), &[]).await;
    assert_eq!(users.rows, [[made.day(-1), "1".into()], [made.day(0), "1".into()], [made.day(3), "1".into()]]);

    // The range's end is not in it.
    let before = ask("cost-by-user", &made.range(-20, 0), &[]).await;
    assert_eq!(before.of(&["user_id", "cost_usd"]), [["ada", "0.100000001"]]);
    let over = ask("cost-by-user", &made.range(-20, 10), &[]).await;
    let midnight = |day: i64| made.time(day);
    assert_eq!(
        over.rows,
        [
            [midnight(-1), "ada".into(), "0.100000001".into()],
            [midnight(0), "ada".into(), "0.2".into()],
            [midnight(3), "bob".into(), "0.300000004".into()]
        ]
    );
    let models = ask("cost-by-model", &made.range(-20, 10), &[("model", "claude-opus-4-8")]).await;
    assert_eq!(models.column("cost_usd"), ["0.100000001", "0.2"]);
    // One row.
    let (from, to) = (made.instant(0, 0), made.instant(0, 1));
    let single = ask("overview", &[("from", &from), ("to", &to)], &[]).await;
    assert_eq!(single.rows, [["0.2", "1", "1", "1", "10", "0", "0.2"]]);
}

async fn latency(server: &Server, made: &Made) {
    // 10, 20 ... 1000 ms.
    let records: Vec<Value> = (1..=100)
        .map(|n: i64| {
            let duration = (n * 10).to_string();
            let own = [("session.id", "slow"), ("model", "claude-opus-4-8"), ("duration_ms", duration.as_str())];
            made::log(made.at(-5, n), "api_request", &own)
        })
        .collect();
    server.send_json("logs", &made::logs(&[], &records)).await;
    calls_are_there(server, 104).await;
    let latency = panel(server, PACK, "api-latency", &made.range(-10, -2)).await;
    // Between the 50th and 51st, and so on.
    assert_eq!(latency.of(&["p50_ms", "p95_ms", "p99_ms"]), [["505", "950.5", "990.1"]]);
    let by_model = panel(server, PACK, "api-latency-by-model", &made.range(-10, -2)).await;
    assert_eq!(by_model.rows, [["claude-opus-4-8", "100", "505", "950.5", "990.1"]]);
}
