//! Users, roles, projects, memberships, invites, tokens, webhook sources, tenants and their settings.

use super::route::Routes;

pub fn routes(routes: Routes) -> Routes {
    routes
}
