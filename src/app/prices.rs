//! The prices that the configuration asks for, and the file among them as it changes.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::config;
use crate::prices::{File, Prices, Rates, Rule};

/// A file that can't be used; says what to do.
#[derive(Debug, thiserror::Error)]
#[error("prices.file {path}: {message}")]
pub struct PriceFileError {
    path: PathBuf,
    message: String,
}

/// genai-prices' own is under one.
const MOST_BYTES: u64 = 64 << 20;

/// What tells that a file changed.
type Mark = Option<(SystemTime, u64)>;

/// The tables of this configuration. Reads the price file, if there is one.
pub fn prices(config: &config::Prices) -> Result<Arc<Prices>, PriceFileError> {
    let rules = config.rule.iter().map(rule).collect();
    let prices = Prices::new(rules, config.distrust_reported.clone());
    if !config.file.as_os_str().is_empty() {
        prices.use_file(read(&config.file)?);
    }
    Ok(Arc::new(prices))
}

/// Follows the price file for as long as the process runs: a new one is used at once, a broken one is logged and the old prices
/// stay.
pub(super) async fn follow(config: config::Prices, prices: Arc<Prices>) {
    let path = config.file;
    if path.as_os_str().is_empty() {
        return;
    }
    let mut seen: Mark = None;
    loop {
        let now = mark(&path);
        // The first look reads it once more: it may have changed since the start did.
        if now != seen {
            seen = now;
            let (path, prices) = (path.clone(), prices.clone());
            // Decoding takes tens of milliseconds.
            let _ = tokio::task::spawn_blocking(move || replace(&path, &prices)).await;
        }
        tokio::time::sleep(config.check_every.0).await;
    }
}

fn replace(path: &Path, prices: &Prices) {
    match read(path) {
        Ok(file) if prices.file_version().as_deref() == Some(file.version()) => {}
        Ok(file) => {
            tracing::info!(path = %path.display(), version = file.version(), "new prices");
            prices.use_file(file);
        }
        Err(error) => tracing::error!(%error, "the price file is not usable; the prices stay as they were"),
    }
}

fn mark(path: &Path) -> Mark {
    let found = std::fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.len()))
}

fn read(path: &Path) -> Result<File, PriceFileError> {
    let wrong = |message: String| PriceFileError { path: path.to_owned(), message };
    let mut data = Vec::new();
    let opened = std::fs::File::open(path);
    opened
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut data))
        .map_err(|error| wrong(format!("cannot be read: {error}; correct the path, or leave prices.file empty")))?;
    if data.len() as u64 > MOST_BYTES {
        return Err(wrong("is larger than 64 MiB: that is no price file".to_owned()));
    }
    File::read(&data).map_err(|error| {
        wrong(format!(
            "is not a price file in genai-prices' JSON format, version 2: {error}; mend it, or leave prices.file empty"
        ))
    })
}

fn rule(written: &config::PriceRule) -> Rule {
    let cache_write = written.cache_write.unwrap_or(written.input);
    let midnight = written.valid_from.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok());
    Rule {
        provider: written.provider.clone(),
        model: written.model.clone(),
        valid_from_ns: midnight.map(|time| i64::try_from(time.timestamp().as_nanosecond()).unwrap_or(i64::MAX)),
        rates: Rates {
            input: written.input.0,
            output: written.output.0,
            cache_read: written.cache_read.unwrap_or(written.input).0,
            cache_write: cache_write.0,
            cache_write_1h: written.cache_write_1h.unwrap_or(cache_write).0,
            reasoning: written.reasoning.unwrap_or(written.output).0,
        },
        version: match written.name.as_str() {
            "" => "config".to_owned(),
            name => format!("config:{name}"),
        },
    }
}
