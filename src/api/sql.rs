//! SQL of the callers' own, behind the tenant wall.

use super::route::Routes;

pub fn routes(routes: Routes) -> Routes {
    routes
}
