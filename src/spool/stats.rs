//! What the spool counts. Gauges and counters are plain atomics, written where the thing happens and read by `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// One reading of a spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpoolStats {
    /// Rows on disk and not yet in ClickHouse, the open segment's included, the quarantine's not.
    pub rows: u64,
    /// Bytes on disk, the quarantine's included: what `max_bytes` limits.
    pub bytes: u64,
    /// Sealed segments that wait or are being shipped.
    pub segments: u64,
    /// Age of the oldest row that waits.
    pub oldest: Option<Duration>,
    /// Segments and damaged pieces in the quarantine: more than none is worth a look.
    pub quarantined: u64,
    pub quarantine_bytes: u64,
    pub commits: u64,
    pub fsyncs: u64,
    pub write_errors: u64,
    pub appended_rows: u64,
    pub shipped_segments: u64,
    pub shipped_rows: u64,
    /// Unacknowledged bytes that recovery cut off.
    pub torn_bytes: u64,
    /// Acknowledged bytes that recovery found damaged and kept aside.
    pub damaged_bytes: u64,
    /// Exports that are remembered.
    pub replay_keys: u64,
    /// Those that went before their window was over, for want of room.
    pub replay_evicted_early: u64,
    /// The same of deliveries.
    pub delivery_keys: u64,
    pub delivery_evicted_early: u64,
    pub duplicates: u64,
}

impl SpoolStats {
    /// Of two spools together.
    pub fn and(&self, other: &SpoolStats) -> SpoolStats {
        SpoolStats {
            rows: self.rows + other.rows,
            bytes: self.bytes + other.bytes,
            segments: self.segments + other.segments,
            oldest: self.oldest.max(other.oldest),
            quarantined: self.quarantined + other.quarantined,
            quarantine_bytes: self.quarantine_bytes + other.quarantine_bytes,
            commits: self.commits + other.commits,
            fsyncs: self.fsyncs + other.fsyncs,
            write_errors: self.write_errors + other.write_errors,
            appended_rows: self.appended_rows + other.appended_rows,
            shipped_segments: self.shipped_segments + other.shipped_segments,
            shipped_rows: self.shipped_rows + other.shipped_rows,
            torn_bytes: self.torn_bytes + other.torn_bytes,
            damaged_bytes: self.damaged_bytes + other.damaged_bytes,
            replay_keys: self.replay_keys + other.replay_keys,
            replay_evicted_early: self.replay_evicted_early + other.replay_evicted_early,
            delivery_keys: self.delivery_keys + other.delivery_keys,
            delivery_evicted_early: self.delivery_evicted_early + other.delivery_evicted_early,
            duplicates: self.duplicates + other.duplicates,
        }
    }
}

#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

#[derive(Debug, Default)]
pub struct Counters {
    pub open_bytes: Counter,
    pub open_rows: Counter,
    /// `received_at` of the open segment's first row, 0 for none.
    pub open_since_ms: Counter,
    pub sealed_bytes: Counter,
    pub sealed_rows: Counter,
    pub quarantine_bytes: Counter,
    pub quarantined: Counter,
    pub commits: Counter,
    pub fsyncs: Counter,
    pub write_errors: Counter,
    pub appended_rows: Counter,
    pub shipped_segments: Counter,
    pub shipped_rows: Counter,
    pub torn_bytes: Counter,
    pub damaged_bytes: Counter,
    pub duplicates: Counter,
}

// === impl Counter ===

impl Counter {
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    pub fn sub(&self, n: u64) {
        self.0.fetch_sub(n, Relaxed);
    }

    pub fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

// === impl Counters ===

impl Counters {
    /// What ClickHouse has still to take.
    pub fn waiting_bytes(&self) -> u64 {
        self.open_bytes.get() + self.sealed_bytes.get()
    }

    pub fn bytes(&self) -> u64 {
        self.open_bytes.get() + self.sealed_bytes.get() + self.quarantine_bytes.get()
    }
}
