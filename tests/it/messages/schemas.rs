//! `schemas/events/`: JSON Schemas, made from the lists that the code reads and writes by. `make schemas` writes them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use activitylog::clickhouse::events::EventBlock;
use activitylog::clickhouse::table::Block;
use activitylog::ingest::messages::fields::{EVENT_TYPE, FIELDS, Takes};
use serde_json::{Map, Value, json};

use super::{AUDIT, MESSAGES, taken, wait_for};
use crate::support::Server;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/events")
}

/// What may be posted.
fn posted(name: &str, title: &str, about: &str) -> Value {
    let text = |most: usize| json!([{"type": "string", "maxLength": most}, {"type": "number"}, {"type": "null"}]);
    let properties: Map<String, Value> = FIELDS
        .iter()
        .map(|field| {
            let mut schema = match field.takes {
                Takes::Text if field.name == EVENT_TYPE => {
                    json!({"type": "string", "maxLength": field.most, "pattern": "^[A-Za-z0-9][A-Za-z0-9._:/-]*$"})
                }
                Takes::Attributes => json!({"type": ["object", "null"]}),
                Takes::Text | Takes::Time | Takes::Milliseconds => json!({"anyOf": text(field.most)}),
            };
            schema["description"] = field.about.into();
            (field.name.to_owned(), schema)
        })
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:activitylog:events:{name}"),
        "title": title,
        "description": about,
        "type": "object",
        "required": [EVENT_TYPE],
        "additionalProperties": false,
        "properties": properties,
    })
}

/// What is read: the columns of an item, by their types in the table.
fn item() -> Value {
    let hidden = ["tenant_id", "event_id", "retention_days", "usage_priority"];
    let mut properties = Map::new();
    properties.insert("id".to_owned(), json!({"type": "string", "format": "uuid"}));
    for (name, column_type) in EventBlock::COLUMNS.iter().filter(|(name, _)| !hidden.contains(name)) {
        let schema = match *column_type {
            text if text.contains("Decimal") => json!({"type": "string", "pattern": "^[0-9]+([.][0-9]+)?$"}),
            text if text.starts_with("DateTime64") => json!({"type": "string", "format": "date-time"}),
            text if text.starts_with("Enum8") => {
                json!({"enum": text.split('\'').skip(1).step_by(2).collect::<Vec<_>>()})
            }
            text if text.starts_with("UInt") => json!({"type": "integer", "minimum": 0}),
            text if text.starts_with("Map") => json!({"type": "object", "additionalProperties": {"type": "string"}}),
            "Bool" => json!({"type": "boolean"}),
            "String" | "LowCardinality(String)" => json!({"type": "string"}),
            other => panic!("{name}: what is a {other}?"),
        };
        properties.insert((*name).to_owned(), schema);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:activitylog:events:event",
        "title": "Event",
        "description": "An event as GET /api/v1/messages gives it. Zero and empty columns are left out; one event alone also has attributes and resource.",
        "type": "object",
        "required": ["id", "timestamp", "received_at", "kind"],
        "additionalProperties": false,
        "properties": properties,
    })
}

fn all() -> BTreeMap<&'static str, Value> {
    let message = "What POST /api/v1/messages takes: one of these, a list of them, or one a line.";
    let audit = "What POST /api/v1/audit/events takes: one of these, a list of them, or one a line. Attributes that name content or \
                 secrets are refused.";
    [
        ("message.schema.json", posted("message", "Message", message)),
        ("audit-event.schema.json", posted("audit-event", "Audit entry", audit)),
        ("event.schema.json", item()),
    ]
    .into()
}

#[test]
fn the_files_say_what_the_code_does() {
    for (name, schema) in all() {
        let path = folder().join(name);
        let text = serde_json::to_string_pretty(&schema).expect("JSON") + "\n";
        if std::env::var_os("ACTIVITYLOG_WRITE_SCHEMAS").is_some() {
            std::fs::write(&path, &text).expect("written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == text, "{name} is not what the code says: run `make schemas` and look at the difference");
    }
}

/// The words of JSON Schema that ours use.
fn holds(schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is = |wanted: &Value| wanted == kind || (wanted == "integer" && value.is_u64());
    let wrong = |what: &str| Err(format!("{place}: {what}: {value}"));
    match &schema["type"] {
        Value::Null => {}
        Value::Array(several) if several.iter().any(is) => {}
        one if is(one) => {}
        _ => return wrong("type"),
    }
    if let Some(any) = schema["anyOf"].as_array()
        && !any.iter().any(|schema| holds(schema, value, place).is_ok())
    {
        return wrong("anyOf");
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        return wrong("enum");
    }
    let too_long = |most: u64| value.as_str().is_some_and(|text| text.chars().count() as u64 > most);
    if schema["maxLength"].as_u64().is_some_and(too_long) {
        return wrong("maxLength");
    }
    let Some(object) = value.as_object() else { return Ok(()) };
    let missing = |name: &&Value| !object.contains_key(name.as_str().expect("a name"));
    if schema["required"].as_array().is_some_and(|names| names.iter().any(|name| missing(&name))) {
        return wrong("required");
    }
    for (name, value) in object {
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => return Err(format!("{place}: {name} is not known")),
            (Value::Null, other) => holds(other, value, name)?,
            (known, _) => holds(known, value, name)?,
        }
    }
    Ok(())
}

/// The JSON blocks of docs/API.md below this heading.
fn examples(heading: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/API.md");
    let text = std::fs::read_to_string(path).expect("the page");
    let section = text.split("\n## ").find(|section| section.starts_with(heading)).expect("the heading");
    let blocks = section.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks
        .flat_map(|block| block.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<_>>())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_documented_and_what_is_read_holds_the_schemas() {
    let schemas = all();
    let server = Server::start().await;
    let examples = examples("Native messages");
    assert!(examples.len() >= 3, "{examples:?}");
    for example in &examples {
        holds(&schemas["message.schema.json"], example, "example").expect("a message");
        for path in [MESSAGES, AUDIT] {
            assert_eq!(taken(&server, path, example).await["accepted"], 1, "{example}");
        }
    }
    let wrong = json!({"event_type": "a", "eventtype": "b"});
    assert!(holds(&schemas["message.schema.json"], &wrong, "wrong").is_err());
    wait_for(&server, 2 * examples.len() as u64).await;
    let page = server.json("/api/v1/messages").await;
    let items = page["items"].as_array().expect("items");
    assert!(!items.is_empty());
    for item in items {
        holds(&schemas["event.schema.json"], item, "item").expect("an event");
        let one = server.json(&format!("/api/v1/messages/{}", item["id"].as_str().expect("an id"))).await;
        holds(&schemas["event.schema.json"], &one, "one").expect("an event");
    }
}
