//! ActivityLog: the path of an event, from a socket to a fsynced segment to ClickHouse to the page.
//!
//! ```text
//! ingest -> normalise -> spool -> ship -> ClickHouse -> query -> api, portal
//! ```
//! Imports point downward only (docs/ARCHITECTURE.md); `tests/it` reads the `use crate::` lines and fails otherwise.

// The rooms, from the front door down.
pub mod cli;
pub mod app;
pub mod demo;
pub mod ingest;
pub mod api;
pub mod portal;
pub mod net;
pub mod ship;
pub mod query;
pub mod live;
pub mod spool;
pub mod clickhouse;
pub mod engine;
pub mod auth;
pub mod limits;
pub mod normalise;
pub mod model;
pub mod outcome;
pub mod config;
pub mod telemetry;
