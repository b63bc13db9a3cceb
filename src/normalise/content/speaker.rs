//! What names mean in the records of whom, worked out once from the built-in rules.

use std::sync::LazyLock;

use super::built_in::RULES;
use super::matcher::Matcher;
use crate::normalise::keys::Key;

/// Who wrote a record, as far as that decides what its words mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Speaker {
    #[default]
    Anybody,
    ClaudeCode,
    /// A record that follows the gen_ai conventions or one of their relatives.
    GenAi,
    Codex,
    GeminiCli,
    LiteLlm,
    /// Logfire and Pydantic AI.
    Logfire,
    SemanticKernel,
}

/// What a [`Speaker`]'s names mean.
#[derive(Debug)]
pub struct Table {
    matcher: Matcher,
    by_key: [u8; Key::COUNT],
}

const NO_RULE: u8 = u8::MAX;

/// Names of [`EXEMPT`] have this number in the matcher, the rules follow.
const KEPT: u16 = 0;

/// They look like content by a glob below and are not.
const EXEMPT: &[&str] =
    &["gen_ai.prompt.name", "gen_ai.prompt.version", "gen_ai.prompt.id", "gen_ai.completion.*.finish_reason"];

static TABLES: [LazyLock<Table>; Speaker::ALL.len()] = [
    LazyLock::new(|| Table::new(Speaker::Anybody)),
    LazyLock::new(|| Table::new(Speaker::ClaudeCode)),
    LazyLock::new(|| Table::new(Speaker::GenAi)),
    LazyLock::new(|| Table::new(Speaker::Codex)),
    LazyLock::new(|| Table::new(Speaker::GeminiCli)),
    LazyLock::new(|| Table::new(Speaker::LiteLlm)),
    LazyLock::new(|| Table::new(Speaker::Logfire)),
    LazyLock::new(|| Table::new(Speaker::SemanticKernel)),
];

// === impl Speaker ===

impl Speaker {
    const ALL: [Speaker; 8] = [
        Speaker::Anybody,
        Speaker::ClaudeCode,
        Speaker::GenAi,
        Speaker::Codex,
        Speaker::GeminiCli,
        Speaker::LiteLlm,
        Speaker::Logfire,
        Speaker::SemanticKernel,
    ];

    /// By the name of the instrumentation scope.
    pub fn of(scope: &str) -> Speaker {
        const KNOWN: &[(&str, Speaker)] = &[
            ("com.anthropic.claude_code", Speaker::ClaudeCode),
            ("codex", Speaker::Codex),
            ("gemini-cli", Speaker::GeminiCli),
            ("litellm", Speaker::LiteLlm),
            ("logfire", Speaker::Logfire),
            ("pydantic-ai", Speaker::Logfire),
            ("pydantic_ai", Speaker::Logfire),
            ("semantic_kernel", Speaker::SemanticKernel),
        ];
        KNOWN.iter().find(|(prefix, _)| scope.starts_with(prefix)).map_or(Speaker::Anybody, |(_, speaker)| *speaker)
    }

    #[inline]
    pub(super) fn table(self) -> &'static Table {
        &TABLES[self as usize]
    }
}

// === impl Table ===

impl Table {
    fn new(speaker: Speaker) -> Table {
        let spoken = RULES.iter().zip(1..).filter(|(rule, _)| rule.is_for(speaker));
        let patterns = spoken.flat_map(|(rule, number)| rule.names.iter().map(move |name| (*name, number)));
        let matcher = Matcher::new(EXEMPT.iter().map(|name| (*name, KEPT)).chain(patterns));
        let mut by_key = [NO_RULE; Key::COUNT];
        for (index, slot) in by_key.iter_mut().enumerate() {
            if let Some(rule) = rule_number(matcher.find(Key::from_index(index).name())) {
                *slot = rule as u8;
            }
        }
        Table { matcher, by_key }
    }

    /// The index into [`RULES`], for an attribute with a key.
    #[inline]
    pub fn of_key(&self, key: Key) -> Option<usize> {
        match self.by_key[key as usize] {
            NO_RULE => None,
            rule => Some(usize::from(rule)),
        }
    }

    /// The same for any other.
    #[inline]
    pub fn of_name(&self, name: &str) -> Option<usize> {
        rule_number(self.matcher.find(name))
    }
}

#[inline]
fn rule_number(found: Option<u16>) -> Option<usize> {
    match found {
        None | Some(KEPT) => None,
        Some(number) => Some(usize::from(number) - 1),
    }
}
