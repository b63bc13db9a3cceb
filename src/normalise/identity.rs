//! Deterministic event ids: the same bytes from the same tenant make the same event, so a replayed request is
//! recognised.

use hashbrown::HashMap;
use uuid::Builder;
use xxhash_rust::xxh3::xxh3_128;

/// What kind of record an id is for; its number is hashed, so never change one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum RecordKind {
    Log = 1,
    Span = 2,
    Point = 3,
    Message = 4,
    Audit = 5,
    Webhook = 10,
}

/// Hash over tenant, resource and scope: what all records of a scope share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prefix(u128);

/// How often each record was met within one request: byte-identical records are different events, and the second one
/// gets another id than the first. Holds 17 bytes per record of the request.
#[derive(Debug, Default)]
pub struct Occurrences {
    seen: HashMap<u128, u32>,
}

// === impl Prefix ===

impl Prefix {
    pub fn new(tenant_id: &str, resource: &[u8]) -> Self {
        Prefix(xxh3_128(tenant_id.as_bytes())).with(resource)
    }

    /// Narrows the prefix to one scope, or to one metric: a data point's own bytes don't say of what it is.
    pub fn with(self, part: &[u8]) -> Self {
        let mut parts = [0; 32];
        parts[..16].copy_from_slice(&self.0.to_le_bytes());
        parts[16..].copy_from_slice(&xxh3_128(part).to_le_bytes());
        Prefix(xxh3_128(&parts))
    }

    /// The id of what has a name of its own: the same name, the same event.
    pub fn event_id(self, kind: RecordKind, name: &[u8]) -> u128 {
        let mut parts = [0; 33];
        parts[..16].copy_from_slice(&self.0.to_le_bytes());
        parts[16..32].copy_from_slice(&xxh3_128(name).to_le_bytes());
        parts[32] = kind as u8;
        uuid(xxh3_128(&parts))
    }
}

// === impl Occurrences ===

impl Occurrences {
    /// The id of the next record: made of prefix, kind, the record's bytes and its occurrence number.
    pub fn event_id(&mut self, prefix: Prefix, kind: RecordKind, record: &[u8]) -> u128 {
        let mut parts = [0; 37];
        parts[..16].copy_from_slice(&prefix.0.to_le_bytes());
        parts[16..32].copy_from_slice(&xxh3_128(record).to_le_bytes());
        parts[32] = kind as u8;
        let first = xxh3_128(&parts);
        let number = self.seen.entry(first).or_insert(0);
        let hash = match *number {
            0 => first,
            number => {
                parts[33..].copy_from_slice(&number.to_le_bytes());
                xxh3_128(&parts)
            }
        };
        *number += 1;
        uuid(hash)
    }

    /// For the next request.
    pub fn clear(&mut self) {
        self.seen.clear();
    }
}

/// A UUID of version 8 (RFC 9562, 5.8) whose other 122 bits are the hash.
fn uuid(hash: u128) -> u128 {
    Builder::from_custom_bytes(hash.to_be_bytes()).into_uuid().as_u128()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(tenant: &str, resource: &[u8], scope: &[u8], kind: RecordKind, record: &[u8]) -> u128 {
        Occurrences::default().event_id(Prefix::new(tenant, resource).with(scope), kind, record)
    }

    #[test]
    fn the_same_bytes_make_the_same_id_and_any_difference_another() {
        let base = id("t", b"r", b"s", RecordKind::Log, b"x");
        assert_eq!(base, id("t", b"r", b"s", RecordKind::Log, b"x"));
        for other in [
            id("u", b"r", b"s", RecordKind::Log, b"x"),
            id("t", b"q", b"s", RecordKind::Log, b"x"),
            id("t", b"r", b"q", RecordKind::Log, b"x"),
            id("t", b"r", b"s", RecordKind::Span, b"x"),
            id("t", b"r", b"s", RecordKind::Log, b"y"),
            id("t", b"s", b"r", RecordKind::Log, b"x"),
        ] {
            assert_ne!(base, other);
        }
        assert_eq!(uuid::Uuid::from_u128(base).get_version_num(), 8);
    }

    #[test]
    fn ids_are_the_same_in_every_version() {
        let id = id("acme", b"resource", b"scope", RecordKind::Log, b"record");
        insta::assert_snapshot!(uuid::Uuid::from_u128(id), @"d554dfe1-8eee-8935-a53f-5a1ab0742f0d");
    }

    #[test]
    fn identical_records_of_one_request_are_told_apart_the_same_way_each_time() {
        let prefix = Prefix::new("t", b"r").with(b"s");
        let ids = || {
            let mut seen = Occurrences::default();
            [b"a", b"a", b"b", b"a"].map(|r| seen.event_id(prefix, RecordKind::Log, r))
        };
        let unique: std::collections::HashSet<_> = ids().into_iter().collect();
        assert_eq!(unique.len(), 4);
        assert_eq!(ids(), ids());
    }
}
