//! What a killed engine leaves half done in the tables' deduplication logs, put right before each start.
//!
//! ClickHouse first writes an insert's token to the table's log, then renames the part into its place (seen with strace,
//! 26.7.2.1). Killed between the two, it takes the same insert, sent again, for a duplicate, and the rows are lost: the one
//! thing that sending again until it is answered can't make good. Both steps happen under the table's lock, so only the
//! last record of a log can speak of a part that isn't there.
//!
//! ```text
//! store/store/<3 hex>/<uuid>/<part>/                                       a part: <partition>_<min>_<max>_<level>[_<mutation>]
//!                           /deduplication_logs/deduplication_log_<n>.txt  "1\t<part>\t<token>\n" added, "2\t..." dropped
//! ```

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The last record is looked for in so many bytes; it is far shorter.
const TAIL: u64 = 16 << 10;

/// A part's name, taken apart: it holds the rows of blocks `min` to `max` of its partition.
#[derive(Debug, PartialEq, Eq)]
struct Part<'a> {
    partition: &'a str,
    min: u64,
    max: u64,
}

/// Takes back the last record of each log whose part never came to be. Only while no engine runs on the store.
pub(super) fn reconcile(store: &Path) -> io::Result<()> {
    for prefix in folders(&store.join("store"))? {
        for table in folders(&prefix)? {
            let logs = table.join("deduplication_logs");
            if let Some(log) = newest(&logs)? {
                reconcile_table(&table, &log)?;
            }
        }
    }
    Ok(())
}

fn reconcile_table(table: &Path, log: &Path) -> io::Result<()> {
    let mut file = File::options().read(true).write(true).open(log)?;
    let len = file.metadata()?.len();
    let start = len.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let keep = match unfounded(&tail, |part| is_there(table, part))? {
        Some(keep) => start + keep as u64,
        None => return Ok(()),
    };
    tracing::warn!(
        log = %log.display(),
        "the engine was killed in the middle of an insert: took back the record of a part that never came to be"
    );
    file.set_len(keep)?;
    file.sync_all()
}

/// Where the last record begins, if its part is not there or the record itself is torn.
fn unfounded(tail: &[u8], is_there: impl FnOnce(&Part<'_>) -> io::Result<bool>) -> io::Result<Option<usize>> {
    let whole = tail.strip_suffix(b"\n");
    let begin = whole.unwrap_or(tail).iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let Some(whole) = whole else {
        return Ok((!tail.is_empty()).then_some(begin));
    };
    let record = String::from_utf8_lossy(&whole[begin..]);
    let mut fields = record.split('\t');
    if fields.next() != Some("1") {
        return Ok(None);
    }
    match fields.next().and_then(Part::parse) {
        Some(part) if !is_there(&part)? => Ok(Some(begin)),
        // Of a form that we don't know: nothing to judge.
        _ => Ok(None),
    }
}

/// The part itself, or one that it was merged into.
fn is_there(table: &Path, wanted: &Part<'_>) -> io::Result<bool> {
    Ok(folders(table)?.iter().any(|path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(Part::parse).is_some_and(|part| part.covers(wanted))
    }))
}

/// The log that was written to last: the one with the highest number that is not empty.
fn newest(logs: &Path) -> io::Result<Option<PathBuf>> {
    let entries = match fs::read_dir(logs) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    let mut newest: Option<(u64, PathBuf)> = None;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let number =
            name.to_str().and_then(|name| name.strip_prefix("deduplication_log_")?.strip_suffix(".txt")?.parse().ok());
        if let Some(number) = number
            && entry.metadata()?.len() > 0
            && newest.as_ref().is_none_or(|(highest, _)| number > *highest)
        {
            newest = Some((number, entry.path()));
        }
    }
    Ok(newest.map(|(_, path)| path))
}

/// None where there is no such folder.
fn folders(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path());
        }
    }
    Ok(folders)
}

// === impl Part ===

impl<'a> Part<'a> {
    fn parse(name: &'a str) -> Option<Part<'a>> {
        let mut fields = name.split('_');
        let part =
            Part { partition: fields.next()?, min: fields.next()?.parse().ok()?, max: fields.next()?.parse().ok()? };
        let _level: u64 = fields.next()?.parse().ok()?;
        let mutation = fields.next().map(str::parse::<u64>);
        (mutation.is_none_or(|number| number.is_ok()) && fields.next().is_none()).then_some(part)
    }

    fn covers(&self, other: &Part<'_>) -> bool {
        self.partition == other.partition && self.min <= other.min && self.max >= other.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(parts: &[&str], logs: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let store = tempfile::tempdir().expect("a folder");
        let table = store.path().join("store/abc/abc-uuid");
        let folder = table.join("deduplication_logs");
        fs::create_dir_all(&folder).expect("made");
        for part in parts {
            fs::create_dir(table.join(part)).expect("made");
        }
        for (name, text) in logs {
            fs::write(folder.join(name), text).expect("written");
        }
        (store, folder)
    }

    fn after(parts: &[&str], log: &str) -> String {
        let (store, folder) = table(parts, &[("deduplication_log_1.txt", log)]);
        reconcile(store.path()).expect("reconciled");
        fs::read_to_string(folder.join("deduplication_log_1.txt")).expect("still there")
    }

    const TWO: &str = "1\t20261116-30_1_1_0\ta\n1\t20261116-30_2_2_0\tb\n";
    const ONE: &str = "1\t20261116-30_1_1_0\ta\n";

    #[test]
    fn the_last_record_goes_when_its_part_is_not_there() {
        assert_eq!(after(&["20261116-30_1_1_0"], TWO), ONE);
        assert_eq!(after(&["20261116-30_1_1_0", "tmp_insert_20261116-30_2_2_0"], TWO), ONE);
        assert_eq!(after(&["20261116-30_1_1_0", "20261109-30_2_2_0"], TWO), ONE);
        assert_eq!(after(&[], ONE), "");
    }

    #[test]
    fn it_stays_when_its_part_or_one_that_covers_it_is_there() {
        assert_eq!(after(&["20261116-30_1_1_0", "20261116-30_2_2_0"], TWO), TWO);
        assert_eq!(after(&["20261116-30_1_3_1"], TWO), TWO);
        assert_eq!(after(&["20261116-30_2_2_0_4"], TWO), TWO);
    }

    #[test]
    fn a_torn_record_goes_and_what_is_not_understood_stays() {
        assert_eq!(after(&["20261116-30_1_1_0"], &TWO[..TWO.len() - 4]), ONE);
        let dropped = format!("{ONE}2\t20261116-30_9_9_0\tz\n");
        assert_eq!(after(&[], &dropped), dropped);
        assert_eq!(after(&[], "1\tsomething else\n"), "1\tsomething else\n");
        assert_eq!(after(&[], ""), "");
    }

    #[test]
    fn the_newest_log_with_a_record_counts() {
        let logs =
            [("deduplication_log_9.txt", ONE), ("deduplication_log_10.txt", TWO), ("deduplication_log_11.txt", "")];
        let (store, folder) = table(&["20261116-30_1_1_0"], &logs);
        reconcile(store.path()).expect("reconciled");
        assert_eq!(fs::read_to_string(folder.join("deduplication_log_10.txt")).expect("there"), ONE);
        assert_eq!(fs::read_to_string(folder.join("deduplication_log_9.txt")).expect("there"), ONE);
    }

    #[test]
    fn a_store_that_does_not_exist_yet_is_fine() {
        let dir = tempfile::tempdir().expect("a folder");
        reconcile(&dir.path().join("nowhere")).expect("nothing to do");
    }
}
