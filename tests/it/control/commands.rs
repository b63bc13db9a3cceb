//! `activitylog tenant|user|role|project|membership|token|invite`.

use serde_json::{Value, json};

use super::server;
use crate::people::{call, lines, run, said, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_made_and_unmade_from_the_command_line() {
    let server = server().await;
    let made = said(&server, &["tenant", "add", "--id", "acme", "--name", "Acme Inc.", "--tier", "pro"]);
    assert_eq!((&made["id"], &made["name"], &made["tier"]), (&json!("acme"), &json!("Acme Inc."), &json!("pro")));
    let edited = said(&server, &["tenant", "edit", "acme", "--retention-days", "90", "--capture", "on"]);
    assert_eq!((&edited["effective"]["retention_days"], &edited["capture"]), (&json!(90), &json!("on")));
    let ids: Vec<Value> = lines(&server, &["tenant", "ls"]).into_iter().map(|tenant| tenant["id"].clone()).collect();
    assert_eq!(ids, ["acme", "default"]);

    let ada = ["user", "add", "--tenant", "acme", "--email", " Ada@Example.com ", "--role", "member"];
    let user = said(&server, &ada);
    assert_eq!((&user["email"], &user["must_change_password"]), (&json!("ada@example.com"), &json!(true)));
    assert_eq!(text(&user, "password").len(), 43);
    said(&server, &["project", "add", "--tenant", "acme", "--slug", "shop", "--name", "The shop"]);
    said(&server, &["membership", "add", "--tenant", "acme", "--user", "ADA@example.com", "--project", "shop"]);
    let members = lines(&server, &["membership", "ls", "--tenant", "acme", "--project", "shop"]);
    assert_eq!((members.len(), &members[0]["user_id"]), (1, &user["id"]));
    let listed = lines(&server, &["user", "ls", "--tenant", "acme"]);
    assert_eq!((listed.len(), &listed[0]["projects"]), (1, &json!(["shop"])));

    let id = text(&user, "id");
    let api = said(&server, &["token", "mint", "--tenant", "acme", "--kind", "api", "--user", &id]);
    assert_eq!(api.as_object().expect("an object").keys().collect::<Vec<_>>(), ["id", "token"]);
    let me = call(&server, hyper::Method::GET, "/api/v1/me", &text(&api, "token"), None).await;
    assert_eq!((me.status.as_u16(), me.json()["projects"].clone()), (200, json!(["shop"])), "{}", me.text());
    let ingest = said(&server, &["token", "mint", "--tenant", "acme", "--kind", "ingest", "--project", "shop"]);
    assert!(text(&ingest, "token").starts_with("alg_i_"));
    assert_eq!(lines(&server, &["token", "ls", "--tenant", "acme"]).len(), 2);
    lines(&server, &["token", "revoke", "--tenant", "acme", &text(&api, "id")]);
    let me = call(&server, hyper::Method::GET, "/api/v1/me", &text(&api, "token"), None).await;
    assert_eq!(me.status, 401, "the instance knows when the command returns");

    let invite = ["invite", "add", "--tenant", "acme", "--email", "bo@b.c", "--role", "member", "--project", "shop"];
    let invite = said(&server, &invite);
    assert!(text(&invite, "link").starts_with(&server.api("/invite#")), "{invite}");
    assert_eq!(lines(&server, &["invite", "ls", "--tenant", "acme"])[0]["projects"], json!(["shop"]));
    lines(&server, &["invite", "rm", "--tenant", "acme", &text(&invite, "id")]);

    let auditor = ["role", "add", "--tenant", "acme", "--name", "auditor", "--permissions", "events.read,audit.read"];
    said(&server, &auditor);
    said(&server, &["user", "edit", "--tenant", "acme", "ada@example.com", "--role", "auditor"]);
    assert_eq!(run(&server, &["role", "rm", "--tenant", "acme", "auditor"]).code, 1);
    assert_eq!(
        said(&server, &["role", "reassign", "--tenant", "acme", "auditor", "--to", "viewer"]),
        json!({"moved": 1})
    );
    assert_eq!(lines(&server, &["role", "ls", "--tenant", "acme"]).len(), 5);

    lines(&server, &["membership", "rm", "--tenant", "acme", "--user", &id, "--project", "shop"]);
    lines(&server, &["project", "rm", "--tenant", "acme", "shop"]);
    lines(&server, &["user", "rm", "--tenant", "acme", &id]);
    lines(&server, &["tenant", "rm", "acme"]);
    for table in ["users", "tokens", "roles", "projects", "memberships", "invites"] {
        let left = format!("SELECT count() FROM activitylog.{table} FINAL WHERE deleted = 0 AND tenant_id = 'acme'");
        assert_eq!(server.number(&left), 0, "{table}");
    }
    assert_eq!(server.number("SELECT sum(length(password_hash)) FROM activitylog.users FINAL"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_is_refused_with_the_promised_code() {
    let server = server().await;
    let user = |email: &'static str, role: &'static str| {
        vec!["user", "add", "--tenant", "default", "--email", email, "--role", role]
    };
    for (arguments, code, part) in [
        (vec!["tenant", "add", "--id", "Acme"], 64, "--id: \"Acme\""),
        (vec!["tenant", "add", "--id", "a", "--tier", "gold"], 64, "enterprise"),
        (vec!["tenant", "add", "--id", "default"], 1, "already"),
        (vec!["tenant", "rm", "default"], 1, "it stays"),
        (vec!["tenant", "edit", "nobody", "--name", "x"], 1, "no tenant \"nobody\""),
        (vec!["tenant", "edit", "default", "--retention-days", "20001"], 64, "--retention-days"),
        (user("ada", "admin"), 64, "--email"),
        (user("a@b", "boss"), 64, "--role"),
        ([user("a@b", "admin"), vec!["--password", ""]].concat(), 64, "--password"),
        (vec!["user", "ls", "--tenant", "nobody"], 1, "no tenant \"nobody\""),
        (vec!["user", "rm", "--tenant", "default", "a@b"], 1, "no user \"a@b\""),
        (vec!["project", "add", "--tenant", "default", "--slug", "a b"], 64, "--slug"),
        (vec!["membership", "add", "--tenant", "default", "--user", "a@b", "--project", "p"], 1, "no user"),
        (vec!["token", "mint", "--tenant", "default", "--kind", "api"], 64, "--user"),
        (vec!["token", "mint", "--tenant", "default", "--kind", "both"], 64, "ingest"),
        (
            vec!["role", "add", "--tenant", "default", "--name", "x", "--permissions", "fly"],
            64,
            "no permission \"fly\"",
        ),
        (vec!["role", "rm", "--tenant", "default", "admin"], 1, "comes with the product"),
        (vec!["invite", "add", "--tenant", "default", "--email", "x", "--role", "admin"], 64, "--email"),
    ] {
        let said = run(&server, &arguments);
        assert_eq!((said.code, said.out.as_str()), (code, ""), "{arguments:?}: {}", said.error);
        assert!(said.error.contains(part), "{arguments:?}: {}", said.error);
    }
    for (command, verbs) in [
        ("tenant", &["add", "ls", "edit", "rm"][..]),
        ("user", &["add", "ls", "edit", "rm"]),
        ("role", &["add", "ls", "rm", "reassign"]),
        ("project", &["add", "ls", "rm"]),
        ("membership", &["add", "ls", "rm"]),
        ("token", &["mint", "ls", "revoke"]),
        ("invite", &["add", "ls", "rm"]),
    ] {
        for verb in verbs {
            let said = run(&server, &[command, verb, "--help"]);
            assert_eq!(said.code, 0);
            assert!(said.out.contains(&format!("  activitylog {command} {verb}")), "{}", said.out);
        }
    }
}
