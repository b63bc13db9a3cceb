//! `activitylog pack`: whether packs are right, before somebody is shown them.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::{Common, bad_usage, in_runtime};
use crate::app;

#[derive(Subcommand)]
pub enum PackCommand {
    /// Read packs, and run their panels over an empty and a filled database of their own
    #[command(
        after_help = "Examples:\n  activitylog pack check my-pack.toml\n  activitylog pack check --config activitylog.toml"
    )]
    Check {
        #[command(flatten)]
        common: Common,
        /// Pack files; without any, those that come with the product and those in packs.folder
        files: Vec<PathBuf>,
    },
}

pub fn pack(command: &PackCommand) -> ExitCode {
    let PackCommand::Check { common, files } = command;
    let config = match common.load() {
        Ok(config) => config,
        Err(code) => return code,
    };
    let packs = match app::packs_of(files, &config.packs) {
        Ok(packs) => packs,
        Err(error) => return bad_usage(error),
    };
    in_runtime(async {
        let checked = app::check_packs(&config, &packs).await.map_err(|error| error.to_string())?;
        if !checked.wrong.is_empty() {
            return Err(checked.wrong.join("\n"));
        }
        println!("{} packs with {} panels are right", packs.len(), checked.panels);
        Ok(())
    })
}
