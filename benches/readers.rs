//! Readers of a filled database, as `benches/packs.sh measure` starts them: so many at once, each with one request in flight, each request
//! of another tenant. Prints a table as markdown.

#[path = "readers/get.rs"]
mod get;
#[path = "readers/questions.rs"]
mod questions;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::{CommandFactory, Parser};

use get::Connection;
use questions::{Dice, Question, Who};

#[derive(Parser, Clone)]
#[command(name = "readers", about = "Reads a filled database on this machine, as many people at once")]
struct Options {
    /// host:port of the API, on loopback
    #[arg(long)]
    addr: Option<SocketAddr>,
    /// The newest event, in seconds since 1970: all ranges end at it or before
    #[arg(long, default_value_t = 0)]
    end: i64,
    #[arg(long, default_value_t = 200)]
    tenants: u64,
    #[arg(long, default_value_t = 16)]
    readers: u64,
    /// For each question of the timeline and the lists
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// For each panel and tenant; one reader asks
    #[arg(long, default_value_t = 12)]
    times: u64,
    /// Only questions whose names contain this
    #[arg(long, default_value = "")]
    only: String,
    /// What `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

/// What one question took.
#[derive(Default)]
struct Times {
    ms: Vec<f64>,
    refused: Vec<String>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let Some(addr) = options.addr.filter(|addr| addr.ip().is_loopback()) else {
        println!("{}", Options::command().render_help());
        return ExitCode::SUCCESS;
    };
    println!("| question, {} readers at once | p50 ms | p95 ms | p99 ms | answers/s | target, p95 |", options.readers);
    println!("|---|---|---|---|---|---|");
    for question in questions::feed().into_iter().filter(|question| question.name.contains(&options.only)) {
        let started = Instant::now();
        let times = at_once(&options, addr, &question);
        line(&question.name, &times, Some(started.elapsed()), question.target_ms);
    }
    match questions::panels(addr, options.end) {
        Ok(panels) => {
            println!(
                "\n| panel, 30 days, one reader | p50 ms | p95 ms | p99 ms | largest tenant: p50 ms | p95 ms |\n|---|---|---|---|---|---|"
            );
            for panel in panels.into_iter().filter(|question| question.name.contains(&options.only)) {
                let usual = one_by_one(&options, addr, &panel, Who::Usual);
                let largest = one_by_one(&options, addr, &panel, Who::Largest);
                let ([p50, p95, p99], [l50, l95, _]) = (usual.percentiles(), largest.percentiles());
                println!(
                    "| {} | {p50:.0} | {p95:.0} | {p99:.0} | {l50:.0} | {l95:.0} |{}{}",
                    panel.name,
                    usual.complaint(),
                    largest.complaint()
                );
            }
        }
        Err(error) => println!("\nNo panels: {error}"),
    }
    ExitCode::SUCCESS
}

fn line(name: &str, times: &Times, took: Option<Duration>, target: Option<u32>) {
    let [p50, p95, p99] = times.percentiles();
    let rate = took.map_or(0.0, |took| times.ms.len() as f64 / took.as_secs_f64());
    let target = target.map_or(String::new(), |ms| ms.to_string());
    println!("| {name} | {p50:.0} | {p95:.0} | {p99:.0} | {rate:.0} | {target} |{}", times.complaint());
}

fn at_once(options: &Options, addr: SocketAddr, question: &Question) -> Times {
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let seed = AtomicU64::new(1);
    let mut all = Times::default();
    thread::scope(|scope| {
        let readers: Vec<_> = (0..options.readers)
            .map(|_| {
                scope.spawn(|| {
                    let mut dice = Dice::new(seed.fetch_add(1, Ordering::Relaxed));
                    let mut connection = Connection::new(addr);
                    let mut times = Times::default();
                    // The first answer of each opens a connection, and is not counted.
                    times.ask(&mut connection, options, question, question.who, &mut dice);
                    times.ms.clear();
                    while Instant::now() < end {
                        times.ask(&mut connection, options, question, question.who, &mut dice);
                    }
                    times
                })
            })
            .collect();
        for reader in readers {
            let times = reader.join().expect("a reader does not panic");
            all.ms.extend(times.ms);
            all.refused.extend(times.refused);
        }
    });
    all
}

fn one_by_one(options: &Options, addr: SocketAddr, question: &Question, who: Who) -> Times {
    let mut dice = Dice::new(99);
    let mut connection = Connection::new(addr);
    let mut times = Times::default();
    for _ in 0..options.times {
        times.ask(&mut connection, options, question, who, &mut dice);
    }
    times
}

// === impl Times ===

impl Times {
    fn ask(&mut self, connection: &mut Connection, options: &Options, question: &Question, who: Who, dice: &mut Dice) {
        let tenant = who.tenant(options.tenants, dice);
        let path = (question.path)(dice, options.end);
        let started = Instant::now();
        match connection.get(&path, &format!("alg_a_bench_{tenant}")) {
            Ok((200, _)) => self.ms.push(started.elapsed().as_secs_f64() * 1000.0),
            Ok((status, body)) => self.refused.push(format!("{status}: {}", String::from_utf8_lossy(&body))),
            Err(error) => self.refused.push(error.to_string()),
        }
    }

    fn percentiles(&self) -> [f64; 3] {
        let mut sorted = self.ms.clone();
        sorted.sort_by(f64::total_cmp);
        [0.5, 0.95, 0.99].map(|share| {
            let place = (sorted.len() as f64 * share).ceil() as usize;
            sorted.get(place.saturating_sub(1)).copied().unwrap_or(f64::NAN)
        })
    }

    /// Behind the table's line: a figure without answers is no figure.
    fn complaint(&self) -> String {
        match self.refused.first() {
            None => String::new(),
            Some(first) => {
                format!(" {} refused, the first: {}", self.refused.len(), &first.chars().take(160).collect::<String>())
            }
        }
    }
}
