//! For operators: alive, ready, counters, and who the caller is.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::access::{As, Known, principal};
use super::error::ApiError;
use super::params::Params;
use super::route::{Routes, about};
use super::router::Api;
use crate::auth::permissions::Permission;
use crate::auth::principal::Via;
use crate::spool::Lane;
use crate::spool::SpoolStats;
use crate::telemetry::counters::{escaped, head, line};

pub fn routes(routes: Routes) -> Routes {
    let health = about("Each part by itself; 503 when one is not as it should be");
    let diagnostics = about("Who sends, what was turned away and why, and what nobody knows");
    routes
        .open(Method::GET, "/healthz", healthz, "none", about("The process answers").media("text/plain"))
        .open(Method::GET, "/readyz", readyz, "none", health)
        .open(Method::GET, "/metrics", metrics, "none", about("Prometheus text").media("text/plain"))
        .at(Method::GET, "/api/v1/me", me, about("Who the caller is, and where to send"))
        .at(Method::GET, "/api/v1/diagnostics", super::diagnostics::diagnostics, diagnostics)
}

/// What `app` knows of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    pub database_ready: bool,
    pub database: String,
}

pub type HealthCheck = Box<dyn Fn() -> Health + Send + Sync>;

/// `GET /healthz`: the process answers.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: each part by itself; 503 when one is not as it should be.
pub async fn readyz(State(api): State<Arc<Api>>) -> (StatusCode, Json<Value>) {
    let health = (api.health)();
    let stats = [("events", api.events.stats()), ("metrics", api.metrics.stats())];
    let quarantined: u64 = stats.iter().map(|(_, stats)| stats.quarantined).sum();
    let spool: serde_json::Map<String, Value> = stats
        .iter()
        .map(|(name, stats)| {
            ((*name).to_owned(), json!({"rows": stats.rows, "bytes": stats.bytes, "write_errors": stats.write_errors}))
        })
        .collect();
    let ready = health.database_ready && quarantined == 0;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": if ready { "ready" } else { "degraded" },
        "database": {"ready": health.database_ready, "detail": health.database},
        "spool": spool,
        "quarantine": {"ready": quarantined == 0, "segments": quarantined},
    });
    (status, Json(body))
}

/// `GET /metrics`: Prometheus text. The counts of each tenant are for whoever may know that there are others.
pub async fn metrics(State(api): State<Arc<Api>>, request: Request) -> impl IntoResponse {
    let (parts, _) = request.into_parts();
    let sees_tenants = principal(&api, &parts)
        .is_ok_and(|caller| caller.via == Via::Anonymous || caller.has(Permission::TenantsManage));
    let mut out = String::new();
    api.counters.in_flight_bytes.store(api.budget.used(), Relaxed);
    api.counters.write(&mut out);
    api.diagnostics.write(&mut out);
    for (name, kind, help, read) in SPOOL {
        head(&mut out, name, kind, help);
        for (table, stats) in [("events", api.events.stats()), ("metrics", api.metrics.stats())] {
            line(&mut out, name, &format!("table=\"{table}\""), read(&stats));
        }
    }
    let name = "activitylog_spool_lane_rows";
    head(&mut out, name, "gauge", "The same rows by lane: a flood has one, everybody else the other.");
    for lane in Lane::ALL {
        for (table, stats) in [("events", api.events.stats_of(lane)), ("metrics", api.metrics.stats_of(lane))] {
            line(&mut out, name, &format!("table=\"{table}\",lane=\"{}\"", lane.as_str()), stats.rows);
        }
    }
    let name = "activitylog_tenant_bytes_today";
    head(&mut out, name, "gauge", "Bytes stored since midnight UTC, of tenants with a quota.");
    for (tenant, bytes) in api.quotas.today() {
        line(&mut out, name, &format!("tenant=\"{}\"", escaped(&tenant)), bytes);
    }
    head(&mut out, "activitylog_database_ready", "gauge", "1 while ClickHouse answers and its schema is up to date.");
    line(&mut out, "activitylog_database_ready", "", u64::from((api.health)().database_ready));
    head(
        &mut out,
        "activitylog_audit_lost_total",
        "counter",
        "Entries of the product's own audit trail that are in the log alone.",
    );
    line(&mut out, "activitylog_audit_lost_total", "", api.trail.lost());
    head(&mut out, "activitylog_build_info", "gauge", "The version.");
    let _ = writeln!(out, "activitylog_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
    if !sees_tenants {
        out = out.split_inclusive('\n').filter(|line| !line.contains("tenant=\"")).collect();
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], out)
}

type Reading = (&'static str, &'static str, &'static str, fn(&SpoolStats) -> u64);

const SPOOL: [Reading; 13] = [
    ("activitylog_spool_rows", "gauge", "Rows on disk that are not in ClickHouse yet.", |stats| stats.rows),
    ("activitylog_spool_bytes", "gauge", "Bytes on disk, the quarantine's included.", |stats| stats.bytes),
    ("activitylog_spool_oldest_seconds", "gauge", "Age of the oldest row that waits.", |stats| {
        stats.oldest.map_or(0, |age| age.as_secs())
    }),
    ("activitylog_spool_quarantined_segments", "gauge", "Segments that ClickHouse can't take.", |stats| {
        stats.quarantined
    }),
    ("activitylog_spool_commits_total", "counter", "Group commits, each one fsync.", |stats| stats.commits),
    ("activitylog_spool_write_errors_total", "counter", "Failed writes and fsyncs.", |stats| stats.write_errors),
    ("activitylog_spool_appended_rows_total", "counter", "Rows fsynced.", |stats| stats.appended_rows),
    ("activitylog_spool_shipped_rows_total", "counter", "Rows committed in ClickHouse.", |stats| stats.shipped_rows),
    ("activitylog_spool_shipped_segments_total", "counter", "Segments committed in ClickHouse.", |stats| {
        stats.shipped_segments
    }),
    ("activitylog_replay_keys", "gauge", "Exports remembered, so that a replay is not stored again.", |stats| {
        stats.replay_keys
    }),
    ("activitylog_replay_evicted_total", "counter", "Exports forgotten before their window was over.", |stats| {
        stats.replay_evicted_early
    }),
    (
        "activitylog_delivery_keys",
        "gauge",
        "Webhooks and messages remembered, so that a replay is not stored again.",
        |stats| stats.delivery_keys,
    ),
    (
        "activitylog_delivery_evicted_total",
        "counter",
        "Webhooks and messages forgotten before their window was over.",
        |stats| stats.delivery_evicted_early,
    ),
];

/// `GET /api/v1/me`: who the caller is, and where to send.
pub async fn me(caller: As<Known>, State(api): State<Arc<Api>>, params: Params) -> Result<Json<Value>, ApiError> {
    params.finish()?;
    Ok(Json(json!({
        "tenant": caller.tenant(),
        "user": {"id": caller.user_id, "email": caller.email, "name": caller.name, "role": caller.role},
        "permissions": caller.permissions.names(),
        "projects": if caller.scope.all_projects { Value::Null } else { json!(caller.scope.projects) },
        "via": match caller.via {
            Via::Anonymous => "anonymous",
            Via::Session { .. } => "session",
            Via::Token(_) => "token",
            Via::Proxy => "proxy",
        },
        "version": env!("CARGO_PKG_VERSION"),
        "endpoints": api.endpoints,
    })))
}
