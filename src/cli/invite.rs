//! `activitylog invite`

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::change::{Within, say, within};
use super::webhook::base;
use crate::people::invites::{self, IssuedInvite, NewInvite};

#[derive(Subcommand)]
pub enum InviteCommand {
    /// Invite somebody; prints the link, this once, as JSON
    #[command(
        after_help = "Example:\n  activitylog invite add --tenant acme --email ada@example.com --role member --project shop"
    )]
    Add(Add),
    /// List the invites that wait, one JSON object a line
    #[command(after_help = "Example:\n  activitylog invite ls --tenant acme")]
    Ls(Within),
    /// Revoke an invite
    #[command(after_help = "Example:\n  activitylog invite rm --tenant acme 5f0c...")]
    Rm(Rm),
}

#[derive(Args)]
pub struct Add {
    #[command(flatten)]
    within: Within,
    #[arg(long)]
    email: String,
    #[arg(long)]
    role: String,
    /// A project that the user will be a member of; may be given several times
    #[arg(long = "project", value_name = "SLUG")]
    projects: Vec<String>,
    /// [default: 72]
    #[arg(long)]
    expires_in_hours: Option<u32>,
}

#[derive(Args)]
pub struct Rm {
    #[command(flatten)]
    within: Within,
    /// As `ls` prints it
    id: String,
}

pub fn invite(command: &InviteCommand) -> ExitCode {
    match command {
        InviteCommand::Add(add) => within(&add.within, async |desk| {
            let request = NewInvite {
                email: add.email.clone(),
                role: add.role.clone(),
                projects: add.projects.clone(),
                expires_in_hours: add.expires_in_hours,
            };
            let (invite, secret) = desk.write(invites::issue(&desk.snapshot, &desk.who, &request)).await?;
            let item = invites::item(&desk.snapshot, &invite);
            say(&IssuedInvite {
                item,
                link: invites::link(&base(desk.config(), &desk.config().auth.public_url), &secret),
            })
        }),
        InviteCommand::Ls(ls) => within(ls, async |desk| {
            let pending = invites::pending(&desk.snapshot, desk.who.tenant());
            pending.into_iter().try_for_each(|invite| say(&invites::item(&desk.snapshot, invite)))
        }),
        InviteCommand::Rm(rm) => {
            within(&rm.within, async |desk| desk.write(invites::revoke(&desk.snapshot, &desk.who, &rm.id)).await)
        }
    }
}
