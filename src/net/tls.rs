//! TLS of the listeners. Certificates are read again when their files change: what is open goes on, and what can't be read changes nothing.
//!
//! ```text
//! files --every 2 s--> three configurations (gRPC, OTLP/HTTP, portal) --watch--> the next handshake
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::config;

/// What one listener shows and asks for, as the files say now.
#[derive(Clone)]
pub struct Tls(watch::Receiver<Arc<ServerConfig>>);

/// The files, and what was made of them.
pub struct Certificates {
    files: config::Tls,
    contents: Contents,
    listeners: [watch::Sender<Arc<ServerConfig>>; 3],
}

/// In the order of [`Certificates`].
#[derive(Debug, Clone, Copy)]
pub enum Listener {
    Grpc,
    OtlpHttp,
    /// The portal and the API: browsers have no client certificates.
    Portal,
}

/// It names the file, and nothing that stands in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {knob} {path}: {why}")]
pub struct TlsError {
    knob: &'static str,
    path: PathBuf,
    why: String,
}

#[derive(Clone, PartialEq, Eq)]
struct Contents {
    cert: Vec<u8>,
    key: Vec<u8>,
    /// Empty: no client needs a certificate.
    client_ca: Vec<u8>,
}

const LOOK_EVERY: Duration = Duration::from_secs(2);

// === impl Tls ===

impl Tls {
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.0.borrow().clone())
    }
}

// === impl Certificates ===

impl Certificates {
    /// `None` where TLS is off.
    pub fn open(files: &config::Tls) -> Result<Option<Certificates>, TlsError> {
        if !files.is_on() {
            return Ok(None);
        }
        let contents = Contents::read(files)?;
        let listeners = contents.configurations(files)?.map(|configuration| watch::channel(configuration).0);
        Ok(Some(Certificates { files: files.clone(), contents, listeners }))
    }

    pub fn of(&self, listener: Listener) -> Tls {
        Tls(self.listeners[listener as usize].subscribe())
    }

    /// Looks for new files until the process stops.
    pub async fn follow(mut self, mut stopping: watch::Receiver<bool>) {
        let mut told = None;
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
            // Files of some kilobytes, read whole: their times and sizes may be the same after a change.
            match self.look() {
                Ok(()) => told = None,
                // Once for each reason; half-written files are whole at the next look.
                Err(error) if told.as_ref() != Some(&error) => {
                    tracing::warn!(%error, "the certificates changed and can't be used; those before go on to hold");
                    told = Some(error);
                }
                Err(_) => {}
            }
        }
    }

    fn look(&mut self) -> Result<(), TlsError> {
        let contents = Contents::read(&self.files)?;
        if contents == self.contents {
            return Ok(());
        }
        for (listener, configuration) in self.listeners.iter().zip(contents.configurations(&self.files)?) {
            listener.send_replace(configuration);
        }
        self.contents = contents;
        tracing::info!(cert = %self.files.cert.display(), "new certificates are in use");
        Ok(())
    }
}

// === impl Contents ===

impl Contents {
    fn read(files: &config::Tls) -> Result<Contents, TlsError> {
        let read = |knob, path: &Path| std::fs::read(path).map_err(|error| unusable(knob, path, error));
        let client_ca =
            if files.client_ca.as_os_str().is_empty() { Vec::new() } else { read("tls.client_ca", &files.client_ca)? };
        Ok(Contents { cert: read("tls.cert", &files.cert)?, key: read("tls.key", &files.key)?, client_ca })
    }

    /// In the order of [`Listener`].
    fn configurations(&self, files: &config::Tls) -> Result<[Arc<ServerConfig>; 3], TlsError> {
        let clients = match files.client_ca.as_os_str().is_empty() {
            true => None,
            false => Some(self.client_verifier().map_err(|why| unusable("tls.client_ca", &files.client_ca, why))?),
        };
        let of = |clients, protocols: &[&[u8]]| self.configuration(files, clients, protocols).map(Arc::new);
        let http: [&[u8]; 2] = [b"h2", b"http/1.1"];
        Ok([of(clients.clone(), &[b"h2"])?, of(clients, &http)?, of(None, &http)?])
    }

    fn configuration(
        &self,
        files: &config::Tls,
        clients: Option<Arc<dyn ClientCertVerifier>>,
        protocols: &[&[u8]],
    ) -> Result<ServerConfig, TlsError> {
        let bad_cert = |why: String| unusable("tls.cert", &files.cert, why);
        let chain = certificates(&self.cert).map_err(bad_cert)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|error| unusable("tls.key", &files.key, format!("it holds no private key in PEM ({error})")))?;
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| bad_cert(error.to_string()))?;
        let builder = match clients {
            Some(clients) => builder.with_client_cert_verifier(clients),
            None => builder.with_no_client_auth(),
        };
        let mut configuration = builder
            .with_single_cert(chain, key)
            .map_err(|error| bad_cert(format!("it does not go with tls.key ({error})")))?;
        configuration.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(configuration)
    }

    fn client_verifier(&self) -> Result<Arc<dyn ClientCertVerifier>, String> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&self.client_ca)? {
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        verifier.map(|verifier| verifier as Arc<dyn ClientCertVerifier>).map_err(|error| error.to_string())
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err("it holds no certificate in PEM".to_owned()),
        Ok(chain) => Ok(chain),
        Err(error) => Err(format!("it is no PEM ({error})")),
    }
}

fn unusable(knob: &'static str, path: &Path, why: impl std::fmt::Display) -> TlsError {
    TlsError { knob, path: path.to_owned(), why: why.to_string() }
}
