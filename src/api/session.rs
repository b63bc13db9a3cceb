//! Signing in and out.

use super::route::Routes;

pub fn routes(routes: Routes) -> Routes {
    routes
}
