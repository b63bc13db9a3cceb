//! The dialects, one row each: how it is recognised, whose usage figures win, what its token counts mean. What no column of
//! the table can say is a function in the dialect's own file.

use super::call::{Call, Record, Role};
use super::usage::Input;
use super::{anthropic, codex, gemini_cli, google_adk, langfuse, litellm, logfire, openinference, vercel};
use crate::normalise::keys::{Key, KeySet};
use crate::normalise::slots::Slots;
use crate::normalise::usage_priority as priority;

/// One way to speak of model calls.
pub struct Dialect {
    /// `Event::reporter`.
    pub name: &'static str,
    /// Names of instrumentation scopes; one that ends in `*` is the beginning of a name.
    scopes: &'static [&'static str],
    /// Attributes that nobody else writes, for scopes of any name.
    marks: KeySet,
    /// All records of the scope are its product's, also those that say nothing of a model.
    pub whole: bool,
    /// Spans that belong to a call though they say nothing of a model.
    pub spans: &'static [&'static str],
    /// How the names of its log events begin, for scopes of any name.
    pub events: &'static str,
    pub priority: u8,
    pub input: Input,
    /// Which records are the bill: the spans of the calls, or log events. The others' figures are copies then.
    pub calls: Calls,
    /// Corrects what the precedence lists made of a record, before anything is written.
    pub adjust: for<'a, 'r> fn(&mut Call<'r>, &mut Slots<'r>, Record<'a, 'r>),
    /// The role, where the operation doesn't tell.
    pub role: for<'a, 'r> fn(&Call<'r>, &Slots<'r>, Record<'a, 'r>) -> Option<Role>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    Spans,
    Logs,
}

const PLAIN: Dialect = Dialect {
    name: "otel-genai",
    scopes: &[],
    marks: KeySet::NONE,
    whole: false,
    spans: &[],
    events: "",
    priority: priority::OTHERS,
    input: Input::Detected,
    calls: Calls::Spans,
    adjust: |_, _, _| {},
    role: |_, _, _| None,
};

/// Whoever follows the OpenTelemetry conventions and is nobody else.
static OTEL_GEN_AI: Dialect = Dialect {
    scopes: &[
        "opentelemetry.instrumentation.genai.*",
        "opentelemetry.instrumentation.openai_v2*",
        "opentelemetry.instrumentation.google_genai*",
    ],
    priority: priority::OTEL_GEN_AI,
    ..PLAIN
};

/// In the order in which they are asked.
static DIALECTS: &[&Dialect] = &[
    // The Claude API's own push, by its documentation: platform.claude.com/docs/en/manage-claude/opentelemetry/api
    &Dialect {
        name: "claude-platform",
        scopes: &["com.anthropic.claude-platform"],
        whole: true,
        priority: priority::CLAUDE_PLATFORM,
        adjust: anthropic::adjust,
        role: anthropic::role,
        ..PLAIN
    },
    &Dialect {
        name: "anthropic-sdk",
        scopes: &["com.anthropic.*"],
        priority: priority::ANTHROPIC_SDK,
        adjust: anthropic::adjust,
        role: anthropic::role,
        ..PLAIN
    },
    &Dialect {
        name: "codex",
        scopes: &["codex*"],
        events: "codex.",
        whole: true,
        calls: Calls::Logs,
        adjust: codex::adjust,
        role: codex::role,
        ..PLAIN
    },
    &Dialect {
        name: "gemini-cli",
        scopes: &["gemini-cli"],
        events: "gemini_cli.",
        whole: true,
        calls: Calls::Logs,
        adjust: gemini_cli::adjust,
        role: gemini_cli::role,
        ..PLAIN
    },
    &Dialect {
        name: "openinference",
        scopes: &["openinference.*"],
        marks: KeySet::of(&[Key::OpenInferenceSpanKind]),
        priority: priority::OPENINFERENCE,
        adjust: openinference::adjust,
        ..PLAIN
    },
    &Dialect {
        name: "langfuse",
        scopes: &["langfuse*"],
        marks: KeySet::of(&[Key::LangfuseType, Key::LangfuseModelName, Key::LangfuseUsageDetails]),
        adjust: langfuse::adjust,
        ..PLAIN
    },
    &Dialect {
        name: "litellm",
        spans: &[litellm::RAW_REQUEST],
        scopes: &["litellm", "litellm.*"],
        marks: KeySet::of(&[Key::LitellmCallId]),
        priority: priority::LITELLM,
        adjust: litellm::adjust,
        role: litellm::role,
        ..PLAIN
    },
    &Dialect {
        name: "openlit",
        scopes: &["openlit*"],
        priority: priority::OPENLIT,
        // Anthropic's own figures, passed on as they are.
        input: Input::WithoutCacheOf("anthropic"),
        ..PLAIN
    },
    &Dialect { name: "logfire", scopes: &["logfire*"], priority: priority::LOGFIRE, adjust: logfire::adjust, ..PLAIN },
    &Dialect { name: "pydantic-ai", scopes: &["pydantic-ai"], priority: priority::PYDANTIC_AI, ..PLAIN },
    &Dialect {
        name: "vercel-ai",
        scopes: &["ai", "gen_ai"],
        marks: KeySet::of(&[Key::AiOperationId]),
        role: vercel::role,
        ..PLAIN
    },
    &Dialect { name: "google-adk", scopes: &["gcp.vertex.agent"], adjust: google_adk::adjust, ..PLAIN },
    &Dialect { name: "semantic-kernel", scopes: &["semantic_kernel*"], ..PLAIN },
    &OTEL_GEN_AI,
    &Dialect {
        name: "traceloop",
        scopes: &[
            "traceloop*",
            "opentelemetry.instrumentation.openai.v*",
            "opentelemetry.instrumentation.anthropic*",
            "opentelemetry.instrumentation.langchain*",
            "opentelemetry.instrumentation.cohere*",
            "opentelemetry.instrumentation.bedrock*",
            "opentelemetry.instrumentation.vertexai*",
            "opentelemetry.instrumentation.mistralai*",
            "opentelemetry.instrumentation.groq*",
            "opentelemetry.instrumentation.ollama*",
        ],
        marks: KeySet::of(&[
            Key::TraceloopSpanKind,
            Key::TraceloopEntity,
            Key::TraceloopWorkflow,
            Key::TraceloopUserId,
            Key::TraceloopSessionId,
            Key::LlmTotalTokens,
        ]),
        priority: priority::TRACELOOP,
        ..PLAIN
    },
];

static MARKS: KeySet = marks();

const fn marks() -> KeySet {
    KeySet::of(&[
        Key::OpenInferenceSpanKind,
        Key::LangfuseType,
        Key::LangfuseModelName,
        Key::LangfuseUsageDetails,
        Key::LitellmCallId,
        Key::AiOperationId,
        Key::TraceloopSpanKind,
        Key::TraceloopEntity,
        Key::TraceloopWorkflow,
        Key::TraceloopUserId,
        Key::TraceloopSessionId,
        Key::LlmTotalTokens,
        Key::TelemetrySdkName,
    ])
}

/// By the scope's name, never by `service.name`: that one is the operator's to choose.
pub fn by_scope(scope: &str) -> Option<&'static Dialect> {
    let matches = |pattern: &&str| match pattern.strip_suffix('*') {
        Some(beginning) => scope.starts_with(beginning),
        None => scope == *pattern,
    };
    DIALECTS.iter().find(|dialect| dialect.scopes.iter().any(matches)).copied()
}

/// By the name of a log event.
pub fn by_event(name: &str) -> Option<&'static Dialect> {
    match name.as_bytes().first()? {
        b'c' | b'g' => {
            DIALECTS.iter().find(|dialect| !dialect.events.is_empty() && name.starts_with(dialect.events)).copied()
        }
        _ => None,
    }
}

/// By what only one of them writes; else it is the conventions themselves.
pub fn by_attributes(slots: &Slots<'_>) -> &'static Dialect {
    if !slots.any_of(&MARKS) {
        return &OTEL_GEN_AI;
    }
    if slots.text(Key::TelemetrySdkName) == "openlit" {
        return by_scope("openlit").unwrap_or(&OTEL_GEN_AI);
    }
    DIALECTS.iter().find(|dialect| slots.any_of(&dialect.marks)).copied().unwrap_or(&OTEL_GEN_AI)
}

// === impl Dialect ===

impl std::fmt::Debug for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_tell_dialects() {
        for (scope, name) in [
            ("com.anthropic.sdk.python", Some("anthropic-sdk")),
            ("com.anthropic.claude-platform", Some("claude-platform")),
            ("codex_otel.log_only", Some("codex")),
            ("litellm.proxy", Some("litellm")),
            ("litellmx", None),
            ("ai", Some("vercel-ai")),
            ("aiohttp", None),
            ("gen_ai", Some("vercel-ai")),
            ("opentelemetry.instrumentation.openai.v1", Some("traceloop")),
            ("opentelemetry.instrumentation.openai_v2", Some("otel-genai")),
            ("", None),
        ] {
            assert_eq!(by_scope(scope).map(|dialect| dialect.name), name, "{scope}");
        }
    }

    #[test]
    fn every_mark_is_looked_for() {
        for dialect in DIALECTS {
            for key in dialect.marks.iter() {
                assert!(MARKS.has(key), "{key:?} of {dialect:?}");
            }
        }
    }
}
