//! Truncation against a model: the one thing about a column that the engine can't check.

use proptest::prelude::*;

use super::*;

type Pairs = Vec<(String, String)>;

#[derive(Debug, Clone)]
enum Step {
    Push(Pairs),
    /// A row whose building panicked: its keys came, and perhaps the last one's value did not.
    Half(Pairs, bool),
    Truncate(usize),
    Clear,
}

/// What stands in the bytes, read as the format says.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take(&mut self, count: usize) -> &[u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take(8).try_into().expect("8 bytes"))
    }

    fn string(&mut self) -> String {
        let (length, width) = read_varint(self.0);
        self.take(width);
        String::from_utf8(self.take(length as usize).to_vec()).expect("UTF-8")
    }

    /// The keys of a `LowCardinality` of few different ones.
    fn keys(&mut self) -> Vec<String> {
        assert_eq!(self.u64(), 1 << 9);
        let dictionary: Vec<String> = (0..self.u64()).map(|_| self.string()).collect();
        let rows = self.u64() as usize;
        self.take(rows).iter().map(|index| dictionary[usize::from(*index)].clone()).collect()
    }
}

fn read_texts(column: &Text) -> Vec<String> {
    let mut out = Vec::new();
    column.write(&mut out);
    let mut bytes = Bytes(&out);
    let texts = (0..column.rows()).map(|_| bytes.string()).collect();
    assert!(bytes.0.is_empty(), "bytes of rows that are gone");
    texts
}

fn read_maps(column: &StringMap) -> Vec<Pairs> {
    let mut out = Vec::new();
    column.write(&mut out);
    let mut bytes = Bytes(&out);
    if column.rows() == 0 {
        assert!(out.is_empty());
        return vec![];
    }
    assert_eq!(bytes.u64(), 1);
    let offsets: Vec<usize> = (0..column.rows()).map(|_| bytes.u64() as usize).collect();
    let items = offsets.last().copied().unwrap_or(0);
    let keys = if items == 0 { vec![] } else { bytes.keys() };
    assert_eq!(keys.len(), items);
    let pairs: Pairs = keys.into_iter().map(|key| (key, bytes.string())).collect();
    assert!(bytes.0.is_empty(), "bytes of rows that are gone");
    let starts = [0].into_iter().chain(offsets.clone());
    starts.zip(&offsets).map(|(start, end)| pairs[start..*end].to_vec()).collect()
}

fn pairs() -> impl Strategy<Value = Pairs> {
    let long = (120..140_usize).prop_map(|length| "v".repeat(length));
    prop::collection::vec(("[a-d]{0,2}", prop_oneof!["[a-c]{0,3}", long]), 0..5)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => pairs().prop_map(Step::Push),
        1 => (pairs(), any::<bool>()).prop_map(|(pairs, whole)| Step::Half(pairs, whole)),
        2 => (0..12_usize).prop_map(Step::Truncate),
        1 => Just(Step::Clear),
    ];
    prop::collection::vec(step, 0..40)
}

proptest! {
    #[test]
    fn text_and_maps_hold_what_a_list_of_rows_would(steps in steps()) {
        let (mut map, mut text, mut model) = (StringMap::default(), Text::default(), Vec::<Pairs>::new());
        let line = |row: &Pairs| format!("{row:?}");
        for step in steps {
            match step {
                Step::Push(row) => {
                    map.push_pairs(&row);
                    text.push(&line(&row));
                    model.push(row);
                }
                Step::Half(row, whole) => {
                    for (index, (key, value)) in row.iter().enumerate() {
                        map.push_key(key);
                        if whole || index + 1 < row.len() {
                            map.values.push(value);
                        }
                    }
                    if whole {
                        text.push(&line(&row));
                    }
                    map.truncate(model.len());
                    text.truncate(model.len());
                }
                Step::Truncate(rows) => {
                    map.truncate(rows);
                    text.truncate(rows);
                    model.truncate(rows);
                }
                Step::Clear => {
                    map.clear();
                    text.clear();
                    model.clear();
                }
            }
            prop_assert_eq!((map.rows(), text.rows()), (model.len(), model.len()));
        }
        prop_assert_eq!(read_texts(&text), model.iter().map(line).collect::<Vec<_>>());
        prop_assert_eq!(read_maps(&map), model);
    }
}

#[test]
fn lengths_come_back() {
    for value in [0, 1, 127, 128, 300, 70_000, u64::from(u32::MAX), u64::MAX] {
        let mut out = Vec::new();
        write_varint(&mut out, value);
        assert_eq!(read_varint(&out), (value, out.len()));
    }
}
