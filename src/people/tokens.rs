//! Tokens: to send with, and to act as a user.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decision, Problem, now_ms, projects, roles, rules};
use crate::audit::{Action, Entry};
use crate::auth::Principal;
use crate::auth::permissions::{Permission, Permissions};
use crate::auth::principal::{Via, permissions_of};
use crate::auth::secret;
use crate::control::records::{Token, TokenKind, User};
use crate::control::{Change, Snapshot};

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TokenItem {
    pub id: String,
    pub kind: TokenKind,
    pub name: String,
    /// How it begins.
    pub prefix: String,
    /// Of an API token: whom it acts as. Of an ingest token: who made it.
    pub user_id: String,
    /// Empty: all that its user sees, or what events say themselves.
    pub project: String,
    /// Empty: all of its user's.
    pub permissions: Vec<String>,
    pub created_at: Option<String>,
    pub expires_at: Option<String>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MintedToken {
    #[serde(flatten)]
    pub item: TokenItem,
    /// Shown once.
    pub token: String,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    pub kind: TokenKind,
    #[serde(default)]
    pub name: String,
    pub project: Option<String>,
    /// Of an API token; none: all of its user's.
    pub permissions: Option<Vec<String>>,
    /// None: it holds until it is revoked.
    pub expires_in_days: Option<u32>,
}

const MOST_DAYS: u32 = 3650;
const DAY_MS: i64 = 86_400_000;

pub fn item(token: &Token) -> TokenItem {
    TokenItem {
        id: token.id.clone(),
        kind: token.kind,
        name: token.name.clone(),
        prefix: token.prefix.clone(),
        user_id: token.user_id.clone(),
        project: token.project.clone(),
        permissions: token.permissions.clone(),
        created_at: rules::instant(token.created_at_ms),
        expires_at: rules::instant(token.expires_at_ms),
    }
}

/// Those that `who` may see, the newest first.
pub fn seen<'s>(snapshot: &'s Snapshot, who: &Principal) -> Vec<&'s Arc<Token>> {
    let mut tokens: Vec<_> = snapshot.tokens.values().filter(|token| sees(who, token)).collect();
    tokens.sort_by(|a, b| (b.created_at_ms, &a.id).cmp(&(a.created_at_ms, &b.id)));
    tokens
}

fn sees(who: &Principal, token: &Token) -> bool {
    let own = token.kind == TokenKind::Api && token.user_id == who.user_id;
    let managed = who.has(Permission::TokensManage) && (who.scope.all_projects || rules::in_scope(who, &token.project));
    token.tenant_id == who.tenant() && (own || managed)
}

/// `user`: whom an API token acts as.
pub fn mint(
    snapshot: &Snapshot,
    who: &Principal,
    user: Option<&User>,
    request: &NewToken,
) -> Result<Decision<(Token, String)>, Problem> {
    let maker = maker(snapshot, who);
    let mut token = Token {
        tenant_id: who.tenant().to_owned(),
        kind: request.kind,
        name: rules::name_or_nothing("name", &request.name)?,
        user_id: who.user_id.clone(),
        project: rules::name_or_nothing("project", request.project.as_deref().unwrap_or(""))?,
        expires_at_ms: end(request, maker)?,
        ..Token::default()
    };
    match request.kind {
        TokenKind::Ingest => {
            ingest(who, request, &token)?;
            if let Some(user) = user {
                token.user_id.clone_from(&user.id);
            }
        }
        TokenKind::Api => {
            let user =
                user.ok_or_else(|| Problem::not_allowed("an API token acts as a user, and you are none: sign in"))?;
            token.user_id.clone_from(&user.id);
            token.permissions = api(snapshot, who, user, request, maker, &mut token.project)?;
        }
    }
    let (token, text) = secret::mint(token)?;
    let kind = kind_name(token.kind);
    let entry = Entry::by(who, Action::TokenMint, format!("an {kind} token was minted"))
        .target("token", &token.id)
        .project(&token.project)
        .with("kind", kind.to_ascii_lowercase())
        .with("user_id", &token.user_id);
    Ok(Decision::new(Change::new().put(&token), entry, (token, text)))
}

/// The token that `who` came with: what it makes is no wider and lasts no longer.
fn maker<'s>(snapshot: &'s Snapshot, who: &Principal) -> Option<&'s Token> {
    match &who.via {
        Via::Token(id) => snapshot.tokens.get(id).map(|token| &**token),
        _ => None,
    }
}

fn end(request: &NewToken, maker: Option<&Token>) -> Result<i64, Problem> {
    let most = maker.map_or(0, |maker| maker.expires_at_ms);
    match request.expires_in_days {
        None => Ok(most),
        Some(days) if (1..=MOST_DAYS).contains(&days) => {
            let end = now_ms() + i64::from(days) * DAY_MS;
            Ok(if most == 0 { end } else { end.min(most) })
        }
        Some(_) => Err(Problem::invalid(format!("expires_in_days: give 1 to {MOST_DAYS}, or leave it out"))),
    }
}

fn ingest(who: &Principal, request: &NewToken, token: &Token) -> Result<(), Problem> {
    who.require(Permission::TokensManage)?;
    if request.permissions.is_some() {
        return Err(Problem::invalid("permissions: an ingest token may write and nothing else"));
    }
    if rules::in_scope(who, &token.project) {
        return Ok(());
    }
    Err(Problem::not_allowed("you write to your projects only: bind the token to one of them (project)"))
}

/// What the token may do; empty: all that its user may.
fn api(
    snapshot: &Snapshot,
    who: &Principal,
    user: &User,
    request: &NewToken,
    maker: Option<&Token>,
    project: &mut String,
) -> Result<Vec<String>, Problem> {
    if user.tenant_id != who.tenant() {
        return Err(Problem::not_allowed(
            "an API token acts in its user's own tenant: ask without X-ActivityLog-Tenant",
        ));
    }
    if user.id != who.user_id {
        rules::may_change(snapshot, who, user)?;
    }
    if let Some(bound) = maker.map(|maker| maker.project.as_str()).filter(|bound| !bound.is_empty()) {
        if !project.is_empty() && project != bound {
            return Err(Problem::unknown("project", project));
        }
        bound.clone_into(project);
    }
    if !project.is_empty() {
        projects::find(snapshot, who, project)?;
    }
    let all = permissions_of(snapshot, &user.tenant_id, &user.role);
    let wanted = match &request.permissions {
        Some(names) if names.is_empty() => return Err(Problem::invalid("permissions: name some, or leave them out")),
        Some(names) => roles::named(names)?,
        // It follows its user's role, unless it is made with a token that does not.
        None if maker.is_none_or(|maker| maker.permissions.is_empty()) => return Ok(Vec::new()),
        None => who.permissions.and(all),
    };
    let lacks = |permission: &Permission| !all.has(*permission) || !who.has(*permission);
    if let Some(lacking) = wanted.iter().find(lacks) {
        let lacking = lacking.as_str();
        return Err(Problem::not_allowed(format!("permissions: you do not have {lacking}, so your token can't")));
    }
    Ok(wanted.names())
}

pub fn revoke(snapshot: &Snapshot, who: &Principal, id: &str) -> Result<Decision<()>, Problem> {
    let token = snapshot.tokens.get(id).filter(|token| sees(who, token));
    let token = token.ok_or_else(|| Problem::unknown("token", id))?;
    if token.kind == TokenKind::Api && token.user_id != who.user_id {
        // Of a user who is gone there is nothing to protect.
        let user = snapshot.users.get(&token.user_id);
        let all = user.map_or_else(Permissions::default, |user| permissions_of(snapshot, &user.tenant_id, &user.role));
        let granted = if token.permissions.is_empty() { all } else { all.and(Permissions::named(&token.permissions)) };
        rules::covers(who, granted, "the token")?;
    }
    let kind = kind_name(token.kind);
    let entry = Entry::by(who, Action::TokenRevoke, format!("an {kind} token was revoked"))
        .target("token", id)
        .project(&token.project)
        .with("kind", kind.to_ascii_lowercase())
        .with("user_id", &token.user_id);
    Ok(Decision::new(Change::new().remove(&**token), entry, ()))
}

fn kind_name(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Ingest => "ingest",
        TokenKind::Api => "API",
    }
}
