//! What the commands share that change control tables: written into the running instance's ClickHouse, and known to that instance
//! when the command returns.

use std::fmt::Display;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ask::operator;
use super::{Common, bad_usage, in_runtime};
use crate::app::run_file::RunFile;
use crate::audit;
use crate::auth::Principal;
use crate::clickhouse::server::Server;
use crate::config::Config;
use crate::control::{Snapshot, is_known};
use crate::people::{self, Decision, Problem};

/// What was said can't be done, or it went wrong.
pub(super) enum Failure {
    Usage(String),
    Other(String),
}

/// In which tenant a command acts.
#[derive(Args)]
pub struct Within {
    #[command(flatten)]
    pub(super) common: Common,
    /// The tenant [default: auth.anonymous_tenant]
    #[arg(long, value_name = "ID")]
    pub(super) tenant: Option<String>,
}

/// What a command works on: the control tables as they are now, and who acts.
pub(super) struct Desk<'a> {
    config: &'a Config,
    server: &'a Server,
    pub(super) snapshot: Snapshot,
    pub(super) who: Principal,
}

/// An instance that takes longer has other troubles; it will know it then.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Days. As `serve` has it.
const LONGEST_RETENTION: u16 = 20_000;

pub(super) fn run(common: &Common, command: impl AsyncFnOnce(&Config, &Server) -> Result<(), Failure>) -> ExitCode {
    let config = match common.load() {
        Ok(config) => config,
        Err(code) => return code,
    };
    let mut usage = None;
    let code = in_runtime(async {
        let server = operator(&config, config.clickhouse.insert_timeout.0)?;
        match command(&config, &server).await {
            Err(Failure::Usage(message)) => {
                usage = Some(message);
                Ok(())
            }
            Err(Failure::Other(message)) => Err(message),
            Ok(()) => Ok(()),
        }
    });
    usage.map_or(code, bad_usage)
}

pub(super) fn other(error: impl Display) -> Failure {
    Failure::Other(error.to_string())
}

/// The control tables as they are now.
pub(super) async fn look(server: &Server) -> Result<Snapshot, Failure> {
    crate::control::look(server).await.map_err(other)
}

/// Writes what was decided, and waits until the instance on this data folder has read it. A trail that can't be written is said
/// and fails nothing.
pub(super) async fn write<T>(config: &Config, server: &Server, decision: Decision<T>) -> Result<T, Failure> {
    if decision.change.is_empty() {
        return Ok(decision.answer);
    }
    decision.change.write(server).await.map_err(other)?;
    let days = config.retention.audit_days.min(LONGEST_RETENTION);
    if let Err(error) = audit::write(server, &decision.entries, days).await {
        eprintln!("it is done, but the audit trail does not say so: {error}");
    }
    let deadline = Instant::now() + PATIENCE;
    while RunFile::read(&config.data_dir).is_ok()
        && !is_known(server, &config.data_dir).await.map_err(other)?
        && Instant::now() < deadline
    {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(decision.answer)
}

/// Runs in the tenant that is named, which must be there.
pub(super) fn within(within: &Within, command: impl AsyncFnOnce(&Desk<'_>) -> Result<(), Failure>) -> ExitCode {
    run(&within.common, async |config, server| {
        let tenant = within.tenant.as_deref().unwrap_or(&config.auth.anonymous_tenant);
        if tenant.is_empty() {
            return Err(Failure::Usage("in which tenant? say it with --tenant".to_owned()));
        }
        let snapshot = look(server).await?;
        if !snapshot.tenants.contains_key(tenant) {
            return Err(Failure::Other(format!("there is no tenant {tenant:?}: `activitylog tenant ls` lists them")));
        }
        command(&Desk { config, server, snapshot, who: people::operator(tenant) }).await
    })
}

/// Runs in the installation's own tenant.
pub(super) fn at_home(common: &Common, command: impl AsyncFnOnce(&Desk<'_>) -> Result<(), Failure>) -> ExitCode {
    run(common, async |config, server| {
        let home = Some(config.auth.anonymous_tenant.as_str()).filter(|tenant| !tenant.is_empty());
        let who = people::operator(home.unwrap_or("default"));
        command(&Desk { config, server, snapshot: look(server).await?, who }).await
    })
}

/// One line of JSON.
pub(super) fn say(value: &impl Serialize) -> Result<(), Failure> {
    println!("{}", serde_json::to_string(value).map_err(other)?);
    Ok(())
}

/// A value as the API takes it.
pub(super) fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(Value::from(text)).map_err(|error| error.to_string())
}

// === impl Desk ===

impl Desk<'_> {
    pub(super) async fn write<T>(&self, decision: Result<Decision<T>, Problem>) -> Result<T, Failure> {
        write(self.config, self.server, decision?).await
    }

    pub(super) fn config(&self) -> &Config {
        self.config
    }
}

// === impl Failure ===

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Failure {
        let text = problem.to_string();
        match problem {
            // They begin with the name of what is wrong, which is that of an option here.
            Problem::Invalid(_) => {
                let (field, rest) = text.split_at(text.find([' ', ':']).unwrap_or(text.len()));
                Failure::Usage(format!("--{}{rest}", field.replace('_', "-")))
            }
            _ => Failure::Other(text),
        }
    }
}
