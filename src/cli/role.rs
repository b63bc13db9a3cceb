//! `activitylog role`

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::change::{Within, say, within};
use crate::people::roles::{self, NewRole, Reassign};

#[derive(Subcommand)]
pub enum RoleCommand {
    /// Add a role; prints it as JSON
    #[command(
        after_help = "Example:\n  activitylog role add --tenant acme --name auditor --permissions events.read,audit.read"
    )]
    Add(Add),
    /// List the roles, one JSON object a line
    #[command(after_help = "Example:\n  activitylog role ls --tenant acme")]
    Ls(Within),
    /// Delete a role that nobody has
    #[command(after_help = "Example:\n  activitylog role rm --tenant acme auditor")]
    Rm(Rm),
    /// Give everybody who has a role another one, and delete it; prints how many
    #[command(after_help = "Example:\n  activitylog role reassign --tenant acme auditor --to viewer")]
    Reassign(Other),
}

#[derive(Args)]
pub struct Add {
    #[command(flatten)]
    within: Within,
    #[arg(long)]
    name: String,
    #[arg(long, default_value = "")]
    description: String,
    /// With commas between them
    #[arg(long, value_delimiter = ',', required = true)]
    permissions: Vec<String>,
}

#[derive(Args)]
pub struct Rm {
    #[command(flatten)]
    within: Within,
    name: String,
}

#[derive(Args)]
pub struct Other {
    #[command(flatten)]
    within: Within,
    name: String,
    /// The role that its users get
    #[arg(long)]
    to: String,
}

pub fn role(command: &RoleCommand) -> ExitCode {
    match command {
        RoleCommand::Add(add) => within(&add.within, async |desk| {
            let request = NewRole {
                name: add.name.clone(),
                description: add.description.clone(),
                permissions: add.permissions.clone(),
            };
            let role = desk.write(roles::add(&desk.snapshot, &desk.who, &request)).await?;
            say(&roles::item(&desk.snapshot, &role))
        }),
        RoleCommand::Ls(ls) => {
            within(ls, async |desk| roles::all(&desk.snapshot, desk.who.tenant()).iter().try_for_each(say))
        }
        RoleCommand::Rm(rm) => {
            within(&rm.within, async |desk| desk.write(roles::remove(&desk.snapshot, &desk.who, &rm.name)).await)
        }
        RoleCommand::Reassign(role) => within(&role.within, async |desk| {
            let request = Reassign { to: role.to.clone() };
            let decision = roles::reassign_and_delete(&desk.snapshot, &desk.who, &role.name, &request);
            say(&desk.write(decision).await?)
        }),
    }
}
