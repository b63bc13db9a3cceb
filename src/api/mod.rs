//! The HTTP API. The router is the table of contents; only `error` turns errors into responses.

pub mod access;
pub mod activity;
mod body;
mod compress;
pub mod diagnostics;
mod error;
mod events;
pub mod files;
pub mod grpc;
mod messages;
pub mod operations;
mod packs;
mod params;
mod people;
pub mod route;
pub mod router;
mod session;
mod sessions;
mod sql;
mod stream;
mod values;
