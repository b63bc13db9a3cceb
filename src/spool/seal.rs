//! When the open segment is sealed, as a pure rule:
//!
//! - at `segment_bytes`: at once;
//! - at `segment_age`, while fewer than `backlog_segments` wait: behind a backlog, small segments would only become small
//!   parts, so that an outage of ClickHouse leaves few large files;
//! - when a shipper has nothing to do: after a quiet time, or at once for the first commit after an idle while; at most one
//!   such seal per `idle_interval`.

use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy)]
pub struct SealRule {
    pub segment_bytes: u64,
    pub segment_age: Duration,
    pub backlog_segments: usize,
    pub idle_quiet: Duration,
    pub idle_interval: Duration,
}

/// The open segment, as the rule sees it.
#[derive(Debug, Clone, Copy)]
pub struct OpenView {
    pub bytes: u64,
    pub first: Instant,
    pub last: Instant,
    /// It holds one commit, and none came for `idle_interval` before it.
    pub after_idle: bool,
}

// === impl SealRule ===

impl SealRule {
    /// When to seal if nothing more happens; none for "not before the backlog shrinks".
    pub fn due(
        &self,
        open: OpenView,
        last_idle_seal: Option<Instant>,
        shipper_waits: bool,
        backlog: usize,
    ) -> Option<Instant> {
        if open.bytes >= self.segment_bytes {
            return Some(open.last);
        }
        let by_age = (backlog < self.backlog_segments).then(|| open.first + self.segment_age);
        let by_idleness = shipper_waits.then(|| {
            let quiet = if open.after_idle { open.last } else { open.last + self.idle_quiet };
            last_idle_seal.map_or(quiet, |last| quiet.max(last + self.idle_interval))
        });
        by_age.into_iter().chain(by_idleness).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const RULE: SealRule = SealRule {
        segment_bytes: 1000,
        segment_age: Duration::from_secs(1),
        backlog_segments: 8,
        idle_quiet: Duration::from_millis(20),
        idle_interval: Duration::from_millis(250),
    };

    fn view(start: Instant) -> OpenView {
        OpenView { bytes: 10, first: start, last: start + 100 * MS, after_idle: false }
    }

    #[test]
    fn a_full_segment_is_sealed_at_once_also_behind_a_backlog() {
        let start = Instant::now();
        let open = OpenView { bytes: 1000, ..view(start) };
        assert_eq!(RULE.due(open, None, false, 99), Some(open.last));
    }

    #[test]
    fn age_counts_from_the_first_commit_but_not_behind_a_backlog() {
        let start = Instant::now();
        assert_eq!(RULE.due(view(start), None, false, 7), Some(start + 1000 * MS));
        assert_eq!(RULE.due(view(start), None, false, 8), None);
    }

    #[test]
    fn a_waiting_shipper_gets_what_is_there_after_a_quiet_time() {
        let start = Instant::now();
        assert_eq!(RULE.due(view(start), None, true, 0), Some(start + 120 * MS));
        assert_eq!(RULE.due(view(start), Some(start + 60 * MS), true, 0), Some(start + 310 * MS));
    }

    #[test]
    fn the_first_event_after_idleness_goes_out_at_once() {
        let start = Instant::now();
        let open = OpenView { last: start, after_idle: true, ..view(start) };
        assert_eq!(RULE.due(open, None, true, 0), Some(start));
        assert_eq!(RULE.due(open, Some(start - 300 * MS), true, 0), Some(start));
    }
}
