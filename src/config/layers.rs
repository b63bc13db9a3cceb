//! The defaults, a file over them, the environment over both, as one TOML table.

use toml::{Table, Value};

use super::{ConfigError, DEFAULT};

const PREFIX: &str = "ACTIVITYLOG_";

/// Tables whose keys are the operator's to choose.
const OPEN: [&str; 1] = ["content.tenants"];

pub(super) fn defaults() -> Table {
    // The file is compiled in and a test parses it.
    DEFAULT.parse().expect("config/default.toml is valid TOML")
}

pub(super) fn lay_file(under: &mut Table, text: &str, origin: &str) -> Result<(), ConfigError> {
    let invalid = |message: String| ConfigError::Invalid { origin: origin.to_owned(), message };
    let over: Table = text.parse().map_err(|error: toml::de::Error| invalid(error.to_string()))?;
    lay(under, over, "").map_err(invalid)
}

fn lay(under: &mut Table, over: Table, path: &str) -> Result<(), String> {
    for (key, value) in over {
        let full = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (under.get_mut(&key), value) {
            (None, value) if OPEN.contains(&path) => drop(under.insert(key, value)),
            (None, _) => return Err(format!("unknown key {full}; config/default.toml lists every key")),
            (Some(Value::Table(below)), Value::Table(above)) => lay(below, above, &full)?,
            (Some(slot), value) => *slot = value,
        }
    }
    Ok(())
}

/// Every leaf of the defaults is a knob, so every knob has an environment name by construction. Other names
/// under our prefix are left alone: test runners and deployments keep their own there.
pub(super) fn lay_environment(
    under: &mut Table,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<(), ConfigError> {
    for (name, text) in environment {
        if let Some(path) = name.strip_prefix(PREFIX)
            && let Some(slot) = find(under, &path.to_lowercase())
        {
            *slot = parse_as(slot, &text)
                .map_err(|message| ConfigError::Invalid { origin: format!("environment variable {name}"), message })?;
        }
    }
    Ok(())
}

fn find<'t>(table: &'t mut Table, path: &str) -> Option<&'t mut Value> {
    for (key, value) in table.iter_mut() {
        match value {
            Value::Table(below) => {
                let rest = path.strip_prefix(key.as_str()).and_then(|rest| rest.strip_prefix('_'));
                if let Some(found) = rest.and_then(|rest| find(below, rest)) {
                    return Some(found);
                }
            }
            leaf if key == path => return Some(leaf),
            _ => {}
        }
    }
    None
}

fn parse_as(default: &Value, text: &str) -> Result<Value, String> {
    match default {
        Value::Integer(_) => text.parse().map(Value::Integer).map_err(|_| format!("{text:?} is not a whole number")),
        Value::Boolean(_) => {
            text.parse().map(Value::Boolean).map_err(|_| format!("{text:?} is neither true nor false"))
        }
        Value::Array(_) if text.trim_start().starts_with('[') => {
            let parsed: Result<Table, _> = format!("value = {text}").parse();
            let value = parsed.ok().and_then(|mut table| table.remove("value"));
            value.ok_or_else(|| format!("{text:?} is not a TOML array on one line"))
        }
        Value::Array(_) => {
            Ok(Value::Array(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect()))
        }
        _ => Ok(Value::String(text.to_owned())),
    }
}
