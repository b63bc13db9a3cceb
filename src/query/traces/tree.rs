//! Spans as a tree, whatever they say of their parents.

use std::collections::{HashMap, HashSet};

use super::super::sessions::rows::{Calls, Row};
use super::{Log, Span};
use crate::query::sessions::Tokens;
use crate::query::time;

/// What is deeper stands beside its parent: nothing that reads or writes the answer should need a stack without end.
const DEEPEST: usize = 50;

/// The roots with everything below them, and the logs of no span. All are in the order of time.
pub(super) fn of(spans: Vec<Row>, logs: Vec<Row>, calls: &Calls, start_ns: i64) -> (Vec<Span>, Vec<Log>) {
    let mut by_id: HashMap<&str, usize> = HashMap::new();
    for (at, row) in spans.iter().enumerate().filter(|(_, row)| !row.span_id.is_empty()) {
        by_id.entry(&row.span_id).or_insert(at);
    }
    let named: Vec<Option<usize>> = spans
        .iter()
        .enumerate()
        .map(|(at, row)| by_id.get(row.parent_span_id.as_str()).copied().filter(|parent| *parent != at))
        .collect();
    let (parents, depths) = without_cycles(named);
    let mut owned: Vec<Vec<Log>> = vec![Vec::new(); spans.len()];
    let mut others = Vec::new();
    for row in logs {
        match by_id.get(row.span_id.as_str()).filter(|_| !row.span_id.is_empty()) {
            Some(at) => owned[*at].push(log(row)),
            None => others.push(log(row)),
        }
    }
    // A call that has a span and a log event of its own key is told once, by the span.
    let mut told = HashSet::new();
    let mut built: Vec<Option<Span>> = Vec::with_capacity(spans.len());
    for (at, logs) in owned.into_iter().enumerate() {
        let orphan = parents[at].is_none() && !spans[at].parent_span_id.is_empty();
        let used = calls.get(&spans[at].call_key).filter(|_| told.insert(spans[at].call_key.as_str()));
        let span = Span { orphan, depth: depths[at], logs, ..span(&spans[at], start_ns) };
        let tokens = used.map(|used| used.tokens).or(span.tokens);
        built.push(Some(Span { tokens, cost_usd: used.map(|used| used.cost_usd.clone()), ..span }));
    }
    (hang(built, &parents, &depths), others)
}

/// The deepest first, each to its parent.
fn hang(mut built: Vec<Option<Span>>, parents: &[Option<usize>], depths: &[usize]) -> Vec<Span> {
    let mut order: Vec<usize> = (0..built.len()).collect();
    // Of one depth the latest first: each is put before those that are there.
    order.sort_by_key(|&at| std::cmp::Reverse((depths[at], at)));
    let mut roots = Vec::new();
    for at in order {
        let Some(mut span) = built[at].take() else { continue };
        span.children.reverse();
        let mut parent = parents[at];
        let mut depth = depths[at];
        while depth > DEEPEST {
            parent = parent.and_then(|parent| parents[parent]);
            depth -= 1;
        }
        match parent.and_then(|parent| built[parent].as_mut()) {
            Some(parent) => parent.children.push(span),
            None => roots.push(span),
        }
    }
    roots.reverse();
    roots
}

/// The parents, and how deep each stands. Whatever is its own ancestor is a root.
fn without_cycles(mut parents: Vec<Option<usize>>) -> (Vec<Option<usize>>, Vec<usize>) {
    let mut depths: Vec<Option<usize>> = vec![None; parents.len()];
    for at in 0..parents.len() {
        let (mut path, mut on_path, mut next) = (Vec::new(), HashSet::new(), Some(at));
        let mut depth = loop {
            let Some(here) = next else { break 0 };
            if let Some(known) = depths[here] {
                break known + 1;
            }
            on_path.insert(here);
            path.push(here);
            if parents[here].is_some_and(|parent| on_path.contains(&parent)) {
                parents[here] = None;
            }
            next = parents[here];
        };
        while let Some(here) = path.pop() {
            depths[here] = Some(depth);
            depth += 1;
        }
    }
    (parents, depths.into_iter().map(Option::unwrap_or_default).collect())
}

fn span(row: &Row, start_ns: i64) -> Span {
    let own = Tokens {
        input: row.input_tokens,
        output: row.output_tokens,
        cache_read: row.cache_read_tokens,
        cache_creation: row.cache_creation_tokens,
    };
    Span {
        event_id: row.id.clone(),
        span_id: row.span_id.clone(),
        parent_span_id: row.parent_span_id.clone(),
        orphan: false,
        depth: 0,
        service: row.service.clone(),
        name: if row.span_name.is_empty() { row.event_type.clone() } else { row.span_name.clone() },
        event_type: row.event_type.clone(),
        event_class: row.event_class.clone(),
        kind: row.span_kind.clone(),
        time: time::format(row.ns),
        offset_ms: (row.ns - start_ns) as f64 / 1e6,
        duration_ms: row.duration_ns as f64 / 1e6,
        outcome: row.outcome.clone(),
        model: row.model.clone(),
        tool_name: row.tool_name.clone(),
        tokens: Some(own).filter(|own| *own != Tokens::default() && !row.is_aggregate),
        cost_usd: None,
        children: Vec::new(),
        logs: Vec::new(),
    }
}

fn log(row: Row) -> Log {
    Log {
        event_id: row.id,
        time: time::format(row.ns),
        event_type: row.event_type,
        event_class: row.event_class,
        severity: row.severity,
        message: row.message,
    }
}
