//! Who sees which entries, and who sees network addresses.

use serde_json::{Value, json};

use super::{Site, entry};
use crate::reading::{ids, is_problem};
use crate::store::{nanoseconds, uuid};

const START: &str = "2026-05-12T12:00:00Z";

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_what_is_theirs() {
    let site = Site::start(&[]).await;
    let ada = site.user("default", "ada", "admin", &[]).await;
    let bob = site.user("default", "bob", "member", &["alpha"]).await;
    let both = site.user("default", "both", "viewer", &["alpha", "beta"]).await;
    let nobody = site.user("default", "nobody", "viewer", &[]).await;
    let eve = site.user("other", "eve", "super_admin", &[]).await;
    let narrow = site.token("default", "ada", "beta").await;
    let outside = site.token("default", "bob", "beta").await;
    site.known(&outside).await;
    let start = nanoseconds(START);
    let rows: Vec<Value> =
        [("default", ""), ("default", "alpha"), ("default", "beta"), ("other", "alpha"), ("other", "")]
            .into_iter()
            .zip(0..)
            .map(|((tenant, project), n)| {
                let more = json!({"tenant_id": tenant, "project": project, "source_ip": "192.0.2.1"});
                entry(start + n * 1_000_000, n as u128, more)
            })
            .collect();
    site.store.insert("activitylog.events", &rows).await;

    let all: &[u128] = &[2, 1, 0];
    for (who, token, feed, slug, in_slug) in [
        ("admin", &ada, all, "alpha", &[1][..]),
        ("member", &bob, &[1], "alpha", &[1]),
        ("member, elsewhere", &bob, &[1], "beta", &[]),
        ("member, unknown", &bob, &[1], "gamma", &[]),
        ("admin, unknown", &ada, all, "gamma", &[]),
        ("of two", &both, &[2, 1], "beta", &[2]),
        ("of none", &nobody, &[], "alpha", &[]),
        ("another tenant's", &eve, &[4, 3], "alpha", &[3]),
        ("a token of one project", &narrow, &[2], "beta", &[2]),
        ("the same, elsewhere", &narrow, &[2], "alpha", &[]),
        ("a token outside of its user's", &outside, &[], "beta", &[]),
    ] {
        let page = site.json(token, "/api/v1/activity").await;
        assert_eq!(ids(&page), feed.iter().copied().map(uuid).collect::<Vec<_>>(), "{who}");
        let page = site.json(token, &format!("/api/v1/activity?project_slug={slug}")).await;
        assert_eq!(ids(&page), in_slug.iter().copied().map(uuid).collect::<Vec<_>>(), "{who}, {slug}");
    }

    // Addresses: for admins, and for members on their project's page alone.
    let address = |page: &Value| page["items"][0]["source_ip"].clone();
    assert_eq!(address(&site.json(&ada, "/api/v1/activity").await), "192.0.2.1");
    assert_eq!(address(&site.json(&bob, "/api/v1/activity").await), Value::Null);
    let page = site.json(&bob, "/api/v1/projects/alpha/audit").await;
    assert_eq!((ids(&page), address(&page)), (vec![uuid(1)], json!("192.0.2.1")));
    let page = site.json(&ada, "/api/v1/projects/beta/audit").await;
    assert_eq!((ids(&page), address(&page)), (vec![uuid(2)], json!("192.0.2.1")));
    let (strange, unknown) =
        (site.get(&bob, "/api/v1/projects/beta/audit").await, site.get(&bob, "/api/v1/projects/gamma/audit").await);
    is_problem(&strange, 403, "member", "beta");
    assert_eq!(strange.body, unknown.body);
    assert_eq!(unknown.status, 403);
    assert_eq!(site.get("alg_a_unknown", "/api/v1/activity").await.status, 401);
    is_problem(
        &site.get(&bob, "/api/v1/projects/alpha/audit?project_slug=beta").await,
        400,
        "project_slug",
        "a filter",
    );

    // The trail is for those who may read it.
    for path in ["/api/v1/audit/activity", "/api/v1/audit/activity/export.csv?user_id=x", "/api/v1/audit/users"] {
        for token in [&ada, &bob, &nobody] {
            is_problem(&site.get(token, path).await, 403, "audit.read", path);
        }
        assert_eq!(site.server.get(path).await.status, 403, "the local admin is no super admin");
    }
}
