//! A load generator for OTLP receivers: `cargo bench --bench otlp_load -- --addr 127.0.0.1:4318 --records 1000000`.
//!
//! Each connection is a thread with one request in flight. A request is encoded once and patched in place, so that the
//! generator takes next to no CPU from the receiver beside it. It ends by itself, with exit code 1 unless everything
//! was accepted.

#[path = "load/encode.rs"]
mod encode;
#[path = "load/grpc.rs"]
mod grpc;
#[path = "load/http.rs"]
mod http;
#[path = "load/procfs.rs"]
mod procfs;
#[path = "load/report.rs"]
mod report;
#[path = "load/transport.rs"]
mod transport;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{io, thread};

use clap::{CommandFactory, Parser, ValueEnum};

use encode::{Shape, Signal, Template};
use procfs::Watched;
use report::Report;
use transport::{Status, Transport};

#[derive(Parser, Clone)]
#[command(name = "otlp_load", about = "Loads an OTLP receiver on this machine with pre-encoded logs or spans")]
struct Options {
    /// host:port of the receiver, on loopback (4318 for http, 4317 for grpc)
    #[arg(long)]
    addr: Option<String>,
    #[arg(long, value_enum, default_value = "http")]
    protocol: Protocol,
    #[arg(long, value_enum, default_value = "logs")]
    signal: SignalArg,
    /// Records in a request
    #[arg(long, default_value_t = 500)]
    batch: usize,
    /// Attributes of a record
    #[arg(long, default_value_t = 14)]
    attrs: usize,
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Records in all, rounded down to whole requests
    #[arg(long, default_value_t = 500_000)]
    records: u64,
    /// Records per second in all; 0 is as fast as acknowledged. With a rate, latency counts from when a request was due
    #[arg(long, default_value_t = 0.0)]
    rate: f64,
    /// A header to send, as name=value; may be repeated
    #[arg(long = "header", value_parser = parse_header)]
    headers: Vec<(String, String)>,
    /// Tries of a request on 429, 503 or a lost connection, before its connection gives up for good
    #[arg(long, default_value_t = 50)]
    retries: u32,
    /// The receiver's process: prints its CPU per record and peak memory
    #[arg(long)]
    pid: Option<u32>,
    /// The database's process, likewise
    #[arg(long)]
    engine_pid: Option<u32>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
    /// What `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Protocol {
    Http,
    Grpc,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum SignalArg {
    Logs,
    Traces,
}

/// What the workers share.
struct Plan {
    next: AtomicU64,
    requests: u64,
    started: Instant,
    /// Between two requests of all workers together; zero without a rate.
    interval: Duration,
    retries: u32,
}

/// What one worker saw.
#[derive(Default)]
struct Tally {
    accepted: u64,
    rejected: u64,
    retries: u64,
    not_ok: BTreeMap<Status, u64>,
    /// From the first try (or when it was due) to the acknowledgement.
    latencies: Vec<Duration>,
}

const RETRY_PAUSE: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    let options = Options::parse();
    let Some(addr) = options.addr.clone() else {
        // `cargo test --all-targets` and a bare `cargo bench` run every bench: say what this one is, and pass
        println!("{}", Options::command().render_help());
        return ExitCode::SUCCESS;
    };
    match loopback(&addr).and_then(|addr| run(&options, addr)) {
        Ok(report) => {
            if options.json {
                println!("{}", report.json());
            } else {
                print!("{report}");
            }
            if report.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(message) => {
            eprintln!("otlp_load: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Load is for one's own machine: every address that the name stands for must be loopback.
fn loopback(addr: &str) -> Result<SocketAddr, String> {
    let found: Vec<SocketAddr> =
        addr.to_socket_addrs().map_err(|e| format!("--addr {addr}: {e}; expected host:port"))?.collect();
    if let Some(other) = found.iter().find(|found| !found.ip().is_loopback()) {
        return Err(format!("--addr {addr} is {}, not a loopback address; only this machine is loaded", other.ip()));
    }
    let reached = found.iter().find(|found| TcpStream::connect_timeout(found, Duration::from_secs(5)).is_ok());
    reached.copied().ok_or_else(|| format!("nothing answers at {addr}"))
}

fn run(options: &Options, addr: SocketAddr) -> Result<Report, String> {
    if options.batch == 0 || options.connections == 0 {
        return Err("--batch and --connections must be at least 1".to_owned());
    }
    let signal = match options.signal {
        SignalArg::Logs => Signal::Logs,
        SignalArg::Traces => Signal::Traces,
    };
    let bare = Template::new(Shape { signal, batch: options.batch, attrs: options.attrs });
    let length = bare.bytes().len();
    let path = match (options.protocol, signal) {
        (Protocol::Http, Signal::Logs) => "/v1/logs",
        (Protocol::Http, Signal::Traces) => "/v1/traces",
        (Protocol::Grpc, Signal::Logs) => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        (Protocol::Grpc, Signal::Traces) => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    };
    let template = match options.protocol {
        Protocol::Http => bare.behind(&http::head(path, &addr.to_string(), &options.headers, length)),
        Protocol::Grpc => bare.behind(&grpc::frame_header(length)),
    };

    let watched = report::Processes {
        generator: Watched::start("self"),
        receiver: options.pid.map(|pid| Watched::start(&pid.to_string())),
        engine: options.engine_pid.map(|pid| Watched::start(&pid.to_string())),
    };
    let requests = (options.records / options.batch as u64).max(1);
    let seconds = if options.rate > 0.0 { options.batch as f64 / options.rate } else { 0.0 };
    let interval = Duration::try_from_secs_f64(seconds).map_err(|e| format!("--rate: {e}"))?;
    let plan =
        Plan { next: AtomicU64::new(0), requests, started: Instant::now(), interval, retries: options.retries.max(1) };
    let tallies: Vec<Tally> = thread::scope(|scope| {
        let workers: Vec<_> = (0..options.connections)
            .map(|_| {
                let (plan, template) = (&plan, template.clone());
                scope.spawn(move || -> io::Result<Tally> {
                    Ok(match options.protocol {
                        Protocol::Http => work(plan, template, &mut http::Http::new(addr)),
                        Protocol::Grpc => work(plan, template, &mut grpc::Grpc::new(addr, path, &options.headers)?),
                    })
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().map_err(|_| "a worker panicked".to_owned())?.map_err(|e| e.to_string()))
            .collect::<Result<_, _>>()
    })?;
    Ok(Report::new(options.batch as u64, requests, length as u64, plan.started.elapsed(), tallies, &watched))
}

fn work(plan: &Plan, mut template: Template, transport: &mut impl Transport) -> Tally {
    let mut tally = Tally::default();
    loop {
        let n = plan.next.fetch_add(1, Ordering::Relaxed);
        if n >= plan.requests {
            return tally;
        }
        let mut began = Instant::now();
        if !plan.interval.is_zero() {
            let due = plan.started + plan.interval.mul_f64(n as f64);
            thread::sleep(due.saturating_duration_since(began));
            began = due;
        }
        template.stamp(&marker(n), unix_nanos());
        if !deliver(plan, &template, transport, &mut tally) {
            return tally;
        }
        tally.latencies.push(began.elapsed());
    }
}

/// One request until it is accepted. False if the receiver refused it for good, or was not there for every try.
fn deliver(plan: &Plan, template: &Template, transport: &mut impl Transport, tally: &mut Tally) -> bool {
    for attempt in 0..plan.retries {
        if attempt > 0 {
            tally.retries += 1;
            thread::sleep(RETRY_PAUSE);
        }
        let status = match transport.send(template.bytes()) {
            Ok(answer) if answer.status == Status::Ok => {
                tally.accepted += 1;
                tally.rejected += answer.rejected;
                return true;
            }
            Ok(answer) => answer.status,
            Err(_) => Status::Lost,
        };
        *tally.not_ok.entry(status).or_default() += 1;
        if !status.is_retryable() {
            return false;
        }
    }
    false
}

/// Unlike in every other request of this run and, with the process id, of runs beside it.
fn marker(n: u64) -> [u8; 16] {
    let mut marker = [0; 16];
    let text = format!("{:04x}{:012x}", std::process::id() & 0xffff, n & 0xffff_ffff_ffff);
    marker.copy_from_slice(text.as_bytes());
    marker
}

fn unix_nanos() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

fn parse_header(arg: &str) -> Result<(String, String), String> {
    let (name, value) = arg.split_once('=').ok_or("expected name=value")?;
    if arg.contains(['\r', '\n']) {
        return Err("a header is one line".to_owned());
    }
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}
