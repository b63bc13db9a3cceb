//! `GET /api/v1/audit/activity/export.csv`: the whole history of one user, streamed batch by batch.
//!
//! A task reads and hands on one batch at a time; whoever receives it slowly slows the reading, and whoever is gone ends it. What can't
//! be finished breaks the connection: a file that is shorter than the history must not look whole.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, Response};
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::{csv, paced, trail};
use crate::api::access::{As, ReadAudit};
use crate::api::error::ApiError;
use crate::api::params::Params;
use crate::api::route::{Routes, about};
use crate::api::router::Api;
use crate::audit::{Action, Entry};
use crate::clickhouse::read::Reader;
use crate::clickhouse::server::StoreError;
use crate::limits::window::SlidingWindow;
use crate::model::scope::Scope;
use crate::query::audit::{self, Bounds, Filter, Page};

/// How many exports there may be.
pub struct Pace {
    started: SlidingWindow<String>,
    open: Arc<Semaphore>,
}

/// What an export goes on with.
struct Export {
    reader: Reader,
    scope: Scope,
    filter: Filter,
    tenant: String,
    _open: OwnedSemaphorePermit,
}

enum Piece {
    Lines(Bytes),
    /// The last line was said.
    End,
}

const COLUMNS: [&str; 7] =
    ["timestamp_utc", "event_type", "description", "customer_id", "user_id", "correlation_id", "metadata_json"];
const BATCH: usize = 500;
/// Of one process.
const AT_ONCE: usize = 4;
const A_MINUTE: usize = 10;
/// A receiver that takes nothing for this long is gone.
const PATIENCE: Duration = Duration::from_secs(60);
const LONGEST_NAME: usize = 64;

pub(super) fn routes(routes: Routes) -> Routes {
    let export = about("The whole history of one user as CSV; 10 a minute for each caller, 4 at once")
        .query("user_id", "whose; required")
        .media("text/csv");
    routes.at(Method::GET, "/api/v1/audit/activity/export.csv", export_csv, export)
}

async fn export_csv(
    caller: As<ReadAudit>,
    State(api): State<Arc<Api>>,
    mut params: Params,
) -> Result<Response<Body>, ApiError> {
    let user_id = params.text("user_id")?;
    params.finish()?;
    let user_id = user_id.ok_or_else(|| ApiError::bad_request("user_id is missing: say whose history is wanted"))?;
    paced(&api.pace.export.started, &caller)?;
    let open = api.pace.export.open.clone().try_acquire_owned();
    let open = open.map_err(|_| ApiError::too_many(format!("{AT_ONCE} exports run already: wait for one to end")))?;
    let export = Export {
        reader: api.reader.clone(),
        scope: trail::scope(&caller),
        filter: Filter { user_id: user_id.clone(), ..Filter::default() },
        tenant: caller.tenant().to_owned(),
        _open: open,
    };
    // What fails at once is an error like any other.
    let first = export.batch(Bounds::default()).await?;
    let entry = Entry::by(&caller, Action::ExportActivity, "the activity of a user was exported as CSV");
    api.trail.record(entry.target("user", user_id.as_str())).await;
    let (pieces, received) = mpsc::channel(1);
    tokio::spawn(export.run(first, pieces));
    let mut response = Response::new(Body::from_stream(body(received)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let name = file_name(&user_id, &jiff::Timestamp::now().to_string()[..10]);
    // Letters, digits, dots, dashes and underscores alone.
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

fn file_name(user_id: &str, day: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' };
    let user: String = user_id.chars().map(safe).take(LONGEST_NAME).collect();
    format!("activity-{user}-{day}.csv")
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

// === impl Export ===

impl Export {
    async fn batch(&self, bounds: Bounds) -> Result<Page, StoreError> {
        audit::page(&self.reader, &self.scope, &self.filter, bounds, BATCH).await
    }

    async fn run(self, first: Page, pieces: mpsc::Sender<Piece>) {
        let mut text = String::new();
        csv::line(&COLUMNS, &mut text);
        let mut page = first;
        loop {
            self.write(&page, &mut text);
            let lines = Piece::Lines(std::mem::take(&mut text).into());
            if pieces.send_timeout(lines, PATIENCE).await.is_err() {
                return;
            }
            let Some(before) = page.next_before else { break };
            let bounds = Bounds { before: Some(before), since: None };
            let next = tokio::select! {
                next = self.batch(bounds) => next,
                () = pieces.closed() => return,
            };
            page = match next {
                Ok(next) => next,
                Err(error) => {
                    tracing::warn!(%error, "an export breaks off");
                    return;
                }
            };
        }
        // Nobody may be there to hear it.
        let _ = pieces.send_timeout(Piece::End, PATIENCE).await;
    }

    fn write(&self, page: &Page, text: &mut String) {
        for row in &page.rows {
            let metadata = if row.attributes.is_empty() {
                "{}".to_owned()
            } else {
                Value::Object(row.attributes.clone()).to_string()
            };
            let (timestamp, tenant) = (row.timestamp(), self.tenant.as_str());
            csv::line(
                &[&timestamp, &row.action, &row.message, tenant, &row.user_id, &row.correlation_id, &metadata],
                text,
            );
        }
    }
}

// === impl Pace ===

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            started: SlidingWindow::new(A_MINUTE, Duration::from_secs(60), super::MOST_CALLERS),
            open: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_hold_nothing_that_a_header_or_a_disk_minds() {
        assert_eq!(file_name("user42", "2026-05-08"), "activity-user42-2026-05-08.csv");
        assert_eq!(file_name("../a\r\n\"b\"/ü", "2026-05-08"), "activity-.._a___b___-2026-05-08.csv");
        assert_eq!(file_name(&"x".repeat(999), "d").len(), "activity--d.csv".len() + LONGEST_NAME);
    }
}
