//! Prompt text, tool output and other content: kept only where the tenant switched capture on (invariant 8). Every rule
//! is in [`RULES`]; what a rule drops is counted under its name.

use super::keys::Key;
use super::resource::Dialect;
use crate::model::otlp::Value;

/// What Claude Code writes where the user's gate is closed: no content, so nothing to count.
pub const REDACTED: &str = "<REDACTED>";

/// What a tenant wants of content attributes.
#[derive(Debug, Clone, Default)]
pub struct ContentRules {
    /// Keep prompts, completions, tool input and output.
    pub capture: bool,
}

/// One kind of content.
#[derive(Debug)]
pub struct Rule {
    /// The label in `/metrics`.
    pub name: &'static str,
    scope: Scope,
    keys: &'static [Key],
}

/// Which records a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    ClaudeCode,
    /// By names so particular that they mean content wherever they are: see [`by_name`].
    Everywhere,
}

pub static RULES: &[Rule] = &[
    claude("claude_code.prompt", &[Key::Prompt, Key::PromptText, Key::UserPrompt]),
    claude("claude_code.response", &[Key::Response, Key::ResponseModelOutput]),
    claude("claude_code.tool_input", &[Key::ToolInput, Key::ToolParameters]),
    claude("claude_code.command", &[Key::FullCommand, Key::BashCommand]),
    claude("claude_code.file_path", &[Key::FilePath]),
    claude("claude_code.hook", &[Key::HookDefinitions, Key::HookMatcher]),
    // Of tools, MCP servers and the API alike: an API's error text may quote the input.
    claude("claude_code.error_text", &[Key::Error]),
    claude("claude_code.tool_output", &[Key::Output, Key::Content]),
    claude("claude_code.api_body", &[Key::Body, Key::BodyRef]),
    claude(
        "claude_code.context",
        &[
            Key::NewContext,
            Key::SystemReminders,
            Key::SystemPrompt,
            Key::SystemPromptPreview,
            Key::UserSystemPrompt,
            Key::ToolDefinition,
        ],
    ),
    Rule { name: GEN_AI_MESSAGES, scope: Scope::Everywhere, keys: &[] },
    Rule { name: GEN_AI_TOOL, scope: Scope::Everywhere, keys: &[] },
    Rule { name: GEN_AI_BODY, scope: Scope::Everywhere, keys: &[] },
];

const GEN_AI_MESSAGES: &str = "gen_ai.messages";
const GEN_AI_TOOL: &str = "gen_ai.tool";
const GEN_AI_BODY: &str = "gen_ai.body";
/// Of [`RULES`], for what has no key.
const MESSAGES: usize = RULES.len() - 3;
const TOOL: usize = RULES.len() - 2;
/// The body of a `gen_ai.*` log event, the `content` of a `gen_ai.*` span event.
pub const BODY: usize = RULES.len() - 1;
/// The status message of a Claude Code span, the stack of an exception.
pub const ERROR_TEXT: usize = rule_of(Key::Error);
/// The body of a Claude Code event that isn't its name.
pub const API_BODY: usize = rule_of(Key::Body);

/// How many values each rule dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dropped {
    counts: [u32; RULES.len()],
}

/// What applies to one record.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    pub capture: bool,
    pub dialect: Dialect,
    /// Claude Code's `feedback_survey` says `response` for the score that was picked.
    pub response_is_a_score: bool,
}

/// What to do with one attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Keep,
    Drop,
}

const NO_RULE: u8 = u8::MAX;
static BY_KEY: [u8; Key::COUNT] = by_key();

// === impl Policy ===

impl Policy {
    /// Decides about one attribute and counts it if it goes.
    #[inline]
    pub fn judge(self, key: Option<Key>, name: &str, value: &Value<'_>, dropped: &mut Dropped) -> Verdict {
        let rule = match key {
            Some(key) if self.dialect == Dialect::ClaudeCode => self.claude(key),
            Some(_) => None,
            None => by_name(name),
        };
        match rule {
            None => Verdict::Keep,
            Some(rule) => self.apply(rule, value, dropped),
        }
    }

    /// The same for what isn't an attribute: a body, a status message.
    pub fn apply(self, rule: usize, value: &Value<'_>, dropped: &mut Dropped) -> Verdict {
        if matches!(value, Value::Str(text) if text == REDACTED) {
            return Verdict::Drop;
        }
        if self.capture {
            return Verdict::Keep;
        }
        dropped.counts[rule] += 1;
        Verdict::Drop
    }

    #[inline]
    fn claude(self, key: Key) -> Option<usize> {
        let rule = BY_KEY[key as usize];
        if rule == NO_RULE || (key == Key::Response && self.response_is_a_score) {
            return None;
        }
        Some(usize::from(rule))
    }
}

// === impl Dropped ===

impl Dropped {
    /// Rule name and count, of the rules that dropped something.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u32)> + '_ {
        let named = RULES.iter().zip(&self.counts);
        named.filter(|(_, count)| **count > 0).map(|(rule, count)| (rule.name, *count))
    }

    pub fn total(&self) -> u64 {
        self.counts.iter().map(|&count| u64::from(count)).sum()
    }

    pub fn of(&self, name: &str) -> u32 {
        self.iter().find(|(rule, _)| *rule == name).map_or(0, |(_, count)| count)
    }
}

const fn claude(name: &'static str, keys: &'static [Key]) -> Rule {
    Rule { name, scope: Scope::ClaudeCode, keys }
}

/// Content under the names of the gen_ai conventions and their relatives (OpenLLMetry, OpenInference, the Vercel AI
/// SDK), whoever sends it. The gen_ai dialects extend this list.
fn by_name(name: &str) -> Option<usize> {
    let rest = match name.as_bytes().first()? {
        b'g' => name.strip_prefix("gen_ai.")?,
        b'a' => return ai_sdk(name.strip_prefix("ai.")?),
        b'l' => {
            let rest = name.strip_prefix("llm.")?;
            let content = ["input_messages", "output_messages", "prompts", "completions"];
            return content.iter().any(|c| rest.starts_with(c)).then_some(MESSAGES);
        }
        b't' => {
            let content = matches!(name, "traceloop.entity.input" | "traceloop.entity.output");
            return content.then_some(MESSAGES);
        }
        b'i' | b'o' => return matches!(name, "input.value" | "output.value").then_some(MESSAGES),
        _ => return None,
    };
    match rest {
        "input.messages"
        | "output.messages"
        | "system_instructions"
        | "prompt"
        | "completion"
        | "event.content"
        | "content.prompt"
        | "content.completion"
        | "user.message"
        | "system.message"
        | "assistant.message"
        | "tool.message"
        | "choice" => Some(MESSAGES),
        "retrieval.query.text" | "retrieval.documents" => Some(MESSAGES),
        "tool.call.arguments" | "tool.call.result" | "tool.definitions" => Some(TOOL),
        _ if rest.starts_with("prompt.") || rest.starts_with("completion.") => Some(MESSAGES),
        _ => None,
    }
}

fn ai_sdk(rest: &str) -> Option<usize> {
    match rest {
        "prompt" | "prompt.messages" | "response.text" | "response.object" | "response.reasoning" | "value"
        | "values" => Some(MESSAGES),
        "prompt.tools" | "response.toolCalls" | "toolCall.args" | "toolCall.result" => Some(TOOL),
        _ => None,
    }
}

const fn by_key() -> [u8; Key::COUNT] {
    let mut table = [NO_RULE; Key::COUNT];
    let mut rule = 0;
    while rule < RULES.len() {
        assert!(matches!(RULES[rule].scope, Scope::ClaudeCode) || RULES[rule].keys.is_empty());
        let mut key = 0;
        while key < RULES[rule].keys.len() {
            table[RULES[rule].keys[key] as usize] = rule as u8;
            key += 1;
        }
        rule += 1;
    }
    table
}

const fn rule_of(key: Key) -> usize {
    by_key()[key as usize] as usize
}
