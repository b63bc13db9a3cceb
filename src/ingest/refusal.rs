//! Why a request is turned away as a whole, in terms that every door can answer with.

use std::time::Duration;

use crate::auth::Denied;
use crate::limits::quota::Over;
use crate::outcome::Reason;
use crate::spool::AppendError;

/// The message says what was wrong and what to do; it goes to the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub reason: Reason,
    pub message: String,
    /// The same request may succeed after this time.
    pub retry_after: Option<Duration>,
}

// === impl Refusal ===

impl Refusal {
    pub fn new(reason: Reason, message: impl Into<String>) -> Refusal {
        Refusal { reason, message: message.into(), retry_after: None }
    }

    pub fn overloaded(message: impl Into<String>, retry_after: Duration) -> Refusal {
        Refusal { reason: Reason::Overloaded, message: message.into(), retry_after: Some(retry_after) }
    }

    /// The status of an HTTP answer, as the OTLP specification assigns them: 429, 502, 503 and 504 are retried, others not.
    pub fn http_status(&self) -> u16 {
        match self.reason {
            Reason::Malformed | Reason::TooManyAttributes => 400,
            Reason::UnsupportedMediaType | Reason::UnsupportedEncoding => 415,
            Reason::TooLarge => 413,
            Reason::Overloaded => 503,
            Reason::QuotaExceeded => 429,
            Reason::Timeout => 408,
            Reason::Unauthenticated => 401,
            Reason::Forbidden => 403,
            Reason::Misdirected => 404,
            Reason::WrongMethod => 405,
            Reason::Internal => 500,
        }
    }

    /// `google.rpc.Code`. RESOURCE_EXHAUSTED is final unless a RetryInfo comes with it (OTLP specification, "Failures").
    pub fn grpc_code(&self) -> u8 {
        match self.reason {
            Reason::Malformed | Reason::TooManyAttributes => 3, // INVALID_ARGUMENT
            Reason::UnsupportedMediaType | Reason::UnsupportedEncoding | Reason::Misdirected | Reason::WrongMethod => {
                12
            } // UNIMPLEMENTED
            Reason::TooLarge | Reason::QuotaExceeded => 8,      // RESOURCE_EXHAUSTED
            Reason::Overloaded => 14,                           // UNAVAILABLE
            Reason::Timeout => 4,                               // DEADLINE_EXCEEDED
            Reason::Unauthenticated => 16,                      // UNAUTHENTICATED
            Reason::Forbidden => 7,                             // PERMISSION_DENIED
            Reason::Internal => 13,                             // INTERNAL
        }
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        match denied {
            denied if denied.is_unauthenticated() => Refusal::new(Reason::Unauthenticated, denied.to_string()),
            Denied::NotYetKnown => Refusal::overloaded(denied.to_string(), Duration::from_secs(2)),
            _ => Refusal::new(Reason::Forbidden, denied.to_string()),
        }
    }
}

impl From<Over> for Refusal {
    fn from(over: Over) -> Self {
        let message = match over {
            Over::Records { most, .. } => {
                format!("this tenant sends more than its {most} records per second: send it again later")
            }
            Over::Bytes { most, .. } => {
                format!(
                    "this tenant has sent its {most} bytes of today (UTC): send it again later, or ask for a larger quota"
                )
            }
        };
        Refusal { retry_after: Some(over.wait()), ..Refusal::new(Reason::QuotaExceeded, message) }
    }
}

impl From<AppendError> for Refusal {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Full(full) => Refusal::overloaded(
                format!("nothing was stored: the spool is full, {full}; send it again later"),
                Duration::from_secs(5),
            ),
            AppendError::Io(_) => Refusal::overloaded(
                "nothing was stored: the spool could not be written; send it again",
                Duration::from_secs(2),
            ),
            AppendError::Closed => {
                Refusal::overloaded("nothing was stored: the server is stopping; send it again", Duration::from_secs(2))
            }
            AppendError::Internal => Refusal::new(
                Reason::Internal,
                "nothing was stored: these records made the server fail; please report this",
            ),
        }
    }
}
