//! What Claude Code's own counters count, what webhooks say beside them, and a session of which only events came.

use serde_json::Value;

use super::{PACK, calls_are_there};
use crate::packs::exact::sum;
use crate::packs::made::{self, Kind, Made};
use crate::packs::panel;
use crate::store::Store;
use crate::support::Server;
use crate::webhooks::{add, assert_stored};

/// Metric, attributes and what it grew by.
type Delta<'a> = (&'a str, &'a [(&'a str, &'a str)], f64);

pub async fn counters(server: &Server, made: &Made) {
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
    let deltas: [Delta<'_>; 9] = [
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

pub async fn costs_per_commit(server: &Server, made: &Made) {
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

pub async fn a_session_without_spans(server: &Server, made: &Made) {
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
