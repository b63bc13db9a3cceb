//! The engine's two loopback ports. A free one is picked by binding port 0 and letting go; between that and the engine's
//! own bind somebody else may take it, so the supervisor starts again with others when that happens.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{EngineError, EngineOptions, files};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ports {
    pub(super) http: u16,
    pub(super) tcp: u16,
}

// === impl Ports ===

impl Ports {
    /// The configured ports; else the ones used last, so that whoever noted the address finds it again; else free ones.
    pub(super) fn choose(options: &EngineOptions, file: &Path) -> Result<Ports, EngineError> {
        let last = fs::read(file).ok().and_then(|text| serde_json::from_slice::<Ports>(&text).ok());
        let http = choose_one(options.http_port, last.map(|ports| ports.http), None)?;
        let tcp = choose_one(options.tcp_port, last.map(|ports| ports.tcp), Some(http))?;
        Ok(Ports { http, tcp })
    }

    /// Keeps them for the next start.
    pub(super) fn record(self, file: &Path) -> Result<(), EngineError> {
        files::write_private(file, serde_json::json!(self).to_string().as_bytes())
    }

    /// Whether one of them is in use, now that the engine is not: what a failed start is asked first.
    pub(super) fn taken(self) -> Option<u16> {
        [self.http, self.tcp].into_iter().find(|port| !is_free(*port))
    }

    pub(super) fn http_address(self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.http))
    }

    pub(super) fn http_url(self) -> String {
        format!("http://{}", self.http_address())
    }
}

fn choose_one(configured: u16, last: Option<u16>, other: Option<u16>) -> Result<u16, EngineError> {
    if configured != 0 {
        return if is_free(configured) { Ok(configured) } else { Err(EngineError::PortTaken { port: configured }) };
    }
    if let Some(port) = last.filter(|port| *port != 0 && Some(*port) != other && is_free(*port)) {
        return Ok(port);
    }
    loop {
        let port = any_free().map_err(|source| EngineError::NoFreePort { source })?;
        if Some(port) != other {
            return Ok(port);
        }
    }
}

fn any_free() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// `TcpListener` sets `SO_REUSEADDR` as the engine does, so connections in TIME_WAIT don't count as taken.
fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
