//! `logs/v1/logs.proto`.

use std::borrow::Cow;

use super::super::{DecodeError, Limits, Tally, Visit};
use super::common::{Attributes, any_value, set_value, text};
use super::wire::{Field, Malformed, Reader};
use super::{Items, too_many_attributes, walk};
use crate::model::otlp::{LogRecord, Value};

/// Visits every log record of an `ExportLogsServiceRequest`.
pub fn decode_logs(body: &[u8], limits: &Limits, visit: &mut impl Visit) -> Result<Tally, DecodeError> {
    Ok(walk(body, limits, visit, &mut Logs::default())?)
}

#[derive(Default)]
struct Logs<'a> {
    /// Used again for every record, for its attribute list.
    record: LogRecord<'a>,
}

// === impl Logs ===

impl<'a> Items<'a> for Logs<'a> {
    fn count(&self, _item: &'a [u8]) -> Result<u64, Malformed> {
        Ok(1)
    }

    #[inline]
    fn visit(
        &mut self,
        item: &'a [u8],
        limits: &Limits,
        tally: &mut Tally,
        visit: &mut impl Visit,
    ) -> Result<(), Malformed> {
        if log_record(item, &mut self.record, limits, &mut tally.repaired)? {
            tally.accepted += 1;
            visit.log(&self.record);
        } else {
            too_many_attributes(tally, "log record", limits);
        }
        Ok(())
    }
}

/// `Ok(false)`: too many attributes.
fn log_record<'a>(
    message: &'a [u8],
    record: &mut LogRecord<'a>,
    limits: &Limits,
    repaired: &mut u64,
) -> Result<bool, Malformed> {
    record.raw = message;
    record.time_unix_nano = 0;
    record.observed_time_unix_nano = 0;
    record.severity_number = 0;
    record.severity_text = Cow::Borrowed("");
    record.flags = 0;
    record.trace_id = Cow::Borrowed(&[]);
    record.span_id = Cow::Borrowed(&[]);
    record.event_name = Cow::Borrowed("");
    let mut attributes = Attributes::default();
    let mut body = None;
    let mut reader = Reader::new(message);
    while let Some(field) = reader.next()? {
        match field {
            (6, Field::Bytes(bytes)) => {
                let list = &mut record.attributes;
                if !attributes.push(list, bytes, limits.max_attributes, repaired)? {
                    return Ok(false);
                }
            }
            (1, Field::Fixed64(time)) => record.time_unix_nano = time,
            (11, Field::Fixed64(time)) => record.observed_time_unix_nano = time,
            (2, Field::Varint(number)) => record.severity_number = number as i32,
            (3, Field::Bytes(bytes)) => record.severity_text = text(bytes, repaired),
            (5, Field::Bytes(bytes)) => any_value(bytes, &mut body)?,
            (8, Field::Fixed32(flags)) => record.flags = flags,
            (9, Field::Bytes(bytes)) => record.trace_id = Cow::Borrowed(bytes),
            (10, Field::Bytes(bytes)) => record.span_id = Cow::Borrowed(bytes),
            (12, Field::Bytes(bytes)) => record.event_name = text(bytes, repaired),
            _ => {}
        }
    }
    attributes.finish(&mut record.attributes);
    match body {
        None => record.body = Value::Empty,
        Some(_) => set_value(&mut record.body, body, repaired)?,
    }
    Ok(true)
}
