//! The log: text on a terminal, JSON lines elsewhere, to stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// `spec` is `log` of the configuration: a filter, and optionally `json` or `text`.
pub fn start(spec: &str) -> Result<(), String> {
    let mut json = !std::io::stderr().is_terminal();
    let mut filter = Vec::new();
    for part in spec.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part {
            "json" => json = true,
            "text" => json = false,
            other => filter.push(other),
        }
    }
    let filter = if filter.is_empty() { "info".to_owned() } else { filter.join(",") };
    let filter = EnvFilter::try_new(&filter).map_err(|error| format!("log: {filter:?} is not a filter: {error}"))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A second start (tests, a command inside a command) keeps the first.
    let _ = if json { lines.json().try_init() } else { lines.try_init() };
    Ok(())
}
