//! `[content]`: what becomes of prompts, completions and personal data.

use std::collections::BTreeMap;

use serde::Deserialize;

/// More rules or names are taken for a mistake.
const MAX_RULES: usize = 256;
const MAX_NAMES: usize = 4096;
/// Bytes of a name, and of a label.
const MAX_LENGTH: usize = 256;
/// A key that can be guessed protects nothing.
const MIN_KEY: usize = 16;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    pub capture: bool,
    pub hash_key: String,
    pub rule: Vec<ContentRule>,
    /// By tenant id.
    pub tenants: BTreeMap<String, TenantContent>,
}

/// The first rule with a name that matches an attribute's says what becomes of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentRule {
    pub names: Vec<String>,
    pub action: ContentAction,
    /// The label in `/metrics`; else the first of `names`.
    pub name: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContentAction {
    Keep,
    Drop,
    Hash,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TenantContent {
    /// Else as for everybody.
    pub capture: Option<bool>,
    /// Before those for everybody.
    pub rules: Vec<ContentRule>,
}

// === impl Content ===

impl Content {
    pub(super) fn check(&self) -> Result<(), String> {
        if !self.hash_key.is_empty() && self.hash_key.len() < MIN_KEY {
            return Err(format!("content.hash_key has fewer than {MIN_KEY} bytes: it could be guessed; take more"));
        }
        check_rules("content.rule", &self.rule)?;
        for (tenant, content) in &self.tenants {
            check_rules(&format!("content.tenants.{tenant}.rules"), &content.rules)?;
        }
        Ok(())
    }

    /// Whether any tenant's values are hashed.
    pub fn hashes(&self) -> bool {
        let own = self.tenants.values().flat_map(|tenant| &tenant.rules);
        self.rule.iter().chain(own).any(|rule| rule.action == ContentAction::Hash)
    }
}

// === impl ContentRule ===

impl ContentRule {
    pub fn label(&self) -> &str {
        self.name.as_deref().or(self.names.first().map(String::as_str)).unwrap_or("")
    }
}

fn check_rules(path: &str, rules: &[ContentRule]) -> Result<(), String> {
    let names: usize = rules.iter().map(|rule| rule.names.len()).sum();
    if rules.len() > MAX_RULES || names > MAX_NAMES {
        return Err(format!("{path}: more than {MAX_RULES} rules or {MAX_NAMES} names; use globs such as \"acme.*\""));
    }
    for (rule, number) in rules.iter().zip(1..) {
        let wrong = |what: &str| Err(format!("{path}, rule {number}: {what}"));
        if rule.names.is_empty() {
            return wrong("names is empty, so it would never apply; list attribute names or globs");
        }
        if rule.names.iter().any(|name| name.is_empty() || name.len() > MAX_LENGTH) {
            return wrong("a name is empty or longer than 256 bytes");
        }
        if rule.label().is_empty() || rule.label().len() > MAX_LENGTH {
            return wrong("name is empty or longer than 256 bytes; leave it out to use the first of names");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, ContentAction};

    fn load(text: &str) -> Result<Config, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        Config::layered(Some(file.path()), std::iter::empty()).map_err(|error| error.to_string())
    }

    #[test]
    fn rules_and_tenants_are_read() {
        let config = load(
            r#"
            [content]
            hash_key = "0123456789abcdef"
            [[content.rule]]
            names = ["user.email", "acme.*"]
            action = "hash"
            name = "people"
            [[content.rule]]
            names = ["url.query"]
            action = "drop"
            [content.tenants.acme]
            capture = true
            rules = [{ names = ["*.secret"], action = "keep" }]
            [content.tenants."other tenant"]
            "#,
        )
        .expect("valid");
        let content = config.content;
        assert_eq!((content.rule[0].label(), content.rule[1].label()), ("people", "url.query"));
        assert_eq!(content.rule[0].action, ContentAction::Hash);
        assert_eq!((content.capture, content.tenants["acme"].capture), (false, Some(true)));
        assert_eq!(content.tenants["acme"].rules[0].action, ContentAction::Keep);
        assert_eq!(content.tenants["other tenant"].capture, None);
        assert!(content.hashes());
    }

    #[test]
    fn mistakes_are_named() {
        for (text, named) in [
            ("[[content.rule]]\nnames = []\naction = \"drop\"", "names is empty"),
            ("[[content.rule]]\nnames = [\"\"]\naction = \"drop\"", "rule 1"),
            ("[[content.rule]]\nnames = [\"a\"]\naction = \"encrypt\"", "encrypt"),
            ("[[content.rule]]\nnames = [\"a\"]", "action"),
            ("[[content.rule]]\nname = \"a\"\naction = \"drop\"", "names"),
            ("[[content.rule]]\nnames = [\"a\"]\naction = \"drop\"\nglob = true", "glob"),
            ("[[content.rules]]\nnames = [\"a\"]\naction = \"drop\"", "content.rules"),
            ("[content.tenants.acme]\nrule = []", "rule"),
            ("[content.tenants.acme]\nrules = [{ names = [], action = \"keep\" }]", "content.tenants.acme.rules"),
            ("[content]\nhash_key = \"short\"", "content.hash_key"),
        ] {
            let error = load(text).expect_err(text);
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
