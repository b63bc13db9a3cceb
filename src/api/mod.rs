//! The HTTP API. The router is the table of contents; only `error` turns errors into responses.

mod compress;
pub mod diagnostics;
mod error;
mod events;
pub mod operations;
mod params;
pub mod router;
mod stream;
