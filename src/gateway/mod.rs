//! SQL that callers wrote: through the gate, behind the wall, within their tier's limits, and the answer as it streams.
//!
//! ```text
//! Question -> turn -> gate (EXPLAIN AST as `gate`, judged) -> ClickHouse as `reader`, the Scope in its query id -> Answer
//! ```
//! The wall is the guarantee, the gate a convenience: see `clickhouse::wall` and `judge`.

mod answer;
mod exception;
mod judge;
pub mod settings;
mod tree;
mod turns;

use std::io::Read;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue};
use hyper::{HeaderMap, Response};

use crate::clickhouse::raw::Raw;
use crate::clickhouse::read::query_id;
use crate::model::scope::Scope;
use crate::spool::frame::{self, Frame};

pub use answer::{Answer, End, Ended};
pub use exception::Exception;
pub use judge::{Verdict, judge};
pub use settings::Asked;
use turns::Turns;

/// The text of a query, at most.
pub const LONGEST_QUERY: usize = 1 << 20;
const MOST_PARAMS: usize = 16 << 10;
/// An error of ClickHouse's, and the tree of a query.
const LONGEST_ERROR: usize = 256 << 10;
const LONGEST_TREE: usize = 32 << 20;
/// ClickHouse itself ends a query in time; this is for when it does not.
const GRACE: Duration = Duration::from_secs(10);
/// Stands before what is parsed.
const PARSE: &str = "EXPLAIN AST ";
const GATE_TIME: Duration = Duration::from_secs(5);

pub struct Gateway {
    reader: Raw,
    gate: Raw,
    turns: Turns,
}

/// What one query may use. 0: what `reader` may.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    pub time: Duration,
    pub rows_to_read: u64,
    pub result_bytes: u64,
}

pub struct Question {
    pub text: Bytes,
    pub asked: Asked,
    /// One content coding, of those that the caller takes.
    pub coding: Option<&'static str>,
}

// === impl Gateway ===

impl Gateway {
    pub fn new(reader: Raw, gate: Raw) -> Gateway {
        Gateway { reader, gate, turns: Turns::new() }
    }

    pub async fn ask(&self, scope: &Scope, limits: Limits, question: Question) -> Result<Answer, Exception> {
        let started = Instant::now();
        if question.text.len() > LONGEST_QUERY {
            return Err(Exception::too_large(LONGEST_QUERY));
        }
        // They ride in an address, where a byte may take three.
        if question.asked.params.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > MOST_PARAMS {
            return Err(Exception::bad_argument(format_args!(
                "the parameters are longer than {MOST_PARAMS} bytes together"
            )));
        }
        let turn = self.turns.take(&scope.tenant).await?;
        let verdict = self.admit(&question).await?;
        let mut settings = upstream_settings(scope, limits, &question.asked);
        if verdict == Verdict::Metadata {
            // In mode 1 `system.settings` calls all of them read-only, and clients then refuse by themselves to send any. The gate
            // takes no SETTINGS, so this changes nothing else.
            settings.extend(own(&[("readonly", "2".to_owned())]));
        }
        // The first is the id: see `upstream_settings`.
        let id = settings.first().map_or(String::new(), |(_, id)| id.clone());
        let mut headers = HeaderMap::new();
        if let Some(coding) = question.coding.filter(|_| question.asked.http_compression) {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(coding));
        }
        let patience = if limits.time.is_zero() { Duration::from_secs(300) } else { limits.time + GRACE };
        let asked = self.reader.post(&settings, headers, question.text);
        let response = tokio::time::timeout(patience, asked).await.map_err(|_| Exception::too_slow())??;
        if !response.status().is_success() {
            return Err(self.exception(response, &self.reader.address(), &id).await.advised());
        }
        let (head, body) = response.into_parts();
        let shown_id = id.split_once('.').map_or("", |(_, uuid)| uuid);
        let headers = answer::shown(&head.headers, shown_id);
        Ok(Answer { headers, stream: answer::Stream::new(body, turn, started), verdict })
    }

    /// ClickHouse's own parser says what the text is; as a user that has no rights, and may not set anything.
    async fn admit(&self, question: &Question) -> Result<Verdict, Exception> {
        let mut settings = question.asked.params.clone();
        settings.extend(own(&[
            ("readonly", "1".to_owned()),
            ("default_format", "TabSeparatedRaw".to_owned()),
            ("max_query_size", (2 * LONGEST_QUERY).to_string()),
        ]));
        let text = [PARSE.as_bytes(), question.text.as_ref()].concat();
        let asked = self.gate.post(&settings, HeaderMap::new(), text.into());
        let response = tokio::time::timeout(GATE_TIME, asked).await.map_err(|_| Exception::too_slow())??;
        if !response.status().is_success() {
            let mut exception = self.exception(response, &self.gate.address(), "").await;
            if exception.code == 164 {
                exception =
                    Exception::denied("SETTINGS are not taken in a query: limits are those of the tenant's tier");
            }
            return Err(exception.moved_back(PARSE.len()));
        }
        let printed = whole(response.into_body(), LONGEST_TREE).await;
        let printed = printed.ok_or_else(|| Exception::denied("the query is too long to be understood"))?;
        judge(&String::from_utf8_lossy(&printed))
    }

    async fn exception(&self, response: Response<Incoming>, address: &str, id: &str) -> Exception {
        let (head, body) = response.into_parts();
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let code = header("x-clickhouse-exception-code").and_then(|code| code.parse().ok()).unwrap_or(0);
        let coding = header(CONTENT_ENCODING.as_str()).unwrap_or("").to_owned();
        let body = whole(body, LONGEST_ERROR).await.unwrap_or_default();
        let text = readable(&body, &coding).unwrap_or_else(|| format!("Code: {code}. DB::Exception: the query failed"));
        Exception::said(head.status.as_u16(), code, &exception::mask(&text, address, id))
    }
}

fn own(settings: &[(&str, String)]) -> Vec<(String, String)> {
    settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

/// What the address of a run carries: the Scope in the query's id first, ours last, so that ours are the ones that count. The wall
/// is tried with just these.
pub fn upstream_settings(scope: &Scope, limits: Limits, asked: &Asked) -> Vec<(String, String)> {
    let mut settings = own(&[("query_id", query_id(scope)), ("database", settings::DATABASE.to_owned())]);
    settings.extend(asked.params.iter().chain(&asked.settings).cloned());
    let limits = [
        ("max_execution_time", limits.time.as_secs()),
        ("max_rows_to_read", limits.rows_to_read),
        ("max_result_bytes", limits.result_bytes),
        ("max_result_rows", 0),
    ];
    for (name, ours) in limits {
        let value = asked.at_most(name, ours);
        if value > 0 {
            settings.push((name.to_owned(), value.to_string()));
        }
    }
    let flag = |on: bool| u8::from(on).to_string();
    settings.extend(own(&[
        ("compress", flag(asked.framed)),
        ("enable_http_compression", flag(asked.http_compression)),
        // JSON would say how many rows were read: of granules that all tenants share.
        ("output_format_write_statistics", "0".to_owned()),
        ("result_overflow_mode", "throw".to_owned()),
        ("read_overflow_mode", "throw".to_owned()),
        ("timeout_overflow_mode", "throw".to_owned()),
        ("max_query_size", (2 * LONGEST_QUERY).to_string()),
        ("cancel_http_readonly_queries_on_client_close", "1".to_owned()),
        ("readonly", "1".to_owned()),
    ]));
    settings
}

async fn whole(body: Incoming, most: usize) -> Option<Bytes> {
    Some(Limited::new(body, most).collect().await.ok()?.to_bytes())
}

/// The text of an error, also of one that was compressed like the answer it stands for.
fn readable(body: &[u8], coding: &str) -> Option<String> {
    let mut text = Vec::new();
    let most = LONGEST_ERROR as u64;
    let read = match coding {
        "" | "identity" => {
            return Some(String::from_utf8_lossy(&unframed(body)).into_owned())
                .filter(|text| text.contains("Exception"));
        }
        "gzip" => flate2::read::MultiGzDecoder::new(body).take(most).read_to_end(&mut text),
        "deflate" => flate2::read::ZlibDecoder::new(body).take(most).read_to_end(&mut text),
        "zstd" => zstd::stream::read::Decoder::new(body).ok()?.take(most).read_to_end(&mut text),
        _ => return None,
    };
    read.ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// With `compress=1` an error comes in a frame too.
fn unframed(body: &[u8]) -> Vec<u8> {
    let frame = Frame::read(body).filter(|frame| frame.method == frame::LZ4 && frame.raw_len <= LONGEST_ERROR);
    let text = frame.and_then(|frame| lz4_flex::block::decompress(frame.data, frame.raw_len).ok());
    text.unwrap_or_else(|| body.to_vec())
}

/// For those who asked with `compress=1`: they read errors so, too.
pub fn framed(text: &str) -> Vec<u8> {
    let mut frames = Vec::new();
    frame::Encoder::new().append(text.as_bytes(), &mut frames);
    frames
}
