//! From sealed segments to ClickHouse: in order, again and again until committed, each exactly once.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::clickhouse::insert::insert_segment;
use crate::clickhouse::server::{Server, StoreError};
use crate::clickhouse::table::Block;
use crate::spool::{Batch, Lane, Lanes, SealedSegment};
use crate::telemetry::counters::Counters;

/// A table's block, as the spool's batch.
#[derive(Debug, Default)]
pub struct Rows<B>(pub B);

/// Told when something was shipped: `Lanes::readable_until` says what can be read then.
pub type Shipped = watch::Sender<()>;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Runs until the lane is closed and empty. A lane's segments go out in order, so nothing older turns up behind what was shipped.
pub async fn ship<B: Block>(
    lanes: Arc<Lanes<Rows<B>>>,
    lane: Lane,
    server: Server,
    counters: Arc<Counters>,
    shipped: Arc<Shipped>,
) {
    while let Some(segment) = lanes.next_sealed(lane).await {
        let newest = *segment.received_at_ms().end();
        let settled = match until_committed(&segment, B::TABLE, &server, &counters).await {
            Ok(()) => segment.done().await,
            Err(never) => segment.quarantine(&never.to_string()).await,
        };
        if let Err(error) = settled {
            // It stays in its place and is sent again under the same token: nothing is added.
            tracing::error!(%error, "a settled segment could not be moved");
            tokio::time::sleep(LONGEST_PAUSE).await;
        }
        // Also when it stays where it is: what an earlier run left in the spool is older, and somebody may wait for it.
        lanes.shipped(lane, newest);
        let _ = shipped.send(());
    }
}

/// Sends the segment until ClickHouse took it, or said that it never can.
async fn until_committed(
    segment: &SealedSegment,
    table: &str,
    server: &Server,
    counters: &Counters,
) -> Result<(), StoreError> {
    let mut pause = FIRST_PAUSE;
    loop {
        let started = Instant::now();
        let error = match send(segment, table, server).await {
            Ok(()) => {
                counters.inserts.record(started.elapsed());
                tracing::debug!(token = segment.token(), rows = segment.rows(), "shipped");
                return Ok(());
            }
            Err(error) => error,
        };
        counters.insert_failures.fetch_add(1, Relaxed);
        if !error.is_retryable() {
            tracing::error!(token = segment.token(), %error, "ClickHouse can't take this segment; it is kept in quarantine");
            return Err(error);
        }
        tracing::warn!(token = segment.token(), %error, retry_in = ?pause, "insert failed");
        tokio::time::sleep(pause.mul_f64(0.5 + jitter())).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn send(segment: &SealedSegment, table: &str, server: &Server) -> Result<(), StoreError> {
    let frames =
        segment.load().await.map_err(|error| StoreError::Unreachable(format!("cannot read the segment: {error}")))?;
    if frames.is_empty() {
        return Ok(());
    }
    insert_segment(server, table, segment.token(), frames).await
}

/// From 0 to 1: so that nodes that failed together do not come back together.
fn jitter() -> f64 {
    f64::from(getrandom::u32().unwrap_or(0)) / f64::from(u32::MAX)
}

// === impl Rows ===

impl<B: Block> Batch for Rows<B> {
    fn rows(&self) -> usize {
        self.0.rows()
    }
    fn bytes(&self) -> usize {
        self.0.bytes()
    }
    fn truncate(&mut self, rows: usize) {
        self.0.truncate(rows);
    }
    fn encode(&mut self, received_at_ms: i64, out: &mut Vec<u8>) {
        self.0.write(received_at_ms, out);
        self.0.clear();
    }
}
