//! What it costs to make blocks, and what ClickHouse pays to take them: `cargo bench --bench native -- --help`.
//!
//! Prints ns per row for filling a block, writing it, and for the same strings and numbers through the `clickhouse`
//! crate's own block builder; with `--insert URL --pid ENGINE_PID` also the engine's CPU per row.

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use activitylog::clickhouse::events::{EventBlock, Stamp};
use activitylog::clickhouse::table::Block;
use activitylog::model::event::{AttributeValue, CostOrigin, Event, Kind, NanoUsd, UsageRole};
use activitylog::model::otlp::Value;
use clap::Parser;

#[derive(Parser)]
struct Options {
    #[arg(long, default_value_t = 100_000)]
    rows: usize,
    #[arg(long, default_value_t = 2_000)]
    block: usize,
    #[arg(long, default_value_t = 1)]
    inserts: usize,
    /// write the last body to this file
    #[arg(long)]
    save: Option<std::path::PathBuf>,
    /// host:port of a ClickHouse HTTP interface
    #[arg(long)]
    insert: Option<String>,
    #[arg(long, default_value = "writer")]
    user: String,
    #[arg(long, default_value = "")]
    password: String,
    #[arg(long)]
    pid: Option<u32>,
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let options = Options::parse();
    let sequence = Value::Int(3);
    let cost = Value::Str("normal".into());
    let organisation = Value::Str("org-1".into());
    let terminal = Value::Str("vscode".into());
    let resource: Vec<(String, String)> = [
        ("service.name", "claude-code"),
        ("service.version", "2.1.0"),
        ("os.type", "linux"),
        ("host.arch", "amd64"),
        ("load.marker", "0123456789abcdef"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .to_vec();
    let stamp = Stamp { tenant_id: "default", retention_days: 30 };
    let mut block = EventBlock::default();
    let mut body = Vec::new();
    let (mut fill, mut write) = (0u128, 0u128);
    let mut seed =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |d| d.as_nanos() as u64) | 1;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let mut engine = 0.0;
    for _ in 0..options.inserts {
        body.clear();
        for _ in 0..options.rows.div_ceil(options.block) {
            let start = Instant::now();
            for _ in 0..options.block {
                let session = format!("{:016x}{:016x}", random(), random());
                let user = format!("user-{}", random() % 200);
                let email = format!("dev{}@example.com", random() % 200);
                let (input, output) = (random() % 9000, random() % 2000);
                let message = format!("claude-opus-4-5: {input} in, {output} out");
                let event = Event {
                    event_id: u128::from(random()) << 64 | u128::from(random()),
                    kind: Kind::Log,
                    timestamp_ns: jiff::Timestamp::now().as_nanosecond() as i64,
                    duration_ns: random() % 20_000_000_000,
                    service: "claude-code".into(),
                    user_id: user.as_str().into(),
                    user_email: email.as_str().into(),
                    session_id: session.as_str().into(),
                    source: "claude_code".into(),
                    event_class: "llm".into(),
                    event_type: "claude_code.api_request".into(),
                    outcome: "success".into(),
                    severity: "info".into(),
                    message: message.as_str().into(),
                    provider: "anthropic".into(),
                    model: ["claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"][(random() % 3) as usize].into(),
                    input_tokens: input,
                    output_tokens: output,
                    cache_read_tokens: random() % 90_000,
                    cache_creation_tokens: random() % 5_000,
                    cost_usd: NanoUsd((random() % 1_000_000_000) as i64),
                    cost_reported_usd: Some(NanoUsd((random() % 1_000_000_000) as i64)),
                    cost_origin: CostOrigin::Reported,
                    usage_role: UsageRole::Leaf,
                    usage_key: session.as_str().into(),
                    usage_priority: 100,
                    attributes: vec![
                        ("organization.id", AttributeValue::Otlp(&organisation)),
                        ("terminal.type", AttributeValue::Otlp(&terminal)),
                        ("event.sequence", AttributeValue::Otlp(&sequence)),
                        ("speed", AttributeValue::Otlp(&cost)),
                    ],
                    resource: &resource,
                    ..Event::default()
                };
                block.push(stamp, black_box(&event));
            }
            fill += start.elapsed().as_nanos();
            let start = Instant::now();
            block.write(jiff::Timestamp::now().as_millisecond(), &mut body);
            block.clear();
            write += start.elapsed().as_nanos();
        }
        if let Some(address) = &options.insert {
            engine += insert(address, &options, &body);
        }
    }
    if let Some(path) = &options.save {
        std::fs::write(path, &body).expect("a writable file");
    }
    let rows = (options.rows * options.inserts) as f64;
    println!("rows {rows}, {:.0} bytes a row", body.len() as f64 / options.rows as f64);
    println!("fill  {:.0} ns a row (making the event included)", fill as f64 / rows);
    println!("write {:.0} ns a row", write as f64 / rows);
    println!("clickhouse::native::BlockBuilder, 3 of the 49 columns: {:.0} ns a row", builder_of_the_crate());
    if options.insert.is_some() {
        println!("engine {:.2} us CPU a row", engine / rows * 1e6);
    }
}

/// One String, one LowCardinality(String) given as String (it has no dictionaries), one UInt64.
fn builder_of_the_crate() -> f64 {
    const ROWS: usize = 20_000;
    let start = Instant::now();
    let mut builder = clickhouse::native::builder::BlockBuilder::new();
    let mut column = builder.upsert_column::<&str>("session_id").expect("a new column");
    for _ in 0..ROWS {
        column.add(black_box("0123456789abcdef0123456789abcdef")).expect("a string");
    }
    let mut column = builder.upsert_column::<&str>("model").expect("a new column");
    for _ in 0..ROWS {
        column.add(black_box("claude-opus-4-5")).expect("a string");
    }
    let mut column = builder.upsert_column::<u64>("input_tokens").expect("a new column");
    for row in 0..ROWS {
        column.add(black_box(row as u64)).expect("a number");
    }
    black_box(builder.build().expect("a block"));
    start.elapsed().as_nanos() as f64 / ROWS as f64
}

/// Seconds of engine CPU that the insert took, merges that follow at once not included.
fn insert(address: &str, options: &Options, body: &[u8]) -> f64 {
    let before = options.pid.map_or(0.0, cpu_seconds);
    let mut socket = TcpStream::connect(address).expect("a ClickHouse at --insert");
    let query = "INSERT%20INTO%20activitylog.events%20FORMAT%20Native&optimize_on_insert=0";
    let head = format!(
        "POST /?query={query} HTTP/1.1\r\nHost: x\r\nX-ClickHouse-User: {}\r\nX-ClickHouse-Key: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        options.user,
        options.password,
        body.len()
    );
    socket.write_all(head.as_bytes()).expect("to send");
    socket.write_all(body).expect("to send");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    options.pid.map_or(0.0, cpu_seconds) - before
}

fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<f64> =
        stat.rsplit(')').next().unwrap_or("").split_whitespace().filter_map(|f| f.parse().ok()).collect();
    // utime and stime are fields 14 and 15; after the name and the state letter, 10 and 11 of the numbers.
    (fields.get(10).unwrap_or(&0.0) + fields.get(11).unwrap_or(&0.0)) / 100.0
}
