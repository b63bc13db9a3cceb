//! Roles: those that come with the product, and a tenant's own.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decision, Problem, now_ms, rules};
use crate::audit::{Action, Entry};
use crate::auth::Principal;
use crate::auth::permissions::{BUILT_IN, Permission, Permissions, built_in};
use crate::control::records::{Invite, Role, User};
use crate::control::{Change, Snapshot};

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RoleItem {
    pub name: String,
    pub description: String,
    pub permissions: Vec<String>,
    /// It comes with the product and can't be changed.
    pub built_in: bool,
    /// How many have it.
    pub users: usize,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    pub name: String,
    #[serde(default)]
    pub description: String,
    pub permissions: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditRole {
    pub description: Option<String>,
    pub permissions: Option<Vec<String>>,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reassign {
    /// The role that its users get.
    pub to: String,
}

#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Moved {
    pub moved: usize,
}

/// Those built in, from the most powerful down, and then the tenant's own by name.
pub fn all(snapshot: &Snapshot, tenant: &str) -> Vec<RoleItem> {
    let built_in = BUILT_IN.iter().map(|name| RoleItem {
        name: (*name).to_owned(),
        description: about(name).to_owned(),
        permissions: built_in(name).unwrap_or_default().names(),
        built_in: true,
        users: users_with(snapshot, tenant, name).count(),
    });
    built_in.chain(snapshot.roles_of(tenant).map(|role| item(snapshot, role))).collect()
}

pub fn item(snapshot: &Snapshot, role: &Role) -> RoleItem {
    RoleItem {
        name: role.name.clone(),
        description: role.description.clone(),
        permissions: role.permissions.clone(),
        built_in: false,
        users: users_with(snapshot, &role.tenant_id, &role.name).count(),
    }
}

fn about(name: &str) -> &'static str {
    match name {
        "platform_admin" => "Everything, in every tenant",
        "super_admin" => "Everything in this tenant, the audit trail of everybody included",
        "admin" => "Everything in this tenant but the audit trail",
        "member" => "Reads, writes and queries the projects they are a member of",
        _ => "Reads the projects they are a member of",
    }
}

fn users_with<'s>(snapshot: &'s Snapshot, tenant: &'s str, role: &'s str) -> impl Iterator<Item = &'s Arc<User>> {
    snapshot.users.values().filter(move |user| user.tenant_id == tenant && user.role == role)
}

fn invites_with<'s>(snapshot: &'s Snapshot, role: &'s Role) -> impl Iterator<Item = &'s Arc<Invite>> {
    snapshot.invites.values().filter(|invite| invite.tenant_id == role.tenant_id && invite.role == role.name)
}

pub fn add(snapshot: &Snapshot, who: &Principal, request: &NewRole) -> Result<Decision<Role>, Problem> {
    let name = rules::slug("name", &request.name)?;
    if rules::role_exists(snapshot, who.tenant(), &name) {
        return Err(Problem::conflict(format!("there is a role {name} already")));
    }
    let role = Role {
        tenant_id: who.tenant().to_owned(),
        name,
        description: rules::description(&request.description)?,
        permissions: given(who, &request.permissions)?,
        created_at_ms: now_ms(),
        version: 0,
    };
    let entry = Entry::by(who, Action::RoleAdd, format!("the role {} was added", role.name))
        .target("role", &role.name)
        .with("permissions", role.permissions.join(" "));
    Ok(Decision::new(Change::new().put(&role), entry, role))
}

pub fn edit(snapshot: &Snapshot, who: &Principal, name: &str, request: &EditRole) -> Result<Decision<Role>, Problem> {
    let before = find(snapshot, who, name)?;
    let mut role = Role::clone(before);
    if let Some(description) = &request.description {
        role.description = rules::description(description)?;
    }
    if let Some(permissions) = &request.permissions {
        role.permissions = given(who, permissions)?;
    }
    if role == **before {
        return Ok(Decision::nothing(role));
    }
    let entry = Entry::by(who, Action::RoleEdit, format!("the role {name} was edited"))
        .target("role", name)
        .with("permissions", role.permissions.join(" "));
    Ok(Decision::new(Change::new().put(&role), entry, role))
}

/// Only one that nobody has.
pub fn remove(snapshot: &Snapshot, who: &Principal, name: &str) -> Result<Decision<()>, Problem> {
    let role = find(snapshot, who, name)?;
    let users = users_with(snapshot, who.tenant(), name).count();
    if users > 0 {
        let users = if users == 1 { "1 user has".to_owned() } else { format!("{users} users have") };
        return Err(Problem::conflict(format!(
            "{users} the role {name}: give them another first, or reassign and delete it"
        )));
    }
    // An invite must not wait for a role of that name to come back.
    let change = invites_with(snapshot, role).fold(Change::new(), |change, invite| change.remove(&**invite));
    let entry = Entry::by(who, Action::RoleDelete, format!("the role {name} was deleted")).target("role", name);
    Ok(Decision::new(change.remove(&**role), entry, ()))
}

/// Moves everybody who has it to another role first.
pub fn reassign_and_delete(
    snapshot: &Snapshot,
    who: &Principal,
    name: &str,
    request: &Reassign,
) -> Result<Decision<Moved>, Problem> {
    let role = find(snapshot, who, name)?;
    if request.to == name {
        return Err(Problem::invalid("to: this is the role that is to be deleted: name another"));
    }
    rules::may_give(snapshot, who, &request.to)?;
    let (mut change, mut moved) = (Change::new(), 0);
    for user in users_with(snapshot, who.tenant(), name) {
        change = change.put(&User { role: request.to.clone(), ..User::clone(user) });
        moved += 1;
    }
    for invite in invites_with(snapshot, role) {
        change = change.put(&Invite { role: request.to.clone(), ..Invite::clone(invite) });
    }
    let text = format!("the role {name} was deleted, and {moved} users moved to {}", request.to);
    let entry = Entry::by(who, Action::RoleReassignAndDelete, text)
        .target("role", name)
        .with("source", name)
        .with("target", &request.to)
        .with("users_moved", moved);
    Ok(Decision::new(change.remove(&**role), entry, Moved { moved }))
}

/// A custom one that `who` may change.
fn find<'s>(snapshot: &'s Snapshot, who: &Principal, name: &str) -> Result<&'s Arc<Role>, Problem> {
    if BUILT_IN.contains(&name) {
        return Err(Problem::conflict(format!("{name} comes with the product: make a role of your own")));
    }
    let role = snapshot.roles.get(&(who.tenant().to_owned(), name.to_owned()));
    let role = role.ok_or_else(|| Problem::unknown("role", name))?;
    rules::covers(who, Permissions::named(&role.permissions), "the role")?;
    Ok(role)
}

/// Known ones, each once and in order, that `who` has.
fn given(who: &Principal, names: &[String]) -> Result<Vec<String>, Problem> {
    let permissions = named(names)?;
    if permissions.has(Permission::TenantsManage) {
        return Err(Problem::invalid("permissions: tenants.manage is for platform admins alone"));
    }
    rules::covers(who, permissions, "the role")?;
    Ok(permissions.names())
}

pub(super) fn named(names: &[String]) -> Result<Permissions, Problem> {
    let unknown =
        |error: crate::auth::permissions::UnknownPermission| Problem::invalid(format!("permissions: {error}"));
    let list: Vec<Permission> = names.iter().map(|name| name.parse()).collect::<Result<_, _>>().map_err(unknown)?;
    Ok(Permissions::of(&list))
}
