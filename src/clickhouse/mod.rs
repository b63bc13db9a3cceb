//! ClickHouse, as a store: blocks, schema, inserts and reads. One code path for embedded, single server and cluster.

pub mod events;
pub mod metrics;
pub mod native;
pub mod table;
