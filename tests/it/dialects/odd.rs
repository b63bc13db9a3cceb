//! Values that nobody should send, and those that arrive as something else.

use activitylog::model::event::UsageRole;
use serde_json::{Value, json};

use super::{NOW, logs, spans};

const GEN_AI: &str = "opentelemetry.instrumentation.genai.openai";

fn chat(more: Value) -> Value {
    let mut attributes = json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"});
    for (name, value) in more.as_object().expect("a map") {
        attributes[name] = value.clone();
    }
    attributes
}

#[test]
fn figures_are_read_from_any_type_and_garbage_stays_an_attribute() {
    for (sent, expected, kept) in [
        (json!("120"), 120, false),
        (json!(120.0), 120, false),
        (json!(" 1.2e2 "), 120, false),
        (json!(1e308), 0, true),
        (json!("1e308"), 0, true),
        (json!(-5), 0, true),
        (json!("-5"), 0, true),
        (json!(i64::MAX), 0, true),
        (json!("many"), 0, true),
        (json!(true), 0, true),
        (json!({}), 0, true),
        (json!({"arrayValue": {"values": [{"intValue": "7"}]}}), 0, true),
        (json!({"doubleValue": "NaN"}), 0, true),
        (json!("9".repeat(100_000)), 0, true),
    ] {
        let rows = spans(GEN_AI, &[("chat", chat(json!({"gen_ai.usage.input_tokens": sent})))]);
        assert_eq!((rows[0].input, rows[0].role), (expected, UsageRole::Leaf));
        assert_eq!(rows[0].attribute("gen_ai.usage.input_tokens").is_some(), kept);
    }
}

#[test]
fn a_garbage_figure_gives_way_to_a_good_one_under_another_name() {
    let sent = chat(json!({"gen_ai.usage.input_tokens": "n/a", "gen_ai.usage.prompt_tokens": "12",
        "llm.usage.prompt_tokens": 12, "input_tokens": 13}));
    let rows = spans(GEN_AI, &[("chat", sent)]);
    assert_eq!(rows[0].input, 12);
    assert_eq!(rows[0].attribute("gen_ai.usage.input_tokens"), Some("n/a"));
    assert_eq!(rows[0].attribute("llm.usage.prompt_tokens"), None, "the column says it");
    assert_eq!(rows[0].attribute("input_tokens"), Some("13"));
}

#[test]
fn more_cache_than_input_never_underflows() {
    let sent = json!({"gen_ai.usage.input_tokens": 5, "gen_ai.usage.cache_read.input_tokens": 900_000_000_000_u64,
        "gen_ai.usage.cache_write.input_tokens": 900_000_000_000_u64,
        "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": 1_000_000_000_000_u64});
    let rows = spans(GEN_AI, &[("chat", chat(sent))]);
    assert_eq!((rows[0].input, rows[0].cache_read, rows[0].cache_written), (5, 900_000_000_000, 900_000_000_000));
    assert_eq!(rows[0].cache_written_1h, 900_000_000_000, "a part of what was written");
}

#[test]
fn broken_json_in_a_string_says_nothing_and_is_kept() {
    let deep = format!("{}{}", "{\"a\":".repeat(5_000), "1");
    for broken in ["{", "{\"prompt_tokens\": ", "{\"prompt_tokens\": 1e999}", "[]", "null", "{}}", deep.as_str()] {
        let rows = spans(
            "langfuse-sdk",
            &[(
                "gen",
                json!({"langfuse.observation.type": "generation",
            "langfuse.observation.model.name": "gpt-4o", "langfuse.observation.usage_details": broken,
            "langfuse.observation.cost_details": broken, "langfuse.observation.completion_start_time": broken,
            "metadata": broken}),
            )],
        );
        assert_eq!((rows[0].role, rows[0].input, rows[0].cost), (UsageRole::Leaf, 0, None));
        assert_eq!(rows[0].attribute("langfuse.observation.usage_details"), Some(broken));
        let rows = spans("logfire.openai", &[("chat", chat(json!({"gen_ai.usage.raw": broken})))]);
        assert!(!rows[0].cache_known);
        let rows = spans(
            "openinference.x",
            &[(
                "chat",
                json!({"openinference.span.kind": "LLM",
            "llm.invocation_parameters": broken, "output.value": broken}),
            )],
        );
        assert_eq!(rows[0].model, "");
    }
}

#[test]
fn long_values_do_no_harm() {
    let long = "é".repeat(50_000);
    let rows = spans(
        GEN_AI,
        &[(
            "chat",
            json!({"gen_ai.operation.name": long, "gen_ai.request.model": long,
        "gen_ai.response.id": long, "gen_ai.response.finish_reasons": long, "gen_ai.agent.name": long}),
        )],
    );
    assert_eq!(rows[0].model, long);
    assert!(rows[0].message.len() < 1_000);
}

#[test]
fn costs_that_are_none_are_not_reported() {
    for (sent, expected) in [
        (json!(0.5), Some(500_000_000)),
        (json!("0.5"), Some(500_000_000)),
        (json!(0), Some(0)),
        (json!(-1), None),
        (json!(1e308), None),
        (json!("free"), None),
        (json!({"doubleValue": "NaN"}), None),
    ] {
        let rows = spans("litellm", &[("litellm_request", chat(json!({"gen_ai.cost.total_cost": sent})))]);
        assert_eq!(rows[0].cost, expected, "{sent}");
        assert_eq!(rows[0].attribute("gen_ai.cost.total_cost").is_none(), expected.is_some());
    }
}

#[test]
fn event_names_come_from_three_places() {
    let location = "event otel/src/events/session_telemetry.rs:1153";
    for (record, name, kept) in [
        (json!({"eventName": "a.b"}), "a.b", None),
        (json!({"attributes": {"event.name": "a.b"}}), "a.b", None),
        (json!({"attributes": {"event_name": "a.b"}}), "a.b", None),
        (json!({"eventName": location, "attributes": {"event.name": "a.b"}}), "a.b", Some(location)),
        (json!({"eventName": location}), location, None),
        (json!({"eventName": "event x.rs:1a", "attributes": {"event.name": "a.b"}}), "event x.rs:1a", None),
        (json!({}), "log", None),
    ] {
        let rows = logs("app", &[record]);
        assert_eq!((rows[0].event_type.as_str(), rows[0].attribute("log.event_name")), (name, kept));
    }
}

#[test]
fn records_without_a_time_have_the_observed_one() {
    let rows = logs(
        "codex_otel.log_only",
        &[json!({"observedTimeUnixNano": NOW - 7, "attributes": {
        "event.name": "codex.tool_result", "tool_name": "shell", "duration_ms": "1500", "success": "false",
        "call_id": "c1"}})],
    );
    let row = &rows[0];
    assert_eq!((row.timestamp_ns, row.duration_ns), (NOW - 7, 1_500_000_000));
    assert_eq!((row.event_class.as_str(), row.outcome.as_str()), ("error", "failure"));
    assert_eq!((row.operation.as_str(), row.tool_name.as_str()), ("execute_tool", "shell"));
    assert_eq!(row.message, "shell failed in 1500 ms");
}

#[test]
fn older_development_kits_tell_usage_inside_the_response() {
    let response = r#"{"content":"SECRET","usage_metadata":{"prompt_token_count":100,"candidates_token_count":20,
        "thoughts_token_count":5,"cached_content_token_count":40}}"#;
    let rows = spans(
        "gcp.vertex.agent",
        &[(
            "call_llm",
            json!({"gen_ai.system": "gcp.vertex.agent",
        "gen_ai.request.model": "gemini-2.5-flash", "gcp.vertex.agent.llm_response": response}),
        )],
    );
    let row = &rows[0];
    assert_eq!((row.role, row.reporter, row.provider.as_str()), (UsageRole::Leaf, "google-adk", "gcp.gemini"));
    assert_eq!((row.input, row.cache_read, row.output, row.reasoning), (60, 40, 25, 5));
}

#[test]
fn lines_say_figures_and_never_text() {
    let sent = chat(json!({"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 40, "operation.cost": 0.0001302}));
    assert_eq!(
        spans("pydantic-ai", &[("chat", sent)])[0].message,
        "gpt-4o: 60 in, 20 out, 40 cached, $0.0001302 in 5 ms"
    );
    let body = json!({"stringValue": "API error: SECRET"});
    let rows = logs(
        "gemini-cli",
        &[json!({"body": body, "attributes": {"event.name": "gemini_cli.api_error",
        "model_name": "gemini-2.5-pro", "error_type": "ApiError", "status_code": 429, "duration_ms": 12}})],
    );
    let row = &rows[0];
    assert_eq!(row.message, "gemini-2.5-pro: failed (ApiError) in 12 ms");
    assert_eq!((row.role, row.event_class.as_str(), row.status_code), (UsageRole::Leaf, "error", 429));
    assert!(!format!("{row:?}").contains("SECRET"));
}
