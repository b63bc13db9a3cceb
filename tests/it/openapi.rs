//! `schemas/openapi.json`: what the code says of itself, kept beside it so that a change shows. `make schemas` writes it.

use std::collections::BTreeSet;
use std::path::Path;

use activitylog::api::router::openapi;
use serde_json::Value;

#[test]
fn the_files_say_what_the_code_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/openapi.json");
    let text = serde_json::to_string_pretty(&openapi()).expect("JSON") + "\n";
    if std::env::var_os("ACTIVITYLOG_WRITE_SCHEMAS").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "schemas/openapi.json is not what the code says: run `make schemas` and look at the difference"
    );
}

/// Calls `look` with every object of a document and where it stands.
fn walk(value: &Value, place: &str, look: &mut impl FnMut(&str, &serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            look(place, object);
            object.iter().for_each(|(name, value)| walk(value, &format!("{place}/{name}"), look));
        }
        Value::Array(all) => all.iter().enumerate().for_each(|(at, value)| walk(value, &format!("{place}/{at}"), look)),
        _ => {}
    }
}

/// The rules of OpenAPI 3.0.3 that generated documents break.
#[test]
fn it_is_openapi_3_0_3() {
    let document = openapi();
    assert_eq!(document["openapi"], "3.0.3");
    let mut wrong = Vec::new();
    walk(&document, "", &mut |place, object| {
        if let Some(to) = object.get("$ref").and_then(Value::as_str) {
            let found = to.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
            if found.is_none() {
                wrong.push(format!("{place}: {to} is nowhere"));
            }
        }
        if place.contains("/properties") && place.ends_with("/properties") {
            return;
        }
        // Of JSON Schema 2020-12, but not of OpenAPI 3.0.
        for word in ["$defs", "const", "$schema", "examples", "prefixItems", "unevaluatedProperties"] {
            if object.contains_key(word) {
                wrong.push(format!("{place}: {word}"));
            }
        }
        if object.get("type").is_some_and(Value::is_array) {
            wrong.push(format!("{place}: more than one type"));
        }
    });
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
            if id.is_empty() || !ids.insert(id) {
                wrong.push(format!("{method} {path}: no operationId of its own"));
            }
            let declared: Vec<&str> = operation["parameters"]
                .as_array()
                .expect("a list")
                .iter()
                .filter(|parameter| parameter["in"] == "path")
                .filter_map(|parameter| parameter["name"].as_str())
                .collect();
            let named = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
            if declared != named.collect::<Vec<_>>() {
                wrong.push(format!("{method} {path}: its path parameters are {declared:?}"));
            }
            if operation["responses"].as_object().is_none_or(serde_json::Map::is_empty) {
                wrong.push(format!("{method} {path}: no responses"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
