//! For operators and browsers: health, readiness, metrics, who am I, the portal's files, and the edges of the HTTP surface.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use bytes::Bytes;
use hyper::{HeaderMap, Method};
use serde_json::json;

use super::is_problem;
use crate::support::{Answer, Server, eventually, logs, record, request};

async fn ask(server: &Server, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    request(method, &server.api(path), headers, Bytes::new()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn health_readiness_and_the_caller() {
    let server = Server::start().await;
    assert_eq!(server.get("/healthz").await.text(), "ok\n");
    let ready = server.json("/readyz").await;
    assert_eq!(ready["status"], "ready");
    assert_eq!(ready["database"], json!({"ready": true, "detail": "answering"}));
    assert_eq!(ready["quarantine"], json!({"ready": true, "segments": 0}));
    for table in ["events", "metrics"] {
        assert_eq!(ready["spool"][table]["write_errors"], 0);
        assert!(ready["spool"][table]["rows"].is_u64() && ready["spool"][table]["bytes"].is_u64());
    }
    let me = server.json("/api/v1/me").await;
    assert_eq!(me["tenant"], "default");
    assert_eq!(me["user"], json!({"id": "local", "email": "", "name": "", "role": "admin"}));
    assert_eq!(me["version"], env!("CARGO_PKG_VERSION"));
    for (name, url) in [("http", server.api("")), ("otlp_http", server.otlp("")), ("otlp_grpc", server.grpc())] {
        assert_eq!(me["endpoints"][name], url);
    }

    let engine = rustix::process::Pid::from_raw(server.engine_pid() as i32).expect("a pid");
    rustix::process::kill_process(engine, rustix::process::Signal::KILL).expect("our grandchild");
    // It comes back by itself; whichever state is seen, the status says the same as the body.
    let answer = server.get("/readyz").await;
    assert_eq!(answer.status == 200, answer.json()["status"] == "ready");
    eventually("ready again", async || (server.get("/api/v1/messages").await.status == 200).then_some(())).await;
    eventually("it says so", async || (server.get("/readyz").await.status == 200).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_prometheus_text_and_add_up() {
    let server = Server::start().await;
    server.send_json("logs", &logs("app", &[record("one", 0, &[]), record("two", 0, &[])])).await;
    server.wait_for_count("SELECT count() FROM activitylog.events", 2).await;
    let answer = server.get("/metrics").await;
    assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let samples = parsed(&answer.text());
    for (name, value) in [
        ("activitylog_items_stored_total{door=\"http\"}", 2.0),
        ("activitylog_items_received_total{door=\"http\"}", 2.0),
        ("activitylog_items_duplicate_total{door=\"http\"}", 0.0),
        ("activitylog_requests_total{door=\"http\"}", 1.0),
        ("activitylog_spool_appended_rows_total{table=\"events\"}", 2.0),
        ("activitylog_database_ready", 1.0),
        ("activitylog_streams", 0.0),
        ("activitylog_in_flight_bytes", 0.0),
    ] {
        assert_eq!(samples.get(name), Some(&value), "{name}");
    }
    let build = format!("activitylog_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(samples.get(&build), Some(&1.0));
    assert_eq!(samples["activitylog_insert_seconds_bucket{le=\"+Inf\"}"], samples["activitylog_insert_seconds_count"]);
}

/// The text format, read strictly: every family has one HELP and one TYPE before its samples, which stand together.
fn parsed(text: &str) -> BTreeMap<String, f64> {
    let (mut samples, mut types, mut helped) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
    let mut family = String::new();
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a text");
            assert!(!help.is_empty() && helped.insert(name.to_owned()), "{line}");
            family = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(name, family, "TYPE follows HELP");
            assert!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "{line}");
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line:?}"));
            let name = series.split('{').next().expect("a name");
            let of_family = match types[&family].as_str() {
                "histogram" => {
                    ["_bucket", "_sum", "_count"].map(|suffix| format!("{family}{suffix}")).contains(&name.to_owned())
                }
                _ => name == family,
            };
            assert!(of_family, "{line} stands under {family}");
            assert!(types[&family] != "counter" || name.ends_with("_total"), "{line}");
            let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
            assert!(samples.insert(series.to_owned(), value).is_none(), "{series} came twice");
        }
    }
    samples
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_wrong_methods_and_foreign_hosts_are_problems() {
    let server = Server::start().await;
    for path in
        ["/api/v1/nothing", "/api/v1/messages/", "/api/v1/messages/a/b", "/api/v2/messages", "/api/v1", "/api/", "/api"]
    {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            is_problem(&ask(&server, method, path, &[]).await, 404, path, path);
        }
    }
    for path in ["/api/v1/messages/timeline", "/api/v1/me", "/api/v1/messages/stream", "/readyz", "/metrics"] {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
            let answer = ask(&server, method, path, &[]).await;
            is_problem(&answer, 405, path, path);
            let allow = answer.headers.get("allow").and_then(|value| value.to_str().ok()).unwrap_or("");
            assert!(allow.contains("GET") && allow.contains("HEAD"), "{path}: {allow:?}");
        }
    }
    for path in ["/api/v1/messages", "/api/v1/me", "/api/v1/messages/timeline", "/healthz", "/readyz"] {
        let (head, get) = (ask(&server, Method::HEAD, path, &[]).await, ask(&server, Method::GET, path, &[]).await);
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        assert_eq!(head.headers["content-type"], get.headers["content-type"]);
    }

    let paths = [
        "/api/v1/messages",
        "/api/v1/messages/points",
        "/api/v1/messages/timeline",
        "/api/v1/messages/stream",
        "/api/v1/me",
    ];
    for path in paths {
        is_problem(&ask(&server, Method::GET, path, &[("host", "evil.example")]).await, 403, "loopback", path);
        is_problem(
            &ask(&server, Method::GET, path, &[("host", "127.0.0.1.evil.example:80")]).await,
            403,
            "loopback",
            path,
        );
        is_problem(
            &ask(&server, Method::GET, path, &[("authorization", "Bearer alg_a_made-up")]).await,
            401,
            "token",
            path,
        );
    }
    for host in ["localhost", "127.0.0.1:1", "[::1]:80", "LOCALHOST:8080"] {
        assert_eq!(ask(&server, Method::GET, "/api/v1/me", &[("host", host)]).await.status, 200, "{host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_anonymous_access_nothing_is_read() {
    let server = Server::start_with(&[("ACTIVITYLOG_AUTH_ANONYMOUS_TENANT", "")]).await;
    let id = format!("/api/v1/messages/{}", uuid::Uuid::nil());
    for path in [
        "/api/v1/messages",
        "/api/v1/messages/points",
        "/api/v1/messages/timeline",
        "/api/v1/messages/stream",
        "/api/v1/me",
        &id,
    ] {
        is_problem(&server.get(path).await, 401, "credential", path);
    }
}

fn check_security(headers: &HeaderMap, path: &str) {
    let policy = headers["content-security-policy"].to_str().expect("text");
    assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
    assert!(!policy.contains("unsafe-eval") && !policy.contains("http:") && !policy.contains('*'), "{path}: {policy}");
    assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
    assert!(!policy.contains("unsafe-inline"), "{path}: {policy}");
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(headers[name], value, "{path}");
    }
    assert!(headers["permissions-policy"].to_str().expect("text").contains("camera=()"), "{path}");
    assert!(!headers.contains_key("strict-transport-security"), "{path}: not over plain HTTP");
    let stored = headers.get("cache-control").map(|value| value.to_str().expect("text"));
    if path.starts_with("/api") {
        assert_eq!(stored, Some("no-store"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_portal_is_served_with_its_caching_and_every_answer_with_its_policy() {
    let server = Server::start().await;
    for path in [
        "/",
        "/api",
        "/api/openapi.json",
        "/api/v1/me",
        "/api/v1/nothing",
        "/api/v1/messages/stream?x=1",
        "/api/v1/activity",
        "/api/v1/audit/users",
        "/healthz",
        "/nothing.js",
        "/api/v1/messages?x=1",
        "/webhooks/x",
    ] {
        check_security(&server.get(path).await.headers, path);
    }
    let page = server.get("/").await;
    if !std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("web/dist/index.html").exists() {
        assert_eq!(page.status, 404);
        assert!(page.text().contains("make portal"));
        return;
    }
    assert_eq!(page.status, 200);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers["cache-control"], "no-cache");
    // Every path of the portal's own is the page; a file that is not there is not.
    for path in ["/index.html", "/timeline", "/projects/alpha/audit", "/timeline?from=x"] {
        assert_eq!(server.get(path).await.text(), page.text(), "{path}");
    }
    for path in ["/nothing.js", "/assets/nothing.css", "/assets/../secrets.json", "/..%2fCargo.toml"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    let post = ask(&server, Method::POST, "/timeline", &[]).await;
    assert_eq!(post.status, 405);
    assert_eq!(post.headers["allow"], "GET,HEAD");

    let html = page.text();
    let asset =
        html.split('"').find(|part| part.contains("/assets/") && part.ends_with(".js")).expect("a script").to_owned();
    let path = format!("/{}", asset.trim_start_matches(['.', '/']));
    let plain = server.get(&path).await;
    assert_eq!(plain.headers["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(plain.headers["content-type"], "text/javascript; charset=utf-8");
    assert!(!plain.headers.contains_key("content-encoding"));

    let packed = ask(&server, Method::GET, &path, &[("accept-encoding", "gzip, br")]).await;
    assert_eq!(packed.headers["content-encoding"], "gzip");
    assert_eq!(packed.headers["vary"], "accept-encoding");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed.body[..]).read_to_string(&mut text).expect("gzip");
    assert_eq!(text, plain.text());
    let refused = ask(&server, Method::GET, &path, &[("accept-encoding", "gzip;q=0")]).await;
    assert!(!refused.headers.contains_key("content-encoding"));

    let tag = page.headers["etag"].to_str().expect("text").to_owned();
    for matching in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
        let answer = ask(&server, Method::GET, "/", &[("if-none-match", &matching)]).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (304, 0), "{matching}");
        assert_eq!(answer.headers["etag"], tag.as_str());
        assert_eq!(answer.headers["cache-control"], "no-cache");
    }
    assert_eq!(ask(&server, Method::GET, "/", &[("if-none-match", "\"x\"")]).await.status, 200);
    let head = ask(&server, Method::HEAD, "/", &[]).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.headers["content-length"], page.body.len().to_string().as_str());
}
