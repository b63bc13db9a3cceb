//! Packs that a tenant wrote: who may, what is taken, and that they see no more than their tenant.

use hyper::Method;
use serde_json::{Value, json};

use crate::people::{acting, call, run, said, tenant};
use crate::support::Server;

const PACK: &str = "id = 'mine'\ntitle = 'Mine'\ndescription = 'x'\nsources = ['app']\n[[panels]]\nid = 'one'\ntitle = 'One'\n\
                    description = 'x'\nunit = 'count'\nvisual = 'stat'\nvalues = ['n']\n\
                    sql = \"SELECT count() AS n FROM pub.events WHERE $window AND kind = 'message'\"\n";

async fn put(server: &Server, token: &str, id: &str, definition: &str) -> (u16, Value) {
    let body = json!({"definition": definition});
    let answer = call(server, Method::PUT, &format!("/api/v1/packs/{id}"), token, Some(&body)).await;
    (answer.status.as_u16(), answer.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn tiers_say_who_decides_and_the_wall_stands_around_ones_own() {
    let server = Server::start_with(&[("ACTIVITYLOG_AUTH_ANONYMOUS_TENANT", "")]).await;
    tenant(&server, "acme");
    tenant(&server, "other");
    let (_, admin) = acting(&server, "acme", "boss@acme.example", "super_admin");
    let (_, viewer) = acting(&server, "acme", "v@acme.example", "viewer");
    let (_, other) = acting(&server, "other", "boss@other.example", "super_admin");
    let on = json!({"enabled": true});
    let turn =
        async |token: &str| call(&server, Method::PUT, "/api/v1/packs/audit", token, Some(&on)).await.status.as_u16();
    let may = async |token: &str| {
        let list = call(&server, Method::GET, "/api/v1/packs", token, None).await.json();
        list["items"][0]["may_change"].clone()
    };

    // Free: what an admin of the platform enabled.
    assert_eq!((turn(&admin).await, turn(&viewer).await, may(&admin).await), (403, 403, json!(false)));
    // Pro: their own admins.
    said(&server, &["tenant", "edit", "acme", "--tier", "pro"]);
    assert_eq!((turn(&admin).await, turn(&viewer).await, may(&admin).await), (200, 403, json!(true)));
    let (status, body) = put(&server, &admin, "mine", PACK).await;
    assert!(status == 403 && body["detail"].as_str().is_some_and(|text| text.contains("enterprise")), "{body}");
    // Enterprise: packs of their own.
    said(&server, &["tenant", "edit", "acme", "--tier", "enterprise"]);
    for (id, definition, says) in [
        ("mine", PACK.replace("pub.events", "activitylog.events"), "activitylog"),
        ("mine", PACK.replace("pub.events", "url('http://127.0.0.1:1/', CSV, 'x String')"), "url"),
        ("mine", PACK.replace("AS n", "AS m"), "no column \\\"n\\\""),
        ("mine", PACK.replace("'stat'", "'pie'"), "pie"),
        ("yours", PACK.to_owned(), "the address says"),
        ("audit", PACK.replace("'mine'", "'audit'"), "of the product's"),
    ] {
        let (status, body) = put(&server, &admin, id, &definition).await;
        assert!((status == 400 || status == 409) && body.to_string().contains(says), "{says}: {status} {body}");
    }
    let (status, body) = put(&server, &admin, "mine", PACK).await;
    assert_eq!((status, &body["custom"], &body["enabled"]), (200, &json!(true), &json!(false)), "{body}");
    assert_eq!(call(&server, Method::PUT, "/api/v1/packs/mine", &admin, Some(&on)).await.status, 200);

    // Its rows are those of whoever looks.
    for (token, messages) in [(&admin, 2), (&other, 3)] {
        for _ in 0..messages {
            let message = json!({"event_type": "x"});
            assert_eq!(call(&server, Method::POST, "/api/v1/messages", token, Some(&message)).await.status, 202);
        }
    }
    server.wait_for_count("SELECT count() FROM activitylog.events WHERE kind = 'message'", 5).await;
    let ask = async |token: &str| call(&server, Method::GET, "/api/v1/packs/mine/panels/one", token, None).await;
    assert_eq!(ask(&admin).await.json()["rows"], json!([[2]]));
    assert_eq!(ask(&viewer).await.json()["rows"], json!([[0]]));
    assert_eq!(ask(&other).await.status, 404);
    assert_eq!(call(&server, Method::DELETE, "/api/v1/packs/mine", &admin, None).await.status, 204);
    assert_eq!(ask(&admin).await.status, 404);
    assert_eq!(run(&server, &["tenant", "rm", "acme"]).code, 0);
    assert_eq!(server.sql("SELECT count() FROM activitylog.pack_states FINAL WHERE deleted = 0"), [["0"]]);
}
