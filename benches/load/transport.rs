//! One connection to the receiver: send a request, wait for its answer. A worker thread owns one.

use std::{fmt, io};

pub trait Transport {
    /// Sends the bytes of one request, connecting first if there is no connection. An error ends the connection.
    fn send(&mut self, request: &[u8]) -> io::Result<Answer>;
}

#[derive(Debug, Clone, Copy)]
pub struct Answer {
    pub status: Status,
    /// Records that a partial success says were rejected.
    pub rejected: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    Ok,
    Http(u16),
    Grpc(u16),
    /// No answer: refused, reset, or timed out.
    Lost,
}

const GRPC_RESOURCE_EXHAUSTED: u16 = 8;
const GRPC_UNAVAILABLE: u16 = 14;

// === impl Answer ===

impl Answer {
    /// A success; `body` is an Export*ServiceResponse in protobuf.
    pub fn success(body: &[u8]) -> Answer {
        Answer { status: Status::Ok, rejected: rejected(body).unwrap_or(0) }
    }

    pub fn failure(status: Status) -> Answer {
        Answer { status, rejected: 0 }
    }
}

// === impl Status ===

impl Status {
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Status::Lost | Status::Http(429 | 503) | Status::Grpc(GRPC_RESOURCE_EXHAUSTED | GRPC_UNAVAILABLE)
        )
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Status::Ok => f.write_str("ok"),
            Status::Http(code) => write!(f, "{code}"),
            Status::Grpc(code) => write!(f, "grpc {code}"),
            Status::Lost => f.write_str("connection"),
        }
    }
}

/// `partial_success` (1) . `rejected_*` (1): the same numbers for every signal, always written first.
fn rejected(body: &[u8]) -> Option<u64> {
    let inner = body.strip_prefix(&[0x0a])?;
    let (length, rest) = varint(inner)?;
    let partial = rest.get(..length as usize)?;
    Some(varint(partial.strip_prefix(&[0x08])?)?.0)
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut n = 0;
    for (i, byte) in bytes.iter().enumerate().take(10) {
        n |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((n, &bytes[i + 1..]));
        }
    }
    None
}
