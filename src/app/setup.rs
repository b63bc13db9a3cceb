//! The first start: a tenant, somebody who may do everything in it, and a token to send with.

use crate::audit::{Action, Entry, Trail};
use crate::auth::password;
use crate::auth::permissions::SUPER_ADMIN;
use crate::auth::secret::{self, NoRandomness};
use crate::clickhouse::server::StoreError;
use crate::config::Config;
use crate::control::records::{Tenant, Tier, Token, TokenKind, User};
use crate::control::{Change, Control};

/// What is said once, and kept nowhere.
#[derive(Debug)]
pub struct FirstStart {
    pub email: String,
    pub password: String,
    pub ingest_token: String,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum SetupError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    #[error(transparent)]
    Password(#[from] password::HashError),
}

const FIRST_TENANT: &str = "default";

/// Reads the control tables; where there is no tenant yet, this is the first start.
pub(super) async fn first_start(
    config: &Config,
    control: &Control,
    trail: &Trail,
) -> Result<Option<FirstStart>, SetupError> {
    let edit = control.edit().await?;
    let snapshot = edit.snapshot();
    let anonymous = config.auth.anonymous_tenant.as_str();
    let is_first = snapshot.tenants.is_empty();
    let wanted = [(FIRST_TENANT, is_first), (anonymous, !anonymous.is_empty())];
    let mut missing: Vec<&str> = wanted.into_iter().filter(|(_, wanted)| *wanted).map(|(id, _)| id).collect();
    missing.dedup();
    missing.retain(|id| !snapshot.tenants.contains_key(*id));
    let mut change = missing.iter().fold(Change::new(), |change, id| change.put(&tenant(id)));
    let mut first = None;
    if is_first && !config.auth.first_admin.is_empty() {
        let password = secret::random()?;
        let user = User {
            id: uuid::Uuid::new_v4().to_string(),
            tenant_id: FIRST_TENANT.to_owned(),
            email: config.auth.first_admin.clone(),
            name: "Administrator".to_owned(),
            role: SUPER_ADMIN.to_owned(),
            password_hash: password::hash(&password)?.into(),
            must_change_password: true,
            created_at_ms: jiff::Timestamp::now().as_millisecond(),
            ..User::default()
        };
        let token = Token {
            tenant_id: FIRST_TENANT.to_owned(),
            kind: TokenKind::Ingest,
            name: "first start".to_owned(),
            ..Token::default()
        };
        let (token, ingest_token) = secret::mint(token)?;
        change = change.put(&user).put(&token);
        first = Some(FirstStart { email: user.email, password, ingest_token });
    }
    if !change.is_empty() {
        edit.write(change).await?;
    }
    if first.is_some() {
        trail
            .record(Entry::new(
                Action::SystemSetup,
                FIRST_TENANT,
                "first start: tenant, super admin and ingest token made",
            ))
            .await;
    }
    Ok(first)
}

/// The installation's own: nothing is held back from it.
fn tenant(id: &str) -> Tenant {
    Tenant {
        id: id.to_owned(),
        name: id.to_owned(),
        tier: Tier::Enterprise,
        created_at_ms: jiff::Timestamp::now().as_millisecond(),
        ..Tenant::default()
    }
}
