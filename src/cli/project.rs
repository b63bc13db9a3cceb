//! `activitylog project` and `activitylog membership`

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::change::{Within, say, within};
use crate::people::projects::{self, NewProject};
use crate::people::{members, users};

#[derive(Subcommand)]
pub enum ProjectCommand {
    /// Add a project; prints it as JSON
    #[command(after_help = "Example:\n  activitylog project add --tenant acme --slug shop --name \"The shop\"")]
    Add(Add),
    /// List the projects, one JSON object a line
    #[command(after_help = "Example:\n  activitylog project ls --tenant acme")]
    Ls(Within),
    /// Delete a project, with its memberships; its events stay
    #[command(after_help = "Example:\n  activitylog project rm --tenant acme shop")]
    Rm(Rm),
}

#[derive(Subcommand)]
pub enum MembershipCommand {
    /// Make a user a member of a project
    #[command(
        after_help = "Example:\n  activitylog membership add --tenant acme --user ada@example.com --project shop"
    )]
    Add(Member),
    /// List the members of a project, or of all, one JSON object a line
    #[command(after_help = "Example:\n  activitylog membership ls --tenant acme --project shop")]
    Ls(List),
    /// End a membership
    #[command(after_help = "Example:\n  activitylog membership rm --tenant acme --user ada@example.com --project shop")]
    Rm(Member),
}

#[derive(Args)]
pub struct Add {
    #[command(flatten)]
    within: Within,
    /// What events say; it never changes
    #[arg(long)]
    slug: String,
    /// What people call it [default: the slug]
    #[arg(long, default_value = "")]
    name: String,
    #[arg(long, default_value = "")]
    description: String,
}

#[derive(Args)]
pub struct Rm {
    #[command(flatten)]
    within: Within,
    slug: String,
}

#[derive(Args)]
pub struct Member {
    #[command(flatten)]
    within: Within,
    /// An address or an id
    #[arg(long)]
    user: String,
    /// A slug
    #[arg(long)]
    project: String,
}

#[derive(Args)]
pub struct List {
    #[command(flatten)]
    within: Within,
    /// A slug [default: all]
    #[arg(long)]
    project: Option<String>,
}

pub fn project(command: &ProjectCommand) -> ExitCode {
    match command {
        ProjectCommand::Add(add) => within(&add.within, async |desk| {
            let request =
                NewProject { slug: add.slug.clone(), name: add.name.clone(), description: add.description.clone() };
            let project = desk.write(projects::add(&desk.snapshot, &desk.who, &request)).await?;
            say(&projects::item(&desk.snapshot, &project))
        }),
        ProjectCommand::Ls(ls) => within(ls, async |desk| {
            let mut all = desk.snapshot.projects_of(desk.who.tenant());
            all.try_for_each(|project| say(&projects::item(&desk.snapshot, project)))
        }),
        ProjectCommand::Rm(rm) => {
            within(&rm.within, async |desk| desk.write(projects::remove(&desk.snapshot, &desk.who, &rm.slug)).await)
        }
    }
}

pub fn membership(command: &MembershipCommand) -> ExitCode {
    match command {
        MembershipCommand::Add(member) => within(&member.within, async |desk| {
            let user = users::named(&desk.snapshot, &desk.who, &member.user)?;
            desk.write(members::add(&desk.snapshot, &desk.who, &member.project, &user.id)).await?;
            say(&json!({"project": member.project, "user_id": user.id, "email": user.email}))
        }),
        MembershipCommand::Ls(ls) => within(&ls.within, async |desk| {
            if let Some(slug) = &ls.project {
                projects::find(&desk.snapshot, &desk.who, slug)?;
            }
            let all = desk.snapshot.projects_of(desk.who.tenant());
            for project in all.filter(|project| ls.project.as_ref().is_none_or(|slug| *slug == project.slug)) {
                for (_, user) in members::of(&desk.snapshot, project) {
                    let mut member = json!(members::item(user));
                    member["project"] = project.slug.as_str().into();
                    say(&member)?;
                }
            }
            Ok(())
        }),
        MembershipCommand::Rm(member) => within(&member.within, async |desk| {
            let user = users::named(&desk.snapshot, &desk.who, &member.user)?;
            desk.write(members::remove(&desk.snapshot, &desk.who, &member.project, &user.id)).await
        }),
    }
}
