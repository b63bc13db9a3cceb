//! `activitylog user`

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::change::{Desk, Failure, Within, other, say, within};
use crate::auth::{password, secret};
use crate::people::users::{self, EditUser, NewUser, Secret};

#[derive(Subcommand)]
pub enum UserCommand {
    /// Add a user; prints it as JSON, with the password where none was given
    #[command(after_help = "Example:\n  activitylog user add --tenant acme --email ada@example.com --role admin")]
    Add(Add),
    /// List the users, one JSON object a line
    #[command(after_help = "Example:\n  activitylog user ls --tenant acme")]
    Ls(Within),
    /// Change a user; prints it as JSON
    #[command(after_help = "Examples:\n  activitylog user edit --tenant acme ada@example.com --role super_admin\n  \
                      activitylog user edit --tenant acme ada@example.com --disabled true\n  \
                      activitylog user edit --tenant acme ada@example.com --new-password --remove-mfa")]
    Edit(Edit),
    /// Delete a user, with sessions, API tokens and memberships
    #[command(after_help = "Example:\n  activitylog user rm --tenant acme ada@example.com")]
    Rm(Rm),
}

#[derive(Args)]
pub struct Add {
    #[command(flatten)]
    within: Within,
    #[arg(long)]
    email: String,
    /// platform_admin, super_admin, admin, member, viewer, or one of the tenant's own
    #[arg(long)]
    role: String,
    #[arg(long, default_value = "")]
    name: String,
    /// Other users of this machine may see it in the list of processes [default: made here, to be changed at the first sign-in]
    #[arg(long)]
    password: Option<String>,
}

#[derive(Args)]
pub struct Edit {
    #[command(flatten)]
    within: Within,
    /// An address or an id
    user: String,
    #[arg(long)]
    name: Option<String>,
    #[arg(long)]
    role: Option<String>,
    #[arg(long)]
    disabled: Option<bool>,
    /// Print a new one, to be changed at the first sign-in
    #[arg(long)]
    new_password: bool,
    /// For who lost the second factor and the recovery codes
    #[arg(long)]
    remove_mfa: bool,
}

#[derive(Args)]
pub struct Rm {
    #[command(flatten)]
    within: Within,
    /// An address or an id
    user: String,
}

pub fn user(command: &UserCommand) -> ExitCode {
    match command {
        UserCommand::Add(add) => within(&add.within, async |desk| add.run(desk).await),
        UserCommand::Ls(ls) => within(ls, async |desk| {
            let users = users::search(&desk.snapshot, desk.who.tenant(), "");
            users.into_iter().try_for_each(|user| say(&users::item(&desk.snapshot, user)))
        }),
        UserCommand::Edit(edit) => within(&edit.within, async |desk| edit.run(desk).await),
        UserCommand::Rm(rm) => within(&rm.within, async |desk| {
            let user = users::named(&desk.snapshot, &desk.who, &rm.user)?;
            desk.write(users::remove(&desk.snapshot, &desk.who, &user.id)).await
        }),
    }
}

/// One that is made here, and its text.
fn made() -> Result<(Secret, String), Failure> {
    let text = secret::random().map_err(other)?;
    Ok((Secret { hash: password::hash(&text).map_err(other)?.into(), must_change: true }, text))
}

// === impl Add ===

impl Add {
    async fn run(&self, desk: &Desk<'_>) -> Result<(), Failure> {
        let (secret, made) = match &self.password {
            Some(password) => {
                if password.is_empty() {
                    return Err(Failure::Usage("--password is empty: leave it out to have one made".to_owned()));
                }
                // The operator's to decide, but not without knowing.
                if let Err(weak) = password::check(password, &self.email) {
                    eprintln!("warning: {weak}");
                }
                let hash = password::hash(password).map_err(other)?.into();
                (Secret { hash, must_change: false }, None)
            }
            None => made().map(|(secret, text)| (secret, Some(text)))?,
        };
        let request =
            NewUser { email: self.email.clone(), name: self.name.clone(), role: self.role.clone(), password: None };
        let user = desk.write(users::add(&desk.snapshot, &desk.who, &request, secret)).await?;
        let mut said = json!(users::item(&desk.snapshot, &user));
        if let Some(password) = made {
            said["password"] = password.into();
            said["must_change_password"] = true.into();
        }
        say(&said)
    }
}

// === impl Edit ===

impl Edit {
    async fn run(&self, desk: &Desk<'_>) -> Result<(), Failure> {
        let id = users::named(&desk.snapshot, &desk.who, &self.user)?.id.clone();
        let resets = self.new_password || self.remove_mfa;
        let request = EditUser { name: self.name.clone(), role: self.role.clone(), disabled: self.disabled };
        if resets && (request.name.is_some() || request.role.is_some() || request.disabled.is_some()) {
            return Err(Failure::Usage(
                "--new-password and --remove-mfa stand alone: change the rest by itself".to_owned(),
            ));
        }
        let (secret, made) =
            if self.new_password { made().map(|(secret, text)| (Some(secret), Some(text)))? } else { (None, None) };
        let decision = match resets {
            true => users::reset(&desk.snapshot, &desk.who, &id, secret, self.remove_mfa),
            false => users::edit(&desk.snapshot, &desk.who, &id, &request),
        };
        let user = desk.write(decision).await?;
        let mut said = json!(users::item(&desk.snapshot, &user));
        if let Some(password) = made {
            said["password"] = password.into();
            said["must_change_password"] = true.into();
        }
        say(&said)
    }
}
