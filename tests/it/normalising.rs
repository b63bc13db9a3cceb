//! What the normalisers promise, case by case. Requests are written as OTLP/JSON.

use activitylog::ingest::otlp::{Limits, Visit, json};
use activitylog::model::event::{CostOrigin, Event, UsageRole};
use activitylog::model::metric::Metric;
use activitylog::model::otlp::{
    DataPoint, InstrumentationScope, LogRecord, MetricMeta, Resource, Span,
};
use activitylog::normalise::content::Dropped;
use activitylog::normalise::{Context, Normaliser};
use serde_json::{Value, json};

use crate::fidelity::text;

const NOW: i64 = 1_795_221_532_690_000_000;
const EVENTS: &str = "com.anthropic.claude_code.events";
const TRACING: &str = "com.anthropic.claude_code.tracing";

struct Each<'c, F, M> {
    normaliser: Normaliser<'c>,
    event: F,
    metric: M,
}

impl<F: FnMut(&Event<'_>), M: FnMut(&Metric<'_>)> Visit for Each<'_, F, M> {
    fn resource(&mut self, resource: &Resource<'_>) {
        self.normaliser.resource(resource);
    }
    fn scope(&mut self, scope: &InstrumentationScope<'_>) {
        self.normaliser.scope(scope);
    }
    fn log(&mut self, record: &LogRecord<'_>) {
        (self.event)(&self.normaliser.log(record));
    }
    fn span(&mut self, span: &Span<'_>) {
        (self.event)(&self.normaliser.span(span));
    }
    fn point(&mut self, metric: &MetricMeta<'_>, point: &DataPoint<'_>) {
        (self.metric)(&self.normaliser.point(metric, point));
    }
}

fn context() -> Context<'static> {
    Context {
        tenant_id: "acme",
        project: "",
        now_ns: NOW,
        capture_content: false,
    }
}

/// `{"a": 1}` as a list of attributes.
fn attributes(map: &Value) -> Value {
    let value = |v: &Value| match v {
        Value::String(text) => json!({"stringValue": text}),
        Value::Bool(flag) => json!({"boolValue": flag}),
        Value::Number(n) if n.is_f64() => json!({"doubleValue": n}),
        Value::Number(n) => json!({"intValue": n}),
        other => other.clone(),
    };
    let pairs = map.as_object().into_iter().flatten();
    pairs
        .map(|(key, v)| json!({"key": key, "value": value(v)}))
        .collect()
}

/// One log record: its attributes (`record["attributes"]` as a plain map), with the resource's.
fn log(
    context: Context<'_>,
    scope: &str,
    resource: Value,
    mut record: Value,
    check: impl FnMut(&Event<'_>),
) -> Dropped {
    record["attributes"] = attributes(&record["attributes"]);
    let body = json!({"resourceLogs": [{
        "resource": {"attributes": attributes(&resource)},
        "scopeLogs": [{"scope": {"name": scope, "version": "2.1.329"}, "logRecords": [record]}],
    }]});
    let mut each = Each {
        normaliser: Normaliser::new(context),
        event: check,
        metric: |_: &Metric<'_>| {},
    };
    let tally = json::decode_logs(body.to_string().as_bytes(), &Limits::default(), &mut each);
    assert_eq!(tally.expect("decodes").accepted, 1);
    each.normaliser.dropped().clone()
}

fn span(scope: &str, mut span: Value, check: impl FnMut(&Event<'_>)) -> Dropped {
    span["attributes"] = attributes(&span["attributes"]);
    if span["startTimeUnixNano"].is_null() {
        span["startTimeUnixNano"] = json!(NOW);
        span["endTimeUnixNano"] = json!(NOW + 5_000_000);
    }
    let body =
        json!({"resourceSpans": [{"scopeSpans": [{"scope": {"name": scope}, "spans": [span]}]}]});
    let mut each = Each {
        normaliser: Normaliser::new(context()),
        event: check,
        metric: |_: &Metric<'_>| {},
    };
    let tally = json::decode_traces(body.to_string().as_bytes(), &Limits::default(), &mut each);
    assert_eq!(tally.expect("decodes").accepted, 1);
    each.normaliser.dropped().clone()
}

fn point(metric: Value, check: impl FnMut(&Metric<'_>)) {
    let body = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]});
    let mut each = Each {
        normaliser: Normaliser::new(context()),
        event: |_: &Event<'_>| {},
        metric: check,
    };
    let tally = json::decode_metrics(body.to_string().as_bytes(), &Limits::default(), &mut each);
    assert_eq!(tally.expect("decodes").accepted, 1);
}

fn claude(attributes: Value, check: impl FnMut(&Event<'_>)) -> Dropped {
    let name = attributes["event.name"]
        .as_str()
        .unwrap_or("api_request")
        .to_owned();
    let body = json!({"stringValue": format!("claude_code.{name}")});
    let record = json!({"timeUnixNano": NOW, "body": body, "attributes": attributes});
    log(
        context(),
        EVENTS,
        json!({"service.version": "2.1.329"}),
        record,
        check,
    )
}

fn attribute(event: &Event<'_>, name: &str) -> Option<String> {
    let found = event.attributes.iter().find(|(key, _)| *key == name)?;
    Some(text(&found.1))
}

// === Claude Code ===

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
            assert_eq!(
                attribute(event, "model.raw").as_deref(),
                Some("claude-opus-4-8[1m]")
            );
            assert_eq!(
                (event.usage_role, event.usage_key.as_ref()),
                (UsageRole::Leaf, "req_1")
            );
            assert_eq!(event.attributes.len(), 1, "{:?}", event.attributes);
        });
    }
}

#[test]
fn garbage_numbers_are_nothing_and_are_kept() {
    let sent = json!({"event.name": "api_request", "input_tokens": -5, "output_tokens": 1e308,
        "cache_read_tokens": "lots", "cost_usd": -1.0, "duration_ms": "soon"});
    claude(sent, |event| {
        assert_eq!(
            (
                event.input_tokens,
                event.output_tokens,
                event.cache_read_tokens
            ),
            (0, 0, 0)
        );
        assert_eq!(
            (event.cost_usd.0, event.cost_reported_usd, event.duration_ns),
            (0, None, 0)
        );
        assert_eq!(attribute(event, "input_tokens").as_deref(), Some("-5"));
        assert_eq!(attribute(event, "output_tokens").as_deref(), Some("1e308"));
        assert_eq!(
            attribute(event, "cache_read_tokens").as_deref(),
            Some("lots")
        );
        assert_eq!(attribute(event, "cost_usd").as_deref(), Some("-1.0"));
        assert_eq!(attribute(event, "duration_ms").as_deref(), Some("soon"));
        assert_eq!(
            event.usage_key,
            uuid::Uuid::from_u128(event.event_id).to_string()
        );
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
        assert_eq!(
            (event.user_id.as_ref(), event.session_id.as_ref()),
            ("u", "s")
        );
        assert_eq!(
            (event.source.as_ref(), event.service.as_ref()),
            ("claude_code", "triage")
        );
        assert_eq!(event.environment, "production");
        assert_eq!(event.message, "prompt of 37 characters");
        assert_eq!(
            attribute(event, "team"),
            None,
            "the resource says it already"
        );
        assert_eq!(
            attribute(event, "otel.scope.version").as_deref(),
            Some("2.1.329")
        );
        assert!(event.resource.contains(&("team".into(), "ml".into())));
    });
    let impostor = json!({"attributes": {"event.name": "api_request"}});
    log(
        context(),
        "my.scope",
        json!({"service.name": "claude-code"}),
        impostor,
        |event| {
            assert_eq!(
                (event.source.as_ref(), event.usage_role),
                ("otel", UsageRole::None)
            );
        },
    );
}

#[test]
fn content_is_dropped_and_counted_unless_captured() {
    let sent = json!({"event.name": "tool_result", "tool_name": "Bash", "success": "false",
        "error": "cat: secret", "error_type": "ShellError", "tool_input": "{}", "tool_parameters": "{}",
        "prompt": "<REDACTED>", "response": "secret", "duration_ms": "3"});
    let dropped = claude(sent.clone(), |event| {
        assert_eq!(
            (event.event_class.as_ref(), event.outcome.as_ref()),
            ("error", "failure")
        );
        assert_eq!(event.error_type, "ShellError");
        assert_eq!(event.message, "Bash failed (ShellError)");
        assert!(event.attributes.is_empty(), "{:?}", event.attributes);
    });
    assert_eq!(dropped.total(), 4);
    assert_eq!(dropped.of("claude_code.error_text"), 1);
    assert_eq!(dropped.of("claude_code.tool_input"), 2);
    assert_eq!(
        dropped.of("claude_code.prompt"),
        0,
        "<REDACTED> is no content"
    );

    let capture = Context {
        capture_content: true,
        ..context()
    };
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
    let dropped = claude(sent.clone(), |event| {
        assert!(!format!("{event:?}").contains("SECRET"))
    });
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
        (
            json!({"body": {"stringValue": "claude_code.auth"}}),
            "claude_code.auth",
        ),
        (json!({"eventName": "auth"}), "claude_code.auth"),
        (json!({"eventName": "claude_code.auth"}), "claude_code.auth"),
        (
            json!({"body": {"stringValue": "hello"}}),
            "claude_code.event",
        ),
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
        (
            json!({"event.name": "tool_decision", "decision": "accept"}),
            "tool",
            "success",
        ),
        (
            json!({"event.name": "tool_decision", "decision": "reject"}),
            "tool",
            "rejected",
        ),
        (
            json!({"event.name": "tool_result", "success": true}),
            "tool",
            "success",
        ),
        (json!({"event.name": "api_error"}), "error", "failure"),
        (
            json!({"event.name": "auth", "success": "true"}),
            "auth",
            "success",
        ),
        (
            json!({"event.name": "auth", "success": "false"}),
            "error",
            "failure",
        ),
        (json!({"event.name": "internal_error"}), "error", "failure"),
        (
            json!({"event.name": "compaction", "success": "false"}),
            "error",
            "failure",
        ),
        (
            json!({"event.name": "hook_execution_complete", "num_blocking": "1"}),
            "session",
            "rejected",
        ),
        (
            json!({"event.name": "hook_execution_complete", "num_non_blocking_error": "1"}),
            "error",
            "failure",
        ),
        (
            json!({"event.name": "mcp_server_connection", "status": "failed"}),
            "error",
            "failure",
        ),
        (json!({"event.name": "something_new"}), "session", ""),
    ] {
        claude(sent.clone(), |event| {
            assert_eq!(
                (event.event_class.as_ref(), event.outcome.as_ref()),
                (class, outcome),
                "{sent}"
            );
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
        assert_eq!(
            (event.usage_role, event.usage_key.as_ref()),
            (UsageRole::Copy, "req_1")
        );
        assert_eq!((event.session_id.as_ref(), event.input_tokens), ("s", 120));
        assert_eq!(event.duration_ns, 5_000_000);
        assert!(event.attributes.is_empty(), "{:?}", event.attributes);
    });
}

// === time and place ===

#[test]
fn unbelievable_times_are_now_and_are_kept() {
    let year_2500 = 16_725_225_600_000_000_000_u64;
    for (time, kept) in [
        (1, Some("1")),
        (year_2500, Some("16725225600000000000")),
        (0, None),
    ] {
        let record = json!({"timeUnixNano": time.to_string()});
        log(context(), "app", json!({}), record, |event| {
            assert_eq!(event.timestamp_ns, NOW);
            assert_eq!(attribute(event, "original_timestamp").as_deref(), kept);
        });
    }
    let observed = json!({"observedTimeUnixNano": NOW - 5});
    log(context(), "app", json!({}), observed, |event| {
        assert_eq!(event.timestamp_ns, NOW - 5)
    });
    let iso = json!({"attributes": {"event.timestamp": "2026-11-21T00:38:52.690Z"}});
    log(context(), EVENTS, json!({}), iso, |event| {
        assert_eq!(event.timestamp_ns, NOW);
        assert!(
            !event
                .attributes
                .iter()
                .any(|(key, _)| *key == "event.timestamp")
        );
    });
}

#[test]
fn a_span_that_ends_before_it_starts_takes_no_time() {
    let backwards = json!({"name": "x", "startTimeUnixNano": NOW, "endTimeUnixNano": NOW - 1});
    span("app", backwards, |event| {
        assert_eq!(event.duration_ns, 0);
        assert_eq!(
            attribute(event, "original_end_timestamp"),
            Some((NOW - 1).to_string())
        );
    });
}

#[test]
fn the_token_says_the_project_first() {
    let record = || json!({"attributes": {"project": "mine"}});
    log(context(), "app", json!({}), record(), |event| {
        assert_eq!(event.project, "mine")
    });
    log(
        context(),
        "app",
        json!({"project": "res"}),
        json!({}),
        |event| assert_eq!(event.project, "res"),
    );
    let bound = Context {
        project: "bound",
        ..context()
    };
    log(bound, "app", json!({"project": "res"}), record(), |event| {
        assert_eq!(event.project, "bound");
        assert_eq!(attribute(event, "project").as_deref(), Some("mine"));
    });
}

// === generic and gen_ai ===

#[test]
fn any_log_is_kept_whole() {
    let record = json!({"timeUnixNano": NOW, "severityNumber": 18, "severityText": "SEVERE",
        "body": {"stringValue": "disk full"}, "attributes": {"event.name": "disk.full", "n": 9007199254740993_i64,
        "f": 0.1, "prompt": "an app's own word", "exception.type": "IOError"}});
    log(
        context(),
        "app",
        json!({"service.name": "shop"}),
        record,
        |event| {
            assert_eq!(
                (event.source.as_ref(), event.event_type.as_ref()),
                ("otel", "disk.full")
            );
            assert_eq!(
                (event.event_class.as_ref(), event.outcome.as_ref()),
                ("error", "failure")
            );
            assert_eq!(
                (event.severity.as_ref(), event.message.as_ref()),
                ("error", "disk full")
            );
            assert_eq!(
                (event.error_type.as_ref(), event.service.as_ref()),
                ("IOError", "shop")
            );
            for (name, value) in [
                ("n", "9007199254740993"),
                ("f", "0.1"),
                ("prompt", "an app's own word"),
                ("severity_number", "18"),
                ("severity_text", "SEVERE"),
                ("otel.scope.name", "app"),
            ] {
                assert_eq!(attribute(event, name).as_deref(), Some(value));
            }
        },
    );
    log(context(), "", json!({}), json!({}), |event| {
        assert_eq!(
            (event.event_type.as_ref(), event.event_class.as_ref()),
            ("log", "app")
        );
    });
}

#[test]
fn any_span_is_named_by_its_conventions() {
    for (kind, sent, status, event_type, outcome) in [
        (
            2,
            json!({"http.request.method": "GET", "http.response.status_code": 200}),
            0,
            "http.server",
            "success",
        ),
        (
            2,
            json!({"http.request.method": "GET", "http.response.status_code": 404}),
            0,
            "http.server",
            "success",
        ),
        (
            3,
            json!({"http.method": "GET", "http.status_code": "404"}),
            0,
            "http.client",
            "failure",
        ),
        (
            3,
            json!({"db.system.name": "postgresql"}),
            2,
            "db.client",
            "failure",
        ),
        (
            5,
            json!({"messaging.system": "kafka"}),
            1,
            "messaging.consumer",
            "success",
        ),
        (0, json!({}), 0, "span.unspecified", "success"),
    ] {
        let sent =
            json!({"name": "op", "kind": kind, "attributes": sent, "status": {"code": status}});
        span("app", sent, |event| {
            assert_eq!(
                (event.event_type.as_ref(), event.outcome.as_ref()),
                (event_type, outcome)
            );
            assert_eq!(event.message, "op");
            assert_eq!(event.event_class == "error", outcome == "failure");
        });
    }
}

#[test]
fn span_events_and_links_are_kept() {
    let sent = json!({"name": "op", "kind": 1,
        "events": [{"name": "exception", "timeUnixNano": "7", "attributes": attributes(&json!({"exception.type": "E"}))}],
        "links": [{"traceId": "00112233445566778899aabbccddeeff", "spanId": "0011223344556677"}]});
    span("app", sent, |event| {
        assert_eq!(event.error_type, "E");
        assert_eq!(
            attribute(event, "events").as_deref(),
            Some(
                r#"[{"name":"exception","time_unix_nano":"7","attributes":{"exception.type":"E"}}]"#
            )
        );
        assert_eq!(
            attribute(event, "links").as_deref(),
            Some(
                r#"[{"trace_id":"00112233445566778899aabbccddeeff","span_id":"0011223344556677"}]"#
            )
        );
    });
}

#[test]
fn gen_ai_tokens_are_disjoint_and_content_stays_out() {
    let sent = json!({"name": "chat gpt-4o", "kind": 3, "attributes": {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06", "gen_ai.response.id": "resp_1",
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.cache_read.input_tokens": 600, "gen_ai.usage.cache_write.input_tokens": 100,
        "gen_ai.usage.reasoning.output_tokens": 20, "gen_ai.input.messages": "SECRET",
        "gen_ai.prompt.0.content": "SECRET"}});
    let dropped = span("openai_v2", sent, |event| {
        assert_eq!(
            (event.source.as_ref(), event.event_type.as_ref()),
            ("gen_ai", "gen_ai.chat")
        );
        assert_eq!(
            (event.event_class.as_ref(), event.model.as_ref()),
            ("llm", "gpt-4o-2024-08-06")
        );
        assert_eq!((event.input_tokens, event.cache_read_tokens), (300, 600));
        assert_eq!(
            (
                event.cache_creation_tokens,
                event.output_tokens,
                event.reasoning_tokens
            ),
            (100, 50, 20)
        );
        assert_eq!(
            (event.usage_role, event.usage_key.as_ref()),
            (UsageRole::Leaf, "resp_1")
        );
        assert_eq!(
            attribute(event, "gen_ai.request.model").as_deref(),
            Some("gpt-4o")
        );
        assert!(!format!("{event:?}").contains("SECRET"));
    });
    assert_eq!(dropped.of("gen_ai.messages"), 2);
    let message = json!({"eventName": "gen_ai.user.message", "body": {"stringValue": "SECRET"},
        "attributes": {"gen_ai.system": "openai"}});
    let dropped = log(context(), "openai_v2", json!({}), message, |event| {
        assert_eq!(event.source, "gen_ai");
        assert!(!format!("{event:?}").contains("SECRET"));
    });
    assert_eq!(dropped.of("gen_ai.body"), 1);
}

#[test]
fn data_points_keep_their_value_exactly() {
    let with = |data: Value| json!({"name": "m", "unit": "1", "gauge": {"dataPoints": [data]}});
    point(with(json!({"asInt": "9007199254740993"})), |m| {
        assert_eq!(m.value_int, Some(9007199254740993))
    });
    point(with(json!({"asDouble": "NaN"})), |m| {
        assert!(m.value.is_nan() && m.value_int.is_none())
    });
    point(with(json!({"asDouble": "Infinity"})), |m| {
        assert_eq!(m.value, f64::INFINITY)
    });
    point(with(json!({})), |m| assert!(m.value.is_nan()));
    let histogram = json!({"name": "gen_ai.client.token.usage", "histogram": {"aggregationTemporality": 2,
        "dataPoints": [{"count": "2", "sum": 5.0, "bucketCounts": ["1", "1"], "explicitBounds": [2.0],
        "attributes": attributes(&json!({"gen_ai.token.type": "input", "gen_ai.request.model": "m"}))}]}});
    point(histogram, |m| {
        assert_eq!(
            (m.source.as_ref(), m.series_type.as_ref(), m.model.as_ref()),
            ("gen_ai", "input", "m")
        );
        assert_eq!((m.value, m.count, m.temporality), (5.0, 2, 2));
        assert_eq!(
            (m.bucket_counts.as_ref(), m.explicit_bounds.as_ref()),
            (&[1, 1][..], &[2.0][..])
        );
    });
    let summary = json!({"name": "s", "summary": {"dataPoints": [{"count": 1, "sum": 2,
        "quantileValues": [{"quantile": 0.5, "value": 2}]}]}});
    point(summary, |m| {
        assert_eq!(
            (m.quantiles.as_ref(), m.quantile_values.as_ref()),
            (&[0.5][..], &[2.0][..])
        )
    });
}
