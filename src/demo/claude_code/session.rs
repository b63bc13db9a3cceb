//! A session: one process of the CLI, its clock, its counters, and what every record of it carries.

use std::sync::Arc;

use serde_json::json;

use super::instruments;
use super::models::{self, Model};
use crate::demo::people::{Developer, ORGANIZATION, OWNER};
use crate::demo::random::Random;
use crate::demo::record::{
    Attributes, Instrument, Item, MILLISECOND, Nanos, Signal, Source, Span, SpanKind, iso_millis,
};

pub struct Session<'a> {
    pub random: &'a mut Random,
    pub developer: &'a Developer,
    /// When the next thing happens; only ever moves on.
    pub clock: Nanos,
    pub model: &'static Model,
    pub effort: &'static str,
    pub permission_mode: &'static str,
    /// Tokens that the next request reads from the cache.
    pub context: u64,
    pub turns: u64,
    /// Edits since the last commit.
    pub uncommitted: u64,
    pub prompt: Option<Prompt>,
    out: &'a mut Vec<Item>,
    id: String,
    sequence: u64,
    standard: Attributes,
    logs: Arc<Source>,
    spans: Arc<Source>,
    metrics: Arc<Source>,
}

/// The prompt that is being worked on: its records share a trace.
#[derive(Clone)]
pub struct Prompt {
    pub id: String,
    pub trace: String,
    /// The interaction span.
    pub root: String,
}

const VERSION: &str = "2.1.329";
const PLUGINS: [(&str, &str); 3] = [
    ("cc-plugin-agents-md", "da63145d0acbb62d"),
    ("cc-plugin-privacy", "a2f27f067781660d"),
    ("cc-plugin-plugin-authoring", "559932fe5f722b82"),
];

// === impl Session ===

impl<'a> Session<'a> {
    pub fn start(
        random: &'a mut Random,
        out: &'a mut Vec<Item>,
        developer: &'a Developer,
        source: u64,
        clock: Nanos,
    ) -> Session<'a> {
        let team = developer.team;
        // OTEL_RESOURCE_ATTRIBUTES: on the resource, and on every record again
        let configured = Attributes::new()
            .text("project", team.project)
            .text("team.id", team.project)
            .text("vcs.owner.name", OWNER)
            .text("vcs.repository.name", team.repository)
            .text("vcs.repository.url.full", team.repository_url());
        let id = random.uuid();
        let standard = configured
            .clone()
            .text("user.id", &developer.user_id)
            .text("session.id", &id)
            .text("organization.id", ORGANIZATION)
            .text("user.email", developer.email())
            .text("user.account_uuid", &developer.account)
            .text("anthropic.provider", "firstParty")
            .flag("anthropic.custom_base_url", false)
            .text("terminal.type", developer.terminal);
        let resource = configured
            .text("host.arch", if random.chance(0.6) { "arm64" } else { "amd64" })
            .text("os.type", if developer.terminal == "xterm-256color" { "linux" } else { "darwin" })
            .text("os.version", "25.1.0")
            .text("service.name", "claude-code")
            .text("service.version", VERSION);
        let emitter = |offset, scope, scope_version| {
            Arc::new(Source { id: source + offset, resource: resource.clone(), scope, scope_version })
        };
        let model = match random.range(0, 10) {
            0..6 => &models::OPUS,
            6..9 => &models::SONNET,
            _ => &models::OPUS_BEFORE,
        };
        let mut session = Session {
            developer,
            clock: clock / MILLISECOND * MILLISECOND,
            model,
            effort: if random.chance(0.7) { "medium" } else { "high" },
            permission_mode: if random.chance(0.6) { "acceptEdits" } else { "default" },
            context: 0,
            turns: 0,
            uncommitted: 0,
            prompt: None,
            out,
            id,
            sequence: 0,
            standard,
            logs: emitter(0, "com.anthropic.claude_code.events", VERSION),
            spans: emitter(1, "com.anthropic.claude_code.tracing", "1.0.0"),
            metrics: emitter(2, "com.anthropic.claude_code", VERSION),
            random,
        };
        session.start_up();
        session
    }

    fn start_up(&mut self) {
        let settings = Attributes::new()
            .text("managed_settings.trigger", "startup")
            .list("managed_settings.sources", &[])
            .text("managed_settings.source_behavior", "first-wins")
            .text("managed_settings.helper.state", "none")
            .text("managed_settings.helper.applied", "none");
        self.event("managed_settings_resolved", settings);
        let start_type = if self.random.chance(0.85) { "fresh" } else { "resume" };
        self.count(&instruments::SESSIONS, Attributes::new().text("start_type", start_type), 1.0);
        for (name, hash) in PLUGINS {
            self.wait(1, 6);
            let plugin = Attributes::new()
                .text("plugin.name", name)
                .text("marketplace.name", "builtin")
                .text("plugin.scope", "default-bundle")
                .text("enabled_via", "default-enable")
                .text("plugin_id_hash", hash)
                .flag("has_hooks", true)
                .flag("has_mcp", false)
                .flag("host_owned_mcp", false)
                .int("skill_path_count", 0)
                .int("command_path_count", 0)
                .int("agent_path_count", 0)
                .text("safe_mode", "false");
            self.event("plugin_loaded", plugin);
        }
        if self.random.chance(0.4) {
            let took = self.random.range(40, 900);
            self.clock += took * MILLISECOND;
            let server = Attributes::new()
                .text("status", if self.random.chance(0.93) { "connected" } else { "failed" })
                .text("transport_type", "stdio")
                .text("server_scope", "project")
                .text("duration_ms", took.to_string())
                .flag("is_plugin", false);
            self.event("mcp_server_connection", server);
        }
    }

    /// Some milliseconds pass.
    pub fn wait(&mut self, low: u64, high: u64) {
        self.clock += self.random.range(low, high) * MILLISECOND;
    }

    /// Time passes, in whole milliseconds like the client's clock.
    pub fn rest(&mut self, time: Nanos) {
        self.clock += time / MILLISECOND * MILLISECOND;
    }

    /// A log event, now.
    pub fn event(&mut self, name: &str, attributes: Attributes) -> &mut Item {
        let mut all = self
            .standard
            .clone()
            .text("event.name", name)
            .text("event.timestamp", iso_millis(self.clock))
            .int("event.sequence", self.sequence);
        if let Some(prompt) = &self.prompt {
            all = all.text("prompt.id", &prompt.id);
        }
        self.sequence += 1;
        let body = format!("claude_code.{name}");
        let mut record = json!({
            "timeUnixNano": self.clock.to_string(),
            "observedTimeUnixNano": self.clock.to_string(),
            "body": {"stringValue": body},
            "attributes": all.and(&attributes).json(),
        });
        if let Some(prompt) = &self.prompt {
            record["flags"] = json!(1);
            record["traceId"] = json!(prompt.trace);
            record["spanId"] = json!(prompt.root);
        }
        self.push(Item::new(self.clock, Signal::Logs, &self.logs, body, record))
    }

    /// A span from `start` until now, below `parent`.
    #[allow(clippy::too_many_arguments)] // the fields of a span, each given once
    pub fn span(
        &mut self,
        kind: &str,
        id: &str,
        parent: Option<&str>,
        start: Nanos,
        error: Option<&str>,
        attributes: Attributes,
        events: Vec<(&'static str, Nanos, Attributes)>,
    ) {
        let Some(prompt) = self.prompt.clone() else {
            return;
        };
        let all = self
            .standard
            .clone()
            .text("gen_ai.provider.name", "anthropic")
            .text("span.type", kind)
            .text("gen_ai.conversation.id", &self.id)
            .and(&attributes);
        let name = format!("claude_code.{kind}");
        let span = Span {
            trace: &prompt.trace,
            id,
            parent,
            name: &name,
            kind: SpanKind::Internal,
            start,
            end: self.clock,
            error,
            attributes: all,
            events,
        };
        let item = Item::span(&self.spans, format!("span {name}"), span);
        self.push(item);
    }

    /// Adds to a metric, together with the last event or span.
    pub fn count(&mut self, instrument: &'static Instrument, attributes: Attributes, value: f64) {
        let attributes = self.standard.clone().and(&attributes);
        if let Some(last) = self.out.last_mut() {
            last.measure(&self.metrics, instrument, attributes, value);
        }
    }

    fn push(&mut self, item: Item) -> &mut Item {
        let at = self.out.len();
        self.out.push(item);
        &mut self.out[at]
    }
}
