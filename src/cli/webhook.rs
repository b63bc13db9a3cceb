//! `activitylog webhook`: who may post to `/webhooks/{id}`. Written into the running instance's ClickHouse; its nodes know within
//! two seconds.

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde_json::{Value, json};

use super::Common;
use super::change::{Failure, look, other, run, write};
use crate::app::run_file::RunFile;
use crate::auth::Principal;
use crate::clickhouse::server::Server;
use crate::config::{Config, Span};
use crate::control::Snapshot;
use crate::control::hidden::Hidden;
use crate::control::sources::Source;
use crate::normalise::webhook::Kind;
use crate::people;
use crate::people::webhooks::{self, NewWebhook};

#[derive(Subcommand)]
pub enum WebhookCommand {
    /// Make a source; prints its id, URL and secret as JSON
    #[command(after_help = "Example:\n  activitylog webhook add --kind github --name shop --project shop")]
    Add(Add),
    /// List the sources, one JSON object a line
    #[command(after_help = "Example:\n  activitylog webhook ls")]
    Ls(Common),
    /// Give a source a new secret; the old ones go on to hold for a while
    #[command(
        after_help = "Example:\n  activitylog webhook rotate 5f0c... --keep 48h\n  activitylog webhook rotate 5f0c... --keep 0"
    )]
    Rotate(Rotate),
    /// Remove a source: its URL is unknown from then on; its events stay
    #[command(after_help = "Example:\n  activitylog webhook rm 5f0c...")]
    Rm(Rm),
}

#[derive(Args)]
pub struct Add {
    #[command(flatten)]
    common: Common,
    /// github, azure_devops, gitlab or standard
    #[arg(long)]
    kind: Kind,
    /// What people call it
    #[arg(long)]
    name: String,
    /// What the sender proves itself with [default: made here]
    #[arg(long)]
    secret: Option<String>,
    /// The user of Azure DevOps' Basic authentication [default: any]
    #[arg(long)]
    user: Option<String>,
    /// The project that its events belong to
    #[arg(long, default_value = "")]
    project: String,
    /// Whose events they are [default: auth.anonymous_tenant]
    #[arg(long)]
    tenant: Option<String>,
}

#[derive(Args)]
pub struct Rotate {
    #[command(flatten)]
    common: Common,
    /// As `ls` prints it
    id: String,
    /// The new secret [default: made here]
    #[arg(long)]
    secret: Option<String>,
    /// How long the old ones go on to hold; 0 ends them at once
    #[arg(long, default_value = "24h", value_parser = span)]
    keep: Duration,
}

#[derive(Args)]
pub struct Rm {
    #[command(flatten)]
    common: Common,
    /// As `ls` prints it
    id: String,
}

pub fn webhook(command: &WebhookCommand) -> ExitCode {
    match command {
        WebhookCommand::Add(add) => run(&add.common, async |config, server| add.run(config, server).await),
        WebhookCommand::Ls(common) => run(common, async |config, server| list(config, server).await),
        WebhookCommand::Rotate(rotate) => run(&rotate.common, async |config, server| rotate.run(config, server).await),
        WebhookCommand::Rm(rm) => run(&rm.common, async |config, server| rm.run(config, server).await),
    }
}

// === impl Add ===

impl Add {
    async fn run(&self, config: &Config, server: &Server) -> Result<(), Failure> {
        let tenant = self.tenant.as_deref().unwrap_or(&config.auth.anonymous_tenant);
        if tenant.is_empty() {
            return Err(Failure::Usage("whose events are they? say it with --tenant".to_owned()));
        }
        let request = NewWebhook {
            kind: self.kind,
            name: self.name.clone(),
            project: self.project.clone(),
            user: self.user.clone(),
            secret: self.secret.clone().map(Hidden),
        };
        let source = write(config, server, webhooks::add(&people::operator(tenant), &request)?).await?;
        println!("{}", introduction(config, &source));
        Ok(())
    }
}

// === impl Rotate ===

impl Rotate {
    async fn run(&self, config: &Config, server: &Server) -> Result<(), Failure> {
        let (snapshot, who) = find(server, &self.id).await?;
        let keep_ms = i64::try_from(self.keep.as_millis()).unwrap_or(i64::MAX);
        let decision = webhooks::rotate(&snapshot, &who, &self.id, self.secret.as_deref(), keep_ms)?;
        let source = write(config, server, decision).await?;
        println!("{}", introduction(config, &source));
        Ok(())
    }
}

// === impl Rm ===

impl Rm {
    async fn run(&self, config: &Config, server: &Server) -> Result<(), Failure> {
        let (snapshot, who) = find(server, &self.id).await?;
        write(config, server, webhooks::remove(&snapshot, &who, &self.id)?).await
    }
}

async fn all(server: &Server) -> Result<Vec<Source>, Failure> {
    let mut sources: Vec<Source> = look(server).await?.sources.values().map(|source| (**source).clone()).collect();
    sources.sort_by(|a, b| (&a.tenant_id, &a.name, &a.id).cmp(&(&b.tenant_id, &b.name, &b.id)));
    Ok(sources)
}

/// The tables, and the operator of its tenant.
async fn find(server: &Server, id: &str) -> Result<(Snapshot, Principal), Failure> {
    let snapshot = look(server).await?;
    let tenant = snapshot.sources.get(id).map(|source| source.tenant_id.clone()).ok_or_else(|| {
        Failure::Other(format!("there is no webhook source {id:?}: `activitylog webhook ls` lists them"))
    })?;
    Ok((snapshot, people::operator(&tenant)))
}

async fn list(config: &Config, server: &Server) -> Result<(), Failure> {
    let seen = deliveries(server).await?;
    let now_ms = jiff::Timestamp::now().as_millisecond();
    for source in all(server).await? {
        let (events, last) = seen.get(&source.id).cloned().unwrap_or((0, Value::Null));
        let line = json!({
            "id": source.id,
            "tenant": source.tenant_id,
            "kind": source.kind.as_str(),
            "name": source.name,
            "project": source.project,
            "url": url(config, &source),
            "created": time(source.created_at_ms),
            "secrets": source.secrets_at(now_ms).count(),
            "last_received": last,
            "events": events,
            "connected": events > 0,
        });
        println!("{line}");
    }
    Ok(())
}

/// By source: how many, and when the last one came.
async fn deliveries(server: &Server) -> Result<HashMap<String, (u64, Value)>, Failure> {
    let sql = "SELECT attributes['webhook.source_id'] AS id, count(), toUnixTimestamp64Milli(max(received_at)) \
               FROM activitylog.events WHERE kind = 'webhook' GROUP BY id";
    let lines = server.lines(sql).await.map_err(other)?;
    Ok(lines
        .into_iter()
        .filter_map(|line| {
            let [id, events, last] = <[String; 3]>::try_from(line).ok()?;
            Some((id, (events.parse().ok()?, time(last.parse().ok()?))))
        })
        .collect())
}

fn introduction(config: &Config, source: &Source) -> Value {
    // The newest stands first.
    let secret = source.secrets.first().map(|secret| secret.secret.as_str());
    json!({"id": source.id, "url": url(config, source), "secret": secret})
}

fn url(config: &Config, source: &Source) -> String {
    webhooks::url(&base(config, &config.webhooks.public_url), &source.id)
}

/// Where the instance is reached: as the configuration says, else where it listens.
pub(super) fn base(config: &Config, public_url: &str) -> String {
    match (public_url.trim_end_matches('/'), RunFile::read(&config.data_dir)) {
        ("", Ok(run)) => format!("{}://{}", config.tls.scheme(), run.http),
        ("", Err(_)) => format!("{}://{}", config.tls.scheme(), config.listen.http),
        (public, _) => public.to_owned(),
    }
}

fn time(ms: i64) -> Value {
    jiff::Timestamp::from_millisecond(ms).map_or(Value::Null, |time| Value::from(format!("{time:.3}")))
}

/// "24h", and "0" without a unit.
fn span(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let text: StrDeserializer<'_, ValueError> = text.into_deserializer();
    Span::deserialize(text).map(|span| span.0).map_err(|error| error.to_string())
}
