//! Every recorded delivery becomes what `expected.json` says.

use super::*;

/// Names in `expected.json` and the attributes that say the same.
const METADATA: [(&str, &str); 39] = [
    ("action", "webhook.action"),
    ("after", "vcs.ref.head.revision"),
    ("author", "author"),
    ("base_ref", "vcs.ref.base.name"),
    ("build_number", "run_number"),
    ("commit_count", "commit_count"),
    ("context", "check.name"),
    ("created", "ref.created"),
    ("definition", "definition"),
    ("deleted", "ref.deleted"),
    ("draft", "draft"),
    ("environment_tier", "deployment.environment.tier"),
    ("forced", "ref.forced"),
    ("from_state", "state.from"),
    ("head_branch", "vcs.ref.head.name"),
    ("merge_status", "merge_status"),
    ("name", "title"),
    ("pipeline", "cicd.pipeline.name"),
    ("pipeline_id", "cicd.pipeline.run.id"),
    ("prerelease", "prerelease"),
    ("project_id", "vcs.project.id"),
    ("raw_conclusion", "webhook.result"),
    ("raw_result", "webhook.result"),
    ("raw_state", "webhook.result"),
    ("raw_status", "webhook.result"),
    ("ref", "vcs.ref.head.name"),
    ("release", "release"),
    ("review_state", "webhook.result"),
    ("run_attempt", "run_attempt"),
    ("run_id", "cicd.pipeline.run.id"),
    ("sha", "vcs.ref.head.revision"),
    ("stage", "stage"),
    ("state", "work_item.state"),
    ("state_reason", "state.reason"),
    ("tag", "tag"),
    ("target_ref", "vcs.ref.base.name"),
    ("to_state", "state.to"),
    ("trigger", "trigger"),
    ("work_item_type", "work_item.type"),
];

#[test]
fn every_delivery_becomes_what_is_expected() {
    for folder in folders() {
        let expected = read_json(&folder, "expected.json");
        let expected = expected["events"].as_array().expect("events");
        let requests = requests(&folder);
        assert_eq!(requests.len(), expected.len());
        let wrong: Vec<String> = expected
            .iter()
            .flat_map(|expected| {
                let request = requests.iter().find(|r| r.file == expected["file"]).expect("a request");
                differences(request, expected)
            })
            .collect();
        assert!(wrong.is_empty(), "{}:\n{}", folder.display(), wrong.join("\n"));
        println!("{} deliveries of {}", expected.len(), folder.display());
    }
}

/// What is wrong, one line each.
fn differences(request: &Request, expected: &Value) -> Vec<String> {
    let occurred_ms = expected["occurred_at"].as_str().map(|text| moment::parse(text).expect("a time") / 1_000_000);
    // Received an hour later: the time is believed then.
    let now_ns = occurred_ms.map_or(NOW, |ms| ms * 1_000_000 + 3_600_000_000_000);
    let delivery = request.delivery();
    mapped(&delivery, now_ns, |mapped| {
        let event = &mapped.event;
        let unchecked = expected["not_checked"].as_array().expect("a list");
        let mut wrong = Vec::new();
        let mut check = |field: &str, found: &str, expected: &Value| {
            let expected = plain(expected);
            if found != expected && !unchecked.iter().any(|f| f == field) {
                wrong.push(format!("{}: {field} is {found:?}, not {expected:?}", request.file));
            }
        };
        for (field, found) in [
            ("source", &event.source),
            ("event_type", &event.event_type),
            ("actor", &event.user_id),
            ("repo", &event.repository),
            ("target_type", &event.target_type),
            ("target_id", &event.target_id),
            ("outcome", &event.outcome),
            ("severity", &event.severity),
            ("environment", &event.environment),
        ] {
            check(field, found, &expected[field]);
        }
        check("url", attribute(event, "url.full"), &expected["url"]);
        check("project", attribute(event, "vcs.project"), &expected["project"]);
        match occurred_ms {
            Some(ms) => check("occurred_at", &(event.timestamp_ns / 1_000_000).to_string(), &ms.into()),
            None => check("occurred_at", attribute(event, "webhook.time"), &"received".into()),
        }
        let (took, should) = (event.duration_ns as f64 / 1e6, expected["duration_ms"].as_f64().unwrap_or(0.0));
        if (took - should).abs() > 1.0 {
            check("duration_ms", &took.to_string(), &should.into());
        }
        for (name, value) in expected["metadata"].as_object().into_iter().flatten() {
            let (_, ours) = METADATA.iter().find(|(theirs, _)| theirs == name).expect("an attribute for it");
            check(name, attribute(event, ours), value);
        }
        assert_eq!((event.kind, event.project.as_ref()), (EventKind::Webhook, "web"));
        assert_eq!(mapped.unmapped, event.event_type.starts_with("github."), "{}", request.file);
        assert_eq!(mapped.unmapped, attribute(event, "webhook.payload") == request.json);
        wrong
    })
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[test]
fn old_times_are_believed() {
    for request in requests(&folders()[0]) {
        let delivery = request.delivery();
        mapped(&delivery, NOW, |mapped| {
            assert_eq!(attribute(&mapped.event, "original_timestamp"), "", "{}", request.file);
            let is_received = attribute(&mapped.event, "webhook.time") == "received";
            assert_eq!(mapped.event.timestamp_ns == NOW, is_received, "{}", request.file);
        });
    }
}

/// The lines of the feed, for people to read.
#[test]
fn lines_of_the_feed() {
    let requests = requests(&folders()[0]);
    let lines = requests.iter().map(|request| {
        let delivery = request.delivery();
        mapped(&delivery, NOW, |mapped| format!("{}: {}", mapped.event.event_class, mapped.event.message))
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn deliveries_are_told_apart_by_what_their_expected_keys_say() {
    for folder in folders() {
        let expected = read_json(&folder, "expected.json");
        let (mut by_key, mut by_id) = (BTreeMap::new(), BTreeMap::new());
        for request in requests(&folder) {
            let expected = expected["events"].as_array().unwrap().iter().find(|e| e["file"] == *request.file).unwrap();
            let delivery = request.delivery();
            let id = identity("acme", &delivery);
            assert_eq!(id, mapped(&delivery, NOW, |mapped| mapped.event.event_id));
            assert_eq!(uuid::Uuid::from_u128(id).get_version_num(), 8);
            assert_ne!(id, identity("other", &delivery));
            assert_eq!(by_id.insert(id, expected["dedupe_key"].to_string()), None, "{}", request.file);
            assert_eq!(by_key.insert(expected["dedupe_key"].to_string(), id), None, "{}", request.file);
        }
    }
}

#[test]
fn standard_webhooks() {
    let Some(folder) = folders().into_iter().nth(1) else { return };
    let vectors = read_json(&folder, "generic/standard-webhooks.json");
    let mut seen = 0;
    for vector in vectors["vectors"].as_array().unwrap().iter().filter(|vector| vector["valid"] == true) {
        let headers = vector["headers"].as_object().unwrap().iter();
        let request = Request {
            file: vector["name"].as_str().unwrap().to_owned(),
            kind: Kind::Standard,
            headers: headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect(),
            json: vector["body"].as_str().unwrap().to_owned(),
        };
        let expected = &vector["expected"];
        let delivery = delivery(Kind::Standard, "", request.header("webhook-id"), &request.json);
        let now_ns = vector["now"].as_i64().unwrap() * 1_000_000_000;
        mapped(&delivery, now_ns, |mapped| {
            let event = &mapped.event;
            for (field, found) in [
                ("source", &event.source),
                ("event_type", &event.event_type),
                ("actor", &event.user_id),
                ("repo", &event.repository),
                ("target_type", &event.target_type),
                ("target_id", &event.target_id),
                ("outcome", &event.outcome),
                ("environment", &event.environment),
            ] {
                assert_eq!(*found, plain(&expected[field]), "{field} of {}", request.file);
            }
            let occurred = moment::parse(expected["occurred_at"].as_str().unwrap()).unwrap();
            assert_eq!(event.timestamp_ns / 1_000_000, occurred / 1_000_000);
            assert_eq!(event.duration_ns / 1_000_000, expected["duration_ms"].as_u64().unwrap_or(0));
        });
        seen += 1;
    }
    assert_eq!(seen, 2);
}
