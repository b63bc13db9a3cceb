//! One child process: its start, its end, and its last words.

use std::collections::VecDeque;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::child::EXIT_REFUSED;

/// Of the child's stderr, so much is kept: the end of it, where the reason stands.
const KEPT_LINES: usize = 8;
const KEPT_LINE_BYTES: u64 = 2 << 10;

/// After the process ended its stderr ends too; unless something inherited it, which must not hold us up.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A running engine. Dropping it closes the pipe that keeps it alive, so it ends by itself soon after.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Never written to: the engine lives until this is closed.
    stdin: Option<ChildStdin>,
    pid: u32,
    tail: Arc<Mutex<VecDeque<String>>>,
    tail_reader: JoinHandle<()>,
}

/// How a process ended.
#[derive(Debug)]
pub(super) enum Exit {
    /// It said, in the one line it holds, why starting it again won't help.
    Refused(String),
    Died(String),
}

// === impl Process ===

impl Process {
    pub(super) fn spawn(program: &Path, library: &Path, data_dir: &Path, cwd: &Path) -> io::Result<Process> {
        let mut child = Command::new(program)
            .arg("engine")
            .arg("--data-dir")
            .arg(data_dir)
            .arg("--lib")
            .arg(library)
            // The engine reads neither our secrets nor a configuration that happens to lie around.
            .env_clear()
            .current_dir(cwd)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Ctrl-C on the terminal goes to our process group; the engine must outlive it until the spool is drained.
            .process_group(0)
            .spawn()?;
        let stdin = child.stdin.take();
        let pid = child.id().unwrap_or_default();
        let tail = Arc::new(Mutex::new(VecDeque::new()));
        // Piped above.
        let stderr = child.stderr.take().expect("stderr was asked for");
        let tail_reader = tokio::spawn(keep_tail(stderr, Arc::clone(&tail)));
        Ok(Process { child, stdin, pid, tail, tail_reader })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for its end. Cancel safe.
    pub(super) async fn wait(&mut self) -> Exit {
        let status = self.child.wait().await;
        let _ = timeout(LAST_WORDS, &mut self.tail_reader).await;
        let lines = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        match status {
            Ok(status) if status.code() == Some(EXIT_REFUSED.into()) => {
                Exit::Refused(lines.back().cloned().unwrap_or_default())
            }
            Ok(status) => Exit::Died(describe(status, lines.iter())),
            Err(error) => Exit::Died(format!("its end could not be awaited: {error}")),
        }
    }

    /// Ends it: cleanly if it does so within `patience`, else by force. It is gone when this returns.
    pub(super) async fn stop(mut self, patience: Duration) {
        drop(self.stdin.take());
        if timeout(patience, self.child.wait()).await.is_err() {
            tracing::warn!(
                pid = self.pid,
                "the engine did not end in time and is killed; it lost nothing it acknowledged"
            );
            if let Err(error) = self.child.kill().await {
                tracing::error!(pid = self.pid, %error, "the engine could not be killed");
            }
        }
    }
}

/// Reads to the end, so that the child never blocks on a full pipe, and keeps the last lines.
async fn keep_tail(stderr: ChildStderr, tail: Arc<Mutex<VecDeque<String>>>) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(KEPT_LINE_BYTES).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line).trim().to_owned();
        if text.is_empty() {
            continue;
        }
        tracing::debug!(target: "activitylog::engine::stderr", "{text}");
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.len() == KEPT_LINES {
            tail.pop_front();
        }
        tail.push_back(text);
    }
}

/// "killed by signal 9", "exit code 1: Code: 243. DB::Exception: ..."
fn describe<'a>(status: ExitStatus, lines: impl Iterator<Item = &'a String>) -> String {
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => "ended".to_owned(),
    };
    let words = lines.map(String::as_str).collect::<Vec<_>>().join(" | ");
    if words.is_empty() { how } else { format!("{how}: {words}") }
}
