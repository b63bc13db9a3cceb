//! Claude Code's events and spans.

use super::*;

#[test]
fn numbers_count_whatever_type_they_come_in() {
    for (input, cost, duration) in [
        (json!(12), json!(0.25), json!(62)),
        (json!("12"), json!("0.25"), json!("62")),
        (json!(12.0), json!(0.25), json!(62.0)),
    ] {
        let sent = json!({"event.name": "api_request", "model": "claude-opus-4-8[1m]", "input_tokens": input,
            "cost_usd": cost, "duration_ms": duration, "request_id": "req_1"});
        claude(sent, |event| {
            assert_eq!(event.input_tokens, 12);
            assert_eq!(event.cost_usd.0, 250_000_000);
            assert_eq!(event.cost_reported_usd, Some(event.cost_usd));
            assert_eq!(event.cost_origin, CostOrigin::Reported);
            assert_eq!(event.duration_ns, 62_000_000);
            assert_eq!(event.model, "claude-opus-4-8");
            assert_eq!(attribute(event, "model.raw").as_deref(), Some("claude-opus-4-8[1m]"));
            assert_eq!((event.usage_role, event.usage_key.as_ref()), (UsageRole::Leaf, "req_1"));
            assert_eq!(event.attributes.len(), 1, "{:?}", event.attributes);
        });
    }
}

#[test]
fn garbage_numbers_are_nothing_and_are_kept() {
    let sent = json!({"event.name": "api_request", "input_tokens": -5, "output_tokens": 1e308,
        "cache_read_tokens": "lots", "cost_usd": -1.0, "duration_ms": "soon"});
    claude(sent, |event| {
        assert_eq!((event.input_tokens, event.output_tokens, event.cache_read_tokens), (0, 0, 0));
        assert_eq!((event.cost_usd.0, event.cost_reported_usd, event.duration_ns), (0, None, 0));
        assert_eq!(attribute(event, "input_tokens").as_deref(), Some("-5"));
        assert_eq!(attribute(event, "output_tokens").as_deref(), Some("1e308"));
        assert_eq!(attribute(event, "cache_read_tokens").as_deref(), Some("lots"));
        assert_eq!(attribute(event, "cost_usd").as_deref(), Some("-1.0"));
        assert_eq!(attribute(event, "duration_ms").as_deref(), Some("soon"));
        assert_eq!(event.usage_key, uuid::Uuid::from_u128(event.event_id).to_string());
    });
}

#[test]
fn the_resource_neither_names_the_user_nor_the_dialect() {
    let resource = json!({"user.id": "spoofed", "session.id": "spoofed", "service.name": "triage",
        "service.version": "1.4.0", "team": "ml", "deployment.environment": "production"});
    let sent = json!({"event.name": "user_prompt", "user.id": "u", "session.id": "s", "team": "ml",
        "deployment.environment": "production", "prompt_length": "37"});
    let record = json!({"timeUnixNano": NOW, "attributes": sent});
    log(context(), EVENTS, resource, record, |event| {
        assert_eq!((event.user_id.as_ref(), event.session_id.as_ref()), ("u", "s"));
        assert_eq!((event.source.as_ref(), event.service.as_ref()), ("claude_code", "triage"));
        assert_eq!(event.environment, "production");
        assert_eq!(event.message, "prompt of 37 characters");
        assert_eq!(attribute(event, "team"), None, "the resource says it already");
        assert_eq!(attribute(event, "otel.scope.version").as_deref(), Some("2.1.329"));
        assert!(event.resource.contains(&("team".into(), "ml".into())));
    });
    let impostor = json!({"attributes": {"event.name": "api_request"}});
    log(context(), "my.scope", json!({"service.name": "claude-code"}), impostor, |event| {
        assert_eq!((event.source.as_ref(), event.usage_role), ("otel", UsageRole::None));
    });
}

#[test]
fn content_is_dropped_and_counted_unless_captured() {
    let sent = json!({"event.name": "tool_result", "tool_name": "Bash", "success": "false",
        "error": "cat: secret", "error_type": "ShellError", "tool_input": "{}", "tool_parameters": "{}",
        "prompt": "<REDACTED>", "response": "secret", "duration_ms": "3"});
    let dropped = claude(sent.clone(), |event| {
        assert_eq!((event.event_class.as_ref(), event.outcome.as_ref()), ("error", "failure"));
        assert_eq!(event.error_type, "ShellError");
        assert_eq!(event.message, "Bash failed (ShellError)");
        assert!(event.attributes.is_empty(), "{:?}", event.attributes);
    });
    assert_eq!(dropped.total(), 4);
    assert_eq!(dropped.of("claude_code.error_text"), 1);
    assert_eq!(dropped.of("claude_code.tool_input"), 2);
    assert_eq!(dropped.of("claude_code.prompt"), 0, "<REDACTED> is no content");

    let capturing = Rules::capturing();
    let capture = Context { rules: &capturing, ..context() };
    let record = json!({"timeUnixNano": NOW, "attributes": sent});
    let dropped = log(capture, EVENTS, json!({}), record, |event| {
        assert_eq!(attribute(event, "error").as_deref(), Some("cat: secret"));
        assert_eq!(attribute(event, "prompt"), None);
        assert!(!event.message.contains("secret"));
    });
    assert_eq!(dropped.total(), 0);
}

#[test]
fn every_content_attribute_of_section_8_is_dropped() {
    let names = [
        "prompt",
        "prompt_text",
        "user_prompt",
        "response",
        "response.model_output",
        "tool_input",
        "tool_parameters",
        "full_command",
        "file_path",
        "bash_command",
        "hook_definitions",
        "hook_matcher",
        "error",
        "output",
        "content",
        "body",
        "body_ref",
        "new_context",
        "system_reminders",
        "system_prompt",
        "system_prompt_preview",
        "user_system_prompt",
        "tool",
        "gen_ai.input.messages",
        "gen_ai.tool.call.arguments",
    ];
    let mut sent = json!({"event.name": "future_event"});
    for name in names {
        sent[name] = json!("SECRET");
    }
    let dropped = claude(sent.clone(), |event| assert!(!format!("{event:?}").contains("SECRET")));
    assert_eq!(dropped.total(), names.len() as u64);
    let with_events = json!({"name": "claude_code.tool", "attributes": sent, "kind": 1,
    "status": {"code": 2, "message": "SECRET"},
    "events": [{"name": "tool.output", "timeUnixNano": "5", "attributes": attributes(&json!({
        "output": "SECRET", "content": "SECRET", "content_truncated": true,
    }))}]});
    let dropped = span(TRACING, with_events, |event| {
        assert!(!format!("{event:?}").contains("SECRET"));
        let events = r#"[{"name":"tool.output","time_unix_nano":"5","attributes":{"content_truncated":true}}]"#;
        assert_eq!(attribute(event, "events").as_deref(), Some(events));
    });
    assert_eq!(dropped.total(), names.len() as u64 + 3);
}

#[test]
fn a_survey_answer_is_not_a_response() {
    let sent = json!({"event.name": "feedback_survey", "response": "good"});
    let dropped = claude(sent, |event| {
        assert_eq!(attribute(event, "response").as_deref(), Some("good"));
    });
    assert_eq!(dropped.total(), 0);
}

#[test]
fn events_have_a_type_even_without_a_name() {
    for (record, expected) in [
        (json!({"body": {"stringValue": "claude_code.auth"}}), "claude_code.auth"),
        (json!({"eventName": "auth"}), "claude_code.auth"),
        (json!({"eventName": "claude_code.auth"}), "claude_code.auth"),
        (json!({"body": {"stringValue": "hello"}}), "claude_code.event"),
        (json!({}), "claude_code.event"),
    ] {
        log(context(), EVENTS, json!({}), record, |event| {
            assert_eq!(event.event_type, expected);
            assert!(!format!("{event:?}").contains("hello"));
        });
    }
}

#[test]
fn outcomes_and_classes() {
    for (sent, class, outcome) in [
        (json!({"event.name": "tool_decision", "decision": "accept"}), "tool", "success"),
        (json!({"event.name": "tool_decision", "decision": "reject"}), "tool", "rejected"),
        (json!({"event.name": "tool_result", "success": true}), "tool", "success"),
        (json!({"event.name": "api_error"}), "error", "failure"),
        (json!({"event.name": "auth", "success": "true"}), "auth", "success"),
        (json!({"event.name": "auth", "success": "false"}), "error", "failure"),
        (json!({"event.name": "internal_error"}), "error", "failure"),
        (json!({"event.name": "compaction", "success": "false"}), "error", "failure"),
        (json!({"event.name": "hook_execution_complete", "num_blocking": "1"}), "session", "rejected"),
        (json!({"event.name": "hook_execution_complete", "num_non_blocking_error": "1"}), "error", "failure"),
        (json!({"event.name": "mcp_server_connection", "status": "failed"}), "error", "failure"),
        (json!({"event.name": "something_new"}), "session", ""),
    ] {
        claude(sent.clone(), |event| {
            assert_eq!((event.event_class.as_ref(), event.outcome.as_ref()), (class, outcome), "{sent}");
        });
    }
}

#[test]
fn the_llm_span_is_a_copy_of_the_event() {
    let sent = json!({"name": "claude_code.llm_request", "kind": 1, "attributes": {
        "model": "claude-opus-5-5", "gen_ai.request.model": "claude-opus-5-5", "gen_ai.system": "anthropic",
        "input_tokens": 120, "request_id": "req_1", "gen_ai.response.id": "req_1", "success": true,
        "gen_ai.conversation.id": "s", "span.type": "llm_request"}});
    span(TRACING, sent, |event| {
        assert_eq!((event.usage_role, event.usage_key.as_ref()), (UsageRole::Copy, "req_1"));
        assert_eq!((event.session_id.as_ref(), event.input_tokens), ("s", 120));
        assert_eq!(event.duration_ns, 5_000_000);
        assert!(event.attributes.is_empty(), "{:?}", event.attributes);
    });
}
