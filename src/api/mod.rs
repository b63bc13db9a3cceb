//! The HTTP API. The router is the table of contents; only `error` turns errors into responses.

mod error;
mod events;
mod compress;
pub mod operations;
mod params;
pub mod router;
mod stream;
