//! `activitylog reprice` on the real engine: both tables end right, and nothing is counted twice.

use std::path::Path;
use std::process::{Command, Output};

use super::running::{call_at, send};
use crate::support::{BINARY, Server, engine_library, logs};

const DAY: i64 = 86_400_000_000_000;

fn reprice(server: &Server, config: &Path, arguments: &[&str]) -> Output {
    Command::new(BINARY)
        .args(["reprice", "--config"])
        .arg(config)
        .arg("--data-dir")
        .arg(&server.dir)
        .args(arguments)
        .env("ACTIVITYLOG_ENGINE_LIB", engine_library())
        .output()
        .expect("the binary")
}

/// Its exit is a success; returns what it printed.
fn repriced(server: &Server, config: &Path, arguments: &[&str]) -> String {
    let output = reprice(server, config, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn rule(price: &str) -> String {
    format!("[[prices.rule]]\nmodel = \"house\"\ninput = {price}\noutput = 0\n")
}

/// Costs as the readers' views show them, call by call.
fn costs(server: &Server, table: &str) -> Vec<Vec<String>> {
    let last = if table.ends_with("usage") { "FINAL" } else { "" };
    server.sql(&format!(
        "SELECT model, toString(cost_usd), toString(cost_computed_usd), toString(cost_reported_usd), cost_origin, price_version \
         FROM {table} {last} WHERE input_tokens > 0 ORDER BY model, input_tokens"
    ))
}

const ROLLUP: &str = "SELECT sum(events), sum(errors), count() FROM activitylog.events_by_minute";

#[tokio::test(flavor = "multi_thread")]
async fn past_calls_get_todays_prices_and_the_way_back_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("a.toml");
    let server = Server::start().await;
    let now = jiff::Timestamp::now().as_nanosecond() as i64;
    let today = |at: i64| jiff::Timestamp::from_nanosecond(i128::from(at)).unwrap().strftime("%Y-%m-%d").to_string();
    send(
        &server,
        &[
            call_at(now - DAY, "house", "r1", 1_000_000, 1),
            call_at(now - DAY, "house", "r2", 2_000_000, 1),
            call_at(now - 9 * DAY, "house", "out-of-range", 3_000_000, 1),
        ],
    )
    .await;
    // A call whose cost its reporter names: that figure stays.
    let claude = crate::support::record(
        "claude_code.api_request",
        86_400,
        &[
            ("event.name", "api_request"),
            ("model", "house"),
            ("input_tokens", "500000"),
            ("cost_usd", "0.25"),
            ("request_id", "req_1"),
        ],
    );
    server.send_json("logs", &logs("com.anthropic.claude_code.events", &[claude])).await;
    server.wait_for_count("SELECT count() FROM activitylog.usage FINAL", 4).await;
    server.wait_for_count("SELECT sum(events) FROM activitylog.events_by_minute", 4).await;
    let rollup = server.sql(ROLLUP);
    let events = server.number("SELECT count() FROM activitylog.events");

    let (from, to) = (today(now - 2 * DAY), today(now));
    let range = ["--from", &from, "--to", &to];
    let expect = |price: &str, half: &str, double: &str| {
        let row = |cost: &str, computed: &str, reported: &str, origin: &str, version: &str| {
            ["house", cost, computed, reported, origin, version].map(str::to_owned).to_vec()
        };
        vec![
            row("0.25", half, "0.25", "reported", "config"),
            row(price, price, "\\N", "computed", "config"),
            row(double, double, "\\N", "computed", "config"),
            row("0", "\\N", "\\N", "none", ""),
        ]
    };

    // There and back, and there again: the last insert is a repetition of the first one.
    for (price, half, double) in [("4", "2", "8"), ("1.5", "0.75", "3"), ("4", "2", "8")] {
        std::fs::write(&config, rule(price)).expect("written");
        let before = costs(&server, "activitylog.usage");
        let told = repriced(&server, &config, &[&range[..], &["--dry-run"]].concat());
        assert!(told.contains("calls changed    3") && told.contains("--dry-run"), "{told}");
        assert_eq!(costs(&server, "activitylog.usage"), before);

        let told = repriced(&server, &config, &range);
        assert!(told.contains("calls looked at  3") && told.contains("calls changed    3"), "{told}");
        for table in ["activitylog.usage", "activitylog.events"] {
            assert_eq!(costs(&server, table), expect(price, half, double), "{table}");
        }
        // Again: nothing is left to do.
        assert!(repriced(&server, &config, &range).contains("calls changed    0 (records of calls: 0)"));
        server.sql("OPTIMIZE TABLE activitylog.usage FINAL");
        assert_eq!(costs(&server, "activitylog.usage"), expect(price, half, double));
        assert_eq!(server.sql(ROLLUP), rollup);
        assert_eq!(server.number("SELECT count() FROM activitylog.events"), events);
    }

    // A tenant that sent nothing has nothing to change; a model that lost its price has no cost.
    std::fs::write(&config, "").expect("written");
    assert!(
        repriced(&server, &config, &[&range[..], &["--tenant", "o'nobody"]].concat()).contains("calls looked at  0")
    );
    let told = repriced(&server, &config, &range);
    assert!(told.contains("without a price  2"), "{told}");
    let sums = server
        .sql("SELECT toString(sum(cost_usd)), countIf(cost_computed_usd IS NOT NULL) FROM activitylog.usage FINAL");
    assert_eq!(sums, [["0.25", "0"]]);
    let sums =
        server.sql("SELECT toString(sum(cost_usd)), countIf(cost_computed_usd IS NOT NULL) FROM activitylog.events");
    assert_eq!(sums, [["0.25", "0"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_are_changed_in_pages() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("a.toml");
    let server = Server::start().await;
    let start = jiff::Timestamp::now().as_nanosecond() as i64 - 3_600_000_000_000;
    // More than one page and one batch; many at the same moment.
    for request in 0..6 {
        let spans: Vec<_> = (0..2_000)
            .map(|n| call_at(start + n / 500, "house", &format!("r-{request}-{n}"), 1 + n as u64, 1))
            .collect();
        send(&server, &spans).await;
    }
    server.wait_for_count("SELECT count() FROM activitylog.usage FINAL", 12_000).await;
    std::fs::write(&config, rule("2")).expect("written");
    let day = |ns: i64| jiff::Timestamp::from_nanosecond(i128::from(ns)).unwrap().strftime("%Y-%m-%d").to_string();
    let told = repriced(&server, &config, &["--from", &day(start), "--to", &day(start)]);
    assert!(told.contains("calls changed    12000 (records of calls: 12000)"), "{told}");
    let wrong = "SELECT count() FROM activitylog.TABLE WHERE cost_usd != toDecimal64(input_tokens * 2, 9) / 1000000";
    assert_eq!(server.number(&wrong.replace("TABLE", "usage FINAL")), 0);
    assert_eq!(server.number(&wrong.replace("TABLE", "events")), 0);
}

#[test]
fn what_can_not_be_meant_is_refused_with_exit_64() {
    for arguments in [
        &["reprice", "--from", "2026-10-02", "--to", "2026-10-01"][..],
        &["reprice", "--from", "yesterday", "--to", "2026-10-01"],
        &["reprice", "--from", "2026-10-01"],
    ] {
        let output = Command::new(BINARY).args(arguments).output().expect("the binary");
        assert_eq!(output.status.code(), Some(64), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let help = Command::new(BINARY).args(["reprice", "--help"]).output().expect("the binary");
    assert!(String::from_utf8_lossy(&help.stdout).contains("Example:\n  activitylog reprice --from"));
}
