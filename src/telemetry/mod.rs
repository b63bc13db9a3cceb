//! ActivityLog's own logs and counters. Nothing here is sent anywhere: `/metrics` is pulled.

pub mod bounded;
pub mod counters;
pub mod diagnostics;
pub mod log;
