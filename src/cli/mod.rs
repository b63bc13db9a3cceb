//! The command line: what can be said, and what each command does. Exit codes: 0, 64 for bad usage or configuration, 1 otherwise.

mod ask;
mod change;
mod invite;
mod pack;
mod project;
mod reprice;
mod role;
mod spool;
mod tenant;
mod token;
mod user;
mod webhook;

use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::app::FirstStart;
use crate::app::run_file::RunFile;
use crate::config::Config;
use crate::demo::{self, DemoOptions};
use crate::engine::child::{self, ChildOptions};
use crate::net::tls::Certificates;
use crate::{app, telemetry};

pub use ask::{migrate, sql};
pub use invite::{InviteCommand, invite};
pub use pack::{PackCommand, pack};
pub use project::{MembershipCommand, ProjectCommand, membership, project};
pub use reprice::{Reprice, reprice};
pub use role::{RoleCommand, role};
pub use spool::{SpoolCommand, spool};
pub use tenant::{TenantCommand, tenant};
pub use token::{TokenCommand, token};
pub use user::{UserCommand, user};
pub use webhook::{WebhookCommand, webhook};

const BAD_USAGE: u8 = 64;

#[derive(Parser)]
#[command(
    name = "activitylog",
    version,
    about = "OpenTelemetry, webhooks and events in; one event table in ClickHouse; a live timeline out"
)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Receive, store and show: everything, until Ctrl-C
    #[command(after_help = "Example:\n  activitylog serve --data-dir /var/lib/activitylog")]
    Serve(Common),
    /// Send realistic traffic to a running instance
    #[command(after_help = "Example:\n  activitylog demo --minutes 60 --live 300")]
    Demo(Demo),
    /// Ask the running instance's ClickHouse as its operator, not through the tenant wall
    #[command(
        after_help = "Examples:\n  activitylog sql \"SELECT event_type, count() FROM activitylog.events GROUP BY 1\"\n  \
                      activitylog sql --tenant default \"SELECT model, sum(cost_usd) FROM pub.usage GROUP BY 1\""
    )]
    Sql(Sql),
    /// Bring the schema of the configured ClickHouse server up to date
    #[command(after_help = "Example:\n  ACTIVITYLOG_CLICKHOUSE_URL=http://clickhouse:8123 activitylog migrate")]
    Migrate(Common),
    /// What is accepted and not yet in ClickHouse
    #[command(subcommand, after_help = "Example:\n  activitylog spool ls")]
    Spool(SpoolCommand),
    /// Compute the cost of past calls again, with the prices of today's configuration
    #[command(after_help = reprice::HELP)]
    Reprice(Reprice),
    /// Who may post webhooks here
    #[command(
        subcommand,
        after_help = "Example:\n  activitylog webhook add --kind github --name shop\n  activitylog webhook ls"
    )]
    Webhook(WebhookCommand),
    /// Tenants: each sees its own rows and nothing else
    #[command(
        subcommand,
        after_help = "Example:\n  activitylog tenant add --id acme --name \"Acme Inc.\" --tier pro\n  activitylog tenant ls"
    )]
    Tenant(TenantCommand),
    /// Who may sign in
    #[command(
        subcommand,
        after_help = "Example:\n  activitylog user add --tenant acme --email ada@example.com --role admin"
    )]
    User(UserCommand),
    /// A tenant's own roles
    #[command(
        subcommand,
        after_help = "Example:\n  activitylog role add --tenant acme --name auditor --permissions events.read,audit.read"
    )]
    Role(RoleCommand),
    /// Projects of a tenant
    #[command(subcommand, after_help = "Example:\n  activitylog project add --tenant acme --slug shop")]
    Project(ProjectCommand),
    /// Who is a member of which project
    #[command(
        subcommand,
        after_help = "Example:\n  activitylog membership add --tenant acme --user ada@example.com --project shop"
    )]
    Membership(MembershipCommand),
    /// Tokens, to send with (ingest) or to act as a user (api)
    #[command(subcommand, after_help = "Example:\n  activitylog token mint --tenant acme --kind ingest --project shop")]
    Token(TokenCommand),
    /// Links that make whoever follows them a user
    #[command(
        subcommand,
        after_help = "Example:\n  activitylog invite add --tenant acme --email ada@example.com --role member"
    )]
    Invite(InviteCommand),
    /// Report packs
    #[command(subcommand, after_help = "Example:\n  activitylog pack check my-pack.toml")]
    Pack(PackCommand),
    /// Read the configuration as `serve` would, and say what is wrong with it
    #[command(after_help = "Example:\n  activitylog check-config --config activitylog.toml")]
    CheckConfig(Common),
    #[command(hide = true)]
    Engine(Engine),
}

#[derive(Args, Clone)]
pub struct Common {
    /// A file over the defaults (config/default.toml lists every key)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Spool, engine data and secrets [default: ./data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

#[derive(Args)]
pub struct Demo {
    /// The OTLP/HTTP port to send to
    #[arg(long, default_value = "http://127.0.0.1:4318")]
    endpoint: String,
    /// Minutes of history to fill in first (at most a week)
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(0..=10_080))]
    minutes: u64,
    /// Seconds to go on live; without it, until Ctrl-C
    #[arg(long)]
    live: Option<u64>,
    /// Events per second, about
    #[arg(long, default_value_t = 5.0)]
    rate: f64,
    /// The same seed sends the same calls
    #[arg(long)]
    seed: Option<u64>,
    /// A header for each request, such as "authorization=Bearer TOKEN"
    #[arg(long = "header", value_name = "NAME=VALUE")]
    headers: Vec<String>,
}

#[derive(Args)]
pub struct Sql {
    #[command(flatten)]
    common: Common,
    /// An output format of ClickHouse
    #[arg(long, default_value = "PrettyCompact")]
    format: String,
    /// Whose rows the views in `pub` show; without it they show none
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
    query: String,
}

#[derive(Args)]
pub struct Engine {
    #[arg(long)]
    data_dir: PathBuf,
    #[arg(long)]
    lib: PathBuf,
}

pub fn parse() -> Result<Command, ExitCode> {
    CommandLine::try_parse().map(|line| line.command).map_err(|error| {
        // Help and version are answers, not errors.
        let code = if error.use_stderr() { BAD_USAGE } else { 0 };
        let _ = error.print();
        ExitCode::from(code)
    })
}

pub fn engine(options: &Engine) -> ExitCode {
    let options = ChildOptions { data_dir: options.data_dir.clone(), library: options.lib.clone() };
    match child::run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.child_exit_code())
        }
    }
}

pub fn serve(options: &Common) -> ExitCode {
    let config = match options.load() {
        Ok(config) => config,
        Err(code) => return code,
    };
    if let Err(message) = telemetry::log::start(&config.log) {
        return bad_usage(message);
    }
    let prices = match app::prices(&config.prices) {
        Ok(prices) => prices,
        Err(error) => return bad_usage(error),
    };
    let packs = match app::packs(&config.packs) {
        Ok(packs) => packs,
        Err(error) => return bad_usage(error),
    };
    let scheme = config.tls.scheme();
    in_runtime(app::serve(config, prices, packs, move |run, first| welcome(scheme, run, first)))
}

/// stdout is for people at the first start; stderr gets the one line that is promised.
fn welcome(scheme: &str, run: &RunFile, first: Option<&FirstStart>) {
    println!(
        "\n  portal and API   {scheme}://{}\n  OTLP/HTTP        {scheme}://{}\n  OTLP/gRPC        {scheme}://{}\n\n\
         Point Claude Code here: paste this into the shell that runs it.\n\n  \
         export CLAUDE_CODE_ENABLE_TELEMETRY=1\n  export OTEL_METRICS_EXPORTER=otlp\n  export OTEL_LOGS_EXPORTER=otlp\n  \
         export OTEL_TRACES_EXPORTER=otlp\n  export CLAUDE_CODE_ENHANCED_TELEMETRY_BETA=1\n  \
         export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n  export OTEL_EXPORTER_OTLP_ENDPOINT={scheme}://{}\n\n\
         Or see it alive first:  make demo   (or: activitylog demo --endpoint {scheme}://{})\n",
        run.http, run.otlp_http, run.grpc, run.otlp_http, run.otlp_http
    );
    if let Some(first) = first {
        println!(
            "This is the first start. Shown once:\n\n  super admin      {}\n  password         {}  (to be changed at the first sign-in)\n  \
             ingest token     {}\n",
            first.email, first.password, first.ingest_token
        );
    }
    eprintln!("ready in {} ms", run.ready_in_ms);
}

pub fn demo(options: &Demo) -> ExitCode {
    let headers: Option<Vec<_>> = options.headers.iter().map(|pair| pair.split_once('=')).collect();
    let Some(headers) = headers else {
        return bad_usage("--header takes NAME=VALUE");
    };
    let options = DemoOptions {
        endpoint: options.endpoint.clone(),
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        history: Duration::from_secs(options.minutes * 60),
        live: options.live.map_or(Duration::MAX, Duration::from_secs),
        rate: options.rate,
        seed: options.seed,
    };
    in_runtime(async {
        let report = demo::run(options).await?;
        println!("{report}");
        Ok::<_, demo::DemoError>(())
    })
}

pub fn check_config(options: &Common) -> ExitCode {
    let config = match options.load() {
        Ok(config) => config,
        Err(code) => return code,
    };
    if let Err(error) = app::prices(&config.prices) {
        return bad_usage(error);
    }
    if let Err(error) = app::packs(&config.packs) {
        return bad_usage(error);
    }
    if let Err(error) = Certificates::open(&config.tls) {
        return bad_usage(error);
    }
    println!("the configuration is valid");
    ExitCode::SUCCESS
}

fn bad_usage(message: impl Display) -> ExitCode {
    eprintln!("{message}");
    ExitCode::from(BAD_USAGE)
}

fn in_runtime<E: Display>(work: impl Future<Output = Result<(), E>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

// === impl Common ===

impl Common {
    /// The configuration, or the exit code after saying what is wrong with it.
    fn load(&self) -> Result<Config, ExitCode> {
        let mut config = Config::load(self.config.as_deref()).map_err(bad_usage)?;
        if let Some(data_dir) = &self.data_dir {
            config.data_dir.clone_from(data_dir);
        }
        Ok(config)
    }
}
