//! A listener: its connections, their limits, and their end.

mod opening;
mod plain;
pub mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::HeaderMap;
use hyper::body::Incoming;
use hyper::header::ACCEPT_ENCODING;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

use opening::{Opening, TlsHello};
use plain::First;
use tls::Tls;

/// Whether whoever asks can read gzip: named in `Accept-Encoding`, and not with a weight of zero.
pub fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|list| list.split(',')).any(|choice| {
        let mut parts = choice.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Ok(1.0), str::parse::<f32>);
        is_gzip && weight.is_ok_and(|weight| weight > 0.0)
    })
}

#[derive(Debug, Clone, Copy)]
pub struct NetLimits {
    /// For the head of a request; a connection that says nothing is closed after it.
    pub header_timeout: Duration,
    pub connections: usize,
}

/// Who is at the other end of a request's connection; among its extensions.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    pub address: SocketAddr,
    /// Nobody on the way can read what is said.
    pub tls: bool,
}

/// Where senders and browsers find this node.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Endpoints {
    pub otlp_grpc: String,
    pub otlp_http: String,
    pub http: String,
}

/// How long open requests may take to finish at the end.
const FAREWELL: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} ({knob}): {why}")]
pub struct ListenError {
    address: SocketAddr,
    knob: &'static str,
    why: String,
}

/// `knob` is the configuration key that says where.
pub async fn bind(address: SocketAddr, knob: &'static str) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "another program uses this port: stop it, or choose another port (0 takes a free one)".to_owned()
            }
            io::ErrorKind::PermissionDenied => "ports below 1024 need privileges: choose a higher one".to_owned(),
            io::ErrorKind::AddrNotAvailable => {
                "this machine has no such address: use 127.0.0.1 or one of its own".to_owned()
            }
            _ => error.to_string(),
        };
        ListenError { address, knob, why }
    })
}

/// How one listener serves its connections.
struct Serving<F> {
    builder: Builder<TokioExecutor>,
    router: Router,
    patience: Duration,
    tls: Option<Tls>,
    met_tls: F,
}

/// Serves until `stop` says so, then lets open requests finish. Without `tls`, `met_tls` is called for a client that begins a TLS
/// handshake: there is no answer that it would understand.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: NetLimits,
    tls: Option<Tls>,
    mut stop: watch::Receiver<bool>,
    met_tls: impl Fn(SocketAddr) + Send + Sync + 'static,
) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(limits.connections));
    let serving = Arc::new(Serving { builder: builder(limits), router, patience: limits.header_timeout, tls, met_tls });
    // Dropped at the end: whatever is open then is cut.
    let (open, cut) = watch::channel(());
    loop {
        // Past the limit, connections wait in the kernel's queue.
        let permit = tokio::select! {
            permit = room.clone().acquire_owned() => match permit {
                Ok(permit) => permit,
                Err(_) => break,
            },
            () = stopped(&mut stop) => break,
        };
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of descriptors, mostly: the open connections go on, and end.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            () = stopped(&mut stop) => break,
        };
        // Answers are small and awaited.
        let _ = stream.set_nodelay(true);
        let (serving, watcher) = (serving.clone(), graceful.watcher());
        let (mut cut, mut stop) = (cut.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = serving.connection(stream, peer, watcher, &mut stop) => {}
                _ = cut.changed() => {}
            }
            drop(permit);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(FAREWELL, graceful.shutdown()).await;
    drop(open);
}

fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let broken = error.downcast_ref::<io::Error>();
    broken.and_then(io::Error::get_ref).is_some_and(|why| why.is::<TlsHello>())
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that whoever could say so is gone.
    let _ = stop.wait_for(|stop| *stop).await;
}

// === impl Serving ===

impl<F: Fn(SocketAddr)> Serving<F> {
    async fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        watcher: Watcher,
        stop: &mut watch::Receiver<bool>,
    ) {
        let Some(tls) = &self.tls else {
            return self.requests(stream, Peer { address: peer, tls: false }, watcher).await;
        };
        let shaken = tokio::select! {
            shaken = tokio::time::timeout(self.patience, handshake(stream, tls)) => shaken,
            () = stopped(stop) => return,
        };
        // Any way to break is the client's business.
        match shaken {
            Ok(Ok(stream)) => self.requests(stream, Peer { address: peer, tls: true }, watcher).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
        }
    }

    async fn requests<S>(&self, stream: S, peer: Peer, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let router = self.router.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            router.clone().oneshot(request.map(Body::new))
        });
        let stream = TokioIo::new(Opening::new(stream, self.patience));
        let connection = self.builder.serve_connection(stream, service).into_owned();
        // Any other way to break is the client's business.
        if watcher.watch(connection).await.is_err_and(|error| is_tls(&*error)) {
            (self.met_tls)(peer.address);
        }
    }
}

async fn handshake(stream: TcpStream, tls: &Tls) -> io::Result<tokio_rustls::server::TlsStream<TcpStream>> {
    match plain::first(&stream).await {
        First::Tls => tls.acceptor().accept(stream).await,
        First::Http => {
            plain::tell(stream).await;
            Err(io::Error::new(io::ErrorKind::InvalidData, "plain HTTP, where TLS is spoken"))
        }
        First::Other => Err(io::ErrorKind::InvalidData.into()),
    }
}

// === impl Endpoints ===

impl Endpoints {
    pub fn grpc_port(&self) -> &str {
        port(&self.otlp_grpc)
    }

    pub fn http_port(&self) -> &str {
        port(&self.otlp_http)
    }
}

fn port(url: &str) -> &str {
    url.rsplit(':').next().unwrap_or("")
}

fn builder(limits: NetLimits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.header_timeout);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(256)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .max_header_list_size(64 << 10)
        .keep_alive_interval(Some(Duration::from_secs(30)))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}
