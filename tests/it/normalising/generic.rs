//! Any OpenTelemetry record, and those of the gen_ai conventions.

use super::*;

#[test]
fn any_log_is_kept_whole() {
    let record = json!({"timeUnixNano": NOW, "severityNumber": 18, "severityText": "SEVERE",
        "body": {"stringValue": "disk full"}, "attributes": {"event.name": "disk.full", "n": 9007199254740993_i64,
        "f": 0.1, "prompt": "an app's own word", "exception.type": "IOError"}});
    log(context(), "app", json!({"service.name": "shop"}), record, |event| {
        assert_eq!((event.source.as_ref(), event.event_type.as_ref()), ("otel", "disk.full"));
        assert_eq!((event.event_class.as_ref(), event.outcome.as_ref()), ("error", "failure"));
        assert_eq!((event.severity.as_ref(), event.message.as_ref()), ("error", "disk full"));
        assert_eq!((event.error_type.as_ref(), event.service.as_ref()), ("IOError", "shop"));
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
    });
    log(context(), "", json!({}), json!({}), |event| {
        assert_eq!((event.event_type.as_ref(), event.event_class.as_ref()), ("log", "app"));
    });
}

#[test]
fn any_span_is_named_by_its_conventions() {
    for (kind, sent, status, event_type, outcome) in [
        (2, json!({"http.request.method": "GET", "http.response.status_code": 200}), 0, "http.server", "success"),
        (2, json!({"http.request.method": "GET", "http.response.status_code": 404}), 0, "http.server", "success"),
        (3, json!({"http.method": "GET", "http.status_code": "404"}), 0, "http.client", "failure"),
        (3, json!({"db.system.name": "postgresql"}), 2, "db.client", "failure"),
        (5, json!({"messaging.system": "kafka"}), 1, "messaging.consumer", "success"),
        (0, json!({}), 0, "span.unspecified", "success"),
    ] {
        let sent = json!({"name": "op", "kind": kind, "attributes": sent, "status": {"code": status}});
        span("app", sent, |event| {
            assert_eq!((event.event_type.as_ref(), event.outcome.as_ref()), (event_type, outcome));
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
            Some(r#"[{"name":"exception","time_unix_nano":"7","attributes":{"exception.type":"E"}}]"#)
        );
        assert_eq!(
            attribute(event, "links").as_deref(),
            Some(r#"[{"trace_id":"00112233445566778899aabbccddeeff","span_id":"0011223344556677"}]"#)
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
        assert_eq!((event.source.as_ref(), event.event_type.as_ref()), ("gen_ai", "gen_ai.chat"));
        assert_eq!((event.event_class.as_ref(), event.model.as_ref()), ("llm", "gpt-4o-2024-08-06"));
        assert_eq!((event.input_tokens, event.cache_read_tokens), (300, 600));
        assert_eq!((event.cache_creation_tokens, event.output_tokens, event.reasoning_tokens), (100, 50, 20));
        assert_eq!((event.usage_role, event.usage_key.as_ref()), (UsageRole::Leaf, "resp_1"));
        assert_eq!(attribute(event, "gen_ai.request.model").as_deref(), Some("gpt-4o"));
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
    point(with(json!({"asInt": "9007199254740993"})), |m| assert_eq!(m.value_int, Some(9007199254740993)));
    point(with(json!({"asDouble": "NaN"})), |m| assert!(m.value.is_nan() && m.value_int.is_none()));
    point(with(json!({"asDouble": "Infinity"})), |m| assert_eq!(m.value, f64::INFINITY));
    point(with(json!({})), |m| assert!(m.value.is_nan()));
    let histogram = json!({"name": "gen_ai.client.token.usage", "histogram": {"aggregationTemporality": 2,
        "dataPoints": [{"count": "2", "sum": 5.0, "bucketCounts": ["1", "1"], "explicitBounds": [2.0],
        "attributes": attributes(&json!({"gen_ai.token.type": "input", "gen_ai.request.model": "m"}))}]}});
    point(histogram, |m| {
        assert_eq!((m.source.as_ref(), m.series_type.as_ref(), m.model.as_ref()), ("gen_ai", "input", "m"));
        assert_eq!((m.value, m.count, m.temporality), (5.0, 2, 2));
        assert_eq!((m.bucket_counts.as_ref(), m.explicit_bounds.as_ref()), (&[1, 1][..], &[2.0][..]));
    });
    let summary = json!({"name": "s", "summary": {"dataPoints": [{"count": 1, "sum": 2,
        "quantileValues": [{"quantile": 0.5, "value": 2}]}]}});
    point(summary, |m| assert_eq!((m.quantiles.as_ref(), m.quantile_values.as_ref()), (&[0.5][..], &[2.0][..])));
}
