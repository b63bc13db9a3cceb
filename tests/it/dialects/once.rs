//! The same usage, told several times, is counted once.

use activitylog::model::event::UsageRole;
use activitylog::normalise::rules::Rules;
use serde_json::{Value, json};

use super::{NOW, Row, counted, ignoring, logs, logs_by, recorded, spans, spans_by, sums};

const GEN_AI: &str = "opentelemetry.instrumentation.genai.openai";

/// A call's attributes by the conventions: 100 in, 40 of them cached, 20 out.
fn call(id: &str) -> Value {
    let mut attributes = json!({"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 40});
    if !id.is_empty() {
        attributes["gen_ai.response.id"] = json!(id);
    }
    attributes
}

fn of(files: &[&str], rules: &Rules) -> Vec<Row> {
    files.iter().flat_map(|file| recorded(file, rules)).collect()
}

fn claude_code() -> (Value, Value) {
    let log = json!({"timeUnixNano": NOW, "body": {"stringValue": "claude_code.api_request"},
        "attributes": {"event.name": "api_request", "model": "claude-opus-5-5", "input_tokens": 60,
        "cache_read_tokens": 40, "output_tokens": 20, "cost_usd": 0.5, "request_id": "req_1"}});
    let span = json!({"model": "claude-opus-5-5", "input_tokens": 60, "cache_read_tokens": 40, "output_tokens": 20,
        "request_id": "req_1", "span.type": "llm_request"});
    (log, span)
}

#[test]
fn claude_codes_log_and_span() {
    let (log, span) = claude_code();
    let mut rows = spans("com.anthropic.claude_code.tracing", &[("claude_code.llm_request", span)]);
    assert_eq!((rows[0].role, rows[0].key.as_str()), (UsageRole::Copy, "req_1"));
    assert_eq!(sums(&counted(&rows)), (1, 100, 20), "the span stands in for the event that never came");
    rows.extend(logs("com.anthropic.claude_code.events", &[log]));
    let best = counted(&rows);
    assert_eq!(sums(&best), (1, 100, 20));
    assert_eq!((best[0].signal, best[0].cost), ("log", Some(500_000_000)));
    assert!(rows.iter().all(|row| row.cache_known && row.reporter == "claude-code"));
}

#[test]
fn an_agent_repeats_its_calls() {
    let wrapper = |name: &str| {
        let mut attributes = call("");
        attributes["gen_ai.operation.name"] = json!(name);
        attributes
    };
    for operation in ["invoke_agent", "invoke_workflow", "agent_step", "create_agent"] {
        let list = [("agent", wrapper(operation)), ("chat gpt-4o", call("r1")), ("chat gpt-4o", call("r2"))];
        let rows = spans(GEN_AI, &list);
        assert_eq!((rows[0].role, rows[0].key.as_str()), (UsageRole::Aggregate, ""), "{operation}");
        assert_eq!(sums(&counted(&rows)), (2, 200, 40), "{operation}");
    }
}

#[test]
fn outer_and_inner_span_of_the_vercel_ai_sdk() {
    let outer = json!({"ai.operationId": "ai.generateText", "ai.model.provider": "openai.chat", "ai.model.id": "gpt-4o",
        "ai.usage.promptTokens": 100, "ai.usage.completionTokens": 20});
    let mut inner = outer.clone();
    inner["ai.operationId"] = json!("ai.generateText.doGenerate");
    inner["ai.response.id"] = json!("r1");
    let rows = spans("ai", &[("ai.generateText", outer), ("ai.generateText.doGenerate", inner)]);
    assert_eq!((rows[0].role, rows[1].role), (UsageRole::Aggregate, UsageRole::Leaf));
    assert_eq!(sums(&counted(&rows)), (1, 100, 20));
    // Version 7: both say `embeddings`, the outer one without usage.
    let outer = json!({"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "text-embedding-3-small"});
    let mut inner = outer.clone();
    inner["gen_ai.usage.input_tokens"] = json!(77);
    let rows = spans("gen_ai", &[("embeddings", outer), ("embeddings", inner)]);
    assert_eq!((rows[0].role, rows[1].role), (UsageRole::Aggregate, UsageRole::Leaf));
    assert_eq!(sums(&counted(&rows)), (1, 77, 0));
}

#[test]
fn an_sdks_own_span_beside_an_instrumentations() {
    let mut rows = spans(
        "openinference.instrumentation.anthropic",
        &[("Messages", {
            json!({"openinference.span.kind": "LLM", "llm.model_name": "claude-haiku-4-5", "llm.token_count.prompt": 100,
            "llm.token_count.completion": 20, "output.value": "{\"id\":\"msg_1\",\"content\":\"SECRET\"}"})
        })],
    );
    assert!(!format!("{rows:?}").contains("SECRET"), "the id is read, the answer is not kept");
    rows.extend(spans("com.anthropic.sdk.python", &[("anthropic.messages.create", call("msg_1"))]));
    rows.extend(spans(GEN_AI, &[("chat", call("msg_1"))]));
    assert!(rows.iter().all(|row| row.role == UsageRole::Leaf && row.key == "msg_1"));
    let best = counted(&rows);
    assert_eq!(sums(&best), (1, 100, 20));
    assert_eq!(best[0].reporter, "anthropic-sdk", "it says most");
}

#[test]
fn the_details_event_stands_in_only_for_a_leaf_that_never_came() {
    let details = |id: &str| {
        json!({"eventName": "gen_ai.client.inference.operation.details", "observedTimeUnixNano": NOW,
            "spanId": "0011223344556677", "attributes": call(id)})
    };
    let alone = logs(GEN_AI, &[details("r1"), details("")]);
    assert_eq!(alone.iter().map(|row| row.role).collect::<Vec<_>>(), [UsageRole::Copy, UsageRole::Copy]);
    assert_eq!((alone[0].key.as_str(), alone[1].key.as_str()), ("r1", ""));
    assert_eq!(sums(&counted(&alone)), (1, 100, 20), "a sender of logs only");
    let mut both = alone;
    both.extend(spans(GEN_AI, &[("chat", call("r1")), ("chat", call(""))]));
    let best = counted(&both);
    assert_eq!(sums(&best), (2, 200, 40));
    assert!(best.iter().all(|row| row.signal == "span"));
}

#[test]
fn litellms_raw_requests_are_never_counted() {
    let rows = recorded("063-litellm-traces.pb", &Rules::default());
    let raw: Vec<_> = rows.iter().filter(|row| row.name == "raw_gen_ai_request").collect();
    assert_eq!(raw.len(), 4);
    assert!(raw.iter().all(|row| row.role == UsageRole::Copy && row.key.is_empty()));
    assert_eq!(sums(&counted(&rows)), (5, 3877, 160));
    let team = rows.iter().find_map(|row| row.attribute("team.id"));
    assert_eq!(team, Some("team-1"));
}

#[test]
fn spans_of_codex_and_gemini_cli_are_copies() {
    let codex = of(&["085-codex-traces.pb", "087-codex-logs.pb"], &Rules::default());
    assert_eq!(sums(&counted(&codex)), (1, 5200, 140));
    assert_eq!(codex.iter().filter(|row| row.role == UsageRole::Copy).count(), 1);
    let gemini = of(&["092-gemini-cli-traces.json", "093-gemini-cli-logs.json"], &Rules::default());
    assert_eq!(sums(&counted(&gemini)), (1, 4200, 150));
    assert!(gemini.iter().all(|row| row.role != UsageRole::Copy || row.key.is_empty()));
}

#[test]
fn streamed_usage_on_a_second_span() {
    let rows = recorded("061-logfire-openai-traces.pb", &Rules::default());
    let second: Vec<_> = rows.iter().filter(|row| row.attribute("logfire.span_type") == Some("log")).collect();
    assert_eq!(second.len(), 3);
    let of_calls: Vec<_> = second.iter().filter(|row| row.output > 0).collect();
    assert!(of_calls.iter().all(|row| row.role == UsageRole::Leaf && row.cost.is_some()));
    assert_eq!(of_calls.iter().map(|row| row.output).sum::<u64>(), 130);
}

#[test]
fn data_points_carry_no_usage() {
    // Sessions that sent metrics only: the figures are in `metrics`, with what panels need beside them.
    for file in ["086-codex-metrics.pb", "094-gemini-cli-metrics.json", "011-otelgenai-openai-metrics.pb"] {
        let rows = recorded(file, &Rules::default());
        assert!(counted(&rows).is_empty());
        let tokens: Vec<_> = rows.iter().filter(|row| row.name.contains("token")).collect();
        assert!(!tokens.is_empty() && tokens.iter().all(|row| row.source == "gen_ai"), "{file}");
        assert!(tokens.iter().all(|row| !row.model.is_empty()), "{file}");
        assert!(tokens.iter().any(|row| row.series_type == "input"), "{file}");
    }
}

#[test]
fn ignored_scopes_are_kept_and_not_counted() {
    let rules = ignoring("openinference.*");
    let list = [(
        "chat",
        json!({"openinference.span.kind": "LLM", "llm.model_name": "gpt-4o",
        "llm.token_count.prompt": 100, "llm.token_count.completion": 20}),
    )];
    let rows = spans_by(&rules, "openinference.instrumentation.openai", &list);
    assert_eq!((rows[0].role, rows[0].key.as_str(), rows[0].input), (UsageRole::Copy, "", 100));
    assert!(counted(&rows).is_empty());
    assert_eq!(counted(&spans_by(&rules, "another", &list)).len(), 1);
    assert_eq!(counted(&spans_by(&ignoring("openinference"), "openinference.x", &list)).len(), 1);
    let (log, _) = claude_code();
    assert!(counted(&logs_by(&ignoring("com.anthropic.*"), "com.anthropic.claude_code.events", &[log])).is_empty());
}

#[test]
fn counting_tokens_and_trying_a_destination_are_no_calls() {
    let mut count = call("");
    count["gen_ai.operation.name"] = json!("chat");
    let rows = spans("com.anthropic.sdk.python", &[("anthropic.messages.count_tokens", count)]);
    assert_eq!(rows[0].role, UsageRole::None);
    let list = [("anthropic.test", json!({})), ("anthropic.messages", call("msg_1"))];
    let rows = spans("com.anthropic.claude-platform", &list);
    assert_eq!((rows[0].role, rows[1].role), (UsageRole::None, UsageRole::Leaf));
    assert_eq!((rows[0].reporter, rows[0].source.as_str()), ("claude-platform", "gen_ai"));
    assert_eq!(rows[1].key, "msg_1");
}

#[test]
fn a_call_without_figures_is_counted() {
    let rows = spans(GEN_AI, &[("chat", json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}))]);
    assert_eq!((rows[0].role, sums(&counted(&rows))), (UsageRole::Leaf, (1, 0, 0)));
    assert!(!rows[0].cache_known);
    assert_eq!(rows[0].message, "gpt-4o: chat in 5 ms");
}
