//! What became of every received item: stored, duplicate, or rejected with a reason from a closed set.
//! The three add up to what was received, and `/metrics` shows it.

use std::fmt;

/// Why an item was not stored. Closed: a new reason is a new variant, and appears in `/metrics` by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Reason {
    /// The bytes are not what their content type says.
    Malformed,
    UnsupportedMediaType,
    UnsupportedEncoding,
    /// Over a size limit, before or after decompression.
    TooLarge,
    TooManyAttributes,
    /// Over the memory in flight, the spool's size, or the disk: worth a retry.
    Overloaded,
    /// Over what the tenant may send: worth a retry.
    QuotaExceeded,
    /// The sender did not finish its request in time.
    Timeout,
    Unauthenticated,
    Forbidden,
    /// A path or protocol nobody serves here.
    Misdirected,
    /// The path is served, by another method.
    WrongMethod,
    /// Our own fault.
    Internal,
}

/// The tally of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome {
    pub stored: u64,
    pub duplicate: u64,
    pub rejected: u64,
    /// Why, where something was rejected: the first reason met.
    pub reason: Option<Reason>,
}

// === impl Reason ===

impl Reason {
    pub const ALL: [Reason; 13] = [
        Reason::Malformed,
        Reason::UnsupportedMediaType,
        Reason::UnsupportedEncoding,
        Reason::TooLarge,
        Reason::TooManyAttributes,
        Reason::Overloaded,
        Reason::QuotaExceeded,
        Reason::Timeout,
        Reason::Unauthenticated,
        Reason::Forbidden,
        Reason::Misdirected,
        Reason::WrongMethod,
        Reason::Internal,
    ];

    /// The label in `/metrics`.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Malformed => "malformed",
            Reason::UnsupportedMediaType => "unsupported_media_type",
            Reason::UnsupportedEncoding => "unsupported_encoding",
            Reason::TooLarge => "too_large",
            Reason::TooManyAttributes => "too_many_attributes",
            Reason::Overloaded => "overloaded",
            Reason::QuotaExceeded => "quota_exceeded",
            Reason::Timeout => "timeout",
            Reason::Unauthenticated => "unauthenticated",
            Reason::Forbidden => "forbidden",
            Reason::Misdirected => "misdirected",
            Reason::WrongMethod => "wrong_method",
            Reason::Internal => "internal",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
