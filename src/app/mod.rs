//! The composition root: builds each room from the configuration, and takes them down in order.

mod database;
mod packs;
mod prices;
mod rules;
pub mod run_file;
mod setup;

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use futures_util::future::join_all;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::api::activity::Pace;
use crate::api::files::Turns;
use crate::api::grpc;
use crate::api::router::{Api, router};
use crate::audit::Trail;
use crate::auth::Auth;
use crate::auth::signing::Signing;
use crate::clickhouse::events::EventBlock;
use crate::clickhouse::metrics::MetricBlock;
use crate::clickhouse::migrate::MigrateError;
use crate::clickhouse::read::Reader;
use crate::config::Config;
use crate::control::Control;
use crate::engine::{self, EngineError};
use crate::ingest::accept::Intake;
use crate::ingest::body::BodyLimits;
use crate::ingest::otlp::http::Doors;
use crate::ingest::otlp::{Limits, http};
use crate::ingest::settings::{LONGEST_RETENTION, Settings};
use crate::ingest::webhook::Hooks;
use crate::limits::Budget;
use crate::limits::quota::Quotas;
use crate::live::Live;
use crate::net::tls::{Certificates, Listener, TlsError};
use crate::net::{self, Endpoints, ListenError, NetLimits};
use crate::packs::Library;
use crate::packs::seen::Seen;
use crate::people::tenants::Defaults;
use crate::prices::Prices;
use crate::ship::{Rows, Shipped, ship};
use crate::spool::{Lane, Lanes, SpoolOptions};
use crate::telemetry::counters::{Counters, Door};

pub use packs::{Checked, check_packs, packs, packs_of};
pub use prices::{PriceFileError, prices};
pub use setup::FirstStart;

use database::Database;
use run_file::RunFile;

/// Each is one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    #[error("packs.folder: {0}")]
    Pack(String),
    #[error("cannot listen for signals: {0}")]
    Signals(std::io::Error),
    #[error("cannot open the spool in {dir}: {error}")]
    Spool { dir: String, error: std::io::Error },
    #[error("cannot write {path}: {error}")]
    RunFile { path: String, error: std::io::Error },
    #[error("cannot use the key of hashed values {path}: {error}; or set content.hash_key")]
    HashKey { path: String, error: std::io::Error },
}

struct Listeners {
    grpc: TcpListener,
    otlp_http: TcpListener,
    http: TcpListener,
}

/// What the API has beside the doors.
struct Shared {
    packs: Arc<Library>,
    control: Arc<Control>,
    trail: Trail,
    live: Live,
    quotas: Arc<Quotas>,
}

struct Spools {
    events: Arc<Lanes<Rows<EventBlock>>>,
    metrics: Arc<Lanes<Rows<MetricBlock>>>,
}

const SAVE_QUOTAS: Duration = Duration::from_secs(10);
/// What was shipped may still be sent for this long at the end; the rest waits in the spool.
const LAST_SHIPMENT: Duration = Duration::from_secs(5);

/// Runs until SIGTERM or Ctrl-C. `ready` is called once, when everything answers.
pub async fn serve(
    config: Config,
    prices: Arc<Prices>,
    packs: Arc<Library>,
    ready: impl FnOnce(&RunFile, Option<&FirstStart>),
) -> Result<(), StartError> {
    let started = Instant::now();
    let certificates = Certificates::open(&config.tls)?;
    let lock = engine::lock_data_dir(&config.data_dir)?;
    RunFile::remove(&config.data_dir);
    let listeners = Listeners::bind(&config).await?;
    if let (Some(address), false) = (config.listen.open(), config.tls.is_on()) {
        tracing::warn!(
            "{address} is not a loopback address, and TLS is off: tokens and passwords travel in the clear, unless a \
                        proxy in front ends TLS (tls.cert, tls.key)"
        );
    }
    let counters = Arc::new(Counters::default());
    let spools = Spools::open(&config)?;
    let mut database = Database::connect(&config, lock)?;
    let (shipped, news) = watch::channel(());
    let (stop, stopping) = watch::channel(false);

    let endpoints = listeners.endpoints(config.tls.scheme());
    let control = Arc::new(Control::open(&config.data_dir, database.writer()));
    let quotas = Arc::new(Quotas::open(&config.data_dir));
    let settings = settings(&config, &prices, &control, &quotas)?;
    let doors = Arc::new(doors(&config, &spools, &counters, &control, settings, endpoints.clone()));
    let hooks = Arc::new(hooks(&config, &doors, &control));
    let reader = Reader::new(database.reader());
    let live = Live::new(reader, spools.events.clone(), news, database.is_shared(), stopping.clone());
    let trail = Trail::new(spools.events.clone(), config.retention.audit_days.min(LONGEST_RETENTION));
    let shared = Shared { packs, control: control.clone(), trail: trail.clone(), live, quotas: quotas.clone() };
    let api = Arc::new(api(&config, &spools, &counters, &database, shared, &doors, endpoints.clone()));
    let serving = listeners.serve(&config, certificates, &api, hooks, &stopping);

    let mut signals = Signals::listen()?;
    let up = tokio::select! {
        up = database.bring_up() => up,
        () = signals.stop() => { return stop_all(serving, stop, spools, vec![], database).await; }
    };
    let clickhouse_http = match up {
        Ok(url) => url,
        Err(error) => {
            stop_all(serving, stop, spools, vec![], database).await?;
            return Err(error);
        }
    };
    if let Err(error) = packs::check_folder(&api.reader, &api.packs).await {
        drop((api, doors));
        stop_all(serving, stop, spools, vec![], database).await?;
        return Err(error);
    }
    let first = match setup::first_start(&config, &control, &trail).await {
        Ok(first) => first,
        Err(error) => {
            tracing::warn!(%error, "the control tables could not be read yet");
            None
        }
    };
    let mut background = spools.ship(&database, &counters, shipped);
    background.push(tokio::spawn(async move { control.follow(stopping).await }));
    let saving = tokio::spawn(save_quotas(quotas.clone()));
    let run_file = RunFile::new(&endpoints, clickhouse_http, started.elapsed());
    run_file
        .write(&config.data_dir)
        .map_err(|error| StartError::RunFile { path: RunFile::path(&config.data_dir).display().to_string(), error })?;
    ready(&run_file, first.as_ref());
    // Not before: decoding them takes some 30 ms, and a first call that comes sooner waits for them.
    tokio::task::spawn_blocking({
        let prices = prices.clone();
        move || prices.warm()
    });
    let following = tokio::spawn(prices::follow(config.prices.clone(), prices));
    signals.stop().await;
    following.abort();
    saving.abort();
    RunFile::remove(&config.data_dir);
    // With the last of them go their idle connections, which the engine would wait for.
    drop((api, doors));
    let stopped = stop_all(serving, stop, spools, background, database).await;
    quotas.save();
    stopped
}

/// What a kill costs of a tenant's count is what came since the last time.
async fn save_quotas(quotas: Arc<Quotas>) {
    loop {
        tokio::time::sleep(SAVE_QUOTAS).await;
        let quotas = quotas.clone();
        let _ = tokio::task::spawn_blocking(move || quotas.save()).await;
    }
}

/// Brings the schema of the configured server up to date, and nothing else.
pub async fn migrate(config: &Config) -> Result<(), StartError> {
    let lock = engine::lock_data_dir(&config.data_dir)?;
    Database::connect(config, lock)?.bring_up().await.map(drop)
}

/// Listeners first, so that nothing new comes; then what is fsynced goes out, as far as it does in time; the engine last.
async fn stop_all(
    serving: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
    spools: Spools,
    background: Vec<JoinHandle<()>>,
    database: Database,
) -> Result<(), StartError> {
    tracing::info!("stopping");
    let _ = stop.send(true);
    for listener in serving {
        let _ = listener.await;
    }
    spools.events.shutdown().await;
    spools.metrics.shutdown().await;
    let give_up: Vec<_> = background.iter().map(JoinHandle::abort_handle).collect();
    let mut shipped = pin!(join_all(background));
    if tokio::time::timeout(LAST_SHIPMENT, &mut shipped).await.is_err() {
        tracing::warn!("some segments are not in ClickHouse yet; they are sent at the next start");
        give_up.iter().for_each(|task| task.abort());
        shipped.await;
    }
    database.shut_down().await;
    Ok(())
}

fn doors(
    config: &Config,
    spools: &Spools,
    counters: &Arc<Counters>,
    control: &Arc<Control>,
    settings: Settings,
    endpoints: Endpoints,
) -> Doors {
    Doors {
        intake: Intake {
            events: spools.events.clone(),
            metrics: spools.metrics.clone(),
            counters: counters.clone(),
            diagnostics: Arc::default(),
            limits: Limits { max_attributes: config.limits.attributes_per_record, ..Limits::default() },
            settings,
        },
        auth: Arc::new(Auth::new(&config.auth.anonymous_tenant, control.clone()).behind(&config.auth)),
        body: BodyLimits {
            budget: Budget::new(config.limits.in_flight_bytes.0),
            bytes: config.limits.request_bytes.0,
            timeout: config.limits.body_timeout.0,
        },
        cors_origins: config.cors.origins.clone(),
        endpoints,
    }
}

fn settings(
    config: &Config,
    prices: &Arc<Prices>,
    control: &Arc<Control>,
    quotas: &Arc<Quotas>,
) -> Result<Settings, StartError> {
    let rules = rules::by_tenant(config, prices)?;
    Ok(Settings::new(control.clone(), config.tiers.clone(), config.retention.days, rules, quotas.clone()))
}

fn hooks(config: &Config, doors: &Arc<Doors>, control: &Arc<Control>) -> Hooks {
    // What the budget can't hold is too large, not to be sent again.
    let bytes = config.webhooks.max_bytes.0.min(config.limits.in_flight_bytes.0);
    Hooks {
        doors: doors.clone(),
        control: control.clone(),
        body: BodyLimits { bytes, ..doors.body.clone() },
        keep_payload: config.webhooks.keep_payload,
    }
}

fn api(
    config: &Config,
    spools: &Spools,
    counters: &Arc<Counters>,
    database: &Database,
    shared: Shared,
    doors: &Arc<Doors>,
    endpoints: Endpoints,
) -> Api {
    Api {
        auth: doors.auth.clone(),
        signing: Signing::new(&config.auth, &endpoints.http),
        control: shared.control,
        trail: shared.trail,
        doors: doors.clone(),
        reader: Reader::new(database.reader()),
        gateway: database.gateway(),
        packs: shared.packs,
        seen: Seen::default(),
        tiers: config.tiers.clone(),
        live: shared.live,
        counters: counters.clone(),
        diagnostics: doors.intake.diagnostics.clone(),
        events: spools.events.clone(),
        metrics: spools.metrics.clone(),
        quotas: shared.quotas,
        budget: doors.body.budget.clone(),
        most_streams: config.limits.streams,
        pace: Pace::default(),
        files: Turns::default(),
        health: database.health(),
        defaults: Defaults {
            tiers: config.tiers.clone(),
            retention_days: config.retention.days.min(LONGEST_RETENTION),
        },
        public_url: Some(config.webhooks.public_url.trim_end_matches('/').to_owned())
            .filter(|url| !url.is_empty())
            .unwrap_or_else(|| endpoints.http.clone()),
        endpoints,
    }
}

// === impl Listeners ===

impl Listeners {
    async fn bind(config: &Config) -> Result<Listeners, ListenError> {
        let listen = &config.listen;
        Ok(Listeners {
            grpc: net::bind(listen.grpc, "listen.grpc").await?,
            otlp_http: net::bind(listen.otlp_http, "listen.otlp_http").await?,
            http: net::bind(listen.http, "listen.http").await?,
        })
    }

    fn endpoints(&self, scheme: &str) -> Endpoints {
        // A bound socket has an address.
        let url = |listener: &TcpListener| {
            listener.local_addr().map_or_else(|_| String::new(), |address| format!("{scheme}://{address}"))
        };
        Endpoints { otlp_grpc: url(&self.grpc), otlp_http: url(&self.otlp_http), http: url(&self.http) }
    }

    fn serve(
        self,
        config: &Config,
        certificates: Option<Certificates>,
        api: &Arc<Api>,
        hooks: Arc<Hooks>,
        stopping: &watch::Receiver<bool>,
    ) -> Vec<JoinHandle<()>> {
        let limits =
            NetLimits { header_timeout: config.limits.header_timeout.0, connections: config.limits.connections };
        let doors = &api.doors;
        let otlp = Router::new().fallback(http::export).with_state(doors.clone());
        let mut serving: Vec<JoinHandle<()>> = [
            (self.grpc, grpc::router(api.clone()), Door::Grpc, Listener::Grpc),
            (self.otlp_http, otlp, Door::Http, Listener::OtlpHttp),
            (self.http, router(api.clone(), hooks), Door::Http, Listener::Portal),
        ]
        .map(|(listener, router, door, which)| {
            let doors = doors.clone();
            let met_tls = move |peer| doors.met_tls(door, peer);
            let tls = certificates.as_ref().map(|certificates| certificates.of(which));
            tokio::spawn(net::serve(listener, router, limits, tls, stopping.clone(), met_tls))
        })
        .into();
        serving.extend(certificates.map(|certificates| tokio::spawn(certificates.follow(stopping.clone()))));
        serving
    }
}

// === impl Spools ===

impl Spools {
    fn open(config: &Config) -> Result<Spools, StartError> {
        let spool = &config.spool;
        let options = SpoolOptions {
            segment_bytes: spool.segment_bytes.0,
            segment_age: spool.segment_age.0,
            max_bytes: spool.max_bytes.0,
            min_free_bytes: spool.min_free_bytes.0,
            replay_window: spool.replay_window.0,
            replay_entries: spool.replay_entries,
            delivery_window: spool.delivery_window.0,
            delivery_entries: spool.delivery_entries,
            ..SpoolOptions::new(config.data_dir.join("spool"))
        };
        let failed = |error| StartError::Spool { dir: options.dir.display().to_string(), error };
        Ok(Spools {
            events: Arc::new(Lanes::open(&options, ["events", "events-2"], Rows::default).map_err(failed)?),
            metrics: Arc::new(Lanes::open(&options, ["metrics", "metrics-2"], Rows::default).map_err(failed)?),
        })
    }

    /// A shipper for each lane of each table.
    fn ship(&self, database: &Database, counters: &Arc<Counters>, shipped: Shipped) -> Vec<JoinHandle<()>> {
        let (shipped, nobody) = (Arc::new(shipped), Arc::new(watch::channel(()).0));
        let ship_both = |lane| {
            let (events, metrics) = (self.events.clone(), self.metrics.clone());
            [
                tokio::spawn(ship(events, lane, database.writer(), counters.clone(), shipped.clone())),
                tokio::spawn(ship(metrics, lane, database.writer(), counters.clone(), nobody.clone())),
            ]
        };
        Lane::ALL.into_iter().flat_map(ship_both).collect()
    }
}

// === impl Signals ===

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Signals, StartError> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate()).map_err(StartError::Signals)?,
            interrupt: signal(SignalKind::interrupt()).map_err(StartError::Signals)?,
        })
    }

    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
