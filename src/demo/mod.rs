//! `activitylog demo`: realistic traffic through the public OTLP/HTTP port, so that a new installation has something to
//! show. First the last hour in a few seconds, then a live trickle; at the end a report that is exact.
//!
//! Everyone in it is made up. It is an ordinary OTLP client: it knows nothing of the rooms of ActivityLog.

mod claude_code;
mod client;
mod devops;
mod feed;
mod gen_ai;
mod meter;
mod people;
mod random;
mod record;
mod report;
mod request;
mod web;

use std::fmt;
use std::pin::pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::time::{self, MissedTickBehavior};

use client::Client;
use feed::Feed;
use record::{Item, Nanos, SECOND, Signal};

pub use record::Tokens;
pub use report::{DemoReport, DemoUsage};

#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// The base of an OTLP/HTTP receiver, `http://127.0.0.1:4318`; `/v1/{logs,traces,metrics}` is added.
    pub endpoint: String,
    /// Sent with each request: `authorization`, where the receiver wants a token.
    pub headers: Vec<(String, String)>,
    /// How much history to fill in.
    pub history: Duration,
    /// How long to go on live; zero for not at all, `Duration::MAX` until Ctrl-C.
    pub live: Duration,
    /// Log records and spans per second, about; in the history too.
    pub rate: f64,
    /// The same seed makes the same ids: sent twice, its calls are counted once. None draws one.
    pub seed: Option<u64>,
}

#[derive(Debug)]
pub enum DemoError {
    /// Not `http://host:port`.
    BadEndpoint(String),
    BadHeader(String),
    NothingAnswers(String),
    /// A status that another try won't change.
    Refused {
        path: String,
        status: u16,
        text: String,
    },
    GaveUp {
        path: String,
        tries: u32,
        last: String,
    },
}

/// The most records in one request.
const MAX_BATCH: usize = 1000;
/// How much history is made at once.
const STEP: Nanos = 120 * SECOND;
const TICK: Duration = Duration::from_millis(250);
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// Sends history, then live traffic. Ends at the end of `live` or with Ctrl-C, and reports what was accepted.
pub async fn run(options: DemoOptions) -> Result<DemoReport, DemoError> {
    let now = unix_nanos();
    let seed = options.seed.unwrap_or(now ^ u64::from(std::process::id()) << 32);
    let start = now.saturating_sub(nanos(options.history));
    let mut run = Run {
        client: Client::new(&options.endpoint, &options.headers)?,
        feed: Feed::new(seed, start, options.rate),
        report: DemoReport { seed, ..DemoReport::default() },
    };
    run.history(start, now).await?;
    if !options.live.is_zero() {
        run.live(options.live).await?;
    }
    let rest = run.feed.finish(unix_nanos());
    run.send(rest).await?;
    run.report.retries = run.client.retries;
    Ok(run.report)
}

struct Run {
    client: Client,
    feed: Feed,
    report: DemoReport,
}

// === impl Run ===

impl Run {
    async fn history(&mut self, start: Nanos, now: Nanos) -> Result<(), DemoError> {
        let (began, mut clock, mut said) = (time::Instant::now(), start, time::Instant::now());
        while clock < now {
            clock = (clock + STEP).min(now);
            let items = self.feed.until(clock);
            self.send(items).await?;
            if said.elapsed() >= Duration::from_secs(1) {
                said = time::Instant::now();
                let done = (clock - start) * 100 / (now - start);
                eprintln!("history: {done} %, {} events", self.report.events());
            }
        }
        if now > start {
            let minutes = (now - start) / (60 * SECOND);
            let (events, seconds) = (self.report.events(), began.elapsed().as_secs_f64());
            eprintln!("history: {events} events of the last {minutes} minutes sent in {seconds:.1} s");
        }
        Ok(())
    }

    async fn live(&mut self, length: Duration) -> Result<(), DemoError> {
        match length {
            Duration::MAX => eprintln!("live: until Ctrl-C"),
            _ => eprintln!("live: for {} s, or until Ctrl-C", length.as_secs()),
        }
        let (began, mut said, before) = (time::Instant::now(), time::Instant::now(), self.report.events());
        let mut interrupted = pin!(tokio::signal::ctrl_c());
        let mut ticks = time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        while began.elapsed() < length {
            // a request under way is finished: the report says what was accepted
            tokio::select! {
                _ = &mut interrupted => return Ok(()),
                _ = ticks.tick() => {}
            }
            let items = self.feed.until(unix_nanos());
            self.send(items).await?;
            if said.elapsed() >= PROGRESS_EVERY {
                said = time::Instant::now();
                eprintln!("live: {} s, {} events", began.elapsed().as_secs(), self.report.events() - before);
            }
        }
        Ok(())
    }

    async fn send(&mut self, mut items: Vec<Item>) -> Result<(), DemoError> {
        for signal in [Signal::Logs, Signal::Traces, Signal::Metrics] {
            let of_signal;
            (of_signal, items) = items.into_iter().partition::<Vec<Item>, _>(|item| item.signal == signal);
            for batch in of_signal.chunks(MAX_BATCH) {
                let body = Bytes::from(request::body(signal, batch).to_string());
                let rejected = self.client.post(request::path(signal), body).await?;
                self.report.accept(batch, rejected);
            }
        }
        Ok(())
    }
}

// === impl DemoError ===

impl fmt::Display for DemoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DemoError::BadEndpoint(endpoint) => {
                write!(f, "the endpoint {endpoint:?} is not of the form http://127.0.0.1:4318")
            }
            DemoError::BadHeader(message) => write!(f, "a header can't be sent: {message}"),
            DemoError::NothingAnswers(endpoint) => {
                write!(f, "nothing answers at {endpoint}: start it with `make run`")
            }
            DemoError::Refused { path, status, text } => {
                write!(f, "the receiver refused {path} with HTTP {status}: {text}")
            }
            DemoError::GaveUp { path, tries, last } => {
                write!(f, "gave up on {path} after {tries} tries: {last}")
            }
        }
    }
}

impl std::error::Error for DemoError {}

fn unix_nanos() -> Nanos {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, nanos)
}

fn nanos(duration: Duration) -> Nanos {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
