//! The promise: a 2xx means fsynced and exactly one row, whatever is killed.

mod killed;
mod load;
mod quarantine;
mod refusals;
mod shared;
mod stopping;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Server, eventually};

/// To a process that the test started.
fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.try_into().expect("a pid")).expect("not 0");
    kill_process(pid, signal).expect("it was started here");
}

/// One that ended and is not reaped yet counts as gone.
fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// What `/readyz` says with this status.
async fn wait_for_readiness(server: &Server, status: u16) -> Value {
    eventually(&format!("/readyz answers {status}"), async || {
        let answer = server.get("/readyz").await;
        (answer.status == status).then(|| answer.json())
    })
    .await
}

/// The processes that a server has started.
fn children(server: &Server) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", server.pid())).expect("a process").filter_map(Result::ok);
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

/// A stopped process, which goes on when the test is done with it, however it ends.
pub struct Frozen(u32);

impl Frozen {
    pub fn new(pid: u32) -> Frozen {
        signal(pid, Signal::STOP);
        Frozen(pid)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        if is_running(self.0) {
            signal(self.0, Signal::CONT);
        }
    }
}
