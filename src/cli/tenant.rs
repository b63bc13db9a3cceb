//! `activitylog tenant`

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Common;
use super::change::{Desk, Failure, at_home, say, word};
use crate::control::records::{Capture, Tenant, Tier};
use crate::people::tenants::{self, Defaults, EditTenant, NewTenant};

#[derive(Subcommand)]
pub enum TenantCommand {
    /// Add a tenant; prints it as JSON
    #[command(after_help = "Example:\n  activitylog tenant add --id acme --name \"Acme Inc.\" --tier pro")]
    Add(Add),
    /// List the tenants, one JSON object a line
    #[command(after_help = "Example:\n  activitylog tenant ls")]
    Ls(Common),
    /// Change what a tenant is called and may use; prints it as JSON
    #[command(after_help = "Example:\n  activitylog tenant edit acme --tier enterprise --retention-days 90")]
    Edit(Edit),
    /// Delete a tenant, with its users, tokens and webhook sources; its events stay until they expire
    #[command(after_help = "Example:\n  activitylog tenant rm acme")]
    Rm(Rm),
}

#[derive(Args)]
pub struct Add {
    #[command(flatten)]
    common: Common,
    /// a-z, 0-9 and '-'; it never changes
    #[arg(long)]
    id: String,
    /// What people call it [default: the id]
    #[arg(long, default_value = "")]
    name: String,
    /// free, pro or enterprise
    #[arg(long, default_value = "free", value_parser = word::<Tier>)]
    tier: Tier,
}

#[derive(Args)]
pub struct Edit {
    #[command(flatten)]
    common: Common,
    /// As `ls` prints it
    id: String,
    #[arg(long)]
    name: Option<String>,
    /// free, pro or enterprise
    #[arg(long, value_parser = word::<Tier>)]
    tier: Option<Tier>,
    /// How long events are kept; 0: as the tier says
    #[arg(long)]
    retention_days: Option<u32>,
    /// Whether prompts and other content are kept: on, off, or "" as the configuration says
    #[arg(long, value_parser = word::<Capture>)]
    capture: Option<Capture>,
    /// 0: as the tier says
    #[arg(long)]
    records_per_second: Option<u64>,
    /// 0: as the tier says
    #[arg(long)]
    bytes_per_day: Option<u64>,
}

#[derive(Args)]
pub struct Rm {
    #[command(flatten)]
    common: Common,
    /// As `ls` prints it
    id: String,
}

pub fn tenant(command: &TenantCommand) -> ExitCode {
    match command {
        TenantCommand::Add(add) => at_home(&add.common, async |desk| {
            let request = NewTenant { id: add.id.clone(), name: add.name.clone(), tier: add.tier };
            show(desk, &desk.write(tenants::add(&desk.snapshot, &desk.who, &request)).await?)
        }),
        TenantCommand::Ls(common) => {
            at_home(common, async |desk| desk.snapshot.tenants.values().try_for_each(|tenant| show(desk, tenant)))
        }
        TenantCommand::Edit(edit) => at_home(&edit.common, async |desk| {
            let decision = tenants::edit(&desk.snapshot, &desk.who, &edit.id, &edit.request());
            show(desk, &desk.write(decision).await?)
        }),
        TenantCommand::Rm(rm) => at_home(&rm.common, async |desk| {
            let kept = &desk.config().auth.anonymous_tenant;
            desk.write(tenants::remove(&desk.snapshot, &desk.who, &rm.id, kept)).await
        }),
    }
}

fn show(desk: &Desk<'_>, tenant: &Tenant) -> Result<(), Failure> {
    let config = desk.config();
    say(&tenants::item(tenant, &Defaults { tiers: config.tiers.clone(), retention_days: config.retention.days }))
}

// === impl Edit ===

impl Edit {
    fn request(&self) -> EditTenant {
        EditTenant {
            name: self.name.clone(),
            tier: self.tier,
            retention_days: self.retention_days,
            capture: self.capture,
            records_per_second: self.records_per_second,
            bytes_per_day: self.bytes_per_day,
        }
    }
}
