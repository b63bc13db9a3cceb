//! Starts that must not be: one clear line, and an exit code that says whose turn it is.

use std::process::Command;

use crate::support::{BINARY, Server, engine_library};

/// Exit code and the one line.
fn refusal(server: &Server, environment: &[(&str, &str)], arguments: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(BINARY)
        .arg("serve")
        .args(arguments)
        .env("ACTIVITYLOG_DATA_DIR", folder.path())
        .env("ACTIVITYLOG_LISTEN_GRPC", "127.0.0.1:0")
        .env("ACTIVITYLOG_LISTEN_OTLP_HTTP", "127.0.0.1:0")
        .env("ACTIVITYLOG_LISTEN_HTTP", "127.0.0.1:0")
        .env("ACTIVITYLOG_ENGINE_LIB", engine_library())
        .env("ACTIVITYLOG_LOG", "warn,text")
        .envs(environment.iter().copied())
        .output()
        .expect("the binary");
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(server.pid() > 0);
    (output.status.code().expect("it exited"), text.trim().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn say_in_one_line_what_to_do() {
    let server = Server::start().await;

    let (code, line) = refusal(&server, &[], &["--data-dir", server.dir.to_str().expect("UTF-8")]);
    assert_eq!(code, 1);
    assert!(line.contains(&format!("in use by another ActivityLog (pid {})", server.pid())), "{line}");

    for (variable, knob, address) in [
        ("ACTIVITYLOG_LISTEN_HTTP", "listen.http", "http"),
        ("ACTIVITYLOG_LISTEN_OTLP_HTTP", "listen.otlp_http", "otlp_http"),
        ("ACTIVITYLOG_LISTEN_GRPC", "listen.grpc", "grpc"),
    ] {
        let taken = server.run[address].as_str().expect("an address");
        let (code, line) = refusal(&server, &[(variable, taken)], &[]);
        assert_eq!(code, 1);
        assert!(line.contains(taken) && line.contains(knob) && line.contains("another program"), "{line}");
    }

    let file = server.dir.join("wrong.toml");
    std::fs::write(&file, "[spool]\nmax_byte = \"1GiB\"\n").expect("written");
    let (code, line) = refusal(&server, &[], &["--config", file.to_str().expect("UTF-8")]);
    assert_eq!(code, 64);
    assert!(line.contains("spool.max_byte") && line.contains("wrong.toml"), "{line}");
}
