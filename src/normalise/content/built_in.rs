//! The names under which content, secrets and personal data are known to travel. `docs/CONTENT.md` shows this list.

use super::speaker::Speaker;

/// One kind of content.
#[derive(Debug)]
pub struct Rule {
    /// The label in `/metrics`.
    pub name: &'static str,
    /// For people.
    pub what: &'static str,
    /// Whose records it is for; nobody: everybody's. Plain words mean content only where a tool is known to say them.
    pub speakers: &'static [Speaker],
    pub names: &'static [&'static str],
    /// Also where capture is on.
    pub always: bool,
}

const _: () = assert!(RULES.len() < 255, "a rule's number is a byte");

/// The body of a log record, where a rule means that.
pub const LOG_BODY: &str = "log.body";
/// The status message of a span.
pub const STATUS_MESSAGE: &str = "status.message";

const AI: &[Speaker] =
    &[Speaker::GenAi, Speaker::Codex, Speaker::GeminiCli, Speaker::LiteLlm, Speaker::Logfire, Speaker::SemanticKernel];

pub static RULES: &[Rule] = &[
    claude("claude_code.prompt", "what the user typed", &["prompt", "prompt_text", "user_prompt"]),
    claude("claude_code.response", "what the model answered", &["response", "response.model_output"]),
    claude("claude_code.tool_input", "a tool's arguments", &["tool_input", "tool_parameters"]),
    claude("claude_code.command", "a shell command", &["full_command", "bash_command"]),
    claude("claude_code.file_path", "paths of files and folders", &["file_path", "workspace.host_paths"]),
    claude("claude_code.hook", "a hook's command and matcher", &["hook_definitions", "hook_matcher"]),
    claude(
        "claude_code.error_text",
        "error texts, which may quote the input; type and status code are kept",
        &["error", "exception.message", "exception.stacktrace", STATUS_MESSAGE],
    ),
    claude("claude_code.tool_output", "what a tool gave back", &["output", "content"]),
    claude(
        "claude_code.api_body",
        "API requests and responses; a log body that isn't the event's name",
        &["body", "body_ref", LOG_BODY],
    ),
    claude(
        "claude_code.context",
        "what goes to the model besides the prompt",
        &["new_context", "system_reminders", "system_prompt", "system_prompt_preview", "user_system_prompt", "tool"],
    ),
    any(
        "gen_ai.messages",
        "messages, prompts, completions, retrieved documents",
        &[
            "gen_ai.input.messages",
            "gen_ai.output.messages",
            "gen_ai.system_instructions",
            "gen_ai.input",
            "gen_ai.output",
            "gen_ai.prompt",
            "gen_ai.prompt.*",
            "gen_ai.completion",
            "gen_ai.completion.*",
            "gen_ai.content.*",
            "gen_ai.event.content",
            "gen_ai.user.message",
            "gen_ai.system.message",
            "gen_ai.assistant.message",
            "gen_ai.tool.message",
            "gen_ai.choice",
            "gen_ai.retrieval.query.text",
            "gen_ai.retrieval.documents",
            "gen_ai.evaluation.explanation",
        ],
    ),
    any(
        "gen_ai.tool",
        "tool and MCP arguments, results and definitions",
        &[
            "gen_ai.tool.call.arguments",
            "gen_ai.tool.call.result",
            "gen_ai.tool.definitions",
            "gen_ai.tool.args",
            "gen_ai.tool.input",
            "gen_ai.tool.output",
            "mcp.tool.arguments",
            "mcp.tool.result",
            "mcp.request.argument.*",
        ],
    ),
    any(
        "gen_ai.body",
        "the body of a `gen_ai.*` log event; `content`, `message`, `tool_calls` of a `gen_ai.*` span event",
        &[],
    ),
    Rule {
        name: "gen_ai.error_text",
        what: "error texts of model calls, which may quote the input; type and status code are kept",
        speakers: AI,
        names: &["exception.message", "exception.stacktrace", "error.message", "error.stack_trace", STATUS_MESSAGE],
        always: false,
    },
    any(
        "traceloop",
        "OpenLLMetry: input and output of workflows, tasks and tools; prompt templates",
        &[
            "traceloop.entity.input",
            "traceloop.entity.output",
            "traceloop.prompt.template",
            "traceloop.prompt.template_variables",
        ],
    ),
    any(
        "openinference",
        "OpenInference: input and output values, messages, documents, embedded texts",
        &[
            "input.value",
            "output.value",
            "llm.input_messages*",
            "llm.output_messages*",
            "llm.prompts*",
            "llm.completions*",
            "llm.prompt_template.template",
            "llm.prompt_template.variables",
            "llm.function_call",
            "llm.tools*",
            "message.content",
            "message.contents*",
            "tool.parameters",
            "tool.json_schema",
            "retrieval.documents*",
            "reranker.query",
            "reranker.input_documents*",
            "reranker.output_documents*",
            "document.content",
            "embedding.text",
            "embedding.vector",
            "embedding.embeddings*",
        ],
    ),
    any(
        "ai_sdk",
        "Vercel AI SDK: prompts, responses, tool calls, embedded values",
        &[
            "ai.prompt",
            "ai.prompt.messages",
            "ai.prompt.tools",
            "ai.response.text",
            "ai.response.object",
            "ai.response.reasoning",
            "ai.response.files",
            "ai.response.toolCalls",
            "ai.result.text",
            "ai.result.object",
            "ai.result.toolCalls",
            "ai.toolCall.args",
            "ai.toolCall.result",
            "ai.value",
            "ai.values",
            "ai.embedding",
            "ai.embeddings",
        ],
    ),
    any(
        "langfuse",
        "Langfuse SDK: input and output of observations and traces, status texts",
        &[
            "langfuse.observation.input",
            "langfuse.observation.output",
            "langfuse.observation.status_message",
            "langfuse.trace.input",
            "langfuse.trace.output",
        ],
    ),
    Rule {
        name: "litellm.raw",
        what: "LiteLLM's copies of the provider's request and response; the bodies of its log records",
        speakers: &[Speaker::LiteLlm],
        names: &[
            "llm.*.messages",
            "llm.*.input",
            "llm.*.content",
            "llm.*.contents",
            "llm.*.choices",
            "llm.*.candidates",
            "llm.*.system",
            "llm.*.instructions",
            "llm.*.output",
            "llm.*.tools",
            "llm.*.extra_body",
            LOG_BODY,
        ],
        always: false,
    },
    any(
        "litellm.requester",
        "LiteLLM: what a client sent along, its address, its tool calls and vector searches",
        &[
            "metadata.requester_metadata",
            "metadata.requester_custom_headers",
            "metadata.requester_ip_address",
            "metadata.mcp_tool_call_metadata",
            "metadata.prompt_management_metadata",
            "metadata.vector_store_request_metadata",
        ],
    ),
    Rule {
        name: "logfire",
        what: "Logfire and Pydantic AI: requests, responses, message histories, tool arguments and results",
        speakers: &[Speaker::Logfire],
        names: &[
            "request_data",
            "response_data",
            "events",
            "all_messages_events",
            "tool_arguments",
            "tool_response",
            "final_result",
            "model_request_parameters",
        ],
        always: false,
    },
    any("pydantic_ai", "Pydantic AI: a run's whole message history", &["pydantic_ai.all_messages"]),
    any(
        "google_adk",
        "Google ADK: requests, responses, tool arguments and results",
        &[
            "gcp.vertex.agent.llm_request",
            "gcp.vertex.agent.llm_response",
            "gcp.vertex.agent.tool_call_args",
            "gcp.vertex.agent.tool_response",
            "gcp.vertex.agent.data",
        ],
    ),
    Rule {
        name: "codex",
        what: "Codex CLI: prompts, tool arguments and output",
        speakers: &[Speaker::Codex],
        names: &["prompt", "arguments", "output"],
        always: false,
    },
    Rule {
        name: "gemini_cli",
        what: "Gemini CLI: prompts, requests, responses, tool arguments, hook input and output, error texts",
        speakers: &[Speaker::GeminiCli],
        names: &[
            "prompt",
            "function_args",
            "request_text",
            "response_text",
            "reasoning",
            "hook_input",
            "hook_output",
            "stdout",
            "stderr",
            "error",
            "error_message",
        ],
        always: false,
    },
    Rule {
        name: "semantic_kernel",
        what: "Semantic Kernel: log lines, which quote the arguments of functions",
        speakers: &[Speaker::SemanticKernel],
        names: &[LOG_BODY],
        always: false,
    },
    any(
        "frameworks",
        "input and output as LiveKit, Genkit and MLflow write them",
        &[
            "lk.user_input",
            "lk.user_transcript",
            "lk.instructions",
            "lk.chat_ctx",
            "lk.response.text",
            "lk.response.function_calls",
            "lk.function_tool.arguments",
            "lk.function_tool.output",
            "genkit:input",
            "genkit:output",
            "mlflow.spanInputs",
            "mlflow.spanOutputs",
        ],
    ),
    Rule {
        name: "credentials",
        what: "headers that carry secrets; dropped where capture is on, too",
        speakers: &[],
        names: &[
            "http.request.header.authorization",
            "http.request.header.proxy-authorization",
            "http.request.header.proxy_authorization",
            "http.request.header.cookie",
            "http.request.header.x-api-key",
            "http.request.header.x_api_key",
            "http.request.header.api-key",
            "http.request.header.x-auth-token",
            "http.response.header.set-cookie",
            "http.response.header.set_cookie",
            "rpc.request.metadata.authorization",
            "rpc.grpc.request.metadata.authorization",
            "ai.request.headers.authorization",
            "ai.request.headers.cookie",
            "ai.request.headers.x-api-key",
            "ai.request.headers.api-key",
        ],
        always: true,
    },
    any(
        "database.parameters",
        "the values a database query was run with",
        &["db.query.parameter.*", "db.operation.parameter.*"],
    ),
    any(
        "process.arguments",
        "command lines, which often hold secrets; the program's name and path are kept",
        &["process.command_args", "process.command_line"],
    ),
    any(
        "account",
        "a person's accounts, groups and full name; `user.id` and `user.email` are kept",
        &["user.account_uuid", "user.account_id", "user.groups", "user.full_name"],
    ),
];

/// The body of a `gen_ai.*` log event, the content of a `gen_ai.*` span event.
pub const BODY: usize = named("gen_ai.body");
/// What a model call came to, in words.
pub const GEN_AI_ERROR_TEXT: usize = named("gen_ai.error_text");
/// The body of a Claude Code event that isn't its name.
pub const API_BODY: usize = named("claude_code.api_body");

// === impl Rule ===

impl Rule {
    pub(super) fn is_for(&self, speaker: Speaker) -> bool {
        self.speakers.is_empty() || self.speakers.contains(&speaker)
    }
}

const fn any(name: &'static str, what: &'static str, names: &'static [&'static str]) -> Rule {
    Rule { name, what, speakers: &[], names, always: false }
}

const fn claude(name: &'static str, what: &'static str, names: &'static [&'static str]) -> Rule {
    Rule { name, what, speakers: &[Speaker::ClaudeCode], names, always: false }
}

/// The index of a rule that code asks for by name; a name that isn't there doesn't compile.
const fn named(name: &str) -> usize {
    let mut index = 0;
    while !same(RULES[index].name.as_bytes(), name.as_bytes()) {
        index += 1;
    }
    index
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}
