//! `GET /api/v1/values`: what a filter may be set to.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use schemars::JsonSchema;
use serde::Serialize;

use super::access::{As, ReadEvents};
use super::error::ApiError;
use super::params::Params;
use super::route::{Routes, about};
use super::router::Api;
use crate::auth::permissions::Permission;
use crate::query::values::{self, Count, Filter, fields};

#[derive(Serialize, JsonSchema)]
pub struct Values {
    items: Vec<Count>,
}

const MONTH_SECONDS: i64 = 30 * 86_400;

pub fn routes(routes: Routes) -> Routes {
    let about = about("The values that a field has in a range, the most used first")
        .query(
            "field",
            "user_id, model, project, repository, service, provider, environment, tool_name, session_id ...",
        )
        .query("from", "RFC 3339; 30 days before to, if nothing is said")
        .query("to", "RFC 3339; now, if nothing is said")
        .query("source", "of one source alone")
        .query("project", "of one project alone")
        .query("q", "text in the value, in either case")
        .number("limit", "1 to 200; 50 if nothing is said")
        .gives::<Values>();
    routes.at(Method::GET, "/api/v1/values", list, about)
}

async fn list(
    caller: As<ReadEvents>,
    State(api): State<Arc<Api>>,
    mut params: Params,
) -> Result<Json<Values>, ApiError> {
    let field = params.text("field")?.unwrap_or_default();
    let window = params.window_of(MONTH_SECONDS)?;
    let mut text = |name: &str| params.text(name).map(Option::unwrap_or_default);
    let filter = Filter { source: text("source")?, project: text("project")?, q: text("q")? };
    let limit = params.number("limit", 50, 200)?;
    params.finish()?;
    if !fields().contains(&field.as_str()) {
        return Err(ApiError::bad_request(format!("field: {field:?} is none of {}", fields().join(", "))));
    }
    let mut items = values::values(&api.reader, &caller.scope, &field, window, &filter, limit).await?;
    // Members need not know who else has an account.
    if field == "user_id" && caller.has(Permission::ProjectsAll) {
        let snapshot = api.control.snapshot();
        for item in items.iter_mut().filter(|item| item.label.is_empty()) {
            let user = snapshot.users.get(&item.value).filter(|user| user.tenant_id == caller.tenant());
            item.label = user.map_or_else(String::new, |user| user.email.clone());
        }
    }
    Ok(Json(Values { items }))
}
