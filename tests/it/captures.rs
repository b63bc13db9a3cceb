//! Every capture of a real Claude Code through the front door, with its own protocol and headers, in the order it was sent;
//! then what ClickHouse and the API say against what the runs are known to have done (`expected.json`).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::fidelity::{fixtures, read_json};
use crate::senders::{assert_items_add_up, assert_well, framed, grpc_call, post, post_chunked, total};
use crate::store::Store;
use crate::support::Server;

/// By session and what is counted (an event type, a model and a kind of token ...).
type Figures = BTreeMap<(String, String), f64>;

#[tokio::test(flavor = "multi_thread")]
async fn every_capture_adds_up_after_the_front_door() {
    // The captures get older than the default retention.
    let server = Server::start_with(&[("ACTIVITYLOG_RETENTION_DAYS", "3650")]).await;
    let manifest = read_json("manifest.json");
    for run in manifest["runs"].as_array().expect("runs") {
        for file in run["files"].as_array().expect("files") {
            let described = manifest["files"].as_array().expect("files").iter().find(|f| f["file"] == *file);
            send(&server, described.expect("described")).await;
        }
    }
    let expected = Expected::read(&manifest);
    server
        .wait_for_count("SELECT count() FROM activitylog.events FINAL", expected.events.values().sum::<f64>() as u64)
        .await;
    let points: f64 = expected.points.values().sum();
    server.wait_for_count("SELECT count() FROM activitylog.metrics FINAL", points as u64).await;

    let events = "SELECT session_id, if(kind = 'log', 'log ', 'span ') || event_type, count() FROM activitylog.events FINAL \
        GROUP BY 1, 2";
    same("events", figures(&server, events), &expected.events);
    let requests = "FROM activitylog.events FINAL WHERE event_type = 'claude_code.api_request'";
    same(
        "requests",
        figures(&server, &format!("SELECT session_id, model, count() {requests} GROUP BY 1, 2")),
        &expected.requests,
    );
    same(
        "tokens",
        tokens(&server, &format!("session_id || '\t' || model || ' ', {TOKENS} {requests} GROUP BY session_id, model")),
        &expected.tokens,
    );
    let copies = "FROM activitylog.events FINAL WHERE usage_role = 'copy'";
    same(
        "copies",
        tokens(&server, &format!("session_id || '\t' || model || ' ', {TOKENS} {copies} GROUP BY session_id, model")),
        &expected.copies,
    );
    let costs = format!("SELECT session_id, '', sum(cost_usd) {requests} GROUP BY 1");
    same("cost of the requests", figures(&server, &costs), &expected.cost);
    let sums = format!("{TOKENS}, sum(cost_usd)");
    let usage =
        Store::of(&server).read("default", &format!("SELECT session_id, '', {sums} FROM pub.usage GROUP BY 1")).await;
    let mut counted = Figures::new();
    for row in usage {
        for (kind, figure) in ["input", "output", "cacheRead", "cacheCreation", "cost"].iter().zip(&row[2..]) {
            let figure: f64 = figure.parse().expect("a number");
            add(&mut counted, &row[0], (*kind).to_owned(), &json!(figure));
        }
    }
    same("usage", counted, &expected.usage);
    let results = "SELECT session_id, tool_name || ' ' || outcome, count() FROM activitylog.events FINAL \
        WHERE event_type = 'claude_code.tool_result' GROUP BY 1, 2";
    same("tool results", figures(&server, results), &expected.tool_results);
    let decisions = "SELECT session_id, tool_name || ' ' || outcome || ' ' || attributes['source'], count() \
        FROM activitylog.events FINAL WHERE event_type = 'claude_code.tool_decision' GROUP BY 1, 2";
    same("tool decisions", figures(&server, decisions), &expected.tool_decisions);
    let errors = "SELECT session_id, toString(status_code), count() FROM activitylog.events FINAL \
        WHERE event_type = 'claude_code.api_error' AND event_class = 'error' GROUP BY 1, 2";
    same("API errors", figures(&server, errors), &expected.api_errors);
    let failed = "SELECT session_id, event_type, count() FROM activitylog.events FINAL \
        WHERE kind = 'span' AND outcome = 'failure' AND event_class = 'error' GROUP BY 1, 2";
    same("failed spans", figures(&server, failed), &expected.error_spans);
    let points = "SELECT session_id, name, count() FROM activitylog.metrics FINAL GROUP BY 1, 2";
    same("data points", figures(&server, points), &expected.points);
    // The last value of a cumulative series is its total; deltas are summed.
    let totals = "SELECT session_id, name, sum(total) FROM (
        SELECT session_id, name, if(any(temporality) = 'delta', sum(value), argMax(value, timestamp)) AS total
        FROM activitylog.metrics FINAL GROUP BY session_id, name, model, tool_name, series_type, attributes) GROUP BY 1, 2";
    same("metric totals", figures(&server, totals), &expected.metric_totals);

    same("events by the API", read_by_the_api(&server).await, &expected.events);
    let counters = assert_items_add_up(&server).await;
    assert_eq!(total(&counters, "activitylog_items_duplicate_total"), 0);
    assert_eq!(total(&counters, "activitylog_items_rejected_total"), 0);
    assert_eq!(total(&counters, "activitylog_requests_refused_total"), 0);
    let files = manifest["files"].as_array().expect("files").len();
    assert_eq!(total(&counters, "activitylog_requests_total"), files as u64);
    assert!(total(&counters, "activitylog_strings_repaired_total") > 0, "halves of surrogate pairs");
    assert_eq!(server.number("SELECT count() FROM activitylog.events WHERE mapContains(attributes, 'prompt')"), 0);
    assert_well(&server).await;
}

/// As it was sent: protocol, path, headers, compression and framing.
pub async fn send(server: &Server, file: &Value) {
    let name = file["file"].as_str().expect("name");
    let said = |key: &str| file[key].as_str().unwrap_or("").to_owned();
    let is_sent_compressed = said("content_encoding") == "gzip";
    let on_disk = if is_sent_compressed { format!("{name}.gz") } else { name.to_owned() };
    let body = std::fs::read(fixtures().join(on_disk)).expect(name);
    let (path, agent, content_type) = (said("path"), said("user_agent"), said("content_type"));
    if said("protocol") == "grpc" {
        let headers = [
            ("user-agent", agent.as_str()),
            ("accept-encoding", "identity"),
            ("grpc-accept-encoding", "identity,deflate,gzip"),
            ("grpc-timeout", "9998m"),
        ];
        let end = grpc_call(server, &path, &headers, framed(0, &body)).await;
        assert_eq!((end.code.as_str(), end.http_status), ("0", 200), "{name}: {end:?}");
        assert_eq!(end.body, framed(0, b""), "{name}");
        return;
    }
    let mut headers = vec![("content-type", content_type.as_str()), ("user-agent", agent.as_str())];
    headers.extend(is_sent_compressed.then_some(("content-encoding", "gzip")));
    let url = server.otlp(&path);
    let answer = match said("transfer_encoding").as_str() {
        "chunked" => post_chunked(&url, &headers, &body).await,
        _ => post(&url, &headers, body).await,
    };
    assert_eq!(answer.status, 200, "{name}: {}", answer.text());
    assert_eq!(answer.headers["content-type"], content_type.as_str(), "{name}");
    assert_eq!(answer.text(), if content_type == "application/json" { "{}" } else { "" }, "{name}");
}

// === what is expected ===

#[derive(Default)]
struct Expected {
    events: Figures,
    requests: Figures,
    tokens: Figures,
    copies: Figures,
    usage: Figures,
    cost: Figures,
    tool_results: Figures,
    tool_decisions: Figures,
    api_errors: Figures,
    error_spans: Figures,
    points: Figures,
    metric_totals: Figures,
}

impl Expected {
    fn read(manifest: &Value) -> Expected {
        let expected = read_json("expected.json");
        let mut all = Expected::default();
        for run in manifest["runs"].as_array().expect("runs") {
            let id = run["id"].as_str().expect("id");
            all.run(id, &expected["runs"][id]);
        }
        all
    }

    fn run(&mut self, id: &str, run: &Value) {
        assert_eq!(run["session_ids"].as_array().map(Vec::len), Some(1), "{id}");
        let of_spans = run["session_ids"][0].as_str().expect("a session");
        // One run switched off that its events and metrics say which session they are of.
        let session = if id.contains("include_none") { "" } else { of_spans };
        let entries = |key: &str| run[key].as_object().cloned().unwrap_or_default();
        let put = |figures: &mut Figures, key: String, value: &Value| add(figures, session, key, value);
        for (name, count) in entries("events") {
            put(&mut self.events, format!("log claude_code.{name}"), &count);
        }
        for (name, count) in entries("spans") {
            add(&mut self.events, of_spans, format!("span {name}"), &count);
        }
        for (name, count) in entries("error_spans") {
            add(&mut self.error_spans, of_spans, name, &count);
        }
        for (tool, outcomes) in entries("tool_results") {
            for (outcome, count) in outcomes.as_object().expect("outcomes") {
                put(&mut self.tool_results, format!("{tool} {outcome}"), count);
            }
        }
        for (tool, decisions) in entries("tool_decisions") {
            for (decision, sources) in decisions.as_object().expect("decisions") {
                let outcome = if decision == "accept" { "success" } else { "rejected" };
                for (source, count) in sources.as_object().expect("sources") {
                    put(&mut self.tool_decisions, format!("{tool} {outcome} {source}"), count);
                }
            }
        }
        for (status, count) in entries("api_error_events_by_status") {
            put(&mut self.api_errors, status, &count);
        }
        // A session of which only metrics came is counted by them.
        if run["log_records"] != 0 || run["span_count"] == 0 {
            for (kind, count) in entries("tokens_total") {
                put(&mut self.usage, kind, &count);
            }
            put(&mut self.usage, "cost".to_owned(), &run["cost_usd_total"]);
        }
        if run["log_records"] != 0 {
            for (model, count) in entries("api_requests_by_model") {
                put(&mut self.requests, model, &count);
            }
            put_tokens(&mut self.tokens, session, entries("tokens_by_model"));
            put(&mut self.cost, String::new(), &run["cost_usd_total"]);
        }
        if run["span_count"] != 0 {
            put_tokens(&mut self.copies, of_spans, entries("tokens_by_model"));
        }
        for (name, count) in entries("metric_datapoints") {
            add(&mut self.points, session, name, &count);
        }
        for (name, value) in entries("metric_totals") {
            add(&mut self.metric_totals, session, name, &value);
        }
    }
}

fn put_tokens(figures: &mut Figures, session: &str, by_model: Map<String, Value>) {
    for (model, kinds) in by_model {
        for (kind, count) in kinds.as_object().expect("kinds") {
            add(figures, session, format!("{model} {kind}"), count);
        }
    }
}

/// Runs of one session (resumed ones) add up. What is not there is nothing: zeros are left out on both sides.
fn add(figures: &mut Figures, session: &str, key: String, value: &Value) {
    let value = value.as_f64().expect("a number");
    if value != 0.0 {
        *figures.entry((session.to_owned(), key)).or_default() += value;
    }
}

// === what is there ===

const TOKENS: &str = "sum(input_tokens), sum(output_tokens), sum(cache_read_tokens), sum(cache_creation_tokens)";

/// Rows of session, key and number.
fn figures(server: &Server, query: &str) -> Figures {
    let rows = server.sql(query).into_iter();
    let figures = rows.map(|row| ((row[0].clone(), row[1].clone()), row[2].parse().expect("a number")));
    figures.filter(|(_, count): &(_, f64)| *count != 0.0).collect()
}

/// Rows of session, prefix of the key, and the four sums.
fn tokens(server: &Server, query: &str) -> Figures {
    let mut figures = Figures::new();
    for row in server.sql(&format!("SELECT {query}")) {
        for (kind, count) in ["input", "output", "cacheRead", "cacheCreation"].iter().zip(&row[2..]) {
            let count: u64 = count.parse().expect("a number");
            add(&mut figures, &row[0], format!("{}{kind}", row[1]), &json!(count));
        }
    }
    figures
}

/// All pages of the feed.
async fn read_by_the_api(server: &Server) -> Figures {
    let mut figures = Figures::new();
    let mut cursor = String::new();
    let from = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * 500);
    loop {
        let page = server.json(&format!("/api/v1/messages?from={from}&limit=200{cursor}")).await;
        for item in page["items"].as_array().expect("items") {
            let said = |key: &str| item[key].as_str().unwrap_or("").to_owned();
            add(&mut figures, &said("session_id"), format!("{} {}", said("kind"), said("event_type")), &json!(1));
        }
        match page["next_before_cursor"].as_str() {
            Some(next) => cursor = format!("&before_cursor={next}"),
            None => return figures,
        }
    }
}

fn same(what: &str, found: Figures, expected: &Figures) {
    for key in found.keys().chain(expected.keys()) {
        let (found, expected) = (found.get(key).copied(), expected.get(key).copied());
        let differ = (found.unwrap_or(0.0) - expected.unwrap_or(0.0)).abs();
        assert!(
            differ < 1e-9 && found.is_some() == expected.is_some(),
            "{what}, {key:?}: {found:?}, expected {expected:?}"
        );
    }
}
