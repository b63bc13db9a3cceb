//! Users, roles, projects, tokens, invites, webhook sources and tenants: who may change what about them, and what a change
//! takes with it. The API and the command line ask the same functions, so that there is one set of rules.
//!
//! ```text
//! (&Snapshot, who, request) -> Decision (the rows to write, the audit entries, the answer) | Problem
//! ```
//! Nothing here writes: a decision that is not written changed nothing.

pub mod invites;
pub mod members;
pub mod packs;
pub mod projects;
pub mod roles;
pub mod rules;
pub mod tenants;
pub mod tokens;
pub mod users;
pub mod webhooks;

use crate::audit::Entry;
use crate::auth::permissions::{PLATFORM_ADMIN, Permission, Permissions};
use crate::auth::principal::Via;
use crate::auth::secret::NoRandomness;
use crate::auth::{Denied, Principal};
use crate::control::Change;
use crate::model::scope::Scope;

/// What is to be written, and what is said about it.
#[derive(Debug)]
pub struct Decision<T> {
    /// Empty: it is so already.
    pub change: Change,
    pub entries: Vec<Entry>,
    pub answer: T,
}

/// Why something can't be done. Each is for whoever asked.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// What was said makes no sense.
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    NotAllowed(String),
    /// There is no such thing, or it is not theirs to know of.
    #[error("{0}")]
    Unknown(String),
    /// It contradicts what is there.
    #[error("{0}")]
    Conflict(String),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// Who acts on the command line: whoever may read the engine's secrets may do everything.
pub fn operator(tenant: &str) -> Principal {
    Principal {
        scope: Scope::whole_tenant(tenant),
        user_id: "operator".to_owned(),
        email: String::new(),
        name: String::new(),
        role: PLATFORM_ADMIN.to_owned(),
        permissions: Permissions::of(Permission::ALL),
        via: Via::Anonymous,
        source_ip: String::new(),
    }
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

// === impl Decision ===

impl<T> Decision<T> {
    pub fn new(change: Change, entry: Entry, answer: T) -> Decision<T> {
        Decision { change, entries: vec![entry], answer }
    }

    /// It is as it was asked to be.
    pub fn nothing(answer: T) -> Decision<T> {
        Decision { change: Change::new(), entries: Vec::new(), answer }
    }
}

// === impl Problem ===

impl Problem {
    fn invalid(text: impl Into<String>) -> Problem {
        Problem::Invalid(text.into())
    }

    fn conflict(text: impl Into<String>) -> Problem {
        Problem::Conflict(text.into())
    }

    fn not_allowed(text: impl Into<String>) -> Problem {
        Problem::NotAllowed(text.into())
    }

    fn unknown(what: &str, name: &str) -> Problem {
        Problem::Unknown(format!("there is no {what} {name:?}"))
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Problem {
        Problem::NotAllowed(denied.to_string())
    }
}
