//! A session's rows as the steps of an interaction.
//!
//! Each span is a step. A log event that tells of what a span tells is laid into that step; any other is a step of its own, so that a
//! session without spans, or with some, reads the same.

mod fold;
mod kind;

use std::collections::{HashMap, HashSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::Tokens;
use super::rows::{Calls, Row};
use crate::query::time;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Prompt,
    Model,
    Tool,
    Hook,
    Agent,
    Error,
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum From {
    Span,
    Log,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Step {
    pub id: String,
    /// The step that it is a part of.
    pub parent_id: Option<String>,
    pub depth: usize,
    pub kind: Kind,
    pub name: String,
    /// When it began.
    pub time: String,
    pub duration_ms: f64,
    pub outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Tokens>,
    /// Exact, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<String>,
    pub event_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    pub from: From,
}

/// A step in the making.
struct Node {
    row: Row,
    kind: Kind,
    name: String,
    start_ns: i64,
    parent: Option<usize>,
}

impl Node {
    fn end_ns(&self) -> i64 {
        self.start_ns.saturating_add(i64::try_from(self.row.duration_ns).unwrap_or(i64::MAX))
    }
}

/// In the order of time; what contains others goes before them. `rows`: the oldest first.
pub(super) fn of(rows: Vec<Row>, calls: &Calls) -> Vec<Step> {
    let mut nodes = fold::nodes(rows);
    settle(&mut nodes);
    let depths = depths(&mut nodes);
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_key(|&at| (nodes[at].start_ns, depths[at], at));
    let mut told = HashSet::new();
    order.into_iter().map(|at| step(&nodes, at, depths[at], calls, &mut told)).collect()
}

/// What the parts of a tool call say of how it went; and which of them was a subagent's run.
fn settle(nodes: &mut [Node]) {
    for at in 0..nodes.len() {
        let Some(parent) = nodes[at].parent.filter(|parent| *parent != at) else { continue };
        let (event_type, outcome) = (nodes[at].row.event_type.as_str(), nodes[at].row.outcome.as_str());
        let part = match event_type {
            "claude_code.tool.execution" => !outcome.is_empty(),
            "claude_code.tool.blocked_on_user" => outcome == "rejected",
            _ => false,
        };
        if part && nodes[parent].row.outcome.is_empty() {
            nodes[parent].row.outcome = nodes[at].row.outcome.clone();
            nodes[parent].row.error_type = nodes[at].row.error_type.clone();
        }
        if nodes[at].kind == Kind::Model && nodes[parent].row.event_type == "claude_code.tool.execution" {
            let agent = nodes[parent].parent.map(|tool| nodes[tool].row.feature.clone()).unwrap_or_default();
            let run = &mut nodes[parent];
            if run.kind != Kind::Agent {
                run.kind = Kind::Agent;
                run.name = if agent.is_empty() { "subagent".to_owned() } else { agent };
            }
        }
    }
}

/// How deep each stands. Whatever is its own ancestor has no parent.
fn depths(nodes: &mut [Node]) -> Vec<usize> {
    let mut depths: Vec<Option<usize>> = vec![None; nodes.len()];
    for at in 0..nodes.len() {
        let (mut path, mut on_path) = (vec![at], HashSet::from([at]));
        let mut depth = loop {
            let last = path[path.len() - 1];
            if let Some(known) = depths[last] {
                path.pop();
                break known + 1;
            }
            match nodes[last].parent {
                Some(parent) if on_path.insert(parent) => path.push(parent),
                // No parent, or one that is on the path already.
                _ => {
                    nodes[last].parent = None;
                    break 0;
                }
            }
        };
        while let Some(next) = path.pop() {
            depths[next] = Some(depth);
            depth += 1;
        }
    }
    depths.into_iter().map(Option::unwrap_or_default).collect()
}

fn step(nodes: &[Node], at: usize, depth: usize, calls: &Calls, told: &mut HashSet<String>) -> Step {
    let node = &nodes[at];
    let row = &node.row;
    let used = calls.get(&row.call_key).filter(|_| !row.is_aggregate && told.insert(row.call_key.clone()));
    let own = Tokens {
        input: row.input_tokens,
        output: row.output_tokens,
        cache_read: row.cache_read_tokens,
        cache_creation: row.cache_creation_tokens,
    };
    // What `pub.usage` does not know, the row itself may: but not what repeats others.
    let own = Some(own).filter(|own| *own != Tokens::default() && !row.is_aggregate && row.call_key.is_empty());
    let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Step {
        id: row.id.clone(),
        parent_id: node.parent.map(|parent| nodes[parent].row.id.clone()),
        depth,
        kind: node.kind,
        name: node.name.clone(),
        time: time::format(node.start_ns),
        duration_ms: row.duration_ns as f64 / 1e6,
        outcome: row.outcome.clone(),
        model: text(&row.model),
        tool_name: text(&row.tool_name),
        error_type: text(&row.error_type),
        tokens: used.map(|used| used.tokens).or(own),
        cost_usd: used.map(|used| used.cost_usd.clone()),
        event_id: row.id.clone(),
        trace_id: text(&row.trace_id),
        message: text(&row.message),
        from: if row.is_span { From::Span } else { From::Log },
    }
}

/// Spans by trace and id.
type BySpan = HashMap<(String, String), usize>;

#[cfg(test)]
mod tests;
