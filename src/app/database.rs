//! The ClickHouse behind it all: the embedded engine, or a server of the operator's.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::StartError;
use crate::api::operations::{Health, HealthCheck};
use crate::clickhouse::migrate::{MigrateError, WALLED_TABLES, migrate};
use crate::clickhouse::raw::Raw;
use crate::clickhouse::server::{Endpoint, Server, StoreError};
use crate::clickhouse::wall;
use crate::config::Config;
use crate::engine::{self, Credentials, DataDirLock, Engine, EngineError, EngineOptions, EngineState, User};
use crate::gateway::Gateway;

pub(super) struct Database {
    mode: Mode,
    endpoint: Endpoint,
    writer: Server,
    reader: Server,
    /// As whom callers' own SQL runs, and who parses it before.
    callers: (User, User),
    health: Arc<Mutex<Health>>,
    /// Asks every few seconds whether it still answers.
    watch: Option<JoinHandle<()>>,
    /// The data folder is ours until the end.
    lock: DataDirLock,
}

const ASK_EVERY: Duration = Duration::from_secs(5);

enum Mode {
    Embedded {
        options: Box<EngineOptions>,
        engine: Option<Engine>,
    },
    /// `None`: the users exist already.
    Server {
        passwords: Option<[String; 3]>,
    },
}

// === impl Database ===

impl Database {
    pub(super) fn connect(config: &Config, lock: DataDirLock) -> Result<Database, EngineError> {
        let clickhouse = &config.clickhouse;
        let endpoint = Endpoint::new(clickhouse.url.clone());
        let (mode, writer, reader, callers) = if clickhouse.url.is_empty() {
            let credentials = Credentials::load_or_make(lock.dir())?;
            let options = EngineOptions {
                library: Some(config.engine.lib.clone()).filter(|path| !path.as_os_str().is_empty()),
                walled_tables: WALLED_TABLES.map(str::to_owned).to_vec(),
                max_memory_bytes: Some(config.engine.memory.0),
                ..EngineOptions::default()
            };
            let Credentials { writer, reader, guest, gate } = credentials;
            (Mode::Embedded { options: Box::new(options), engine: None }, writer, reader, (guest, gate))
        } else {
            let writer = User { name: clickhouse.user.clone(), password: clickhouse.password.clone() };
            if clickhouse.reader_user.is_empty() {
                let user = |name: &str, password: &str| User { name: name.to_owned(), password: password.to_owned() };
                let made = |name: &str| user(name, &wall::password_of(name, &clickhouse.password));
                let [reader, guest, gate] = wall::USERS.map(made);
                let passwords = Some([&reader, &guest, &gate].map(|user| user.password.clone()));
                (Mode::Server { passwords }, writer, reader, (guest, gate))
            } else {
                let reader =
                    User { name: clickhouse.reader_user.clone(), password: clickhouse.reader_password.clone() };
                // To parse needs no rights, so whoever reads can do it.
                (Mode::Server { passwords: None }, writer, reader.clone(), (reader.clone(), reader))
            }
        };
        let server = |user: &User, timeout| Server::new(endpoint.clone(), &user.name, &user.password, timeout);
        Ok(Database {
            writer: server(&writer, clickhouse.insert_timeout.0),
            reader: server(&reader, clickhouse.query_timeout.0),
            callers,
            health: Arc::new(Mutex::new(Health { database_ready: false, database: "starting".to_owned() })),
            mode,
            endpoint,
            watch: None,
            lock,
        })
    }

    pub(super) fn writer(&self) -> Server {
        self.writer.clone()
    }

    pub(super) fn reader(&self) -> Server {
        self.reader.clone()
    }

    pub(super) fn gateway(&self) -> Gateway {
        let raw = |user: &User| Raw::new(self.endpoint.clone(), &user.name, &user.password);
        Gateway::new(raw(&self.callers.0), raw(&self.callers.1))
    }

    /// Other nodes may write to it.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self.mode, Mode::Server { .. })
    }

    pub(super) fn health(&self) -> HealthCheck {
        let health = self.health.clone();
        Box::new(move || health.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Starts the engine where it is ours, and brings the schema up to date. A server that is not there yet is waited for:
    /// what arrives meanwhile is in the spool. Returns its address.
    pub(super) async fn bring_up(&mut self) -> Result<String, StartError> {
        if let Mode::Embedded { options, engine } = &mut self.mode {
            let started = engine::start(&self.lock, (**options).clone()).await?;
            self.endpoint.set(started.http_url());
            tokio::spawn(follow(started.state(), self.endpoint.clone(), self.health.clone()));
            *engine = Some(started);
        }
        loop {
            match self.migrate().await {
                Ok(()) => break,
                Err(MigrateError::Store(error) | MigrateError::Failed { error, .. })
                    if matches!(error, StoreError::Unreachable(_) | StoreError::Timeout(_)) =>
                {
                    tracing::warn!(%error, "ClickHouse is not there yet; events are accepted and kept");
                    set(&self.health, false, &error.to_string());
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        set(&self.health, true, "answering");
        self.watch = Some(tokio::spawn(watch(self.writer.clone(), self.health.clone())));
        Ok(self.endpoint.url())
    }

    async fn migrate(&self) -> Result<(), MigrateError> {
        let applied = match &self.mode {
            Mode::Server { passwords: Some(passwords) } => {
                wall::build_users(&self.writer, passwords).await?;
                let applied = migrate(&self.writer, true).await?;
                wall::build_policies(&self.writer).await?;
                applied
            }
            mode => migrate(&self.writer, matches!(mode, Mode::Server { .. })).await?,
        };
        if !applied.is_empty() {
            tracing::info!(?applied, "schema migrated");
        }
        Ok(())
    }

    pub(super) async fn shut_down(self) {
        if let Some(watch) = self.watch {
            watch.abort();
            let _ = watch.await;
        }
        // With them go the idle connections, which the engine would wait for.
        drop((self.writer, self.reader));
        if let Mode::Embedded { engine: Some(engine), .. } = self.mode {
            engine.shutdown().await;
        }
    }
}

fn set(health: &Mutex<Health>, ready: bool, text: &str) {
    let mut health = health.lock().unwrap_or_else(PoisonError::into_inner);
    *health = Health { database_ready: ready, database: text.to_owned() };
}

/// The engine's own news.
async fn follow(mut state: tokio::sync::watch::Receiver<EngineState>, endpoint: Endpoint, health: Arc<Mutex<Health>>) {
    while state.changed().await.is_ok() {
        let now = state.borrow_and_update().clone();
        match now {
            EngineState::Ready { url, pid } => {
                tracing::info!(pid, %url, "the engine answers again");
                endpoint.set(url);
                set(&health, true, "answering");
            }
            EngineState::Down { reason, .. } => {
                tracing::warn!(%reason, "the engine is down; events are accepted and kept");
                set(&health, false, &reason);
            }
            EngineState::Stopped => return,
        }
    }
}

/// A server of somebody else's tells nothing by itself, and neither does an engine that hangs.
async fn watch(server: Server, health: Arc<Mutex<Health>>) {
    loop {
        tokio::time::sleep(ASK_EVERY).await;
        match tokio::time::timeout(ASK_EVERY, server.lines("SELECT 1")).await {
            Ok(Ok(_)) => set(&health, true, "answering"),
            Ok(Err(error)) => set(&health, false, &error.to_string()),
            Err(_) => set(&health, false, &format!("it has not answered for {ASK_EVERY:?}")),
        }
    }
}
