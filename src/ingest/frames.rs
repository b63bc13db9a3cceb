//! The messages of a gRPC client's stream, one at a time: each held within the budget, and gone before the next one is read.

use axum::body::Body;
use bytes::BytesMut;
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::body::{BodyLimits, Compression, Held, cover, decompress, too_large};
use super::refusal::Refusal;
use crate::limits::Reservation;
use crate::outcome::Reason;

/// Flag byte and big-endian length before each message.
pub const PREFIX: usize = 5;

pub struct Frames {
    body: Body,
    compression: Compression,
    limits: BodyLimits,
    pending: BytesMut,
    reservation: Reservation,
}

// === impl Frames ===

impl Frames {
    pub fn new(body: Body, compression: Compression, limits: BodyLimits) -> Frames {
        let reservation = limits.budget.reserve_nothing();
        Frames { body, compression, limits, pending: BytesMut::new(), reservation }
    }

    /// None at the end of the stream. Between two messages a client may be silent for as long as its connection lives; within one
    /// it may not. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Option<Held>, Refusal> {
        loop {
            if let Some(whole) = self.whole()? {
                return self.take(whole).map(Some);
            }
            let frame = match self.pending.is_empty() {
                true => self.body.frame().await,
                false => timeout(self.limits.timeout, self.body.frame())
                    .await
                    .map_err(|_| Refusal::new(Reason::Timeout, "a message did not arrive in time: send it again"))?,
            };
            let Some(frame) = frame else {
                return match self.pending.is_empty() {
                    true => Ok(None),
                    false => Err(Refusal::new(Reason::Malformed, "the stream ended in the middle of a message")),
                };
            };
            let frame =
                frame.map_err(|error| Refusal::new(Reason::Malformed, format!("the stream broke off: {error}")))?;
            if let Some(data) = frame.data_ref() {
                cover(&mut self.reservation, (self.pending.len() + data.len()) as u64)?;
                self.pending.extend_from_slice(data);
            }
        }
    }

    /// The length of the first message with its prefix, once all of it is there.
    fn whole(&self) -> Result<Option<usize>, Refusal> {
        let Some(([_, length @ ..], _)) = self.pending.split_first_chunk::<PREFIX>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        if length as u64 > self.limits.bytes {
            return Err(too_large(self.limits.bytes));
        }
        Ok(Some(PREFIX + length).filter(|whole| self.pending.len() >= *whole))
    }

    fn take(&mut self, whole: usize) -> Result<Held, Refusal> {
        let flag = self.pending[0];
        let message = self.pending.split_to(whole).freeze().slice(PREFIX..);
        // What was read of the next message moves to a memory and a share of its own.
        self.pending = BytesMut::from(&self.pending[..]);
        let mut rest = self.limits.budget.reserve_nothing();
        cover(&mut rest, self.pending.len() as u64)?;
        let held = Held::new(message, std::mem::replace(&mut self.reservation, rest));
        uncompressed(held, flag, self.compression, self.limits.bytes)
    }
}

/// What a message's flag says about it.
pub fn uncompressed(held: Held, flag: u8, compression: Compression, limit: u64) -> Result<Held, Refusal> {
    let malformed = |what: &str| Err(Refusal::new(Reason::Malformed, format!("not a gRPC message: {what}")));
    match flag {
        0 => Ok(held),
        1 if compression == Compression::None => {
            malformed("it is flagged as compressed, but grpc-encoding names nothing")
        }
        1 => decompress(held, compression, limit),
        _ => malformed("its first byte is neither 0 nor 1"),
    }
}
