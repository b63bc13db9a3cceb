//! The panels of LLM cost against the totals that the recordings of instrumentation libraries are known to have
//! (`expected-*.json`), and against calls that this test makes up at known prices. Expected figures are never made by SQL.

mod call;
mod recorded;

use serde_json::{Value, json};

use self::call::{Call, PRICED, PRICES, RULE, UNPRICED, calls, computed, total};
use super::exact::{nanos_of, sum_usd, usd};
use super::made::Made;
use super::panel;
use crate::senders::JSON;
use crate::support::{Server, request};

const PACK: &str = "llm-cost";

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
