//! The product as its users run it: the real binary, the real engine, a data folder of its own, port 0.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

pub const BINARY: &str = env!("CARGO_BIN_EXE_activitylog");

/// How long anything may take before a test gives up. Nothing here measures speed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Not read by the binary: the tests' way to name a configuration file.
const CONFIG: &str = "TEST_CONFIG_FILE";

/// A running instance; killed when dropped.
pub struct Server {
    pub dir: PathBuf,
    pub run: Value,
    child: Child,
    environment: Vec<(String, String)>,
    /// Removes the folder at the end; `None` where the test keeps it.
    _folder: Option<tempfile::TempDir>,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Runs the check until it gives something; panics with `what` if it never does.
pub async fn eventually<T>(what: &str, mut check: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(Instant::now() < deadline, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn engine_library() -> PathBuf {
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("engine/node_modules/@chdb");
    let found = std::fs::read_dir(&modules)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("libchdb.so")))
        .find(|path| path.exists());
    found.unwrap_or_else(|| panic!("no libchdb.so below {}: run `make engine`", modules.display()))
}

// === impl Server ===

impl Server {
    pub async fn start() -> Server {
        Server::start_with(&[]).await
    }

    /// `environment` is laid over the tests' own.
    pub async fn start_with(environment: &[(&str, &str)]) -> Server {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().to_owned();
        Server::start_in(dir, Some(folder), environment).await
    }

    /// With a configuration file.
    pub async fn start_configured(config: &Path, environment: &[(&str, &str)]) -> Server {
        let config = config.to_str().expect("UTF-8");
        let mut environment = environment.to_vec();
        environment.push((CONFIG, config));
        Server::start_with(&environment).await
    }

    async fn start_in(dir: PathBuf, folder: Option<tempfile::TempDir>, environment: &[(&str, &str)]) -> Server {
        let mut server = Server::launch_in(dir, folder, environment);
        server.wait_until_ready().await;
        server
    }

    /// Does not wait until it is ready, so `run` is not known yet.
    pub fn launch(environment: &[(&str, &str)]) -> Server {
        let folder = tempfile::tempdir().expect("a folder");
        Server::launch_in(folder.path().to_owned(), Some(folder), environment)
    }

    fn launch_in(dir: PathBuf, folder: Option<tempfile::TempDir>, environment: &[(&str, &str)]) -> Server {
        let environment: Vec<(String, String)> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let child = spawn(&dir, &environment);
        Server { dir, run: Value::Null, child, environment, _folder: folder }
    }

    pub async fn wait_until_ready(&mut self) {
        let path = self.dir.join("run.json");
        let (dir, child) = (self.dir.clone(), &mut self.child);
        let pid = child.id();
        self.run = eventually("the server is ready", async || {
            if let Some(status) = child.try_wait().expect("a child") {
                panic!("the server ended with {status}:\n{}", log_of(&dir));
            }
            let run: Value = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
            (run["pid"] == pid).then_some(run)
        })
        .await;
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        log_of(&self.dir)
    }

    /// SIGKILL: nothing is said goodbye to.
    pub fn kill(&mut self) {
        self.child.kill().expect("a child of ours");
        self.child.wait().expect("it ended");
    }

    /// SIGTERM, and the end.
    pub async fn stop(&mut self) -> std::process::ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("a child of ours");
        let child = &mut self.child;
        eventually("the server ends", async || child.try_wait().expect("a child of ours")).await
    }

    /// The end of one that ends by itself.
    pub async fn ended(&mut self) -> std::process::ExitStatus {
        let child = &mut self.child;
        eventually("the server ends", async || child.try_wait().expect("a child of ours")).await
    }

    /// Starts again on the same folder, after `kill` or `stop`. Ports may differ.
    pub async fn start_again(&mut self) {
        let _ = std::fs::remove_file(self.dir.join("run.json"));
        self.child = spawn(&self.dir, &self.environment);
        self.wait_until_ready().await;
    }

    /// The same, with more laid over its environment.
    pub async fn start_again_with(&mut self, environment: &[(&str, &str)]) {
        self.environment.extend(environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.start_again().await;
    }

    /// Starts on the same folder, after `kill` or `stop`, with this laid over its environment; does not wait.
    pub fn launch_again(&mut self, environment: &[(&str, &str)]) {
        let _ = std::fs::remove_file(self.dir.join("run.json"));
        let over = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment: Vec<_> = self.environment.iter().cloned().chain(over).collect();
        self.child = spawn(&self.dir, &environment);
    }

    /// The pid of the embedded engine.
    pub fn engine_pid(&self) -> u32 {
        let children = format!("/proc/{0}/task/{0}/children", self.pid());
        let mut pids: Vec<u32> = Vec::new();
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid())).expect("a process");
        for task in tasks.filter_map(Result::ok) {
            let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            pids.extend(text.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
        assert_eq!(pids.len(), 1, "one child, the engine: {children}");
        pids[0]
    }

    pub fn api(&self, path: &str) -> String {
        format!("http://{}{path}", self.run["http"].as_str().expect("an address"))
    }

    pub fn otlp(&self, path: &str) -> String {
        format!("http://{}{path}", self.run["otlp_http"].as_str().expect("an address"))
    }

    pub fn grpc(&self) -> String {
        format!("http://{}", self.run["grpc"].as_str().expect("an address"))
    }

    pub async fn get(&self, path: &str) -> Answer {
        request(Method::GET, &self.api(path), &[], Bytes::new()).await
    }

    /// The JSON of a successful GET.
    pub async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// Posts OTLP/JSON; panics unless it is accepted.
    pub async fn send_json(&self, signal: &str, body: &Value) {
        let answer = self.post(signal, "application/json", body.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    pub async fn post(&self, signal: &str, content_type: &str, body: impl Into<Bytes>) -> Answer {
        let url = self.otlp(&format!("/v1/{signal}"));
        request(Method::POST, &url, &[(CONTENT_TYPE.as_str(), content_type)], body.into()).await
    }

    /// Asks ClickHouse as its operator; cells by rows.
    pub fn sql(&self, query: &str) -> Vec<Vec<String>> {
        let output = Command::new(BINARY)
            .args(["sql", "--format", "TabSeparatedRaw", "--data-dir"])
            .arg(&self.dir)
            .arg(query)
            .output()
            .expect("the binary");
        assert!(output.status.success(), "{query}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
    }

    /// The first cell, as a number.
    pub fn number(&self, query: &str) -> u64 {
        let rows = self.sql(query);
        rows[0][0].parse().unwrap_or_else(|_| panic!("{query}: {rows:?}"))
    }

    /// Waits until `query` (a count) gives `expected`; more than that fails at once.
    pub async fn wait_for_count(&self, query: &str, expected: u64) {
        eventually(&format!("{query} = {expected}"), async || {
            let found = self.number(query);
            assert!(found <= expected, "{query}: {found}, expected {expected}");
            (found == expected).then_some(())
        })
        .await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- log of {} ---\n{}", self.dir.display(), self.log());
        }
    }
}

// === impl Answer ===

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

fn spawn(dir: &Path, environment: &[(String, String)]) -> Child {
    let log =
        std::fs::OpenOptions::new().create(true).append(true).open(dir.join("log.txt")).expect("a writable folder");
    let config = environment.iter().find(|(name, _)| name == CONFIG);
    Command::new(BINARY)
        .arg("serve")
        .args(config.into_iter().flat_map(|(_, path)| ["--config", path]))
        .env("ACTIVITYLOG_DATA_DIR", dir)
        .env("ACTIVITYLOG_LISTEN_GRPC", "127.0.0.1:0")
        .env("ACTIVITYLOG_LISTEN_OTLP_HTTP", "127.0.0.1:0")
        .env("ACTIVITYLOG_LISTEN_HTTP", "127.0.0.1:0")
        .env("ACTIVITYLOG_ENGINE_LIB", engine_library())
        .env("ACTIVITYLOG_LOG", "info,text")
        // Tests count rows; the entry of the first start would be one more.
        .env("ACTIVITYLOG_AUTH_FIRST_ADMIN", "")
        .envs(environment.iter().cloned())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("the binary")
}

fn log_of(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("log.txt")).unwrap_or_default()
}

/// One HTTP/1.1 request.
pub async fn request(method: Method, url: &str, headers: &[(&str, &str)], body: Bytes) -> Answer {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = client.request(request.body(Full::new(body)).expect("a request")).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    Answer { status: parts.status, headers: parts.headers, body }
}

/// A log record's export request as OTLP/JSON, with one string attribute per pair.
pub fn logs(scope: &str, records: &[Value]) -> Value {
    serde_json::json!({"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "test"}}]},
        "scopeLogs": [{"scope": {"name": scope}, "logRecords": records}],
    }]})
}

/// A log record `seconds` ago, with a body and string attributes.
pub fn record(body: &str, seconds_ago: i64, attributes: &[(&str, &str)]) -> Value {
    let time = jiff::Timestamp::now().as_nanosecond() as i64 - seconds_ago * 1_000_000_000;
    let attributes: Vec<Value> = attributes
        .iter()
        .map(|(key, value)| serde_json::json!({"key": key, "value": {"stringValue": value}}))
        .collect();
    serde_json::json!({"timeUnixNano": time.to_string(), "body": {"stringValue": body}, "attributes": attributes})
}
