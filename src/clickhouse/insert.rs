//! Inserting a segment: its bytes are the body, its name is the deduplication token.

use bytes::Bytes;

use super::server::{Server, StoreError};

/// The same token sent again adds nothing, in the table and in its materialized views.
pub async fn insert_segment(server: &Server, table: &str, token: &str, frames: Vec<Bytes>) -> Result<(), StoreError> {
    insert(server, table, token, true, frames).await
}

/// A block as it is, for what has no segment.
pub async fn insert_block(server: &Server, table: &str, token: &str, block: Vec<u8>) -> Result<(), StoreError> {
    insert(server, table, token, false, vec![block.into()]).await
}

async fn insert(
    server: &Server,
    table: &str,
    token: &str,
    compressed: bool,
    frames: Vec<Bytes>,
) -> Result<(), StoreError> {
    let mut insert = server
        .client()
        .insert_formatted_with(format!("INSERT INTO {table} FORMAT Native"))
        .with_setting("decompress", if compressed { "1" } else { "0" })
        .with_setting("insert_deduplicate", "1")
        .with_setting("insert_deduplication_token", token)
        .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1")
        // A column that the table lost would otherwise be dropped without a word.
        .with_setting("input_format_skip_unknown_fields", "0")
        // Sorted, not merged: a ReplacingMergeTree would otherwise merge each block at insert (2.6 times the CPU).
        .with_setting("optimize_on_insert", "0")
        .with_setting("async_insert", "0")
        // Webhooks may tell of old facts, each week a partition; a refused block would be refused for ever.
        .with_setting("max_partitions_per_insert_block", "0")
        .with_timeouts(Some(server.timeout()), Some(server.timeout()));
    for frame in frames {
        insert.send(frame).await?;
    }
    insert.end().await?;
    Ok(())
}
