//! Every recording of a real client through the front door, one after the other; what ClickHouse then holds of each against what
//! is known of it. Writes `docs/FIDELITY.md`, and fails if the file says something else (`UPDATE_FIDELITY=1` rewrites it).

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::fidelity::read_json;
use crate::senders::{framed, grpc_call, post, post_chunked};
use crate::store::Store;
use crate::support::{Server, eventually};
use crate::webhooks::fixtures::said_and_stored;

/// What is known of a recording, and what was found of it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Figures {
    spans: u64,
    logs: u64,
    points: u64,
    calls: u64,
    failed: u64,
    tools_done: u64,
    tools_failed: u64,
    input: u64,
    cache_read: u64,
    cache_creation: u64,
    output: u64,
    reasoning: u64,
    cost_nanos: u64,
}

struct Recording {
    family: &'static str,
    name: String,
    session_ids: Vec<String>,
    requests: Vec<Sent>,
    expected: Figures,
}

/// One request as its client sent it.
struct Sent {
    file: PathBuf,
    path: String,
    is_grpc: bool,
    is_chunked: bool,
    is_gzipped: bool,
    headers: Vec<(String, String)>,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_is_equal() {
    // The recordings get older than the default retention.
    let server = Server::start_with(&[("ACTIVITYLOG_RETENTION_DAYS", "3650")]).await;
    let mut recordings = claude_code();
    recordings.extend(gen_ai());
    let mut sent = Vec::new();
    let (mut events, mut points) = (0, 0);
    for recording in &recordings {
        let from = a_new_millisecond();
        for request in &recording.requests {
            send(&server, request).await;
        }
        sent.push((from, jiff::Timestamp::now().as_millisecond()));
        events += recording.expected.spans + recording.expected.logs;
        points += recording.expected.points;
    }
    let store = Store::of(&server);
    for (table, count) in [("events", events), ("metrics", points)] {
        eventually(&format!("{count} rows in {table}"), async || {
            let found = number(&store.read("default", &format!("SELECT count() FROM pub.{table}")).await[0][0]);
            assert!(found <= count, "{table}: {found}, expected {count}");
            (found == count).then_some(())
        })
        .await;
    }
    let mut table = String::from(HEAD);
    let mut family = "";
    let mut differ = Vec::new();
    for (recording, (from, to)) in recordings.iter().zip(sent) {
        let stored = stored(&store, recording, from, to).await;
        if stored != recording.expected {
            differ.push(format!("{}: {stored:?}\n  expected {:?}", recording.name, recording.expected));
        }
        if family != recording.family {
            family = recording.family;
            let _ = write!(table, "\n## {family}\n\n{COLUMNS}");
        }
        recording.write(&stored, &mut table);
    }
    table.push_str("\n## Webhooks\n\n| delivery | expected | stored |\n|---|---|---|\n");
    for [file, said, stored] in said_and_stored().await {
        let _ = writeln!(table, "| {file} | {said} | {stored} |");
        if said != stored {
            differ.push(format!("{file}: {stored}\n  expected {said}"));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    compare_with_the_page(&table);
}

const HEAD: &str = "# Fidelity\n\nWhat came of every recording of a real client in `tests/fixtures`, sent as the client sent it (protocol, headers, \
    compression) through the front\ndoor of a server with the real engine. Each cell is *expected / stored*; a test writes this page and fails where two \
    differ.\n\nTokens are disjoint: input excludes what was read from and written to a cache. Calls, tokens and cost are of `pub.usage`, where a \
    call that\narrived as a log, as one or more spans and in metrics counts once; cost in USD.\n";

const COLUMNS: &str = "| recording | spans | logs | data points | calls | failed calls | tools done / failed | input | cache read | cache write | output | \
    reasoning | cost |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n";

// === what is known ===

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder)
}

fn sum(map: &Value) -> u64 {
    map.as_object().map_or(0, |map| map.values().filter_map(Value::as_u64).sum())
}

fn nanos(usd: &Value) -> u64 {
    (usd.as_f64().expect("a cost") * 1e9).round() as u64
}

fn number(cell: &str) -> u64 {
    cell.parse().unwrap_or_else(|_| panic!("{cell:?} is no number"))
}

fn claude_code() -> Vec<Recording> {
    let (manifest, expected) = (read_json("manifest.json"), read_json("expected.json"));
    let described = manifest["files"].as_array().expect("files");
    let runs = manifest["runs"].as_array().expect("runs").iter();
    runs.map(|run| {
        let id = run["id"].as_str().expect("an id");
        let known = &expected["runs"][id];
        let files = run["files"].as_array().expect("files").iter();
        let files = files.map(|file| described.iter().find(|f| f["file"] == *file).expect("described"));
        Recording {
            family: "Claude Code",
            name: id.to_owned(),
            session_ids: known["session_ids"]
                .as_array()
                .expect("ids")
                .iter()
                .map(|id| id.as_str().expect("text").to_owned())
                .collect(),
            requests: files.map(sent_by_claude_code).collect(),
            expected: of_claude_code(known),
        }
    })
    .collect()
}

fn of_claude_code(known: &Value) -> Figures {
    let tools = || known["tool_results"].as_object().into_iter().flat_map(|tools| tools.values());
    let has_logs = known["log_records"] != 0;
    let tokens = |kind: &str| known["tokens_total"][kind].as_u64().unwrap_or(0);
    Figures {
        spans: known["span_count"].as_u64().expect("a count"),
        logs: known["log_records"].as_u64().expect("a count"),
        points: sum(&known["metric_datapoints"]),
        // Metrics don't say how many calls there were.
        calls: if has_logs { sum(&known["api_requests_by_model"]) } else { 0 },
        failed: if has_logs { sum(&known["api_error_events_by_status"]) } else { 0 },
        tools_done: if has_logs { tools().filter_map(|t| t["success"].as_u64()).sum() } else { 0 },
        tools_failed: if has_logs { tools().filter_map(|t| t["failure"].as_u64()).sum() } else { 0 },
        input: tokens("input"),
        cache_read: tokens("cacheRead"),
        cache_creation: tokens("cacheCreation"),
        output: tokens("output"),
        reasoning: 0,
        cost_nanos: nanos(&known["cost_usd_total"]),
    }
}

fn sent_by_claude_code(file: &Value) -> Sent {
    let said = |key: &str| file[key].as_str().unwrap_or("").to_owned();
    let headers = [("user-agent", said("user_agent")), ("content-type", said("content_type"))];
    Sent {
        file: fixtures("claude-code").join(said("file")),
        path: said("path"),
        is_grpc: said("protocol") == "grpc",
        is_chunked: said("transfer_encoding") == "chunked",
        is_gzipped: said("content_encoding") == "gzip",
        headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
    }
}

fn gen_ai() -> Vec<Recording> {
    let folder = fixtures("genai");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .expect("fixtures")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("expected-"))
        .collect();
    names.sort();
    let read =
        |name: &str| -> Value { serde_json::from_slice(&std::fs::read(folder.join(name)).expect(name)).expect(name) };
    let recordings = names.iter().map(|name| {
        let known = read(name);
        let summary = &known["summary"];
        let files = summary["files"].as_array().expect("files").iter().map(|file| file.as_str().expect("a name"));
        Recording {
            family: "gen_ai and other OpenTelemetry",
            name: summary["label"].as_str().expect("a label").to_owned(),
            session_ids: Vec::new(),
            requests: files.map(|file| sent_by_an_sdk(&folder, file, &read)).collect(),
            expected: Figures { tools_done: tools_of(&known), ..of_gen_ai(summary) },
        }
    });
    recordings.collect()
}

/// None of the recorded ones failed.
fn tools_of(known: &Value) -> u64 {
    let files = known["files"].as_object().expect("files").values();
    let records = files.flat_map(|file| file["records"].as_array().expect("records"));
    records.filter(|record| record["role"] == "tool").inspect(|record| assert!(record["error_type"].is_null())).count()
        as u64
}

fn of_gen_ai(summary: &Value) -> Figures {
    let count = |key: &str| summary[key].as_u64().unwrap_or_else(|| panic!("{key} of {}", summary["label"]));
    let totals = &summary["deduplicated_totals"];
    let tokens = |key: &str| totals[key].as_u64().unwrap_or(0);
    let (cache_read, cache_creation) = (tokens("cache_read_tokens"), tokens("cache_creation_tokens"));
    Figures {
        spans: count("spans"),
        logs: count("log_records"),
        points: count("metric_points"),
        calls: count("unique_calls"),
        failed: count("failed_leaf_records"),
        // Their input is the total.
        input: tokens("input_tokens") - cache_read - cache_creation,
        cache_read,
        cache_creation,
        output: tokens("output_tokens"),
        reasoning: tokens("reasoning_tokens"),
        cost_nanos: nanos(&totals["cost_usd"]),
        ..Figures::default()
    }
}

fn sent_by_an_sdk(folder: &Path, file: &str, read: &impl Fn(&str) -> Value) -> Sent {
    let stem = file.rsplit_once('.').expect("an extension").0;
    let meta = read(&format!("{stem}.meta.json"));
    let signal = ["traces", "logs", "metrics"].into_iter().find(|signal| stem.ends_with(signal)).expect("a signal");
    let header = |name: &str| meta["headers"][name].as_str().unwrap_or("");
    // What the client library here says of its own.
    let own = ["host", "connection", "content-length", "transfer-encoding", "te", "content-encoding"];
    let headers =
        meta["headers"].as_object().expect("headers").iter().filter(|(name, _)| !own.contains(&name.as_str()));
    Sent {
        file: folder.join(file),
        path: meta["path"].as_str().map_or_else(|| grpc_path(signal).to_owned(), str::to_owned),
        is_grpc: meta["transport"] == "grpc",
        is_chunked: header("transfer-encoding") == "chunked",
        is_gzipped: header("content-encoding") == "gzip",
        headers: headers.map(|(name, value)| (name.clone(), value.as_str().expect("text").to_owned())).collect(),
    }
}

fn grpc_path(signal: &str) -> &'static str {
    match signal {
        "traces" => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        "logs" => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        _ => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    }
}

// === what is there ===

/// Each commit has a `received_at` of its own: between two recordings the clock must have moved on.
fn a_new_millisecond() -> i64 {
    let before = jiff::Timestamp::now().as_millisecond();
    loop {
        let now = jiff::Timestamp::now().as_millisecond();
        if now > before {
            return now;
        }
        std::hint::spin_loop();
    }
}

async fn send(server: &Server, sent: &Sent) {
    let name = sent.file.display().to_string();
    let headers: Vec<(&str, &str)> = sent.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let gzipped =
        sent.file.with_file_name(format!("{}.gz", sent.file.file_name().and_then(|n| n.to_str()).expect("a name")));
    let body = match (sent.is_gzipped, gzipped.exists()) {
        (true, true) => std::fs::read(&gzipped).expect("a recording"),
        (true, false) => gzip(&std::fs::read(&sent.file).expect("a recording")),
        (false, _) => std::fs::read(&sent.file).expect("a recording"),
    };
    if sent.is_grpc {
        let headers: Vec<_> = headers.into_iter().filter(|(name, _)| *name != "content-type").collect();
        let end = grpc_call(server, &sent.path, &headers, framed(0, &body)).await;
        assert_eq!((end.code.as_str(), &end.body[..]), ("0", &framed(0, b"")[..]), "{name}");
        return;
    }
    let mut headers = headers;
    headers.extend(sent.is_gzipped.then_some(("content-encoding", "gzip")));
    let url = server.otlp(&sent.path);
    let answer =
        if sent.is_chunked { post_chunked(&url, &headers, &body).await } else { post(&url, &headers, body).await };
    assert_eq!(answer.status, 200, "{name}: {}", answer.text());
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).expect("in memory");
    encoder.finish().expect("in memory")
}

async fn stored(store: &Store, recording: &Recording, from: i64, to: i64) -> Figures {
    let within = format!("received_at BETWEEN fromUnixTimestamp64Milli({from}) AND fromUnixTimestamp64Milli({to})");
    let failed = match recording.family {
        "Claude Code" => "event_type = 'claude_code.api_error'",
        _ => "usage_role = 'leaf'",
    };
    let tool = match recording.family {
        "Claude Code" => "event_type = 'claude_code.tool_result'",
        _ => "event_class IN ('tool', 'error') AND operation = 'execute_tool'",
    };
    let events = format!(
        "SELECT countIf(kind = 'span'), countIf(kind = 'log'), countIf({failed} AND outcome = 'failure'), \
         countIf({tool} AND outcome != 'failure'), countIf({tool} AND outcome = 'failure') FROM pub.events WHERE {within}"
    );
    let points = format!("SELECT count() FROM pub.metrics WHERE {within}");
    // What only metrics told is known by its session.
    let sessions: Vec<_> = recording.session_ids.iter().map(|id| format!("'{id}'")).collect();
    let usage = format!(
        "SELECT countIf(is_call), sum(input_tokens), sum(cache_read_tokens), sum(cache_creation_tokens), sum(output_tokens), \
         sum(reasoning_tokens), toInt64(sum(cost_usd) * 1000000000) FROM pub.usage \
         WHERE event_id IN (SELECT event_id FROM pub.events WHERE {within}) OR (price_version = '' AND NOT is_call AND trace_id = '' \
         AND event_id = toUUID('00000000-0000-0000-0000-000000000000') AND has([{}], session_id))",
        sessions.join(", ")
    );
    let mut cells = Vec::new();
    for sql in [events, points, usage] {
        cells.extend(store.read("default", &sql).await[0].iter().map(|cell| number(cell)));
    }
    let [
        spans,
        logs,
        failed,
        tools_done,
        tools_failed,
        points,
        calls,
        input,
        cache_read,
        cache_creation,
        output,
        reasoning,
        cost_nanos,
    ] = cells[..]
    else {
        panic!("thirteen figures: {cells:?}");
    };
    Figures {
        spans,
        logs,
        points,
        calls,
        failed,
        tools_done,
        tools_failed,
        input,
        cache_read,
        cache_creation,
        output,
        reasoning,
        cost_nanos,
    }
}

// === the page ===

impl Recording {
    fn write(&self, stored: &Figures, table: &mut String) {
        let known = &self.expected;
        let pair = |name: fn(&Figures) -> u64| format!("{} / {}", name(known), name(stored));
        let tools = |figures: &Figures| format!("{} {}", figures.tools_done, figures.tools_failed);
        let usd = |nanos: u64| format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
        let cells = [
            self.name.clone(),
            pair(|figures| figures.spans),
            pair(|figures| figures.logs),
            pair(|figures| figures.points),
            pair(|figures| figures.calls),
            pair(|figures| figures.failed),
            format!("{} / {}", tools(known), tools(stored)),
            pair(|figures| figures.input),
            pair(|figures| figures.cache_read),
            pair(|figures| figures.cache_creation),
            pair(|figures| figures.output),
            pair(|figures| figures.reasoning),
            format!("{} / {}", usd(known.cost_nanos), usd(stored.cost_nanos)),
        ];
        let _ = writeln!(table, "| {} |", cells.join(" | "));
    }
}

fn compare_with_the_page(table: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/FIDELITY.md");
    if std::env::var_os("UPDATE_FIDELITY").is_some() {
        std::fs::write(&page, table).expect("a writable page");
    }
    let written = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(written == table, "docs/FIDELITY.md is not what the recordings give: run this test with UPDATE_FIDELITY=1");
}
