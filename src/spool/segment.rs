//! The segment: one file, one ClickHouse insert. Its bytes are a sequence of commits, each written by one write and made
//! durable by one fdatasync:
//!
//! ```text
//! commit  = note frame, data frames        (see note.rs, frame.rs)
//! file    = commit*                        nothing before, between or after
//! name    = <node 16 hex>-<boot ms 12 hex><random 8 hex>-<n 8 digits>   .open while written, .seg once sealed
//! ```
//! - A commit counts when its note and all its data frames are whole, belong to this name, and match each other.
//! - What follows the last such commit is a torn tail: it was never acknowledged, and is cut off.
//! - What stands between two such commits is damage to acknowledged data: it is kept aside, and the rest stays.
//! - The name, with its table in front, is the insert's deduplication token; it never repeats, because each process start
//!   has its own boot id and counts `n` up.
//!
//! This module only looks at names and bytes. Who opens, seals and deletes files: `folder.rs` and `writer.rs`.

use std::fmt;
use std::ops::Range;

use super::frame::{self, Frame};
use super::note::{self, Note};

/// A segment's name without its extension. Ordered by process start, then by number: the order of writing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name(String);

/// One whole commit, as offsets in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub note: Range<usize>,
    pub data: Range<usize>,
    pub rows: u32,
    pub received_at_ms: i64,
}

/// What a segment's bytes hold.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scan {
    pub commits: Vec<Commit>,
    /// Bytes between whole commits that belong to none.
    pub damaged: Vec<Range<usize>>,
    /// Where the last whole commit ends.
    pub good_len: usize,
    pub len: usize,
}

/// Rows and times of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Content {
    pub rows: u64,
    pub first_ms: i64,
    pub last_ms: i64,
}

// === impl Name ===

impl Name {
    pub fn new(node: u64, boot: &str, n: u64) -> Name {
        Name(format!("{node:016x}-{boot}-{n:08}"))
    }

    /// The name in a file's name with this extension, if it is one of ours.
    pub fn parse(file: &str, extension: &str) -> Option<Name> {
        let stem = file.strip_suffix(extension)?;
        let mut parts = stem.split('-');
        let (node, boot, n) = (parts.next()?, parts.next()?, parts.next()?);
        let hex = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_hexdigit());
        let ours = hex(node, 16) && hex(boot, 20) && n.len() >= 8 && n.bytes().all(|b| b.is_ascii_digit());
        (ours && parts.next().is_none()).then(|| Name(stem.to_owned()))
    }

    pub fn file(&self, extension: &str) -> String {
        format!("{}{extension}", self.0)
    }

    /// What each note of this segment carries.
    pub fn hash(&self) -> u64 {
        frame::hash(self.0.as_bytes()) as u64
    }

    fn order(&self) -> (&str, usize, &str) {
        let (_, written) = self.0.split_at(17);
        (&written[..20], written.len(), written)
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Name) -> std::cmp::Ordering {
        self.order().cmp(&other.order()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Name) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl Scan ===

impl Scan {
    /// Finds the whole commits in a segment's bytes.
    pub fn of(bytes: &[u8], name: &Name) -> Scan {
        let segment = name.hash();
        let finder = memchr::memmem::Finder::new(&segment.to_le_bytes()).into_owned();
        let mut scan = Scan { len: bytes.len(), ..Scan::default() };
        let mut next_index = 0;
        let mut at = 0;
        while at < bytes.len() {
            if let Some((commit, index)) = read_commit(bytes, at, segment, next_index) {
                if at > scan.good_len {
                    scan.damaged.push(scan.good_len..at);
                }
                next_index = index + 1;
                at = commit.data.end;
                scan.good_len = at;
                scan.commits.push(commit);
            } else {
                // The next place where a note of this segment could begin.
                let from = at + 1 + note::SEGMENT_AT;
                match bytes.get(from..).and_then(|rest| finder.find(rest)) {
                    Some(found) => at = from + found - note::SEGMENT_AT,
                    None => break,
                }
            }
        }
        scan
    }

    pub fn content(&self) -> Content {
        Content {
            rows: self.commits.iter().map(|commit| u64::from(commit.rows)).sum(),
            first_ms: self.commits.first().map_or(0, |commit| commit.received_at_ms),
            last_ms: self.commits.last().map_or(0, |commit| commit.received_at_ms),
        }
    }

    /// All bytes that belong to no whole commit, the tail included: damage, in a file that was sealed whole.
    pub fn damage(&self) -> impl Iterator<Item = Range<usize>> {
        let tail = (self.good_len < self.len).then_some(self.good_len..self.len);
        self.damaged.iter().cloned().chain(tail)
    }

    /// The notes of the whole commits, out of the bytes that were scanned.
    pub fn notes<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Note<'a>> + 'a {
        self.commits.iter().filter_map(|commit| Note::read(&Frame::read(&bytes[commit.note.clone()])?))
    }
}

fn read_commit(bytes: &[u8], at: usize, segment: u64, next_index: u32) -> Option<(Commit, u32)> {
    let frame = Frame::read(&bytes[at..])?;
    let note = Note::read(&frame)?;
    if note.segment != segment || note.index < next_index {
        return None;
    }
    let start = at + frame.size();
    let end = start.checked_add(usize::try_from(note.data_len).ok()?)?;
    let mut rest = bytes.get(start..end)?;
    let mut digest = 0;
    while !rest.is_empty() {
        let data = Frame::read(rest).filter(|data| data.method == frame::LZ4)?;
        digest = frame::fold(digest, data.checksum);
        rest = &rest[data.size()..];
    }
    let commit = Commit { note: at..start, data: start..end, rows: note.rows, received_at_ms: note.received_at_ms };
    (digest == note.data_digest).then_some((commit, note.index))
}

#[cfg(test)]
mod tests {
    use super::super::builder::CommitBuilder;
    use super::super::key::RequestKey;
    use super::*;
    use proptest::prelude::*;

    fn name() -> Name {
        Name::new(0xabc, "0123456789ab00000001", 3)
    }

    /// Three commits; the last one's payload does not compress, so that it spans many bytes.
    fn three() -> (Vec<u8>, Vec<usize>) {
        let mut builder = CommitBuilder::new();
        let (mut file, mut ends) = (Vec::new(), Vec::new());
        for index in 0..3u32 {
            let mut noise = 0x9e37_79b9u32;
            builder.raw.extend((0..150).map(|_| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223 + index);
                (noise >> 24) as u8
            }));
            let hash = u128::from(index);
            let requests = [(RequestKey::export(hash), 2), (RequestKey::delivery(hash), 3)];
            file.extend_from_slice(builder.build(
                name().hash(),
                index,
                1000 + i64::from(index),
                2,
                requests.into_iter(),
            ));
            ends.push(file.len());
        }
        (file, ends)
    }

    #[test]
    fn a_name_is_read_back_and_a_foreign_one_is_not() {
        let file = name().file(".seg");
        assert_eq!(Name::parse(&file, ".seg"), Some(name()));
        for foreign in
            ["", ".seg", "notes.txt", "a-b-c.seg", "lock", &file[1..], &format!("{file}x"), &name().file(".open")]
        {
            assert_eq!(Name::parse(foreign, ".seg"), None, "{foreign}");
        }
    }

    #[test]
    fn names_are_ordered_by_start_then_number() {
        let of = |node, boot: &str, n| Name::new(node, boot, n);
        let (old, new) = ("0123456789ab00000001", "0123456789ac00000000");
        assert!(of(9, old, 7) < of(1, new, 1));
        assert!(of(1, old, 9) < of(1, old, 10));
        assert!(of(1, old, 99_999_999) < of(1, old, 100_000_000));
    }

    #[test]
    fn a_tail_torn_at_any_byte_costs_only_its_own_commit() {
        let (file, ends) = three();
        for cut in ends[1]..ends[2] {
            let scan = Scan::of(&file[..cut], &name());
            assert_eq!((scan.commits.len(), scan.good_len), (2, ends[1]), "cut at {cut}");
            assert!(scan.damaged.is_empty());
        }
    }

    #[test]
    fn a_tail_zeroed_from_any_byte_costs_only_its_own_commit() {
        let (file, ends) = three();
        for from in ends[1]..ends[2] {
            let mut file = file.clone();
            file[from..].fill(0);
            if file[from..] != three().0[from..] {
                assert_eq!(Scan::of(&file, &name()).good_len, ends[1], "zeroed from {from}");
            }
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_costs_only_its_own_commit() {
        let (file, ends) = three();
        for bit in 0..file.len() * 8 {
            let mut file = file.clone();
            file[bit / 8] ^= 1 << (bit % 8);
            let hit = ends.iter().filter(|end| **end <= bit / 8).count();
            let scan = Scan::of(&file, &name());
            assert_eq!(scan.commits.len(), 2, "bit {bit}");
            let start = if hit == 0 { 0 } else { ends[hit - 1] };
            let expected = (hit < 2).then(|| start..ends[hit]);
            assert!(scan.damaged.into_iter().eq(expected), "bit {bit}");
        }
    }

    #[test]
    fn a_commit_of_another_segment_does_not_count() {
        let (file, _) = three();
        let other = Name::new(0xabc, "0123456789ab00000001", 4);
        assert_eq!(Scan::of(&file, &other), Scan { len: file.len(), ..Scan::default() });
    }

    #[test]
    fn a_commit_that_stands_twice_counts_once() {
        let (mut file, ends) = three();
        let again = file[ends[1]..].to_vec();
        file.extend(again);
        assert_eq!(Scan::of(&file, &name()).good_len, ends[2]);
    }

    #[test]
    fn notes_of_one_commit_and_data_of_another_do_not_count() {
        let (file, ends) = three();
        let scan = Scan::of(&file, &name());
        let (second, third) = (&scan.commits[1], &scan.commits[2]);
        assert_eq!(second.data.len(), third.data.len());
        let mut mixed = file.clone();
        mixed[third.data.clone()].copy_from_slice(&file[second.data.clone()]);
        assert_eq!(Scan::of(&mixed, &name()).good_len, ends[1]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_scanned_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let scan = Scan::of(&bytes, &name());
            prop_assert_eq!(scan.commits.len(), 0);
        }
    }
}
