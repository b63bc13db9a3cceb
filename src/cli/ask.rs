//! Commands that talk to ClickHouse as its operator.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use super::{Common, Sql, bad_usage, in_runtime};
use crate::app::{self, run_file::RunFile};
use crate::clickhouse::read::query_id;
use crate::clickhouse::server::{Endpoint, Server};
use crate::config::Config;
use crate::engine::{Credentials, User};
use crate::model::scope::Scope;

pub fn sql(options: &Sql) -> ExitCode {
    let config = match options.common.load() {
        Ok(config) => config,
        Err(code) => return code,
    };
    in_runtime(async {
        let server = operator(&config, config.clickhouse.insert_timeout.0)?;
        let mut query = server.client().query(&options.query.replace('?', "??"));
        if let Some(tenant) = &options.tenant {
            query = query.with_setting("query_id", query_id(&Scope::whole_tenant(tenant)));
        }
        let answer = server.bytes(query, &options.format).await.map_err(|error| error.to_string())?;
        std::io::stdout().write_all(&answer).map_err(|error| error.to_string())
    })
}

pub fn migrate(options: &Common) -> ExitCode {
    let config = match options.load() {
        Ok(config) => config,
        Err(code) => return code,
    };
    if config.clickhouse.url.is_empty() {
        return bad_usage(
            "no clickhouse.url is configured: the embedded engine's schema is brought up to date by `activitylog serve`",
        );
    }
    in_runtime(async move {
        app::migrate(&config).await.map_err(|error| error.to_string())?;
        println!("the schema is up to date");
        Ok::<_, String>(())
    })
}

/// The running instance's ClickHouse, as the owner of the schema.
pub(super) fn operator(config: &Config, timeout: Duration) -> Result<Server, String> {
    if !config.clickhouse.url.is_empty() {
        let endpoint = Endpoint::new(config.clickhouse.url.clone());
        return Ok(Server::new(endpoint, &config.clickhouse.user, &config.clickhouse.password, timeout));
    }
    let dir = &config.data_dir;
    let run = RunFile::read(dir)
        .map_err(|_| format!("no instance is running on {}: start it, or say which with --data-dir", dir.display()))?;
    let User { name, password } = Credentials::load(dir).map_err(|error| error.to_string())?.writer;
    Ok(Server::new(Endpoint::new(format!("http://{}", run.clickhouse_http)), &name, &password, timeout))
}
