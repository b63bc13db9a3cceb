//! What is taken, what it becomes, and what is said about the rest.

use hyper::Method;
use serde_json::json;

use super::{AUDIT, MESSAGES, NDJSON, all_of, events, row, send, taken, wait_for};
use crate::senders::{JSON, assert_well, counters, gzip, post, post_chunked, total, zstd};
use crate::support::{Server, eventually, request};

#[tokio::test(flavor = "multi_thread")]
async fn every_form_and_encoding_is_taken() {
    let server = Server::start().await;
    let url = server.api(MESSAGES);
    let one = |name: &str| json!({"event_type": name}).to_string();
    let pretty = serde_json::to_string_pretty(&json!({"event_type": "pretty", "attributes": {"a": 1}})).expect("JSON");
    let lines = format!("{}\n\n{}\r\n{}\n", one("line.1"), one("line.2"), one("line.3"));
    let list = format!("\u{feff} [{},\n{}]\n", one("list.1"), one("list.2"));
    for (content_type, body, count) in [
        (JSON, one("one"), 1),
        ("Application/JSON; charset=utf-8", pretty, 1),
        (JSON, list.clone(), 2),
        (NDJSON, list, 2),
        (JSON, lines.clone(), 3),
        (NDJSON, lines, 3),
        ("application/jsonl", one("a.single.line"), 1),
        (JSON, "[]".to_owned(), 0),
    ] {
        let answer = post(&url, &[("content-type", content_type)], body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (202, all_of(count)), "{content_type} {body}");
    }
    for (encoding, body) in [
        ("gzip", gzip(one("gzip").as_bytes())),
        ("zstd", zstd(one("zstd").as_bytes())),
        ("identity", one("plain").into()),
    ] {
        let headers = [("content-type", JSON), ("content-encoding", encoding)];
        assert_eq!(post(&url, &headers, body.clone()).await.status, 202, "{encoding}");
    }
    assert_eq!(post_chunked(&url, &[("content-type", JSON)], one("chunked").as_bytes()).await.status, 202);
    wait_for(&server, 1 + 1 + 2 + 2 + 3 + 3 + 1 + 3 + 1).await;
    assert_well(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_has_every_field_in_its_column() {
    let server = Server::start().await;
    let now = jiff::Timestamp::now();
    let full = json!({
        "event_type": "task.done", "id": "1", "timestamp": now.to_string(), "message": "it is done", "severity": "WARN", "outcome": "ok",
        "project": "alpha", "user_id": 42, "session_id": "s", "correlation_id": "c", "duration_ms": "1.5", "target_type": "task",
        "target_id": "t-1",
        "attributes": {"plain": "x", "number": 12345678901234567890u64, "exact": 0.10, "yes": true, "none": null,
            "nested": {"a": [1, {"b": " two "}]}, "gen_ai.prompt": "dropped"},
    });
    assert_eq!(taken(&server, MESSAGES, &full).await, all_of(1));
    assert_eq!(taken(&server, AUDIT, &json!({"event_type": "role.add", "user_id": "u"})).await, all_of(1));
    wait_for(&server, 2).await;
    let columns = "kind, source, event_class, outcome, severity, message, project, user_id, session_id, correlation_id, duration_ns, \
                   target_type, target_id";
    let expected = "message app app success warn it#is#done alpha 42 s c 1500000 task t-1";
    let expected: Vec<String> = expected.split(' ').map(|word| word.replace('#', " ")).collect();
    assert_eq!(row(&server, "task.done", columns), expected);
    assert_eq!(
        row(&server, "task.done", "toJSONString(mapSort(attributes))"),
        [
            r#"{"exact":"0.1","nested":"{\"a\":[1,{\"b\":\" two \"}]}","none":"","number":"12345678901234567890","outcome_text":"ok","plain":"x","yes":"true"}"#
        ]
    );
    assert_eq!(
        row(&server, "task.done", "toUnixTimestamp64Nano(timestamp)"),
        [now.as_nanosecond().to_string()],
        "to the nanosecond"
    );
    assert_eq!(row(&server, "role.add", "kind, source, event_class, message"), ["audit", "audit", "audit", "role.add"]);
    assert_eq!(total(&counters(&server).await, "activitylog_content_dropped_total"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_column_holds_is_kept_as_it_was_written() {
    let server = Server::start().await;
    let sent = json!([
        {"event_type": "huge", "duration_ms": 1e308}, {"event_type": "negative", "duration_ms": -3, "timestamp": -5},
        {"event_type": "first", "timestamp": "0001-01-01T00:00:00Z"}, {"event_type": "last", "timestamp": "9999-12-31T23:59:59Z"},
        {"event_type": "dotnet", "timestamp": "0001-01-01T00:00:00"}, {"event_type": "astronomic", "timestamp": 1e308},
    ]);
    assert_eq!(taken(&server, MESSAGES, &sent).await, all_of(6));
    wait_for(&server, 6).await;
    let kept = "duration_ns, attributes['original_duration_ms'], attributes['original_timestamp'], abs(now() - timestamp) < 600";
    let largest = json!(1e308).to_string();
    for (event_type, expected) in [
        ("huge", ["0", &largest, "", "1"]),
        ("negative", ["0", "-3", "-5", "1"]),
        ("first", ["0", "", "0001-01-01T00:00:00Z", "1"]),
        ("last", ["0", "", "9999-12-31T23:59:59Z", "1"]),
        ("dotnet", ["0", "", "0001-01-01T00:00:00", "1"]),
        ("astronomic", ["0", "", &largest, "1"]),
    ] {
        assert_eq!(row(&server, event_type, kept), expected, "{event_type}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_entry_is_rejected_alone_and_says_why() {
    let server = Server::start().await;
    let long = "x".repeat(201);
    let bad = json!([
        {"event_type": "ok.1"}, {"message": "no type"}, {"event_type": "a b"}, {"event_type": long}, {"eventtype": "typo"},
        {"event_type": "t", "user_id": {"id": 1}}, {"event_type": "t", "outcome": true}, {"event_type": "t", "timestamp": "yesterday"},
        {"event_type": "t", "timestamp": "2026-05-12T12:00:00"}, {"event_type": "t", "duration_ms": "soon"}, {"event_type": "t", "attributes": [1]},
        {"event_type": "t", "user_id": "x".repeat(513)}, 17, null, "text", [], {"event_type": "t", "message": "m".repeat(1 << 20)},
        {"event_type": "t", "attributes": {"n".repeat(257): 1}}, {"event_type": "ok.2"},
    ]);
    let answer = taken(&server, MESSAGES, &bad).await;
    assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(2), &json!(0)), "{answer}");
    let reasons = [
        "event_type is missing",
        "event_type: \"a b\"",
        "event_type: 201 bytes",
        "\"eventtype\": the fields are event_type, id,",
        "user_id: expected text, got an object",
        "outcome: expected text, got a boolean",
        "timestamp: \"yesterday\"",
        "with its offset",
        "duration_ms: \"soon\"",
        "attributes: expected an object, got a list",
        "user_id: 513 bytes",
        "this is a number",
        "this is null",
        "this is text",
        "this is a list",
        "more than 1048576",
        "a name of more than 256 bytes",
    ];
    let rejected = answer["rejected"].as_array().expect("a list");
    assert_eq!(rejected.len(), reasons.len(), "{answer}");
    for (at, (rejected, reason)) in rejected.iter().zip(reasons).enumerate() {
        assert_eq!(rejected["index"], at + 1);
        assert!(rejected["error"].as_str().expect("text").contains(reason), "{reason}: {rejected}");
    }
    // Twice the same field: which one was meant?
    let twice = post(&server.api(MESSAGES), &[("content-type", JSON)], r#"{"event_type":"a","event_type":"b"}"#).await;
    assert_eq!(twice.status, 400);
    assert!(twice.text().contains("event_type stands twice"), "{}", twice.text());
    assert_eq!(twice.json()["rejected"][0]["index"], 0);

    let many: Vec<_> =
        (0..300).map(|n| if n == 7 { json!({"event_type": "ok.3"}) } else { json!({"message": n}) }).collect();
    let answer = taken(&server, MESSAGES, &json!(many)).await;
    assert_eq!(answer["rejected"].as_array().map(Vec::len), Some(100), "the list is bounded");
    assert_eq!((&answer["accepted"], &answer["rejected_unlisted"]), (&json!(1), &json!(199)));
    wait_for(&server, 3).await;
    let counters = counters(&server).await;
    assert_eq!(
        counters["activitylog_items_rejected_total{door=\"messages\",reason=\"malformed\"}"],
        17 + 1 + 299,
        "under the first reason met"
    );
    assert_eq!(counters["activitylog_items_stored_total{door=\"messages\"}"], 3);
    assert_eq!(counters["activitylog_items_received_total{door=\"messages\"}"], 3 + 17 + 1 + 299);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_entry_with_content_or_a_secret_is_refused() {
    let server = Server::start().await;
    let answer = taken(
        &server,
        AUDIT,
        &json!([
            {"event_type": "prompt.create", "attributes": {"prompt_id": "p-1", "input_tokens": 5}},
            {"event_type": "prompt.create", "attributes": {"prompt": "CONTENT"}},
            {"event_type": "token.mint", "attributes": {"meta": {"deep": [{"accessToken": "CONTENT"}]}}},
            {"event_type": "token.mint", "attributes": {"value": "ghp_CONTENT0123456789abcdef"}},
        ]),
    )
    .await;
    assert_eq!(answer["accepted"], 1);
    for (rejected, name) in
        answer["rejected"].as_array().expect("a list").iter().zip(["prompt", "accessToken", "value"])
    {
        assert!(rejected["error"].as_str().expect("text").contains(name), "{rejected}");
        assert!(!rejected.to_string().contains("CONTENT"), "{rejected}");
    }
    wait_for(&server, 1).await;
    let stored = server.number("SELECT count() FROM activitylog.events WHERE toString(attributes) LIKE '%CONTENT%'");
    assert_eq!(stored, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_can_not_be_taken_says_what_to_do() {
    let server = Server::start_with(&[("ACTIVITYLOG_LIMITS_REQUEST_BYTES", "8MiB")]).await;
    let url = server.api(MESSAGES);
    let ok = r#"{"event_type":"a"}"#;
    let too_many = format!("[{}1]", "1,".repeat(100_000));
    let bomb = gzip(&vec![b' '; 9 << 20]);
    type Headers<'h> = &'h [(&'h str, &'h str)];
    let refused: [(Headers<'_>, Vec<u8>, u16, &str); 12] = [
        (&[("content-type", JSON)], b"".into(), 400, "the body is empty"),
        (&[("content-type", JSON)], b"{\"event_type\"".into(), 400, "malformed JSON"),
        (&[("content-type", JSON)], b"[".into(), 400, "malformed JSON"),
        (&[("content-type", NDJSON)], b"nothing\nat all".into(), 400, "malformed JSON"),
        (&[("content-type", "text/plain")], ok.into(), 415, "application/x-ndjson"),
        (&[], ok.into(), 415, "application/json"),
        (&[("content-type", JSON), ("content-encoding", "br")], ok.into(), 415, "gzip"),
        (&[("content-type", JSON), ("content-encoding", "gzip")], ok.into(), 400, "decompressed"),
        (&[("content-type", JSON)], vec![b' '; 9 << 20], 413, "limits.request_bytes"),
        (&[("content-type", JSON), ("content-encoding", "gzip")], bomb, 413, "limits.request_bytes"),
        (&[("content-type", JSON)], too_many.into(), 413, "smaller batches"),
        (&[("content-type", JSON), ("authorization", "Bearer alg_i_x")], ok.into(), 401, "not known"),
    ];
    for (headers, body, status, names) in refused {
        let answer = post(&url, headers, body).await;
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{}", answer.text());
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.text().contains(names), "{names}: {}", answer.text());
    }
    let foreign = post(&url, &[("content-type", JSON), ("host", "evil.example")], ok).await;
    assert_eq!(foreign.status, 403);
    let key = "k".repeat(256);
    let long = post(&url, &[("content-type", JSON), ("idempotency-key", &key)], ok).await;
    assert_eq!((long.status.as_u16(), long.text().contains("Idempotency-Key")), (400, true));
    let wrong = request(Method::PUT, &url, &[("content-type", JSON)], ok.into()).await;
    assert_eq!(wrong.status, 405);
    assert_eq!(request(Method::GET, &server.api(AUDIT), &[], "".into()).await.status, 405);
    assert_eq!(events(&server), 0);
    assert_eq!(counters(&server).await["activitylog_in_flight_bytes"], 0);

    let full = Server::start_with(&[("ACTIVITYLOG_SPOOL_MAX_BYTES", "0")]).await;
    for body in [json!({"event_type": "a"}), json!({"event_type": "a", "id": "1"})] {
        let answer = send(&full, MESSAGES, &body).await;
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.headers.contains_key("retry-after"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn watchers_see_them() {
    let server = Server::start().await;
    let newest = server.json("/api/v1/messages?limit=1").await;
    assert_eq!(newest["items"], json!([]));
    taken(&server, MESSAGES, &json!({"event_type": "seen.live", "message": "hello"})).await;
    let item = eventually("it is in the list", async || {
        server.json("/api/v1/messages?source=app").await["items"].as_array()?.first().cloned()
    })
    .await;
    assert_eq!(
        (&item["event_type"], &item["message"], &item["kind"]),
        (&json!("seen.live"), &json!("hello"), &json!("message"))
    );
}

/// 64 MiB in one request: taken, and not held several times.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_the_largest_size_is_taken_in_bounded_memory() {
    let server = Server::start().await;
    let entry = json!({"event_type": "bulk", "message": "m".repeat(700), "attributes": {"n": 1}}).to_string();
    let count = (60 << 20) / (entry.len() + 1);
    let body = format!("[{}]", vec![entry; count].join(","));
    let answer = post(&server.api(MESSAGES), &[("content-type", JSON)], body).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (202, all_of(count as u64)));
    wait_for(&server, count as u64).await;
    let peak = crate::senders::peak_memory(&server);
    assert!(peak < 700 << 10, "{} MiB", peak >> 10);
}
