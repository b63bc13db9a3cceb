//! The frame: ClickHouse's own compressed-block layout, so that a segment's bytes are an insert's body.
//!
//! ```text
//! offset  bytes  what
//!  0      16     CityHash128 (v1.0.2, ClickHouse's variant), low half first, over everything that follows
//! 16       1     method: 0x82 LZ4 (data), 0x4e ours (a note; ClickHouse uses 0x02 and 0x82, 0x90..0x9b)
//! 17       4     LE, size of the data plus these 9 bytes of header
//! 21       4     LE, size of the data once decompressed
//! 25       ...   the data
//! ```
//! A data frame holds at most [`MAX_RAW`] bytes before compression, as ClickHouse's own writer does. Nothing here
//! touches a disk: frames are appended to a caller's buffer and read from a caller's slice.

use lz4_flex::block::{CompressTable, compress_into_with_table, get_maximum_output_size};

pub const CHECKSUM: usize = 16;
/// Checksum, method and the two sizes.
pub const OVERHEAD: usize = 25;
pub const MAX_RAW: usize = 1 << 20;
pub const LZ4: u8 = 0x82;
pub const NOTE: u8 = 0x4e;

/// Compresses into frames; holds the hash table of LZ4 so that it is allocated once.
pub struct Encoder {
    table: CompressTable,
}

/// One whole frame, its checksum verified.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    pub method: u8,
    pub checksum: u128,
    pub raw_len: usize,
    pub data: &'a [u8],
}

// === impl Encoder ===

impl Encoder {
    pub fn new() -> Encoder {
        Encoder { table: CompressTable::large() }
    }

    /// Appends `raw` as LZ4 frames and returns the digest of their checksums (see [`fold`]).
    pub fn append(&mut self, raw: &[u8], out: &mut Vec<u8>) -> u128 {
        let mut digest = 0;
        for chunk in raw.chunks(MAX_RAW) {
            let start = out.len();
            out.resize(start + OVERHEAD + get_maximum_output_size(chunk.len()), 0);
            let written = compress_into_with_table(chunk, &mut out[start + OVERHEAD..], &mut self.table)
                .expect("the output holds get_maximum_output_size bytes, the only way this fails");
            out.truncate(start + OVERHEAD + written);
            digest = fold(digest, finish(&mut out[start..], LZ4, chunk.len()));
        }
        digest
    }
}

impl Default for Encoder {
    fn default() -> Encoder {
        Encoder::new()
    }
}

// === impl Frame ===

impl<'a> Frame<'a> {
    /// The frame at the start of `bytes`, if it is whole and its checksum holds.
    pub fn read(bytes: &'a [u8]) -> Option<Frame<'a>> {
        let header = bytes.get(..OVERHEAD)?;
        let size = u32_at(header, CHECKSUM + 1)? as usize;
        let raw_len = u32_at(header, CHECKSUM + 5)? as usize;
        let end = CHECKSUM.checked_add(size)?;
        if size < OVERHEAD - CHECKSUM {
            return None;
        }
        let body = bytes.get(CHECKSUM..end)?;
        let checksum = u128::from_le_bytes(header[..CHECKSUM].try_into().ok()?);
        (hash(body) == checksum).then(|| Frame {
            method: header[CHECKSUM],
            checksum,
            raw_len,
            data: &bytes[OVERHEAD..end],
        })
    }

    /// Bytes of the whole frame.
    pub fn size(&self) -> usize {
        OVERHEAD + self.data.len()
    }
}

/// Completes a frame whose data already stands after [`OVERHEAD`] bytes of room; returns the checksum.
pub fn finish(frame: &mut [u8], method: u8, raw_len: usize) -> u128 {
    let size = (frame.len() - CHECKSUM) as u32;
    frame[CHECKSUM] = method;
    frame[CHECKSUM + 1..CHECKSUM + 5].copy_from_slice(&size.to_le_bytes());
    frame[CHECKSUM + 5..OVERHEAD].copy_from_slice(&(raw_len as u32).to_le_bytes());
    let checksum = hash(&frame[CHECKSUM..]);
    frame[..CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
    checksum
}

/// Digest of a run of frames: sensitive to each one's checksum and to their order.
pub fn fold(digest: u128, checksum: u128) -> u128 {
    digest.rotate_left(1) ^ checksum
}

/// ClickHouse's CityHash128, as the number whose little-endian bytes stand on disk.
pub fn hash(bytes: &[u8]) -> u128 {
    cityhash_rs::cityhash_102_128(bytes).rotate_right(64)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(mut bytes: &[u8]) -> Vec<u8> {
        let mut raw = Vec::new();
        while !bytes.is_empty() {
            let frame = Frame::read(bytes).expect("a whole frame");
            assert_eq!(frame.method, LZ4);
            assert!(frame.raw_len <= MAX_RAW);
            raw.extend(lz4_flex::block::decompress(frame.data, frame.raw_len).expect("LZ4"));
            bytes = &bytes[frame.size()..];
        }
        raw
    }

    /// What ClickHouse 26.7 answered, over HTTP with `compress=1`, to
    /// `SELECT number, 'ActivityLog' AS s FROM numbers(3) FORMAT Native` and
    /// `SELECT 'The quick brown fox jumps over the lazy dog' AS s FROM numbers(40) FORMAT Native`.
    const FROM_CLICKHOUSE: [&str; 2] = [
        "0786c3bb362862d1cda6d5601b3a36f5824500000055000000f3020203066e756d6265720655496e7436340001001301080013020800ff0501\
         7306537472696e670b41637469766974794c6f0c00015074794c6f67",
        "ebc01eca5262797dfb673bea432703eb8250000000eb060000ff270128017306537472696e672b54686520717569636b2062726f776e20666f\
         78206a756d7073206f76657220746865206c617a7920646f2c00ffffffffffffa3507920646f67",
    ];

    #[test]
    fn a_frame_of_clickhouse_is_read_and_ours_has_the_same_checksum() {
        for (hex, raw_len) in FROM_CLICKHOUSE.into_iter().zip([85, 1771]) {
            let theirs: Vec<u8> =
                (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect();
            assert_eq!(decode(&theirs).len(), raw_len);
            let mut ours = theirs.clone();
            ours[..OVERHEAD].fill(0);
            finish(&mut ours, LZ4, raw_len);
            assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn a_payload_over_one_mebibyte_is_split() {
        let raw: Vec<u8> = (0..3 * MAX_RAW + 7).map(|i| (i * i / 3) as u8).collect();
        let mut out = Vec::new();
        Encoder::new().append(&raw, &mut out);
        assert_eq!(decode(&out), raw);
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(raw in prop::collection::vec(any::<u8>(), 0..5000), before in 0..40usize) {
            let mut out = vec![9; before];
            Encoder::new().append(&raw, &mut out);
            prop_assert_eq!(decode(&out[before..]), raw);
        }

        #[test]
        fn a_changed_byte_is_noticed(raw in prop::collection::vec(any::<u8>(), 1..300), at: prop::sample::Index, bit in 0..8u8) {
            let mut out = Vec::new();
            Encoder::new().append(&raw, &mut out);
            let at = at.index(out.len());
            out[at] ^= 1 << bit;
            prop_assert_eq!(Frame::read(&out), None);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = Frame::read(&bytes);
        }
    }
}
