//! The tree that `EXPLAIN AST` prints: a node a line, a blank of indentation a level, `(children N)` at the end.
//!
//! Names and aliases are printed as they are, so a line break in one makes lines that are no nodes. They can only add lines,
//! never hide one; and a tree whose counts do not come out even is not taken at all.

/// One node. Its text is the line without indentation and count.
#[derive(Debug, PartialEq, Eq)]
pub struct Node<'t> {
    pub text: &'t str,
    pub children: Vec<Node<'t>>,
}

/// Deeper trees are refused; ClickHouse's own parser stops not far from there.
const DEEPEST: usize = 1000;

// === impl Node ===

impl<'t> Node<'t> {
    /// `None`: it is not one whole tree.
    pub fn parse(printed: &'t str) -> Option<Node<'t>> {
        let mut lines = printed.lines().peekable();
        let root = node(&mut lines, 0)?;
        lines.next().is_none().then_some(root)
    }

    /// The first word.
    pub fn kind(&self) -> &'t str {
        self.text.split(' ').next().unwrap_or("")
    }

    /// What stands behind the kind, without an alias.
    pub fn name(&self) -> &'t str {
        let rest = self.text.split_once(' ').map_or("", |(_, rest)| rest);
        rest.split(" (alias ").next().unwrap_or("").trim()
    }
}

/// The stack is bounded by `DEEPEST`.
fn node<'t>(lines: &mut std::iter::Peekable<std::str::Lines<'t>>, depth: usize) -> Option<Node<'t>> {
    let line = lines.next()?;
    let text = line.trim_start_matches(' ');
    if line.len() - text.len() != depth || depth > DEEPEST {
        return None;
    }
    let (text, count) = counted(text);
    let mut children = Vec::with_capacity(count.min(64));
    for _ in 0..count {
        children.push(node(lines, depth + 1)?);
    }
    Some(Node { text, children })
}

fn counted(text: &str) -> (&str, usize) {
    let split = text.strip_suffix(')').and_then(|text| text.rsplit_once("(children "));
    match split.and_then(|(text, count)| Some((text, count.parse().ok()?))) {
        Some((text, count)) => (text.trim_end(), count),
        None => (text.trim_end(), 0),
    }
}
