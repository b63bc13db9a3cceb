//! `/api/v1/webhooks`

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode};

use super::super::access::{As, ManageWebhooks};
use super::super::body::{InPath, JsonBody};
use super::super::error::ApiError;
use super::super::params::Params;
use super::super::route::{Routes, about};
use super::super::router::Api;
use super::change;
use super::page::{Page, Wanted, paged};
use crate::auth::Principal;
use crate::clickhouse::server::StoreError;
use crate::control::sources::Source;
use crate::people::webhooks::{self, EditWebhook, MadeWebhook, NewWebhook, Rotate, WebhookItem};
use crate::query::deliveries::deliveries;

pub fn routes(routes: Routes) -> Routes {
    let (all, one, rotated) = ("/api/v1/webhooks", "/api/v1/webhooks/{id}", "/api/v1/webhooks/{id}/rotate");
    let added = about("Make a source; its secret is shown once").takes::<NewWebhook>().gives::<MadeWebhook>();
    let renewed = about("Give a source a new secret; the old ones hold for a while").takes::<Rotate>();
    routes
        .at(Method::GET, all, list, paged::<WebhookItem>(about("The webhook sources, by name")))
        .at(Method::POST, all, add, added.status(201))
        .at(
            Method::PATCH,
            one,
            edit,
            about("Rename a source, or move it").takes::<EditWebhook>().gives::<WebhookItem>(),
        )
        .at(Method::DELETE, one, remove, about("Delete a source; its events stay").status(204))
        .at(Method::POST, rotated, rotate, renewed.gives::<MadeWebhook>())
}

async fn list(
    caller: As<ManageWebhooks>,
    State(api): State<Arc<Api>>,
    mut params: Params,
) -> Result<Page<WebhookItem>, ApiError> {
    let wanted = Wanted::of(&mut params)?;
    params.finish()?;
    let snapshot = api.control.snapshot();
    let sources = webhooks::seen(&snapshot, &caller);
    let page = wanted.page(sources, |source| format!("{}\0{}", source.name, source.id), |source| source);
    let seen = came(&api, &caller, &page.items.iter().map(|source| source.id.as_str()).collect::<Vec<_>>()).await;
    let item = |source: &Arc<Source>| webhooks::item(source, &api.public_url, of(seen.as_ref(), &source.id));
    Ok(Page { items: page.items.into_iter().map(item).collect(), next_cursor: page.next_cursor, as_file: page.as_file })
}

/// The list does not wait longer for what is beside it.
const PATIENCE: Duration = Duration::from_secs(5);

/// By source; nothing if the database does not say.
async fn came(api: &Api, caller: &Principal, ids: &[&str]) -> Option<HashMap<String, (u64, i64)>> {
    if ids.is_empty() {
        return Some(HashMap::new());
    }
    let asked = tokio::time::timeout(PATIENCE, deliveries(&api.reader, &caller.scope, ids)).await;
    match asked.unwrap_or(Err(StoreError::Timeout(PATIENCE))) {
        Ok(found) => Some(found.into_iter().map(|row| (row.id, (row.deliveries, row.last_received))).collect()),
        Err(error) => {
            tracing::info!(%error, "what webhook sources received is not known");
            None
        }
    }
}

fn of(seen: Option<&HashMap<String, (u64, i64)>>, id: &str) -> Option<(u64, i64)> {
    seen.map(|seen| seen.get(id).copied().unwrap_or((0, 0)))
}

async fn made(api: &Api, caller: &Principal, source: &Source) -> Result<MadeWebhook, ApiError> {
    let seen = came(api, caller, &[&source.id]).await;
    let item = webhooks::item(source, &api.public_url, of(seen.as_ref(), &source.id));
    // The newest stands first.
    let secret = source.secrets.first().map(|secret| secret.secret.clone()).unwrap_or_default();
    Ok(MadeWebhook { item, secret })
}

async fn add(
    caller: As<ManageWebhooks>,
    State(api): State<Arc<Api>>,
    JsonBody(request): JsonBody<NewWebhook>,
) -> Result<(StatusCode, Json<MadeWebhook>), ApiError> {
    let who = caller.0.clone();
    let source = change(&api, move |_| webhooks::add(&who, &request)).await?;
    Ok((StatusCode::CREATED, Json(made(&api, &caller, &source).await?)))
}

async fn edit(
    caller: As<ManageWebhooks>,
    State(api): State<Arc<Api>>,
    InPath(id): InPath<String>,
    JsonBody(request): JsonBody<EditWebhook>,
) -> Result<Json<WebhookItem>, ApiError> {
    let who = caller.0.clone();
    let source = change(&api, move |snapshot| webhooks::edit(snapshot, &who, &id, &request)).await?;
    Ok(Json(made(&api, &caller, &source).await?.item))
}

async fn remove(
    caller: As<ManageWebhooks>,
    State(api): State<Arc<Api>>,
    InPath(id): InPath<String>,
) -> Result<StatusCode, ApiError> {
    change(&api, move |snapshot| webhooks::remove(snapshot, &caller, &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn rotate(
    caller: As<ManageWebhooks>,
    State(api): State<Arc<Api>>,
    InPath(id): InPath<String>,
    JsonBody(request): JsonBody<Rotate>,
) -> Result<Json<MadeWebhook>, ApiError> {
    let keep_ms = request.keep_ms()?;
    let who = caller.0.clone();
    let source = change(&api, move |snapshot| webhooks::rotate(snapshot, &who, &id, None, keep_ms)).await?;
    Ok(Json(made(&api, &caller, &source).await?))
}
