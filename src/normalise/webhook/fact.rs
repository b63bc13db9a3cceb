//! What a source's rules find in a payload, before it is an event.

use std::borrow::Cow;

use super::object::Object;
use super::outcome::Outcome;
use crate::model::event::{AttributeValue, Str};

/// A type of ours is cut here: it is made of what a sender wrote.
const MAX_WORD: usize = 64;

/// An attribute and the path that it is read from.
pub type Copied = (&'static str, &'static str);

#[derive(Debug, Default)]
pub struct Fact<'d> {
    pub event_type: Str<'d>,
    /// Nanoseconds since 1970; absent: when it was received.
    pub occurred_at: Option<i64>,
    pub actor: Str<'d>,
    /// `owner/name`
    pub repository: Str<'d>,
    /// What the vendor calls a project: an Azure DevOps team project, a GitHub owner, a GitLab namespace.
    pub project: Str<'d>,
    /// Where it isn't what the event type says.
    pub target_type: Option<&'static str>,
    pub target_id: Str<'d>,
    pub outcome: Outcome,
    pub duration_ns: Option<u64>,
    pub environment: Str<'d>,
    pub url: Str<'d>,
    pub title: Str<'d>,
    pub attributes: Vec<(&'d str, AttributeValue<'d>)>,
    /// No rule knows it.
    pub unmapped: bool,
}

// === impl Fact ===

impl<'d> Fact<'d> {
    /// `family.action`
    pub fn typed(&mut self, family: &str, action: &str) {
        self.event_type = Cow::Owned(format!("{family}.{}", word(action)));
    }

    /// An attribute, unless it says nothing. Of two with one name the first stands.
    pub fn add(&mut self, name: &'d str, text: impl Into<Str<'d>>) {
        let text = text.into();
        if !text.is_empty() && self.attributes.iter().all(|(other, _)| *other != name) {
            self.attributes.push((name, AttributeValue::Text(text)));
        }
    }

    pub fn add_number(&mut self, name: &'static str, number: Option<usize>) {
        if let Some(number) = number {
            self.add(name, number.to_string());
        }
    }

    pub fn copy(&mut self, from: &Object<'d>, attributes: &[Copied]) {
        for &(name, path) in attributes {
            self.add(name, from.text(path));
        }
    }

    /// The vendor's own word for the outcome, kept beside ours.
    pub fn result(&mut self, word: Str<'d>) {
        self.outcome = Outcome::of(&word);
        self.add("webhook.result", word);
    }

    /// What a push did to its ref, from the commits before and after it.
    pub fn moved(&mut self, before: Str<'d>, after: Str<'d>) {
        let [created, deleted] = [&before, &after].map(|commit| is_zeros(commit));
        self.add("ref.created", if created { "true" } else { "false" });
        self.add("ref.deleted", if deleted { "true" } else { "false" });
        if !created {
            self.add("ref.before", before);
        }
        if !deleted {
            self.add("vcs.ref.head.revision", after);
        }
    }
}

/// A commit that does not exist, or an id that is not set.
pub fn is_zeros(id: &str) -> bool {
    id.contains('0') && id.bytes().all(|b| matches!(b, b'0' | b'-'))
}

/// What may stand in an event type: lower-case letters, digits, `.`, `-` and `_`; others become `_`.
pub fn word(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    text.chars().take(MAX_WORD).map(|c| if fits(c) { c.to_ascii_lowercase() } else { '_' }).collect()
}

/// All but the last segment of a path.
pub fn namespace(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(namespace, _)| namespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_made_of_plain_words() {
        let mut fact = Fact::default();
        fact.typed("github", "Käse Brot\n1");
        assert_eq!(fact.event_type, "github.k_se_brot_1");
        assert_eq!(word(&"x".repeat(1000)).len(), MAX_WORD);
    }

    #[test]
    fn zeros_are_no_commit() {
        assert!(is_zeros(&"0".repeat(40)) && is_zeros("00000000-0000-0000-0000-000000000000"));
        assert!(!is_zeros("") && !is_zeros("0a") && !is_zeros("-"));
    }
}
