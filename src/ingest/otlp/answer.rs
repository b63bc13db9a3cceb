//! What a sender gets back: `Export*ServiceResponse` and `google.rpc.Status`, in either encoding. Small enough to write by hand.

use std::time::Duration;

use super::Signal;
use crate::ingest::accept::Accepted;
use crate::ingest::refusal::Refusal;

/// `Export*ServiceResponse`: empty, or `partial_success {rejected, error_message}`; the three have the same numbers.
pub fn protobuf(accepted: &Accepted) -> Vec<u8> {
    let mut out = Vec::new();
    if accepted.outcome.rejected > 0 {
        let mut partial = Vec::new();
        field_varint(&mut partial, 1, accepted.outcome.rejected);
        field_bytes(&mut partial, 2, accepted.message.as_deref().unwrap_or("").as_bytes());
        field_bytes(&mut out, 1, &partial);
    }
    out
}

pub fn json(signal: Signal, accepted: &Accepted) -> String {
    if accepted.outcome.rejected == 0 {
        return "{}".to_owned();
    }
    let name = match signal {
        Signal::Logs => "rejectedLogRecords",
        Signal::Traces => "rejectedSpans",
        Signal::Metrics => "rejectedDataPoints",
    };
    // int64 is a string in the JSON mapping of protobuf.
    let rejected = accepted.outcome.rejected.to_string();
    let message = accepted.message.as_deref().unwrap_or("");
    serde_json::json!({"partialSuccess": {name: rejected, "errorMessage": message}}).to_string()
}

/// `google.rpc.Status {code, message, details}`, with a `RetryInfo` where a retry makes sense.
pub fn status_protobuf(refusal: &Refusal) -> Vec<u8> {
    let mut out = Vec::new();
    field_varint(&mut out, 1, u64::from(refusal.grpc_code()));
    field_bytes(&mut out, 2, refusal.message.as_bytes());
    if let Some(after) = refusal.retry_after {
        field_bytes(&mut out, 3, &retry_info(after));
    }
    out
}

pub fn status_json(refusal: &Refusal) -> String {
    serde_json::json!({"code": refusal.grpc_code(), "message": refusal.message}).to_string()
}

/// `google.protobuf.Any` of `google.rpc.RetryInfo {retry_delay: Duration {seconds, nanos}}`.
fn retry_info(after: Duration) -> Vec<u8> {
    let (mut delay, mut info, mut any) = (Vec::new(), Vec::new(), Vec::new());
    field_varint(&mut delay, 1, after.as_secs());
    field_varint(&mut delay, 2, u64::from(after.subsec_nanos()));
    field_bytes(&mut info, 1, &delay);
    field_bytes(&mut any, 1, b"type.googleapis.com/google.rpc.RetryInfo");
    field_bytes(&mut any, 2, &info);
    any
}

fn field_varint(out: &mut Vec<u8>, number: u8, value: u64) {
    if value != 0 {
        out.push(number << 3);
        varint(out, value);
    }
}

fn field_bytes(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
