//! No body may panic, whatever became of it, and what is readable in it is still read.

use proptest::prelude::*;
use serde_json::{Number, json};

use super::*;

/// Where a body is hurt, and how.
#[derive(Debug, Clone)]
enum Wound {
    Remove,
    Replace(Value),
    /// A number as text, a text as a number or a list, an object as its first value.
    Retype,
    /// The same list or object, many times.
    Multiply,
}

fn wounds() -> impl Strategy<Value = Vec<(prop::sample::Index, Wound)>> {
    let value = prop_oneof![
        Just(Value::Null),
        Just(json!({})),
        Just(json!([])),
        Just(json!([[[{}]]])),
        Just(json!(true)),
        Just(json!(-1)),
        Just(json!(1e308)),
        Just(json!(u64::MAX)),
        Just(json!("")),
        Just(json!("0001-01-01T00:00:00")),
        Just(json!("9999-12-31T23:59:59.9999999Z")),
        Just(json!("2021-04-28 21:50:00 +9999")),
        Just(json!("x".repeat(5000))),
        "\\PC{0,40}".prop_map(Value::from),
        "[<>/:. UTCZ0-9+-]{0,30}".prop_map(Value::from),
    ];
    let wound =
        prop_oneof![Just(Wound::Remove), value.prop_map(Wound::Replace), Just(Wound::Retype), Just(Wound::Multiply)];
    prop::collection::vec((any::<prop::sample::Index>(), wound), 1..8)
}

fn hurt(value: &mut Value, at: prop::sample::Index, wound: &Wound) {
    let paths = paths(value);
    let Some(path) = paths.get(at.index(paths.len().max(1))) else { return };
    if let Wound::Remove = wound {
        let (parent, name) = path.rsplit_once('/').expect("not the root");
        match value.pointer_mut(parent).expect("it was there") {
            Value::Object(object) => drop(object.remove(&name.replace("~1", "/").replace("~0", "~"))),
            Value::Array(array) => drop(array.remove(name.parse().expect("an index"))),
            _ => unreachable!("a parent has children"),
        }
        return;
    }
    let node = value.pointer_mut(path).expect("it was there");
    *node = match (wound, node.take()) {
        (Wound::Replace(new), _) => new.clone(),
        (Wound::Multiply, Value::Array(items)) => std::iter::repeat_n(items, 20).flatten().collect(),
        (Wound::Multiply, other) => Value::Array(vec![other; 3]),
        (_, Value::Number(number)) => Value::from(number.to_string()),
        (_, Value::String(text)) => text.parse::<Number>().map_or_else(|_| json!([text]), Value::Number),
        (_, Value::Object(object)) => object.into_iter().next().map_or(Value::Null, |(_, value)| value),
        (_, other) => json!({ "was": other }),
    };
}

/// JSON pointers to all nodes but the root.
fn paths(value: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    let mut open = vec![(String::new(), value)];
    while let Some((path, value)) = open.pop() {
        let children: Vec<(String, &Value)> = match value {
            Value::Object(object) => {
                object.iter().map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value)).collect()
            }
            Value::Array(array) => array.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
            _ => Vec::new(),
        };
        for (name, child) in children {
            open.push((format!("{path}/{name}"), child));
        }
        paths.push(path);
    }
    paths.retain(|path| !path.is_empty());
    paths
}

/// What holds of every event.
fn check(delivery: &Delivery<'_>) {
    mapped(delivery, NOW, |mapped| {
        let event = &mapped.event;
        assert_eq!(event.event_id, identity("acme", delivery));
        assert!(!event.event_type.is_empty() && event.event_type.len() <= 160, "{}", event.event_type);
        assert!(event.event_type.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b)));
        assert!((946_684_800_000_000_000..=NOW + 86_400_000_000_000).contains(&event.timestamp_ns));
        assert!(event.duration_ns <= i64::MAX as u64);
        assert!(!event.message.is_empty() && event.message.len() < 1000, "{}", event.message);
        assert!(["code", "deploy", "build", "work", "app", "ingest", "error"].contains(&event.event_class.as_ref()));
        assert_eq!(attribute(event, "webhook.source_id"), "src_1");
        let names: std::collections::BTreeSet<&str> = event.attributes.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), event.attributes.len(), "a name comes twice");
        if mapped.unmapped {
            assert_eq!(attribute(event, "webhook.payload"), delivery.json);
        }
    });
}

fn all_requests() -> &'static Vec<Request> {
    static ALL: std::sync::OnceLock<Vec<Request>> = std::sync::OnceLock::new();
    ALL.get_or_init(|| folders().last().map(|folder| requests(folder)).expect("fixtures"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn hurt_bodies_are_still_events(request in any::<prop::sample::Index>(), wounds in wounds(), pretty: bool) {
        let request = request.get(all_requests());
        let mut value: Value = serde_json::from_str(request.json.trim_start_matches(BOM)).unwrap();
        for (at, wound) in &wounds {
            hurt(&mut value, *at, wound);
        }
        let json = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
        check(&Delivery { json: &json, ..request.delivery() });
    }

    #[test]
    fn cut_and_spoilt_bodies_are_still_events(
        request in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>(), instead in "\\PC{0,8}", ends: bool
    ) {
        let request = request.get(all_requests());
        let at = cut.index(request.json.len());
        let at = (0..=at).rev().find(|&at| request.json.is_char_boundary(at)).unwrap();
        let after = request.json[at..].chars().next().map_or(0, char::len_utf8);
        let rest = if ends { "" } else { &request.json[at + after..] };
        let json = format!("{}{instead}{rest}", &request.json[..at]);
        check(&Delivery { json: &json, ..request.delivery() });
    }

    #[test]
    fn anything_is_an_event(json in "\\PC{0,200}", event in "\\PC{0,20}", id in "\\PC{0,20}", kind in 0..4usize) {
        check(&delivery(Kind::ALL[kind], &event, &id, &json));
    }
}

/// A commit list of 25 MiB: what is held is its text. Nesting as deep as the body is long is no recursion.
#[test]
fn the_largest_bodies_are_read() {
    let commit = r#"{"id":"6113728f27ae82c7b1a177c8d03f9e96e0adf246","message":"m","added":["a"]},"#;
    let commits = commit.repeat(24 * 1024 * 1024 / commit.len());
    let json = format!(r#"{{"ref":"refs/heads/main","commits":[{commits}{{}}],"sender":{{"login":"ana"}}}}"#);
    let large = delivery(Kind::GitHub, "push", "1", &json);
    mapped(&large, NOW, |mapped| {
        assert_eq!((mapped.event.user_id.as_ref(), mapped.event.target_id.as_ref()), ("ana", "refs/heads/main"));
        assert_eq!(attribute(&mapped.event, "commit_count"), (commits.len() / commit.len() + 1).to_string());
    });
    let deep = format!(r#"{{"ref":{}1{},"sender":{{"login":"ana"}}}}"#, "[".repeat(12_000_000), "]".repeat(12_000_000));
    mapped(&delivery(Kind::GitHub, "push", "2", &deep), NOW, |mapped| assert_eq!(mapped.event.user_id, "ana"));
    let fields = format!("{{{}\"ref\":1}}", "\"a\":1,".repeat(4 * 1024 * 1024));
    check(&delivery(Kind::GitHub, "push", "3", &fields));
}
