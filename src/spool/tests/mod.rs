//! The spool against a model, against known wounds, and against kill -9.

mod delivery;
mod kill;
mod lanes;
mod memdisk;
mod model;
mod requests;
mod threads;
mod wounds;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::commit::Committer;
use super::frame::Frame;
use super::intake::Batch;
use super::receipt::{AppendError, Appended};
use super::sealed::SealedSegment;
use super::{RequestKey, Spool, SpoolOptions, admin};
use memdisk::MemDisk;

/// A row says which request it came from, which row of it it is, and when it was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub key: u128,
    pub row: u32,
    pub received_at_ms: i64,
}

/// Keys whose rows make the batch panic.
pub const CANT_ENCODE: u128 = DELIVERIES - 1;
pub const CANT_UNDO: u128 = DELIVERIES - 2;

/// Stands for the lead's column builders.
#[derive(Default)]
pub struct TestBatch(Vec<(u128, u32)>);

pub type Answer = Result<Appended<()>, AppendError>;

/// A spool on a disk in memory, driven step by step.
pub struct ByHand {
    pub disk: MemDisk,
    pub spool: Spool<TestBatch>,
    pub committer: Committer<TestBatch>,
}

// === impl TestBatch ===

impl Batch for TestBatch {
    fn rows(&self) -> usize {
        self.0.len()
    }

    fn bytes(&self) -> usize {
        self.0.len() * 20
    }

    fn truncate(&mut self, rows: usize) {
        assert!(!self.0.iter().any(|(key, _)| *key == CANT_UNDO), "as the test wants it");
        self.0.truncate(rows);
    }

    fn encode(&mut self, received_at_ms: i64, out: &mut Vec<u8>) {
        assert!(!self.0.iter().any(|(key, _)| *key == CANT_ENCODE), "as the test wants it");
        for (key, row) in self.0.drain(..) {
            out.extend_from_slice(&key.to_le_bytes());
            out.extend_from_slice(&row.to_le_bytes());
            out.extend_from_slice(&received_at_ms.to_le_bytes());
        }
    }
}

impl TestBatch {
    pub fn push(&mut self, key: u128, rows: u32) {
        self.0.extend((0..rows).map(|row| (key, row)));
    }
}

/// The rows in an insert's body.
pub fn rows_of(body: &[Bytes]) -> Vec<Row> {
    let mut raw = Vec::new();
    for mut piece in body.iter().map(|piece| &piece[..]) {
        while let Some(frame) = Frame::read(piece) {
            assert_eq!(frame.method, super::frame::LZ4);
            raw.extend(lz4_flex::block::decompress(frame.data, frame.raw_len).expect("LZ4"));
            piece = &piece[frame.size()..];
        }
        assert!(piece.is_empty(), "a body is whole frames");
    }
    raw.chunks_exact(28)
        .map(|row| Row {
            key: u128::from_le_bytes(row[..16].try_into().unwrap()),
            row: u32::from_le_bytes(row[16..20].try_into().unwrap()),
            received_at_ms: i64::from_le_bytes(row[20..].try_into().unwrap()),
        })
        .collect()
}

/// Rows of these numbers come from deliveries, those of lower ones from exports.
pub const DELIVERIES: u128 = 1 << 100;

pub fn request_key(key: u128) -> RequestKey {
    if key < DELIVERIES { RequestKey::export(key) } else { RequestKey::delivery(key) }
}

pub fn options() -> SpoolOptions {
    SpoolOptions { slots: 2, ..SpoolOptions::new("/spool") }
}

pub fn folder() -> PathBuf {
    PathBuf::from("/spool/events")
}

pub fn poll<T>(future: &mut Pin<Box<dyn Future<Output = T> + '_>>) -> Option<T> {
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

pub fn duplicate(answer: &Answer, of_rows: u32) -> bool {
    matches!(answer, Ok(Appended::Duplicate { rows, .. }) if *rows == of_rows)
}

pub fn failed(answer: &Answer) -> bool {
    matches!(answer, Err(AppendError::Io(_)))
}

pub fn quarantined(by_hand: &ByHand) -> Vec<admin::Listed> {
    let listed = admin::list_on(&by_hand.disk, &options().dir, "events").unwrap();
    listed.into_iter().filter(|l| !matches!(l.state, admin::State::Open | admin::State::Sealed)).collect()
}

// === impl ByHand ===

impl ByHand {
    pub fn new() -> ByHand {
        ByHand::open(MemDisk::new(1), options()).unwrap()
    }

    pub fn open(disk: MemDisk, options: SpoolOptions) -> std::io::Result<ByHand> {
        let (spool, committer) = Spool::open_by_hand(Arc::new(disk.clone()), &options, "events", TestBatch::default)?;
        Ok(ByHand { disk, spool, committer })
    }

    /// Begins a request of so many rows; the answer comes with the next commit.
    pub fn send(&self, key: u128, rows: u32) -> Pin<Box<dyn Future<Output = Answer> + '_>> {
        let mut answer: Pin<Box<dyn Future<Output = Answer> + '_>> =
            Box::pin(self.spool.append(request_key(key), move |batch| batch.push(key, rows)));
        match poll(&mut answer) {
            None => answer,
            Some(now) => Box::pin(std::future::ready(now)),
        }
    }

    /// A request and its commit.
    pub fn store(&mut self, key: u128, rows: u32) -> Answer {
        let ByHand { spool, committer, .. } = self;
        let mut answer: Pin<Box<dyn Future<Output = Answer> + '_>> =
            Box::pin(spool.append(request_key(key), move |batch| batch.push(key, rows)));
        if let Some(answer) = poll(&mut answer) {
            return answer;
        }
        committer.commit();
        poll(&mut answer).expect("the commit answers")
    }

    pub fn stored(&mut self, key: u128, rows: u32) -> bool {
        matches!(self.store(key, rows), Ok(Appended::Stored(..)))
    }

    pub fn next(&self) -> Option<SealedSegment> {
        SealedSegment::take(&self.spool.shared.folder)
    }

    /// Ships all that is sealed; the keys of the rows, in order.
    pub fn ship_all(&mut self) -> Vec<u128> {
        self.committer.seal();
        let mut keys = Vec::new();
        while let Some(mut segment) = self.next() {
            keys.extend(rows_of(&segment.load_now().unwrap()).iter().map(|row| row.key));
            segment.done_now().unwrap();
        }
        keys
    }

    /// The process is killed; the kernel keeps what was written.
    pub fn kill_and_open(self) -> ByHand {
        self.kill_and_open_with(options())
    }

    pub fn kill_and_open_with(self, options: SpoolOptions) -> ByHand {
        let ByHand { disk, spool, committer } = self;
        disk.die();
        drop((spool, committer));
        disk.restart_after_kill();
        ByHand::open(disk, options).unwrap()
    }

    pub fn power_cut_and_open(self) -> ByHand {
        let ByHand { disk, spool, committer } = self;
        disk.die();
        drop((spool, committer));
        disk.restart_after_power_cut();
        ByHand::open(disk, options()).unwrap()
    }

    /// The one file with this extension, and its bytes.
    pub fn only_file(&self, extension: &str) -> (PathBuf, Vec<u8>) {
        use super::disk::Disk;
        let files = self.disk.list(&folder()).unwrap();
        let mut files = files.into_iter().filter(|(file, bytes)| file.ends_with(extension) && *bytes > 0);
        let (file, _) = files.next().expect("a file");
        assert!(files.next().is_none(), "only one");
        let path = folder().join(file);
        let bytes = self.disk.read(&path);
        (path, bytes)
    }
}
