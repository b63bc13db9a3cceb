//! gRPC over hyper's HTTP/2 client: one connection, one call in flight, the frame header part of the template.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper::{HeaderMap, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, runtime::Runtime, time};

use crate::transport::{Answer, Status, Transport};

pub struct Grpc {
    addr: SocketAddr,
    uri: String,
    headers: Vec<(String, String)>,
    runtime: Runtime,
    connection: Option<http2::SendRequest<Full<Bytes>>>,
}

const TIMEOUT: Duration = Duration::from_secs(60);
/// Flag byte 0 (not compressed) and the length, big-endian.
const FRAME_HEADER: usize = 5;

/// The header of a frame of `length` bytes.
pub fn frame_header(length: usize) -> [u8; FRAME_HEADER] {
    let [a, b, c, d] = (length as u32).to_be_bytes();
    [0, a, b, c, d]
}

// === impl Grpc ===

impl Grpc {
    pub fn new(addr: SocketAddr, path: &str, headers: &[(String, String)]) -> io::Result<Grpc> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Grpc { addr, uri: format!("http://{addr}{path}"), headers: headers.to_vec(), runtime, connection: None })
    }

    fn request(&self, frame: Bytes) -> io::Result<Request<Full<Bytes>>> {
        let mut request = Request::post(&self.uri).header("content-type", "application/grpc").header("te", "trailers");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(Full::new(frame)).map_err(io::Error::other)
    }
}

impl Transport for Grpc {
    fn send(&mut self, frame: &[u8]) -> io::Result<Answer> {
        let request = self.request(Bytes::copy_from_slice(frame))?;
        let (kept, addr) = (self.connection.take(), self.addr);
        let call = async {
            let mut sender = match kept {
                Some(sender) => sender,
                None => connect(addr).await?,
            };
            let answer = exchange(&mut sender, request).await?;
            Ok::<_, io::Error>((sender, answer))
        };
        let timed = async { time::timeout(TIMEOUT, call).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))? };
        let (sender, answer) = self.runtime.block_on(timed)?;
        self.connection = Some(sender);
        Ok(answer)
    }
}

async fn connect(addr: SocketAddr) -> io::Result<http2::SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn exchange(sender: &mut http2::SendRequest<Full<Bytes>>, request: Request<Full<Bytes>>) -> io::Result<Answer> {
    sender.ready().await.map_err(io::Error::other)?;
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    let http_status = response.status();
    if http_status != 200 {
        return Ok(Answer::failure(Status::Http(http_status.as_u16())));
    }
    let in_head = grpc_status(response.headers());
    let body = response.into_body().collect().await.map_err(io::Error::other)?;
    let status = body.trailers().and_then(grpc_status).or(in_head);
    let bytes = body.to_bytes();
    match status {
        Some(0) => Ok(Answer::success(bytes.get(FRAME_HEADER..).unwrap_or(&[]))),
        Some(code) => Ok(Answer::failure(Status::Grpc(code))),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "an answer without grpc-status")),
    }
}

fn grpc_status(headers: &HeaderMap) -> Option<u16> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}
