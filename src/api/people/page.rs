//! Lists, page by page: each item has a key that the list is ordered by, and a cursor is the key of a page's last item.

use axum::Json;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::error::ApiError;
use super::super::files::{self, Columns, File, Kind, as_file};
use super::super::params::Params;
use super::super::route::About;
use crate::people::invites::InviteItem;
use crate::people::members::MemberItem;
use crate::people::projects::ProjectItem;
use crate::people::roles::RoleItem;
use crate::people::tenants::TenantItem;
use crate::people::tokens::TokenItem;
use crate::people::users::UserItem;
use crate::people::webhooks::WebhookItem;

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Pass it on as `cursor`; null: there are no more.
    pub next_cursor: Option<String>,
    #[serde(skip)]
    pub as_file: Option<Kind>,
}

/// Items that a file can be made of.
pub trait Listed: Serialize {
    /// What the file is called.
    const NAME: &'static str;
    const COLUMNS: Columns;
}

/// Which part of a list is asked for.
pub struct Wanted {
    limit: usize,
    after: Option<String>,
    as_file: Option<Kind>,
}

const LIMIT: usize = 50;
const MOST: usize = 200;

/// What every list takes.
pub fn paged<T: Listed + JsonSchema>(about: About) -> About {
    let about = about.number("limit", "items a page: 1..200 (50)").query("cursor", "next_cursor of the page before");
    as_file(about.gives::<Page<T>>(), T::COLUMNS)
}

/// As the page that it is, or as a file. What people decided is in memory anyway.
impl<T: Listed> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let Some(kind) = self.as_file else { return Json(self).into_response() };
        let file = File { kind, name: T::NAME.to_owned(), columns: T::COLUMNS, most: usize::MAX };
        files::whole(&file, &self.items).into_response()
    }
}

macro_rules! listed {
    ($($item:ty: $name:literal $columns:expr,)*) => {$(
        impl Listed for $item {
            const NAME: &'static str = $name;
            const COLUMNS: Columns = &$columns;
        }
    )*};
}

listed! {
    UserItem: "users" ["id", "email", "name", "role", "disabled", "mfa_enrolled", "projects", "created_at"],
    RoleItem: "roles" ["name", "description", "permissions", "built_in", "users"],
    ProjectItem: "projects" ["id", "slug", "name", "description", "members", "created_at"],
    MemberItem: "members" ["user_id", "email", "name", "role"],
    TokenItem: "tokens" ["id", "kind", "name", "prefix", "user_id", "project", "permissions", "created_at", "expires_at"],
    InviteItem: "invites" ["id", "email", "role", "projects", "created_at", "expires_at"],
    WebhookItem: "webhooks" ["id", "kind", "name", "project", "user", "url", "created_at", "last_received", "deliveries"],
    TenantItem: "tenants" ["id", "name", "tier", "retention_days", "capture", "records_per_second", "bytes_per_day", "monthly_budget_usd", "effective", "created_at"],
}

/// Newest first, as text that grows.
pub fn newest(created_at_ms: i64, id: &str) -> String {
    format!("{:020}\0{id}", i64::MAX - created_at_ms.max(0))
}

// === impl Wanted ===

impl Wanted {
    pub fn of(params: &mut Params) -> Result<Wanted, ApiError> {
        let as_file = params.as_file()?;
        let limit = params.limit(as_file, LIMIT, MOST)?;
        let decode = |cursor: String| {
            let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
            let key = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            key.ok_or_else(|| {
                ApiError::bad_request("cursor: not one of this list: pass on what next_cursor said, unchanged")
            })
        };
        Ok(Wanted { limit, after: params.text("cursor")?.map(decode).transpose()?, as_file })
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
        Page { items: keyed.into_iter().map(|(_, row)| item(row)).collect(), next_cursor, as_file: self.as_file }
    }
}
