//! `activitylog reprice`: the cost of past calls by today's prices.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use jiff::civil::Date;
use jiff::{ToSpan, tz::TimeZone};

use super::ask::operator;
use super::{Common, bad_usage, in_runtime};
use crate::app;
use crate::clickhouse::reprice::{self as store, Range, Repriced};

pub(super) const HELP: &str = "\
Costs that were reported stay as they are, and so does the choice of which figure counts, which is made when a call arrives.
What is run twice, or again after it was stopped, comes to the same end.

Example:
  activitylog reprice --from 2026-10-01 --to 2026-10-31 --dry-run --config activitylog.toml";

#[derive(clap::Args)]
pub struct Reprice {
    #[command(flatten)]
    common: Common,
    /// The first day, in UTC: calls that began on it are in
    #[arg(long, value_name = "DATE")]
    from: Date,
    /// The last day, in UTC: calls that began on it are in
    #[arg(long, value_name = "DATE")]
    to: Date,
    /// Only this tenant's calls [default: all tenants]
    #[arg(long)]
    tenant: Option<String>,
    /// Say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// A mutation rewrites columns of whole parts.
const PATIENCE: Duration = Duration::from_secs(3600);

pub fn reprice(options: &Reprice) -> ExitCode {
    let config = match options.common.load() {
        Ok(config) => config,
        Err(code) => return code,
    };
    let Some(range) = options.range() else {
        return bad_usage("--from is after --to, or not a day that can be stored");
    };
    let prices = match app::prices(&config.prices) {
        Ok(prices) => prices,
        Err(error) => return bad_usage(error),
    };
    in_runtime(async {
        let server = operator(&config, PATIENCE)?;
        let talks = std::io::stderr().is_terminal();
        let progress = |done: &Repriced| {
            if talks {
                eprint!("\r{} calls looked at, {} changed", done.calls, done.changed);
            }
        };
        let done = store::reprice(&server, &prices, &range, options.dry_run, progress).await;
        if talks {
            eprintln!();
        }
        println!("{}", Report { done: done.map_err(|error| error.to_string())?, dry: options.dry_run });
        Ok::<_, String>(())
    })
}

struct Report {
    done: Repriced,
    dry: bool,
}

impl std::fmt::Display for Report {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Repriced { calls, changed, changed_events, unpriced, before, after } = self.done;
        let usd = |nanos: i128| format!("{}.{:09} USD", nanos / 1_000_000_000, nanos % 1_000_000_000);
        writeln!(out, "calls looked at  {calls}")?;
        writeln!(out, "calls changed    {changed} (records of calls: {changed_events})")?;
        writeln!(out, "without a price  {unpriced}")?;
        writeln!(out, "cost before      {}", usd(before))?;
        write!(out, "cost after       {}", usd(after))?;
        if self.dry { write!(out, "\nnothing was changed: --dry-run") } else { Ok(()) }
    }
}

// === impl Reprice ===

impl Reprice {
    fn range(&self) -> Option<Range> {
        let midnight = |date: Date| {
            let time = date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_nanosecond();
            i64::try_from(time).ok()
        };
        let (from_ns, to_ns) = (midnight(self.from)?, midnight(self.to.checked_add(1.day()).ok()?)?);
        (from_ns < to_ns).then(|| Range { from_ns, to_ns, tenant: self.tenant.clone() })
    }
}
