//! Whose records a body holds, by the wire types of the first one's fields.
//!
//! The three requests nest alike (request, resource, scope, records; fields 1, 2, 2), and their records share field numbers but
//! not wire types: field 1 is a fixed64 in a log record, 16 bytes in a span, a name in a metric.

use super::super::Signal;
use super::wire::{Field, Reader};
use super::{ITEMS, RESOURCE_ITEMS, SCOPE_ITEMS, messages};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Wire {
    #[default]
    Absent,
    Varint,
    Fixed64,
    Bytes,
    Fixed32,
    /// A group, or two types under one number.
    Odd,
}
use Wire::{Absent, Bytes, Fixed32, Fixed64, Odd, Varint};

/// The wire type of each field number; `Absent` where the message has no such field.
type Table = [Wire; 17];

/// opentelemetry-proto 1.x: `LogRecord`, `Span`, `Metric`.
const LOG: Table = [
    Absent, Fixed64, Varint, Bytes, Absent, Bytes, Bytes, Varint, Fixed32, Bytes, Bytes, Fixed64, Bytes, Absent,
    Absent, Absent, Absent,
];
const SPAN: Table = [
    Absent, Bytes, Bytes, Bytes, Bytes, Bytes, Varint, Fixed64, Fixed64, Bytes, Varint, Bytes, Varint, Bytes, Varint,
    Bytes, Fixed32,
];
const METRIC: Table = [
    Absent, Bytes, Bytes, Bytes, Absent, Bytes, Absent, Bytes, Absent, Bytes, Bytes, Bytes, Bytes, Absent, Absent,
    Absent, Absent,
];

/// One record's fields.
#[derive(Default)]
struct Shape<'a> {
    wire: Table,
    /// What stands in fields 1 and 2 where they are bytes.
    first: &'a [u8],
    second: &'a [u8],
    /// And in those of a metric's data (gauge, sum, histograms, summary).
    data: &'a [u8],
}

/// The signal that the first record is of, if it can't be of `named`.
pub fn other_signal(named: Signal, body: &[u8]) -> Option<Signal> {
    let shape = Shape::of(first_record(body)?)?;
    if shape.may_be(named) {
        return None;
    }
    [Signal::Logs, Signal::Traces, Signal::Metrics].into_iter().find(|signal| *signal != named && shape.is(*signal))
}

/// Whether the bytes are a request of some signal, as far as its resources and scopes go.
pub fn is_protobuf(body: &[u8]) -> bool {
    let groups: Result<Vec<&[u8]>, _> = messages(body, RESOURCE_ITEMS).collect();
    groups.is_ok_and(|groups| {
        !groups.is_empty() && groups.iter().all(|group| messages(group, SCOPE_ITEMS).all(|scope| scope.is_ok()))
    })
}

/// `None` also where the bytes before it can't be read: the decoder says what is wrong with them.
fn first_record(body: &[u8]) -> Option<&[u8]> {
    for group in messages(body, RESOURCE_ITEMS) {
        for scope in messages(group.ok()?, SCOPE_ITEMS) {
            if let Some(record) = messages(scope.ok()?, ITEMS).next() {
                return record.ok();
            }
        }
    }
    None
}

// === impl Shape ===

impl<'a> Shape<'a> {
    fn of(record: &'a [u8]) -> Option<Shape<'a>> {
        let mut shape = Shape::default();
        let mut reader = Reader::new(record);
        while let Some((number, field)) = reader.next().ok()? {
            let wire = match field {
                Field::Varint(_) => Varint,
                Field::Fixed64(_) => Fixed64,
                Field::Fixed32(_) => Fixed32,
                Field::Group => Odd,
                Field::Bytes(bytes) => {
                    match number {
                        1 => shape.first = bytes,
                        2 => shape.second = bytes,
                        5 | 7 | 9..=11 => shape.data = bytes,
                        _ => {}
                    }
                    Bytes
                }
            };
            if let Some(known) = shape.wire.get_mut(number as usize) {
                *known = if *known == Absent || *known == wire { wire } else { Odd };
            }
        }
        Some(shape)
    }

    /// Whether no field contradicts it. Fields that the message doesn't have may be those of a later version.
    fn fits(&self, table: &Table) -> bool {
        self.wire.iter().zip(table).all(|(here, there)| *here == Absent || *there == Absent || here == there)
    }

    fn may_be(&self, signal: Signal) -> bool {
        match signal {
            Signal::Logs => self.fits(&LOG),
            Signal::Metrics => self.fits(&METRIC),
            // A gauge has bytes wherever a span may have them, but no times, and a name for a trace id.
            Signal::Traces => {
                self.fits(&SPAN)
                    && (self.has(&[7, 8], Fixed64) || matches!((self.first.len(), self.second.len()), (16, 8) | (0, 0)))
            }
        }
    }

    /// Whether it bears the marks of that signal, and nothing contradicts it.
    fn is(&self, signal: Signal) -> bool {
        match signal {
            Signal::Logs => {
                self.fits(&LOG) && (self.has(&[1, 11], Fixed64) || self.has(&[2], Varint) || self.has(&[8], Fixed32))
            }
            Signal::Traces => {
                self.fits(&SPAN)
                    && (self.first.len(), self.second.len()) == (16, 8)
                    && (self.has(&[7, 8], Fixed64) || self.has(&[6], Varint))
            }
            Signal::Metrics => {
                self.fits(&METRIC)
                    // The data begins with its first point: field 1, a message.
                    && self.data.first() == Some(&0x0a)
                    && !self.first.is_empty()
                    && std::str::from_utf8(self.first).is_ok()
            }
        }
    }

    fn has(&self, numbers: &[usize], wire: Wire) -> bool {
        numbers.iter().any(|number| self.wire[*number] == wire)
    }
}
