//! Two configs: what was written (`config/default.toml`, a file, the environment), and what it means ([`Config`]).
//!
//! This is the only room that reads the environment. A bad configuration stops the process before a port is bound.

mod content;
mod layers;
mod prices;
pub mod signing_in;
mod units;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use content::{Content, ContentAction, ContentRule, TenantContent};
pub use prices::{PriceRule, Prices, UsdPerMillion};
pub use signing_in::Auth;
pub use units::{Bytes, Span};

/// The manual: every knob with its default.
pub const DEFAULT: &str = include_str!("../../config/default.toml");

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub data_dir: PathBuf,
    pub log: String,
    pub listen: Listen,
    pub tls: Tls,
    pub auth: Auth,
    pub clickhouse: ClickHouse,
    pub engine: Engine,
    pub limits: Limits,
    pub spool: Spool,
    pub retention: Retention,
    pub tiers: Tiers,
    pub content: Content,
    pub prices: Prices,
    pub packs: Packs,
    pub webhooks: Webhooks,
    pub genai: GenAi,
    pub cors: Cors,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    pub grpc: SocketAddr,
    pub otlp_http: SocketAddr,
    pub http: SocketAddr,
}

/// PEM files; empty: none.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    pub cert: PathBuf,
    pub key: PathBuf,
    pub client_ca: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClickHouse {
    pub url: String,
    pub user: String,
    pub password: String,
    pub cluster: String,
    pub reader_user: String,
    pub reader_password: String,
    pub insert_timeout: Span,
    pub query_timeout: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    pub lib: PathBuf,
    pub memory: Bytes,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub request_bytes: Bytes,
    pub in_flight_bytes: Bytes,
    pub attributes_per_record: usize,
    pub header_timeout: Span,
    pub body_timeout: Span,
    pub connections: usize,
    pub streams: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spool {
    pub max_bytes: Bytes,
    pub min_free_bytes: Bytes,
    pub segment_bytes: Bytes,
    pub segment_age: Span,
    pub replay_window: Span,
    pub replay_entries: usize,
    pub delivery_window: Span,
    pub delivery_entries: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    pub days: u16,
    pub audit_days: u16,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiers {
    pub free: TierLimits,
    pub pro: TierLimits,
    pub enterprise: TierLimits,
}

/// What a tenant of a tier may use. 0: no limit of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierLimits {
    /// 0: as `retention.days` says.
    pub retention_days: u16,
    pub records_per_second: u64,
    pub bytes_per_day: Bytes,
    pub query_time: Span,
    pub query_rows: u64,
    pub query_result_bytes: Bytes,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packs {
    pub folder: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    pub max_bytes: Bytes,
    pub keep_payload: bool,
    pub public_url: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenAi {
    pub ignore_scopes: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    pub origins: Vec<String>,
}

/// Each says what was wrong and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration file {path}: {error}")]
    Unreadable { path: PathBuf, error: std::io::Error },
    #[error("{origin}: {message}")]
    Invalid { origin: String, message: String },
}

// === impl Config ===

impl Config {
    /// Defaults under `file` under the environment.
    pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
        Config::layered(file, std::env::vars())
    }

    /// As [`Config::load`], with the environment given: what the tests call.
    pub fn layered(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Config, ConfigError> {
        let mut written = layers::defaults();
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), error })?;
            layers::lay_file(&mut written, &text, &path.display().to_string())?;
        }
        layers::lay_environment(&mut written, environment)?;
        let config = Config::deserialize(written).map_err(|error| ConfigError::Invalid {
            origin: "configuration".to_owned(),
            message: error.to_string().trim().replace('\n', " "),
        })?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let invalid = |message: String| ConfigError::Invalid { origin: "configuration".to_owned(), message };
        self.tls.check().map_err(invalid)?;
        let open = self.listen.open();
        if let (Some(address), false) = (open, self.auth.anonymous_tenant.is_empty()) {
            return Err(invalid(format!(
                "{address} is not a loopback address, and anybody who reaches it could write and read tenant \
                 {:?}: set auth.anonymous_tenant = \"\", or listen on 127.0.0.1",
                self.auth.anonymous_tenant
            )));
        }
        if !self.clickhouse.cluster.is_empty() {
            return Err(invalid("clickhouse.cluster is not available in this version: leave it empty".to_owned()));
        }
        if self.limits.request_bytes.0 > self.limits.in_flight_bytes.0 {
            return Err(invalid(
                "limits.request_bytes is larger than limits.in_flight_bytes: such a request could never be taken"
                    .to_owned(),
            ));
        }
        self.content.check().map_err(invalid)?;
        self.auth.check(self.listen.http.ip().is_loopback()).map_err(invalid)?;
        if self.retention.audit_days == 0 {
            return Err(invalid(
                "retention.audit_days is 0: the audit trail would be empty; set at least 1".to_owned(),
            ));
        }
        if self.retention.days == 0 {
            return Err(invalid("retention.days is 0: nothing would be kept; set at least 1".to_owned()));
        }
        self.prices.check().map_err(invalid)?;
        Ok(())
    }
}

// === impl Listen ===

impl Listen {
    /// A listener that other machines reach.
    pub fn open(&self) -> Option<SocketAddr> {
        [self.grpc, self.otlp_http, self.http].into_iter().find(|address| !address.ip().is_loopback())
    }
}

// === impl Tls ===

impl Tls {
    pub fn is_on(&self) -> bool {
        !self.cert.as_os_str().is_empty()
    }

    /// How addresses of the listeners begin.
    pub fn scheme(&self) -> &'static str {
        if self.is_on() { "https" } else { "http" }
    }

    fn check(&self) -> Result<(), String> {
        let is_set = |path: &Path| !path.as_os_str().is_empty();
        match (is_set(&self.cert), is_set(&self.key), is_set(&self.client_ca)) {
            (true, false, _) => Err("tls.cert is set and tls.key is not: set both, or neither".to_owned()),
            (false, true, _) => Err("tls.key is set and tls.cert is not: set both, or neither".to_owned()),
            (false, false, true) => {
                Err("tls.client_ca asks senders for certificates, and TLS is off: set tls.cert and tls.key too"
                    .to_owned())
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(environment: &[(&str, &str)]) -> Result<Config, String> {
        let pairs = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::layered(None, pairs).map_err(|error| error.to_string())
    }

    #[test]
    fn the_compiled_in_file_is_a_valid_configuration() {
        let config = load(&[]).expect("defaults");
        assert_eq!(config.limits.request_bytes.0, 64 << 20);
        assert_eq!(config.listen.grpc.port(), 4317);
    }

    #[test]
    fn the_promised_environment_names_work() {
        let config = load(&[
            ("ACTIVITYLOG_DATA_DIR", "/tmp/x"),
            ("ACTIVITYLOG_LISTEN_OTLP_HTTP", "127.0.0.1:0"),
            ("ACTIVITYLOG_CLICKHOUSE_URL", "http://127.0.0.1:8123"),
            ("ACTIVITYLOG_ENGINE_LIB", "/opt/libchdb.so"),
            ("ACTIVITYLOG_CONTENT_CAPTURE", "true"),
            ("ACTIVITYLOG_RETENTION_DAYS", "7"),
        ])
        .expect("valid");
        assert_eq!(config.data_dir, Path::new("/tmp/x"));
        assert_eq!(config.listen.otlp_http.port(), 0);
        assert_eq!(config.clickhouse.url, "http://127.0.0.1:8123");
        assert_eq!(config.engine.lib, Path::new("/opt/libchdb.so"));
        assert!(config.content.capture);
        assert_eq!(config.retention.days, 7);
    }

    #[test]
    fn a_wrong_value_names_the_variable() {
        let error = load(&[("ACTIVITYLOG_RETENTION_DAYS", "many")]).expect_err("refused");
        assert!(error.contains("ACTIVITYLOG_RETENTION_DAYS"), "{error}");
        let error = load(&[("ACTIVITYLOG_LISTEN_GRPC", "localhost")]).expect_err("refused");
        assert!(error.contains("socket address"), "{error}");
    }

    #[test]
    fn an_open_listener_with_anonymous_access_is_refused() {
        let error = load(&[("ACTIVITYLOG_LISTEN_HTTP", "0.0.0.0:8080")]).expect_err("refused");
        assert!(error.contains("auth.anonymous_tenant"), "{error}");
    }

    #[test]
    fn half_of_tls_is_refused() {
        for (set, names) in [
            (&["CERT"][..], "tls.key is not"),
            (&["KEY"], "tls.cert is not"),
            (&["CLIENT_CA"], "TLS is off"),
            (&["CERT", "CLIENT_CA"], "tls.key is not"),
        ] {
            let names_set: Vec<String> = set.iter().map(|name| format!("ACTIVITYLOG_TLS_{name}")).collect();
            let pairs: Vec<(&str, &str)> = names_set.iter().map(|name| (name.as_str(), "x.pem")).collect();
            let error = load(&pairs).expect_err("refused");
            assert!(error.contains(names), "{error}");
        }
    }

    #[test]
    fn an_unknown_key_in_a_file_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.toml");
        std::fs::write(&path, "[listen]\ngrcp = \"127.0.0.1:1\"\n").expect("written");
        let error = Config::layered(Some(&path), std::iter::empty()).expect_err("refused").to_string();
        assert!(error.contains("listen.grcp"), "{error}");
    }
}
