//! SQL of the callers' own, behind the tenant wall: `POST /api/v1/sql`, and ClickHouse's HTTP interface below `/clickhouse`.

mod body;
mod interface;
mod params;
mod record;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::access::{As, QuerySql};
use super::error::ApiError;
use super::route::{Routes, about};
use super::router::Api;
use crate::auth::Principal;
use crate::control::records::Tier;
use crate::gateway::{Answer, Asked, Exception, LONGEST_QUERY, Limits, Question};
use record::{Record, Way};

/// A query, and how its answer is to look.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Query {
    /// One SELECT over the tables of `pub`, in ClickHouse's SQL.
    query: String,
    /// A format of ClickHouse's, such as JSON, JSONEachRow, CSVWithNames, Parquet; a FORMAT clause goes before it.
    #[serde(default = "json")]
    format: String,
    /// Values of `{name:Type}` in the query.
    #[serde(default)]
    params: BTreeMap<String, Value>,
}

fn json() -> String {
    "JSON".to_owned()
}

/// Room for the JSON around a query.
const LONGEST_BODY: usize = LONGEST_QUERY + (64 << 10);
const LONGEST_FORMAT: usize = 64;

pub fn routes(routes: Routes) -> Routes {
    let permission = "sql.query";
    let asked = |summary| about(summary).query("query", "one SELECT; or in the body").media("text/plain");
    routes
        .at(Method::POST, "/api/v1/sql", sql, about("Run one SELECT over pub.*; the answer streams").takes::<Query>())
        .open(Method::GET, "/clickhouse/ping", interface::ping, "none", about("Alive").media("text/plain"))
        .open(Method::GET, "/clickhouse", interface::serve, permission, asked("ClickHouse's HTTP interface"))
        .open(Method::POST, "/clickhouse", interface::serve, permission, asked("ClickHouse's HTTP interface"))
        .open(Method::GET, "/clickhouse/", interface::serve, permission, asked("ClickHouse's HTTP interface"))
        .open(Method::POST, "/clickhouse/", interface::serve, permission, asked("ClickHouse's HTTP interface"))
}

async fn sql(caller: As<QuerySql>, State(api): State<Arc<Api>>, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    // A form of another site's page could not send this type.
    let json = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if !json.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json")) {
        return Err(ApiError::bad_request(format!("the content type is {json:?}: send application/json")));
    }
    let text = body::take(&api, &parts.headers, body, LONGEST_BODY).await?;
    let Query { query, format, params } = serde_json::from_slice(&text).map_err(|error| {
        ApiError::bad_request(format!("the body is not {{\"query\", \"format\", \"params\"}}: {error}"))
    })?;
    if format.is_empty() || format.len() > LONGEST_FORMAT || !format.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(ApiError::bad_request("format: send the name of one of ClickHouse's formats, such as JSON or CSV"));
    }
    let mut asked = Asked { http_compression: true, ..Asked::default() };
    asked.take("default_format", &format)?;
    for (name, value) in &params {
        asked.take(&format!("param_{name}"), &params::text(value))?;
    }
    let record = Record::of(&caller, Way::Api, query.as_bytes());
    let question = Question { text: query.into(), asked, coding: coding(&parts.headers) };
    Ok(respond(ask(&api, &caller, question, record).await?))
}

/// Runs it, and writes what became of it to the audit trail.
async fn ask(api: &Api, caller: &Principal, question: Question, record: Record) -> Result<Answer, Exception> {
    let trail = api.trail.clone();
    match api.gateway.ask(&caller.scope, limits(api, caller), question).await {
        Ok(mut answer) => {
            record.when_sent(trail, &mut answer);
            Ok(answer)
        }
        Err(exception) => {
            record.failed(&trail, &exception).await;
            Err(exception)
        }
    }
}

pub(super) fn limits(api: &Api, caller: &Principal) -> Limits {
    let tier = api.control.snapshot().tenants.get(caller.tenant()).map(|tenant| tenant.tier).unwrap_or_default();
    let limits = match tier {
        Tier::Free => &api.tiers.free,
        Tier::Pro => &api.tiers.pro,
        Tier::Enterprise => &api.tiers.enterprise,
    };
    Limits { time: limits.query_time.0, rows_to_read: limits.query_rows, result_bytes: limits.query_result_bytes.0 }
}

fn respond(answer: Answer) -> Response {
    let mut response = Response::new(Body::new(answer.stream));
    *response.headers_mut() = answer.headers;
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    response
}

/// One of those that the caller takes; first those in which an error of ClickHouse's can be read on its way.
fn coding(headers: &HeaderMap) -> Option<&'static str> {
    let accepted: Vec<&str> = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .filter(|choice| !choice.replace(' ', "").ends_with(";q=0"))
        .map(|choice| choice.split(';').next().unwrap_or("").trim())
        .collect();
    let known = ["zstd", "gzip", "deflate", "lz4", "br"];
    known.into_iter().find(|coding| accepted.iter().any(|choice| choice.eq_ignore_ascii_case(coding)))
}
