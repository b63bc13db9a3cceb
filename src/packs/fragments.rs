//! The SQL of a panel: `$name` stands for a text that several panels share, `$name(...)` for a small function of the engine's. What comes
//! of it has nothing but ClickHouse's own `{name:Type}` parameters, so that no value is ever part of the text.

use std::collections::BTreeMap;

use super::FILTERS;

/// SQL with its fragments put in. Only the length of a bucket is left open: it is the range's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text {
    text: String,
    /// The parameters in it, each once.
    pub(super) params: Vec<&'static str>,
}

pub(super) const PARAMS: [&str; 5] = ["from", "to", "timezone", "bucket_seconds", "budget_usd"];

/// Stands where the interval of `$bucket` goes. No text of a file has it.
const INTERVAL: &str = "\u{1}";
/// Fragments within fragments. Names are looked up among those declared above, so there is no circle; this is for the bored.
const DEEPEST: usize = 16;
const LONGEST: usize = 64 << 10;

const BUILT_IN: [(&str, &str); 3] = [
    (
        "window",
        "timestamp >= {from:DateTime64(9, 'UTC')} AND timestamp < {to:DateTime64(9, 'UTC')} AND $is(project) AND $is(user_id)",
    ),
    // A call's day is that of its end, its timestamp may be its start.
    (
        "usage",
        "$window AND day >= toDate({from:DateTime64(9, 'UTC')}) AND day <= toDate({to:DateTime64(9, 'UTC')}) + 1",
    ),
    (
        "minutes",
        "minute >= toStartOfMinute({from:DateTime64(9, 'UTC')}) AND minute < {to:DateTime64(9, 'UTC')} AND $is(project) AND $is(user_id)",
    ),
];

/// `own` are the file's fragments, each seeing those before it.
pub(super) fn expand(sql: &str, own: &[(String, String)]) -> Result<Text, String> {
    let mut known: BTreeMap<&str, &str> = BUILT_IN.into_iter().collect();
    for (name, text) in own {
        if known.insert(name, text).is_some() {
            return Err(format!("the fragment ${name} is there already: give it another name"));
        }
    }
    let text = put_in(sql, &known, 0)?;
    if text.contains(';') {
        return Err("a panel is one query: leave out the semicolon".to_owned());
    }
    let params = params(&text)?;
    Ok(Text { text, params })
}

fn put_in(sql: &str, known: &BTreeMap<&str, &str>, depth: usize) -> Result<String, String> {
    if depth > DEEPEST || sql.len() > LONGEST {
        return Err("the fragments unfold without end: is one of them within itself?".to_owned());
    }
    let mut out = String::with_capacity(sql.len() * 2);
    let mut rest = sql;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() {
            out.push('$');
            continue;
        }
        let call = after.starts_with('(').then(|| arguments(after)).flatten();
        match (name, call, known.get(name)) {
            ("is", Some((arguments, after)), _) => {
                out.push_str(&is(&arguments)?);
                rest = after;
            }
            ("bucket", Some((arguments, after)), _) => {
                let of = put_in(&arguments.join(", "), known, depth + 1)?;
                out.push_str(&format!("toStartOfInterval({of}, INTERVAL {INTERVAL}, {{timezone:String}})"));
                rest = after;
            }
            ("day", Some((arguments, after)), _) => {
                let of = put_in(&arguments.join(", "), known, depth + 1)?;
                out.push_str(&format!("toDate({of}, {{timezone:String}})"));
                rest = after;
            }
            (_, _, Some(text)) => {
                out.push_str(&put_in(text, known, depth + 1)?);
                rest = after;
            }
            _ => {
                let names: Vec<&str> =
                    known.keys().copied().chain(["is(filter)", "bucket(time)", "day(time)"]).collect();
                return Err(format!("there is no fragment ${name}: there are ${}", names.join(", $")));
            }
        }
        if out.len() > LONGEST {
            return Err(format!("the query is longer than {LONGEST} bytes with its fragments"));
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// `$is(column)` and `$is(expression, filter)`: equal to what is asked for, if anything is.
fn is(arguments: &[String]) -> Result<String, String> {
    let (of, filter) = match arguments {
        [column] => (column.as_str(), column.as_str()),
        [of, filter] => (of.as_str(), filter.as_str()),
        _ => return Err("$is takes a column, or an expression and a filter".to_owned()),
    };
    if !FILTERS.contains(&filter) {
        return Err(format!("$is({filter}): the filters are {}", FILTERS.join(", ")));
    }
    Ok(format!("({{{filter}:String}} = '' OR {of} = {{{filter}:String}})"))
}

/// What stands between the bracket that `text` begins with and its counterpart, split at its own commas; and what follows.
fn arguments(text: &str) -> Option<(Vec<String>, &str)> {
    let (mut depth, mut quoted, mut start, mut found) = (0, false, 1, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth -= 1;
                if depth == 0 {
                    found.push(text[start..at].trim().to_owned());
                    return Some((found, &text[at + 1..]));
                }
            }
            ',' if depth == 1 => {
                found.push(text[start..at].trim().to_owned());
                start = at + 1;
            }
            _ => {}
        }
    }
    None
}

/// The names of `{name:Type}`.
fn params(text: &str) -> Result<Vec<&'static str>, String> {
    let mut found = Vec::new();
    for rest in text.split('{').skip(1) {
        let Some((name, _)) = rest.split_once(':') else { continue };
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            continue;
        }
        let known = PARAMS.into_iter().chain(FILTERS).find(|known| *known == name);
        let Some(known) = known else {
            let names: Vec<&str> = PARAMS.into_iter().chain(FILTERS).collect();
            return Err(format!("there is no parameter {{{name}}}: there are {}", names.join(", ")));
        };
        if !found.contains(&known) {
            found.push(known);
        }
    }
    Ok(found)
}

// === impl Text ===

impl Text {
    pub(super) fn with_interval(&self, interval: &str) -> String {
        self.text.replace(INTERVAL, interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(text: &str, own: &[(&str, &str)]) -> Result<String, String> {
        let own: Vec<_> = own.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        expand(text, &own).map(|text| text.with_interval("1 DAY"))
    }

    #[test]
    fn fragments_unfold_into_parameters() {
        assert_eq!(
            sql("SELECT $bucket(if(a, b, '),(')) WHERE $calls", &[("calls", "$is(model) AND x = '$9'")]).as_deref(),
            Ok("SELECT toStartOfInterval(if(a, b, '),('), INTERVAL 1 DAY, {timezone:String}) \
                WHERE ({model:String} = '' OR model = {model:String}) AND x = '$9'")
        );
        assert_eq!(
            sql("$is(attributes['action'], action)", &[]).as_deref(),
            Ok("({action:String} = '' OR attributes['action'] = {action:String})")
        );
        let text = expand("SELECT 1 WHERE $usage", &[]).expect("built in");
        assert_eq!(text.params, ["from", "to", "project", "user_id"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let says = |text: &str, own: &[(&str, &str)], what: &str| {
            let error = sql(text, own).expect_err("wrong");
            assert!(error.contains(what), "{error}");
        };
        says("SELECT $windw", &[], "no fragment $windw");
        says("SELECT {tenant_id:String}", &[], "no parameter {tenant_id}");
        says("$is(tenant_id)", &[], "the filters are");
        says("$a", &[("a", "$a")], "without end");
        says("$window", &[("window", "1")], "another name");
        says("SELECT 1; SELECT 2", &[], "semicolon");
    }

    #[test]
    fn what_is_between_brackets_is_found() {
        assert_eq!(arguments("(a, f(b, c), '),') x"), Some((vec!["a".into(), "f(b, c)".into(), "'),'".into()], " x")));
        assert_eq!(arguments("(a"), None);
    }
}
