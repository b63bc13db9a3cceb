//! Known wounds of files and disks, one test each.

use std::future::Future;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::pin::Pin;

use super::memdisk::{Fault, MemDisk};
use super::{ByHand, TestBatch, duplicate, failed, folder, options, poll, quarantined};
use crate::spool::receipt::{AppendError, Appended, Full};
use crate::spool::segment::{Name, Scan};
use crate::spool::{RequestKey, SpoolOptions, admin};

/// An open file of two commits (keys 1 and 2), its name, and where the first one ends.
fn two_commits() -> (PathBuf, Vec<u8>, usize) {
    let mut by_hand = ByHand::new();
    assert!(by_hand.stored(1, 2) && by_hand.stored(2, 3));
    let (path, bytes) = by_hand.only_file(".open");
    let name = Name::parse(path.file_name().unwrap().to_str().unwrap(), ".open").unwrap();
    let first = Scan::of(&bytes, &name).commits[0].data.end;
    (path, bytes, first)
}

/// A start that finds this one file.
fn open_with(path: &std::path::Path, bytes: &[u8]) -> ByHand {
    let disk = MemDisk::new(1);
    disk.put(path, bytes);
    ByHand::open(disk, options()).unwrap()
}

// === Files ===

#[test]
fn a_tail_torn_at_any_byte_is_cut_off_and_its_request_can_come_again() {
    let (path, bytes, first) = two_commits();
    for cut in first..bytes.len() {
        let mut by_hand = open_with(&path, &bytes[..cut]);
        assert_eq!(by_hand.spool.stats().torn_bytes, (cut - first) as u64);
        assert!(duplicate(&by_hand.store(1, 2), 2) && by_hand.stored(2, 3), "cut at {cut}");
        assert_eq!(by_hand.ship_all(), [1, 1, 2, 2, 2], "cut at {cut}");
    }
}

#[test]
fn a_kill_between_note_and_data_leaves_neither() {
    let (path, bytes, first) = two_commits();
    let name = Name::parse(path.file_name().unwrap().to_str().unwrap(), ".open").unwrap();
    let note = Scan::of(&bytes, &name).commits[1].note.end;
    let mut by_hand = open_with(&path, &bytes[..note]);
    assert_eq!(by_hand.spool.stats().torn_bytes, (note - first) as u64);
    assert!(by_hand.stored(2, 3));
}

#[test]
fn a_file_cut_inside_its_first_header_is_deleted() {
    let (path, bytes, _) = two_commits();
    let mut by_hand = open_with(&path, &bytes[..12]);
    assert_eq!(by_hand.ship_all(), []);
    assert_eq!(by_hand.spool.stats().bytes, 0);
}

#[test]
fn a_zeroed_tail_is_cut_off() {
    let (path, mut bytes, first) = two_commits();
    bytes[first..].fill(0);
    bytes.extend([0; 5000]);
    assert_eq!(open_with(&path, &bytes).ship_all(), [1, 1]);
}

#[test]
fn a_flipped_bit_before_a_whole_commit_is_kept_aside_and_the_rest_shipped() {
    let (path, mut bytes, first) = two_commits();
    bytes[first / 2] ^= 4;
    let mut by_hand = open_with(&path, &bytes);
    let kept = quarantined(&by_hand);
    assert_eq!((kept.len(), kept[0].bytes), (1, first as u64));
    assert!(matches!(&kept[0].state, admin::State::Damaged { error } if error.contains("no whole commit")));
    assert_eq!((by_hand.spool.stats().quarantined, by_hand.spool.stats().damaged_bytes), (1, first as u64));
    assert_eq!(by_hand.ship_all(), [2, 2, 2]);
}

#[test]
fn a_sealed_file_with_a_broken_end_is_damage_not_a_torn_tail() {
    let (path, mut bytes, first) = two_commits();
    *bytes.last_mut().unwrap() ^= 1;
    let mut by_hand = open_with(&path.with_extension("seg"), &bytes);
    assert_eq!(by_hand.spool.stats().torn_bytes, 0);
    assert_eq!(by_hand.spool.stats().damaged_bytes, (bytes.len() - first) as u64);
    assert_eq!(by_hand.ship_all(), [1, 1]);
}

#[test]
fn damage_that_comes_after_the_start_is_found_before_the_insert() {
    let mut by_hand = ByHand::new();
    assert!(by_hand.stored(1, 1) && by_hand.stored(2, 1));
    by_hand.committer.seal();
    let (path, mut bytes) = by_hand.only_file(".seg");
    bytes[40] ^= 1;
    by_hand.disk.put(&path, &bytes);
    assert_eq!(by_hand.ship_all(), [2]);
    assert_eq!(by_hand.spool.stats().quarantined, 1);
}

#[test]
fn a_sealed_file_without_a_whole_commit_goes_to_the_quarantine() {
    let (path, _, _) = two_commits();
    let mut by_hand = open_with(&path.with_extension("seg"), b"no segment at all");
    assert_eq!(by_hand.ship_all(), []);
    assert_eq!(by_hand.spool.stats().quarantined, 1);
}

#[test]
fn an_empty_file_is_deleted() {
    let (path, _, _) = two_commits();
    for extension in ["open", "seg"] {
        let by_hand = open_with(&path.with_extension(extension), b"");
        assert!(admin::list_on(&by_hand.disk, &options().dir, "events").unwrap().is_empty());
    }
}

#[test]
fn a_foreign_file_is_left_alone() {
    let mut by_hand = open_with(&folder().join("notes.txt"), b"mine");
    assert!(by_hand.stored(1, 1));
    assert_eq!(by_hand.ship_all(), [1]);
    assert_eq!(by_hand.disk.read(&folder().join("notes.txt")), b"mine");
}

#[test]
fn a_segment_deleted_behind_our_back_does_not_stop_the_shipper() {
    use crate::spool::disk::Disk;
    let mut by_hand = ByHand::new();
    assert!(by_hand.stored(1, 1));
    by_hand.committer.seal();
    by_hand.disk.remove(&by_hand.only_file(".seg").0).unwrap();
    assert!(by_hand.stored(2, 1));
    assert_eq!(by_hand.ship_all(), [2]);
}

#[test]
fn a_name_never_comes_twice_though_all_files_are_gone() {
    let mut by_hand = ByHand::new();
    let mut tokens = std::collections::BTreeSet::new();
    for start in 0..5 {
        assert!(by_hand.stored(start, 1));
        by_hand.committer.seal();
        let mut segment = by_hand.next().unwrap();
        assert!(segment.token().starts_with("events-") && tokens.insert(segment.token().to_owned()));
        segment.done_now().unwrap();
        drop(segment);
        by_hand = by_hand.kill_and_open();
    }
    let nodes: std::collections::BTreeSet<_> = tokens.iter().map(|token| token[7..23].to_owned()).collect();
    assert_eq!(nodes.len(), 1);
}

// === Disk ===

#[test]
fn a_full_spool_refuses_before_any_row_is_built() {
    let options = SpoolOptions { max_bytes: 200, ..options() };
    let mut by_hand = ByHand::open(MemDisk::new(1), options).unwrap();
    assert!(by_hand.stored(1, 100));
    let append = by_hand.spool.append(RequestKey::export(2), |_: &mut TestBatch| panic!("must not run"));
    let mut append: Pin<Box<dyn Future<Output = Result<Appended<()>, _>>>> = Box::pin(append);
    assert!(matches!(poll(&mut append), Some(Err(AppendError::Full(Full::Size)))));
    drop(append);
    assert!(duplicate(&by_hand.store(1, 100), 100), "a replay needs no room");
    by_hand.ship_all();
    assert!(by_hand.stored(2, 1));
}

#[test]
fn a_disk_that_runs_short_refuses() {
    let mut by_hand = ByHand::new();
    by_hand.disk.set_free(1 << 20);
    assert!(matches!(by_hand.store(1, 1), Err(AppendError::Full(Full::Disk))));
}

#[test]
fn a_write_without_space_fails_its_requests_and_keeps_the_earlier_ones() {
    let mut by_hand = ByHand::new();
    assert!(by_hand.stored(1, 1));
    by_hand.disk.fault_in(0, Fault::Fails(ErrorKind::StorageFull));
    assert!(failed(&by_hand.store(2, 1)));
    assert!(by_hand.stored(2, 1), "the retry is no duplicate");
    assert_eq!(by_hand.power_cut_and_open().ship_all(), [1, 2]);
}

#[test]
fn after_a_failed_fsync_nothing_more_goes_to_that_file() {
    let mut by_hand = ByHand::new();
    assert!(by_hand.stored(1, 1));
    by_hand.disk.fault_in(1, Fault::Fails(ErrorKind::Other));
    assert!(failed(&by_hand.store(2, 1)));
    assert!(by_hand.stored(3, 1));
    assert_eq!(by_hand.spool.stats().segments, 1, "the first file is sealed");
    assert!(by_hand.stored(2, 1));
    assert_eq!(by_hand.spool.stats().write_errors, 1);
    assert_eq!(by_hand.power_cut_and_open().ship_all(), [1, 3, 2]);
}

#[test]
fn while_a_failed_write_cant_be_cut_off_nothing_is_accepted() {
    let mut by_hand = ByHand::new();
    assert!(by_hand.stored(1, 1));
    // the fsync, the cut, then the cut again
    for step in 1..=3 {
        by_hand.disk.fault_in(step, Fault::Fails(ErrorKind::Other));
    }
    assert!(failed(&by_hand.store(2, 1)));
    assert!(failed(&by_hand.store(3, 1)));
    assert!(by_hand.stored(3, 1));
    assert!(by_hand.stored(2, 1));
    assert_eq!(by_hand.kill_and_open().ship_all(), [1, 3, 2]);
}

#[test]
fn a_kill_with_an_uncut_tail_still_gives_one_copy() {
    let mut by_hand = ByHand::new();
    assert!(by_hand.stored(1, 1));
    by_hand.disk.fault_in(1, Fault::Fails(ErrorKind::Other));
    by_hand.disk.fault_in(2, Fault::Fails(ErrorKind::Other));
    assert!(failed(&by_hand.store(2, 1)));
    let mut by_hand = by_hand.kill_and_open();
    assert!(by_hand.store(2, 1).is_ok(), "stored, or a duplicate of what the start found");
    assert_eq!(by_hand.ship_all(), [1, 2]);
}

#[test]
fn a_folder_that_cant_take_a_file_refuses_until_it_can() {
    let mut by_hand = ByHand::new();
    by_hand.disk.fault_in(0, Fault::Fails(ErrorKind::StorageFull));
    assert!(failed(&by_hand.store(1, 1)));
    assert!(by_hand.stored(1, 1));
    assert_eq!(by_hand.ship_all(), [1]);
}
