//! What a process cost, from Linux's /proc. Elsewhere there is nothing to read, and the figures are left out.

use std::fs;

/// A process watched from `start` on.
pub struct Watched {
    pid: String,
    before: Option<u64>,
}

/// Microseconds of one tick of /proc/PID/stat: USER_HZ is 100 wherever Linux runs.
const MICROS_PER_TICK: u64 = 10_000;

// === impl Watched ===

impl Watched {
    /// `pid` is a number, or `self`.
    pub fn start(pid: &str) -> Watched {
        Watched { pid: pid.to_owned(), before: cpu_micros(pid) }
    }

    /// Microseconds of CPU (user and system, all threads) since `start`.
    pub fn cpu_micros(&self) -> Option<u64> {
        Some(cpu_micros(&self.pid)?.saturating_sub(self.before?))
    }

    /// The most memory that the process ever had resident, in bytes.
    pub fn peak_bytes(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    }
}

fn cpu_micros(pid: &str) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // the name in parentheses may hold spaces; utime and stime are the 12th and 13th fields after it
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let utime: u64 = fields.next()?.parse().ok()?;
    let stime: u64 = fields.next()?.parse().ok()?;
    Some((utime + stime) * MICROS_PER_TICK)
}
