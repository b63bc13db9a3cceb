//! `resourceLogs`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::{DecodeError, Limits, Tally, Visit};
use super::scalar::{Enum, Text, U64, id};
use super::value::{AnyValue, attributes};
use super::{Items, Rejection, envelope, null_default, parse, walk, walk_groups};
use crate::model::otlp::LogRecord;

envelope!(request, "resourceLogs" | "resource_logs", "scopeLogs" | "scope_logs", "logRecords" | "log_records");

/// Visits every log record of an export request in OTLP/JSON.
pub fn decode_logs(body: &[u8], limits: &Limits, visit: &mut impl Visit) -> Result<Tally, DecodeError> {
    walk(body, visit, request, |groups, tally, visit| walk_groups(groups, limits, tally, visit, &mut Logs::default()))
}

#[derive(Default)]
struct Logs<'a> {
    /// Used again for every record, for its attribute list.
    record: LogRecord<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw<'a> {
    #[serde(default, alias = "time_unix_nano")]
    time_unix_nano: U64,
    #[serde(default, alias = "observed_time_unix_nano")]
    observed_time_unix_nano: U64,
    #[serde(borrow, default, alias = "severity_number")]
    severity_number: Enum<'a>,
    #[serde(borrow, default, alias = "severity_text")]
    severity_text: Text<'a>,
    #[serde(borrow, default, deserialize_with = "null_default")]
    body: AnyValue<'a>,
    #[serde(borrow, default)]
    attributes: Option<&'a RawValue>,
    #[serde(default)]
    flags: U64,
    #[serde(borrow, default, alias = "trace_id")]
    trace_id: Text<'a>,
    #[serde(borrow, default, alias = "span_id")]
    span_id: Text<'a>,
    #[serde(borrow, default, alias = "event_name")]
    event_name: Text<'a>,
}

const WHAT: &str = "log record";

/// `SeverityNumber`.
const SEVERITIES: &[&str] = &[
    "SEVERITY_NUMBER_UNSPECIFIED",
    "SEVERITY_NUMBER_TRACE",
    "SEVERITY_NUMBER_TRACE2",
    "SEVERITY_NUMBER_TRACE3",
    "SEVERITY_NUMBER_TRACE4",
    "SEVERITY_NUMBER_DEBUG",
    "SEVERITY_NUMBER_DEBUG2",
    "SEVERITY_NUMBER_DEBUG3",
    "SEVERITY_NUMBER_DEBUG4",
    "SEVERITY_NUMBER_INFO",
    "SEVERITY_NUMBER_INFO2",
    "SEVERITY_NUMBER_INFO3",
    "SEVERITY_NUMBER_INFO4",
    "SEVERITY_NUMBER_WARN",
    "SEVERITY_NUMBER_WARN2",
    "SEVERITY_NUMBER_WARN3",
    "SEVERITY_NUMBER_WARN4",
    "SEVERITY_NUMBER_ERROR",
    "SEVERITY_NUMBER_ERROR2",
    "SEVERITY_NUMBER_ERROR3",
    "SEVERITY_NUMBER_ERROR4",
    "SEVERITY_NUMBER_FATAL",
    "SEVERITY_NUMBER_FATAL2",
    "SEVERITY_NUMBER_FATAL3",
    "SEVERITY_NUMBER_FATAL4",
];

// === impl Logs ===

impl<'a> Items<'a> for Logs<'a> {
    fn count(&self, _item: &'a RawValue) -> u64 {
        1
    }

    fn visit(&mut self, item: &'a RawValue, limits: &Limits, tally: &mut Tally, visit: &mut impl Visit) {
        match log_record(item, &mut self.record, limits) {
            Ok(()) => {
                tally.accepted += 1;
                visit.log(&self.record);
            }
            Err(rejection) => rejection.count(tally),
        }
    }
}

fn log_record<'a>(item: &'a RawValue, record: &mut LogRecord<'a>, limits: &Limits) -> Result<(), Rejection> {
    let bad = |error: String| Rejection::malformed(WHAT, error);
    let raw: Raw<'a> = parse(item, WHAT)?;
    record.raw = item.get().as_bytes();
    record.time_unix_nano = raw.time_unix_nano.0;
    record.observed_time_unix_nano = raw.observed_time_unix_nano.0;
    record.severity_number = raw.severity_number.number(SEVERITIES);
    record.severity_text = raw.severity_text.0;
    record.body = raw.body.value().map_err(|e| bad(e.to_string()))?;
    record.flags = raw.flags.0 as u32;
    record.trace_id = id(&raw.trace_id.0, 16).map_err(bad)?;
    record.span_id = id(&raw.span_id.0, 8).map_err(bad)?;
    record.event_name = raw.event_name.0;
    attributes(raw.attributes, &mut record.attributes, limits, WHAT)
}
