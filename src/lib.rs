//! ActivityLog: the path of an event, from a socket to a fsynced segment to ClickHouse to the page.
//!
//! ```text
//! ingest -> normalise -> spool -> ship -> ClickHouse -> query -> api, portal
//! ```
//! Imports point downward only (docs/ARCHITECTURE.md); `tests/it` reads the `use crate::` lines and fails otherwise.

// The rooms, from the front door down.
pub mod api;
pub mod app;
pub mod audit;
pub mod auth;
pub mod cli;
pub mod clickhouse;
pub mod config;
pub mod control;
pub mod demo;
pub mod engine;
pub mod gateway;
pub mod ingest;
pub mod limits;
pub mod live;
pub mod model;
pub mod net;
pub mod normalise;
pub mod outcome;
pub mod packs;
pub mod people;
pub mod portal;
pub mod prices;
pub mod query;
pub mod ship;
pub mod spool;
pub mod telemetry;
