//! The audit trail: who did what to this installation, written by the product itself, through the spool like every event.
//!
//! An operation asks for its entry and goes on whatever becomes of it: it waits for the group commit that makes the entry durable,
//! but not for long, and it never fails with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::auth::Principal;
use crate::clickhouse::events::{EventBlock, Stamp};
use crate::clickhouse::insert::insert_block;
use crate::clickhouse::server::{Server, StoreError};
use crate::clickhouse::table::Block;
use crate::model::event::{AttributeValue, Event, Kind};
use crate::ship::Rows;
use crate::spool::{AppendError, Lanes, RequestKey};

/// What the product itself writes about.
macro_rules! actions {
    ($($variant:ident $name:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action { $($variant,)* }

        impl Action {
            pub const ALL: &'static [Action] = &[$(Action::$variant),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Action::$variant => $name,)* }
            }
        }
    };
}

actions! {
    Login "auth.login",
    LoginFailed "auth.login_failed",
    Logout "auth.logout",
    MfaEnrol "auth.mfa_enrol",
    MfaRemove "auth.mfa_remove",
    MfaFailed "auth.mfa_failed",
    PasswordChange "auth.password_change",
    TokenMint "token.mint",
    TokenRevoke "token.revoke",
    InviteIssue "invite.issue",
    InviteAccept "invite.accept",
    InviteRevoke "invite.revoke",
    UserAdd "user.add",
    UserEdit "user.edit",
    UserDelete "user.delete",
    UserRoleChange "user.role_change",
    RoleAdd "role.add",
    RoleEdit "role.edit",
    RoleDelete "role.delete",
    RoleReassignAndDelete "role.reassign_and_delete",
    ProjectAdd "project.add",
    ProjectEdit "project.edit",
    ProjectDelete "project.delete",
    MembershipAdd "membership.add",
    MembershipRemove "membership.remove",
    WebhookAdd "webhook.add",
    WebhookEdit "webhook.edit",
    WebhookDelete "webhook.delete",
    TenantAdd "tenant.add",
    TenantEdit "tenant.edit",
    TenantDelete "tenant.delete",
    PackEnable "pack.enable",
    PackDisable "pack.disable",
    PackEdit "pack.edit",
    PackDelete "pack.delete",
    ExportActivity "export.activity",
    SqlQuery "sql.query",
    SettingsEdit "settings.edit",
    SystemSetup "system.setup",
}

/// One entry. It holds identifiers and figures: no content, no secrets, and no personal data beyond what cross-references need.
#[derive(Debug, Clone)]
pub struct Entry {
    pub action: Action,
    pub tenant: String,
    /// A slug; empty: about the whole tenant.
    pub project: String,
    /// Who did it; empty: nobody that is known.
    pub user_id: String,
    pub source_ip: String,
    pub target_type: &'static str,
    pub target_id: String,
    /// One line.
    pub description: String,
    pub metadata: Vec<(&'static str, String)>,
    /// What was tried did not happen.
    pub failed: bool,
    /// Because it was not allowed.
    pub denied: bool,
}

/// Writes them.
#[derive(Clone)]
pub struct Trail {
    events: Arc<Lanes<Rows<EventBlock>>>,
    retention_days: u16,
    /// Entries that could not be written at once.
    waiting: Arc<Semaphore>,
    lost: Arc<AtomicU64>,
}

/// The attribute that says whether what was tried was allowed; none: it was.
pub const DECISION: &str = "decision";

/// An operation waits no longer for its entry. A commit takes some milliseconds.
const PATIENCE: Duration = Duration::from_millis(500);
/// While the spool refuses rows: how often an entry is tried again, and how many wait at most.
const TRY_AGAIN: Duration = Duration::from_secs(2);
const TRIES: usize = 300;
const MOST_WAITING: usize = 1000;

/// Tries of [`write`]; a block that came twice is there once.
const DIRECT_TRIES: u32 = 3;

/// Straight into ClickHouse, as the shipper would: for the command line, which has no spool.
pub async fn write(server: &Server, entries: &[Entry], retention_days: u16) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let now_ns = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX);
    let id = uuid::Uuid::new_v4();
    let mut rows = EventBlock::default();
    for (entry, at) in entries.iter().zip(0..) {
        let stamp = Stamp { tenant_id: &entry.tenant, retention_days };
        // One number apart each, so that one token and its rows belong together.
        rows.push(stamp, &entry.event(id.as_u128().wrapping_add(at), now_ns));
    }
    let mut block = Vec::new();
    rows.write(now_ns / 1_000_000, &mut block);
    let token = format!("operator-{id}");
    for _ in 1..DIRECT_TRIES {
        match insert_block(server, EventBlock::TABLE, &token, block.clone()).await {
            Err(error) if error.is_retryable() => {}
            done => return done,
        }
    }
    insert_block(server, EventBlock::TABLE, &token, block).await
}

// === impl Entry ===

impl Entry {
    pub fn new(action: Action, tenant: impl Into<String>, description: impl Into<String>) -> Entry {
        Entry {
            action,
            tenant: tenant.into(),
            project: String::new(),
            user_id: String::new(),
            source_ip: String::new(),
            target_type: "",
            target_id: String::new(),
            description: description.into(),
            metadata: Vec::new(),
            failed: false,
            denied: false,
        }
    }

    /// What `who` did in the tenant they are in.
    pub fn by(who: &Principal, action: Action, description: impl Into<String>) -> Entry {
        Entry {
            user_id: who.user_id.clone(),
            source_ip: who.source_ip.clone(),
            ..Entry::new(action, who.tenant(), description)
        }
    }

    #[must_use]
    pub fn target(self, target_type: &'static str, target_id: impl Into<String>) -> Entry {
        Entry { target_type, target_id: target_id.into(), ..self }
    }

    #[must_use]
    pub fn project(self, slug: impl Into<String>) -> Entry {
        Entry { project: slug.into(), ..self }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Entry {
        self.metadata.push((name, value.to_string()));
        self
    }

    /// It was tried and not allowed.
    #[must_use]
    pub fn denied(self) -> Entry {
        Entry { failed: true, denied: true, ..self }
    }

    fn event(&self, id: u128, now_ns: i64) -> Event<'_> {
        let metadata = self.metadata.iter().map(|(name, value)| (*name, AttributeValue::Text(value.as_str().into())));
        let decision = self.denied.then_some((DECISION, AttributeValue::Text("deny".into())));
        Event {
            event_id: id,
            kind: Kind::Audit,
            // Cursors of the feed hold microseconds.
            timestamp_ns: now_ns - now_ns.rem_euclid(1000),
            source: "audit".into(),
            event_class: if self.failed { "error" } else { "audit" }.into(),
            event_type: self.action.as_str().into(),
            outcome: if self.failed { "failure" } else { "success" }.into(),
            severity: if self.failed { "warn" } else { "info" }.into(),
            message: self.description.as_str().into(),
            project: self.project.as_str().into(),
            user_id: self.user_id.as_str().into(),
            source_ip: self.source_ip.as_str().into(),
            target_type: self.target_type.into(),
            target_id: self.target_id.as_str().into(),
            attributes: metadata.chain(decision).collect(),
            ..Event::default()
        }
    }
}

// === impl Trail ===

impl Trail {
    pub fn new(events: Arc<Lanes<Rows<EventBlock>>>, retention_days: u16) -> Trail {
        Trail { events, retention_days, waiting: Arc::new(Semaphore::new(MOST_WAITING)), lost: Arc::default() }
    }

    /// Entries that could not be written: more than none is worth a look at the log.
    pub fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }

    /// Returns once the entry is fsynced, or soon.
    pub async fn record(&self, entry: Entry) {
        let id = uuid::Uuid::new_v4().as_u128();
        let now_ns = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX);
        match tokio::time::timeout(PATIENCE, self.append(&entry, id, now_ns)).await {
            // A slow commit has the entry all the same.
            Ok(Ok(())) | Err(_) => {}
            Ok(Err(error)) => self.clone().insist(entry, id, now_ns, &error),
        }
    }

    async fn append(&self, entry: &Entry, id: u128, now_ns: i64) -> Result<(), AppendError> {
        let stamp = Stamp { tenant_id: &entry.tenant, retention_days: self.retention_days };
        let event = entry.event(id, now_ns);
        self.events.append_own(RequestKey::delivery(id), |rows| rows.0.push(stamp, &event)).await.map(drop)
    }

    /// Tries again, beside the operation.
    fn insist(self, entry: Entry, id: u128, now_ns: i64, error: &AppendError) {
        let action = entry.action.as_str();
        tracing::warn!(%error, action, tenant = %entry.tenant, "an audit entry could not be written; it is tried again");
        let Ok(place) = self.waiting.clone().try_acquire_owned() else {
            self.lose(&entry);
            return;
        };
        tokio::spawn(async move {
            let _place = place;
            for _ in 0..TRIES {
                tokio::time::sleep(TRY_AGAIN).await;
                if self.append(&entry, id, now_ns).await.is_ok() {
                    return;
                }
            }
            self.lose(&entry);
        });
    }

    /// The log has what the trail has not.
    fn lose(&self, entry: &Entry) {
        self.lost.fetch_add(1, Relaxed);
        tracing::error!(
            action = entry.action.as_str(), tenant = %entry.tenant, user_id = %entry.user_id, target = %entry.target_id,
            description = %entry.description, "an audit entry is lost"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_says_who_did_what_and_whether_it_was_allowed() {
        let entry = Entry::new(Action::LoginFailed, "acme", "a sign-in failed").with("reason", "password").denied();
        let event = entry.event(7, 1_795_221_532_690_000_789);
        assert_eq!((event.timestamp_ns, event.event_type.as_ref()), (1_795_221_532_690_000_000, "auth.login_failed"));
        assert_eq!((event.outcome.as_ref(), event.attributes.len()), ("failure", 2));
    }
}
