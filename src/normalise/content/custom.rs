//! What an operator wants done with attributes by name, before the built-in rules are asked.

use std::sync::Arc;

use super::hash::HashKey;
use super::matcher::Matcher;
use crate::model::otlp::{KeyValue, Value};
use crate::normalise::value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Keep,
    Drop,
    Hash,
}

/// One rule of the operator's.
#[derive(Debug, Clone)]
pub struct CustomRule {
    /// Attribute names; `*` stands for any run of characters.
    pub names: Vec<String>,
    pub action: Action,
    /// In `/metrics`.
    pub label: String,
}

/// A tenant's rules, ready to be asked; the first that matches wins.
#[derive(Debug, Clone)]
pub struct Custom {
    matcher: Arc<Matcher>,
    actions: Vec<Action>,
    labels: Vec<Arc<str>>,
    key: HashKey,
}

// === impl Custom ===

impl Custom {
    /// None where there are no rules. Of more than 65,535 names the rest is not asked: a configuration is refused long before.
    pub fn new(rules: &[CustomRule], key: HashKey) -> Option<Custom> {
        if rules.is_empty() {
            return None;
        }
        let numbered = rules.iter().zip(0u16..);
        let patterns = numbered.flat_map(|(rule, number)| rule.names.iter().map(move |name| (name.as_str(), number)));
        Some(Custom {
            matcher: Arc::new(Matcher::new(patterns)),
            actions: rules.iter().map(|rule| rule.action).collect(),
            labels: rules.iter().map(|rule| Arc::from(rule.label.as_str())).collect(),
            key,
        })
    }

    /// The rule that this name falls under, and what it wants.
    #[inline]
    pub fn find(&self, name: &str) -> Option<(usize, Action)> {
        let rule = usize::from(self.matcher.find(name)?);
        Some((rule, self.actions[rule]))
    }

    pub fn hashes(&self) -> bool {
        self.actions.contains(&Action::Hash)
    }

    pub fn labels(&self) -> &[Arc<str>] {
        &self.labels
    }

    pub fn hash(&self, tenant_id: &str, text: &str) -> String {
        self.key.hash(tenant_id, text)
    }

    /// Stand-ins for those attributes of a record that are to be hashed, with where they stand.
    pub fn hash_all(&self, tenant_id: &str, attributes: &[KeyValue<'_>], into: &mut Vec<(usize, KeyValue<'static>)>) {
        for (index, attribute) in attributes.iter().enumerate() {
            if let Some((_, Action::Hash)) = self.find(&attribute.key) {
                let hash = self.hash(tenant_id, &value::text(&attribute.value));
                let key = attribute.key.clone().into_owned().into();
                into.push((index, KeyValue { key, value: Value::Str(hash.into()) }));
            }
        }
    }
}
