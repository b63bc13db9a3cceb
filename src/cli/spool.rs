//! `activitylog spool`: what is accepted and not yet in ClickHouse, and what ClickHouse could not take.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::Common;
use crate::spool::admin::{self, State};

#[derive(Subcommand)]
pub enum SpoolCommand {
    /// List the segments: those that wait, and those in quarantine
    #[command(after_help = "Example:\n  activitylog spool ls")]
    Ls(Common),
    /// Show one segment, with the error that put it into quarantine
    #[command(after_help = "Example:\n  activitylog spool show events NAME")]
    Show(One),
    /// Send a segment in quarantine again
    #[command(after_help = "Example:\n  activitylog spool retry events NAME")]
    Retry(One),
    /// Write a segment's bytes as ClickHouse takes them (INSERT ... FORMAT Native with decompress=1) to a file
    #[command(after_help = "Example:\n  activitylog spool export events NAME --to segment.native")]
    Export(Export),
}

#[derive(clap::Args)]
pub struct One {
    #[command(flatten)]
    common: Common,
    /// events, events-2, metrics or metrics-2, as `ls` prints it
    table: String,
    /// As `ls` prints it
    name: String,
}

#[derive(clap::Args)]
pub struct Export {
    #[command(flatten)]
    one: One,
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

pub fn spool(command: &SpoolCommand) -> ExitCode {
    let common = match command {
        SpoolCommand::Ls(common) => common,
        SpoolCommand::Show(one) | SpoolCommand::Retry(one) => &one.common,
        SpoolCommand::Export(export) => &export.one.common,
    };
    let dir = match common.load() {
        Ok(config) => config.data_dir.join("spool"),
        Err(code) => return code,
    };
    let done = match command {
        SpoolCommand::Ls(_) => list(&dir),
        SpoolCommand::Show(one) => show(&dir, one),
        SpoolCommand::Retry(one) => {
            admin::retry(&dir, &one.table, &one.name).map(|()| println!("it will be sent again"))
        }
        SpoolCommand::Export(export) => write_out(&dir, export),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn list(dir: &std::path::Path) -> io::Result<()> {
    println!("{:<10} {:<14} {:>10} {:>12}  name", "table", "state", "rows", "bytes");
    for table in admin::tables(dir)? {
        for segment in admin::list(dir, &table)? {
            let state = match &segment.state {
                State::Open => "open",
                State::Sealed => "sealed",
                State::Quarantined { .. } => "quarantined",
                State::Damaged { .. } => "damaged",
            };
            println!("{table:<10} {state:<14} {:>10} {:>12}  {}", segment.rows, segment.bytes, segment.name);
        }
    }
    Ok(())
}

fn show(dir: &std::path::Path, one: &One) -> io::Result<()> {
    match admin::show(dir, &one.table, &one.name)? {
        Some(segment) => println!("{segment:#?}"),
        None => return Err(io::Error::other(format!("there is no segment {} of {}", one.name, one.table))),
    }
    Ok(())
}

fn write_out(dir: &std::path::Path, export: &Export) -> io::Result<()> {
    let mut file = std::fs::File::create_new(&export.to)
        .map_err(|error| io::Error::other(format!("cannot make {}: {error}", export.to.display())))?;
    let rows = admin::export(dir, &export.one.table, &export.one.name, &mut file)?;
    println!("{rows} rows in {}", export.to.display());
    Ok(())
}
