//! The figures of a run, for people and as one line of JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::Tally;
use crate::procfs::Watched;

pub struct Processes {
    pub generator: Watched,
    pub receiver: Option<Watched>,
    pub engine: Option<Watched>,
}

pub struct Report {
    records: u64,
    rejected: u64,
    unsent: u64,
    retries: u64,
    seconds: f64,
    bytes_per_record: u64,
    /// Sorted.
    latencies: Vec<Duration>,
    not_ok: BTreeMap<String, u64>,
    processes: Vec<Process>,
}

struct Process {
    name: &'static str,
    cpu_micros_per_record: Option<f64>,
    peak_mib: Option<f64>,
}

// === impl Report ===

impl Report {
    pub fn new(
        batch: u64,
        requests: u64,
        request_bytes: u64,
        elapsed: Duration,
        tallies: Vec<Tally>,
        watched: &Processes,
    ) -> Report {
        let accepted: u64 = tallies.iter().map(|t| t.accepted).sum();
        let rejected = tallies.iter().map(|t| t.rejected).sum();
        let records = (accepted * batch).saturating_sub(rejected);
        let mut not_ok: BTreeMap<String, u64> = BTreeMap::new();
        for (status, count) in tallies.iter().flat_map(|t| &t.not_ok) {
            *not_ok.entry(status.to_string()).or_default() += count;
        }
        let mut latencies: Vec<Duration> = tallies.iter().flat_map(|t| &t.latencies).copied().collect();
        latencies.sort_unstable();
        let named = [
            ("generator", Some(&watched.generator)),
            ("receiver", watched.receiver.as_ref()),
            ("engine", watched.engine.as_ref()),
        ];
        let processes = named.into_iter().filter_map(|(name, watched)| {
            let watched = watched?;
            Some(Process {
                name,
                cpu_micros_per_record: watched
                    .cpu_micros()
                    .filter(|_| records > 0)
                    .map(|us| us as f64 / records as f64),
                peak_mib: watched.peak_bytes().map(|bytes| bytes as f64 / f64::from(1 << 20)),
            })
        });
        Report {
            records,
            rejected,
            unsent: (requests - accepted) * batch,
            retries: tallies.iter().map(|t| t.retries).sum(),
            seconds: elapsed.as_secs_f64(),
            bytes_per_record: request_bytes / batch,
            latencies,
            not_ok,
            processes: processes.collect(),
        }
    }

    /// Whether every record was accepted in the end.
    pub fn is_complete(&self) -> bool {
        self.unsent == 0 && self.rejected == 0
    }

    pub fn json(&self) -> Value {
        let (mut cpu, mut memory) = (Map::new(), Map::new());
        for process in &self.processes {
            cpu.insert(process.name.to_owned(), json!(process.cpu_micros_per_record.map(|us| round(us, 3))));
            memory.insert(process.name.to_owned(), json!(process.peak_mib.map(|mib| round(mib, 1))));
        }
        json!({
            "records": self.records,
            "seconds": round(self.seconds, 3),
            "records_per_s": self.records_per_second().round(),
            "bytes_per_record": self.bytes_per_record,
            "ack_ms": {
                "p50": self.ack_ms(0.5), "p90": self.ack_ms(0.9), "p99": self.ack_ms(0.99), "max": self.ack_ms(1.0),
            },
            "not_200": self.not_ok,
            "retries": self.retries,
            "rejected": self.rejected,
            "unsent": self.unsent,
            "cpu_us_per_record": cpu,
            "peak_mib": memory,
        })
    }

    fn records_per_second(&self) -> f64 {
        self.records as f64 / self.seconds
    }

    fn ack_ms(&self, quantile: f64) -> Option<f64> {
        let last = self.latencies.len().checked_sub(1)?;
        let at = ((self.latencies.len() as f64 * quantile) as usize).min(last);
        Some(round(self.latencies[at].as_secs_f64() * 1e3, 3))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "records      {} in {:.2} s = {:.0}/s, {} bytes each",
            self.records,
            self.seconds,
            self.records_per_second(),
            self.bytes_per_record
        )?;
        let ack = |quantile| self.ack_ms(quantile).map_or("-".to_owned(), |ms| format!("{ms:.2}"));
        writeln!(f, "ack ms       p50 {}, p90 {}, p99 {}, max {}", ack(0.5), ack(0.9), ack(0.99), ack(1.0))?;
        write!(f, "not 200      ")?;
        if self.not_ok.is_empty() {
            write!(f, "none")?;
        }
        for (i, (status, count)) in self.not_ok.iter().enumerate() {
            write!(f, "{}{status}: {count}", if i > 0 { ", " } else { "" })?;
        }
        writeln!(f, "; {} retries, {} records rejected, {} not sent", self.retries, self.rejected, self.unsent)?;
        for process in &self.processes {
            let cpu = process.cpu_micros_per_record.map_or("-".to_owned(), |us| format!("{us:.3}"));
            let peak = process.peak_mib.map_or("-".to_owned(), |mib| format!("{mib:.0}"));
            writeln!(f, "{:<12} {cpu} us CPU per record, peak {peak} MiB", process.name)?;
        }
        Ok(())
    }
}

fn round(x: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (x * scale).round() / scale
}
