//! Projects of a tenant.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decision, Problem, members, now_ms, rules};
use crate::audit::{Action, Entry};
use crate::auth::Principal;
use crate::auth::permissions::Permission;
use crate::auth::principal::Via;
use crate::control::records::{Project, TokenKind};
use crate::control::{Change, Snapshot};

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProjectItem {
    pub id: String,
    pub slug: String,
    pub name: String,
    pub description: String,
    pub members: usize,
    pub created_at: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    /// What events say; it never changes.
    pub slug: String,
    /// The slug, if there is none.
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub description: String,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditProject {
    pub name: Option<String>,
    pub description: Option<String>,
}

pub fn item(snapshot: &Snapshot, project: &Project) -> ProjectItem {
    ProjectItem {
        id: project.id.clone(),
        slug: project.slug.clone(),
        name: project.name.clone(),
        description: project.description.clone(),
        members: members::of(snapshot, project).len(),
        created_at: rules::instant(project.created_at_ms),
    }
}

/// Whoever manages projects sees all of them, unless a token keeps them to one; others see theirs.
pub fn sees(snapshot: &Snapshot, who: &Principal, slug: &str) -> bool {
    rules::in_scope(who, slug) || who.has(Permission::ProjectsManage) && !is_bound(snapshot, who)
}

/// Whether the credential itself is for one project.
fn is_bound(snapshot: &Snapshot, who: &Principal) -> bool {
    match &who.via {
        // A token that is gone since can't say.
        Via::Token(id) => snapshot.tokens.get(id).is_none_or(|token| !token.project.is_empty()),
        _ => false,
    }
}

pub fn find<'s>(snapshot: &'s Snapshot, who: &Principal, slug: &str) -> Result<&'s Arc<Project>, Problem> {
    let project = snapshot.project(who.tenant(), slug).filter(|project| sees(snapshot, who, &project.slug));
    project.ok_or_else(|| Problem::unknown("project", slug))
}

pub fn add(snapshot: &Snapshot, who: &Principal, request: &NewProject) -> Result<Decision<Project>, Problem> {
    let slug = rules::slug("slug", &request.slug)?;
    if is_bound(snapshot, who) {
        return Err(Problem::not_allowed("your token is for one project: it can't make others"));
    }
    if snapshot.project(who.tenant(), &slug).is_some() {
        return Err(Problem::conflict(format!("there is a project {slug} already")));
    }
    let name = rules::name_or_nothing("name", &request.name)?;
    let project = Project {
        id: uuid::Uuid::new_v4().to_string(),
        tenant_id: who.tenant().to_owned(),
        name: if name.is_empty() { slug.clone() } else { name },
        slug,
        description: rules::description(&request.description)?,
        created_at_ms: now_ms(),
        version: 0,
    };
    let entry = Entry::by(who, Action::ProjectAdd, format!("the project {} was added", project.slug));
    let entry = entry.target("project", &project.id).project(&project.slug);
    Ok(Decision::new(Change::new().put(&project), entry, project))
}

pub fn edit(
    snapshot: &Snapshot,
    who: &Principal,
    slug: &str,
    request: &EditProject,
) -> Result<Decision<Project>, Problem> {
    let before = find(snapshot, who, slug)?;
    let mut project = Project::clone(before);
    let mut entry = Entry::by(who, Action::ProjectEdit, format!("the project {slug} was edited"));
    entry = entry.target("project", &project.id).project(slug);
    if let Some(name) = &request.name {
        project.name = rules::name("name", name)?;
    }
    if let Some(description) = &request.description {
        project.description = rules::description(description)?;
    }
    if project == **before {
        return Ok(Decision::nothing(project));
    }
    let fields = [("name", project.name != before.name), ("description", project.description != before.description)];
    let changed: Vec<&str> = fields.into_iter().filter(|(_, changed)| *changed).map(|(field, _)| field).collect();
    entry = entry.with("changed", changed.join(" "));
    Ok(Decision::new(Change::new().put(&project), entry, project))
}

/// Its events stay, and so do senders' tokens; what reads as one of its members goes.
pub fn remove(snapshot: &Snapshot, who: &Principal, slug: &str) -> Result<Decision<()>, Problem> {
    let project = find(snapshot, who, slug)?;
    let mut change = Change::new();
    for (membership, _) in members::of(snapshot, project) {
        change = change.remove(&**membership);
    }
    // A project that gets the same slug later is another one.
    let bound = |tenant: &str, of: &str| tenant == project.tenant_id && of == project.slug;
    for token in snapshot.tokens.values() {
        if token.kind == TokenKind::Api && bound(&token.tenant_id, &token.project) {
            change = change.remove(&**token);
        }
    }
    // Last: what failed half-way can be done again.
    change = change.remove(&**project);
    let entry = Entry::by(who, Action::ProjectDelete, format!("the project {slug} was deleted"));
    let entry = entry.target("project", &project.id).project(slug);
    Ok(Decision::new(change, entry, ()))
}
