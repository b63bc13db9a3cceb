//! The mapping against recorded deliveries, and against damaged ones.

mod damage;
mod fixtures;
mod reports;
mod traps;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;
use crate::model::event::AttributeValue;
use crate::normalise::rules::Rules;

/// A day in 2026, when every fixture is older than what is believed.
const NOW: i64 = 1_795_221_532_690_000_000;

/// One request of `requests.json`.
struct Request {
    file: String,
    kind: Kind,
    headers: BTreeMap<String, String>,
    json: String,
}

/// The folder in the repository, and a fuller one beside it where there is one: it holds files that may not be copied.
fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("tests/fixtures/webhooks")];
    let beside = root.ancestors().skip(1).map(|folder| folder.join("shared/fixtures/webhooks"));
    match beside.into_iter().find(|folder| folder.is_dir()) {
        Some(folder) => folders.push(folder),
        None => println!("skipped: the deliveries that may not be copied"),
    }
    folders
}

fn read_json(folder: &Path, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join(name)).expect(name)).expect(name)
}

fn requests(folder: &Path) -> Vec<Request> {
    let requests = read_json(folder, "requests.json");
    let requests = requests["requests"].as_array().expect("requests").iter();
    requests
        .map(|request| {
            let file = request["file"].as_str().expect("a file");
            let headers = request["headers"].as_object().expect("headers").iter();
            let headers = headers.map(|(name, value)| (name.to_lowercase(), value.as_str().expect("text").to_owned()));
            Request {
                file: file.to_owned(),
                kind: kind_of(file),
                headers: headers.collect(),
                json: body(&fs::read_to_string(folder.join(file)).expect(file)),
            }
        })
        .collect()
}

fn kind_of(file: &str) -> Kind {
    match file.split('/').next() {
        Some("github") => Kind::GitHub,
        Some("azure-devops") => Kind::AzureDevOps,
        Some("gitlab") => Kind::GitLab,
        _ => panic!("whose is {file}?"),
    }
}

/// The JSON of a body, which may be a form.
fn body(text: &str) -> String {
    let Some(form) = text.strip_prefix("payload=") else {
        return text.to_owned();
    };
    let mut bytes = Vec::new();
    let mut rest = form.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = |b: &[u8]| u8::from_str_radix(std::str::from_utf8(b).unwrap(), 16).unwrap();
        let (byte, after) = match first {
            b'%' => (hex(&after[..2]), &after[2..]),
            b'+' => (b' ', after),
            byte => (byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).unwrap()
}

// === impl Request ===

impl Request {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn delivery(&self) -> Delivery<'_> {
        let (event, id) = match self.kind {
            Kind::GitHub => ("x-github-event", "x-github-delivery"),
            Kind::GitLab => ("x-gitlab-event", "idempotency-key"),
            _ => ("", ""),
        };
        delivery(self.kind, self.header(event), self.header(id), &self.json)
    }
}

fn delivery<'d>(kind: Kind, event: &'d str, delivery_id: &'d str, json: &'d str) -> Delivery<'d> {
    Delivery {
        kind,
        event,
        delivery_id,
        sent_at_ns: None,
        headers: &[],
        source_name: "source",
        source_id: "src_1",
        keep_payload: false,
        json,
    }
}

/// Maps at `now_ns` and hands over what came out.
fn mapped<R>(delivery: &Delivery<'_>, now_ns: i64, see: impl FnOnce(Mapped<'_>) -> R) -> R {
    let rules = Rules::default();
    see(event(&Context { tenant_id: "acme", project: "web", now_ns, rules: &rules }, delivery))
}

/// The first attribute of that name.
fn attribute<'e>(event: &'e Event<'_>, name: &str) -> &'e str {
    let value = event.attributes.iter().find(|(attribute, _)| *attribute == name).map(|(_, value)| value);
    match value {
        Some(AttributeValue::Text(text)) => text,
        _ => "",
    }
}
