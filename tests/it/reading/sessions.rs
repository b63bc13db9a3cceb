//! `GET /api/v1/sessions` and one of them: recordings of a real Claude Code against what each run is known to have done.

use std::collections::{BTreeMap, BTreeSet};

use hyper::Method;
use serde_json::{Value, json};

use super::{is_problem, refused};
use crate::captures::send;
use crate::fidelity::{fixtures, read_json};
use crate::people::{acting, call, ingest_token, member, project, tenant, user};
use crate::senders::post;
use crate::store::{Store, event, nanoseconds};
use crate::support::{Server, eventually};

const RANGE: &str = "from=2026-11-20T00:00:00Z&to=2026-11-23T00:00:00Z";

/// Of a run, what a session must say; costs in units of 1e-9 USD.
fn expected(id: &str, run: &Value) -> BTreeMap<&'static str, i64> {
    let number = |value: &Value| value.as_i64().unwrap_or(0);
    let nested = |key: &str| -> i64 {
        let all = run[key].as_object().into_iter().flat_map(|all| all.values());
        all.map(|of| of.as_object().map_or_else(|| number(of), |of| of.values().map(number).sum())).sum()
    };
    let (tokens, metrics_only) = (&run["tokens_total"], run["log_records"] == 0 && run["span_count"] == 0);
    let failures = run["tool_results"].as_object().into_iter().flat_map(|all| all.values());
    let mut all = BTreeMap::from([
        ("prompts", number(&run["user_prompts"])),
        // Meters don't say how many calls they are of.
        ("requests", if metrics_only { 0 } else { nested("api_requests_by_model") }),
        ("tools", nested("tool_results")),
        ("tool_failures", failures.map(|of| number(&of["failure"])).sum()),
        ("input_tokens", number(&tokens["input"])),
        ("output_tokens", number(&tokens["output"])),
        ("cache_read_tokens", number(&tokens["cacheRead"])),
        ("cache_creation_tokens", number(&tokens["cacheCreation"])),
        ("cost", (run["cost_usd_total"].as_f64().unwrap_or(0.0) * 1e9).round() as i64),
        ("spans", number(&run["span_count"]).min(1)),
    ]);
    // This run switched off that its log events and metrics say which session they are of.
    if id.contains("include_none") {
        all.retain(|key, _| ["prompts", "spans"].contains(key));
    }
    all
}

fn nanos(usd: &Value) -> i64 {
    (usd.as_str().expect("text").parse::<f64>().expect("a number") * 1e9).round() as i64
}

fn said(session: &Value, key: &str) -> i64 {
    match key {
        "cost" => nanos(&session["cost_usd"]),
        "spans" => i64::from(session["has_spans"].as_bool().expect("a flag")),
        key => session[key].as_i64().unwrap_or_else(|| panic!("{key} in {session}")),
    }
}

/// Every page of the list.
async fn all(server: &Server, limit: usize) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.json(&format!("/api/v1/sessions?{RANGE}&limit={limit}{cursor}")).await;
        items.extend(page["items"].as_array().expect("items").clone());
        match page["next_before_cursor"].as_str() {
            Some(next) => cursor = format!("&before_cursor={next}"),
            None => return items,
        }
    }
}

fn of_kind<'a>(steps: &'a [Value], kind: &str) -> Vec<&'a Value> {
    steps.iter().filter(|step| step["kind"] == kind).collect()
}

/// Each stands once, behind what it is a part of.
fn in_order(steps: &[Value], run: &str) {
    let mut seen: BTreeMap<&str, i64> = BTreeMap::new();
    for step in steps {
        let depth = step["depth"].as_i64().expect("a depth");
        let above = step["parent_id"].as_str().map(|parent| steps.iter().find(|other| other["id"] == parent));
        let above = above.map(|parent| parent.unwrap_or_else(|| panic!("{run}: no parent of {step}")));
        assert_eq!(depth, above.map_or(0, |parent| parent["depth"].as_i64().expect("a depth") + 1), "{run}: {step}");
        assert!(seen.insert(step["id"].as_str().expect("an id"), depth).is_none(), "{run}: twice: {step}");
    }
    let times: Vec<&str> = steps.iter().map(|step| step["time"].as_str().expect("a time")).collect();
    assert!(times.is_sorted(), "{run}: {times:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_sessions_say_what_was_done_in_them() {
    let server = Server::start_with(&[("ACTIVITYLOG_RETENTION_DAYS", "3650")]).await;
    let (manifest, expected_runs) = (read_json("manifest.json"), read_json("expected.json"));
    let (mut files, mut records, mut points) = (0, 0, 0);
    for run in manifest["runs"].as_array().expect("runs") {
        for file in run["files"].as_array().expect("files") {
            let described = manifest["files"].as_array().expect("files").iter().find(|f| f["file"] == *file);
            send(&server, described.expect("described")).await;
            files += 1;
        }
        let known = &expected_runs["runs"][run["id"].as_str().expect("id")];
        points +=
            known["metric_datapoints"].as_object().into_iter().flatten().filter_map(|(_, n)| n.as_u64()).sum::<u64>();
        records += known["log_records"].as_u64().unwrap_or(0) + known["span_count"].as_u64().unwrap_or(0);
    }
    assert!(files > 200);
    server.wait_for_count("SELECT count() FROM activitylog.events FINAL", records).await;
    server.wait_for_count("SELECT count() FROM activitylog.metrics FINAL", points).await;

    // A session is that of one run or, resumed, of some.
    let mut wanted: BTreeMap<String, (Vec<String>, BTreeMap<&str, i64>)> = BTreeMap::new();
    for (id, run) in expected_runs["runs"].as_object().expect("runs") {
        let session = run["session_ids"][0].as_str().expect("a session").to_owned();
        let (runs, figures) = wanted.entry(session).or_default();
        runs.push(id.clone());
        for (key, figure) in expected(id, run) {
            let sum = figures.entry(key).or_default();
            *sum = if key == "spans" { figure.max(*sum) } else { *sum + figure };
        }
    }
    let items = all(&server, 20).await;
    assert_eq!(items.len(), wanted.len());
    let starts: Vec<&str> = items.iter().map(|item| item["start"].as_str().expect("a start")).collect();
    assert!(starts.is_sorted_by(|a, b| a >= b), "newest first");
    assert!(all(&server, 200).await == items, "pages of another length say something else");

    for item in &items {
        let id = item["session_id"].as_str().expect("an id");
        let (runs, figures) = wanted.get(id).unwrap_or_else(|| panic!("{id} was never sent"));
        let found: BTreeMap<&str, i64> = figures.keys().map(|key| (*key, said(item, key))).collect();
        assert_eq!(&found, figures, "{runs:?}");
        let mut one = server.json(&format!("/api/v1/sessions/{id}")).await;
        let steps = one["steps"].take();
        let steps = steps.as_array().expect("steps");
        let resource = one["session"].as_object_mut().expect("a session").remove("resource").expect("a resource");
        assert!(resource["service.name"].is_string(), "{resource}");
        assert_eq!(one["session"], *item, "{runs:?}: the list and the session differ");
        assert_eq!(one["truncated"], false);
        in_order(steps, &runs[0]);
        let answered = of_kind(steps, "model").iter().filter(|step| step["outcome"] == "success").count() as i64;
        let costs: i64 =
            steps.iter().filter(|step| step["cost_usd"].is_string()).map(|step| nanos(&step["cost_usd"])).sum();
        assert_eq!(of_kind(steps, "prompt").len() as i64, figures["prompts"], "{runs:?}");
        if figures.contains_key("cost") && !(figures["requests"] == 0 && figures["cost"] > 0) {
            assert_eq!((answered, costs), (figures["requests"], figures["cost"]), "{runs:?}");
            let done = of_kind(steps, "tool").iter().filter(|step| step["outcome"] != "rejected").count() as i64;
            assert_eq!(done, figures["tools"], "{runs:?}");
        }
    }
    filters_find_their_sessions(&server, &items).await;
    trees_are_as_they_were(&server, &expected_runs["runs"]).await;
}

async fn filters_find_their_sessions(server: &Server, items: &[Value]) {
    let count = async |query: &str| {
        let page = server.json(&format!("/api/v1/sessions?{RANGE}&limit=200&{query}")).await;
        page["items"].as_array().expect("items").len()
    };
    let with_model = |model: &str| {
        items
            .iter()
            .filter(|item| item["models"].as_array().expect("models").iter().any(|found| found == model))
            .count()
    };
    for model in ["claude-haiku-5-5", "claude-opus-4-8"] {
        let expected = with_model(model);
        assert!(expected > 0 && expected < items.len());
        assert_eq!(count(&format!("model={model}")).await, expected, "{model}");
    }
    let id = items[3]["session_id"].as_str().expect("an id");
    assert_eq!(count(&format!("q={}", id[..13].to_uppercase())).await, 1);
    let user = items[3]["user_id"].as_str().expect("a user");
    let theirs = items.iter().filter(|item| item["user_id"] == user).count();
    assert_eq!(count(&format!("user_id={user}")).await, theirs);
    assert_eq!(count("source=claude_code").await, items.len());
    for nothing in ["project=nobodys", "user_id=nobody", "model=none", "q=nowhere", "service=other", "repository=none"]
    {
        assert_eq!(count(nothing).await, 0, "{nothing}");
    }
    let empty = server.json("/api/v1/sessions?from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z").await;
    assert_eq!(empty, json!({"items": [], "next_before_cursor": null}));
    for (query, names) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("before_cursor=x", "before_cursor"),
        ("colour=red", "colour"),
        ("from=x", "from"),
    ] {
        refused(server, &format!("/api/v1/sessions?{query}"), 400, names).await;
    }
    refused(server, "/api/v1/sessions/nobodys", 404, "nobodys").await;
    refused(server, &format!("/api/v1/sessions/{id}?x=1"), 400, "x").await;
}

/// Depth, kind, name and outcome of each step.
fn outline(steps: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let line = |step: &Value| {
        let indent = "  ".repeat(step["depth"].as_u64().expect("a depth") as usize);
        let outcome = text(&step["outcome"]);
        format!(
            "{indent}{} {}{}{outcome}",
            text(&step["kind"]),
            text(&step["name"]),
            if outcome.is_empty() { "" } else { ": " }
        )
    };
    steps.as_array().expect("steps").iter().map(line).collect()
}

/// Of an agent's run, the span tree; with the log events laid into it.
const SUBAGENT: [&str; 11] = [
    "prompt prompt",
    "  model claude-opus-5-5: success",
    "  tool Agent: success",
    "    other permission: success",
    "    agent general-purpose: success",
    "      model claude-haiku-5-5: success",
    "      tool Bash: success",
    "        other permission: success",
    "        other execution: success",
    "      model claude-haiku-5-5: success",
    "  model claude-opus-5-5: success",
];

/// The same of its log events alone.
const SUBAGENT_OF_LOGS: [&str; 8] = [
    "prompt prompt",
    "  model claude-opus-5-5: success",
    "  tool Agent: success",
    "    agent general-purpose: success",
    "      model claude-haiku-5-5: success",
    "      tool Bash: success",
    "      model claude-haiku-5-5: success",
    "  model claude-opus-5-5: success",
];

async fn trees_are_as_they_were(server: &Server, runs: &Value) {
    let steps = async |run: &str| {
        let id = runs[run]["session_ids"][0].as_str().expect("a session").to_owned();
        server.json(&format!("/api/v1/sessions/{id}")).await["steps"].take()
    };
    assert_eq!(outline(&steps("71-subagent-httpjson").await), SUBAGENT);
    let rejected = outline(&steps("15-rejected-httpjson").await);
    assert_eq!(
        rejected.iter().filter(|line| line.starts_with("  tool ")).collect::<Vec<_>>(),
        ["  tool Bash: rejected", "  tool Write: rejected"]
    );
    // One call that failed: the span, with what the log events say of it laid into it.
    let exhausted = steps("72-api_exhausted-httpjson").await;
    assert_eq!(outline(&exhausted), ["prompt prompt", "  model claude-opus-5-5: failure"]);
    assert_eq!(exhausted[1]["error_type"], "server_error");
    let two_turns = steps("73-two_turns-httppb").await;
    let prompts: Vec<&Value> = two_turns.as_array().expect("steps").iter().filter(|step| step["depth"] == 0).collect();
    assert_eq!(prompts.len(), 2);
    assert!(prompts.iter().all(|prompt| prompt["kind"] == "prompt"));
    let hooks = outline(&steps("31-hooks-httpjson").await);
    assert!(hooks.contains(&"  hook PreToolUse:Bash: rejected".to_owned()), "{hooks:?}");
    assert_eq!(outline(&steps("56-metrics_only-httpjson").await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_without_spans_reads_the_same_and_nobody_else_sees_it() {
    let server =
        Server::start_with(&[("ACTIVITYLOG_RETENTION_DAYS", "3650"), ("ACTIVITYLOG_AUTH_ANONYMOUS_TENANT", "")]).await;
    for id in ["one", "two"] {
        tenant(&server, id);
    }
    project(&server, "one", "alpha");
    project(&server, "one", "beta");
    let token = ingest_token(&server, "one");
    let bearer = format!("Bearer {token}");
    for file in ["270-subagent_httpjson-logs.json", "271-subagent_httpjson-logs.json"] {
        let body = std::fs::read(fixtures().join(file)).expect(file);
        let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        assert_eq!(post(&server.otlp("/v1/logs"), &headers, body).await.status, 200);
    }
    let store = Store::of(&server);
    let start = nanoseconds("2026-11-21T12:00:00Z");
    // Of a project, in more than one row, one of them twice until its parts are merged.
    let row = |n: i64, more: Value| {
        let mut row = json!({"tenant_id": "one", "project": "alpha", "session_id": "of alpha/ü", "trace_id": "ab", "kind": "span", "span_id": n.to_string(), "duration_ns": 5_000_000});
        row.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        event(start + n, 100 + n as u128, row)
    };
    let chat = json!({"parent_span_id": "1", "operation": "chat", "model": "m", "usage_role": "leaf", "usage_key": "k", "input_tokens": 7, "cost_usd": "0.25", "cost_origin": "reported"});
    let rows = [
        row(1, json!({"operation": "invoke_agent", "feature": "helper", "attributes": {"span.name": "agent helper"}})),
        row(2, chat),
    ];
    store.insert("activitylog.events", &rows).await;
    store.insert("activitylog.events", &rows[1..]).await;

    let (boss, owner) = acting(&server, "one", "boss@one.example", "super_admin");
    let (_, stranger) = acting(&server, "two", "boss@two.example", "super_admin");
    let of_alpha = user(&server, "one", "alpha@one.example", "member");
    member(&server, "one", &of_alpha, "alpha");
    let insider = crate::people::api_token(&server, "one", &of_alpha);
    let of_beta = user(&server, "one", "beta@one.example", "member");
    member(&server, "one", &of_beta, "beta");
    let outsider = crate::people::api_token(&server, "one", &of_beta);
    assert!(!boss.is_empty());

    let get = async |path: &str, token: &str| call(&server, Method::GET, path, token, None).await;
    let list = format!("/api/v1/sessions?{RANGE}");
    let page = eventually("both are there", async || {
        let page = get(&list, &owner).await.json();
        let complete = page["items"].as_array().expect("items").iter().any(|item| item["requests"] == 4);
        (page["items"].as_array().map(Vec::len) == Some(2) && complete).then_some(page)
    })
    .await;
    let id = page["items"][1]["session_id"].as_str().expect("an id").to_owned();
    let one = get(&format!("/api/v1/sessions/{id}"), &owner).await.json();
    assert_eq!(outline(&one["steps"]), SUBAGENT_OF_LOGS);
    assert_eq!(one["session"]["has_spans"], false);
    let sum: i64 = one["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .filter(|step| step["cost_usd"].is_string())
        .map(|step| nanos(&step["cost_usd"]))
        .sum();
    assert_eq!(sum, nanos(&one["session"]["cost_usd"]));

    // An id is any text; a session of something else than Claude Code is one too.
    let path = "/api/v1/sessions/of%20alpha%2F%C3%BC";
    let other = get(path, &owner).await.json();
    let item = &page["items"][0];
    assert_eq!(
        (item["requests"].as_u64(), item["input_tokens"].as_u64(), &item["cost_usd"], item["prompts"].as_u64()),
        (Some(1), Some(7), &json!("0.25"), Some(1)),
        "{item}"
    );
    assert!(item.get("edits_accepted").is_none() && item.get("active_ms").is_none());
    assert_eq!(outline(&other["steps"]), ["agent agent helper: success", "  model m: success"]);
    assert_eq!(other["steps"][1]["cost_usd"], "0.25");

    // Another tenant's, and a project that one is no member of: as if it were not there.
    for (token, sees) in [(&owner, 2), (&insider, 1), (&outsider, 0), (&stranger, 0)] {
        let page = get(&list, token).await.json();
        assert_eq!(page["items"].as_array().map(Vec::len), Some(sees));
        let may = [sees == 2, sees >= 1];
        for (path, may) in [format!("/api/v1/sessions/{id}"), path.to_owned()].iter().zip(may) {
            let answer = get(path, token).await;
            match may {
                true => assert_eq!(answer.status, 200, "{path}"),
                false => is_problem(&answer, 404, "no session", path),
            }
        }
        let trace = get("/api/v1/traces/ab", token).await;
        assert_eq!(trace.status.as_u16(), if sees >= 1 { 200 } else { 404 });
    }
    let kinds: BTreeSet<String> =
        one["steps"].as_array().expect("steps").iter().map(|step| step["from"].to_string()).collect();
    assert_eq!(kinds, BTreeSet::from(["\"log\"".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn long_sessions_are_bounded_and_whole_at_a_windows_edge() {
    let server = Server::start().await;
    let store = Store::of(&server);
    let start = nanoseconds("2026-05-12T12:00:00Z");
    let minute = 60_000_000_000;
    let rows: Vec<Value> = (0..2_500)
        .map(|n| {
            event(start + n * minute, n as u128, json!({"session_id": "long", "event_type": "app.step", "kind": "log"}))
        })
        .collect();
    store.insert("activitylog.events", &rows).await;
    let one = server.json("/api/v1/sessions/long").await;
    assert_eq!((one["steps"].as_array().map(Vec::len), &one["truncated"]), (Some(2_000), &json!(true)));
    // An hour in its middle: the session with all that lies within a day of it.
    let page = server.json("/api/v1/sessions?from=2026-05-12T20:00:00Z&to=2026-05-12T21:00:00Z").await;
    assert_eq!(page["items"][0]["start"], "2026-05-12T12:00:00.000000Z");
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
    let before = server.json("/api/v1/sessions?from=2026-05-12T10:00:00Z&to=2026-05-12T12:00:00Z").await;
    assert_eq!(before["items"], json!([]), "it begins where the window ends");
    refused(&server, "/api/v1/sessions/", 404, "").await;
}
