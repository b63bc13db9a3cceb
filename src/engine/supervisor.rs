//! Keeps one engine running: starts it, waits until it answers, starts it again when it dies, ends it.
//!
//! ```text
//! start() --ready--> Ready --died--> Down --backoff, launch--> Ready ...     until shutdown()
//! ```
//! The first start fails with an error that says what to do; a later one never gives up, and says why in [`EngineState`].

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::launch::{Plan, Running};
use super::ports::Ports;
use super::process::Exit;
use super::{Credentials, DataDirLock, EngineError, EngineOptions};

const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LAST_BACKOFF: Duration = Duration::from_secs(10);

/// An engine that ran for so long and then died is not in a crash loop.
const STEADY: Duration = Duration::from_secs(60);

/// What the engine is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineState {
    /// Answers, and keeps the tenant wall.
    Ready { url: String, pid: u32 },
    /// Died, and is being started again. `since` the first death; `reason` of the latest failure, one line.
    Down { since: SystemTime, reason: String },
    /// Was told to end.
    Stopped,
}

/// The running engine. Dropping it ends the engine too, without waiting.
#[derive(Debug)]
pub struct Engine {
    credentials: Credentials,
    state: watch::Receiver<EngineState>,
    ports: watch::Receiver<Ports>,
    stop: oneshot::Sender<()>,
    supervisor: JoinHandle<()>,
}

/// The supervisor's end of what [`Engine`] shows.
struct Shown {
    state: watch::Sender<EngineState>,
    ports: watch::Sender<Ports>,
}

/// Starts the engine in the data folder and returns once it answers.
///
/// # Errors
/// All of [`EngineError`]; nothing keeps running then.
pub async fn start(lock: &DataDirLock, options: EngineOptions) -> Result<Engine, EngineError> {
    let plan = Arc::new(Plan::make(lock, options)?);
    let started = Instant::now();
    // Never stopped: whoever loses interest drops this future, and with it the pipe of a child half started.
    let (_keep, mut never) = oneshot::channel();
    let running = plan.launch(&mut never).await?.ok_or(EngineError::Refused("stopped".to_owned()))?;
    let elapsed_ms = started.elapsed().as_millis() as u64;
    tracing::info!(pid = running.process.pid(), url = running.ports.http_url(), elapsed_ms, "engine ready");

    let (state, state_seen) = watch::channel(running.state());
    let (ports, ports_seen) = watch::channel(running.ports);
    let (stop, stopped) = oneshot::channel();
    let credentials = plan.dir.credentials.clone();
    let supervisor = tokio::spawn(supervise(plan, running, Shown { state, ports }, stopped));
    Ok(Engine { credentials, state: state_seen, ports: ports_seen, stop, supervisor })
}

async fn supervise(plan: Arc<Plan>, mut running: Running, shown: Shown, mut stop: oneshot::Receiver<()>) {
    let mut backoff = FIRST_BACKOFF;
    loop {
        let ready_at = Instant::now();
        let exit = tokio::select! {
            exit = running.process.wait() => exit,
            _ = &mut stop => {
                running.process.stop(plan.options.stop_timeout).await;
                break;
            }
        };
        if ready_at.elapsed() >= STEADY {
            backoff = FIRST_BACKOFF;
        }
        let (Exit::Refused(reason) | Exit::Died(reason)) = exit;
        tracing::error!(reason, "the engine died; it is started again");
        let since = SystemTime::now();
        shown.state.send_replace(EngineState::Down { since, reason });

        let Some(again) = relaunch(&plan, &shown, since, &mut backoff, &mut stop).await else {
            break;
        };
        running = again;
        tracing::info!(pid = running.process.pid(), url = running.ports.http_url(), "engine ready again");
        shown.ports.send_replace(running.ports);
        shown.state.send_replace(running.state());
    }
    shown.state.send_replace(EngineState::Stopped);
}

/// Tries until it is up (`Some`) or told to stop (`None`).
async fn relaunch(
    plan: &Arc<Plan>,
    shown: &Shown,
    since: SystemTime,
    backoff: &mut Duration,
    stop: &mut oneshot::Receiver<()>,
) -> Option<Running> {
    loop {
        tokio::select! {
            () = sleep(jittered(*backoff)) => {}
            _ = &mut *stop => return None,
        }
        *backoff = (*backoff * 2).min(LAST_BACKOFF);
        match plan.launch(stop).await {
            Ok(launched) => return launched,
            Err(error) => {
                tracing::error!(%error, "the engine could not be started again; will try again");
                shown.state.send_replace(EngineState::Down { since, reason: error.to_string() });
            }
        }
    }
}

/// Between half of it and the whole.
fn jittered(delay: Duration) -> Duration {
    let mut byte = [0u8; 1];
    // Without randomness there is no jitter; one engine alone needs none.
    let _ = getrandom::fill(&mut byte);
    delay.mul_f64(0.5 + f64::from(byte[0]) / 512.0)
}

// === impl Engine ===

impl Engine {
    /// Where its HTTP interface is, `http://127.0.0.1:PORT`. The same over restarts, unless somebody took the port
    /// meanwhile.
    pub fn http_url(&self) -> String {
        self.ports.borrow().http_url()
    }

    /// The port of its native protocol, on 127.0.0.1.
    pub fn tcp_port(&self) -> u16 {
        self.ports.borrow().tcp
    }

    pub fn state(&self) -> watch::Receiver<EngineState> {
        self.state.clone()
    }

    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Ends the engine, cleanly if it does so within `stop_timeout`. No process of it is left when this returns.
    pub async fn shutdown(self) {
        drop(self.stop);
        if let Err(error) = self.supervisor.await {
            tracing::error!(%error, "the engine's supervisor failed");
        }
    }
}
