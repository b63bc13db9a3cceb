//! One start: from the files on disk to an engine that answers and keeps the tenant wall.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::sleep;

use super::dedup;
use super::files::EngineDir;
use super::ports::Ports;
use super::process::{Exit, Process};
use super::{DataDirLock, EngineError, EngineOptions, EngineState, library, lock, probe};

const POLL: Duration = Duration::from_millis(10);

/// Somebody may take a free port between our look and the engine's bind: look again so often.
const PORT_ATTEMPTS: usize = 5;

/// What doesn't change from one start to the next.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) options: EngineOptions,
    pub(super) dir: EngineDir,
    lock: DataDirLock,
    library: PathBuf,
    program: PathBuf,
}

#[derive(Debug)]
pub(super) struct Running {
    pub(super) process: Process,
    pub(super) ports: Ports,
}

// === impl Plan ===

impl Plan {
    pub(super) fn make(lock: &DataDirLock, options: EngineOptions) -> Result<Plan, EngineError> {
        let library = library::find(options.library.as_deref())?;
        let program = match &options.program {
            // The child starts in another folder.
            Some(program) => std::path::absolute(program).unwrap_or_else(|_| program.clone()),
            None => std::env::current_exe()
                .map_err(|source| EngineError::Spawn { program: PathBuf::from("activitylog"), source })?,
        };
        let dir = EngineDir::prepare(lock)?;
        Ok(Plan { options, dir, lock: lock.clone(), library, program })
    }

    /// One engine, up and answering; `None` when told to stop meanwhile.
    pub(super) async fn launch(
        self: &Arc<Self>,
        stop: &mut oneshot::Receiver<()>,
    ) -> Result<Option<Running>, EngineError> {
        self.wait_for_store().await?;
        for attempt in 1.. {
            let mut running = self.spawn().await?;
            let outcome = tokio::select! {
                outcome = self.until_ready(&mut running) => outcome,
                _ = &mut *stop => {
                    running.process.stop(self.options.stop_timeout).await;
                    return Ok(None);
                }
            };
            match outcome {
                Ok(()) => return Ok(Some(running)),
                // Its own end was no mishap of the engine's, if a port was taken under it.
                Err(EngineError::Died { .. }) if attempt < PORT_ATTEMPTS && running.ports.taken().is_some() => {
                    tracing::info!(ports = ?running.ports, "a port of the engine was taken meanwhile; trying others");
                }
                Err(error) => {
                    running.process.stop(self.options.stop_timeout).await;
                    return Err(error);
                }
            }
        }
        unreachable!("the loop ends by returning")
    }

    /// After a kill -9 of the instance before, its engine may still be shutting down: it gets the time to.
    async fn wait_for_store(&self) -> Result<(), EngineError> {
        let store = self.dir.store();
        let deadline = Instant::now() + self.options.stop_timeout;
        while let Some(pid) = lock::holder_of_store(&store) {
            if Instant::now() >= deadline {
                return Err(EngineError::EngineLocked { dir: store, pid });
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    async fn spawn(self: &Arc<Self>) -> Result<Running, EngineError> {
        let plan = Arc::clone(self);
        // Files are fsynced here, and a restart happens amid traffic.
        let ports = tokio::task::spawn_blocking(move || {
            let ports = Ports::choose(&plan.options, &plan.dir.ports_file())?;
            plan.dir.write_configuration(&plan.options, ports)?;
            let store = plan.dir.store();
            dedup::reconcile(&store).map_err(|error| EngineError::from_io(&store, error))?;
            Ok::<_, EngineError>(ports)
        })
        .await
        .map_err(|error| EngineError::Refused(format!("the engine's configuration could not be written: {error}")))??;
        let process = Process::spawn(&self.program, &self.library, self.lock.dir(), &self.dir.path)
            .map_err(|source| EngineError::Spawn { program: self.program.clone(), source })?;
        Ok(Running { process, ports })
    }

    async fn until_ready(&self, running: &mut Running) -> Result<(), EngineError> {
        let address = running.ports.http_address();
        let answering = async {
            while !probe::answers(address, &self.dir.credentials).await {
                sleep(POLL).await;
            }
            probe::check_wall(address, &self.dir.credentials).await
        };
        let log = self.dir.log();
        tokio::select! {
            exit = running.process.wait() => Err(match exit {
                Exit::Refused(line) => EngineError::Refused(line),
                Exit::Died(reason) => EngineError::Died { reason, log },
            }),
            result = answering => result,
            () = sleep(self.options.start_timeout) => {
                Err(EngineError::StartTimeout { seconds: self.options.start_timeout.as_secs(), log })
            }
        }
    }
}

// === impl Running ===

impl Running {
    pub(super) fn state(&self) -> EngineState {
        EngineState::Ready { url: self.ports.http_url(), pid: self.process.pid() }
    }
}
