//! What all records of a resource, and of a scope, share: worked out once.

use std::borrow::Cow;

use super::content::{Dropped, Policy, Speaker};
use super::gen_ai::{dialects, names};
use super::identity::Prefix;
use super::keys::Key;
use super::repository;
use super::rules::ScopeGlobs;
use crate::model::otlp::{InstrumentationScope, Resource};

/// Far above what any SDK's detectors put there (a resource with all of them has some 30).
const MAX_COMPARED: usize = 64;

const BRANCH: &str = "vcs.ref.head.name";

/// A resource as columns want it.
#[derive(Debug, Clone, Default)]
pub struct ResourceCtx {
    /// Every attribute, rendered: the `resource` map of all its rows.
    pub attributes: Vec<(String, String)>,
    pub service: String,
    pub service_version: String,
    pub environment: String,
    pub project: String,
    pub repository: String,
    pub user_id: String,
    pub user_email: String,
    pub session_id: String,
    /// What the work is for, for model calls that don't say it.
    pub feature: String,
    /// The bytes that event ids are made of, hashed with the tenant.
    pub(super) prefix: Prefix,
}

/// Whose conventions a scope's records follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    ClaudeCode,
    #[default]
    Generic,
}

#[derive(Debug, Clone, Default)]
pub struct ScopeCtx {
    pub dialect: Dialect,
    /// Whose words its names are, for the content policy.
    pub speaker: Speaker,
    /// Whose way to speak of model calls the scope's name tells.
    pub gen_ai: Option<&'static dialects::Dialect>,
    /// The operator doesn't want its usage counted (`genai.ignore_scopes`).
    pub ignored: bool,
    pub name: String,
    pub version: String,
    pub attributes: Vec<(String, String)>,
    pub(super) prefix: Prefix,
}

// === impl ResourceCtx ===

impl ResourceCtx {
    pub fn new(tenant_id: &str, resource: &Resource<'_>, policy: Policy<'_>, dropped: &mut Dropped) -> Self {
        let mut ctx = ResourceCtx { prefix: Prefix::new(tenant_id, resource.raw), ..ResourceCtx::default() };
        let (mut url, mut owner, mut name) = (Cow::Borrowed(""), Cow::Borrowed(""), Cow::Borrowed(""));
        let mut env = Cow::Borrowed("");
        for attribute in &resource.attributes {
            let key = Key::of(&attribute.key);
            let verdict = policy.judge(key, &attribute.key, &attribute.value, dropped);
            let Some(text) = policy.leave(verdict, &attribute.value) else {
                continue;
            };
            match key {
                Some(Key::EnvironmentName) => ctx.environment = text.clone().into_owned(),
                Some(Key::Environment) if ctx.environment.is_empty() => {
                    ctx.environment = text.clone().into_owned();
                }
                Some(Key::Project) => ctx.project = text.clone().into_owned(),
                Some(Key::LangfuseEnvironment | Key::Env) if ctx.environment.is_empty() => {
                    env = text.clone();
                }
                Some(Key::EnduserId) if ctx.user_id.is_empty() => ctx.user_id = text.clone().into_owned(),
                Some(key) if names::FEATURE.set.has(key) && (ctx.feature.is_empty() || key == Key::AppFeature) => {
                    ctx.feature = text.clone().into_owned();
                }
                Some(Key::UserId) => ctx.user_id = text.clone().into_owned(),
                Some(Key::UserEmail) => ctx.user_email = text.clone().into_owned(),
                Some(Key::SessionId) => ctx.session_id = text.clone().into_owned(),
                Some(Key::VcsRepositoryUrl) => url = text.clone(),
                Some(Key::VcsOwnerName) => owner = text.clone(),
                Some(Key::VcsRepositoryName) => name = text.clone(),
                _ if attribute.key == "service.name" => ctx.service = text.clone().into_owned(),
                _ if attribute.key == "service.version" => {
                    ctx.service_version = text.clone().into_owned();
                }
                _ => {}
            }
            let pair = (attribute.key.clone().into_owned(), text.into_owned());
            ctx.attributes.push(pair);
        }
        if ctx.environment.is_empty() {
            ctx.environment = env.into_owned();
        }
        ctx.repository = repository::name(url, owner, name).into_owned();
        ctx.name_branch(policy, dropped);
        ctx
    }

    /// The branch under today's name, where only the one of the semantic conventions before 1.29 was used.
    fn name_branch(&mut self, policy: Policy<'_>, dropped: &mut Dropped) {
        let said = |wanted: &str| self.attributes.iter().find(|(name, _)| name == wanted).map(|(_, text)| text.clone());
        if said(BRANCH).is_none()
            && let Some(branch) = said("vcs.repository.ref.name")
        {
            let branch = policy.text(BRANCH, Cow::Owned(branch), dropped).into_owned();
            self.attributes.push((BRANCH.to_owned(), branch));
        }
    }

    /// Whether the resource says this already. Asked for every attribute of every record, so a resource of more than
    /// [`MAX_COMPARED`] attributes is not searched: the records then repeat it.
    #[inline]
    pub fn has(&self, key: &str, text: &str) -> bool {
        self.attributes.len() <= MAX_COMPARED && self.attributes.iter().any(|(k, v)| k == key && v == text)
    }
}

// === impl Dialect ===

impl Dialect {
    /// By the scope's name, never by `service.name`: that one is the operator's to choose.
    fn of(scope: &str) -> Self {
        match scope {
            "com.anthropic.claude_code.events" | "com.anthropic.claude_code" | "com.anthropic.claude_code.tracing" => {
                Dialect::ClaudeCode
            }
            _ => Dialect::Generic,
        }
    }
}

// === impl ScopeCtx ===

impl ScopeCtx {
    pub fn new(
        resource: &ResourceCtx,
        scope: &InstrumentationScope<'_>,
        ignored: &ScopeGlobs,
        policy: Policy<'_>,
        dropped: &mut Dropped,
    ) -> Self {
        let kept = scope.attributes.iter().filter_map(|attribute| {
            let verdict = policy.judge(Key::of(&attribute.key), &attribute.key, &attribute.value, dropped);
            let text = policy.leave(verdict, &attribute.value)?;
            Some((attribute.key.clone().into_owned(), text.into_owned()))
        });
        let attributes = kept.collect();
        let dialect = Dialect::of(&scope.name);
        ScopeCtx {
            dialect,
            speaker: Speaker::of(&scope.name),
            gen_ai: if dialect == Dialect::Generic { dialects::by_scope(&scope.name) } else { None },
            ignored: ignored.any(&scope.name),
            name: scope.name.clone().into_owned(),
            version: scope.version.clone().into_owned(),
            attributes,
            prefix: resource.prefix.with(scope.raw),
        }
    }
}
