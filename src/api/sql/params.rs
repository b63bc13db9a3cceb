//! Values of a query's parameters, as ClickHouse reads them: text in which a tab, a line break and a backslash are escaped.

use serde_json::Value;

pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "\\N".to_owned(),
        Value::String(text) => escaped(text),
        // Inside of quotes they are escaped once, and not again around them.
        other => literal(other),
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r").replace('\0', "\\0")
}

/// As in SQL, also inside an array or a map.
fn literal(value: &Value) -> String {
    let quoted = |text: &str| format!("'{}'", escaped(text).replace('\'', "\\'"));
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| format!("{}:{}", quoted(key), literal(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::text;

    #[test]
    fn values_are_written_as_clickhouse_reads_them() {
        assert_eq!(text(&json!("a\tb\\")), "a\\tb\\\\");
        assert_eq!(text(&json!(["it's", 1, null, "a\\b"])), r"['it\'s',1,NULL,'a\\b']");
        assert_eq!(
            (text(&json!(null)), text(&json!(1.5)), text(&json!(true))),
            ("\\N".into(), "1.5".into(), "true".into())
        );
        assert_eq!(text(&json!({"k": "v"})), "{'k':'v'}");
    }
}
