//! Spans as nodes of a forest, and log events laid into them or put beside them.

use std::collections::HashMap;

use super::super::rows::Row;
use super::{BySpan, Kind, Node, kind};

/// What log events are looked up by.
#[derive(Default)]
struct Known {
    spans: BySpan,
    /// Model requests by what names the call.
    calls: HashMap<String, usize>,
    /// Tool calls by their id.
    tools: HashMap<String, usize>,
    /// Prompts by the id that everything they led to carries.
    prompts: HashMap<String, usize>,
    /// Runs of subagents by the id of the agent.
    agents: HashMap<String, usize>,
}

pub(super) fn nodes(rows: Vec<Row>) -> Vec<Node> {
    let (spans, logs): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.is_span);
    let mut nodes: Vec<Node> = Vec::with_capacity(spans.len() + logs.len());
    let mut known = Known::default();
    for row in spans {
        add_span(row, &mut nodes, &mut known);
    }
    for (at, node) in nodes.iter_mut().enumerate() {
        node.parent = known.span(&node.row.trace_id, &node.row.parent_span_id).filter(|parent| *parent != at);
    }
    // What others are a part of comes first: a decision is laid into its tool call, which a result may tell of.
    let mut logs: Vec<(u8, Row)> = logs.into_iter().map(|row| (turn(&row), row)).collect();
    logs.sort_by_key(|(turn, _)| *turn);
    let first = nodes.len();
    for (_, row) in logs {
        add_log(row, &mut nodes, &mut known);
    }
    for at in first..nodes.len() {
        nodes[at].parent = parent(at, &nodes, &known);
    }
    nodes
}

fn turn(row: &Row) -> u8 {
    match row.event_type.as_str() {
        "claude_code.user_prompt" => 0,
        "claude_code.tool_result" | "claude_code.api_request" | "claude_code.subagent_completed" => 1,
        "claude_code.api_error" => 2,
        _ => 3,
    }
}

fn add_span(row: Row, nodes: &mut Vec<Node>, known: &mut Known) {
    let at = nodes.len();
    let kind = kind::kind(&row);
    if !row.span_id.is_empty() {
        known.spans.entry((row.trace_id.clone(), row.span_id.clone())).or_insert(at);
    }
    if kind == Kind::Model && !row.call.is_empty() && !row.is_aggregate {
        known.calls.entry(row.call.clone()).or_insert(at);
    }
    if kind == Kind::Tool && !row.target_id.is_empty() {
        known.tools.entry(row.target_id.clone()).or_insert(at);
    }
    nodes.push(Node { name: kind::name(kind, &row), kind, start_ns: row.ns, parent: None, row });
}

/// Into a step that is there, or as one of its own.
fn add_log(row: Row, nodes: &mut Vec<Node>, known: &mut Known) {
    let place = match row.event_type.as_str() {
        "claude_code.user_prompt" => {
            known.span(&row.trace_id, &row.span_id).filter(|at| nodes[*at].kind == Kind::Prompt)
        }
        "claude_code.api_request" => known.call(&row.call),
        "claude_code.tool_result" | "claude_code.tool_decision" => known.tools.get(&row.target_id).copied(),
        "claude_code.subagent_completed" => known
            .span(&row.trace_id, &row.span_id)
            .filter(|at| nodes[*at].row.event_type == "claude_code.tool.execution" && nodes[*at].kind != Kind::Agent),
        "claude_code.api_error" => known.call(&row.call).or_else(|| failed_beside(&row, nodes)),
        // Says once more what the last error said.
        "claude_code.api_retries_exhausted" => last_failure(&row, nodes),
        _ if kind::kind(&row) == Kind::Model => known.call(&row.call),
        _ => None,
    };
    let at = match place {
        Some(at) => {
            lay(&row, &mut nodes[at]);
            at
        }
        None => {
            let at = nodes.len();
            let kind = kind::kind(&row);
            // A log event is said when it is over.
            let start_ns = row.ns.saturating_sub(i64::try_from(row.duration_ns).unwrap_or(0)).max(0);
            nodes.push(Node { name: kind::name(kind, &row), kind, start_ns, parent: None, row: row.clone() });
            at
        }
    };
    let names = match row.event_type.as_str() {
        "claude_code.user_prompt" => Some((&mut known.prompts, row.correlation_id)),
        "claude_code.api_request" => Some((&mut known.calls, row.call)),
        "claude_code.tool_result" | "claude_code.tool_decision" => Some((&mut known.tools, row.target_id)),
        "claude_code.subagent_completed" => Some((&mut known.agents, row.agent_id)),
        _ if kind::kind(&row) == Kind::Model => Some((&mut known.calls, row.call)),
        _ => None,
    };
    if let Some((names, name)) = names.filter(|(_, name)| !name.is_empty()) {
        names.entry(name).or_insert(at);
    }
}

/// What the span lacks.
fn lay(row: &Row, node: &mut Node) {
    let kind = kind::kind(row);
    if kind == Kind::Agent {
        node.kind = kind;
        node.row.message = row.message.clone();
    }
    if matches!(kind, Kind::Prompt | Kind::Agent) {
        node.name = kind::name(kind, row);
    }
    // An accepted call is not done yet, and a call that failed did not become better.
    let decided = row.event_type == "claude_code.tool_decision";
    if node.row.outcome.is_empty() && (!decided || row.outcome == "rejected") {
        node.row.outcome = row.outcome.clone();
    }
    for (ours, theirs) in [
        (&mut node.row.error_type, &row.error_type),
        (&mut node.row.call_key, &row.call_key),
        (&mut node.row.correlation_id, &row.correlation_id),
        (&mut node.row.agent_id, &row.agent_id),
    ] {
        if ours.is_empty() && !theirs.is_empty() {
            ours.clone_from(theirs);
        }
    }
}

/// The span of a call that failed without an id: of the same parent, and over when the error was said.
fn failed_beside(row: &Row, nodes: &[Node]) -> Option<usize> {
    const CLOSE_NS: i64 = 1_000_000_000;
    let fits = |node: &Node| {
        node.row.is_span
            && node.kind == Kind::Model
            && node.row.outcome == "failure"
            && node.row.trace_id == row.trace_id
            && (row.span_id.is_empty() || node.row.parent_span_id == row.span_id)
            && (node.end_ns() - row.ns).abs() < CLOSE_NS
    };
    nodes.iter().position(fits)
}

fn last_failure(row: &Row, nodes: &[Node]) -> Option<usize> {
    let fits = |node: &Node| {
        (node.row.event_type == "claude_code.api_error" || (node.kind == Kind::Model && node.row.outcome == "failure"))
            && node.row.ns <= row.ns
            && (node.row.correlation_id == row.correlation_id || node.row.correlation_id.is_empty())
            && (node.row.trace_id == row.trace_id)
    };
    nodes.iter().rposition(fits)
}

/// Of a log event's step: the span it was said in, else the agent, else the prompt.
fn parent(at: usize, nodes: &[Node], known: &Known) -> Option<usize> {
    let node = &nodes[at];
    let row = &node.row;
    let span = known.span(&row.trace_id, &row.span_id).or_else(|| known.span(&row.trace_id, &row.parent_span_id));
    let agent = || known.agents.get(&row.agent_id).copied().filter(|_| !row.agent_id.is_empty());
    let of_agent = || if node.kind == Kind::Agent { containing(node, nodes) } else { agent() };
    let prompt = || known.prompts.get(&row.correlation_id).copied().filter(|_| !row.correlation_id.is_empty());
    span.or_else(of_agent).or_else(prompt).filter(|parent| *parent != at)
}

/// The call of the tool that ran an agent: the shortest that was under way when the agent was done.
fn containing(agent: &Node, nodes: &[Node]) -> Option<usize> {
    const CLOCK_NS: i64 = 100_000_000;
    let done = agent.row.ns;
    let around = |node: &Node| {
        node.kind == Kind::Tool
            && matches!(node.row.tool_name.as_str(), "Agent" | "Task")
            && node.row.correlation_id == agent.row.correlation_id
            && node.start_ns <= agent.start_ns.saturating_add(CLOCK_NS)
            && node.end_ns() >= done
    };
    let fitting = nodes.iter().enumerate().filter(|(_, node)| around(node));
    fitting.min_by_key(|(_, node)| node.row.duration_ns).map(|(at, _)| at)
}

// === impl Known ===

impl Known {
    fn span(&self, trace_id: &str, span_id: &str) -> Option<usize> {
        if span_id.is_empty() {
            return None;
        }
        self.spans.get(&(trace_id.to_owned(), span_id.to_owned())).copied()
    }

    fn call(&self, call: &str) -> Option<usize> {
        self.calls.get(call).copied().filter(|_| !call.is_empty())
    }
}
