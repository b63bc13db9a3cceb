//! Errors in ClickHouse's own form, which its clients know how to read.

use crate::clickhouse::server::StoreError;

/// `Code: 497. DB::Exception: text (ACCESS_DENIED)`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    pub status: u16,
    pub code: u32,
    /// What it says, whole, as ClickHouse would print it.
    pub text: String,
}

// === impl Exception ===

impl Exception {
    pub fn new(status: u16, code: u32, name: &str, text: impl std::fmt::Display) -> Exception {
        Exception { status, code, text: format!("Code: {code}. DB::Exception: {text}. ({name})") }
    }

    /// What one may not ask at all.
    pub fn denied(text: impl std::fmt::Display) -> Exception {
        Exception::new(403, 497, "ACCESS_DENIED", text)
    }

    pub fn unauthenticated(text: impl std::fmt::Display) -> Exception {
        Exception::new(401, 516, "AUTHENTICATION_FAILED", text)
    }

    pub fn bad_argument(text: impl std::fmt::Display) -> Exception {
        Exception::new(400, 36, "BAD_ARGUMENTS", text)
    }

    pub fn unsupported(text: impl std::fmt::Display) -> Exception {
        Exception::new(501, 48, "NOT_IMPLEMENTED", text)
    }

    pub fn too_large(bytes: usize) -> Exception {
        Exception::new(413, 62, "SYNTAX_ERROR", format_args!("the query is longer than {bytes} bytes"))
    }

    pub fn too_many(text: impl std::fmt::Display) -> Exception {
        Exception::new(429, 202, "TOO_MANY_SIMULTANEOUS_QUERIES", text)
    }

    pub fn too_slow() -> Exception {
        Exception::new(408, 159, "TIMEOUT_EXCEEDED", "the query took longer than the tenant's tier allows")
    }

    /// What ClickHouse itself said.
    pub fn said(status: u16, code: u32, text: &str) -> Exception {
        Exception { status, code, text: text.trim_end().to_owned() }
    }

    /// A syntax error names a place in the text, which had `bytes` before it.
    #[must_use]
    pub fn moved_back(mut self, bytes: usize) -> Exception {
        const AT: &str = "failed at position ";
        let Some((before, rest)) = self.text.split_once(AT) else { return self };
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if let Ok(position) = rest[..digits].parse::<usize>() {
            self.text = format!("{before}{AT}{}{}", position.saturating_sub(bytes).max(1), &rest[digits..]);
        }
        self
    }

    /// What to do about a limit, for whoever met one.
    #[must_use]
    pub fn advised(mut self) -> Exception {
        let advice = match self.code {
            158 => {
                "the query reads more rows than the tenant's tier allows: ask for a shorter time range, or filter more"
            }
            159 | 160 => {
                "the query takes longer than the tenant's tier allows: ask for a shorter time range, or filter more"
            }
            241 => "the query needs more memory than a query may have: group by less, or ask for a shorter time range",
            396 => "the answer is larger than the tenant's tier allows: add LIMIT, or select fewer columns",
            _ => return self,
        };
        if self.code == 158 {
            // The number that ClickHouse says counts whole granules, which rows of all tenants share.
            return Exception::new(self.status, 158, "TOO_MANY_ROWS", advice);
        }
        self.text = format!("{}\n{advice}", self.text);
        self
    }
}

impl From<StoreError> for Exception {
    fn from(error: StoreError) -> Exception {
        tracing::warn!(%error, "a query could not be passed on");
        Exception::new(503, 210, "NETWORK_ERROR", "the database is not reachable: ask again in a moment")
    }
}

/// ClickHouse's text without what is the installation's own: names of base tables, addresses, the scope in a query's id.
pub fn mask(text: &str, address: &str, query_id: &str) -> String {
    let scope = query_id.split('.').next().unwrap_or("");
    let mut masked = text.replace("activitylog.", "");
    for private in [query_id, scope, address] {
        if !private.is_empty() {
            masked = masked.replace(private, "...");
        }
    }
    masked
}
