//! Asking a panel: the range, the filters and the budget as bound parameters.

use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::answer::{Answer, Compact, Sheet};
use super::bucket::{Bucket, bucket};
use super::{Pack, Panel};
use crate::clickhouse::read::{Reader, Sql};
use crate::clickhouse::server::StoreError;
use crate::gateway::{self, Exception, Gateway, Limits, Question};
use crate::model::scope::Scope;
use crate::query::time::{SECOND, Window};

/// What one asks of a panel.
#[derive(Debug, Clone)]
pub struct Asked {
    pub window: Window,
    /// An IANA name.
    pub timezone: String,
    pub filters: Vec<(&'static str, String)>,
    /// The tenant's, a month, in hundredths of a US dollar; 0: none.
    pub budget_cents: u64,
    pub limit: usize,
}

/// As whom.
#[derive(Clone, Copy)]
pub enum Door<'a> {
    /// The product's own question.
    Reader(&'a Reader),
    /// A question that a tenant wrote.
    Gateway(&'a Gateway, Limits),
}

#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What a tenant wrote can't be answered; the text is for them.
    #[error("{}", .0.text)]
    Refused(Exception),
    #[error("there is no time zone {0:?}: give an IANA name, such as Europe/Berlin")]
    TimeZone(String),
    #[error("an answer can't be read: {0}")]
    Unreadable(String),
}

pub const MOST_ROWS: usize = 10_000;
/// What a pack of a tenant's own may answer.
const MOST_BYTES: usize = 64 << 20;

const FORMAT: &str = "JSONCompact";
/// Instants in UTC as RFC 3339 has them; figures as numbers with all their digits.
const SETTINGS: [(&str, &str); 4] = [
    ("date_time_output_format", "iso"),
    ("output_format_json_quote_64bit_integers", "0"),
    ("output_format_json_quote_decimals", "0"),
    ("output_format_json_quote_denormals", "0"),
];

pub async fn ask(door: Door<'_>, scope: &Scope, pack: &Pack, panel: &Panel, asked: &Asked) -> Result<Answer, AskError> {
    let answer: Compact<Box<RawValue>> = run(door, scope, panel, asked).await?;
    Ok(Answer::new(pack, panel, asked, answer))
}

/// For a spreadsheet.
pub async fn sheet(door: Door<'_>, scope: &Scope, panel: &Panel, asked: &Asked) -> Result<Sheet, AskError> {
    let answer: Compact<Vec<Box<RawValue>>> = run(door, scope, panel, asked).await?;
    let columns = answer.columns();
    let text = |row: Vec<Box<RawValue>>| row.iter().map(|value| cell(value)).collect();
    Ok(Sheet { columns, rows: answer.data.into_iter().take(asked.limit).map(text).collect() })
}

/// Text as it is, nothing as nothing, and everything else as JSON has it: figures with all their digits.
fn cell(value: &RawValue) -> String {
    match value.get() {
        "null" => String::new(),
        text if text.starts_with('"') => serde_json::from_str(text).unwrap_or_default(),
        other => other.to_owned(),
    }
}

async fn run<R: DeserializeOwned>(
    door: Door<'_>,
    scope: &Scope,
    panel: &Panel,
    asked: &Asked,
) -> Result<Compact<R>, AskError> {
    let text = panel.sql.with_interval(asked.bucket().interval);
    let params = asked.params(panel);
    // One more than is given out says whether there are more.
    let limit = (asked.limit + 1).to_string();
    let settings = SETTINGS.into_iter().chain([("limit", limit.as_str())]);
    let bytes = match door {
        Door::Reader(reader) => {
            let mut sql = Sql::new(text);
            for (name, value) in params {
                sql.text(name, value);
            }
            let settings: Vec<_> = settings.collect();
            reader.bytes_with(scope, sql, FORMAT, &settings).await.map_err(|error| asked.blame(error))?
        }
        Door::Gateway(gateway, limits) => {
            let mut given = gateway::Asked::default();
            for (name, value) in settings.chain([("default_format", FORMAT)]) {
                given.take(name, value).map_err(AskError::Refused)?;
            }
            given.params = params.into_iter().map(|(name, value)| (format!("param_{name}"), value)).collect();
            let question = Question { text: text.into(), asked: given, coding: None };
            whole(gateway.ask(scope, limits, question).await.map_err(AskError::Refused)?).await?
        }
    };
    serde_json::from_slice(&bytes).map_err(|error| AskError::Unreadable(error.to_string()))
}

async fn whole(answer: gateway::Answer) -> Result<Vec<u8>, AskError> {
    let body = http_body_util::Limited::new(answer.stream, MOST_BYTES);
    body.collect().await.map(|body| body.to_bytes().to_vec()).map_err(|error| AskError::Unreadable(error.to_string()))
}

// === impl Asked ===

impl Asked {
    pub fn bucket(&self) -> Bucket {
        bucket((self.window.to - self.window.from) / SECOND)
    }

    fn params(&self, panel: &Panel) -> Vec<(&'static str, String)> {
        let value = |name: &'static str| match name {
            "from" => instant(self.window.from),
            "to" => instant(self.window.to),
            "timezone" => self.timezone.clone(),
            "bucket_seconds" => self.bucket().seconds.to_string(),
            "budget_usd" => format!("{}.{:02}", self.budget_cents / 100, self.budget_cents % 100),
            filter => {
                let given = self.filters.iter().find(|(name, _)| *name == filter);
                given.map_or_else(String::new, |(_, value)| value.clone())
            }
        };
        panel.sql.params.iter().map(|name| (*name, value(name))).collect()
    }

    /// A name that ClickHouse does not know as a time zone is the caller's mistake.
    fn blame(&self, error: StoreError) -> AskError {
        match &error {
            StoreError::Refused { message, .. } if message.contains("time zone") || message.contains("timezone") => {
                AskError::TimeZone(self.timezone.clone())
            }
            _ => AskError::Store(error),
        }
    }
}

/// As ClickHouse reads `DateTime64(9, 'UTC')`.
fn instant(ns: i64) -> String {
    let instant = jiff::Timestamp::from_nanosecond(i128::from(ns)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    instant.strftime("%Y-%m-%d %H:%M:%S%.9f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_nine_digits() {
        assert_eq!(instant(1_778_580_000_123_456_789), "2026-05-12 10:00:00.123456789");
        assert_eq!(instant(i64::MAX), "2262-04-11 23:47:16.854775807");
    }
}
