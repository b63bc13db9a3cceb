//! The content policy: on recordings of real tools that were told to send content, and through the front door.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use activitylog::ingest::otlp::{self, Encoding, Limits, Signal, Visit};
use activitylog::model::event::{AttributeValue, Event};
use activitylog::model::metric::Metric;
use activitylog::model::otlp::{DataPoint, InstrumentationScope, LogRecord, MetricMeta, Resource, Span};
use activitylog::normalise::rules::Rules;
use activitylog::normalise::{Context, Normaliser};
use serde_json::{Value, json};

use crate::fidelity::{fixtures, read_json, text};
use crate::support::{Server, logs, record};

/// One row: its columns but for those that may hold content, and the others by name.
struct Row {
    columns: String,
    message: String,
    attributes: Pairs,
    resource: Pairs,
}

type Pairs = BTreeMap<String, String>;

struct Rows<'c> {
    normaliser: Normaliser<'c>,
    rows: Vec<Row>,
}

impl Visit for Rows<'_> {
    fn resource(&mut self, resource: &Resource<'_>) {
        self.normaliser.resource(resource);
    }
    fn scope(&mut self, scope: &InstrumentationScope<'_>) {
        self.normaliser.scope(scope);
    }
    fn log(&mut self, record: &LogRecord<'_>) {
        self.rows.push(of_event(&self.normaliser.log(record)));
    }
    fn span(&mut self, span: &Span<'_>) {
        self.rows.push(of_event(&self.normaliser.span(span)));
    }
    fn point(&mut self, meta: &MetricMeta<'_>, point: &DataPoint<'_>) {
        let metric = self.normaliser.point(meta, point);
        let columns = format!("{:?}", Metric { attributes: vec![], resource: &[], ..metric.clone() });
        let (attributes, resource) = (pairs(&metric.attributes), metric.resource.iter().cloned().collect());
        self.rows.push(Row { columns, message: String::new(), attributes, resource });
    }
}

fn of_event(event: &Event<'_>) -> Row {
    let rest = Event { attributes: vec![], resource: &[], message: "".into(), ..event.clone() };
    Row {
        columns: format!("{rest:?}"),
        message: event.message.to_string(),
        attributes: pairs(&event.attributes),
        resource: event.resource.iter().cloned().collect(),
    }
}

fn pairs(attributes: &[(&str, AttributeValue<'_>)]) -> Pairs {
    attributes.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect()
}

/// All rows of a request.
fn rows(file: &Path, capture: bool) -> Vec<Row> {
    let rules = if capture { Rules::capturing() } else { Rules::default() };
    let context = Context { tenant_id: "acme", project: "", now_ns: 1_795_221_532_690_000_000, rules: &rules };
    let mut rows = Rows { normaliser: Normaliser::new(context), rows: Vec::new() };
    let name = file.to_string_lossy();
    let signal = match () {
        () if name.contains("-logs.") => Signal::Logs,
        () if name.contains("-traces.") => Signal::Traces,
        () => Signal::Metrics,
    };
    let encoding = if name.ends_with(".pb") { Encoding::Protobuf } else { Encoding::Json };
    let body = std::fs::read(file).expect(&name);
    otlp::decode(signal, encoding, &body, &Limits::default(), &mut rows).expect(&name);
    rows.rows
}

/// Everything that a row says, as a reader would search it.
fn all(row: &Row) -> String {
    format!("{} {} {:?} {:?}", row.columns, row.message, row.attributes, row.resource)
}

/// Rows by recording with capture off and on: which known texts are there, and that nothing else differs. Gives the names of what
/// was dropped.
fn compare(files: &[PathBuf], known: &[String]) -> BTreeSet<String> {
    let (mut dropped, mut found) = (BTreeSet::new(), BTreeSet::new());
    for file in files {
        let (off, on) = (rows(file, false), rows(file, true));
        assert_eq!(off.len(), on.len());
        for (off, on) in off.iter().zip(&on) {
            let (said, captured) = (all(off), all(on));
            for text in known {
                assert!(!said.contains(text.as_str()), "{}: {text:?} in {said}", file.display());
                if captured.contains(text.as_str()) {
                    found.insert(text.clone());
                }
            }
            assert_eq!(off.columns, on.columns, "{}", file.display());
            if off.message != on.message {
                dropped.insert("log.body".to_owned());
            }
            dropped.extend(missing(&off.attributes, &on.attributes));
            dropped.extend(missing(&off.resource, &on.resource));
        }
    }
    println!("{} of {} known texts are in the captured rows", found.len(), known.len());
    assert!(found.len() * 2 > known.len(), "known texts that no recording has: {known:?} {found:?}");
    dropped
}

/// What one map has less than the other. Span events are one attribute: its parts are looked at.
fn missing(off: &Pairs, on: &Pairs) -> Vec<String> {
    let mut names = Vec::new();
    for name in off.keys() {
        assert!(on.contains_key(name), "{name} is only there with capture off");
    }
    for (name, value) in on {
        match off.get(name) {
            None => names.push(numberless(name)),
            Some(same) if same == value => {}
            Some(less) if matches!(name.as_str(), "events" | "links") => {
                let parse = |text: &str| serde_json::from_str::<Vec<Value>>(text).expect("an array");
                for (less, more) in parse(less).iter().zip(&parse(value)) {
                    names.extend(fewer_attributes(less, more));
                }
            }
            Some(other) => panic!("{name} is {other} with capture off and {value} with it"),
        }
    }
    names
}

fn fewer_attributes(less: &Value, more: &Value) -> Vec<String> {
    let event = more["name"].as_str().unwrap_or("");
    assert_eq!((&less["name"], &less["time_unix_nano"]), (&more["name"], &more["time_unix_nano"]));
    let of = |value: &Value| value["attributes"].as_object().cloned().unwrap_or_default();
    let (less, more) = (of(less), of(more));
    assert!(less.iter().all(|(name, value)| more.get(name) == Some(value)), "{event}");
    more.keys().filter(|name| !less.contains_key(*name)).map(|name| numberless(name)).collect()
}

/// `gen_ai.prompt.12.content` as `gen_ai.prompt.N.content`.
fn numberless(name: &str) -> String {
    let parts = name.split('.').map(|part| if part.parse::<u32>().is_ok() { "N" } else { part });
    parts.collect::<Vec<_>>().join(".")
}

#[test]
fn claude_codes_content_is_dropped_and_nothing_else() {
    let manifest = read_json("manifest.json");
    let runs = manifest["runs"].as_array().expect("runs");
    let gate_is_open = |run: &&Value| run["options"].as_array().is_some_and(|o| o.iter().any(|o| o == "--log-prompts"));
    let prompts = runs.iter().filter(gate_is_open).filter_map(|run| run["prompt"].as_str());
    let mut known: BTreeSet<String> = prompts.filter_map(|prompt| Some(prompt.lines().next()?.to_owned())).collect();
    for text in [
        "/home/dev/proj/",
        "ls /does-not-exist",
        "simulated invalid request",
        "Internal server error",
        "git push",
        "jane.doe@example.com +1-202-555-",
        "notes.txt now has four lines.",
        "test-token-0000",
    ] {
        known.insert(text.to_owned());
    }
    let files = runs.iter().flat_map(|run| run["files"].as_array().expect("files"));
    let files: Vec<PathBuf> = files.map(|file| fixtures().join(file.as_str().expect("a name"))).collect();
    let dropped = compare(&files, &known.into_iter().collect::<Vec<_>>());
    insta::assert_snapshot!(dropped.into_iter().collect::<Vec<_>>().join(" "));
}

#[test]
fn gen_ai_content_is_dropped_and_nothing_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/genai");
    let is_request = |name: &str| {
        let signal = ["-logs.", "-traces.", "-metrics."].iter().any(|signal| name.contains(signal));
        let body = name.ends_with(".pb")
            || (name.ends_with(".json") && !name.contains(".decoded.") && !name.contains(".meta."));
        signal && body
    };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
    files.retain(|file| file.file_name().is_some_and(|name| is_request(&name.to_string_lossy())));
    files.sort();
    // What the recorded programs asked, were answered, and gave their tools.
    let known = ["[[id=", "Hello from mock", "You are terse", "Be brief", "Paris", "rainy", "session_context"];
    let dropped = compare(&files, &known.map(str::to_owned));
    insta::assert_snapshot!(dropped.into_iter().collect::<Vec<_>>().join(" "));
}

// === through the front door ===

/// The value of a counter with a label.
fn counted(metrics: &str, name: &str, rule: &str) -> u64 {
    let start = format!("{name}{{rule=\"{rule}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(start.as_str()));
    line.map_or(0, |value| value.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_drop_hash_and_keep_and_are_counted() {
    let rules = r#"[{names = ["user.email", "acme.*"], action = "hash", name = "peo\"ple"},
        {names = ["secret.*", "log.body"], action = "drop"}, {names = ["gen_ai.system_instructions"], action = "keep"}]"#;
    let server = Server::start_with(&[("ACTIVITYLOG_CONTENT_RULE", &rules.replace('\n', " "))]).await;
    let sent = [
        ("user.email", "ada@example.com"),
        ("acme.desk", "7"),
        ("secret.key", "sesame"),
        ("gen_ai.system_instructions", "be kind"),
        ("gen_ai.input.messages", "hello"),
        ("plain", "stays"),
    ];
    let body =
        logs("app", &[record("a line of text", 1, &sent), record("another", 1, &[("user.email", "ada@example.com")])]);
    let resource = json!({"attributes": [{"key": "acme.site", "value": {"stringValue": "north"}},
        {"key": "secret.site", "value": {"stringValue": "hidden"}}]});
    let mut body = body;
    body["resourceLogs"][0]["resource"] = resource;
    server.send_json("logs", &body).await;
    server.wait_for_count("SELECT count() FROM activitylog.events", 2).await;

    let stored = server.sql(
        "SELECT message, user_email, attributes['acme.desk'], attributes['gen_ai.system_instructions'], attributes['plain'], \
         resource['acme.site'], arraySort(mapKeys(attributes)) FROM activitylog.events WHERE attributes['plain'] != ''",
    );
    let row = &stored[0];
    assert_eq!((row[0].as_str(), row[3].as_str(), row[4].as_str()), ("log", "be kind", "stays"));
    for hash in [&row[1], &row[2], &row[5]] {
        let digits = hash.strip_prefix("hmac:").unwrap_or_else(|| panic!("{hash}"));
        assert!(digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{hash}");
    }
    assert!(!row[6].contains("secret") && !row[6].contains("messages"), "{}", row[6]);
    assert_eq!(server.number("SELECT uniqExact(user_email) FROM activitylog.events"), 1, "equal values group together");
    let everywhere = "SELECT count() FROM activitylog.events WHERE toString(tuple(*)) LIKE";
    for gone in ["ada@example.com", "sesame", "hidden", "north", "a line of text"] {
        assert_eq!(server.number(&format!("{everywhere} '%{gone}%'")), 0, "{gone}");
    }

    let metrics = server.get("/metrics").await.text();
    assert_eq!(counted(&metrics, "activitylog_content_hashed_total", "peo\\\"ple"), 4, "{metrics}");
    assert_eq!(counted(&metrics, "activitylog_content_dropped_total", "secret.*"), 4);
    assert_eq!(counted(&metrics, "activitylog_content_dropped_total", "gen_ai.messages"), 1);

    let key = std::fs::metadata(server.dir.join("content.key")).expect("made at the start");
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&key) & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_grouped_by_team_branch_agent_skill_and_effort() {
    let server = Server::start_with(&[("ACTIVITYLOG_RETENTION_DAYS", "3650")]).await;
    for file in ["084-subagent_httppb-logs.pb", "085-subagent_httppb-logs.pb", "128-skill_grpc-logs.pb"] {
        let body = std::fs::read(fixtures().join(file)).expect(file);
        let answer = server.post("logs", "application/x-protobuf", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let call = json!({"event.name": "api_request", "model": "claude-opus-5-5", "input_tokens": 10, "request_id": "req_b",
        "query_source": "agent:builtin:Explore", "anthropic.provider": "bedrock", "vcs.ref.head.name": "main", "team": "core"});
    let pairs: Vec<(&str, String)> = call
        .as_object()
        .expect("a map")
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().map_or(value.to_string(), str::to_owned)))
        .collect();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let records = [record("claude_code.api_request", 1, &pairs)];
    server.send_json("logs", &logs("com.anthropic.claude_code.events", &records)).await;
    server.wait_for_count("SELECT count() FROM activitylog.usage FINAL", 7).await;
    let grouped = server.sql(
        "SELECT team, branch, agent, skill, effort, provider, count() FROM activitylog.usage FINAL GROUP BY ALL ORDER BY ALL",
    );
    let grouped: Vec<String> = grouped.iter().map(|row| row.join("|")).collect();
    let expected = [
        "core|main|Explore|||aws.bedrock|1",
        "ml||||medium|anthropic|1",
        "ml|||deploy-checklist|medium|anthropic|1",
        "platform||||medium|anthropic|2",
        "platform||general-purpose||medium|anthropic|2",
    ];
    assert_eq!(grouped, expected);
}
