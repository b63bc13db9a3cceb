//! The audit pack against what the product writes of itself, and against entries with known totals.

use std::collections::BTreeMap;

use hyper::Method;
use serde_json::{Value, json};

use super::zones::{ZONES, midnight};
use super::{every_panel_answers, panel_as};
use crate::people::{acting, call, lines, said, text};
use crate::senders::{JSON, post};
use crate::store::{Store, event, nanoseconds};
use crate::support::Server;
use crate::webhooks::fixtures::KEEP;

const PACK: &str = "audit";
const SECOND: i64 = 1_000_000_000;
const MAY: [(&str, &str); 2] = [("from", "2026-04-20T00:00:00Z"), ("to", "2026-06-10T00:00:00Z")];

/// When, who, what, whether it was done, whether it was denied.
struct Entry {
    at: i64,
    user: &'static str,
    action: &'static str,
    outcome: &'static str,
    denied: bool,
}

impl Entry {
    fn row(&self, id: usize) -> Value {
        let decision = if self.denied { json!({"decision": "deny", "reason": "password"}) } else { json!({}) };
        event(
            self.at,
            id as u128 + 1,
            json!({
                "kind": "audit", "source": "audit", "event_class": if self.outcome == "failure" { "error" } else { "audit" },
                "event_type": self.action, "outcome": self.outcome, "user_id": self.user, "project": "alpha", "message": "it was done",
                "source_ip": "192.0.2.7", "target_type": "thing", "target_id": format!("t{id}"), "attributes": decision,
            }),
        )
    }
}

/// Around two months' ends, at all hours.
fn entries() -> Vec<Entry> {
    let actions = [
        "auth.login",
        "auth.login_failed",
        "auth.mfa_failed",
        "token.mint",
        "token.revoke",
        "invite.issue",
        "invite.accept",
        "invite.revoke",
        "user.role_change",
        "role.add",
        "pack.enable",
        "sql.query",
        "prompt.create",
        "auth.login",
        "membership.add",
    ];
    let start = nanoseconds("2026-04-28T23:10:00Z");
    let entry = |i: i64| {
        let action = actions[(i as usize * 7) % actions.len()];
        let failed = action.ends_with("_failed") || i % 11 == 3;
        Entry {
            at: start + i * 9_173 * SECOND + i * 1000,
            user: ["ana", "bo", "", "cleo"][(i % 4) as usize],
            action,
            outcome: if failed { "failure" } else { "success" },
            denied: failed && i % 2 == 0,
        }
    };
    (0..350).map(entry).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_counted_once_by_what_they_say() {
    let entries = entries();
    let server = Server::start_with(KEEP).await;
    let (_, token) = acting(&server, "default", "admin@example.com", "super_admin");
    let token = token.as_str();
    let store = Store::of(&server);
    let rows: Vec<Value> = entries.iter().enumerate().map(|(id, entry)| entry.row(id)).collect();
    store.insert("activitylog.events", &rows).await;
    // Some arrive again, in a block of their own.
    let again: Vec<Value> = rows.iter().step_by(5).cloned().collect();
    store.insert("activitylog.events", &again).await;

    for zone in ZONES {
        let done = |name: &'static str| move |entry: &Entry| entry.action == name && entry.outcome == "success";
        let failed = |entry: &Entry| {
            entry.action == "auth.login_failed" || (entry.action == "auth.login" && entry.outcome == "failure")
        };
        let second = |entry: &Entry| entry.action == "auth.mfa_failed";
        let panels: [(&str, &[&str], &[Is<'_>]); 3] = [
            ("logins", &["success", "failed", "second_factor_failed"], &[&done("auth.login"), &failed, &second]),
            (
                "invites",
                &["issued", "accepted", "revoked"],
                &[&done("invite.issue"), &done("invite.accept"), &done("invite.revoke")],
            ),
            ("tokens", &["minted", "revoked"], &[&done("token.mint"), &done("token.revoke")]),
        ];
        for (id, names, are) in panels {
            let found = panel_as(&server, token, PACK, id, &[&MAY[..], &[("timezone", zone)]].concat()).await;
            assert_eq!(found.of(&[&["time"], names].concat()), by_day(&entries, zone, are), "{id} {zone}");
        }
    }
    totals(&server, token, &entries).await;
    filters(&server, token, &entries).await;
    every_panel_answers(&server, token, PACK, [("from", "2025-11-01T00:00:00Z"), ("to", "2025-11-02T00:00:00Z")]).await;
}

type Is<'a> = &'a dyn Fn(&Entry) -> bool;

/// Day by day, how many entries are each of these.
fn by_day(entries: &[Entry], zone: &str, are: &[Is<'_>]) -> Vec<Vec<String>> {
    let mut days: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for entry in entries {
        for (at, _) in are.iter().enumerate().filter(|(_, is)| is(entry)) {
            days.entry(midnight(entry.at, zone)).or_insert_with(|| vec![0; are.len()])[at] += 1;
        }
    }
    days.into_iter().map(|(day, counts)| [vec![day], counts.iter().map(u64::to_string).collect()].concat()).collect()
}

fn is_administration(action: &str) -> bool {
    ["user.", "role.", "membership.", "token.", "invite.", "pack."].iter().any(|area| action.starts_with(area))
}

async fn totals(server: &Server, token: &str, entries: &[Entry]) {
    let count = |is: &dyn Fn(&Entry) -> bool| entries.iter().filter(|entry| is(entry)).count().to_string();
    let summary = panel_as(server, token, PACK, "audit-summary", &MAY).await;
    let expected = [
        entries.len().to_string(),
        "3".to_owned(),
        count(&|entry| is_administration(entry.action)),
        count(&|entry| ["auth.login_failed", "auth.mfa_failed"].contains(&entry.action)),
        count(&|entry| entry.denied),
    ];
    assert_eq!(summary.of(&["entries", "people", "admin_actions", "failed_logins", "denied"]), [expected]);

    let marks = panel_as(server, token, PACK, "admin-actions", &MAY).await;
    let expected: Vec<[String; 3]> = entries
        .iter()
        .filter(|entry| is_administration(entry.action))
        .map(|entry| {
            [
                entry.action.to_owned(),
                entry.user.to_owned(),
                entry.action.split('.').next().expect("an area").to_owned(),
            ]
        })
        .collect();
    assert_eq!(marks.of(&["action", "user_id", "area"]), expected);

    let mut actions: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for entry in entries {
        let (fine, failed) = actions.entry(entry.action).or_default();
        *(if entry.outcome == "success" { fine } else { failed }) += 1;
    }
    let found = panel_as(server, token, PACK, "actions", &MAY).await;
    assert_eq!(found.rows.len(), actions.len());
    for row in found.of(&["action", "succeeded", "failed"]) {
        let (fine, failed) = actions[row[0]];
        assert_eq!((row[1], row[2]), (&*fine.to_string(), &*failed.to_string()), "{row:?}");
    }
}

async fn filters(server: &Server, token: &str, entries: &[Entry]) {
    let who =
        async |more: &[(&str, &str)]| panel_as(server, token, PACK, "who-did-what", &[&MAY[..], more].concat()).await;
    let all = who(&[]).await;
    let expected: Vec<[&str; 3]> =
        entries.iter().rev().map(|entry| [entry.user, entry.action, entry.outcome]).collect();
    assert_eq!(all.of(&["user_id", "action", "outcome"]), expected);
    for (user, action, outcome) in [
        ("ana", "", ""),
        ("", "token.mint", ""),
        ("bo", "", "failure"),
        ("cleo", "role.add", "success"),
        ("nobody", "", ""),
    ] {
        let found = who(&[("user_id", user), ("action", action), ("outcome", outcome)]).await;
        let is = |asked: &str, said: &str| asked.is_empty() || asked == said;
        let expected =
            entries.iter().filter(|e| is(user, e.user) && is(action, e.action) && is(outcome, e.outcome)).count();
        assert_eq!(found.rows.len(), expected, "{user} {action} {outcome}");
    }
    let one = &entries[17];
    let text = |ns: i64| format!("{:.9}", jiff::Timestamp::from_nanosecond(i128::from(ns)).expect("an instant"));
    let range = [text(one.at), text(one.at + 1000)];
    let found = panel_as(server, token, PACK, "who-did-what", &[("from", &range[0]), ("to", &range[1])]).await;
    assert_eq!(found.of(&["user_id", "action"]), [[one.user, one.action]]);
    assert_eq!(nanoseconds(found.column("time")[0]), one.at);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_product_does_stands_in_its_panels() {
    let server = Server::start_with(KEEP).await;
    let (admin, token) = acting(&server, "default", "admin@example.com", "super_admin");
    let (_, member) = acting(&server, "default", "member@example.com", "member");
    let minted = said(&server, &["token", "mint", "--tenant", "default", "--kind", "ingest"]);
    lines(&server, &["token", "revoke", "--tenant", "default", &text(&minted, "id")]);
    for password in ["correct horse", "wrong horse"] {
        let body = json!({"email": "admin@example.com", "password": password}).to_string();
        post(&server.api("/api/v1/session"), &[("content-type", JSON)], body).await;
    }
    let sent = post(
        &server.api("/api/v1/audit/events"),
        &[("content-type", JSON)],
        json!({"event_type": "prompt.create", "user_id": "x"}).to_string(),
    )
    .await;
    assert_eq!(sent.status, 202, "{}", sent.text());
    let late = "SELECT uniqExact(event_id) FROM activitylog.audit WHERE action IN ('prompt.create', 'auth.login', 'auth.login_failed')";
    server.wait_for_count(late, 3).await;

    let ask = async |id: &str, token: &str| {
        call(&server, Method::GET, &format!("/api/v1/packs/audit/panels/{id}"), token, None).await
    };
    let told = ask("tokens", &token).await;
    assert_eq!(told.status, 200, "{}", told.text());
    let sums = |answer: &Value| -> Vec<i64> {
        let rows = answer["rows"].as_array().expect("rows");
        let width = answer["columns"].as_array().expect("columns").len();
        (1..width).map(|at| rows.iter().map(|row| row[at].as_i64().expect("a number")).sum()).collect()
    };
    // Two for the people, one for this.
    assert_eq!(sums(&told.json()), [3, 1]);
    assert_eq!(sums(&ask("logins", &token).await.json()), [1, 1, 0]);
    let areas = ask("admin-actions", &token).await.json();
    let areas: Vec<&str> =
        areas["rows"].as_array().expect("rows").iter().map(|row| row[1].as_str().expect("text")).collect();
    assert!(areas.contains(&"user") && areas.contains(&"token") && !areas.contains(&"prompt"), "{areas:?}");
    let failed = ask("failed-logins", &token).await.json();
    assert_eq!(
        (&failed["rows"][0][0], &failed["rows"][0][2], &failed["rows"][0][3]),
        (&json!(admin), &json!("password"), &json!(1))
    );
    // As in the activity feed: who is a member of no project sees none of it.
    assert_eq!(ask("logins", &member).await.json()["rows"], json!([]));
}
