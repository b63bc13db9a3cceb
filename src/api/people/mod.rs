//! Users, roles, projects, memberships, invites, tokens, webhook sources, tenants and their settings: what [`crate::people`]
//! decides, over HTTP.

mod invites;
mod page;
mod projects;
mod roles;
mod tenants;
mod tokens;
mod users;
mod webhooks;

use std::sync::Arc;

use super::error::ApiError;
use super::route::Routes;
use super::router::Api;
use crate::control::Snapshot;
use crate::people::{Decision, Problem};

pub fn routes(routes: Routes) -> Routes {
    let routes = users::routes(routes);
    let routes = roles::routes(routes);
    let routes = projects::routes(routes);
    let routes = tokens::routes(routes);
    let routes = invites::routes(routes);
    let routes = webhooks::routes(routes);
    tenants::routes(routes)
}

/// Decides on what is there now, alone on this node, writes what was decided, and says it in the audit trail. To its end, also
/// when the caller hangs up: nothing is changed without its entry.
pub(super) async fn change<T, D>(api: &Arc<Api>, decide: D) -> Result<T, ApiError>
where
    T: Send + 'static,
    D: FnOnce(&Snapshot) -> Result<Decision<T>, Problem> + Send + 'static,
{
    let api = api.clone();
    let changing = tokio::spawn(async move {
        let edit = api.control.edit().await?;
        let decision = decide(&edit.snapshot())?;
        if !decision.change.is_empty() {
            edit.write(decision.change).await?;
        }
        for entry in decision.entries {
            api.trail.record(entry).await;
        }
        Ok(decision.answer)
    });
    changing.await.map_err(|error| ApiError::internal(&error))?
}
