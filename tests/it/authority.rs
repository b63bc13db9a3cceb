//! Who may do what: every endpoint of the OpenAPI document, asked by everybody who should not be let in, or not see.
//!
//! An endpoint that the tables do not know fails the test, and so does a row that no endpoint has: whoever adds one says here what
//! becomes of strangers.

use std::collections::BTreeSet;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::people::{acting, api_token, call, ingest_token, project, said, tenant, text, user};
use crate::support::{Server, eventually};

/// Stands in everything that the first tenant has.
const MARKER: &str = "mrkr7f3a";

const SESSION: &str = "session-mrkr7f3a";
const TRACE: &str = "ab7f3aab7f3aab7f3aab7f3aab7f3aab";

/// What somebody gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gets {
    /// Theirs: 2xx, and nothing of the first tenant's.
    Own,
    /// 403.
    Refused,
    /// 404, as for what does not exist.
    Hidden,
    /// 401.
    Unknown,
    /// Whatever the endpoint says to those whom it must let in to say it: no 5xx, no marker.
    Any,
}

use Gets::{Any, Hidden, Own, Refused, Unknown};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Anonymous,
    /// Super admin of another tenant.
    Stranger,
    Viewer,
    /// Of the first tenant, and of no project.
    NonMember,
    Ingest,
    Revoked,
    Disabled,
}

const CALLERS: [Caller; 7] = [
    Caller::Anonymous,
    Caller::Stranger,
    Caller::Viewer,
    Caller::NonMember,
    Caller::Ingest,
    Caller::Revoked,
    Caller::Disabled,
];

/// Method, path, and what another tenant's super admin, a viewer and a non-member get. Whoever has no valid credential gets a 401,
/// and an ingest token is none here.
type Row = (&'static str, &'static str, Gets, Gets, Gets);

const GUARDED: &[Row] = &[
    ("get", "/api/v1/me", Own, Own, Own),
    ("get", "/api/v1/diagnostics", Own, Any, Any),
    ("get", "/api/v1/messages", Own, Own, Own),
    ("get", "/api/v1/messages/timeline", Own, Own, Own),
    ("get", "/api/v1/messages/points", Own, Own, Own),
    ("get", "/api/v1/messages/stream", Own, Own, Own),
    ("get", "/api/v1/messages/{event_id}", Hidden, Hidden, Hidden),
    ("get", "/api/v1/sessions", Own, Own, Own),
    ("get", "/api/v1/sessions/{id}", Hidden, Hidden, Hidden),
    ("get", "/api/v1/traces/{trace_id}", Hidden, Hidden, Hidden),
    ("get", "/api/v1/values", Own, Own, Own),
    ("get", "/api/v1/users", Own, Refused, Refused),
    ("post", "/api/v1/users", Own, Refused, Refused),
    ("get", "/api/v1/users/{id}", Hidden, Refused, Refused),
    ("patch", "/api/v1/users/{id}", Hidden, Refused, Refused),
    ("delete", "/api/v1/users/{id}", Hidden, Refused, Refused),
    ("get", "/api/v1/roles", Own, Refused, Refused),
    ("post", "/api/v1/roles", Own, Refused, Refused),
    ("patch", "/api/v1/roles/{name}", Hidden, Refused, Refused),
    ("delete", "/api/v1/roles/{name}", Hidden, Refused, Refused),
    ("post", "/api/v1/roles/{name}/reassign_and_delete", Hidden, Refused, Refused),
    ("get", "/api/v1/permissions", Own, Own, Own),
    ("get", "/api/v1/projects", Own, Own, Own),
    ("post", "/api/v1/projects", Own, Refused, Refused),
    ("get", "/api/v1/projects/{slug}", Hidden, Hidden, Hidden),
    ("patch", "/api/v1/projects/{slug}", Hidden, Refused, Refused),
    ("delete", "/api/v1/projects/{slug}", Hidden, Refused, Refused),
    ("get", "/api/v1/projects/{slug}/members", Hidden, Refused, Refused),
    ("put", "/api/v1/projects/{slug}/members/{user_id}", Hidden, Refused, Refused),
    ("delete", "/api/v1/projects/{slug}/members/{user_id}", Hidden, Refused, Refused),
    ("get", "/api/v1/tokens", Own, Own, Own),
    ("post", "/api/v1/tokens", Own, Refused, Refused),
    ("delete", "/api/v1/tokens/{id}", Hidden, Hidden, Hidden),
    ("get", "/api/v1/invites", Own, Refused, Refused),
    ("post", "/api/v1/invites", Own, Refused, Refused),
    ("delete", "/api/v1/invites/{id}", Hidden, Refused, Refused),
    ("get", "/api/v1/webhooks", Own, Refused, Refused),
    ("post", "/api/v1/webhooks", Own, Refused, Refused),
    ("patch", "/api/v1/webhooks/{id}", Hidden, Refused, Refused),
    ("delete", "/api/v1/webhooks/{id}", Hidden, Refused, Refused),
    ("post", "/api/v1/webhooks/{id}/rotate", Hidden, Refused, Refused),
    ("get", "/api/v1/settings", Own, Refused, Refused),
    ("patch", "/api/v1/settings", Own, Refused, Refused),
    ("get", "/api/v1/tenants", Refused, Refused, Refused),
    ("post", "/api/v1/tenants", Refused, Refused, Refused),
    ("get", "/api/v1/tenants/{id}", Refused, Refused, Refused),
    ("patch", "/api/v1/tenants/{id}", Refused, Refused, Refused),
    ("delete", "/api/v1/tenants/{id}", Refused, Refused, Refused),
    // A session's own: a token has no password and no second factor.
    ("post", "/api/v1/me/password", Refused, Refused, Refused),
    ("post", "/api/v1/me/totp", Refused, Refused, Refused),
    ("post", "/api/v1/me/totp/verify", Refused, Refused, Refused),
    ("post", "/api/v1/me/totp/remove", Refused, Refused, Refused),
    ("get", "/api/v1/activity", Own, Own, Own),
    // For an admin of another tenant it is a project without entries, as one that does not exist.
    ("get", "/api/v1/projects/{slug}/audit", Own, Refused, Refused),
    ("get", "/api/v1/audit/activity", Own, Refused, Refused),
    ("get", "/api/v1/audit/activity/export.csv", Any, Refused, Refused),
    ("get", "/api/v1/audit/users", Own, Refused, Refused),
    ("post", "/api/v1/sql", Own, Refused, Own),
    ("get", "/api/v1/packs", Own, Own, Own),
    ("put", "/api/v1/packs/{pack_id}", Hidden, Refused, Refused),
    ("delete", "/api/v1/packs/{pack_id}", Hidden, Refused, Refused),
    ("get", "/api/v1/packs/{pack_id}/panels/{panel_id}", Hidden, Hidden, Hidden),
];

/// Those that look themselves at who calls: what each of [`CALLERS`] gets, in that order.
const OPEN: &[(&str, &str, [Gets; 7])] = &[
    ("get", "/healthz", [Own; 7]),
    ("get", "/readyz", [Own; 7]),
    ("get", "/metrics", [Own; 7]),
    ("post", "/api/v1/messages", [Unknown, Own, Refused, Refused, Own, Unknown, Unknown]),
    ("post", "/api/v1/audit/events", [Unknown, Own, Refused, Refused, Own, Unknown, Unknown]),
    ("get", "/api/v1/session", [Any; 7]),
    ("post", "/api/v1/session", [Unknown; 7]),
    // Whoever has no session has none afterwards.
    ("delete", "/api/v1/session", [Own; 7]),
    // Not configured here.
    ("get", "/api/v1/session/oidc", [Hidden; 7]),
    ("get", "/api/v1/session/oidc/callback", [Hidden; 7]),
    ("post", "/api/v1/invites/lookup", [Hidden; 7]),
    ("post", "/api/v1/invites/accept", [Hidden; 7]),
    // As ClickHouse: who is not let in gets a 403 with code 516.
    ("get", "/clickhouse", [Any; 7]),
    ("post", "/clickhouse", [Any; 7]),
    ("get", "/clickhouse/", [Any; 7]),
    ("post", "/clickhouse/", [Any; 7]),
    ("get", "/clickhouse/ping", [Own; 7]),
];

/// What stands for `{...}`, in the first tenant and where there is nothing.
struct Ids {
    user: String,
    token: String,
    invite: String,
    webhook: String,
    event: String,
}

// === impl Ids ===

impl Ids {
    /// The path with what the first tenant has, and with what nobody has.
    fn paths(&self, path: &str) -> (String, String) {
        let role = format!("role-{MARKER}");
        let project = format!("project-{MARKER}");
        let nobody = uuid::Uuid::from_u128(7).to_string();
        let (mut real, mut none) = (path.to_owned(), path.to_owned());
        let id = match path.split('/').nth(3) {
            Some("users") => &self.user,
            Some("tokens") => &self.token,
            Some("invites") => &self.invite,
            Some("webhooks") => &self.webhook,
            Some("sessions") => SESSION,
            _ => "first",
        };
        for (name, there, nowhere) in [
            ("{id}", id, nobody.as_str()),
            ("{name}", &role, "nobodys-role"),
            ("{slug}", &project, "nobodys-project"),
            ("{user_id}", &self.user, &nobody),
            ("{event_id}", &self.event, &nobody),
            ("{trace_id}", TRACE, &nobody),
            ("{pack_id}", &format!("pack-{MARKER}"), "nobodys-pack"),
            ("{panel_id}", "volume", "volume"),
        ] {
            real = real.replace(name, there);
            none = none.replace(name, nowhere);
        }
        if path.ends_with("/values") {
            real.push_str("?field=session_id");
            none.push_str("?field=session_id");
        }
        if path.ends_with("/export.csv") {
            real.push_str(&format!("?user_id={}", self.user));
            none.push_str(&format!("?user_id={nobody}"));
        }
        assert!(!real.contains('{'), "{path}: say what stands for it");
        (real, none)
    }
}

/// A body that would do.
fn body_of(method: &str, path: &str) -> Option<Value> {
    let body = match path {
        "/api/v1/users" => json!({"email": "new@two.example", "role": "viewer"}),
        "/api/v1/roles" => json!({"name": "new", "permissions": ["events.read"]}),
        "/api/v1/roles/{name}/reassign_and_delete" => json!({"to": "viewer"}),
        "/api/v1/projects" => json!({"slug": "new"}),
        "/api/v1/tokens" => json!({"kind": "ingest"}),
        "/api/v1/invites" => json!({"email": "guest@two.example", "role": "viewer"}),
        "/api/v1/webhooks" => json!({"kind": "github", "name": "new"}),
        "/api/v1/tenants" => json!({"id": "new"}),
        "/api/v1/messages" | "/api/v1/audit/events" => json!({"event_type": "app.done"}),
        "/api/v1/packs/{pack_id}" => json!({"enabled": true}),
        "/api/v1/sql" => json!({"query": "SELECT * FROM pub.events", "format": "JSONEachRow"}),
        "/api/v1/session" => json!({"email": "boss@one.example", "password": "wrong horse"}),
        "/api/v1/me/password" => json!({"current": "wrong horse", "new": "battery staple"}),
        "/api/v1/me/totp/verify" => json!({"code": "000000"}),
        "/api/v1/me/totp/remove" => json!({"password": "wrong horse"}),
        "/api/v1/invites/lookup" => json!({"secret": "x"}),
        "/api/v1/invites/accept" => json!({"secret": "x", "name": "x", "password": "correct horse"}),
        _ => json!({}),
    };
    ["post", "put", "patch"].contains(&method).then_some(body)
}

/// The first tenant, everything in it marked, and who asks for it with what.
async fn set_up(server: &Server) -> (Ids, Vec<String>, String) {
    tenant(server, "first");
    tenant(server, "second");
    let slug = format!("project-{MARKER}");
    project(server, "first", &slug);
    let marked = |local: &str| format!("{local}-{MARKER}@one.example");
    let role = format!("role-{MARKER}");
    said(server, &["role", "add", "--tenant", "first", "--name", &role, "--permissions", "events.read"]);
    let (boss, owner) = acting(server, "first", &marked("boss"), "super_admin");
    let webhook = json!({"kind": "github", "name": MARKER, "project": slug});
    let invite = json!({"email": marked("guest"), "role": "viewer"});
    // Only who may read the trail sees it, so that a viewer does not.
    said(server, &["tenant", "edit", "first", "--tier", "enterprise"]);
    said(server, &["tenant", "edit", "second", "--tier", "pro"]);
    let pack = format!(
        "id = 'pack-{MARKER}'\ntitle = '{MARKER}'\ndescription = '{MARKER}'\nsources = ['app']\npermission = 'audit.read'\n\
         [[panels]]\nid = 'volume'\ntitle = 'Volume'\ndescription = 'x'\nvisual = 'table'\nsql = 'SELECT count() AS n FROM pub.events'\n"
    );
    let pack = json!({"definition": pack, "enabled": true});
    let answer = call(server, Method::PUT, &format!("/api/v1/packs/pack-{MARKER}"), &owner, Some(&pack)).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    let mut made = Vec::new();
    for (path, body) in [
        ("/api/v1/webhooks", webhook),
        ("/api/v1/invites", invite),
        ("/api/v1/tokens", json!({"kind": "ingest", "name": MARKER})),
        (
            "/api/v1/messages",
            json!({"event_type": "app.done", "message": MARKER, "project": slug, "session_id": SESSION}),
        ),
    ] {
        let answer = call(server, Method::POST, path, &owner, Some(&body)).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text());
        made.push(answer.json());
    }
    let mut record = crate::support::record(MARKER, 1, &[("session.id", SESSION)]);
    record["traceId"] = TRACE.into();
    let bearer = format!("Bearer {}", ingest_token(server, "first"));
    let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
    let logs = crate::support::logs("test", &[record]).to_string();
    assert_eq!(crate::senders::post(&server.otlp("/v1/logs"), &headers, logs).await.status, 200);
    eventually("the trace is there", async || {
        let answer = call(server, Method::GET, &format!("/api/v1/traces/{TRACE}"), &owner, None).await;
        (answer.status == 200).then_some(())
    })
    .await;
    let event = eventually("the event is there", async || {
        let page = call(server, Method::GET, "/api/v1/messages?event_type=app.done", &owner, None).await.json();
        page["items"][0]["id"].as_str().map(str::to_owned)
    })
    .await;
    let (_, stranger) = acting(server, "second", "boss@two.example", "super_admin");
    let (_, viewer) = acting(server, "first", "viewer@one.example", "viewer");
    let (_, non_member) = acting(server, "first", "member@one.example", "member");
    let revoked = said(server, &["token", "mint", "--tenant", "first", "--kind", "api", "--user", &boss]);
    assert_eq!(crate::people::run(server, &["token", "revoke", "--tenant", "first", &text(&revoked, "id")]).code, 0);
    let gone = user(server, "first", "gone@one.example", "super_admin");
    let disabled = api_token(server, "first", &gone);
    said(server, &["user", "edit", "--tenant", "first", &gone, "--disabled", "true"]);
    let ids = Ids {
        user: boss,
        token: text(&made[2], "id"),
        invite: text(&made[1], "id"),
        webhook: text(&made[0], "id"),
        event,
    };
    let tokens = vec![
        String::new(),
        stranger,
        viewer,
        non_member,
        ingest_token(server, "first"),
        text(&revoked, "token"),
        disabled,
    ];
    (ids, tokens, owner)
}

/// The status and the body; of a stream only the status, since it has no end.
async fn ask(server: &Server, method: &str, path: &str, token: &str, body: Option<&Value>) -> (u16, String) {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut request = Request::builder().method(method.to_ascii_uppercase().as_str()).uri(server.api(path));
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
    let answer = client.request(request.body(Full::new(body)).expect("a request")).await.expect("an answer");
    let status = answer.status().as_u16();
    if answer.headers().get("content-type").is_some_and(|media| media == "text/event-stream") {
        return (status, String::new());
    }
    let bytes = answer.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8_lossy(&bytes).into_owned())
}

fn expected(method: &str, path: &str) -> Option<[Gets; 7]> {
    let open = OPEN.iter().find(|row| (row.0, row.1) == (method, path));
    let guarded = GUARDED.iter().find(|row| (row.0, row.1) == (method, path));
    let by_caller = |row: &Row| [Unknown, row.2, row.3, row.4, Unknown, Unknown, Unknown];
    open.map(|row| row.2).or_else(|| guarded.map(by_caller))
}

/// Without what the request itself said, as far as it stands for `{...}`.
fn plain(text: &str, path: &str, template: &str) -> String {
    let said = path.split('/').zip(template.split('/')).filter(|(_, part)| part.starts_with('{'));
    said.fold(text.to_owned(), |text, (value, part)| text.replace(value, part))
}

fn check(gets: Gets, status: u16) -> bool {
    match gets {
        Own => (200..300).contains(&status),
        Refused => status == 403,
        Hidden => status == 404,
        Unknown => status == 401,
        Any => status < 500,
    }
}

/// Every method and path of the document.
async fn endpoints(server: &Server) -> Vec<(String, String)> {
    let document = server.json("/api/openapi.json").await;
    let paths = document["paths"].as_object().expect("paths").iter();
    let all = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods").keys();
        methods.map(|method| (method.clone(), path.clone())).collect::<Vec<_>>()
    });
    all.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_keeps_out_whom_it_should() {
    let server = Server::start_with(&[("ACTIVITYLOG_AUTH_ANONYMOUS_TENANT", "")]).await;
    let (ids, tokens, owner) = set_up(&server).await;
    let (mut wrong, mut known) = (Vec::new(), BTreeSet::new());
    for (method, path) in endpoints(&server).await {
        let Some(gets) = expected(&method, &path) else {
            wrong.push(format!("{method} {path}: no table says who may call it"));
            continue;
        };
        let (real, none) = ids.paths(&path);
        let body = body_of(&method, &path);
        for ((caller, token), gets) in CALLERS.into_iter().zip(&tokens).zip(gets) {
            let place = format!("{method} {path} by {caller:?}");
            let (status, said) = ask(&server, &method, &real, token, body.as_ref()).await;
            if !check(gets, status) || status >= 500 {
                wrong.push(format!("{place}: {status}, expected {gets:?}: {said}"));
            }
            if plain(&said, &real, &path).contains(MARKER) {
                wrong.push(format!("{place}: shows what is the first tenant's: {said}"));
            }
            if real == none {
                continue;
            }
            // What is there and what is not must look the same.
            let (other_status, other) = ask(&server, &method, &none, token, body.as_ref()).await;
            if (status, plain(&said, &real, &path)) != (other_status, plain(&other, &none, &path)) {
                wrong.push(format!("{place}: {status} {said}, but {other_status} {other} for what is not there"));
            }
        }
        // The rows mean something: whoever may, can.
        if method == "get" && !path.starts_with("/api/v1/tenants") && GUARDED.iter().any(|row| row.1 == path) {
            let (status, said) = ask(&server, &method, &real, &owner, None).await;
            if status != 200 {
                wrong.push(format!("{method} {path} by its owner: {status} {said}"));
            }
        }
        known.insert((method, path));
    }
    let rows = GUARDED.iter().map(|row| (row.0, row.1)).chain(OPEN.iter().map(|row| (row.0, row.1)));
    for (method, path) in rows.filter(|(method, path)| !known.contains(&((*method).to_owned(), (*path).to_owned()))) {
        wrong.push(format!("{method} {path} is in a table, but nowhere else"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
