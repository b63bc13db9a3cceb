//! What was sent and accepted, exactly, so that it can be held against the page.

use std::collections::BTreeMap;
use std::fmt;

use super::record::{Item, Signal, Tokens};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct DemoReport {
    /// Makes the same ids again.
    pub seed: u64,
    /// Unix nanoseconds of the first and the last record.
    pub first: u64,
    pub last: u64,
    pub requests: u64,
    pub retries: u64,
    pub log_records: u64,
    pub spans: u64,
    pub metric_points: u64,
    /// Records that a partial success rejected; the rest of the report counts them as sent.
    pub rejected: u64,
    /// Log records by event name, spans by name, as `span ...`; metrics are left out.
    pub by_kind: BTreeMap<String, u64>,
    /// Billable calls by dialect (`claude_code`, `gen_ai`) and model: each counted once, however often it was reported.
    pub usage: BTreeMap<(&'static str, &'static str), DemoUsage>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DemoUsage {
    pub calls: u64,
    pub tokens: Tokens,
    /// Billionths of a US dollar that the sender reported; 0 where senders don't say (`gen_ai`).
    pub cost_nanos: u64,
}

// === impl DemoReport ===

impl DemoReport {
    /// `items` were accepted in one request.
    pub(super) fn accept(&mut self, items: &[Item], rejected: u64) {
        self.requests += 1;
        self.rejected += rejected;
        for item in items {
            self.first = if self.first == 0 { item.at } else { self.first.min(item.at) };
            self.last = self.last.max(item.at);
            match item.signal {
                Signal::Logs => self.log_records += 1,
                Signal::Traces => self.spans += 1,
                Signal::Metrics => {
                    let points = |data: &str| item.record[data]["dataPoints"].as_array().map_or(0, Vec::len) as u64;
                    self.metric_points += points("sum") + points("histogram");
                    continue;
                }
            }
            *self.by_kind.entry(item.kind.clone()).or_default() += 1;
            if let Some(usage) = &item.usage {
                let sum = self.usage.entry((usage.dialect, usage.model)).or_default();
                sum.calls += 1;
                sum.tokens.add(usage.tokens);
                sum.cost_nanos += usage.cost_nanos;
            }
        }
    }

    /// Log records and spans: rows of the event table.
    pub fn events(&self) -> u64 {
        self.log_records + self.spans
    }

    /// The sum over the models of a dialect.
    pub fn total(&self, dialect: &str) -> DemoUsage {
        let mut total = DemoUsage::default();
        for usage in self.usage.iter().filter(|((of, _), _)| *of == dialect).map(|(_, usage)| usage) {
            total.calls += usage.calls;
            total.tokens.add(usage.tokens);
            total.cost_nanos += usage.cost_nanos;
        }
        total
    }
}

impl fmt::Display for DemoReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "sent {} events ({} log records, {} spans) and {} metric points in {} requests, {} retries; seed {}",
            self.events(),
            self.log_records,
            self.spans,
            self.metric_points,
            self.requests,
            self.retries,
            self.seed
        )?;
        if self.rejected > 0 {
            writeln!(f, "the receiver rejected {} of them", self.rejected)?;
        }
        writeln!(f)?;
        for (kind, count) in &self.by_kind {
            writeln!(f, "  {count:>8}  {kind}")?;
        }
        writeln!(f)?;
        let title = |f: &mut fmt::Formatter<'_>| {
            writeln!(
                f,
                "  {:<40} {:>7} {:>11} {:>13} {:>13} {:>11} {:>14}",
                "billable calls, each counted once",
                "calls",
                "input",
                "cache read",
                "cache written",
                "output",
                "reported USD"
            )
        };
        let row = |f: &mut fmt::Formatter<'_>, name: &str, usage: DemoUsage| {
            let DemoUsage { calls, tokens, cost_nanos } = usage;
            let cost = match cost_nanos {
                0 => "-".to_owned(),
                _ => format!("{}.{:09}", cost_nanos / 1_000_000_000, cost_nanos % 1_000_000_000),
            };
            writeln!(
                f,
                "  {name:<40} {calls:>7} {:>11} {:>13} {:>13} {:>11} {cost:>14}",
                tokens.input, tokens.cache_read, tokens.cache_creation, tokens.output
            )
        };
        title(f)?;
        for ((dialect, model), usage) in &self.usage {
            row(f, &format!("{dialect} {model}"), *usage)?;
        }
        for dialect in ["claude_code", "gen_ai"] {
            row(f, &format!("{dialect}, all models"), self.total(dialect))?;
        }
        Ok(())
    }
}
