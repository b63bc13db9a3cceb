//! What the commands share that change control tables: written into the running instance's ClickHouse, and known to that instance
//! when the command returns.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::ask::operator;
use super::{Common, bad_usage, in_runtime};
use crate::app::run_file::RunFile;
use crate::clickhouse::server::Server;
use crate::config::Config;
use crate::control::{Change, Snapshot, remembered};

/// What was said can't be done, or it went wrong.
pub(super) enum Failure {
    Usage(String),
    Other(String),
}

/// An instance that takes longer has other troubles; it will know it then.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);

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

pub(super) fn other(error: impl std::fmt::Display) -> Failure {
    Failure::Other(error.to_string())
}

/// The control tables as they are now.
pub(super) async fn look(server: &Server) -> Result<Snapshot, Failure> {
    crate::control::look(server).await.map_err(other)
}

/// Writes a change, and waits until the instance on this data folder has read it.
pub(super) async fn write(config: &Config, server: &Server, change: Change) -> Result<(), Failure> {
    change.write(server).await.map_err(other)?;
    let written = look(server).await?.version;
    let deadline = Instant::now() + PATIENCE;
    while RunFile::read(&config.data_dir).is_ok()
        && remembered(&config.data_dir).version < written
        && Instant::now() < deadline
    {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}
