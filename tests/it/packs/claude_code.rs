//! The panels of Claude Code against what is known of the recordings (`expected.json`), and against events whose figures this
//! test makes up. Expected figures are never made by SQL.

use std::collections::BTreeMap;

use serde_json::Value;

use super::exact::{nanos, usd};
use super::made::{self, Kind, Made};
use super::{Panel, panel};
use crate::captures::send;
use crate::fidelity::read_json;
use crate::senders::JSON;
use crate::store::Store;
use crate::support::{Server, request};
use crate::webhooks::{add, assert_stored};

const PACK: &str = "claude-code";
type Counts = BTreeMap<String, u64>;

/// All recordings are of one night.
const NIGHT: [(&str, &str); 2] = [("from", "2026-11-20T00:00:00Z"), ("to", "2026-11-22T00:00:00Z")];

/// What the runs are known to have done.
#[derive(Default)]
struct Known {
    sessions: std::collections::BTreeSet<String>,
    cost: i64,
    cost_by_model: BTreeMap<String, i64>,
    tokens: Counts,
    requests: u64,
    /// Succeeded, failed, turned down.
    tools: BTreeMap<String, [u64; 3]>,
    calls: u64,
    api_errors: Counts,
    metrics: Counts,
    retries: u64,
    rows: u64,
    points: u64,
}

fn count(value: &Value) -> u64 {
    value.as_f64().expect("a number") as u64
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

impl Known {
    fn read() -> Known {
        let mut known = Known::default();
        for (_, run) in entries(&read_json("expected.json")["runs"]) {
            known.run(run);
        }
        known
    }

    fn run(&mut self, run: &Value) {
        self.sessions.extend(
            run["session_ids"].as_array().expect("sessions").iter().map(|id| id.as_str().expect("id").to_owned()),
        );
        self.rows += count(&run["log_records"]) + count(&run["span_count"]);
        self.cost += nanos(&run["cost_usd_total"]);
        for (model, cost) in entries(&run["cost_usd_by_model"]) {
            *self.cost_by_model.entry(model.clone()).or_default() += nanos(cost);
        }
        for (kind, tokens) in entries(&run["tokens_total"]) {
            *self.tokens.entry(kind.clone()).or_default() += count(tokens);
        }
        if count(&run["log_records"]) > 0 {
            self.requests += entries(&run["api_requests_by_model"]).map(|(_, n)| count(n)).sum::<u64>();
        }
        // Old versions tell of a call that was turned down by its span only.
        let (results, decisions) = (entries(&run["tool_results"]), entries(&run["tool_decisions"]));
        let ran = results.flat_map(|(_, outcomes)| entries(outcomes)).map(|(_, n)| count(n)).sum::<u64>();
        let turned_down = decisions.flat_map(|(_, made)| entries(&made["reject"])).map(|(_, n)| count(n)).sum::<u64>();
        self.calls += run["spans"]["claude_code.tool"].as_u64().unwrap_or(0).max(ran + turned_down);
        for (tool, results) in entries(&run["tool_results"]) {
            let counted = self.tools.entry(tool.clone()).or_default();
            counted[0] += results["success"].as_u64().unwrap_or(0);
            counted[1] += results["failure"].as_u64().unwrap_or(0);
        }
        for (tool, decisions) in entries(&run["tool_decisions"]) {
            let turned_down: u64 = entries(&decisions["reject"]).map(|(_, n)| count(n)).sum();
            self.tools.entry(tool.clone()).or_default()[2] += turned_down;
        }
        for (status, errors) in entries(&run["api_error_events_by_status"]) {
            *self.api_errors.entry(status.clone()).or_default() += count(errors);
        }
        // A request that is refused as wrong (400) is not tried again.
        let tried =
            |key: &str| entries(&run[key]).filter(|(status, _)| *status != "400").map(|(_, n)| count(n)).sum::<u64>();
        self.retries += tried("failed_http_attempts_by_status") - tried("api_error_events_by_status");
        self.points += entries(&run["metric_datapoints"]).map(|(_, n)| count(n)).sum::<u64>();
        for (name, total) in entries(&run["metric_totals"]) {
            *self.metrics.entry(name.clone()).or_default() += count(total);
        }
    }
}

/// What the views make of events comes a moment after them.
async fn calls_are_there(server: &Server, calls: u64) {
    server.wait_for_count("SELECT count() FROM activitylog.usage FINAL", calls).await;
}

fn sum(panel: &Panel, column: &str) -> u64 {
    panel.column(column).iter().map(|cell| cell.parse::<u64>().expect(cell)).sum()
}

fn sum_usd(panel: &Panel, column: &str) -> i64 {
    panel.column(column).iter().map(|cell| made::nanos_of(cell)).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recordings_add_up_in_every_panel() {
    let server = Server::start_with(&[("ACTIVITYLOG_RETENTION_DAYS", "3650")]).await;
    let manifest = read_json("manifest.json");
    for file in manifest["files"].as_array().expect("files") {
        send(&server, file).await;
    }
    let known = Known::read();
    server.wait_for_count("SELECT count() FROM activitylog.events FINAL", known.rows).await;
    server.wait_for_count("SELECT count() FROM activitylog.metrics FINAL", known.points).await;
    calls_are_there(&server, known.requests).await;
    let ask = async |name: &str, more: &[(&str, &str)]| panel(&server, PACK, name, &[&NIGHT, more].concat()).await;

    let overview = ask("overview", &[]).await;
    let sessions = known.sessions.len().to_string();
    let tokens: u64 = known.tokens.values().sum();
    assert_eq!(
        overview.of(&["cost_usd", "sessions", "requests", "tokens"]),
        [[usd(known.cost).as_str(), &sessions, &known.requests.to_string(), &tokens.to_string()]]
    );
    let prompt = tokens - known.tokens["output"];
    let hit_rate: f64 = overview.column("cache_hit_rate")[0].parse().expect("a ratio");
    assert!((hit_rate - known.tokens["cacheRead"] as f64 / prompt as f64).abs() < 1e-12);

    // At 00:38 UTC it is the evening before in Los Angeles.
    for (timezone, day) in
        [("UTC", "2026-11-21"), ("America/Los_Angeles", "2026-11-20"), ("Asia/Kolkata", "2026-11-21")]
    {
        let days = ask("sessions-per-day", &[("timezone", timezone)]).await;
        assert_eq!(days.rows, [[day, sessions.as_str()]], "{timezone}");
    }
    let by_model = ask("cost-by-model", &[]).await;
    for (model, cost) in &known.cost_by_model {
        let one = ask("cost-by-model", &[("model", model)]).await;
        assert_eq!(one.column("cost_usd"), [usd(*cost)], "{model}");
    }
    assert_eq!((by_model.rows.len(), sum_usd(&by_model, "cost_usd")), (known.cost_by_model.len(), known.cost));
    assert_eq!(sum_usd(&ask("cost-by-user", &[]).await, "cost_usd"), known.cost);
    assert_eq!(sum_usd(&ask("users", &[]).await, "cost_usd"), known.cost);
    assert_eq!(sum_usd(&ask("breakdown", &[]).await, "cost_usd"), known.cost);
    let broken_down = ask("token-breakdown", &[]).await;
    for (column, kind) in [
        ("input_tokens", "input"),
        ("output_tokens", "output"),
        ("cache_read_tokens", "cacheRead"),
        ("cache_creation_tokens", "cacheCreation"),
    ] {
        assert_eq!(broken_down.column(column), [known.tokens[kind].to_string()], "{kind}");
    }

    let tools = ask("top-tools", &[]).await;
    let found: BTreeMap<String, [u64; 3]> = (0..tools.rows.len())
        .map(|row| {
            let figure = |name: &str| tools.column(name)[row].parse().expect("a number");
            (tools.column("tool_name")[row].to_owned(), [figure("succeeded"), figure("failed"), figure("rejected")])
        })
        .collect();
    assert_eq!(found, known.tools);
    assert_eq!(sum(&tools, "calls"), known.calls);

    let errors = ask("errors", &[]).await;
    let mut of_the_api = Counts::new();
    let mut of_tools = 0;
    for row in errors.of(&["part", "status_code", "errors"]) {
        match row[0] {
            "API" => *of_the_api.entry(row[1].to_owned()).or_default() += row[2].parse::<u64>().expect("a number"),
            "tool" => of_tools += row[2].parse::<u64>().expect("a number"),
            _ => {}
        }
    }
    assert_eq!(of_the_api, known.api_errors);
    assert_eq!(of_tools, known.tools.values().map(|counted| counted[1]).sum::<u64>());
    assert_eq!(sum(&ask("errors-over-time", &[]).await, "errors"), sum(&errors, "errors"));
    assert_eq!(sum(&ask("retries", &[]).await, "retries"), known.retries);
    assert_eq!(sum(&ask("retries", &[]).await, "given_up"), 4);

    let lines = ask("lines-of-code", &[]).await;
    assert_eq!(sum(&lines, "added") + sum(&lines, "removed"), known.metrics["claude_code.lines_of_code.count"]);
    let made = ask("commits-and-pull-requests", &[]).await;
    assert_eq!(sum(&made, "commits"), known.metrics["claude_code.commit.count"]);
    assert_eq!(sum(&made, "pull_requests"), known.metrics["claude_code.pull_request.count"]);
    let edits = ask("edit-decisions", &[]).await;
    assert_eq!(sum(&edits, "accepted") + sum(&edits, "rejected"), known.metrics["claude_code.code_edit_tool.decision"]);

    sessions_become_waterfalls(&server, &manifest).await;
}

/// From spans where there are any, from events where not; and never from both.
async fn sessions_become_waterfalls(server: &Server, manifest: &Value) {
    let expected = &read_json("expected.json")["runs"];
    for run in ["06-edit_files-httpjson", "22-subagent-httppb", "55-logs_only-grpc"] {
        let known = &expected[run];
        assert!(manifest["runs"].as_array().expect("runs").iter().any(|listed| listed["id"] == run), "{run}");
        let session = known["session_ids"][0].as_str().expect("an id");
        let steps =
            panel(server, PACK, "interaction-timeline", &[&NIGHT[..], &[("session_id", session)]].concat()).await;
        let of_kind = |kind: &str| steps.column("kind").iter().filter(|cell| **cell == kind).count() as u64;
        let requests: u64 = entries(&known["api_requests_by_model"]).map(|(_, n)| count(n)).sum();
        assert_eq!((of_kind("prompt"), of_kind("model")), (count(&known["user_prompts"]), requests), "{run}");
        let cost: i64 =
            steps.column("cost_usd").iter().filter(|cell| **cell != "null").map(|cell| made::nanos_of(cell)).sum();
        assert_eq!(cost, nanos(&known["cost_usd_total"]), "{run}");
        let spans = count(&known["span_count"]);
        if spans > 0 {
            assert_eq!(steps.rows.len() as u64, spans, "{run}");
        }
        // Everything hangs below a prompt.
        let ids = steps.column("id");
        for (kind, parent) in steps.column("kind").iter().zip(steps.column("parent_id")) {
            assert_eq!((*kind == "prompt"), parent.is_empty(), "{run}: {kind}");
            assert!(parent.is_empty() || ids.contains(&parent), "{run}");
        }
    }
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

async fn counters(server: &Server, made: &Made) {
    let hour = 3_600_000;
    let series = |session: &'static str, name: &'static str, own: &'static [(&str, &str)]| (session, name, own);
    let commits = series("grows", "claude_code.commit.count", &[]);
    // Up to 5, then a new process from 0, then one that falls without saying so.
    let cumulative = [
        (commits, 1, 10, 2.0),
        (commits, 1, 11, 5.0),
        (commits, 12, 13, 1.0),
        (commits, 12, 14, 1.0),
        (commits, 12, 15, 4.0),
        (commits, 12, 16, 1.0),
    ];
    let points: Vec<Value> = cumulative
        .iter()
        .map(|((session, name, own), start, at, value)| {
            made::point(
                Kind::Cumulative,
                name,
                made.at(-8, start * hour),
                made.at(-8, at * hour),
                *value,
                &[*own, &[("session.id", *session)][..]].concat(),
            )
        })
        .collect();
    server.send_json("metrics", &made::metrics(&[], &points)).await;
    let rust = [("decision", "accept"), ("language", "Rust"), ("tool_name", "Edit")];
    let no_rust = [("decision", "reject"), ("language", "Rust"), ("tool_name", "Edit")];
    let python = [("decision", "accept"), ("language", "Python"), ("tool_name", "Write")];
    let added = [("type", "added"), ("model", "claude-opus-4-8")];
    let removed = [("type", "removed"), ("model", "claude-opus-4-8")];
    let deltas: [(&str, &[(&str, &str)], f64); 9] = [
        ("claude_code.commit.count", &[], 1.0),
        ("claude_code.commit.count", &[], 2.0),
        ("claude_code.pull_request.count", &[], 1.0),
        ("claude_code.code_edit_tool.decision", &rust, 3.0),
        ("claude_code.code_edit_tool.decision", &no_rust, 1.0),
        ("claude_code.code_edit_tool.decision", &python, 2.0),
        ("claude_code.lines_of_code.count", &added, 40.0),
        ("claude_code.lines_of_code.count", &added, 2.0),
        ("claude_code.lines_of_code.count", &removed, 7.0),
    ];
    let points: Vec<Value> = (0..)
        .zip(deltas)
        .map(|(n, (name, own, value))| {
            let at = made.at(-8, 17 * hour + n * 1000);
            made::point(Kind::Delta, name, at - 1_000_000, at, value, &[own, &[("session.id", "steps")]].concat())
        })
        .collect();
    server.send_json("metrics", &made::metrics(&[], &points)).await;
    server.wait_for_count("SELECT count() FROM activitylog.metrics", 15).await;

    let ask = async |name: &str, from: i64, to: i64| {
        let (from, to) = (made.instant(-8, from * hour), made.instant(-8, to * hour));
        panel(server, PACK, name, &[("from", &from), ("to", &to)]).await
    };
    let whole = ask("commits-and-pull-requests", 0, 24).await;
    assert_eq!((sum(&whole, "commits"), sum(&whole, "pull_requests")), (5 + 1 + 3 + 1 + 3, 1));
    // What stood at 10:00 is known though it is before the range: 3 more, and 1.
    let from_half_past = ask("commits-and-pull-requests", 11, 14).await;
    assert_eq!(sum(&from_half_past, "commits"), 3 + 1);
    let edits = ask("edit-decisions", 0, 24).await;
    assert_eq!(
        edits.of(&["language", "accepted", "rejected", "acceptance_rate"]),
        [["Rust", "3", "1", "0.75"], ["Python", "2", "0", "1"]]
    );
    let lines = ask("lines-of-code", 0, 24).await;
    assert_eq!((sum(&lines, "added"), sum(&lines, "removed")), (42, 7));
    // Sessions of which only metrics came are sessions.
    let days = panel(server, PACK, "sessions-per-day", &made.range(-9, -7)).await;
    assert_eq!(days.rows.len(), 0, "only what counts sessions or tokens tells of one");
    let at = made.at(-8, 0);
    let started = made::point(Kind::Delta, "claude_code.session.count", at - 1, at, 1.0, &[("session.id", "steps")]);
    server.send_json("metrics", &made::metrics(&[], &[started])).await;
    server.wait_for_count("SELECT count() FROM activitylog.metrics", 16).await;
    let days = panel(server, PACK, "sessions-per-day", &made.range(-9, -7)).await;
    assert_eq!(days.rows, [[made.day(-8), "1".to_owned()]]);
}

async fn costs_per_commit(server: &Server, made: &Made) {
    let told = "https://github.com/acme/Shop";
    let untold = "https://github.com/acme/tools";
    let cost = |at: i64, cost: &str| {
        let own = [("session.id", "shops"), ("model", "claude-opus-4-8"), ("cost_usd", cost), ("request_id", cost)];
        made::log(at, "api_request", &own)
    };
    let day = -12;
    server
        .send_json(
            "logs",
            &made::logs(
                &[("vcs.repository.url.full", told)],
                &[cost(made.at(day, 1), "1.5"), cost(made.at(day, 2), "0.9")],
            ),
        )
        .await;
    server
        .send_json("logs", &made::logs(&[("vcs.repository.url.full", untold)], &[cost(made.at(day, 3), "0.75")]))
        .await;
    let counted = |name: &str, value: f64| {
        made::point(Kind::Delta, name, made.at(day, 0), made.at(day, 10), value, &[("session.id", "shops")])
    };
    let both = [counted("claude_code.commit.count", 5.0), counted("claude_code.pull_request.count", 1.0)];
    server.send_json("metrics", &made::metrics(&[("vcs.repository.url.full", told)], &both)).await;
    server.send_json("metrics", &made::metrics(&[("vcs.repository.url.full", untold)], &both[..1])).await;
    let hook = add(server, "github", &[]).await;
    let at = made.at(day, 5) / 1_000_000_000;
    for (delivery, reference) in [("one", "refs/heads/main"), ("two", "refs/heads/topic")] {
        let commit = serde_json::json!({"id": "c0ffee", "message": "x"});
        let push = serde_json::json!({
            "ref": reference, "before": "0000000000000000000000000000000000000001", "after": format!("{delivery:0>40}"),
            "repository": {"full_name": "acme/shop", "pushed_at": at}, "sender": {"login": "ada"},
            "commits": [commit, commit], "created": false, "deleted": false, "forced": false,
        });
        assert_stored(&hook.github(delivery, push.to_string()).await);
    }
    let of_day = made.range(day, day + 1);
    server.wait_for_count("SELECT count() FROM activitylog.events WHERE kind = 'webhook'", 2).await;
    calls_are_there(server, 107).await;
    server.wait_for_count("SELECT count() FROM activitylog.metrics", 19).await;
    let costs = panel(server, PACK, "cost-per-commit", &of_day).await;
    let columns = [
        "repository",
        "cost_usd",
        "commits",
        "commits_by",
        "cost_per_commit_usd",
        "pull_requests",
        "pull_requests_by",
        "cost_per_pull_request_usd",
    ];
    // Two pushes of two commits; of pull requests the webhooks tell nothing.
    assert_eq!(
        costs.of(&columns),
        [
            ["acme/Shop", "2.4", "4", "webhooks", "0.6", "1", "Claude Code", "2.4"],
            ["acme/tools", "0.75", "5", "Claude Code", "0.15", "0", "Claude Code", "null"],
        ]
    );
    // The commits of others say nothing of one person's.
    let of_ada = panel(server, PACK, "cost-per-commit", &[&of_day[..], &[("user_id", "nobody")]].concat()).await;
    assert_eq!(of_ada.rows.len(), 0);
}

async fn a_session_without_spans(server: &Server, made: &Made) {
    let own = |more: &[(&'static str, &'static str)]| [&[("session.id", "plain"), ("prompt.id", "p-1")], more].concat();
    let at = |second: i64| made.at(-15, second * 1000);
    let request = [
        ("model", "claude-opus-4-8"),
        ("cost_usd", "0.5"),
        ("duration_ms", "4000"),
        ("request_id", "req-1"),
        ("output_tokens", "9"),
    ];
    let tool = [
        ("tool_name", "Bash"),
        ("tool_use_id", "t-1"),
        ("success", "false"),
        ("duration_ms", "2000"),
        ("error_type", "ShellError"),
    ];
    let turned_down =
        [("tool_name", "Write"), ("tool_use_id", "t-2"), ("decision", "reject"), ("source", "user_reject")];
    let skill = [("model", "claude-opus-4-8"), ("cost_usd", "0.25"), ("skill.name", "tidy"), ("request_id", "req-2")];
    let agent =
        [("model", "claude-opus-4-8"), ("cost_usd", "0.125"), ("agent.name", "Explore"), ("request_id", "req-3")];
    let records = [
        made::log(at(0), "user_prompt", &own(&[("command_name", "fix")])),
        made::log(at(5), "api_request", &own(&request)),
        made::log(at(8), "tool_result", &own(&tool)),
        made::log(at(9), "tool_decision", &own(&turned_down)),
        made::log(at(10), "api_request", &own(&skill)),
        made::log(at(11), "api_request", &own(&agent)),
    ];
    server.send_json("logs", &made::logs(&[], &records)).await;
    server.wait_for_count("SELECT count() FROM activitylog.events WHERE session_id = 'plain'", 6).await;
    calls_are_there(server, 110).await;
    let range = made.range(-16, -14);
    let steps = panel(server, PACK, "interaction-timeline", &range).await;
    let second = |n: i64| made.instant(-15, n * 1000).replace('Z', ".000000Z");
    let prompt = steps.column("id")[0].to_owned();
    let expected = [
        [second(0), "11000".into(), "prompt".into(), "/fix".into(), String::new(), String::new(), "null".into()],
        [
            second(1),
            "4000".into(),
            "model".into(),
            "claude-opus-4-8".into(),
            "success".into(),
            prompt.clone(),
            "0.5".into(),
        ],
        [second(6), "2000".into(), "tool".into(), "Bash".into(), "failure".into(), prompt.clone(), "null".into()],
        [second(9), "0".into(), "tool".into(), "Write".into(), "rejected".into(), prompt.clone(), "null".into()],
        [
            second(10),
            "0".into(),
            "model".into(),
            "claude-opus-4-8".into(),
            "success".into(),
            prompt.clone(),
            "0.25".into(),
        ],
        [
            second(11),
            "0".into(),
            "model".into(),
            "claude-opus-4-8".into(),
            "success".into(),
            prompt.clone(),
            "0.125".into(),
        ],
    ];
    assert_eq!(steps.of(&["time", "duration_ms", "kind", "name", "outcome", "parent_id", "cost_usd"]), expected);
    assert_eq!(
        panel(server, PACK, "interaction-timeline", &[&range[..], &[("session_id", "other")]].concat())
            .await
            .rows
            .len(),
        0
    );

    let tools = panel(server, PACK, "top-tools", &range).await;
    assert_eq!(
        tools.of(&["tool_name", "calls", "succeeded", "failed", "rejected", "success_rate", "p50_ms", "p95_ms"]),
        [["Bash", "1", "0", "1", "0", "0", "2000", "2000"], ["Write", "1", "0", "0", "1", "null", "null", "null"]]
    );
    let errors = panel(server, PACK, "errors", &range).await;
    assert_eq!(errors.of(&["part", "error_type", "tool_name", "errors"]), [["tool", "ShellError", "Bash", "1"]]);
    // A command's own request, not those of the skill and the subagent that it led to.
    let parts = panel(server, PACK, "breakdown", &range).await;
    assert_eq!(
        parts.of(&["part", "name", "requests", "cost_usd"]),
        [["command", "/fix", "1", "0.5"], ["skill", "tidy", "1", "0.25"], ["subagent", "Explore", "1", "0.125"]]
    );
    let uses = panel(server, PACK, "feature-use", &range).await;
    assert_eq!(uses.of(&["part", "name", "uses"]), [["command", "/fix", "1"]]);
    let other = Store::of(server).read("other", "SELECT count() FROM pub.usage").await;
    assert_eq!(other, [["0"]]);
}
