//! Who is a member of which project.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Decision, Problem, now_ms, projects, users};
use crate::audit::{Action, Entry};
use crate::auth::Principal;
use crate::control::records::{Membership, Project, User};
use crate::control::{Change, Snapshot};

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MemberItem {
    pub user_id: String,
    pub email: String,
    pub name: String,
    pub role: String,
}

pub fn item(user: &User) -> MemberItem {
    MemberItem { user_id: user.id.clone(), email: user.email.clone(), name: user.name.clone(), role: user.role.clone() }
}

/// Of a project, by address.
pub fn of<'s>(snapshot: &'s Snapshot, project: &Project) -> Vec<(&'s Arc<Membership>, &'s Arc<User>)> {
    let all = snapshot.memberships.values().flatten();
    let mut found: Vec<_> = all
        .filter(|membership| membership.project_id == project.id)
        .filter_map(|membership| Some((membership, snapshot.users.get(&membership.user_id)?)))
        .filter(|(_, user)| user.tenant_id == project.tenant_id)
        .collect();
    found.sort_by(|(_, a), (_, b)| (&a.email, &a.id).cmp(&(&b.email, &b.id)));
    found
}

pub fn add(snapshot: &Snapshot, who: &Principal, slug: &str, user: &str) -> Result<Decision<()>, Problem> {
    let project = projects::find(snapshot, who, slug)?;
    let user = users::find(snapshot, who, user)?;
    if of(snapshot, project).iter().any(|(_, member)| member.id == user.id) {
        return Ok(Decision::nothing(()));
    }
    let membership = Membership {
        tenant_id: project.tenant_id.clone(),
        project_id: project.id.clone(),
        user_id: user.id.clone(),
        created_at_ms: now_ms(),
        version: 0,
    };
    let entry = Entry::by(who, Action::MembershipAdd, format!("a user became a member of {slug}"));
    let entry = entry.target("user", &user.id).project(slug);
    Ok(Decision::new(Change::new().put(&membership), entry, ()))
}

pub fn remove(snapshot: &Snapshot, who: &Principal, slug: &str, user: &str) -> Result<Decision<()>, Problem> {
    let project = projects::find(snapshot, who, slug)?;
    let members = of(snapshot, project);
    let found = members.iter().find(|(membership, _)| membership.user_id == user);
    let (membership, _) = found.ok_or_else(|| Problem::unknown("member", user))?;
    let entry = Entry::by(who, Action::MembershipRemove, format!("a user is no longer a member of {slug}"));
    let entry = entry.target("user", user).project(slug);
    Ok(Decision::new(Change::new().remove(&***membership), entry, ()))
}
