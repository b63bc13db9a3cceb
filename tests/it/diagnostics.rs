//! `GET /api/v1/diagnostics`: what arrived, what was turned away and why, what nobody knew; of the caller's tenant alone.

use futures_util::future::join_all;
use prost::Message;
use serde_json::{Value, json};

use crate::senders::*;
use crate::store::{Store, event, nanoseconds};
use crate::support::{Server, eventually, record};

async fn ask(server: &Server) -> Value {
    server.json("/api/v1/diagnostics").await
}

fn list(answer: &Value, name: &str) -> Vec<Value> {
    answer[name].as_array().unwrap_or_else(|| panic!("{name} is no list: {answer}")).clone()
}

fn source<'a>(sources: &'a [Value], door: &str, name: &str) -> &'a Value {
    let found = sources.iter().find(|source| source["door"] == door && source["name"] == name);
    found.unwrap_or_else(|| panic!("no {door} {name:?} in {sources:#?}"))
}

fn of_service(service: &str, scope: &str, records: &[Value]) -> Value {
    json!({"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeLogs": [{"scope": {"name": scope}, "logRecords": records}],
    }]})
}

#[tokio::test(flavor = "multi_thread")]
async fn the_diagnostics_explain_what_came_and_what_did_not() {
    let server = Server::start().await;
    let answer = ask(&server).await;
    assert_eq!((list(&answer, "sources"), list(&answer, "stored")), (vec![], vec![]));
    let hint = list(&answer, "hints")[0].as_str().expect("text").to_owned();
    assert!(hint.starts_with("nothing has come to this node since it started and nothing is stored"), "{hint}");
    assert!(hint.contains(&server.otlp("")), "{hint}");

    taken_and_turned_away(&server).await;
    unknown_models_and_types(&server).await;
    walled(&server).await;
    a_flood_stays_bounded(&server).await;
    let text = server.get("/metrics").await.text();
    assert!(
        text.contains("activitylog_unpriced_calls_total{provider=\"anthropic\",model=\"dreamt-up-1\"} 2\n"),
        "{text}"
    );
    assert!(text.contains("activitylog_unmapped_events 1\n"), "{text}");
    let series = || text.lines().filter(|line| !line.starts_with('#'));
    assert!(!series().any(|line| line.contains("shop") || line.contains("flood")), "no sender is a label: {text}");
    assert_well(&server).await;
}

async fn taken_and_turned_away(server: &Server) {
    let agent = ("user-agent", "OTel-OTLP-Exporter-JavaScript/0.218.0");
    let headers = [("content-type", JSON), agent];
    let body = |records: &[Value]| of_service("shop", "app", records).to_string();
    let answer = post(&server.otlp("/v1/logs"), &headers, body(&[record("a", 0, &[]), json!({"traceId": "x"})])).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    for _ in 0..3 {
        let answer = post(&server.otlp("/v1/traces"), &headers, body(&[record("astray", 0, &[])])).await;
        assert_eq!(answer.status, 404);
    }
    // Turned away before its name was read: told by its user agent.
    let authorization = ("authorization", "Bearer alg_i_made-up");
    assert_eq!(post(&server.otlp("/v1/logs"), &[headers[0], agent, authorization], "{}").await.status, 401);
    let end = grpc_call(server, LOGS_METHOD, &[("user-agent", "grpc-go/1.70.0")], framed(0, b"\x0a\xff")).await;
    assert_eq!(end.code, "3");

    let answer = ask(server).await;
    let sources = list(&answer, "sources");
    let shop = source(&sources, "http", "shop");
    assert_eq!((&shop["items"], &shop["requests"], &shop["user_agent"]), (&json!(1), &json!(1), &json!(agent.1)));
    assert_eq!(shop["signals"], json!(["logs", "traces"]));
    assert!(shop["first_received"].as_str() <= shop["last_received"].as_str() && shop["last_received"].is_string());
    let rejections = list(shop, "rejections");
    let told: Vec<_> = rejections.iter().map(|r| (r["reason"].as_str().expect("text"), r["count"].as_u64())).collect();
    assert_eq!(told, [("misdirected", Some(3)), ("malformed", Some(1))]);
    assert!(rejections[0]["message"].as_str().expect("text").starts_with("these are logs, and /v1/traces"));
    assert!(rejections[1]["message"].as_str().expect("text").starts_with("log record: "), "{rejections:?}");

    let unnamed = source(&sources, "http", "");
    assert_eq!((&unnamed["user_agent"], &unnamed["last_received"]), (&json!(agent.1), &Value::Null));
    assert_eq!(unnamed["rejections"][0]["reason"], "unauthenticated");
    assert_eq!(source(&sources, "grpc", "")["user_agent"], "grpc-go/1.70.0");
    let hints = list(&answer, "hints");
    let expected = "everything from grpc-go/1.70.0 was turned away: malformed protobuf";
    assert!(hints.iter().any(|hint| hint.as_str().expect("text").starts_with(expected)), "{hints:?}");
}

async fn unknown_models_and_types(server: &Server) {
    let named = |name: &str, id: &str| {
        record(
            &format!("claude_code.{name}"),
            0,
            &[
                ("event.name", name),
                ("model", "dreamt-up-1"),
                ("input_tokens", "10"),
                ("output_tokens", "5"),
                ("request_id", id),
            ],
        )
    };
    let records = [
        named("api_request", "req_1"),
        named("api_request", "req_2"),
        named("compaction", ""),
        named("managed_settings_resolved", ""),
        named("of_next_year", ""),
    ];
    let body = of_service("claude-code", "com.anthropic.claude_code.events", &records);
    server.send_json("logs", &body).await;
    server.send_json("logs", &body).await; // an exact replay is not counted
    let answer = eventually("the rows are stored", async || {
        let answer = ask(server).await;
        (!list(&answer, "unpriced_models").is_empty()).then_some(answer)
    })
    .await;
    let unmapped = list(&answer, "unmapped_event_types");
    assert_eq!(unmapped.len(), 1, "{unmapped:?}");
    assert_eq!(
        (&unmapped[0]["source"], &unmapped[0]["event_type"], &unmapped[0]["count"]),
        (&json!("claude_code"), &json!("claude_code.of_next_year"), &json!(1))
    );
    let models = list(&answer, "unpriced_models");
    assert_eq!(
        (&models[0]["model"], &models[0]["calls"], &models[0]["tokens"]),
        (&json!("dreamt-up-1"), &json!(2), &json!(30))
    );
    let stored = list(&answer, "stored");
    let row = stored.iter().find(|row| row["service"] == "claude-code").expect("its rows");
    assert_eq!((&row["source"], &row["events"]), (&json!("claude_code"), &json!(5)));
    assert_eq!(source(&list(&answer, "sources"), "http", "claude-code")["requests"], 1);
}

/// Rows of another tenant, with everything that could show.
async fn walled(server: &Server) {
    let store = Store::of(server);
    let now = nanoseconds(&jiff::Timestamp::now().to_string());
    let theirs = (0..3).map(|n| {
        event(now + n, 900 + n as u128, json!({
            "tenant_id": "other", "source": "XQZ", "service": "XQZ", "provider": "XQZ", "model": "XQZ", "event_type": "XQZ",
            "usage_role": "leaf", "usage_key": format!("XQZ {n}"), "input_tokens": 7,
        }))
    });
    store.insert("activitylog.events", &theirs.collect::<Vec<_>>()).await;
    let count = "SELECT count() FROM activitylog.usage WHERE model = 'XQZ'";
    server.wait_for_count(count, 3).await;
    assert!(!ask(server).await.to_string().contains("XQZ"));
}

async fn a_flood_stays_bounded(server: &Server) {
    for batch in 0..5 {
        let requests = (0..60).map(|n| async move {
            let name = format!("flood {batch} {n} {}", "x".repeat(5_000));
            let answer = server.post("logs", JSON, of_service(&name, "app", &[]).to_string()).await;
            assert_eq!(answer.status, 200);
        });
        join_all(requests).await;
    }
    let answer = ask(server).await;
    let sources = list(&answer, "sources");
    assert_eq!(sources.len(), 200);
    assert!(answer["sources_forgotten"].as_u64().expect("a number") > 100, "{}", answer["sources_forgotten"]);
    assert!(sources.iter().all(|source| source["name"].as_str().expect("text").chars().count() <= 121));
}

/// What this node remembers is told all the same.
#[tokio::test(flavor = "multi_thread")]
async fn without_clickhouse_the_half_in_memory_is_answered() {
    let server = Server::start_with(&[("ACTIVITYLOG_CLICKHOUSE_QUERY_TIMEOUT", "1s")]).await;
    let answer = server.post("logs", PROTOBUF, one_log("kept").encode_to_vec()).await;
    assert_eq!(answer.status, 200);
    server.wait_for_count("SELECT count() FROM activitylog.events", 1).await;
    let engine = rustix::process::Pid::from_raw(i32::try_from(server.engine_pid()).expect("a pid")).expect("a pid");
    rustix::process::kill_process(engine, rustix::process::Signal::STOP).expect("a child of ours");
    let answer = ask(&server).await;
    rustix::process::kill_process(engine, rustix::process::Signal::CONT).expect("a child of ours");
    assert_eq!((&answer["stored"], list(&answer, "sources").len()), (&Value::Null, 1), "{answer}");
    assert!(answer["note"].as_str().expect("a note").starts_with("ClickHouse does not answer"));
    eventually("it answers again", async || ask(&server).await["stored"].is_array().then_some(())).await;
}
