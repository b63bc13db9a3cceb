//! What the block encoder writes, read back by the real engine: every column type at its edges, and every column of both tables.

use std::borrow::Cow;

use activitylog::clickhouse::events::{EventBlock, Stamp};
use activitylog::clickhouse::metrics::MetricBlock;
use activitylog::clickhouse::native::{
    Array8, Column, Fixed, LowCardinality, Nullable8, StringMap, Text, Uuid, write_string, write_varint,
};
use activitylog::clickhouse::table::Block;
use activitylog::model::event::{AttributeValue, CostOrigin, Event, Kind, NanoUsd, UsageRole};
use activitylog::model::metric::Metric;
use activitylog::model::otlp::{self, MetricKind};
use serde_json::{Value, json};

use crate::store::{RETENTION_DAYS, Store, nanoseconds, percent};
use crate::support::Server;

const AS_TEXT: &str = "FORMAT JSONEachRow SETTINGS output_format_json_quote_64bit_integers = 1, \
    output_format_json_quote_denormals = 1, output_format_json_quote_decimals = 1, max_threads = 1";

/// One block with the rows' numbers in `n` and the column in `v`.
fn block<C: Column>(column_type: &str, column: &C) -> Vec<u8> {
    let (rows, mut out) = (column.rows(), Vec::new());
    write_varint(&mut out, 2);
    write_varint(&mut out, rows as u64);
    write_string(&mut out, b"n");
    write_string(&mut out, b"UInt32");
    out.extend((0..rows as u32).flat_map(u32::to_le_bytes));
    write_string(&mut out, b"v");
    write_string(&mut out, column_type.as_bytes());
    column.write(&mut out);
    out
}

async fn read(store: &Store, select: &str) -> Vec<Value> {
    let text = store.write(&format!("{select} {AS_TEXT}")).await;
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The column's values, once the engine has taken them.
async fn back<C: Column>(store: &Store, column_type: &str, column: &C) -> Vec<Value> {
    blocks_back(store, column_type, block(column_type, column)).await
}

async fn blocks_back(store: &Store, column_type: &str, body: Vec<u8>) -> Vec<Value> {
    store.write("DROP TABLE IF EXISTS activitylog.tried").await;
    store.write(&format!("CREATE TABLE activitylog.tried (n UInt32, v {column_type}) ENGINE = Memory")).await;
    store.insert_native("activitylog.tried", body).await;
    let rows = read(store, "SELECT v FROM activitylog.tried ORDER BY n").await;
    rows.into_iter().map(|row| row["v"].clone()).collect()
}

fn fixed<const WIDTH: usize>(values: impl IntoIterator<Item = [u8; WIDTH]>) -> Fixed<WIDTH> {
    let mut column = Fixed::default();
    values.into_iter().for_each(|value| column.push(value));
    column
}

fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> Text {
    let mut column = Text::default();
    values.into_iter().for_each(|value| column.push(value));
    column
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_type_comes_back_from_the_engine_at_its_edges() {
    let server = Server::start().await;
    let store = Store::of(&server);
    numbers(&store).await;
    strings(&store).await;
    dictionaries(&store).await;
    maps(&store).await;
    arrays(&store).await;
    many_blocks(&store).await;
    truncated_at_every_mark(&store).await;
}

async fn numbers(store: &Store) {
    let found = back(store, "UInt64", &fixed([0, 1, u64::MAX].map(u64::to_le_bytes))).await;
    assert_eq!(found, ["0", "1", "18446744073709551615"]);
    let found = back(store, "Int32", &fixed([i32::MIN, 0, i32::MAX].map(i32::to_le_bytes))).await;
    assert_eq!(found, [json!(i32::MIN), json!(0), json!(i32::MAX)]);
    let found = back(store, "UInt16", &fixed([0, u16::MAX].map(u16::to_le_bytes))).await;
    assert_eq!(found, [json!(0), json!(u16::MAX)]);
    let found = back(store, "Bool", &fixed([[0], [1]])).await;
    assert_eq!(found, [json!(false), json!(true)]);
    let kinds = "Enum8('log' = 1, 'span' = 2, 'webhook' = 3, 'message' = 4, 'audit' = 5)";
    let all = [Kind::Log, Kind::Span, Kind::Webhook, Kind::Message, Kind::Audit];
    let found = back(store, kinds, &fixed(all.map(|kind| [kind as u8]))).await;
    assert_eq!(found, ["log", "span", "webhook", "message", "audit"]);

    let floats = [0.0, -0.0, 1.5, f64::MIN_POSITIVE, f64::MAX, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let found = back(store, "Float64", &fixed(floats.map(f64::to_le_bytes))).await;
    let parsed: Vec<f64> = found
        .iter()
        .map(|value| {
            value.as_f64().unwrap_or_else(|| value.as_str().and_then(|text| text.parse().ok()).expect("a float"))
        })
        .collect();
    for (found, expected) in parsed.iter().zip(floats) {
        assert!(found == &expected || found.is_nan() && expected.is_nan(), "{found} {expected}");
    }

    let most = 999_999_999_999_999_999_i64;
    let found = back(store, "Decimal(18, 9)", &fixed([0, 1, -1, most, -most].map(i64::to_le_bytes))).await;
    assert_eq!(found, ["0", "0.000000001", "-0.000000001", "999999999.999999999", "-999999999.999999999"]);
    let mut nullable = Nullable8::default();
    for value in [None, Some(0_i64), Some(most), None] {
        nullable.push(value.map(i64::to_le_bytes));
    }
    let found = back(store, "Nullable(Decimal(18, 9))", &nullable).await;
    assert_eq!(found, [Value::Null, json!("0"), json!("999999999.999999999"), Value::Null]);

    let instants = ["1970-01-01 00:00:00.000000000", "2026-05-12 12:00:00.123456789", "2262-04-11 23:47:16.854775807"];
    let ns = [0, 1_778_587_200_123_456_789, i64::MAX];
    assert_eq!(back(store, "DateTime64(9, 'UTC')", &fixed(ns.map(i64::to_le_bytes))).await, instants);
    let found = back(store, "DateTime64(3, 'UTC')", &fixed([0_i64, 1_778_587_200_123].map(i64::to_le_bytes))).await;
    assert_eq!(found, ["1970-01-01 00:00:00.000", "2026-05-12 12:00:00.123"]);

    let ids = [0, 1, u128::MAX, 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff];
    let mut column = Uuid::default();
    ids.iter().for_each(|id| column.push(*id));
    let expected: Vec<String> = ids.iter().map(|id| uuid::Uuid::from_u128(*id).to_string()).collect();
    assert_eq!(back(store, "UUID", &column).await, expected);
}

async fn strings(store: &Store) {
    let (medium, long) = ("m".repeat(300), "ä".repeat(35_000));
    let values =
        ["", "a", "\0", "tab\tline\nquote'\"\\", "äöü 🦀", &"x".repeat(127), &"x".repeat(128), &medium, &long, ""];
    assert_eq!(back(store, "String", &texts(values)).await, values);

    let mut hex = Text::default();
    hex.push_hex(&[]);
    hex.push_hex(&[0x00, 0x0f, 0xf0, 0xff]);
    hex.push_hex(&[0xab; 100]);
    assert_eq!(back(store, "String", &hex).await, ["", "000ff0ff", &"ab".repeat(100)]);

    let otlp = [
        otlp::Value::Empty,
        otlp::Value::Str("text".into()),
        otlp::Value::Bool(true),
        otlp::Value::Int(i64::MIN),
        otlp::Value::Double(3.0),
        otlp::Value::Double(0.1),
        otlp::Value::Double(f64::NAN),
        otlp::Value::Rendered("[1]".to_owned()),
    ];
    let mut column = Text::default();
    otlp.iter().for_each(|value| column.push_attribute(&AttributeValue::Otlp(value)));
    let expected = ["", "text", "true", "-9223372036854775808", "3", "0.1", "NaN", "[1]"];
    assert_eq!(back(store, "String", &column).await, expected);
}

/// Each width of the indexes, just below and above its bound; the engine's own count is the witness.
async fn dictionaries(store: &Store) {
    for distinct in [1, 2, 255, 256, 257, 65_535, 65_536, 65_537] {
        let mut column = LowCardinality::default();
        let key = |index: usize| if index == 0 { String::new() } else { format!("key {index}") };
        let rows: Vec<String> = (0..distinct).chain([distinct - 1, 0]).map(key).collect();
        rows.iter().for_each(|row| column.push(row));
        assert_eq!(back(store, "LowCardinality(String)", &column).await, rows, "{distinct} keys");
    }
    let long = "l".repeat(70_000);
    let mut column = LowCardinality::default();
    ["a", &long, "", "a", &long].iter().for_each(|text| column.push(text));
    assert_eq!(back(store, "LowCardinality(String)", &column).await, ["a", &long, "", "a", &long]);
}

const MAP: &str = "Map(LowCardinality(String), String)";

async fn maps(store: &Store) {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let large: Vec<(String, String)> = (0..70_000).map(|n| (format!("k{n}"), format!("v{n}"))).collect();
    let rows = [
        vec![],
        vec![pair("", "")],
        vec![pair("a", "1"), pair("b", "2")],
        vec![pair("a", "1"), pair("b", "3"), pair("a", "again")],
        large,
        vec![],
        vec![pair("b", &"v".repeat(70_000))],
    ];
    let mut column = StringMap::default();
    rows.iter().for_each(|row| column.push_pairs(row));
    store.write("DROP TABLE IF EXISTS activitylog.maps").await;
    store.write(&format!("CREATE TABLE activitylog.maps (n UInt32, v {MAP}) ENGINE = Memory")).await;
    store.insert_native("activitylog.maps", block(MAP, &column)).await;
    // As pairs: an object would hide repeated keys.
    let found =
        read(store, "SELECT arrayZip(mapKeys(v), mapValues(v)) AS pairs FROM activitylog.maps ORDER BY n").await;
    for (found, expected) in found.iter().zip(&rows) {
        let pairs: Vec<Value> = expected.iter().map(|(key, value)| json!([key, value])).collect();
        assert_eq!(found["pairs"], json!(pairs));
    }
    assert_eq!(found.len(), rows.len());

    // A block whose maps are all empty has no dictionary at all.
    let mut empty = StringMap::default();
    empty.push_pairs(&[]);
    empty.push_pairs(&[]);
    assert_eq!(back(store, MAP, &empty).await, [json!({}), json!({})]);
}

async fn arrays(store: &Store) {
    let long: Vec<u64> = (0..100_000).collect();
    let rows = [vec![], vec![u64::MAX], long, vec![], vec![0, 0]];
    let mut column = Array8::default();
    rows.iter().for_each(|row| column.push(row.iter().map(|n| n.to_le_bytes())));
    let found = back(store, "Array(UInt64)", &column).await;
    for (found, expected) in found.iter().zip(&rows) {
        let expected: Vec<Value> = expected.iter().map(|n| json!(n.to_string())).collect();
        assert_eq!(found, &json!(expected));
    }
    let mut floats = Array8::default();
    floats.push([f64::NAN, f64::INFINITY, -1.5].map(f64::to_le_bytes).into_iter());
    assert_eq!(back(store, "Array(Float64)", &floats).await, [json!(["nan", "inf", -1.5])]);
}

/// A segment is many blocks one after another, each with its own dictionary; empty ones do no harm.
async fn many_blocks(store: &Store) {
    let (mut body, mut expected) = (Vec::new(), Vec::new());
    for size in [1, 0, 300, 2, 0] {
        let mut column = LowCardinality::default();
        let rows: Vec<String> = (0..size).map(|n| format!("{size} {n}")).collect();
        rows.iter().for_each(|row| column.push(row));
        body.extend(block("LowCardinality(String)", &column));
        expected.extend(rows);
    }
    let mut found = blocks_back(store, "LowCardinality(String)", body).await;
    found.sort_by_key(Value::to_string);
    expected.sort_by_key(|text| json!(text).to_string());
    assert_eq!(found, expected);

    let mut body = block(MAP, &StringMap::default());
    let mut one = StringMap::default();
    one.push_pairs(&[("k".to_owned(), "v".to_owned())]);
    body.extend(block(MAP, &one));
    assert_eq!(blocks_back(store, MAP, body).await, [json!({"k": "v"})]);
}

fn some_rows(block: &mut EventBlock, numbers: std::ops::Range<u64>) {
    for n in numbers {
        let (id, resource) = (n.to_string(), [("host".to_owned(), format!("host {}", n % 3))]);
        let value = otlp::Value::Int(n as i64);
        let event = Event {
            event_id: u128::from(n),
            timestamp_ns: nanoseconds("2026-05-12T12:00:00Z") + n as i64,
            message: Cow::Borrowed(&id),
            model: Cow::Owned(format!("model {}", n % 7)),
            cost_reported_usd: (n % 2 == 0).then_some(NanoUsd(n as i64)),
            attributes: (0..n % 4).map(|_| ("key", AttributeValue::Otlp(&value))).collect(),
            resource: &resource,
            ..Event::default()
        };
        block.push(Stamp { tenant_id: "t", retention_days: RETENTION_DAYS }, &event);
    }
}

/// What was forgotten leaves no trace in what follows.
async fn truncated_at_every_mark(store: &Store) {
    let columns = "* EXCEPT received_at";
    let (mut cut, mut clean) = (Vec::new(), Vec::new());
    for mark in 0..=12 {
        let mut block = EventBlock::default();
        some_rows(&mut block, 0..12);
        block.truncate(mark);
        assert_eq!(block.rows(), mark);
        some_rows(&mut block, 100..103);
        block.write(mark as i64, &mut cut);

        let mut block = EventBlock::default();
        some_rows(&mut block, 0..mark as u64);
        some_rows(&mut block, 100..103);
        block.write(mark as i64, &mut clean);
    }
    for (table, body) in [("cut", cut), ("clean", clean)] {
        store.write(&format!("CREATE TABLE activitylog.{table} AS activitylog.events ENGINE = Memory")).await;
        store.insert_native(&format!("activitylog.{table}"), body).await;
    }
    let all =
        |table: &str| format!("SELECT received_at, {columns} FROM activitylog.{table} ORDER BY received_at, event_id");
    let (cut, clean) = (read(store, &all("cut")).await, read(store, &all("clean")).await);
    assert_eq!(cut.len(), (0..=12).map(|mark| mark + 3).sum::<usize>());
    assert_eq!(cut, clean);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_column_of_both_tables_comes_back() {
    let server = Server::start().await;
    let store = Store::of(&server);
    columns_are_the_tables(&store, EventBlock::TABLE, EventBlock::COLUMNS).await;
    columns_are_the_tables(&store, MetricBlock::TABLE, MetricBlock::COLUMNS).await;
    let stamp = Stamp { tenant_id: "a tenant", retention_days: RETENTION_DAYS };
    let resource = [("host.name".to_owned(), "a host".to_owned()), ("os".to_owned(), String::new())];

    let mut block = EventBlock::default();
    block.push(stamp, &full_event(&resource));
    insta::assert_json_snapshot!("native_event", taken(&store, block).await);
    let mut block = MetricBlock::default();
    block.push(stamp, &full_metric(&resource));
    insta::assert_json_snapshot!("native_metric", taken(&store, block).await);
}

/// The one row as the table has it; no column may have been left at its default.
async fn taken<B: Block>(store: &Store, block: B) -> Value {
    let mut body = Vec::new();
    block.write(1_778_587_200_123, &mut body);
    store.insert_native(B::TABLE, body).await;
    let rows = read(store, &format!("SELECT * FROM {}", B::TABLE)).await;
    assert_eq!(rows.len(), 1);
    for (name, _) in B::COLUMNS {
        let value = &rows[0][*name];
        assert!(
            ![json!(""), json!("0"), json!(0), json!(null), json!([]), json!({}), json!(false)].contains(value),
            "{name} was not set"
        );
    }
    rows[0].clone()
}

async fn columns_are_the_tables(store: &Store, table: &str, columns: &[(&str, &str)]) {
    let rows = read(
        store,
        &format!("SELECT name, type FROM system.columns WHERE concat(database, '.', table) = '{table}' ORDER BY name"),
    )
    .await;
    let found: Vec<(&str, &str)> =
        rows.iter().map(|row| (row["name"].as_str().expect("text"), row["type"].as_str().expect("text"))).collect();
    let mut columns = columns.to_vec();
    columns.sort_unstable();
    assert_eq!(found, columns, "{table}");
}

fn full_event(resource: &[(String, String)]) -> Event<'_> {
    Event {
        event_id: 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff,
        kind: Kind::Audit,
        timestamp_ns: 1_778_587_200_123_456_789,
        duration_ns: u64::MAX,
        project: "a project".into(),
        repository: "owner/name".into(),
        environment: "production".into(),
        service: "a service".into(),
        user_id: "ada".into(),
        user_email: "ada@example.com".into(),
        session_id: "a session".into(),
        correlation_id: "a correlation".into(),
        source_ip: "192.0.2.1".into(),
        source: "audit".into(),
        event_class: "audit".into(),
        event_type: "role.add".into(),
        outcome: "success".into(),
        severity: "info".into(),
        message: "äöü \u{1f980} \0 'quoted' \t\n".into(),
        target_type: "role".into(),
        target_id: "7".into(),
        trace_id: Cow::Borrowed(&[0xab; 16]),
        span_id: Cow::Borrowed(&[0x01, 0, 0, 0, 0, 0, 0, 0xff]),
        parent_span_id: Cow::Borrowed(&[0xcd; 8]),
        provider: "anthropic".into(),
        model: "a model".into(),
        operation: "chat".into(),
        feature: "a feature".into(),
        tool_name: "Bash".into(),
        error_type: "timeout".into(),
        input_tokens: 1,
        output_tokens: 2,
        cache_read_tokens: 3,
        cache_creation_tokens: 4,
        cache_creation_1h_tokens: 5,
        reasoning_tokens: u64::MAX,
        cache_known: true,
        cost_usd: NanoUsd(999_999_999_999_999_999),
        cost_reported_usd: Some(NanoUsd(1)),
        cost_computed_usd: Some(NanoUsd(2)),
        cost_origin: CostOrigin::Computed,
        price_version: "2026-05".into(),
        usage_role: UsageRole::Copy,
        usage_key: "a call".into(),
        usage_priority: 255,
        unmapped: false,
        reporter: "",
        status_code: 529,
        attributes: vec![
            ("a text", AttributeValue::Text("text".into())),
            ("a number", AttributeValue::Otlp(&otlp::Value::Int(-1))),
            ("nothing", AttributeValue::Otlp(&otlp::Value::Empty)),
        ],
        resource,
    }
}

fn full_metric(resource: &[(String, String)]) -> Metric<'_> {
    Metric {
        event_id: 1 << 127,
        timestamp_ns: 1_778_587_200_123_456_789,
        start_timestamp_ns: 1_778_587_100_000_000_001,
        project: "a project".into(),
        repository: "owner/name".into(),
        environment: "production".into(),
        service: "a service".into(),
        user_id: "ada".into(),
        user_email: "ada@example.com".into(),
        session_id: "a session".into(),
        source: "otel".into(),
        name: "a.metric".into(),
        description: "what it says".into(),
        unit: "{token}".into(),
        kind: MetricKind::ExponentialHistogram,
        temporality: 2,
        is_monotonic: true,
        flags: u32::MAX,
        provider: "anthropic".into(),
        model: "a model".into(),
        operation: "chat".into(),
        feature: "a feature".into(),
        tool_name: "Bash".into(),
        series_type: "input".into(),
        value: f64::NAN,
        value_int: Some(i64::MIN),
        count: u64::MAX,
        min: Some(f64::NEG_INFINITY),
        max: Some(f64::MAX),
        bucket_counts: Cow::Borrowed(&[0, u64::MAX]),
        explicit_bounds: Cow::Borrowed(&[-0.5]),
        scale: i32::MIN,
        zero_count: 9,
        zero_threshold: 1e-300,
        positive_offset: -1,
        positive_counts: Cow::Borrowed(&[1, 2, 3]),
        negative_offset: i32::MAX,
        negative_counts: Cow::Borrowed(&[4]),
        quantiles: Cow::Borrowed(&[0.5, 0.99]),
        quantile_values: Cow::Borrowed(&[1.0, f64::NAN]),
        attributes: vec![("key", AttributeValue::Text("value".into()))],
        resource,
    }
}

/// The crate's own path: the settings of a shipped segment, twice, give one row.
#[tokio::test(flavor = "multi_thread")]
async fn an_insert_under_the_same_token_adds_nothing() {
    let server = Server::start().await;
    let store = Store::of(&server);
    let mut block = EventBlock::default();
    some_rows(&mut block, 0..5);
    let mut body = Vec::new();
    block.write(1_778_587_200_123, &mut body);
    let query = percent("INSERT INTO activitylog.events FORMAT Native");
    let settings = format!(
        "insert_deduplication_token=x-1&deduplicate_blocks_in_dependent_materialized_views=1&optimize_on_insert=0&query={query}"
    );
    for _ in 0..2 {
        let answer = store.ask("writer", &settings, body.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(server.number("SELECT count() FROM activitylog.events"), 5);
    assert_eq!(server.number("SELECT sum(events) FROM activitylog.events_by_minute"), 5);
}
