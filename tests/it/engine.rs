//! The engine's life: it starts, comes back, ends with its parent, and says in one line why it can't.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use activitylog::engine::{Engine, EngineError, EngineOptions, EngineState, User, lock_data_dir, start};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Far more than anything here takes; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the process of [`parent_that_gets_killed`] finds its folder.
const PARENT_DATA_DIR: &str = "ACTIVITYLOG_TEST_PARENT_DATA_DIR";

pub(crate) fn options() -> EngineOptions {
    EngineOptions {
        program: Some(PathBuf::from(env!("CARGO_BIN_EXE_activitylog"))),
        library: Some(crate::support::engine_library()),
        ..EngineOptions::default()
    }
}

/// One query over HTTP, as whoever is given: status and body.
pub(crate) async fn query(url: &str, user: Option<&User>, settings: &str, sql: &str) -> (u16, String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = url.strip_prefix("http://").expect("a plain URL");
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("the engine listens");
    let login = user.map_or(String::new(), |user| {
        format!("X-ClickHouse-User: {}\r\nX-ClickHouse-Key: {}\r\n", user.name, user.password)
    });
    let request =
        format!("POST /?{settings} HTTP/1.0\r\nHost: localhost\r\n{login}Content-Length: {}\r\n\r\n{sql}", sql.len());
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("an HTTP status");
    (status, answer.split_once("\r\n\r\n").expect("a body").1.trim_end().to_owned())
}

/// As the writer; the query must succeed.
pub(crate) async fn write(engine: &Engine, sql: &str) -> String {
    let (status, body) = query(&engine.http_url(), Some(&engine.credentials().writer), "", sql).await;
    assert_eq!(status, 200, "{sql}: {body}");
    body
}

fn pid(engine: &Engine) -> u32 {
    match &*engine.state().borrow() {
        EngineState::Ready { pid, .. } => *pid,
        other => panic!("not ready: {other:?}"),
    }
}

/// A process that ended but was not yet reaped counts as gone.
fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

fn kill_9(pid: u32) {
    let pid = Pid::from_raw(pid.try_into().expect("a pid")).expect("not 0");
    kill_process(pid, Signal::KILL).expect("it was started here");
}

/// Looks again and again until it is so.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) -> Duration {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    started.elapsed()
}

/// The one line of a start that must fail.
async fn refusal(dir: &Path, options: EngineOptions) -> String {
    let lock = lock_data_dir(dir).expect("the folder is free");
    one_line(start(&lock, options).await.expect_err("it must not start"))
}

fn one_line(error: EngineError) -> String {
    let line = error.to_string();
    assert!(!line.contains('\n'), "{line}");
    line
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_and_shutdown_leaves_no_process() {
    let dir = TempDir::new().unwrap();
    let lock = lock_data_dir(dir.path()).unwrap();
    let engine = start(&lock, options()).await.unwrap();
    let pid = pid(&engine);
    let state = engine.state();
    assert!(is_running(pid));
    engine.shutdown().await;
    assert!(!is_running(pid));
    assert_eq!(*state.borrow(), EngineState::Stopped);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_private_and_kept_and_so_is_the_port() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    let lock = lock_data_dir(dir.path()).unwrap();
    let first = start(&lock, options()).await.unwrap();
    let (url, password) = (first.http_url(), first.credentials().writer.password.clone());
    for name in ["engine.xml", "users.xml", "secrets.json"] {
        let mode = dir.path().join("engine").join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert!(!format!("{:?}", first.credentials()).contains(&password));
    first.shutdown().await;

    let second = start(&lock, options()).await.unwrap();
    assert_eq!(second.http_url(), url);
    assert_eq!(second.credentials().writer.password, password);
    second.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_it_comes_back_on_its_port_with_its_data() {
    let dir = TempDir::new().unwrap();
    let lock = lock_data_dir(dir.path()).unwrap();
    let engine = start(&lock, options()).await.unwrap();
    let url = engine.http_url();
    write(&engine, "CREATE DATABASE activitylog").await;
    write(
        &engine,
        "CREATE TABLE activitylog.events (n UInt64) ENGINE = MergeTree ORDER BY n \
         SETTINGS fsync_after_insert = 1, fsync_part_directory = 1",
    )
    .await;
    write(&engine, "INSERT INTO activitylog.events VALUES (1), (2), (3)").await;

    let killed = pid(&engine);
    let mut state = engine.state();
    state.mark_unchanged();
    kill_9(killed);
    let down = state.wait_for(|state| matches!(state, EngineState::Down { .. }));
    let EngineState::Down { reason, .. } = down.await.unwrap().clone() else { unreachable!() };
    assert!(reason.contains("killed by signal 9"), "{reason}");
    let ready = state.wait_for(|state| matches!(state, EngineState::Ready { .. }));
    tokio::time::timeout(PATIENCE, ready).await.expect("ready again").unwrap();

    assert_ne!(pid(&engine), killed);
    assert_eq!(engine.http_url(), url);
    assert_eq!(write(&engine, "SELECT sum(n) FROM activitylog.events").await, "6");
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_loop_is_told_and_ends_once_its_cause_is_gone() {
    let dir = TempDir::new().unwrap();
    let lock = lock_data_dir(dir.path()).unwrap();
    let engine = start(&lock, options()).await.unwrap();
    write(&engine, "CREATE DATABASE activitylog").await;
    let metadata = dir.path().join("engine/store/metadata/activitylog.sql");
    let good = std::fs::read(&metadata).unwrap();
    std::fs::write(&metadata, "not SQL").unwrap();

    kill_9(pid(&engine));
    let mut state = engine.state();
    let told =
        state.wait_for(|state| matches!(state, EngineState::Down { reason, .. } if reason.contains("exit code")));
    let EngineState::Down { reason, .. } = tokio::time::timeout(PATIENCE, told).await.expect("told").unwrap().clone()
    else {
        unreachable!()
    };
    assert!(reason.contains("DB::Exception") && reason.contains("clickhouse.log"), "{reason}");
    assert!(!reason.contains('\n'), "{reason}");

    std::fs::write(&metadata, good).unwrap();
    let ready = state.wait_for(|state| matches!(state, EngineState::Ready { .. }));
    tokio::time::timeout(PATIENCE, ready).await.expect("ready again").unwrap();
    engine.shutdown().await;
}

/// Not a test of its own: the process that the next test starts and kills.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by killed_the_parent_takes_the_engine_along"]
async fn parent_that_gets_killed() {
    let Some(dir) = std::env::var_os(PARENT_DATA_DIR) else {
        return;
    };
    let lock = lock_data_dir(Path::new(&dir)).unwrap();
    let engine = start(&lock, options()).await.unwrap();
    println!("\nengine pid {}", pid(&engine));
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_the_parent_takes_the_engine_along() {
    let dir = TempDir::new().unwrap();
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["engine::parent_that_gets_killed", "--exact", "--ignored", "--nocapture"])
        .env(PARENT_DATA_DIR, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(parent.stdout.take().unwrap()).lines().map_while(Result::ok);
    let engine = lines.filter_map(|line| line.strip_prefix("engine pid ")?.parse().ok()).next().expect("its pid");
    assert!(is_running(engine));

    parent.kill().unwrap();
    parent.wait().unwrap();
    let took = eventually("the engine ends with its parent", || !is_running(engine)).await;
    assert!(took < Duration::from_secs(10), "{took:?}");

    // And the folder is free again, at once.
    let lock = lock_data_dir(dir.path()).unwrap();
    start(&lock, options()).await.unwrap().shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_it_ends_too() {
    let dir = TempDir::new().unwrap();
    let lock = lock_data_dir(dir.path()).unwrap();
    let engine = start(&lock, options()).await.unwrap();
    let pid = pid(&engine);
    drop(engine);
    eventually("the engine ends", || !is_running(pid)).await;
}

#[test]
fn a_second_instance_on_the_folder_is_refused() {
    let dir = TempDir::new().unwrap();
    let held = lock_data_dir(dir.path()).unwrap();
    let line = one_line(lock_data_dir(dir.path()).unwrap_err());
    assert!(line.contains(&format!("in use by another ActivityLog (pid {})", std::process::id())), "{line}");
    assert!(line.contains("--data-dir"), "{line}");
    drop(held);
    lock_data_dir(dir.path()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_engine_on_the_store_is_named() {
    let dir = TempDir::new().unwrap();
    let store = dir.path().join("engine/store");
    std::fs::create_dir_all(&store).unwrap();
    std::fs::write(store.join("status"), "PID: 4711\n").unwrap();
    let status = std::fs::File::open(store.join("status")).unwrap();
    rustix::fs::flock(&status, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let line = refusal(dir.path(), EngineOptions { stop_timeout: Duration::from_millis(50), ..options() }).await;
    assert!(line.contains("still in use by a ClickHouse (pid 4711)"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_library_is_named_with_what_to_run() {
    let dir = TempDir::new().unwrap();
    let library = dir.path().join("nowhere.so");
    let line = refusal(dir.path(), EngineOptions { library: Some(library.clone()), ..options() }).await;
    assert!(line.contains("make engine") && line.contains(library.to_str().unwrap()), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unusable_library_is_named() {
    let dir = TempDir::new().unwrap();
    let library = dir.path().join("libchdb.so");
    let with_library = || EngineOptions { library: Some(library.clone()), ..options() };

    std::fs::write(&library, "not a library, but long enough for a header").unwrap();
    let line = refusal(dir.path(), with_library()).await;
    assert!(line.contains("not a shared library") && line.contains("make engine"), "{line}");

    // A header for another machine.
    let mut header = std::fs::read(env!("CARGO_BIN_EXE_activitylog")).unwrap()[..64].to_vec();
    let machine = header[18];
    header[18] = if machine == 62 { 183 } else { 62 };
    std::fs::write(&library, &header).unwrap();
    let line = refusal(dir.path(), with_library()).await;
    assert!(line.contains(if machine == 62 { "it is for aarch64" } else { "it is for x86_64" }), "{line}");

    // The right machine, and nothing after the header: only the loader can tell.
    header[18] = machine;
    std::fs::write(&library, &header).unwrap();
    let line = refusal(dir.path(), with_library()).await;
    assert!(line.contains("can't be used") && line.contains("make engine"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_of_a_newer_engine_is_left_alone() {
    let dir = TempDir::new().unwrap();
    std::fs::create_dir_all(dir.path().join("engine")).unwrap();
    std::fs::write(dir.path().join("engine/version"), "99.1.2").unwrap();
    let line = refusal(dir.path(), options()).await;
    assert!(line.contains("99.1.2") && line.contains("older"), "{line}");
    assert!(!dir.path().join("engine/store/status").exists());
}

#[test]
fn an_unwritable_folder_is_named() {
    let dir = TempDir::new().unwrap();
    // Root may write anywhere, but not below a file.
    std::fs::write(dir.path().join("file"), "").unwrap();
    let line = one_line(lock_data_dir(&dir.path().join("file/data")).unwrap_err());
    assert!(line.contains("can't write to") && line.contains("--data-dir"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configured_port_that_is_taken_is_named() {
    let dir = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let line = refusal(dir.path(), EngineOptions { http_port: port, ..options() }).await;
    assert!(line.contains(&format!("port {port} on 127.0.0.1")) && line.contains("is taken"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remembered_port_that_is_taken_is_replaced() {
    let dir = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    std::fs::create_dir_all(dir.path().join("engine")).unwrap();
    std::fs::write(dir.path().join("engine/ports.json"), format!(r#"{{"http":{port},"tcp":1}}"#)).unwrap();
    let lock = lock_data_dir(dir.path()).unwrap();
    let engine = start(&lock, options()).await.unwrap();
    assert_ne!(engine.http_url(), format!("http://127.0.0.1:{port}"));
    engine.shutdown().await;
}
