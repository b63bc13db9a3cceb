//! Invites: a link that makes whoever follows it a user.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decision, Problem, now_ms, projects, rules};
use crate::audit::{Action, Entry};
use crate::auth::Principal;
use crate::auth::principal::permissions_of;
use crate::auth::secret;
use crate::control::records::Invite;
use crate::control::snapshot::hash;
use crate::control::{Change, Snapshot};

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct InviteItem {
    pub id: String,
    pub email: String,
    pub role: String,
    /// Slugs.
    pub projects: Vec<String>,
    pub created_at: Option<String>,
    pub expires_at: Option<String>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct IssuedInvite {
    #[serde(flatten)]
    pub item: InviteItem,
    /// Shown once.
    pub link: String,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvite {
    pub email: String,
    pub role: String,
    /// Slugs of the projects that the user will be a member of.
    #[serde(default)]
    pub projects: Vec<String>,
    /// Three days if nothing is said.
    pub expires_in_hours: Option<u32>,
}

const HOURS: u32 = 72;
const MOST_HOURS: u32 = 30 * 24;
const HOUR_MS: i64 = 3_600_000;
const MOST_PROJECTS: usize = 200;

pub fn item(snapshot: &Snapshot, invite: &Invite) -> InviteItem {
    let projects = invite.project_ids.iter().filter_map(|id| snapshot.project_by_id(id));
    InviteItem {
        id: invite.id.clone(),
        email: invite.email.clone(),
        role: invite.role.clone(),
        projects: projects.map(|project| project.slug.clone()).collect(),
        created_at: rules::instant(invite.created_at_ms),
        expires_at: rules::instant(invite.expires_at_ms),
    }
}

pub fn link(base: &str, secret: &str) -> String {
    format!("{}/invite#{secret}", base.trim_end_matches('/'))
}

/// Those that still hold, the newest first.
pub fn pending<'s>(snapshot: &'s Snapshot, tenant: &str) -> Vec<&'s Arc<Invite>> {
    let now = now_ms();
    let holds = |invite: &&Arc<Invite>| invite.tenant_id == tenant && now < invite.expires_at_ms;
    let mut invites: Vec<_> = snapshot.invites.values().filter(holds).collect();
    invites.sort_by(|a, b| (b.created_at_ms, &a.id).cmp(&(a.created_at_ms, &b.id)));
    invites
}

/// The answer is the invite, and what its link carries.
pub fn issue(snapshot: &Snapshot, who: &Principal, request: &NewInvite) -> Result<Decision<(Invite, String)>, Problem> {
    let email = rules::email(&request.email)?;
    rules::may_give(snapshot, who, &request.role)?;
    let hours = request.expires_in_hours.unwrap_or(HOURS);
    if !(1..=MOST_HOURS).contains(&hours) {
        return Err(Problem::invalid(format!("expires_in_hours: give 1 to {MOST_HOURS}")));
    }
    if request.projects.len() > MOST_PROJECTS {
        return Err(Problem::invalid(format!("projects: more than {MOST_PROJECTS}")));
    }
    let mut project_ids = Vec::new();
    for slug in &request.projects {
        let project =
            projects::find(snapshot, who, slug).map_err(|error| Problem::invalid(format!("projects: {error}")))?;
        if !project_ids.contains(&project.id) {
            project_ids.push(project.id.clone());
        }
    }
    if snapshot.users_with_email(&email).iter().any(|user| user.tenant_id == who.tenant()) {
        return Err(Problem::conflict(format!("there is a user {email} already")));
    }
    if pending(snapshot, who.tenant()).iter().any(|invite| invite.email == email) {
        return Err(Problem::conflict(format!("{email} is invited already: revoke that invite to issue another")));
    }
    let secret = secret::random()?;
    let invite = Invite {
        id: uuid::Uuid::new_v4().to_string(),
        tenant_id: who.tenant().to_owned(),
        email,
        role: request.role.clone(),
        project_ids,
        hash: hash(&secret).into(),
        created_by: who.user_id.clone(),
        created_at_ms: now_ms(),
        expires_at_ms: now_ms() + i64::from(hours) * HOUR_MS,
        version: 0,
    };
    let entry = Entry::by(who, Action::InviteIssue, format!("an invite as {} was issued", invite.role))
        .target("invite", &invite.id)
        .with("role", &invite.role);
    Ok(Decision::new(Change::new().put(&invite), entry, (invite, secret)))
}

pub fn revoke(snapshot: &Snapshot, who: &Principal, id: &str) -> Result<Decision<()>, Problem> {
    let invite = snapshot.invites.get(id).filter(|invite| invite.tenant_id == who.tenant());
    let invite = invite.ok_or_else(|| Problem::unknown("invite", id))?;
    rules::covers(who, permissions_of(snapshot, who.tenant(), &invite.role), "the invite's role")?;
    let entry = Entry::by(who, Action::InviteRevoke, "an invite was revoked").target("invite", id);
    Ok(Decision::new(Change::new().remove(&**invite), entry, ()))
}
