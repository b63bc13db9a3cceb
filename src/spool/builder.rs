//! The bytes of one commit (see `segment.rs`): blocks in, one buffer out that is written with one write.

use super::frame::Encoder;
use super::key::RequestKey;
use super::note::{self, Head};

/// Builds the bytes of one commit at a time, in buffers that are kept.
pub struct CommitBuilder {
    encoder: Encoder,
    /// The blocks of one commit, not yet compressed.
    pub raw: Vec<u8>,
    out: Vec<u8>,
}

/// Buffers that grew past this for one huge commit are given back after it.
const KEEP_CAPACITY: usize = 4 << 20;

// === impl CommitBuilder ===

impl CommitBuilder {
    pub fn new() -> CommitBuilder {
        CommitBuilder { encoder: Encoder::new(), raw: Vec::new(), out: Vec::new() }
    }

    /// The bytes of a commit out of what stands in `raw`, which is emptied; `count` is the number of requests.
    pub fn build(
        &mut self,
        segment: u64,
        index: u32,
        received_at_ms: i64,
        count: usize,
        requests: impl Iterator<Item = (RequestKey, u32)>,
    ) -> &[u8] {
        let note_len = note::size(count);
        self.out.clear();
        self.out.resize(note_len, 0);
        let data_digest = self.encoder.append(&self.raw, &mut self.out);
        let data_len = (self.out.len() - note_len) as u64;
        note::write(
            &mut self.out[..note_len],
            Head { index, segment, received_at_ms, data_len, data_digest },
            requests,
        );
        self.raw.clear();
        &self.out
    }

    /// Gives back what one huge commit made the buffers take.
    pub fn relax(&mut self) {
        for buffer in [&mut self.raw, &mut self.out] {
            if buffer.capacity() > KEEP_CAPACITY {
                buffer.clear();
                buffer.shrink_to(KEEP_CAPACITY);
            }
        }
    }
}

impl Default for CommitBuilder {
    fn default() -> CommitBuilder {
        CommitBuilder::new()
    }
}
