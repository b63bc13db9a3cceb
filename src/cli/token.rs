//! `activitylog token`

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::change::{Desk, Failure, Within, say, within, word};
use crate::control::records::TokenKind;
use crate::people::tokens::{self, NewToken};
use crate::people::users;

#[derive(Subcommand)]
pub enum TokenCommand {
    /// Make a token; prints its id and, this once, the token as JSON
    #[command(after_help = "Examples:\n  activitylog token mint --tenant acme --kind ingest --project shop\n  \
                      activitylog token mint --tenant acme --kind api --user ada@example.com --permissions events.read")]
    Mint(Mint),
    /// List the tokens, one JSON object a line
    #[command(after_help = "Example:\n  activitylog token ls --tenant acme")]
    Ls(Within),
    /// Revoke a token
    #[command(after_help = "Example:\n  activitylog token revoke --tenant acme 5f0c...")]
    Revoke(Revoke),
}

#[derive(Args)]
pub struct Mint {
    #[command(flatten)]
    within: Within,
    /// ingest: to send with; api: to act as a user
    #[arg(long, value_parser = word::<TokenKind>)]
    kind: TokenKind,
    /// Whom it acts as: an address or an id
    #[arg(long)]
    user: Option<String>,
    /// The project it is bound to: a slug
    #[arg(long)]
    project: Option<String>,
    /// What people call it
    #[arg(long, default_value = "")]
    name: String,
    /// Of an API token, with commas between them [default: all of its user's]
    #[arg(long, value_delimiter = ',')]
    permissions: Option<Vec<String>>,
    /// [default: it holds until it is revoked]
    #[arg(long)]
    expires_in_days: Option<u32>,
}

#[derive(Args)]
pub struct Revoke {
    #[command(flatten)]
    within: Within,
    /// As `ls` prints it
    id: String,
}

pub fn token(command: &TokenCommand) -> ExitCode {
    match command {
        TokenCommand::Mint(mint) => within(&mint.within, async |desk| mint.run(desk).await),
        TokenCommand::Ls(ls) => within(ls, async |desk| {
            tokens::seen(&desk.snapshot, &desk.who).into_iter().try_for_each(|token| say(&tokens::item(token)))
        }),
        TokenCommand::Revoke(revoke) => {
            within(&revoke.within, async |desk| desk.write(tokens::revoke(&desk.snapshot, &desk.who, &revoke.id)).await)
        }
    }
}

// === impl Mint ===

impl Mint {
    async fn run(&self, desk: &Desk<'_>) -> Result<(), Failure> {
        let find = |name: &String| users::named(&desk.snapshot, &desk.who, name).map(|user| &**user);
        let user = self.user.as_ref().map(find).transpose()?;
        if self.kind == TokenKind::Api && user.is_none() {
            return Err(Failure::Usage("--user is missing: an API token acts as a user".to_owned()));
        }
        let request = NewToken {
            kind: self.kind,
            name: self.name.clone(),
            project: self.project.clone(),
            permissions: self.permissions.clone(),
            expires_in_days: self.expires_in_days,
        };
        let (token, text) = desk.write(tokens::mint(&desk.snapshot, &desk.who, user, &request)).await?;
        say(&json!({"id": token.id, "token": text}))
    }
}
