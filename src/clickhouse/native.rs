//! ClickHouse's `Native` format, written column by column: the bytes that a segment holds and an insert sends.
//!
//! A block is `varint(columns) varint(rows)` and per column `name type data`; integers little-endian, strings
//! with a varint length before them. Each column here keeps its data in the shape it has on the wire, so a value is copied
//! once when its row is pushed and once, with its column, into the block.
//!
//! `LowCardinality(String)` is `u64 version = 1`, then `u64 flags`, the dictionary, the rows' indexes in the
//! narrowest of u8/u16/u32. `Map(K, V)` is the cumulative lengths as u64, then all keys, then all values;
//! a `LowCardinality` inside it moves its version word in front of the lengths. A block without rows has no data at all.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::model::event::AttributeValue;
use crate::model::otlp::Value;

/// A column under construction. `truncate` forgets the rows past a mark; it walks strings, since only a
/// request that fails half-way pays for it.
pub trait Column: Default {
    fn rows(&self) -> usize;
    fn bytes(&self) -> usize;
    fn truncate(&mut self, rows: usize);
    /// Keeps the capacity.
    fn clear(&mut self);
    fn write(&self, out: &mut Vec<u8>);
}

/// Numbers, enums, dates and decimals, as their little-endian bytes.
#[derive(Debug, Default)]
pub struct Fixed<const WIDTH: usize> {
    data: Vec<u8>,
}

/// `UUID`: two little-endian u64, the high half first.
#[derive(Debug, Default)]
pub struct Uuid {
    data: Vec<u8>,
}

/// `Nullable(T)` of eight bytes.
#[derive(Debug, Default)]
pub struct Nullable8 {
    nulls: Vec<u8>,
    data: Vec<u8>,
}

#[derive(Debug, Default)]
pub struct Text {
    rows: usize,
    data: Vec<u8>,
}

#[derive(Debug, Default)]
pub struct LowCardinality {
    dictionary: Dictionary,
    indexes: Vec<u32>,
}

/// `Map(LowCardinality(String), String)`.
#[derive(Debug, Default)]
pub struct StringMap {
    offsets: Vec<u64>,
    keys: LowCardinality,
    values: Text,
    /// Where each key of the row before stood: rows of one sender repeat their keys in order.
    previous: Vec<u32>,
    current: Vec<u32>,
}

/// `Array(T)` of eight bytes an element.
#[derive(Debug, Default)]
pub struct Array8 {
    offsets: Vec<u64>,
    data: Vec<u8>,
}

#[derive(Debug, Default)]
struct Dictionary {
    hasher: DefaultHashBuilder,
    table: HashTable<u32>,
    /// Where each key's bytes start and end in `data`.
    spans: Vec<(u32, u32)>,
    /// The keys as they go on the wire.
    data: Vec<u8>,
    last: u32,
}

pub fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub fn write_string(out: &mut Vec<u8>, text: &[u8]) {
    write_varint(out, text.len() as u64);
    out.extend_from_slice(text);
}

/// Reads a varint that this module wrote: (value, its length).
fn read_varint(data: &[u8]) -> (u64, usize) {
    let (mut value, mut shift) = (0, 0);
    for (at, byte) in data.iter().enumerate() {
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return (value, at + 1);
        }
        shift += 7;
    }
    (value, data.len())
}

// === impl Fixed ===

impl<const WIDTH: usize> Fixed<WIDTH> {
    pub fn push(&mut self, bytes: [u8; WIDTH]) {
        self.data.extend_from_slice(&bytes);
    }
}

impl<const WIDTH: usize> Column for Fixed<WIDTH> {
    fn rows(&self) -> usize {
        self.data.len() / WIDTH
    }
    fn bytes(&self) -> usize {
        self.data.len()
    }
    fn truncate(&mut self, rows: usize) {
        self.data.truncate(rows * WIDTH);
    }
    fn clear(&mut self) {
        self.data.clear();
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.data);
    }
}

// === impl Uuid ===

impl Uuid {
    pub fn push(&mut self, value: u128) {
        self.data.extend_from_slice(&((value >> 64) as u64).to_le_bytes());
        self.data.extend_from_slice(&(value as u64).to_le_bytes());
    }
}

impl Column for Uuid {
    fn rows(&self) -> usize {
        self.data.len() / 16
    }
    fn bytes(&self) -> usize {
        self.data.len()
    }
    fn truncate(&mut self, rows: usize) {
        self.data.truncate(rows * 16);
    }
    fn clear(&mut self) {
        self.data.clear();
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.data);
    }
}

// === impl Nullable8 ===

impl Nullable8 {
    pub fn push(&mut self, value: Option<[u8; 8]>) {
        self.nulls.push(u8::from(value.is_none()));
        self.data.extend_from_slice(&value.unwrap_or_default());
    }
}

impl Column for Nullable8 {
    fn rows(&self) -> usize {
        self.nulls.len()
    }
    fn bytes(&self) -> usize {
        self.nulls.len() + self.data.len()
    }
    fn truncate(&mut self, rows: usize) {
        self.nulls.truncate(rows);
        self.data.truncate(rows * 8);
    }
    fn clear(&mut self) {
        self.nulls.clear();
        self.data.clear();
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.nulls);
        out.extend_from_slice(&self.data);
    }
}

// === impl Text ===

impl Text {
    pub fn push(&mut self, text: &str) {
        self.rows += 1;
        write_string(&mut self.data, text.as_bytes());
    }

    /// Lower-case hex of an id.
    pub fn push_hex(&mut self, id: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.rows += 1;
        write_varint(&mut self.data, id.len() as u64 * 2);
        for byte in id {
            let pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
            self.data.extend_from_slice(&pair);
        }
    }

    pub fn push_attribute(&mut self, value: &AttributeValue<'_>) {
        match value {
            AttributeValue::Text(text) => self.push(text),
            AttributeValue::Otlp(Value::Str(text)) => self.push(text),
            AttributeValue::Otlp(Value::Rendered(text)) => self.push(text),
            AttributeValue::Otlp(Value::Int(number)) => self.push(itoa::Buffer::new().format(*number)),
            AttributeValue::Otlp(Value::Double(number)) => self.push_double(*number),
            AttributeValue::Otlp(Value::Bool(true)) => self.push("true"),
            AttributeValue::Otlp(Value::Bool(false)) => self.push("false"),
            AttributeValue::Otlp(Value::Empty) => self.push(""),
        }
    }

    /// The shortest text that reads back as the same number; whole numbers without `.0`.
    fn push_double(&mut self, number: f64) {
        let mut buffer = ryu::Buffer::new();
        let text = buffer.format(number);
        self.push(text.strip_suffix(".0").unwrap_or(text));
    }
}

impl Column for Text {
    fn rows(&self) -> usize {
        self.rows
    }
    fn bytes(&self) -> usize {
        self.data.len()
    }
    fn truncate(&mut self, rows: usize) {
        let mut at = 0;
        for _ in 0..rows.min(self.rows) {
            let (length, width) = read_varint(&self.data[at..]);
            at += width + length as usize;
        }
        self.data.truncate(at);
        self.rows = rows.min(self.rows);
    }
    fn clear(&mut self) {
        self.rows = 0;
        self.data.clear();
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.data);
    }
}

// === impl LowCardinality ===

impl LowCardinality {
    pub fn push(&mut self, text: &str) {
        let index = self.dictionary.index(text.as_bytes());
        self.indexes.push(index);
    }

    fn write_prefix(out: &mut Vec<u8>) {
        // The version: one dictionary shared by the block's rows, with additional keys.
        out.extend_from_slice(&1u64.to_le_bytes());
    }

    fn write_rows(&self, out: &mut Vec<u8>) {
        // A map without items has the version word of its keys, but neither flags nor dictionary.
        if self.indexes.is_empty() {
            return;
        }
        const HAS_ADDITIONAL_KEYS: u64 = 1 << 9;
        let keys = self.dictionary.spans.len();
        let width: u64 = match keys {
            0..=0x100 => 0,
            0x101..=0x1_0000 => 1,
            _ => 2,
        };
        out.extend_from_slice(&(HAS_ADDITIONAL_KEYS | width).to_le_bytes());
        out.extend_from_slice(&(keys as u64).to_le_bytes());
        out.extend_from_slice(&self.dictionary.data);
        out.extend_from_slice(&(self.indexes.len() as u64).to_le_bytes());
        match width {
            0 => out.extend(self.indexes.iter().map(|index| *index as u8)),
            1 => out.extend(self.indexes.iter().flat_map(|index| (*index as u16).to_le_bytes())),
            _ => out.extend(self.indexes.iter().flat_map(|index| index.to_le_bytes())),
        }
    }
}

impl Column for LowCardinality {
    fn rows(&self) -> usize {
        self.indexes.len()
    }
    fn bytes(&self) -> usize {
        self.indexes.len() * 4 + self.dictionary.data.len() + self.dictionary.spans.len() * 12
    }
    fn truncate(&mut self, rows: usize) {
        // Keys that no row uses any more are harmless.
        self.indexes.truncate(rows);
    }
    fn clear(&mut self) {
        self.indexes.clear();
        self.dictionary.clear();
    }
    fn write(&self, out: &mut Vec<u8>) {
        if self.indexes.is_empty() {
            return;
        }
        Self::write_prefix(out);
        self.write_rows(out);
    }
}

// === impl StringMap ===

impl StringMap {
    pub fn push_pairs(&mut self, pairs: &[(String, String)]) {
        for (key, value) in pairs {
            self.push_key(key);
            self.values.push(value);
        }
        self.end_row();
    }

    pub fn push_attributes(&mut self, attributes: &[(&str, AttributeValue<'_>)]) {
        for (key, value) in attributes {
            self.push_key(key);
            self.values.push_attribute(value);
        }
        self.end_row();
    }

    fn push_key(&mut self, key: &str) {
        let guess = self.previous.get(self.current.len()).copied();
        let index = self.keys.dictionary.index_guessing(key.as_bytes(), guess);
        self.keys.indexes.push(index);
        self.current.push(index);
    }

    fn end_row(&mut self) {
        self.offsets.push(self.keys.indexes.len() as u64);
        std::mem::swap(&mut self.previous, &mut self.current);
        self.current.clear();
    }
}

impl Column for StringMap {
    fn rows(&self) -> usize {
        self.offsets.len()
    }
    fn bytes(&self) -> usize {
        self.offsets.len() * 8 + self.keys.bytes() + self.values.bytes()
    }
    fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows);
        let items = self.offsets.last().copied().unwrap_or(0) as usize;
        self.keys.truncate(items);
        self.values.truncate(items);
        self.current.clear();
    }
    fn clear(&mut self) {
        self.offsets.clear();
        self.keys.clear();
        self.values.clear();
        self.previous.clear();
        self.current.clear();
    }
    fn write(&self, out: &mut Vec<u8>) {
        if self.offsets.is_empty() {
            return;
        }
        LowCardinality::write_prefix(out);
        out.extend(self.offsets.iter().flat_map(|offset| offset.to_le_bytes()));
        self.keys.write_rows(out);
        self.values.write(out);
    }
}

// === impl Array8 ===

impl Array8 {
    pub fn push(&mut self, elements: impl Iterator<Item = [u8; 8]>) {
        for element in elements {
            self.data.extend_from_slice(&element);
        }
        self.offsets.push(self.data.len() as u64 / 8);
    }
}

impl Column for Array8 {
    fn rows(&self) -> usize {
        self.offsets.len()
    }
    fn bytes(&self) -> usize {
        self.offsets.len() * 8 + self.data.len()
    }
    fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows);
        self.data.truncate(self.offsets.last().copied().unwrap_or(0) as usize * 8);
    }
    fn clear(&mut self) {
        self.offsets.clear();
        self.data.clear();
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.offsets.iter().flat_map(|offset| offset.to_le_bytes()));
        out.extend_from_slice(&self.data);
    }
}

// === impl Dictionary ===

impl Dictionary {
    fn key(&self, index: u32) -> &[u8] {
        let (start, end) = self.spans[index as usize];
        &self.data[start as usize..end as usize]
    }

    /// Most columns repeat the value of the row before.
    fn index(&mut self, text: &[u8]) -> u32 {
        let guess = (!self.spans.is_empty()).then_some(self.last);
        self.last = self.index_guessing(text, guess);
        self.last
    }

    fn index_guessing(&mut self, text: &[u8], guess: Option<u32>) -> u32 {
        if let Some(guess) = guess
            && self.key(guess) == text
        {
            return guess;
        }
        let hash = self.hasher.hash_one(text);
        let found = self.table.find(hash, |index| self.key(*index) == text);
        if let Some(index) = found {
            return *index;
        }
        let index = self.spans.len() as u32;
        write_varint(&mut self.data, text.len() as u64);
        let start = self.data.len() as u32;
        self.data.extend_from_slice(text);
        self.spans.push((start, self.data.len() as u32));
        let (spans, data, hasher) = (&self.spans, &self.data, &self.hasher);
        self.table.insert_unique(hash, index, |index| {
            let (start, end) = spans[*index as usize];
            hasher.hash_one(&data[start as usize..end as usize])
        });
        index
    }

    fn clear(&mut self) {
        self.table.clear();
        self.spans.clear();
        self.data.clear();
        self.last = 0;
    }
}

#[cfg(test)]
mod tests;
