//! The first bytes of a connection. They say which HTTP it speaks, and hyper waits for them without a limit of its own.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// A connection that breaks if it has not said in time whether it speaks HTTP/1 or HTTP/2.
pub(super) struct Opening<S> {
    stream: S,
    /// How much of the preface has come.
    seen: usize,
    /// Until it is known.
    patience: Option<Pin<Box<Sleep>>>,
}

/// What every HTTP/2 connection begins with (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a TLS record begins with that carries a handshake (RFC 8446, 5.1). No HTTP does.
pub(super) const HANDSHAKE: u8 = 22;

/// The client speaks TLS.
#[derive(Debug, thiserror::Error)]
#[error("a TLS handshake, where plain HTTP is spoken")]
pub(super) struct TlsHello;

// === impl Opening ===

impl<S> Opening<S> {
    pub(super) fn new(stream: S, patience: Duration) -> Opening<S> {
        Opening { stream, seen: 0, patience: Some(Box::pin(tokio::time::sleep(patience))) }
    }

    /// Whether it is known with these bytes: the whole preface, another byte, or the end.
    fn is_decided(&mut self, bytes: &[u8]) -> bool {
        let expected = &PREFACE[self.seen..];
        self.seen += bytes.len();
        bytes.is_empty() || bytes.len() >= expected.len() || !expected.starts_with(bytes)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Opening<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = into.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, into);
        let Some(patience) = &mut this.patience else { return read };
        if read.is_pending() {
            return patience.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()));
        }
        if this.seen == 0 && into.filled().get(before) == Some(&HANDSHAKE) {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, TlsHello)));
        }
        if this.is_decided(&into.filled()[before..]) {
            this.patience = None;
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opening<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
