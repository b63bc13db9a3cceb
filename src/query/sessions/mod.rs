//! Sessions: what belongs to one `session_id`, as a list and one by one.
//!
//! A list is of the sessions with something in the window. Their figures are of all that lies within a day or a week around it, so
//! that a session over the window's edge is not cut.

mod figures;
mod list;
mod one;
pub(in crate::query) mod rows;
mod steps;

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

pub use list::{Filter, page};
pub use one::{Interaction, one};
pub use steps::Step;

/// Tokens of a call, or of all calls of a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tokens {
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_creation: u64,
}

#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Session {
    pub session_id: String,
    pub source: String,
    pub user_id: String,
    pub user_email: String,
    pub project: String,
    pub repository: String,
    pub service: String,
    pub start: String,
    pub end: String,
    pub duration_ms: u64,
    /// What Claude Code's own meter of active time says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_ms: Option<u64>,
    pub prompts: u64,
    /// Calls of a model, each once.
    pub requests: u64,
    pub tools: u64,
    pub tool_failures: u64,
    pub errors: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edits_accepted: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edits_rejected: Option<u64>,
    pub models: Vec<String>,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cache_read_tokens: u64,
    pub cache_creation_tokens: u64,
    /// Exact, as text.
    pub cost_usd: String,
    pub has_spans: bool,
}

pub struct Page {
    pub items: Vec<Session>,
    pub next_before: Option<Place>,
}

/// A session in the order of the list: by start, then by the hash of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    start_ns: i64,
    hash: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor: pass on what next_before_cursor said, unchanged")]
pub struct BadPlace;

/// Where a session lies in time, and its id.
#[derive(Debug, Clone)]
struct Found {
    session_id: String,
    hash: u64,
    start_ns: i64,
    last_ns: i64,
}

// === impl Place ===

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.start_ns, self.hash)
    }
}

impl FromStr for Place {
    type Err = BadPlace;

    fn from_str(text: &str) -> Result<Place, BadPlace> {
        let (start, hash) = text.split_once('.').ok_or(BadPlace)?;
        let start_ns = start.parse().ok().filter(|ns| *ns >= 0).ok_or(BadPlace)?;
        Ok(Place { start_ns, hash: hash.parse().map_err(|_| BadPlace)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_and_others_are_refused() {
        let place = Place { start_ns: 12, hash: u64::MAX };
        assert_eq!(place.to_string().parse(), Ok(place));
        for text in ["", "1", "1.", "1.x", "-1.2", "1.-2", "1.2.3", "1.99999999999999999999"] {
            assert_eq!(text.parse::<Place>(), Err(BadPlace), "{text}");
        }
    }
}
