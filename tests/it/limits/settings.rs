//! How long a tenant's events are kept and whether their content is: from its row, without a restart.

use activitylog::control::records::{Capture, Tenant};

use super::add;
use crate::support::{Server, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn retention_and_capture_are_the_tenants_own_and_change_while_it_runs() {
    let server = Server::start().await;
    let mut acme = add(&server, "acme", Tenant { retention_days: 11, ..Tenant::default() }).await;
    let other = add(&server, "other", Tenant::default()).await;
    assert_eq!(acme.send(&server, &["before"]).await.status, 200);
    assert_eq!(other.send(&server, &["before"]).await.status, 200);
    acme.change(&server, |tenant| (tenant.retention_days, tenant.capture) = (400, Capture::On)).await;
    let row = |tenant: &str, message: &str| {
        format!(
            "SELECT retention_days, mapContains(attributes, 'gen_ai.prompt') FROM activitylog.events \
             WHERE tenant_id = '{tenant}' AND message = '{message}'"
        )
    };
    // Each try is an event of its own.
    let mut tries = 0;
    let found = eventually("the change holds", async || {
        tries += 1;
        let message = format!("after {tries}");
        assert_eq!(acme.send(&server, &[&message]).await.status, 200);
        let rows = eventually("it is stored", async || {
            Some(server.sql(&row("acme", &message))).filter(|rows| !rows.is_empty())
        })
        .await;
        (rows[0][0] == "400").then(|| rows[0].clone())
    })
    .await;
    assert_eq!(found, ["400", "1"]);
    assert_eq!(server.sql(&row("acme", "before")), [["11", "0"]]);
    assert_eq!(other.send(&server, &["after"]).await.status, 200);
    let rows =
        eventually("it is stored", async || Some(server.sql(&row("other", "after"))).filter(|rows| !rows.is_empty()))
            .await;
    assert_eq!(rows, [["30", "0"]]);
}
