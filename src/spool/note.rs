//! The note: what stands in front of each commit's data, so that a request's rows and its replay key are durable
//! together or not at all. A frame (see [`super::frame`]) with method 0x4e and this payload, all little-endian:
//!
//! ```text
//! offset  bytes  what
//!  0       4     version, 1
//!  4       4     index of the commit in its file, from 0
//!  8       8     hash of the segment's name: old blocks of a deleted file can't pass for ours
//! 16       8     received_at, Unix ms
//! 24       8     bytes of the data frames that follow
//! 32      16     digest over those frames' checksums
//! 48       4     rows
//! 52       4     n, the requests of this commit
//! 56      20 n   request key (16), its rows (4) with the highest bit set where the key is a delivery's
//! ```
//! The bit beside the rows says a key's class, not the key's own bit: in a note that was written without classes that one is
//! part of the hash. Its keys are exports.

use super::frame::{self, Frame, NOTE, OVERHEAD};
use super::key::{Class, RequestKey};

pub const VERSION: u32 = 1;
/// Where the segment's hash stands in a whole note frame: what the search for the next commit looks for.
pub const SEGMENT_AT: usize = OVERHEAD + 8;
/// Rows of one request.
pub const MAX_ROWS: u32 = DELIVERY - 1;
const FIXED: usize = 56;
const PER_REQUEST: usize = 20;
const DELIVERY: u32 = 1 << 31;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note<'a> {
    pub index: u32,
    pub segment: u64,
    pub received_at_ms: i64,
    pub data_len: u64,
    pub data_digest: u128,
    pub rows: u32,
    requests: &'a [u8],
}

/// What a commit's note says, before its requests.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    pub index: u32,
    pub segment: u64,
    pub received_at_ms: i64,
    pub data_len: u64,
    pub data_digest: u128,
}

/// Bytes of a whole note frame for so many requests.
pub fn size(requests: usize) -> usize {
    OVERHEAD + FIXED + PER_REQUEST * requests
}

/// Writes a note into `frame`, which is [`size`] bytes long for exactly these requests.
pub fn write(frame: &mut [u8], head: Head, requests: impl Iterator<Item = (RequestKey, u32)>) {
    let payload = &mut frame[OVERHEAD..];
    let (mut rows, mut count) = (0u32, 0u32);
    for (slot, (key, request_rows)) in payload[FIXED..].chunks_exact_mut(PER_REQUEST).zip(requests) {
        let class = if key.class() == Class::Delivery { DELIVERY } else { 0 };
        slot[..16].copy_from_slice(&key.bits().to_le_bytes());
        slot[16..].copy_from_slice(&(request_rows | class).to_le_bytes());
        rows += request_rows;
        count += 1;
    }
    payload[0..4].copy_from_slice(&VERSION.to_le_bytes());
    payload[4..8].copy_from_slice(&head.index.to_le_bytes());
    payload[8..16].copy_from_slice(&head.segment.to_le_bytes());
    payload[16..24].copy_from_slice(&head.received_at_ms.to_le_bytes());
    payload[24..32].copy_from_slice(&head.data_len.to_le_bytes());
    payload[32..48].copy_from_slice(&head.data_digest.to_le_bytes());
    payload[48..52].copy_from_slice(&rows.to_le_bytes());
    payload[52..56].copy_from_slice(&count.to_le_bytes());
    let raw_len = payload.len();
    frame::finish(frame, NOTE, raw_len);
}

// === impl Note ===

impl<'a> Note<'a> {
    /// The note in a frame that was verified, if it is one that we understand.
    pub fn read(frame: &Frame<'a>) -> Option<Note<'a>> {
        let data = frame.data;
        if frame.method != NOTE || data.len() < FIXED || u32_at(data, 0) != VERSION {
            return None;
        }
        let requests = &data[FIXED..];
        (requests.len() == u32_at(data, 52) as usize * PER_REQUEST).then(|| Note {
            index: u32_at(data, 4),
            segment: u64_at(data, 8),
            received_at_ms: u64_at(data, 16) as i64,
            data_len: u64_at(data, 24),
            data_digest: u128_at(data, 32),
            rows: u32_at(data, 48),
            requests,
        })
    }

    /// Each request's key and rows.
    pub fn requests(&self) -> impl Iterator<Item = (RequestKey, u32)> + Clone + 'a {
        self.requests.chunks_exact(PER_REQUEST).map(|request| {
            let rows = u32_at(request, 16);
            let class = if rows & DELIVERY == 0 { Class::Export } else { Class::Delivery };
            (RequestKey::of(class, u128_at(request, 0)), rows & !DELIVERY)
        })
    }
}

// The three readers are called with offsets that were checked against FIXED or PER_REQUEST above.

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

fn u128_at(bytes: &[u8], at: usize) -> u128 {
    u128::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> impl Strategy<Value = RequestKey> {
        (any::<u128>(), any::<bool>()).prop_map(|(hash, delivery)| match delivery {
            false => RequestKey::export(hash),
            true => RequestKey::delivery(hash),
        })
    }

    fn head(segment: u64, at: i64) -> Head {
        Head { index: 7, segment, received_at_ms: at, data_len: 99, data_digest: 12 }
    }

    proptest! {
        #[test]
        fn a_note_says_what_was_written(requests in prop::collection::vec((key(), 0..1000u32), 0..50), at: i64, segment: u64) {
            let mut frame = vec![0; size(requests.len())];
            write(&mut frame, head(segment, at), requests.iter().copied());
            let whole = Frame::read(&frame).expect("a whole frame");
            let note = Note::read(&whole).expect("a note");
            prop_assert_eq!((note.index, note.segment, note.received_at_ms, note.data_len, note.data_digest), (7, segment, at, 99, 12));
            prop_assert_eq!(note.rows, requests.iter().map(|(_, rows)| rows).sum::<u32>());
            prop_assert_eq!(note.requests().collect::<Vec<_>>(), requests);
            prop_assert_eq!(&frame[SEGMENT_AT..SEGMENT_AT + 8], &segment.to_le_bytes());
        }

        #[test]
        fn a_key_of_a_note_that_knows_no_classes_is_an_export(hash: u128, rows in 0..=MAX_ROWS) {
            let mut frame = vec![0; size(1)];
            write(&mut frame, head(1, 1), [(RequestKey::export(hash), rows)].into_iter());
            // As it was written then: the whole hash, whatever its highest bit.
            let at = OVERHEAD + FIXED;
            frame[at..at + 16].copy_from_slice(&hash.to_le_bytes());
            let raw_len = frame.len() - OVERHEAD;
            frame::finish(&mut frame, NOTE, raw_len);
            let whole = Frame::read(&frame).expect("a whole frame");
            let read: Vec<_> = Note::read(&whole).expect("a note").requests().collect();
            prop_assert_eq!(read, [(RequestKey::export(hash), rows)]);
        }
    }
}
