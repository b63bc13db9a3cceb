//! Prompt text, tool output and other content: kept only where the tenant switched capture on (invariant 8). What the
//! operator's own rules say comes first, then the built-in [`RULES`]; what a rule drops or hashes is counted under its name.
//!
//! A record without content pays for one look into a table per attribute: by [`Key`], or by a name's first two bytes.

mod built_in;
mod custom;
mod hash;
mod matcher;
mod speaker;

use std::borrow::Cow;
use std::sync::Arc;

pub use self::built_in::{API_BODY, BODY, GEN_AI_ERROR_TEXT, LOG_BODY, RULES, Rule, STATUS_MESSAGE};
pub use self::custom::{Action, Custom, CustomRule};
pub use self::hash::HashKey;
pub use self::speaker::Speaker;

use self::speaker::Table;
use super::keys::Key;
use super::rules::Rules;
use super::value;
use crate::model::event::Str;
use crate::model::otlp::{KeyValue, Value};

/// What Claude Code writes where the user's gate is closed: no content, so nothing to count.
pub const REDACTED: &str = "<REDACTED>";

/// What a tenant wants of content attributes.
#[derive(Debug, Clone, Default)]
pub struct ContentRules {
    /// Keep prompts, completions, tool input and output.
    pub capture: bool,
    /// The operator's own rules.
    pub custom: Option<Custom>,
}

/// How many values each rule dropped or hashed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dropped {
    built_in: [u32; RULES.len()],
    /// By the tenant's own rules; empty until one of them applies.
    custom: Vec<CustomCount>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct CustomCount {
    label: Arc<str>,
    dropped: u32,
    hashed: u32,
}

/// What applies to one record.
#[derive(Debug, Clone, Copy)]
pub struct Policy<'p> {
    capture: bool,
    table: &'static Table,
    custom: Option<&'p Custom>,
    tenant_id: &'p str,
    /// Stand-ins for attributes of this record, by their place in it.
    hashed: &'p [(usize, KeyValue<'static>)],
    /// Claude Code's `feedback_survey` says `response` for the score that was picked.
    pub response_is_a_score: bool,
}

/// What to do with one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Keep,
    Drop,
    /// Keep [`Policy::hash`] of it instead.
    Hash,
}

// === impl Policy ===

impl<'p> Policy<'p> {
    pub fn new(rules: &'p Rules, tenant_id: &'p str, speaker: Speaker) -> Self {
        Policy {
            capture: rules.content.capture,
            table: speaker.table(),
            custom: rules.content.custom.as_ref(),
            tenant_id,
            hashed: &[],
            response_is_a_score: false,
        }
    }

    /// The same for a record of somebody else.
    pub fn of(self, speaker: Speaker) -> Self {
        Policy { table: speaker.table(), ..self }
    }

    /// What a record falls under that turned out to follow the gen_ai conventions, whoever wrote it.
    pub fn of_gen_ai(self, speaker: Speaker) -> Self {
        if speaker == Speaker::Anybody { self.of(Speaker::GenAi) } else { self }
    }

    /// Whether one of the operator's rules decides about this name.
    pub fn is_own(self, name: &str) -> bool {
        self.custom.is_some_and(|custom| custom.find(name).is_some())
    }

    pub fn with_hashed(self, hashed: &'p [(usize, KeyValue<'static>)]) -> Self {
        Policy { hashed, ..self }
    }

    /// Decides about one attribute and counts it if it goes, or if it is to be hashed.
    #[inline]
    pub fn judge(self, key: Option<Key>, name: &str, value: &Value<'_>, dropped: &mut Dropped) -> Verdict {
        if let Some(custom) = self.custom
            && let Some((rule, action)) = custom.find(name)
        {
            return own(custom, rule, action, dropped);
        }
        let rule = match key {
            Some(key) => self.table.of_key(key),
            None => self.table.of_name(name),
        };
        match rule {
            None => Verdict::Keep,
            Some(_) if key == Some(Key::Response) && self.response_is_a_score => Verdict::Keep,
            Some(rule) => self.built_in(rule, value, dropped),
        }
    }

    /// The same for a body that falls under the built-in rule with that index. The operator's rules know it as [`LOG_BODY`].
    pub fn apply(self, rule: usize, value: &Value<'_>, dropped: &mut Dropped) -> Verdict {
        if let Some(custom) = self.custom
            && let Some((rule, action)) = custom.find(LOG_BODY)
        {
            return own(custom, rule, action, dropped);
        }
        self.built_in(rule, value, dropped)
    }

    fn built_in(self, rule: usize, value: &Value<'_>, dropped: &mut Dropped) -> Verdict {
        if matches!(value, Value::Str(text) if text == REDACTED) {
            return Verdict::Drop;
        }
        if self.capture && !RULES[rule].always {
            return Verdict::Keep;
        }
        dropped.built_in[rule] += 1;
        Verdict::Drop
    }

    /// What stays of a text that goes by that name: itself, its stand-in, or nothing.
    pub fn text<'a>(self, name: &str, text: Str<'a>, dropped: &mut Dropped) -> Str<'a> {
        if text.is_empty() {
            return text;
        }
        let value = Value::Str(Cow::Borrowed(&text));
        match self.judge(Key::of(name), name, &value, dropped) {
            Verdict::Keep => text,
            Verdict::Drop => Cow::Borrowed(""),
            Verdict::Hash => Cow::Owned(self.hash(&text)),
        }
    }

    /// What the verdict leaves of a value.
    pub fn leave<'a>(self, verdict: Verdict, value: &'a Value<'_>) -> Option<Str<'a>> {
        match verdict {
            Verdict::Keep => Some(value::text(value)),
            Verdict::Drop => None,
            Verdict::Hash => Some(Cow::Owned(self.hash(&value::text(value)))),
        }
    }

    /// The stand-in for a text. Empty where no rule hashes.
    pub fn hash(self, text: &str) -> String {
        self.custom.map_or_else(String::new, |custom| custom.hash(self.tenant_id, text))
    }

    /// The stand-in of the attribute with that index of the record, if it is to be hashed.
    pub(super) fn stand_in(self, index: usize) -> Option<u16> {
        let at = self.hashed.binary_search_by_key(&index, |(of, _)| *of).ok()?;
        u16::try_from(at).ok()
    }

    pub(super) fn hashed(self) -> &'p [(usize, KeyValue<'static>)] {
        self.hashed
    }
}

/// Of [`GEN_AI_ERROR_TEXT`], those that are attributes.
pub fn is_error_text(name: &str) -> bool {
    name.starts_with('e') && RULES[GEN_AI_ERROR_TEXT].names.contains(&name)
}

fn own(custom: &Custom, rule: usize, action: Action, dropped: &mut Dropped) -> Verdict {
    match action {
        Action::Keep => return Verdict::Keep,
        Action::Drop => dropped.custom(custom, rule).dropped += 1,
        Action::Hash => dropped.custom(custom, rule).hashed += 1,
    }
    if action == Action::Drop { Verdict::Drop } else { Verdict::Hash }
}

// === impl Dropped ===

impl Dropped {
    /// Rule name and count, of the rules that dropped something.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u32)> + '_ {
        let built_in = RULES.iter().zip(&self.built_in).map(|(rule, count)| (rule.name, *count));
        let custom = self.custom.iter().map(|count| (&*count.label, count.dropped));
        built_in.chain(custom).filter(|(_, count)| *count > 0)
    }

    /// The same of the rules that hashed something.
    pub fn hashed(&self) -> impl Iterator<Item = (&str, u32)> + '_ {
        self.custom.iter().map(|count| (&*count.label, count.hashed)).filter(|(_, count)| *count > 0)
    }

    pub fn total(&self) -> u64 {
        self.iter().map(|(_, count)| u64::from(count)).sum()
    }

    pub fn of(&self, name: &str) -> u32 {
        self.iter().filter(|(rule, _)| *rule == name).map(|(_, count)| count).sum()
    }

    fn custom(&mut self, custom: &Custom, rule: usize) -> &mut CustomCount {
        if self.custom.is_empty() {
            let labels = custom.labels().iter();
            self.custom = labels.map(|label| CustomCount { label: label.clone(), dropped: 0, hashed: 0 }).collect();
        }
        &mut self.custom[rule]
    }
}
