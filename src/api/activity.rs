//! The activity feed, and the audit trail.

use super::route::Routes;

pub fn routes(routes: Routes) -> Routes {
    routes
}
