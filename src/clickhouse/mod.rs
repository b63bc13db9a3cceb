//! ClickHouse, as a store: blocks, schema, inserts and reads. One code path for embedded, single server and cluster.

pub mod events;
pub mod insert;
pub mod metrics;
pub mod migrate;
pub mod native;
pub mod raw;
pub mod read;
pub mod reprice;
pub mod server;
pub mod table;
pub mod wall;
