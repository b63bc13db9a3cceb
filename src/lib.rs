//! ActivityLog: the path of an event, from a socket to a fsynced segment to ClickHouse to the page.
//!
//! ```text
//! ingest -> normalise -> spool -> ship -> ClickHouse -> query -> api, portal
//! ```
//! Imports point downward only (docs/ARCHITECTURE.md); `tests/it` reads the `use crate::` lines and fails otherwise.

pub mod engine;
pub mod ingest;
pub mod model;
pub mod normalise;
pub mod outcome;
pub mod spool;
