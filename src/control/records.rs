//! The rows of the control tables, field by field as their columns.

use serde::{Deserialize, Serialize};

use super::hidden::Hidden;
use super::table::record;

record! {
    pub struct Tenant in "tenants" {
        pub id: String,
        pub name: String,
        pub tier: Tier,
        /// 0: as the tier says.
        pub retention_days: u32,
        pub capture: Capture,
        /// 0: as the tier says.
        pub records_per_second: u64,
        /// 0: as the tier says.
        pub bytes_per_day: u64,
        /// What may be spent on models in a month, in hundredths of a US dollar; 0: nothing is said.
        #[serde(default)]
        pub monthly_budget_cents: u64,
        pub created_at_ms: i64,
        pub version: u64,
    }
}

record! {
    pub struct User in "users" {
        pub id: String,
        pub tenant_id: String,
        pub email: String,
        pub name: String,
        pub role: String,
        /// PHC string; empty: signs in elsewhere.
        pub password_hash: Hidden,
        pub must_change_password: bool,
        /// Base32; empty: none.
        pub totp_secret: Hidden,
        /// A secret that was never confirmed asks for no code.
        pub totp_confirmed: bool,
        pub recovery_hashes: Vec<Hidden>,
        /// `<issuer> <subject>` of an OpenID provider.
        pub oidc_subject: String,
        pub disabled: bool,
        pub created_at_ms: i64,
        pub version: u64,
    }
}

record! {
    pub struct Role in "roles" {
        pub tenant_id: String,
        pub name: String,
        pub description: String,
        pub permissions: Vec<String>,
        pub created_at_ms: i64,
        pub version: u64,
    }
}

record! {
    pub struct Project in "projects" {
        pub id: String,
        pub tenant_id: String,
        /// What events say; it never changes.
        pub slug: String,
        pub name: String,
        pub description: String,
        pub created_at_ms: i64,
        pub version: u64,
    }
}

record! {
    pub struct Membership in "memberships" {
        pub tenant_id: String,
        pub project_id: String,
        pub user_id: String,
        pub created_at_ms: i64,
        pub version: u64,
    }
}

record! {
    pub struct Token in "tokens" {
        pub id: String,
        pub tenant_id: String,
        pub kind: TokenKind,
        pub name: String,
        /// How it begins, to tell it from others.
        pub prefix: String,
        /// SHA-256, hex.
        pub hash: Hidden,
        /// Of an API token: whom it acts as. Of an ingest token: who made it.
        pub user_id: String,
        /// A slug; empty: all that its user sees, or what events say themselves.
        pub project: String,
        /// Of an API token; empty: all of its user's.
        pub permissions: Vec<String>,
        pub created_at_ms: i64,
        /// 0: it does not.
        pub expires_at_ms: i64,
        pub version: u64,
    }
}

record! {
    pub struct Invite in "invites" {
        pub id: String,
        pub tenant_id: String,
        pub email: String,
        pub role: String,
        pub project_ids: Vec<String>,
        /// SHA-256 of what the link carries, hex.
        pub hash: Hidden,
        pub created_by: String,
        pub created_at_ms: i64,
        pub expires_at_ms: i64,
        pub version: u64,
    }
}

record! {
    pub struct Session in "sessions" {
        pub id: String,
        pub tenant_id: String,
        pub user_id: String,
        /// SHA-256 of the cookie's value, hex.
        pub hash: Hidden,
        pub source_ip: String,
        pub user_agent: String,
        pub created_at_ms: i64,
        pub expires_at_ms: i64,
        pub version: u64,
    }
}

record! {
    pub struct PackState in "pack_states" {
        pub tenant_id: String,
        pub pack_id: String,
        pub choice: PackChoice,
        /// TOML, of a pack of the tenant's own; empty: it is one of the product's or the operator's.
        pub definition: String,
        pub created_at_ms: i64,
        pub version: u64,
    }
}

/// Whether an admin turned a pack on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackChoice {
    /// It is on where there is something to show.
    #[default]
    #[serde(rename = "")]
    Unsaid,
    On,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    #[default]
    Free,
    Pro,
    Enterprise,
}

/// Whether prompts and other content are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Capture {
    /// As the configuration says.
    #[default]
    #[serde(rename = "")]
    Configured,
    On,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    #[default]
    Ingest,
    Api,
}

// === impl Token ===

impl Token {
    pub fn holds_at(&self, now_ms: i64) -> bool {
        self.expires_at_ms == 0 || now_ms < self.expires_at_ms
    }
}
