//! Query parameters: each is taken once, and what nobody took is a 400 that names it.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::extract::Query;
use axum::http::header::ACCEPT;
use axum::http::request::Parts;

use super::error::ApiError;
use super::files::{self, Kind};
use crate::query::filter::Filter;
use crate::query::time::{self, SECOND, Window};

pub struct Params {
    given: Vec<(String, String)>,
    accept: String,
}

/// All values together. They are passed on to ClickHouse in an address, where each byte may take three.
pub const MOST_BYTES: usize = 4 << 10;

const CLASSES: [&str; 13] =
    ["llm", "tool", "session", "code", "deploy", "build", "work", "app", "ingest", "query", "auth", "audit", "error"];

/// What is wrong with the first that nobody knows.
pub fn unknown_class(classes: &[String]) -> Option<String> {
    let unknown = classes.iter().find(|class| !CLASSES.contains(&class.as_str()))?;
    Some(format!("class: {unknown:?} is none of {}", CLASSES.join(", ")))
}

// === impl Params ===

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|error| ApiError::bad_request(format!("the query string can't be read: {error}")))?;
        let longest = pairs.0.iter().max_by_key(|(_, value)| value.len());
        if let Some((name, _)) =
            longest.filter(|_| pairs.0.iter().map(|(_, value)| value.len()).sum::<usize>() > MOST_BYTES)
        {
            return Err(ApiError::bad_request(format!(
                "the parameters are longer than {MOST_BYTES} bytes: shorten {name:?}"
            )));
        }
        let accept = parts.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
        Ok(Params { given: pairs.0, accept })
    }
}

impl Params {
    /// The value, if it was given and not empty.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        let Some(at) = self.given.iter().position(|(key, _)| key == name) else { return Ok(None) };
        let (_, value) = self.given.swap_remove(at);
        if self.given.iter().any(|(key, _)| key == name) {
            return Err(ApiError::bad_request(format!("{name} was given twice")));
        }
        Ok(Some(value).filter(|value| !value.is_empty()))
    }

    pub fn parsed<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, ApiError>
    where
        T::Err: std::fmt::Display,
    {
        let parse =
            |text: String| text.parse().map_err(|error| ApiError::bad_request(format!("{name}: {text:?}: {error}")));
        self.text(name)?.map(parse).transpose()
    }

    pub fn number(&mut self, name: &str, default: usize, most: usize) -> Result<usize, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(default) };
        text.parse()
            .ok()
            .filter(|number| (1..=most).contains(number))
            .ok_or_else(|| ApiError::bad_request(format!("{name}: {text:?} is not a whole number from 1 to {most}")))
    }

    /// In nanoseconds since 1970.
    pub fn instant(&mut self, name: &str) -> Result<Option<i64>, ApiError> {
        let parse = |text: String| {
            time::parse(&text).ok_or_else(|| {
                ApiError::bad_request(format!(
                    "{name}: {text:?} is not a time: write it as 2026-05-12T12:00:00Z (RFC 3339)"
                ))
            })
        };
        self.text(name)?.map(parse).transpose()
    }

    /// `from` and `to`; by default the last hour, and what is stamped a little ahead of our clock.
    pub fn window(&mut self) -> Result<Window, ApiError> {
        self.window_of(3600)
    }

    /// The same, with another range by default.
    pub fn window_of(&mut self, seconds: i64) -> Result<Window, ApiError> {
        let (from, to) = (self.instant("from")?, self.instant("to")?);
        let to = to.unwrap_or_else(|| time::now().saturating_add(60 * SECOND));
        let from = from.unwrap_or_else(|| to.saturating_sub((seconds + 60) * SECOND).max(0));
        if from >= to {
            return Err(ApiError::bad_request("from is not before to: swap them, or widen the range"));
        }
        Ok(Window { from, to })
    }

    pub fn filter(&mut self) -> Result<Filter, ApiError> {
        let mut text = |name: &str| self.text(name).map(Option::unwrap_or_default);
        let class: Vec<String> =
            text("class")?.split(',').filter(|class| !class.is_empty()).map(str::to_owned).collect();
        if let Some(unknown) = unknown_class(&class) {
            return Err(ApiError::bad_request(unknown));
        }
        Ok(Filter {
            class,
            project: text("project")?,
            source: text("source")?,
            event_type: text("event_type")?,
            severity: text("severity")?,
            outcome: text("outcome")?,
            user_id: text("user_id")?,
            session_id: text("session_id")?,
            trace_id: text("trace_id")?.to_ascii_lowercase(),
            model: text("model")?,
            service: text("service")?,
            repository: text("repository")?,
            provider: text("provider")?,
            tool_name: text("tool_name")?,
            environment: text("environment")?,
            feature: text("feature")?,
            error_type: text("error_type")?,
            target_type: text("target_type")?,
            target_id: text("target_id")?,
            q: text("q")?,
        })
    }

    /// Whether the list is wanted as a file: `format`, else what is accepted.
    pub fn as_file(&mut self) -> Result<Option<Kind>, ApiError> {
        match self.text("format")?.as_deref() {
            None => Ok(Kind::accepted(&self.accept)),
            Some("json") => Ok(None),
            Some("csv") => Ok(Some(Kind::Csv)),
            Some("ndjson") => Ok(Some(Kind::Ndjson)),
            Some(other) => Err(ApiError::bad_request(format!("format: {other:?} is none of json, csv, ndjson"))),
        }
    }

    /// `limit`: items of a page; of a file all, if nothing is said.
    pub fn limit(&mut self, kind: Option<Kind>, default: usize, most: usize) -> Result<usize, ApiError> {
        match kind {
            None => self.number("limit", default, most),
            Some(_) => self.number("limit", files::MOST_ROWS, files::MOST_ROWS),
        }
    }

    /// Every parameter must have been taken.
    pub fn finish(self) -> Result<(), ApiError> {
        match self.given.first() {
            None => Ok(()),
            Some((name, _)) => Err(ApiError::bad_request(format!("unknown query parameter {name:?}"))),
        }
    }
}
