//! Which names are content, whose, and what an operator's rules make of them.

use activitylog::normalise::content::{Action, ContentRules, Custom, CustomRule, HashKey, RULES};

use super::*;

fn rules(capture: bool, rules: &[(&str, Action)]) -> Rules {
    let rule = |(name, action): &(&str, Action)| CustomRule {
        names: vec![(*name).to_owned()],
        action: *action,
        label: (*name).to_owned(),
    };
    let custom: Vec<CustomRule> = rules.iter().map(rule).collect();
    Rules { content: ContentRules { capture, custom: Custom::new(&custom, HashKey::new(b"k")) }, ..Rules::default() }
}

#[test]
fn plain_words_are_content_only_where_a_tool_says_them() {
    for (scope, name, kept) in [
        ("codex_otel.log_only", "prompt", false),
        ("codex_otel.log_only", "arguments", false),
        ("gemini-cli", "request_text", false),
        ("logfire.openai", "request_data", false),
        ("litellm", "llm.openai.messages", false),
        ("litellm", "llm.openai.usage", true),
        ("app", "prompt", true),
        ("app", "output", true),
        ("app", "exception.stacktrace", true),
        ("app", "gen_ai.prompt.0.content", false),
        ("app", "gen_ai.prompt.name", true),
        ("app", "gen_ai.completion.0.finish_reason", true),
        ("app", "llm.token_count.prompt", true),
        ("app", "http.request.header.authorization", false),
        ("app", "http.request.header.accept", true),
        ("app", "db.query.parameter.0", false),
        ("app", "db.query.text", true),
        ("app", "user.account_uuid", false),
    ] {
        let record = json!({"attributes": {name: "text"}});
        let dropped = log(context(), scope, json!({}), record, |event| {
            assert_eq!(attribute(event, name).is_some(), kept, "{scope} {name}");
        });
        assert_eq!(dropped.total(), u64::from(!kept), "{scope} {name}");
    }
}

#[test]
fn a_model_calls_error_text_goes_and_anybody_elses_stays() {
    let exception = json!([{"name": "exception", "attributes": attributes(&json!({"exception.message": "said"}))}]);
    for (attributes, kept) in [(json!({"gen_ai.request.model": "m"}), false), (json!({"order": "7"}), true)] {
        let sent = json!({"name": "x", "attributes": attributes, "events": exception, "status": {"code": 2, "message": "said"}});
        span("app", sent, |event| {
            assert_eq!(attribute(event, "status.message").is_some(), kept);
            assert_eq!(attribute(event, "events").is_some_and(|events| events.contains("said")), kept);
        });
        let mut sent = attributes.clone();
        sent["exception.message"] = json!("said");
        log(context(), "app", json!({}), json!({"attributes": sent}), |event| {
            assert_eq!(attribute(event, "exception.message").is_some(), kept);
        });
    }
}

#[test]
fn secrets_go_even_where_capture_is_on() {
    let capturing = rules(true, &[]);
    let context = Context { rules: &capturing, ..context() };
    let sent = json!({"attributes": {"http.request.header.cookie": "c", "gen_ai.input.messages": "m"}});
    log(context, "app", json!({}), sent, |event| {
        assert_eq!(attribute(event, "http.request.header.cookie"), None);
        assert!(attribute(event, "gen_ai.input.messages").is_some());
    });
}

#[test]
fn rules_reach_columns_resources_and_scopes() {
    let own = rules(
        false,
        &[
            ("user.email", Action::Hash),
            ("user.*", Action::Drop),
            ("client.address", Action::Hash),
            ("process.command_args", Action::Keep),
            ("log.body", Action::Hash),
            ("session.id", Action::Hash),
        ],
    );
    let context = Context { rules: &own, ..context() };
    let hash = |text| HashKey::new(b"k").hash("acme", text);
    let record = json!({"body": {"stringValue": "line"},
        "attributes": {"client.address": "192.0.2.1", "session.id": "s", "user.id": "u", "n": 1}});
    let resource = json!({"user.email": "a@b", "user.id": "u", "process.command_args": "x"});
    let dropped = log(context, "app", resource, record, |event| {
        assert_eq!((event.user_email.to_string(), event.user_id.as_ref()), (hash("a@b"), ""));
        assert_eq!((event.source_ip.to_string(), event.session_id.to_string()), (hash("192.0.2.1"), hash("s")));
        assert_eq!(event.message, hash("line"));
        let resource: Vec<(&str, &str)> = event.resource.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(resource, [("user.email", hash("a@b").as_str()), ("process.command_args", "x")]);
        assert_eq!(attribute(event, "n").as_deref(), Some("1"));
        assert!(!format!("{event:?}").contains("a@b"));
    });
    assert_eq!(dropped.of("user.*"), 2, "in the record and in the resource");
    let hashed: Vec<_> = dropped.hashed().map(|(rule, count)| (rule.to_owned(), count)).collect();
    assert_eq!(hashed.len(), 4, "{hashed:?}");
}

#[test]
fn a_name_that_comes_twice_is_hashed_twice() {
    let own = rules(false, &[("user.id", Action::Hash)]);
    let context = Context { rules: &own, ..context() };
    let mut sent = json!({"attributes": {"user.id": "u"}});
    let twin = json!({"key": "user.id", "value": {"intValue": 7}});
    let mut list = attributes(&sent["attributes"]);
    list.as_array_mut().expect("a list").push(twin);
    sent["attributes"] = list;
    let body = json!({"resourceLogs": [{"scopeLogs": [{"scope": {"name": "app"}, "logRecords": [sent]}]}]});
    let check = |event: &Event<'_>| {
        assert_eq!(event.user_id, HashKey::new(b"k").hash("acme", "u"));
        assert_eq!(attribute(event, "user.id"), Some(HashKey::new(b"k").hash("acme", "7")));
    };
    let mut each = Each { normaliser: Normaliser::new(context), event: check, metric: |_: &Metric<'_>| {} };
    json::decode_logs(body.to_string().as_bytes(), &Limits::default(), &mut each).expect("decodes");
}

#[test]
fn what_is_dropped_by_name_is_not_inferred_from_elsewhere() {
    let own = rules(false, &[("agent.name", Action::Drop)]);
    let context = Context { rules: &own, ..context() };
    let record = json!({"attributes": {"event.name": "api_request", "query_source": "agent:builtin:x"}});
    log(context, EVENTS, json!({}), record, |event| {
        assert_eq!(attribute(event, "agent.name"), None);
        assert_eq!(event.feature, "");
    });
}

/// `docs/CONTENT.md` shows the list that is compiled in.
#[test]
fn the_documented_list_is_the_one_that_applies() {
    let document =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/CONTENT.md")).expect("the document");
    let documented: Vec<&str> = document.lines().filter(|line| line.starts_with("| `")).collect();
    let rows = RULES.iter().map(|rule| {
        let speakers: Vec<String> = rule.speakers.iter().map(|speaker| format!("{speaker:?}")).collect();
        let whose = if speakers.is_empty() { "everybody".to_owned() } else { speakers.join(", ") };
        let names: Vec<String> = rule.names.iter().map(|name| format!("`{name}`")).collect();
        format!("| `{}` | {whose} | {} | {} |", rule.name, rule.what, names.join(", "))
    });
    assert_eq!(documented, rows.collect::<Vec<_>>());
}
