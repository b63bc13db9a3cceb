//! `/api/v1/tokens`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, StatusCode};

use super::super::access::{As, SignedIn};
use super::super::body::{InPath, JsonBody};
use super::super::error::ApiError;
use super::super::params::Params;
use super::super::route::{Routes, about};
use super::super::router::Api;
use super::change;
use super::page::{Page, Wanted, newest, paged};
use crate::people::tokens::{self, MintedToken, NewToken, TokenItem};

pub fn routes(routes: Routes) -> Routes {
    let listed = about("The tokens of the tenant, the newest first; without tokens.manage, one's own API tokens");
    let minted = about("Make a token; it is shown once. Without tokens.manage, an API token for oneself");
    let (all, one) = ("/api/v1/tokens", "/api/v1/tokens/{id}");
    routes
        .at(Method::GET, all, list, paged::<TokenItem>(listed))
        .at(Method::POST, all, mint, minted.takes::<NewToken>().gives::<MintedToken>().status(201))
        .at(Method::DELETE, one, revoke, about("Revoke a token").status(204))
}

async fn list(
    caller: As<SignedIn>,
    State(api): State<Arc<Api>>,
    mut params: Params,
) -> Result<Page<TokenItem>, ApiError> {
    let wanted = Wanted::of(&mut params)?;
    params.finish()?;
    let snapshot = api.control.snapshot();
    let seen = tokens::seen(&snapshot, &caller);
    Ok(wanted.page(seen, |token| newest(token.created_at_ms, &token.id), |token| tokens::item(token)))
}

async fn mint(
    caller: As<SignedIn>,
    State(api): State<Arc<Api>>,
    JsonBody(request): JsonBody<NewToken>,
) -> Result<(StatusCode, Json<MintedToken>), ApiError> {
    let decide = move |snapshot: &crate::control::Snapshot| {
        let user = snapshot.users.get(&caller.user_id).map(|user| &**user);
        tokens::mint(snapshot, &caller, user, &request)
    };
    let (token, text) = change(&api, decide).await?;
    Ok((StatusCode::CREATED, Json(MintedToken { item: tokens::item(&token), token: text })))
}

async fn revoke(
    caller: As<SignedIn>,
    State(api): State<Arc<Api>>,
    InPath(id): InPath<String>,
) -> Result<StatusCode, ApiError> {
    change(&api, move |snapshot| tokens::revoke(snapshot, &caller, &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
