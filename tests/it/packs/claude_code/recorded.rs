//! Every recording of a real Claude Code, against what its run is known to have done.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{PACK, calls_are_there};
use crate::captures::send;
use crate::fidelity::read_json;
use crate::packs::exact::{nanos, nanos_of, sum, sum_usd, usd};
use crate::packs::panel;
use crate::support::Server;

type Counts = BTreeMap<String, u64>;

/// All recordings are of one night.
const NIGHT: [(&str, &str); 2] = [("from", "2026-11-20T00:00:00Z"), ("to", "2026-11-22T00:00:00Z")];

/// What the runs are known to have done.
#[derive(Default)]
struct Known {
    sessions: BTreeSet<String>,
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
            steps.column("cost_usd").iter().filter(|cell| **cell != "null").map(|cell| nanos_of(cell)).sum();
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
