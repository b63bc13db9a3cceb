//! A request's body: received within the time, decompressed within the size, held within the budget.

use std::io::{self, Read};
use std::time::Duration;

use axum::body::Body;
use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use tokio::task::block_in_place;
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

// === impl BodyLimits ===

impl BodyLimits {
    /// As a tenant may use them.
    pub fn of(&self, tenant: &str) -> BodyLimits {
        BodyLimits { budget: self.budget.of(tenant), ..self.clone() }
    }
}

// === impl Held ===

impl Held {
    pub(super) fn new(bytes: Bytes, reservation: Reservation) -> Held {
        Held { bytes, reservation }
    }
}

/// Bytes whose decompression is worth moving the other tasks of this thread away.
const LONG_WORK: u64 = 256 * 1024;

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

/// Reads the whole body as it is on the wire: `framing` bytes and a message. `declared` is its Content-Length, where there is
/// one.
pub async fn receive(
    body: &mut Body,
    declared: Option<u64>,
    framing: usize,
    limits: &BodyLimits,
) -> Result<Held, Refusal> {
    let mut reservation = limits.budget.reserve_nothing();
    let most = limits.bytes + framing as u64;
    if declared.is_some_and(|length| length > most) {
        return Err(too_large(limits.bytes));
    }
    let patience = Instant::now() + limits.timeout * PATIENCE;
    let mut whole: Vec<u8> = Vec::new();
    let mut first = Bytes::new();
    loop {
        let frame = match timeout_at(patience, timeout(limits.timeout, body.frame())).await {
            Ok(Ok(Some(frame))) => frame.map_err(broken_off)?,
            Ok(Ok(None)) => break,
            Ok(Err(_)) | Err(_) => {
                return Err(Refusal::new(Reason::Timeout, "the body did not arrive in time: send it again"));
            }
        };
        let Ok(data) = frame.into_data() else { continue };
        let length = (whole.len() + first.len() + data.len()) as u64;
        if length > most {
            return Err(too_large(limits.bytes));
        }
        cover(&mut reservation, length)?;
        // Most bodies are one frame: kept as it came, not copied.
        if whole.is_empty() && first.is_empty() {
            first = data;
        } else {
            make_room(&mut whole, first.len() + data.len(), most);
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(&data);
        }
    }
    let bytes = if whole.is_empty() { first } else { whole.into() };
    Ok(Held { bytes, reservation })
}

/// Takes what is left of a refused request's body and forgets it, for a while: many HTTP/1 clients read no answer before they
/// have sent everything, and closing a connection with unread bytes may destroy the answer on its way.
pub async fn drain(mut body: Body, limits: BodyLimits) {
    let mut left = 2 * limits.bytes;
    let all = async {
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, |data| data.len() as u64));
            if left == 0 {
                return;
            }
        }
    };
    // Whoever is slower than that is on his own.
    let _ = timeout(limits.timeout, all).await;
}

/// Decompresses into memory of the same budget, and stops at the limit: a bomb never unfolds.
pub fn decompress(held: Held, compression: Compression, limit: u64) -> Result<Held, Refusal> {
    let Held { bytes, mut reservation } = held;
    let wire = bytes.len() as u64;
    let out = match compression {
        Compression::None => return Ok(Held { bytes, reservation }),
        // Mostly a proxy took it off on the way, and left the header.
        Compression::Gzip if !bytes.starts_with(&[0x1f, 0x8b]) => {
            let message = "the body can't be decompressed: it is not gzip: send it without saying so, or compress it";
            return Err(Refusal::new(Reason::Malformed, message));
        }
        Compression::Gzip => unfold(flate2::read::MultiGzDecoder::new(bytes.reader()), limit, wire, &mut reservation)?,
        Compression::Deflate if is_zlib(&bytes) => {
            unfold(flate2::read::ZlibDecoder::new(bytes.reader()), limit, wire, &mut reservation)?
        }
        Compression::Deflate => {
            unfold(flate2::read::DeflateDecoder::new(bytes.reader()), limit, wire, &mut reservation)?
        }
        Compression::Zstd => {
            // A frame may ask for a window of its own size; 8 MiB is what the format's specification wants supported.
            let mut decoder = zstd::stream::read::Decoder::new(bytes.reader()).map_err(unreadable)?;
            decoder.window_log_max(23).map_err(unreadable)?;
            unfold(decoder, limit, wire, &mut reservation)?
        }
    };
    Ok(Held { bytes: out.into(), reservation })
}

/// Inline at first; once it turns out to be long, the other tasks of this thread are moved away.
fn unfold(mut from: impl Read, limit: u64, wire: u64, reservation: &mut Reservation) -> Result<Vec<u8>, Refusal> {
    let mut out = Vec::new();
    // Much input may unfold into little.
    let short = if wire < LONG_WORK { LONG_WORK } else { 0 };
    if unfold_up_to(short, &mut from, &mut out, limit, wire, reservation)? {
        return Ok(out);
    }
    block_in_place(|| unfold_up_to(u64::MAX, &mut from, &mut out, limit, wire, reservation))?;
    Ok(out)
}

/// Whether the end was reached before there were so many bytes.
fn unfold_up_to(
    enough: u64,
    from: &mut impl Read,
    out: &mut Vec<u8>,
    limit: u64,
    wire: u64,
    reservation: &mut Reservation,
) -> Result<bool, Refusal> {
    const STEP: usize = 64 * 1024;
    let mut filled = out.len();
    while (filled as u64) < enough {
        // A source may give a byte at a time: room is made, and zeroed, only when there is none.
        if filled == out.len() {
            cover(reservation, wire + (filled + STEP) as u64)?;
            make_room(out, STEP, limit);
            out.resize(filled + STEP, 0);
        }
        match from.read(&mut out[filled..]) {
            Ok(0) => {
                out.truncate(filled);
                return Ok(true);
            }
            Ok(got) => filled += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
        if filled as u64 > limit {
            return Err(too_large(limit));
        }
    }
    out.truncate(filled);
    Ok(false)
}

/// For `more` bytes. A vector that doubles would hold three times a large body while it moves: a large one gets its last
/// capacity at once, of which the system gives only what is written to.
fn make_room(out: &mut Vec<u8>, more: usize, limit: u64) {
    const LARGE: usize = 1 << 20;
    let needed = out.len() + more;
    if needed > LARGE && needed > out.capacity() {
        let most = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(64 * 1024);
        out.reserve_exact(needed.max(most) - out.len());
    }
}

// === impl Held ===

impl Held {
    /// Reserves room for what is made of the body, beside it.
    pub fn hold_also(&mut self, bytes: u64) -> Result<(), Refusal> {
        cover(&mut self.reservation, (self.bytes.len() as u64).saturating_add(bytes))
    }
}

/// RFC 1950: the method is 8, and the first two bytes are a multiple of 31.
fn is_zlib(bytes: &[u8]) -> bool {
    matches!(bytes, [first, second, ..] if first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)) % 31 == 0)
}

pub(super) fn cover(reservation: &mut Reservation, bytes: u64) -> Result<(), Refusal> {
    if reservation.cover(bytes) {
        return Ok(());
    }
    Err(Refusal::overloaded(
        "too many requests are in flight (limits.in_flight_bytes): send it again",
        Duration::from_secs(1),
    ))
}

pub(super) fn too_large(limit: u64) -> Refusal {
    let message = format!("the body is larger than {limit} bytes (limits.request_bytes): send smaller batches");
    Refusal::new(Reason::TooLarge, message)
}

fn unreadable(error: io::Error) -> Refusal {
    Refusal::new(Reason::Malformed, format!("the body can't be decompressed: {error}"))
}

fn broken_off(error: axum::Error) -> Refusal {
    Refusal::new(Reason::Malformed, format!("the body broke off: {error}"))
}
