//! A request's body: received within the time, decompressed within the size, held within the budget.

use std::io::{self, Read};
use std::time::Duration;

use axum::body::Body;
use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout, timeout_at};

use super::refusal::Refusal;
use crate::limits::{Budget, Reservation};
use crate::outcome::Reason;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    /// zlib, as HTTP's `deflate` means; a raw deflate stream is taken too.
    Deflate,
    Zstd,
}

/// What one body may take.
#[derive(Debug, Clone)]
pub struct BodyLimits {
    pub budget: Budget,
    /// Before and after decompression.
    pub bytes: u64,
    /// The longest silence.
    pub timeout: Duration,
}

/// A body in memory, and the share of the budget that it holds until it is dropped.
#[derive(Debug)]
pub struct Held {
    pub bytes: Bytes,
    reservation: Reservation,
}

/// However slowly a body trickles in, it ends within this many times the longest silence.
const PATIENCE: u32 = 8;

/// The content type of an HTTP body, or the `grpc-encoding` of a message, as a compression.
pub fn compression(name: Option<&str>) -> Result<Compression, Refusal> {
    match name.map(str::trim).unwrap_or("") {
        "" => Ok(Compression::None),
        name if name.eq_ignore_ascii_case("identity") => Ok(Compression::None),
        name if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => Ok(Compression::Gzip),
        name if name.eq_ignore_ascii_case("deflate") => Ok(Compression::Deflate),
        name if name.eq_ignore_ascii_case("zstd") => Ok(Compression::Zstd),
        other => Err(Refusal::new(
            Reason::UnsupportedEncoding,
            format!("the body is encoded as {other:?}: send it as gzip, deflate, zstd or not compressed"),
        )),
    }
}

/// Reads the whole body as it is on the wire. `declared` is its Content-Length, where there is one.
pub async fn receive(mut body: Body, declared: Option<u64>, limits: &BodyLimits) -> Result<Held, Refusal> {
    let mut reservation = limits.budget.reserve_nothing();
    if declared.is_some_and(|length| length > limits.bytes) {
        return Err(too_large(limits.bytes));
    }
    let patience = Instant::now() + limits.timeout * PATIENCE;
    let mut whole: Vec<u8> = Vec::new();
    let mut first = Bytes::new();
    loop {
        let frame = match timeout_at(patience, timeout(limits.timeout, body.frame())).await {
            Ok(Ok(Some(frame))) => frame.map_err(broken_off)?,
            Ok(Ok(None)) => break,
            Ok(Err(_)) | Err(_) => return Err(Refusal::new(Reason::Timeout, "the body did not arrive in time: send it again")),
        };
        let Ok(data) = frame.into_data() else { continue };
        let length = (whole.len() + first.len() + data.len()) as u64;
        if length > limits.bytes {
            return Err(too_large(limits.bytes));
        }
        cover(&mut reservation, length)?;
        // Most bodies are one frame: kept as it came, not copied.
        if whole.is_empty() && first.is_empty() {
            first = data;
        } else {
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(&data);
        }
    }
    let bytes = if whole.is_empty() { first } else { whole.into() };
    Ok(Held { bytes, reservation })
}

/// Decompresses into memory of the same budget, and stops at the limit: a bomb never unfolds.
pub fn decompress(held: Held, compression: Compression, limit: u64) -> Result<Held, Refusal> {
    let Held { bytes, mut reservation } = held;
    let wire = bytes.len() as u64;
    let out = match compression {
        Compression::None => return Ok(Held { bytes, reservation }),
        Compression::Gzip => unfold(flate2::read::MultiGzDecoder::new(bytes.reader()), limit, wire, &mut reservation)?,
        Compression::Deflate if is_zlib(&bytes) => {
            unfold(flate2::read::ZlibDecoder::new(bytes.reader()), limit, wire, &mut reservation)?
        }
        Compression::Deflate => unfold(flate2::read::DeflateDecoder::new(bytes.reader()), limit, wire, &mut reservation)?,
        Compression::Zstd => {
            // A frame may ask for a window of its own size; 8 MiB is what the format's specification wants supported.
            let mut decoder = zstd::stream::read::Decoder::new(bytes.reader()).map_err(unreadable)?;
            decoder.window_log_max(23).map_err(unreadable)?;
            unfold(decoder, limit, wire, &mut reservation)?
        }
    };
    Ok(Held { bytes: out.into(), reservation })
}

fn unfold(mut from: impl Read, limit: u64, wire: u64, reservation: &mut Reservation) -> Result<Vec<u8>, Refusal> {
    const STEP: usize = 64 * 1024;
    let mut out = Vec::new();
    loop {
        let filled = out.len();
        cover(reservation, wire + (filled + STEP) as u64)?;
        out.resize(filled + STEP, 0);
        let got = match from.read(&mut out[filled..]) {
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(unreadable(error)),
        };
        out.truncate(filled + got);
        if got == 0 {
            return Ok(out);
        }
        if out.len() as u64 > limit {
            return Err(too_large(limit));
        }
    }
}

/// RFC 1950: the method is 8, and the first two bytes are a multiple of 31.
fn is_zlib(bytes: &[u8]) -> bool {
    matches!(bytes, [first, second, ..] if first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)) % 31 == 0)
}

fn cover(reservation: &mut Reservation, bytes: u64) -> Result<(), Refusal> {
    if reservation.cover(bytes) {
        return Ok(());
    }
    Err(Refusal::overloaded(
        "too many requests are in flight (limits.in_flight_bytes): send it again",
        Duration::from_secs(1),
    ))
}

fn too_large(limit: u64) -> Refusal {
    let message = format!("the body is larger than {limit} bytes (limits.request_bytes): send smaller batches");
    Refusal::new(Reason::TooLarge, message)
}

fn unreadable(error: io::Error) -> Refusal {
    Refusal::new(Reason::Malformed, format!("the body can't be decompressed: {error}"))
}

fn broken_off(error: axum::Error) -> Refusal {
    Refusal::new(Reason::Malformed, format!("the body broke off: {error}"))
}
