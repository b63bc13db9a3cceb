//! A tool call: asked for by a request, permitted or refused, run, and its result measured.

use super::instruments;
use super::llm::Asker;
use super::models::{HAIKU, Model};
use super::session::Session;
use crate::demo::record::{Attributes, MILLISECOND};

pub struct Tool {
    pub name: &'static str,
    /// What log events call it.
    event_name: &'static str,
    weight: u64,
    median_ms: f64,
    result_bytes: f64,
    failure: f64,
}

/// What became of a call.
#[derive(Default)]
pub struct Ran {
    pub rejected: bool,
}

const fn builtin(name: &'static str, weight: u64, median_ms: f64, result_bytes: f64, failure: f64) -> Tool {
    Tool { name, event_name: name, weight, median_ms, result_bytes, failure }
}

pub const BASH: Tool = builtin("Bash", 26, 900.0, 1500.0, 0.07);
pub const AGENT: Tool = builtin("Agent", 4, 0.0, 2600.0, 0.0);
const TOOLS: [Tool; 9] = [
    builtin("Read", 28, 9.0, 5200.0, 0.02),
    BASH,
    builtin("Edit", 20, 22.0, 420.0, 0.03),
    builtin("Grep", 12, 40.0, 1800.0, 0.01),
    builtin("Glob", 6, 25.0, 700.0, 0.0),
    builtin("Write", 5, 18.0, 180.0, 0.01),
    AGENT,
    builtin("WebFetch", 2, 2400.0, 7800.0, 0.06),
    Tool {
        name: "mcp__tracker__get_issue",
        event_name: "mcp_tool",
        weight: 3,
        median_ms: 320.0,
        result_bytes: 2100.0,
        failure: 0.05,
    },
];
const COMMANDS: [(&str, &str); 6] = [
    ("build", "cargo"),
    ("test", "npm"),
    ("version_control", "git"),
    ("file_search", "ls"),
    ("file_search", "rg"),
    ("container", "docker"),
];

// === impl Session ===

impl Session<'_> {
    /// What the model asks for next; subagents don't start subagents.
    pub fn choose_tool(&mut self, asker: Asker) -> &'static Tool {
        let allowed = || TOOLS.iter().filter(|tool| tool.name != AGENT.name || matches!(asker, Asker::Main));
        let total = allowed().map(|tool| tool.weight).sum();
        let mut drawn = self.random.range(0, total);
        for tool in allowed() {
            if drawn < tool.weight {
                return tool;
            }
            drawn -= tool.weight;
        }
        &TOOLS[0]
    }

    /// One call. `commit` makes it a `git commit` that leaves this revision.
    pub fn call(&mut self, tool: &Tool, asker: Asker, parent: &str, request: &str, commit: Option<&str>) -> Ran {
        let (span, use_id) = (self.random.hex(16), format!("toolu_01{}", self.random.hex(22)));
        let start = self.clock;
        let edits = matches!(tool.name, "Edit" | "Write");
        let asked = tool.name == "Bash" && self.permission_mode == "default" && self.random.chance(0.5);
        let rejected = asked && self.random.chance(0.08);
        let (decision, source) = match (asked, rejected) {
            (true, true) => ("reject", "user_reject"),
            (true, false) => ("accept", "user_temporary"),
            _ => ("accept", "config"),
        };

        let blocked = self.random.hex(16);
        if asked {
            let reading = self.random.around(4500.0, 0.8).clamp(700.0, 90_000.0) as u64;
            self.clock += reading * MILLISECOND;
        } else {
            self.wait(2, 14);
        }
        let waited = Attributes::new()
            .int("duration_ms", (self.clock - start) / MILLISECOND)
            .text("decision", decision)
            .text("source", source);
        self.span("tool.blocked_on_user", &blocked, Some(&span), start, None, waited, Vec::new());

        let common = Attributes::new().text("tool_name", tool.event_name).text("tool_use_id", &use_id);
        let decided = common
            .clone()
            .text("decision", decision)
            .text("source", source)
            .text("tool_source", if tool.event_name == "mcp_tool" { "mcp" } else { "builtin" })
            .text("permission_mode", self.permission_mode)
            .text("request_id", request)
            .maybe("agent_id", asker.agent_id().as_deref());
        self.event("tool_decision", decided);
        let language = self.random.pick(self.developer.team.languages);
        if edits {
            let edit = Attributes::new()
                .text("tool_name", tool.name)
                .text("decision", decision)
                .text("source", source)
                .text("language", language);
            self.count(&instruments::EDITS, edit, 1.0);
        }

        if !rejected {
            self.execute(tool, asker, &span, &use_id, request, commit, asked.then_some(source));
        }
        let command = self.random.pick(&COMMANDS);
        let (class, argv0) = if commit.is_some() { ("version_control", "git") } else { command };
        let bash = tool.name == "Bash";
        let of_span = Attributes::new()
            .text("tool_name", tool.name)
            .text("tool_name_safe", tool.event_name)
            .text("gen_ai.operation.name", "execute_tool")
            .text("gen_ai.tool.name", tool.name)
            .maybe("bash_command_class", bash.then_some(class))
            .maybe("bash_argv0", bash.then_some(argv0))
            .maybe("anthropic.mcp.server.name", (tool.event_name == "mcp_tool").then_some("tracker"))
            .maybe("agent_id", asker.agent_id().as_deref())
            .text("tool_use_id", &use_id)
            .text("gen_ai.tool.call.id", &use_id)
            .int("duration_ms", (self.clock - start) / MILLISECOND);
        self.span("tool", &span, Some(parent), start, None, of_span, Vec::new());
        Ran { rejected }
    }

    #[allow(clippy::too_many_arguments)] // the parts of one call, split off for length only
    fn execute(
        &mut self,
        tool: &Tool,
        asker: Asker,
        parent: &str,
        use_id: &str,
        request: &str,
        commit: Option<&str>,
        prompted: Option<&str>,
    ) {
        let (span, start) = (self.random.hex(16), self.clock);
        if tool.name == AGENT.name {
            self.subagent(&span);
        } else {
            let took = self.random.around(tool.median_ms, 0.9).clamp(2.0, 120_000.0) as u64;
            self.clock += took * MILLISECOND;
        }
        let failed = commit.is_none() && self.random.chance(tool.failure);
        let took = (self.clock - start) / MILLISECOND;
        let error = failed.then(|| if tool.name == "Bash" { "Shell command failed" } else { "Tool call failed" });
        let class = failed.then_some(match tool.event_name {
            "Bash" => "ShellError",
            "mcp_tool" => "McpToolCallError",
            _ => "TelemetrySafeError",
        });
        let of_span = Attributes::new()
            .text("tool_use_id", use_id)
            .text("gen_ai.tool.call.id", use_id)
            .int("duration_ms", took)
            .flag("success", !failed)
            .maybe("error.type", failed.then_some("tool_error"))
            .maybe("error", error)
            .maybe("error_class", class);
        self.span("tool.execution", &span, Some(parent), start, error, of_span, Vec::new());

        let input_bytes = self.random.around(220.0, 0.9).clamp(20.0, 20_000.0) as u64;
        let result_bytes = self.random.around(tool.result_bytes, 0.9).clamp(10.0, 60_000.0) as u64;
        let result = Attributes::new()
            .text("tool_name", tool.event_name)
            .text("tool_use_id", use_id)
            .text("success", if failed { "false" } else { "true" })
            .text("duration_ms", took.to_string())
            .text("tool_input_size_bytes", input_bytes.to_string())
            .maybe("tool_result_size_bytes", (!failed).then(|| result_bytes.to_string()).as_deref())
            .maybe("error_type", class)
            .maybe("mcp_server_scope", (tool.event_name == "mcp_tool").then_some("project"))
            .text("request_id", request)
            .maybe("agent_id", asker.agent_id().as_deref())
            .maybe("decision_source", prompted)
            .maybe("decision_type", prompted.map(|_| "accept"))
            .maybe("vcs.ref.head.revision", commit)
            .maybe("vcs.ref.head.name", commit.map(|_| "main"))
            .maybe("vcs.ref.head.type", commit.map(|_| "branch"));
        self.event("tool_result", result);
        if matches!(tool.name, "Edit" | "Write") && !failed {
            self.uncommitted += 1;
            let added = self.random.around(11.0, 0.9).clamp(1.0, 400.0).floor();
            let removed =
                if tool.name == "Write" { 0.0 } else { self.random.around(5.0, 0.9).clamp(0.0, 200.0).floor() };
            for (kind, lines) in [("added", added), ("removed", removed)] {
                let of_metric = Attributes::new().text("type", kind).text("model", self.model.name);
                self.count(&instruments::LINES, of_metric, lines);
            }
        }
        if commit.is_some() {
            self.uncommitted = 0;
            self.count(&instruments::COMMITS, Attributes::new(), 1.0);
        }
    }

    /// A helper with requests and tools of its own, all below the execution span of the Agent tool.
    fn subagent(&mut self, parent: &str) {
        const MODEL: &Model = &HAIKU;
        let (id, start) = (format!("a{}", self.random.hex(16)), self.clock);
        let asker = Asker::Agent(&id);
        let (rounds, mut tools) = (self.random.range(2, 5), 0);
        for round in 1..=rounds {
            let stop = if round == rounds { "end_turn" } else { "tool_use" };
            let Some(request) = self.request(asker, MODEL, parent, stop) else {
                break;
            };
            if round < rounds {
                let tool = self.choose_tool(asker);
                self.call(tool, asker, parent, &request, None);
                tools += 1;
            }
        }
        self.wait(2, 20);
        let done = Attributes::new()
            .text("agent_type", "general-purpose")
            .text("agent.source", "built-in")
            .flag("is_built_in", true)
            .flag("is_async", false)
            .int("total_tokens", self.random.range(9000, 30_000))
            .int("total_tool_uses", tools)
            .int("duration_ms", (self.clock - start) / MILLISECOND)
            .text("model", MODEL.name)
            .text("final_model", MODEL.name)
            .flag("model_swapped", false)
            .text("agent_id", &id);
        self.event("subagent_completed", done);
    }
}
