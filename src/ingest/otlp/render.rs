//! Arrays, maps and bytes as text: compact JSON, base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use crate::model::json::{double as json_double, int as json_int, string as json_string};

/// `AnyValue`s nested deeper than this are replaced by [`TOO_DEEP`]. (prost and serde_json stop near 100 with an
/// error; a record is worth more than its 33rd level.)
pub const MAX_DEPTH: usize = 32;
/// A JSON string, as it stands in the rendered text.
pub const TOO_DEEP: &str = "\"[nested too deeply]\"";

pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
