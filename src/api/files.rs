//! Lists as files: `?format=csv` or `?format=ndjson`, or an Accept that asks for one.
//!
//! A task reads batch by batch, through the same pages that a list is read by, and hands on one batch at a time; whoever receives it
//! slowly slows the reading, and whoever is gone ends it. What can't be finished breaks the connection: a file that is shorter than
//! the list must not look whole.

pub mod csv;
mod kind;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, Response};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, Stream};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

pub use kind::Kind;

use super::error::ApiError;
use super::route::About;
use crate::clickhouse::server::StoreError;

/// The columns of a list as CSV; each is a field of its items. Fixed, so that files of one list fit each other.
pub type Columns = &'static [&'static str];

/// What a file is made of.
pub struct File {
    pub kind: Kind,
    /// The file's name, but for the day and the ending.
    pub name: String,
    pub columns: Columns,
    /// Rows, as far as somebody said so.
    pub most: usize,
}

/// Some rows, and where those after them begin; `None`: these are the last.
pub struct Batch<C> {
    pub items: Vec<Value>,
    pub next: Option<C>,
}

/// How many files of lists may be under way at once, in this process.
pub struct Turns(Arc<Semaphore>);

enum Piece {
    Lines(Bytes),
    /// The last line was said.
    End,
}

/// Rows that are read at once.
pub const BATCH: usize = 500;
/// `limit` of a file.
pub const MOST_ROWS: usize = 100_000_000;
const AT_ONCE: usize = 4;
/// A receiver that takes nothing for this long is gone.
const PATIENCE: Duration = Duration::from_secs(60);
const LONGEST_NAME: usize = 80;

/// Says in the OpenAPI document that the list is there as a file too, and of what columns.
pub fn as_file(about: About, columns: Columns) -> About {
    let what = format!(
        "csv or ndjson: the whole list as a file (Accept: text/csv and application/x-ndjson say the same), of limit rows if that is \
         given; columns of CSV: {}",
        columns.join(", ")
    );
    about.query_of("format", what)
}

/// Sends what `next` reads, from the beginning on: it is asked for each batch with the place that the batch before ended at.
pub async fn send<C, F>(turns: &Turns, file: File, next: F) -> Result<Response<Body>, ApiError>
where
    C: Send + 'static,
    F: Fn(Option<C>) -> BoxFuture<'static, Result<Batch<C>, StoreError>> + Send + 'static,
{
    let turn = turns.take()?;
    // What fails at once is an error like any other.
    let first = next(None).await?;
    let headers = file.headers();
    let (pieces, received) = mpsc::channel(1);
    tokio::spawn(run(file, first, next, pieces, turn));
    let mut response = Response::new(Body::from_stream(body(received)));
    *response.headers_mut() = headers;
    Ok(response)
}

/// Items of a list as rows of a file.
pub fn items<T: Serialize>(items: &[T]) -> Result<Vec<Value>, StoreError> {
    // Plain data always serialises.
    let row =
        |item| serde_json::to_value(item).map_err(|error| StoreError::Unreachable(format!("an unusable row: {error}")));
    items.iter().map(row).collect()
}

/// Of what is in memory already.
pub fn whole<T: Serialize>(file: &File, items: &[T]) -> Result<Response<Body>, ApiError> {
    let mut text = file.head();
    for item in items.iter().take(file.most) {
        let item = serde_json::to_value(item).map_err(|error| ApiError::internal(&error))?;
        file.line(&item, &mut text);
    }
    let mut response = Response::new(Body::from(text));
    *response.headers_mut() = file.headers();
    Ok(response)
}

async fn run<C, F>(file: File, first: Batch<C>, next: F, pieces: mpsc::Sender<Piece>, _turn: OwnedSemaphorePermit)
where
    F: Fn(Option<C>) -> BoxFuture<'static, Result<Batch<C>, StoreError>>,
{
    let (mut batch, mut text, mut left) = (first, file.head(), file.most);
    loop {
        for item in batch.items.iter().take(left) {
            file.line(item, &mut text);
        }
        left = left.saturating_sub(batch.items.len());
        let lines = Piece::Lines(std::mem::take(&mut text).into());
        if pieces.send_timeout(lines, PATIENCE).await.is_err() {
            return;
        }
        let Some(after) = batch.next.filter(|_| left > 0) else { break };
        let reading = tokio::select! {
            read = next(Some(after)) => read,
            () = pieces.closed() => return,
        };
        batch = match reading {
            Ok(read) => read,
            Err(error) => {
                tracing::warn!(%error, "an export breaks off");
                return;
            }
        };
    }
    // Nobody may be there to hear it.
    let _ = pieces.send_timeout(Piece::End, PATIENCE).await;
}

/// Without [`Piece::End`], it breaks.
fn body(received: mpsc::Receiver<Piece>) -> Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>> {
    Box::pin(stream::unfold(Some(received), async |received| {
        let mut received = received?;
        match received.recv().await {
            Some(Piece::Lines(lines)) => Some((Ok(lines), Some(received))),
            Some(Piece::End) => None,
            None => Some((Err(io::ErrorKind::BrokenPipe.into()), None)),
        }
    }))
}

// === impl File ===

impl File {
    /// With today's day in its name.
    fn headers(&self) -> axum::http::HeaderMap {
        let mut headers = axum::http::HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind.media()));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let name = self.file_name(&jiff::Timestamp::now().to_string()[..10]);
        // Letters, digits, dots, dashes and underscores alone.
        if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
            headers.insert(CONTENT_DISPOSITION, value);
        }
        headers
    }

    fn file_name(&self, day: &str) -> String {
        let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' };
        let name: String = self.name.chars().map(safe).take(LONGEST_NAME).collect();
        format!("{name}-{day}.{}", self.kind.ending())
    }

    fn head(&self) -> String {
        let mut text = String::new();
        if self.kind == Kind::Csv {
            csv::line(self.columns, &mut text);
        }
        text
    }

    fn line(&self, item: &Value, text: &mut String) {
        match self.kind {
            Kind::Csv => {
                let cells: Vec<(String, bool)> =
                    self.columns.iter().map(|column| (cell(&item[*column]), !item[*column].is_number())).collect();
                csv::typed_line(cells.iter().map(|(cell, is_text)| (cell.as_str(), *is_text)), text);
            }
            Kind::Ndjson => {
                text.push_str(&item.to_string());
                text.push('\n');
            }
        }
    }
}

/// Text as it is, nothing as nothing, and everything else as JSON.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

// === impl Turns ===

impl Default for Turns {
    fn default() -> Turns {
        Turns(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Turns {
    fn take(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let turn = self.0.clone().try_acquire_owned();
        turn.map_err(|_| ApiError::too_many(format!("{AT_ONCE} exports run already: wait for one to end")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file(kind: Kind, name: &str) -> File {
        File { kind, name: name.to_owned(), columns: &["id", "n", "map", "none"], most: 2 }
    }

    #[test]
    fn file_names_hold_nothing_that_a_header_or_a_disk_minds() {
        assert_eq!(file(Kind::Csv, "activity-user42").file_name("2026-05-08"), "activity-user42-2026-05-08.csv");
        assert_eq!(file(Kind::Ndjson, "../a\r\n\"b\"/ü").file_name("2026-05-08"), ".._a___b___-2026-05-08.ndjson");
        assert_eq!(file(Kind::Csv, &"x".repeat(999)).file_name("d").len(), "-d.csv".len() + LONGEST_NAME);
    }

    #[tokio::test]
    async fn a_file_has_its_columns_and_no_more_rows_than_wanted() {
        let items = [
            json!({"id": "=1", "n": 1.5, "map": {"a": "b"}, "more": true}),
            json!({"n": null, "id": "b,c"}),
            json!({"id": "third"}),
        ];
        let said = async |kind| {
            let answer = whole(&file(kind, "x"), &items).expect("a file");
            let bytes = axum::body::to_bytes(answer.into_body(), 1000).await.expect("a body");
            String::from_utf8(bytes.to_vec()).expect("text")
        };
        assert_eq!(said(Kind::Csv).await, "id,n,map,none\r\n'=1,1.5,\"{\"\"a\"\":\"\"b\"\"}\",\r\n\"b,c\",,,\r\n");
        let lines = said(Kind::Ndjson).await;
        let parsed: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(parsed, items[..2]);
    }
}
