//! `activitylog`: every command in one match. `engine` runs without a runtime, since the library it loads brings its own threads.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::process::ExitCode;

use activitylog::cli::{self, Command};

fn main() -> ExitCode {
    match cli::parse() {
        Ok(Command::Engine(options)) => cli::engine(&options),
        Ok(Command::Serve(options)) => cli::serve(&options),
        Ok(Command::Demo(options)) => cli::demo(&options),
        Ok(Command::Sql(options)) => cli::sql(&options),
        Ok(Command::Migrate(options)) => cli::migrate(&options),
        Ok(Command::Spool(command)) => cli::spool(&command),
        Ok(Command::Reprice(options)) => cli::reprice(&options),
        Ok(Command::Webhook(command)) => cli::webhook(&command),
        Ok(Command::Tenant(command)) => cli::tenant(&command),
        Ok(Command::User(command)) => cli::user(&command),
        Ok(Command::Role(command)) => cli::role(&command),
        Ok(Command::Project(command)) => cli::project(&command),
        Ok(Command::Membership(command)) => cli::membership(&command),
        Ok(Command::Token(command)) => cli::token(&command),
        Ok(Command::Invite(command)) => cli::invite(&command),
        Ok(Command::Pack(command)) => cli::pack(&command),
        Ok(Command::CheckConfig(options)) => cli::check_config(&options),
        Err(code) => code,
    }
}
