//! The panels of LLM cost against the totals that the recordings of instrumentation libraries are known to have
//! (`expected-*.json`), and against calls that this test makes up at known prices. Expected figures are never made by SQL.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::exact::{nanos, usd};
use super::made::{Made, attributes, nanos_of};
use super::{Panel, panel};
use crate::dialects::recordings;
use crate::senders::{JSON, PROTOBUF};
use crate::support::{Server, request};

const PACK: &str = "llm-cost";

fn sum(panel: &Panel, column: &str) -> u64 {
    panel.column(column).iter().map(|cell| cell.parse::<u64>().expect(cell)).sum()
}

fn sum_usd(panel: &Panel, column: &str) -> i64 {
    panel.column(column).iter().map(|cell| nanos_of(cell)).sum()
}

/// As the engine writes what it computes: a recording's time is what it is, whenever this runs.
const LONG: [(&str, &str); 2] = [("from", "2026-10-01T00:00:00Z"), ("to", "2026-12-01T00:00:00Z")];

#[tokio::test(flavor = "multi_thread")]
async fn the_recordings_add_up_in_every_panel() {
    let server = Server::start_with(&[("ACTIVITYLOG_RETENTION_DAYS", "3650")]).await;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/genai");
    let (mut calls, mut with_tokens, mut reported) = (0, 0, 0);
    let mut tokens: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, expected) in recordings() {
        for file in expected["files"].as_object().expect("files").keys() {
            let signal =
                ["traces", "logs", "metrics"].into_iter().find(|signal| file.contains(signal)).expect("a signal");
            let content_type = if file.ends_with(".json") { JSON } else { PROTOBUF };
            let body = std::fs::read(folder.join(file)).expect(file);
            assert_eq!(server.post(signal, content_type, body).await.status, 200, "{file}");
        }
        let summary = &expected["summary"];
        calls += summary["unique_calls"].as_u64().expect("calls");
        with_tokens += summary["unique_calls_with_tokens"].as_u64().expect("calls");
        reported += nanos(&summary["deduplicated_totals"]["cost_reported_usd"]);
        for kind in ["input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens"]
        {
            *tokens.entry(kind).or_default() += summary["deduplicated_totals"][kind].as_u64().expect(kind);
        }
    }
    server.wait_for_count("SELECT count() FROM activitylog.usage FINAL WHERE is_call", calls).await;
    let ask = async |name: &str| panel(&server, PACK, name, &LONG).await;

    // The recordings call the whole prompt input.
    let overview = ask("overview").await;
    let all = tokens["input_tokens"] + tokens["output_tokens"];
    assert_eq!(overview.of(&["calls", "tokens"]), [[calls.to_string(), all.to_string()]]);
    let models = ask("models").await;
    assert_eq!(sum(&models, "calls"), calls);
    for kind in ["output_tokens", "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens"] {
        assert_eq!(sum(&models, kind), tokens[kind], "{kind}");
    }
    let prompt =
        sum(&models, "input_tokens") + sum(&models, "cache_read_tokens") + sum(&models, "cache_creation_tokens");
    assert_eq!(prompt, tokens["input_tokens"]);
    assert!(with_tokens <= calls);

    // However a cost is cut up, its parts are the whole.
    let cost = nanos_of(overview.column("cost_usd")[0]);
    for name in ["cost-over-time", "cost-by-model", "cost-by-user", "cost-by-feature", "cost-by-provider", "models"] {
        assert_eq!(sum_usd(&ask(name).await, "cost_usd"), cost, "{name}");
    }
    let dearest = ask("top-cost-spans").await;
    assert!(dearest.column("cost_usd").windows(2).all(|two| nanos_of(two[0]) >= nanos_of(two[1])));
    // What was reported is known; of some of it the price table knows nothing to set against it.
    let against = ask("reported-against-computed").await;
    assert!(sum_usd(&against, "reported_usd") <= reported && against.rows.len() > 3);
    for row in against.of(&["reported_usd", "computed_usd", "difference_usd"]) {
        assert_eq!(nanos_of(row[0]) - nanos_of(row[1]), nanos_of(row[2]));
    }
}

/// A call of a model with prices that the test's own table gives it.
struct Call {
    at: i64,
    user: &'static str,
    model: &'static str,
    feature: &'static str,
    session: &'static str,
    /// Input that is not cached, output, cache reads, cache writes.
    tokens: [i64; 4],
    reported: Option<f64>,
}

/// Dollars for a million tokens, as the configuration says below.
const PRICES: [i64; 4] = [3, 15, 1, 4];
const PRICED: &str = "house-large";
const UNPRICED: &str = "house-secret";

/// A million tokens for a dollar is a millionth of a dollar for one.
fn computed(tokens: [i64; 4]) -> i64 {
    tokens.iter().zip(PRICES).map(|(tokens, price)| tokens * price * 1000).sum()
}

// === impl Call ===

impl Call {
    fn new(at: i64, user: &'static str, tokens: [i64; 4]) -> Call {
        Call { at, user, model: PRICED, feature: "search", session: "", tokens, reported: None }
    }

    fn nanos(&self) -> i64 {
        match self.reported {
            Some(reported) => nanos(&json!(reported)),
            None if self.model == PRICED => computed(self.tokens),
            None => 0,
        }
    }

    fn span(&self, n: usize) -> Value {
        let [input, output, read, written] = self.tokens;
        let mut all = attributes(&[
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", "house"),
            ("gen_ai.request.model", self.model),
            ("user.id", self.user),
            ("app.feature", self.feature),
            ("session.id", self.session),
        ]);
        let list = all.as_array_mut().expect("a list");
        for (key, value) in [
            ("gen_ai.usage.input_tokens", input + read + written),
            ("gen_ai.usage.output_tokens", output),
            ("gen_ai.usage.cache_read.input_tokens", read),
            ("gen_ai.usage.cache_creation.input_tokens", written),
        ] {
            list.push(json!({"key": key, "value": {"intValue": value.to_string()}}));
        }
        if let Some(reported) = self.reported {
            list.push(json!({"key": "gen_ai.usage.cost", "value": {"doubleValue": reported}}));
        }
        let end = self.at + 1_000_000;
        json!({
            "traceId": format!("{:032x}", n + 1), "spanId": format!("{:016x}", n + 1), "name": "chat", "kind": 3,
            "startTimeUnixNano": self.at.to_string(), "endTimeUnixNano": end.to_string(), "attributes": all,
        })
    }
}

/// Calls enough to tell the prices of four kinds of tokens apart, on both sides of a month's end.
fn calls(made: &Made) -> Vec<Call> {
    let hour = 3_600_000;
    let mut calls = vec![
        Call::new(made.at(-1, 24 * hour - 1000), "ada", [1000, 200, 0, 0]),
        Call::new(made.at(0, 0), "ada", [100, 300, 50_000, 0]),
        Call::new(made.at(2, 20 * hour), "bob", [10, 30, 5000, 9000]),
        Call::new(made.at(4, 3 * hour), "bob", [777, 1, 12, 4000]),
        Call::new(made.at(4, 4 * hour), "ada", [5, 900, 70_000, 33]),
        Call::new(made.at(9, 0), "ada", [2500, 40, 800, 800]),
    ];
    calls[1].session = "s-1";
    calls[2].session = "s-1";
    calls[3].session = "s-2";
    calls[3].reported = Some(0.02);
    calls[4].feature = "chat";
    calls.push(Call { model: UNPRICED, ..Call::new(made.at(5, 0), "ada", [50, 60, 0, 0]) });
    calls
}

const RULE: &str = r#"
[[prices.rule]]
model = "house-large"
input = 3
output = 15
cache_read = 1
cache_write = 4
"#;

#[tokio::test(flavor = "multi_thread")]
async fn made_up_calls_cost_what_they_cost() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.toml");
    std::fs::write(&config, RULE).expect("written");
    let server = Server::start_configured(&config, &[("ACTIVITYLOG_RETENTION_DAYS", "20000")]).await;
    let made = Made::around_a_months_end();
    nothing(&server, &made).await;
    let calls = calls(&made);
    let spans: Vec<Value> = calls.iter().enumerate().map(|(n, call)| call.span(n)).collect();
    let scopes = json!([{"scope": {"name": "opentelemetry.instrumentation.genai.house"}, "spans": spans}]);
    server.send_json("traces", &json!({"resourceSpans": [{"resource": {}, "scopeSpans": scopes}]})).await;
    server.wait_for_count("SELECT count() FROM activitylog.usage FINAL", calls.len() as u64).await;
    sums(&server, &made, &calls).await;
    days(&server, &made, &calls).await;
    savings(&server, &made, &calls).await;
    sessions_and_prices(&server, &made, &calls).await;
    the_month(&server, &made, &calls).await;
}

async fn nothing(server: &Server, made: &Made) {
    let on = json!({"enabled": true}).to_string();
    let url = server.api("/api/v1/packs/llm-cost");
    assert_eq!(request(hyper::Method::PUT, &url, &[("content-type", JSON)], on.into()).await.status, 200);
    let list = server.json("/api/v1/packs").await;
    let pack = list["items"].as_array().expect("items").iter().find(|pack| pack["id"] == PACK).expect(PACK);
    for described in pack["panels"].as_array().expect("panels") {
        let id = described["id"].as_str().expect("an id");
        let empty = panel(server, PACK, id, &made.range(-20, -19)).await;
        // The days of the month are there whatever happened on them.
        let rows = if id == "month-by-day" { 0..32 } else { 0..2 };
        assert!(rows.contains(&empty.rows.len()), "{id}: {:?}", empty.rows);
        assert!(
            empty
                .columns()
                .iter()
                .zip(empty.rows.iter().flatten())
                .all(|(name, cell)| !name.ends_with("cost_usd") || cell == "0" || cell == "null")
        );
    }
}

fn total<'a>(calls: impl IntoIterator<Item = &'a Call>) -> i64 {
    calls.into_iter().map(Call::nanos).sum()
}

async fn sums(server: &Server, made: &Made, calls: &[Call]) {
    let range = made.range(-5, 12);
    let ask = async |name: &str, more: &[(&str, &str)]| panel(server, PACK, name, &[&range[..], more].concat()).await;
    let overview = ask("overview", &[]).await;
    let tokens: i64 = calls.iter().flat_map(|call| call.tokens).sum();
    assert_eq!(
        overview.of(&["cost_usd", "calls", "tokens", "calls_without_price"]),
        [[usd(total(calls)), calls.len().to_string(), tokens.to_string(), "1".to_owned()]]
    );
    for (panel, filter, values) in [
        ("cost-by-user", "user_id", ["ada", "bob"]),
        ("cost-by-feature", "feature", ["search", "chat"]),
        ("cost-by-model", "model", [PRICED, UNPRICED]),
    ] {
        for value in values {
            let of = |call: &&Call| [call.user, call.feature, call.model].contains(&value);
            let found = ask(panel, &[(filter, value)]).await;
            assert_eq!(sum_usd(&found, "cost_usd"), total(calls.iter().filter(of)), "{panel} {value}");
            assert!(found.column(filter).iter().all(|cell| *cell == value));
        }
    }
    assert_eq!(sum_usd(&ask("cost-by-provider", &[("provider", "house")]).await, "cost_usd"), total(calls));
    let dearest = ask("top-cost-spans", &[]).await;
    let most = (0..calls.len()).max_by_key(|n| calls[*n].nanos()).expect("calls");
    let first = dearest.of(&["cost_usd", "trace_id", "user_id"])[0].clone();
    assert_eq!(first, [usd(calls[most].nanos()).as_str(), &format!("{:032x}", most + 1), calls[most].user]);
    assert_eq!(dearest.rows.len(), calls.len() - 1, "without the one that nobody knows the price of");
}

async fn days(server: &Server, made: &Made, calls: &[Call]) {
    let over = panel(server, PACK, "cost-over-time", &made.range(-5, 12)).await;
    let expected: Vec<[String; 2]> = [(-1, 0..1), (0, 1..2), (2, 2..3), (4, 3..5), (5, 6..7), (9, 5..6)]
        .map(|(day, of)| [made.time(day), usd(total(&calls[of]))])
        .to_vec();
    assert_eq!(over.rows, expected);
    // The range's end is not in it; a range may hold one call.
    assert_eq!(
        panel(server, PACK, "cost-over-time", &made.range(-5, 0)).await.column("cost_usd"),
        [usd(calls[0].nanos())]
    );
    let (from, to) = (made.instant(0, 0), made.instant(0, 1));
    let one = panel(server, PACK, "cost-over-time", &[("from", &from), ("to", &to)]).await;
    assert_eq!(one.column("cost_usd"), [usd(calls[1].nanos())]);
    // 20:00 in UTC is the next day in Kolkata; 03:00 and 04:00 the day before in Los Angeles.
    for (zone, shift, days) in [("America/Los_Angeles", 0, [-1, 2, 3, 4, 8]), ("Asia/Kolkata", 6, [0, 3, 4, 5, 9])] {
        let found =
            panel(server, PACK, "cost-over-time", &[&made.range(-5, 12)[..], &[("timezone", zone)]].concat()).await;
        // Midnight there is the same day in UTC, or, six hours later, is.
        let date = |time: &&str| {
            let time: jiff::Timestamp = time.parse().expect("an instant");
            (time + jiff::SignedDuration::from_hours(shift)).to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
        };
        let dates: Vec<String> = found.column("time").iter().map(date).collect();
        assert_eq!(dates, days.map(|day| made.day(day)), "{zone}");
        assert_eq!(sum_usd(&found, "cost_usd"), total(calls));
    }
    let kinds =
        |calls: &[Call]| calls.iter().fold([0; 4], |sum, call| std::array::from_fn(|n| sum[n] + call.tokens[n]));
    let [input, output, read, written] = kinds(&calls[3..5]);
    let of_day = panel(server, PACK, "prompt-completion-ratio", &made.range(4, 20)).await;
    let ratio: f64 = of_day.column("prompt_per_completion")[0].parse().expect("a number");
    assert!((ratio - (input + read + written) as f64 / output as f64).abs() < 1e-9);
    let hits = panel(server, PACK, "cache-hit-rate", &[&made.range(4, 20)[..], &[("model", PRICED)]].concat()).await;
    let [input, _, read, written] = kinds(&calls[3..5]);
    let rate: f64 = hits.column("cache_hit_rate")[0].parse().expect("a number");
    assert!((rate - read as f64 / (input + read + written) as f64).abs() < 1e-12);
}

/// At the price of input less what reading cost, less what writing cost beyond the price of input.
async fn savings(server: &Server, made: &Made, calls: &[Call]) {
    let range = made.range(-5, 12);
    let saved: i64 = calls
        .iter()
        .filter(|call| call.model == PRICED)
        .map(|call| call.tokens[2] * (PRICES[0] - PRICES[2]) - call.tokens[3] * (PRICES[3] - PRICES[0]))
        .sum::<i64>()
        * 1000;
    let found = panel(server, PACK, "cache-savings", &range).await;
    assert_eq!(
        found.of(&["saved_usd", "cost_usd", "cost_without_cache_usd", "unpriced_cache_read_tokens"]),
        [[usd(saved), usd(total(calls)), usd(total(calls) + saved), "0".to_owned()]]
    );
    let by_model = panel(server, PACK, "cache-savings-by-model", &range).await;
    let columns = ["model", "saved_usd", "input_million_usd", "cache_read_million_usd", "cache_write_million_usd"];
    assert_eq!(by_model.of(&columns), [[PRICED, &usd(saved), "3", "1", "4"]]);
    // Two calls can't tell four prices apart: then there is no figure, and not a guess.
    let few = panel(server, PACK, "cache-savings-by-model", &made.range(4, 5)).await;
    assert_eq!(few.of(&["model", "saved_usd", "unpriced_cache_read_tokens"]), [[PRICED, "null", "70012"]]);
}

async fn sessions_and_prices(server: &Server, made: &Made, calls: &[Call]) {
    let range = made.range(-5, 12);
    let sessions = panel(server, PACK, "cost-per-session", &range).await;
    let mut expected = [("s-1", total(&calls[1..3]), "2"), ("s-2", total(&calls[3..4]), "1")];
    expected.sort_by_key(|(_, cost, _)| -cost);
    let expected = expected.map(|(session, cost, calls)| [session.to_owned(), usd(cost), calls.to_owned()]);
    assert_eq!(sessions.of(&["session_id", "cost_usd", "calls"]), expected);
    let stat = panel(server, PACK, "session-cost", &range).await;
    assert_eq!(stat.of(&["cost_per_session_usd", "sessions"]), [[usd(total(&calls[1..4]) / 2), "2".to_owned()]]);

    let against = panel(server, PACK, "reported-against-computed", &range).await;
    let (reported, computed) = (calls[3].nanos(), computed(calls[3].tokens));
    assert_eq!(
        against.of(&["model", "calls", "reported_usd", "computed_usd", "difference_usd", "calls_that_differ"]),
        [[PRICED, "1", &usd(reported), &usd(computed), &usd(reported - computed), "1"]]
    );
    let unpriced = panel(server, PACK, "models-without-price", &range).await;
    assert_eq!(
        unpriced.of(&["model", "provider", "calls", "prompt_tokens", "completion_tokens"]),
        [[UNPRICED, "house", "1", "50", "60"]]
    );
}

async fn the_month(server: &Server, made: &Made, calls: &[Call]) {
    let budget = json!({"monthly_budget_usd": 10}).to_string();
    let set =
        request(hyper::Method::PATCH, &server.api("/api/v1/settings"), &[("content-type", JSON)], budget.into()).await;
    assert_eq!(set.status, 200, "{}", set.text());
    // Four days and a half into the month: what was before its first is not of it.
    let to = made.instant(4, 12 * 3_600_000);
    let range = [("from", made.time(-5)), ("to", to)];
    let range: Vec<(&str, &str)> = range.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let spent = total(&calls[1..5]);
    let days = i64::from(made.first().days_in_month());
    let cents = (spent as f64 / 1e7 * days as f64 / 4.5).floor() as i64;
    let stat = panel(server, PACK, "month-to-date", &range).await;
    assert_eq!(stat.of(&["cost_usd", "budget_usd", "month"]), [[usd(spent), "10".to_owned(), made.day(0)]]);
    let projected = nanos_of(stat.column("projected_usd")[0]) / 10_000_000;
    assert!((projected - cents).abs() <= 1, "{projected} {cents}");
    let ratio: f64 = stat.column("spent_ratio")[0].parse().expect("a ratio");
    assert!((ratio - spent as f64 / 1e10).abs() < 1e-9);

    let by_day = panel(server, PACK, "month-by-day", &range).await;
    assert_eq!(by_day.rows.len() as i64, days);
    let so_far: Vec<String> = [1..2, 1..2, 1..3, 1..3, 1..5].map(|of| usd(total(&calls[of]))).to_vec();
    assert_eq!(by_day.column("cost_usd")[..5], so_far);
    assert!(by_day.column("cost_usd")[5..].iter().all(|cell| *cell == "null"));
    assert!(by_day.column("budget_usd").iter().all(|cell| *cell == "10"));
    let last = *by_day.column("projected_usd").last().expect("days");
    assert_eq!(last, stat.column("projected_usd")[0]);
    // The month's own end: all of it, and nothing to add. In Los Angeles the first hours are of the month before.
    let ended = panel(server, PACK, "month-to-date", &made.range(-3, days)).await;
    assert_eq!(ended.column("cost_usd"), [usd(total(&calls[1..]))]);
    assert_eq!(
        nanos_of(ended.column("projected_usd")[0]) / 10_000_000,
        (total(&calls[1..]) as f64 / 1e7).round() as i64
    );
    let west =
        panel(server, PACK, "month-to-date", &[&range[..], &[("timezone", "America/Los_Angeles")]].concat()).await;
    assert_eq!(west.column("cost_usd"), [usd(total(&calls[2..5]))]);
    let before = panel(server, PACK, "month-to-date", &made.range(-5, 0)).await;
    assert_eq!(before.of(&["cost_usd", "month"])[0][0], usd(calls[0].nanos()));
}
