//! Clients that speak plain HTTP where TLS is spoken: they are told so in their own words.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::opening::HANDSHAKE;

/// What the first byte of a connection says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    Tls,
    Http,
    /// Nothing, or something that no client of ours says.
    Other,
}

const TEXT: &str = "this port speaks TLS: use https:// in the address (gRPC: secure)\n";
/// How long its request may take to come in: an answer to a connection with unread bytes may be lost.
const FAREWELL: Duration = Duration::from_secs(2);
const MOST_UNREAD: usize = 1 << 20;

/// Waits for the first byte, and leaves it there.
pub(super) async fn first(stream: &TcpStream) -> First {
    let mut byte = [0];
    match stream.peek(&mut byte).await {
        Ok(1) if byte[0] == HANDSHAKE => First::Tls,
        // Methods are capitals.
        Ok(1) if byte[0].is_ascii_uppercase() => First::Http,
        _ => First::Other,
    }
}

/// A 400; to HTTP/2 a GOAWAY, whose text gRPC clients show.
pub(super) async fn tell(mut stream: TcpStream) {
    let told = async {
        let mut head = [0; 16];
        let read = stream.read(&mut head).await?;
        let answer = if head[..read].starts_with(b"PRI * HTTP/2") { go_away() } else { bad_request() };
        stream.write_all(&answer).await?;
        stream.shutdown().await?;
        let mut unread = (&mut stream).take(MOST_UNREAD as u64);
        tokio::io::copy(&mut unread, &mut tokio::io::sink()).await
    };
    // Whoever does not listen is not told.
    let _ = tokio::time::timeout(FAREWELL, told).await;
}

fn bad_request() -> Vec<u8> {
    let head = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n";
    format!("{head}content-length: {}\r\n\r\n{TEXT}", TEXT.len()).into_bytes()
}

/// An empty SETTINGS frame, and GOAWAY with INADEQUATE_SECURITY (RFC 9113, 6.5, 6.8, 7).
fn go_away() -> Vec<u8> {
    let text = TEXT.trim_end().as_bytes();
    let mut frames = vec![0, 0, 0, 4, 0, 0, 0, 0, 0];
    // Shorter than 248 bytes.
    frames.extend([0, 0, 8 + text.len() as u8, 7, 0, 0, 0, 0, 0]);
    frames.extend([0, 0, 0, 0, 0, 0, 0, 0xc]);
    frames.extend(text);
    frames
}
