//! Items of one signal as the body of an Export*ServiceRequest in OTLP/JSON: one envelope for each source.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::record::{Item, Signal, Source};

/// The field names of a signal.
struct Names {
    path: &'static str,
    resources: &'static str,
    scopes: &'static str,
    records: &'static str,
}

/// The request path that a signal goes to.
pub fn path(signal: Signal) -> &'static str {
    names(signal).path
}

/// `items` are all of `signal`.
pub fn body(signal: Signal, items: &[Item]) -> Value {
    let names = names(signal);
    let mut envelopes: BTreeMap<u64, (&Source, Vec<&Value>)> = BTreeMap::new();
    for item in items {
        let (_, records) = envelopes.entry(item.source.id).or_insert((&item.source, Vec::new()));
        records.push(&item.record);
    }
    let envelope = |(source, records): (&Source, Vec<&Value>)| {
        let mut scoped = json!({"scope": {"name": source.scope, "version": source.scope_version}});
        scoped[names.records] = json!(records);
        let mut envelope = json!({"resource": {"attributes": source.resource.json()}});
        envelope[names.scopes] = json!([scoped]);
        envelope
    };
    let envelopes: Vec<Value> = envelopes.into_values().map(envelope).collect();
    let mut request = json!({});
    request[names.resources] = json!(envelopes);
    request
}

fn names(signal: Signal) -> Names {
    match signal {
        Signal::Logs => {
            Names { path: "/v1/logs", resources: "resourceLogs", scopes: "scopeLogs", records: "logRecords" }
        }
        Signal::Traces => {
            Names { path: "/v1/traces", resources: "resourceSpans", scopes: "scopeSpans", records: "spans" }
        }
        Signal::Metrics => {
            Names { path: "/v1/metrics", resources: "resourceMetrics", scopes: "scopeMetrics", records: "metrics" }
        }
    }
}
