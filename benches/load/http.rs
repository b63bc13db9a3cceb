//! HTTP/1.1 with keep-alive over a blocking socket: the head is part of the template, so a request is one write.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::transport::{Answer, Status, Transport};

pub struct Http {
    addr: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// The longest wait for an answer; then the request counts as lost and is sent again.
const TIMEOUT: Duration = Duration::from_secs(60);
const MAX_ANSWER: usize = 1 << 20;

/// The bytes that go before a body of `length` bytes.
pub fn head(path: &str, host: &str, headers: &[(String, String)], length: usize) -> Vec<u8> {
    let mut head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-protobuf\r\nContent-Length: {length}\r\n"
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

// === impl Http ===

impl Http {
    pub fn new(addr: SocketAddr) -> Http {
        Http { addr, stream: None, buffer: vec![0; 16 * 1024] }
    }

    fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(stream)
    }

    /// One answer, and whether the connection can carry another.
    fn exchange(stream: &mut TcpStream, buffer: &mut Vec<u8>, request: &[u8]) -> io::Result<(Answer, bool)> {
        stream.write_all(request)?;
        let mut filled = 0;
        loop {
            if filled == buffer.len() {
                if filled >= MAX_ANSWER {
                    return Err(io::Error::other("an answer of over 1 MiB"));
                }
                buffer.resize(filled * 2, 0);
            }
            match stream.read(&mut buffer[filled..])? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => filled += n,
            }
            if let Some(answer) = parse(&buffer[..filled])? {
                return Ok(answer);
            }
        }
    }
}

impl Transport for Http {
    fn send(&mut self, request: &[u8]) -> io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => Http::connect(self.addr)?,
        };
        let (answer, keep) = Http::exchange(&mut stream, &mut self.buffer, request)?;
        self.stream = keep.then_some(stream);
        Ok(answer)
    }
}

/// None until the whole answer is there. Without a content length the connection isn't used again.
fn parse(bytes: &[u8]) -> io::Result<Option<(Answer, bool)>> {
    let bad = || io::Error::new(io::ErrorKind::InvalidData, "not an HTTP/1.1 answer");
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| bad())?;
    let mut lines = head.split("\r\n");
    let code: u16 =
        lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok()).ok_or_else(bad)?;
    let (mut length, mut keep) = (None, true);
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse::<usize>().ok();
        } else if name.eq_ignore_ascii_case("connection") && value.trim().eq_ignore_ascii_case("close") {
            keep = false;
        }
    }
    let body = &bytes[end + 4..];
    let body = match length {
        Some(length) if body.len() < length => return Ok(None),
        Some(length) => &body[..length],
        None => {
            keep = false;
            &[]
        }
    };
    let answer = if code == 200 { Answer::success(body) } else { Answer::failure(Status::Http(code)) };
    Ok(Some((answer, keep)))
}
