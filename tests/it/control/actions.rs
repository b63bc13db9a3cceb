//! Everything that is done about people is in the audit trail, once.

use activitylog::audit::Action;
use hyper::Method;
use serde_json::{Value, json};

use super::{Caller, server};
use crate::people::{acting, said, tenant, text};
use crate::support::{Server, eventually};

/// Performed by other tests.
const ELSEWHERE: [Action; 11] = [
    Action::Login,
    Action::LoginFailed,
    Action::Logout,
    Action::MfaEnrol,
    Action::MfaRemove,
    Action::MfaFailed,
    Action::PasswordChange,
    Action::InviteAccept,
    Action::ExportActivity,
    Action::SqlQuery,
    Action::SystemSetup,
];

const MINE: &str = "id = 'mine'\ntitle = 'Mine'\ndescription = 'x'\nsources = ['app']\n[[panels]]\nid = 'one'\ntitle = 'One'\n\
                    description = 'x'\nvisual = 'table'\nsql = 'SELECT 1 AS one'\n";

/// One step: what is done, how, with which answer, and what is kept of it. `{name}` in a path is what an earlier step kept.
type Step = (Action, Method, &'static str, fn() -> Value, u16, Option<(&'static str, &'static str)>);

fn steps() -> Vec<Step> {
    use Action::*;
    let (post, patch, delete) = (Method::POST, Method::PATCH, Method::DELETE);
    vec![
        (UserAdd, post.clone(), "/users", || json!({"email": "u@a.b", "role": "viewer"}), 201, Some(("user", "id"))),
        (UserEdit, patch.clone(), "/users/{user}", || json!({"name": "U", "role": "viewer"}), 200, None),
        (UserRoleChange, patch.clone(), "/users/{user}", || json!({"role": "member", "name": "U"}), 200, None),
        (ProjectAdd, post.clone(), "/projects", || json!({"slug": "p"}), 201, None),
        (ProjectEdit, patch.clone(), "/projects/p", || json!({"name": "P"}), 200, None),
        (MembershipAdd, Method::PUT, "/projects/p/members/{user}", || Value::Null, 204, None),
        (MembershipRemove, delete.clone(), "/projects/p/members/{user}", || Value::Null, 204, None),
        (ProjectDelete, delete.clone(), "/projects/p", || Value::Null, 204, None),
        (UserDelete, delete.clone(), "/users/{user}", || Value::Null, 204, None),
        (RoleAdd, post.clone(), "/roles", || json!({"name": "r", "permissions": ["events.read"]}), 201, None),
        (RoleEdit, patch.clone(), "/roles/r", || json!({"permissions": ["sql.query"]}), 200, None),
        (RoleDelete, delete.clone(), "/roles/r", || Value::Null, 204, None),
        (RoleReassignAndDelete, post.clone(), "/roles/old/reassign_and_delete", || json!({"to": "viewer"}), 200, None),
        (TokenMint, post.clone(), "/tokens", || json!({"kind": "ingest"}), 201, Some(("token", "id"))),
        (TokenRevoke, delete.clone(), "/tokens/{token}", || Value::Null, 204, None),
        (
            InviteIssue,
            post.clone(),
            "/invites",
            || json!({"email": "i@a.b", "role": "viewer"}),
            201,
            Some(("invite", "id")),
        ),
        (InviteRevoke, delete.clone(), "/invites/{invite}", || Value::Null, 204, None),
        (WebhookAdd, post.clone(), "/webhooks", || json!({"kind": "github", "name": "w"}), 201, Some(("hook", "id"))),
        (WebhookEdit, patch.clone(), "/webhooks/{hook}", || json!({"name": "v"}), 200, None),
        (WebhookDelete, delete.clone(), "/webhooks/{hook}", || Value::Null, 204, None),
        (SettingsEdit, patch.clone(), "/settings", || json!({"capture": "off"}), 200, None),
        (PackDisable, Method::PUT, "/packs/audit", || json!({"enabled": false}), 200, None),
        (PackEnable, Method::PUT, "/packs/audit", || json!({"enabled": true}), 200, None),
        (PackEdit, Method::PUT, "/packs/mine", || json!({"definition": MINE}), 200, None),
        (PackDelete, delete.clone(), "/packs/mine", || Value::Null, 204, None),
        (TenantAdd, post, "/tenants", || json!({"id": "t"}), 201, None),
        (TenantEdit, patch, "/tenants/t", || json!({"tier": "pro"}), 200, None),
        (TenantDelete, delete, "/tenants/t", || Value::Null, 204, None),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_action_writes_its_one_row() {
    let server = server().await;
    tenant(&server, "acts");
    said(&server, &["role", "add", "--tenant", "acts", "--name", "old", "--permissions", "events.read"]);
    said(&server, &["user", "add", "--tenant", "acts", "--email", "old@a.b", "--role", "old"]);
    let (me, token) = acting(&server, "acts", "me@a.b", "platform_admin");
    let caller = Caller { server: &server, token };
    let mut kept: Vec<(&str, String)> = Vec::new();
    for (action, method, path, body, status, keep) in steps() {
        let mut path = format!("/api/v1{path}");
        kept.iter().for_each(|(name, value)| path = path.replace(&format!("{{{name}}}"), value));
        let body = body();
        let body = Some(&body).filter(|body| !body.is_null());
        let answer = caller.done(method.clone(), &path, body, status).await;
        kept.extend(keep.map(|(name, field)| (name, text(&answer, field))));
        // What is so already is nobody's deed.
        if method == Method::PATCH || method == Method::PUT {
            caller.done(method, &path, body, status).await;
        }
        one_row(&server, &me, action).await;
    }
    let performed: Vec<Action> = steps().iter().map(|step| step.0).collect();
    for action in Action::ALL {
        assert_ne!(performed.contains(action), ELSEWHERE.contains(action), "{action:?} is in one of the lists");
    }
    every_command_too(&server);
    let moved = "SELECT attributes['source'], attributes['target'], attributes['users_moved'] FROM activitylog.events \
                 WHERE event_type = 'role.reassign_and_delete'";
    assert_eq!(server.sql(moved), [["old", "viewer", "1"]]);
}

async fn one_row(server: &Server, user: &str, action: Action) {
    let action = action.as_str();
    let sql = format!(
        "SELECT outcome, kind, tenant_id, message != '', source_ip FROM activitylog.events FINAL \
         WHERE user_id = '{user}' AND event_type = '{action}'"
    );
    let rows = eventually(action, async || Some(server.sql(&sql)).filter(|rows| !rows.is_empty())).await;
    assert_eq!(rows, [["success", "audit", "acts", "1", "127.0.0.1"]], "{action}");
}

/// The command line has no spool: its entries go straight to the table.
fn every_command_too(server: &Server) {
    let rows = server.sql(
        "SELECT event_type, count() FROM activitylog.events FINAL WHERE user_id = 'operator' GROUP BY 1 ORDER BY 1",
    );
    assert_eq!(rows, [["role.add", "1"], ["tenant.add", "1"], ["token.mint", "1"], ["user.add", "2"]]);
    // What counts events by the minute counts them too.
    let counted = "SELECT sum(events) FROM activitylog.events_by_minute WHERE event_type = 'user.add'";
    assert_eq!(server.number(counted), 3);
}
