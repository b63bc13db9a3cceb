//! Claude Code as it is seen on the wire (2.1.329): log events, delta metrics and beta spans of interactive sessions,
//! with the names, types and relations of a real client. Prompts and answers are redacted, as by default.

mod llm;
mod models;
mod session;
mod tools;
mod turn;

use super::feed::{Actor, pause};
use super::people::Developer;
use super::random::Random;
use super::record::{Item, Nanos};

use session::Session;

/// A developer who opens a session, works in it, closes it, and comes back after a while.
pub struct Coder {
    random: Random,
    developer: Developer,
    next: Nanos,
    pace: f64,
    source: u64,
    sessions: u64,
}

/// The instruments of section 5 of Claude Code's monitoring docs.
mod instruments {
    use crate::demo::record::Instrument;

    macro_rules! counter {
        ($name:ident, $metric:literal, $unit:literal, $description:literal) => {
            pub static $name: Instrument =
                Instrument { name: $metric, unit: $unit, description: $description, bounds: &[] };
        };
    }

    counter!(SESSIONS, "claude_code.session.count", "", "Count of CLI sessions started");
    counter!(TOKENS, "claude_code.token.usage", "tokens", "Number of tokens used");
    counter!(COST, "claude_code.cost.usage", "USD", "Cost of the Claude Code session");
    counter!(LINES, "claude_code.lines_of_code.count", "", "Count of lines of code modified");
    counter!(EDITS, "claude_code.code_edit_tool.decision", "", "Count of code editing tool permission decisions");
    counter!(COMMITS, "claude_code.commit.count", "", "Number of git commits created");
    counter!(PULL_REQUESTS, "claude_code.pull_request.count", "", "Number of pull requests created");
    counter!(ACTIVE, "claude_code.active_time.total", "s", "Total active time in seconds");
}

// === impl Coder ===

impl Coder {
    pub fn new(mut random: Random, source: u64, developer: Developer, start: Nanos, pace: f64) -> Coder {
        // some are at it when the history starts, others come in the next minutes
        let next = start + pause(&mut random, 150.0, pace);
        Coder { random, developer, next, pace, source: source << 16, sessions: 0 }
    }
}

impl Actor for Coder {
    fn next(&self) -> Nanos {
        self.next
    }

    fn act(&mut self, out: &mut Vec<Item>) {
        // three sources (logs, spans, metrics) for each process
        let source = self.source + self.sessions % 4096 * 3;
        self.sessions += 1;
        let mut random = self.random.fork(self.sessions);
        let mut session = Session::start(&mut random, out, &self.developer, source, self.next);
        let turns = session.random.range(2, 8);
        for turn in 0..turns {
            let typing = if turn == 0 { 12.0 } else { 55.0 };
            let thinking = pause(session.random, typing, self.pace);
            session.rest(thinking);
            session.turn();
        }
        let end = session.clock;
        self.next = end + pause(&mut self.random, 240.0, self.pace);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::*;
    use crate::demo::people;
    use crate::demo::record::{SECOND, Signal};
    use serde_json::Value;

    fn episodes(seed: u64) -> Vec<Item> {
        let random = Random::new(seed);
        let developer = people::developers(&random).remove(0);
        let mut coder = Coder::new(random, 1, developer, 1_795_221_600 * SECOND, 1.0);
        let mut items = Vec::new();
        for _ in 0..12 {
            coder.act(&mut items);
        }
        items
    }

    fn attribute<'a>(record: &'a Value, key: &str) -> Option<&'a Value> {
        let list = record["attributes"].as_array()?;
        list.iter().find(|kv| kv["key"] == key)?["value"].as_object()?.values().next()
    }

    #[test]
    fn token_and_cost_metrics_sum_to_the_api_requests() {
        let items = episodes(3);
        let mut events: BTreeMap<&str, f64> = BTreeMap::new();
        for item in items.iter().filter(|item| item.kind == "claude_code.api_request") {
            for (key, kind) in [
                ("input_tokens", "input"),
                ("output_tokens", "output"),
                ("cache_read_tokens", "cacheRead"),
                ("cache_creation_tokens", "cacheCreation"),
                ("cost_usd", "cost"),
            ] {
                *events.entry(kind).or_default() += attribute(&item.record, key).unwrap().as_f64().unwrap();
            }
        }
        let mut metrics: BTreeMap<&str, f64> = BTreeMap::new();
        for measure in items.iter().flat_map(|item| &item.measures) {
            let attributes = measure.attributes.json();
            let kind = match measure.instrument.name {
                "claude_code.cost.usage" => "cost".to_owned(),
                "claude_code.token.usage" => {
                    let list = attributes.as_array().unwrap();
                    let of = list.iter().find(|kv| kv["key"] == "type").unwrap();
                    of["value"]["stringValue"].as_str().unwrap().to_owned()
                }
                _ => continue,
            };
            let kind = events.keys().find(|known| **known == kind).unwrap();
            *metrics.entry(kind).or_default() += measure.value;
        }
        assert_eq!(events.len(), 5);
        for (kind, sum) in &events {
            assert!((metrics[kind] - sum).abs() < 1e-9 * sum, "{kind}: {sum} in events, {} in metrics", metrics[kind]);
        }
    }

    #[test]
    fn spans_hang_together_and_lie_inside_their_parents() {
        let items = episodes(4);
        let spans: BTreeMap<&str, &Value> = items
            .iter()
            .filter(|item| item.signal == Signal::Traces)
            .map(|item| (item.record["spanId"].as_str().unwrap(), &item.record))
            .collect();
        let time = |span: &Value, key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
        assert!(spans.values().any(|span| span["name"] == "claude_code.tool.execution"));
        for span in spans.values() {
            assert!(time(span, "startTimeUnixNano") <= time(span, "endTimeUnixNano"));
            let Some(parent) = span["parentSpanId"].as_str() else {
                assert_eq!(span["name"], "claude_code.interaction");
                continue;
            };
            let parent = spans[parent];
            assert_eq!(parent["traceId"], span["traceId"]);
            assert!(time(parent, "startTimeUnixNano") <= time(span, "startTimeUnixNano"));
            assert!(
                time(span, "endTimeUnixNano") <= time(parent, "endTimeUnixNano"),
                "{} in {}",
                span["name"],
                parent["name"]
            );
        }
    }

    #[test]
    fn requests_and_tool_uses_join_events_to_spans() {
        let items = episodes(5);
        for (key, event, span) in [
            ("request_id", "claude_code.api_request", "claude_code.llm_request"),
            ("tool_use_id", "claude_code.tool_result", "claude_code.tool"),
        ] {
            let ids = |kind: &str, signal: Signal| -> HashSet<String> {
                let of_kind = items.iter().filter(|item| item.signal == signal && item.kind.ends_with(kind));
                of_kind.map(|item| attribute(&item.record, key).unwrap().to_string()).collect()
            };
            let (events, spans) = (ids(event, Signal::Logs), ids(span, Signal::Traces));
            assert!(!events.is_empty() && events.is_subset(&spans), "{key}");
        }
    }

    #[test]
    fn sequences_count_up_and_times_do_not_run_back() {
        let mut last: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for item in episodes(6).iter().filter(|item| item.signal == Signal::Logs) {
            let session = attribute(&item.record, "session.id").unwrap().to_string();
            let sequence = attribute(&item.record, "event.sequence").unwrap().as_u64().unwrap();
            if let Some((before, at)) = last.insert(session, (sequence, item.at)) {
                assert_eq!(sequence, before + 1);
                assert!(item.at >= at);
            }
        }
    }
}
