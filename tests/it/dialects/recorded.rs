//! Every record of every recording.

use activitylog::model::event::{NanoUsd, UsageRole};
use activitylog::normalise::rules::Rules;
use serde_json::Value;

use super::{Row, recorded, recordings};

#[test]
fn every_record_is_what_it_is_known_to_be() {
    let rules = Rules::default();
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for (label, expected) in recordings() {
        for (file, listed) in expected["files"].as_object().expect("files") {
            let rows = recorded(file, &rules);
            let records = listed["records"].as_array().expect("records");
            assert_eq!(rows.len(), records.len(), "{label} {file}");
            for (at, (row, record)) in rows.iter().zip(records).enumerate() {
                compared += 1;
                let mut differences = match row.signal {
                    "metric" => point(row, record),
                    _ => event(row, record),
                };
                let place = format!("{file} [{at}] {}", record["name"].as_str().unwrap_or(""));
                wrong.extend(differences.drain(..).map(|difference| format!("{place}: {difference}")));
            }
        }
    }
    assert_eq!(compared, 1397);
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

type Differences = Vec<String>;

fn same(what: &str, found: &str, expected: &Value, differences: &mut Differences) {
    let expected = match expected {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if found != expected {
        differences.push(format!("{what}: found {found:?}, expected {expected:?}"));
    }
}

fn event(row: &Row, record: &Value) -> Differences {
    let mut wrong = Vec::new();
    same("signal", row.signal, &record["signal"], &mut wrong);
    // A record without a name is called `log`.
    let unnamed = record["name"].is_null() && row.name == "log";
    same("name", if unnamed { "" } else { &row.name }, &record["name"], &mut wrong);
    same("trace_id", &row.trace_id, &record["trace_id"], &mut wrong);
    same("span_id", &row.span_id, &record["span_id"], &mut wrong);
    if row.signal == "span" {
        same("parent_span_id", &row.parent_span_id, &record["parent_span_id"], &mut wrong);
    }
    let dialect = record["dialect"].as_str().unwrap_or("");
    let dialect = if dialect == "vercel-ai7" { "vercel-ai" } else { dialect };
    same("reporter", row.reporter, &dialect.into(), &mut wrong);
    same("service", &row.service, &record["service_name"], &mut wrong);
    // Codex says it in the resource's `env`, which the expected spans leave out and the expected logs don't.
    if dialect != "codex" || row.signal == "log" {
        same("environment", &row.environment, &record["environment"], &mut wrong);
    }
    same("provider", &row.provider, &record["provider"], &mut wrong);
    same("operation", &row.operation, &record["operation"], &mut wrong);
    same("user_id", &row.user_id, &record["user_id"], &mut wrong);
    same("session_id", &row.session_id, &record["session_id"], &mut wrong);
    same("feature", &row.feature, &record["feature"], &mut wrong);
    same("tool_name", &row.tool_name, &record["tool_name"], &mut wrong);
    // What a plain log says of an exception is a column too; the list leaves it out.
    if record["role"] != "plain" || row.signal != "log" {
        same("error_type", &row.error_type, &record["error_type"], &mut wrong);
    }
    // A message event's own attribute may have the same name.
    if record["role"] != "content" {
        same("finish_reason", row.attribute("finish_reason").unwrap_or(""), &record["finish_reason"], &mut wrong);
    }
    same("is_stream", row.attribute("is_stream").unwrap_or(""), &record["is_stream"], &mut wrong);
    let agent = ["gen_ai.agent.name", "agent.name"].iter().find_map(|name| row.attribute(name));
    same("agent_name", agent.unwrap_or(""), &record["agent_name"], &mut wrong);
    models(row, record, &mut wrong);
    usage(row, record, &mut wrong);
    if let Some(expected) = record["ttft_ms"].as_f64() {
        let found = row.attribute("ttft_ms").and_then(|ms| ms.parse::<f64>().ok());
        // The recording's own figure is rounded to a tenth where it comes from a date.
        if !found.is_some_and(|found| (found - expected).abs() < 0.1) {
            wrong.push(format!("ttft_ms: found {found:?}, expected {expected}"));
        }
    }
    if let Some(status) = record["http_status"].as_u64() {
        same("status_code", &row.status_code.to_string(), &status.into(), &mut wrong);
    }
    wrong
}

/// The answering model is the column; the one that was asked for is the same, or an attribute.
fn models(row: &Row, record: &Value, wrong: &mut Differences) {
    let (asked, answered) = (&record["request_model"], &record["response_model"]);
    let model = if answered.is_null() { asked } else { answered };
    same("model", &row.model, model, wrong);
    let found = row.attribute("gen_ai.request.model").unwrap_or(&row.model);
    same("request model", found, asked, wrong);
}

fn usage(row: &Row, record: &Value, wrong: &mut Differences) {
    let role = match row.role {
        UsageRole::Leaf => "leaf",
        UsageRole::Aggregate => "aggregate",
        UsageRole::Copy => "copy",
        UsageRole::None => "none",
    };
    let named = record["role"].as_str().filter(|role| ["leaf", "aggregate", "copy"].contains(role));
    let expected = named.unwrap_or("none");
    same("role", role, &expected.into(), wrong);
    let leaf = row.role == UsageRole::Leaf;
    let second = row.attribute("logfire.span_type") == Some("log");
    same("counts_call", &(leaf && !second).to_string(), &record["counts_call"], wrong);
    let total = row.input + row.cache_read + row.cache_written;
    same("counts_tokens", &(leaf && total + row.output > 0).to_string(), &record["counts_tokens"], wrong);
    for (name, found) in [
        ("input_tokens", total),
        ("cache_read_tokens", row.cache_read),
        ("cache_creation_tokens", row.cache_written),
        ("output_tokens", row.output),
        ("reasoning_tokens", row.reasoning),
    ] {
        same(name, &found.to_string(), &record[name].as_u64().unwrap_or(0).into(), wrong);
    }
    let known = record["cache_read_tokens"].is_u64() || record["cache_creation_tokens"].is_u64();
    same("cache_known", &row.cache_known.to_string(), &known.into(), wrong);
    let cost = record["cost_reported_usd"].as_f64().and_then(NanoUsd::from_f64).map(|usd| usd.0);
    if row.cost != cost {
        wrong.push(format!("cost: found {:?}, expected {cost:?}", row.cost));
    }
    // A call's response id is its key; where there is none, the key is the row's own.
    let id =
        if leaf || !row.key.is_empty() { row.key.as_str() } else { row.attribute("gen_ai.response.id").unwrap_or("") };
    if let Some(expected) = record["response_id"].as_str() {
        same("response_id", id, &expected.into(), wrong);
    }
    if leaf == row.key.is_empty() && row.role != UsageRole::Copy {
        wrong.push(format!("usage_key {:?} of a {role}", row.key));
    }
}

fn point(row: &Row, record: &Value) -> Differences {
    let mut wrong = Vec::new();
    same("name", &row.name, &record["name"], &mut wrong);
    same("service", &row.service, &record["service_name"], &mut wrong);
    let attribute = |names: &[&str]| names.iter().find_map(|name| row.attribute(name)).unwrap_or("").to_owned();
    let or = |column: &str, names: &[&str]| if column.is_empty() { attribute(names) } else { column.to_owned() };
    let model = or(&row.model, &["model"]);
    same("model", &model, &record["model"], &mut wrong);
    same("series_type", &or(&row.series_type, &["type"]), &record["token_type"], &mut wrong);
    wrong
}
