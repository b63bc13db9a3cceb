//! Lists, page by page: each item has a key that the list is ordered by, and a cursor is the key of a page's last item.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::error::ApiError;
use super::super::params::Params;
use super::super::route::About;

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Pass it on as `cursor`; null: there are no more.
    pub next_cursor: Option<String>,
}

/// Which part of a list is asked for.
pub struct Wanted {
    limit: usize,
    after: Option<String>,
}

const LIMIT: usize = 50;
const MOST: usize = 200;

/// What every list takes.
pub fn paged(about: About) -> About {
    about.number("limit", "items a page: 1..200 (50)").query("cursor", "next_cursor of the page before")
}

/// Newest first, as text that grows.
pub fn newest(created_at_ms: i64, id: &str) -> String {
    format!("{:020}\0{id}", i64::MAX - created_at_ms.max(0))
}

// === impl Wanted ===

impl Wanted {
    pub fn of(params: &mut Params) -> Result<Wanted, ApiError> {
        let limit = params.number("limit", LIMIT, MOST)?;
        let decode = |cursor: String| {
            let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
            let key = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            key.ok_or_else(|| {
                ApiError::bad_request("cursor: not one of this list: pass on what next_cursor said, unchanged")
            })
        };
        Ok(Wanted { limit, after: params.text("cursor")?.map(decode).transpose()? })
    }

    /// `all` in any order. Items that came or went in between shift nothing.
    pub fn page<R, T>(
        self,
        all: impl IntoIterator<Item = R>,
        key: impl Fn(&R) -> String,
        item: impl Fn(R) -> T,
    ) -> Page<T> {
        let mut keyed: Vec<(String, R)> = all.into_iter().map(|row| (key(&row), row)).collect();
        if let Some(after) = &self.after {
            keyed.retain(|(key, _)| key > after);
        }
        keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
        let more = keyed.len() > self.limit;
        keyed.truncate(self.limit);
        let next_cursor = keyed.last().filter(|_| more).map(|(key, _)| URL_SAFE_NO_PAD.encode(key));
        Page { items: keyed.into_iter().map(|(_, row)| item(row)).collect(), next_cursor }
    }
}
