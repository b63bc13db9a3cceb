//! The attribute names that some dialect reads, found by one hash and one comparison each.

/// How many slots the table has: a power of two, sparse enough that most names sit in their own slot.
const SLOTS: usize = 1024;
const EMPTY: u8 = u8::MAX;

macro_rules! keys {
    ($($variant:ident = $text:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Key { $($variant),* }

        const ALL: &[Key] = &[$(Key::$variant),*];
        const TEXTS: &[&str] = &[$($text),*];
    };
}

keys! {
    // who and where: OpenTelemetry's general conventions
    UserId = "user.id",
    UserEmail = "user.email",
    EnduserId = "enduser.id",
    SessionId = "session.id",
    Project = "project",
    VcsRepositoryUrl = "vcs.repository.url.full",
    VcsOwnerName = "vcs.owner.name",
    VcsRepositoryName = "vcs.repository.name",
    EnvironmentName = "deployment.environment.name",
    Environment = "deployment.environment",
    ClientAddress = "client.address",
    ErrorDotType = "error.type",
    ExceptionType = "exception.type",
    EventName = "event.name",
    HttpStatus = "http.response.status_code",
    HttpStatusOld = "http.status_code",
    HttpMethod = "http.request.method",
    HttpMethodOld = "http.method",
    DbSystem = "db.system.name",
    DbSystemOld = "db.system",
    RpcSystem = "rpc.system",
    RpcSystemName = "rpc.system.name",
    MessagingSystem = "messaging.system",

    // Claude Code (docs: monitoring-usage)
    EventTimestamp = "event.timestamp",
    PromptId = "prompt.id",
    Model = "model",
    InputTokens = "input_tokens",
    OutputTokens = "output_tokens",
    CacheReadTokens = "cache_read_tokens",
    CacheCreationTokens = "cache_creation_tokens",
    CacheCreation1hTokens = "cache_creation_1h_tokens",
    CostUsd = "cost_usd",
    CostUsdMicros = "cost_usd_micros",
    DurationMs = "duration_ms",
    TotalDurationMs = "total_duration_ms",
    TotalRetryDurationMs = "total_retry_duration_ms",
    RequestId = "request_id",
    StatusCode = "status_code",
    ErrorType = "error_type",
    ErrorClass = "error_class",
    ErrorName = "error_name",
    ErrorCode = "error_code",
    ErrorCategory = "error_category",
    ErrorCount = "error_count",
    ToolName = "tool_name",
    ToolNameSafe = "tool_name_safe",
    ToolUseId = "tool_use_id",
    Success = "success",
    Decision = "decision",
    Source = "source",
    CommandName = "command_name",
    SkillName = "skill.name",
    AgentName = "agent.name",
    AgentType = "agent_type",
    SubagentType = "subagent_type",
    QuerySource = "query_source",
    QuerySourceSafe = "query_source_safe",
    AnthropicProvider = "anthropic.provider",
    PromptLength = "prompt_length",
    UserPromptLength = "user_prompt_length",
    ResponseLength = "response_length",
    BodyLength = "body_length",
    SystemPromptLength = "system_prompt_length",
    Attempt = "attempt",
    TotalAttempts = "total_attempts",
    TotalToolUses = "total_tool_uses",
    Status = "status",
    ServerName = "server_name",
    HookEvent = "hook_event",
    HookName = "hook_name",
    NumBlocking = "num_blocking",
    NumNonBlockingError = "num_non_blocking_error",
    FromMode = "from_mode",
    ToMode = "to_mode",
    PluginName = "plugin.name",
    MentionType = "mention_type",
    Trigger = "trigger",
    PreTokens = "pre_tokens",
    PostTokens = "post_tokens",
    Result = "result",
    Action = "action",
    Type = "type",
    InteractionSequence = "interaction.sequence",
    SpanType = "span.type",

    // Claude Code: what can hold content (see `content`)
    Prompt = "prompt",
    PromptText = "prompt_text",
    UserPrompt = "user_prompt",
    Response = "response",
    ResponseModelOutput = "response.model_output",
    ToolInput = "tool_input",
    ToolParameters = "tool_parameters",
    FullCommand = "full_command",
    FilePath = "file_path",
    BashCommand = "bash_command",
    HookDefinitions = "hook_definitions",
    HookMatcher = "hook_matcher",
    Error = "error",
    Output = "output",
    Content = "content",
    Body = "body",
    BodyRef = "body_ref",
    NewContext = "new_context",
    SystemReminders = "system_reminders",
    SystemPrompt = "system_prompt",
    SystemPromptPreview = "system_prompt_preview",
    UserSystemPrompt = "user_system_prompt",
    ToolDefinition = "tool",

    // the gen_ai conventions
    GenAiRequestModel = "gen_ai.request.model",
    GenAiResponseModel = "gen_ai.response.model",
    GenAiProviderName = "gen_ai.provider.name",
    GenAiSystem = "gen_ai.system",
    GenAiOperationName = "gen_ai.operation.name",
    GenAiConversationId = "gen_ai.conversation.id",
    GenAiResponseId = "gen_ai.response.id",
    GenAiToolName = "gen_ai.tool.name",
    GenAiToolCallId = "gen_ai.tool.call.id",
    GenAiAgentName = "gen_ai.agent.name",
    GenAiTokenType = "gen_ai.token.type",
    GenAiInputTokens = "gen_ai.usage.input_tokens",
    GenAiOutputTokens = "gen_ai.usage.output_tokens",
    GenAiCacheRead = "gen_ai.usage.cache_read.input_tokens",
    GenAiCacheWrite = "gen_ai.usage.cache_write.input_tokens",
    GenAiCacheCreation = "gen_ai.usage.cache_creation.input_tokens",
    GenAiReasoning = "gen_ai.usage.reasoning.output_tokens",
}

static TABLE: [u8; SLOTS] = table();

// === impl Key ===

impl Key {
    pub const COUNT: usize = ALL.len();

    /// The key of that name, if some dialect reads it.
    #[inline]
    pub fn of(name: &str) -> Option<Key> {
        let mut slot = hash(name.as_bytes());
        loop {
            let index = usize::from(TABLE[slot]);
            if index == usize::from(EMPTY) {
                return None;
            }
            if TEXTS[index] == name {
                return Some(ALL[index]);
            }
            slot = (slot + 1) % SLOTS;
        }
    }

    pub fn from_index(index: usize) -> Key {
        ALL[index]
    }

    pub fn name(self) -> &'static str {
        TEXTS[self as usize]
    }
}

/// Length, first, middle and last two bytes tell these names apart well enough.
#[inline]
const fn hash(name: &[u8]) -> usize {
    let len = name.len();
    if len < 2 {
        return 0;
    }
    let sampled = name[0] as usize
        + name[len / 2] as usize * 31
        + name[len - 1] as usize * 257
        + name[len - 2] as usize * 1021
        + len * 4099;
    (sampled ^ (sampled >> 10)) % SLOTS
}

const fn table() -> [u8; SLOTS] {
    assert!(ALL.len() < EMPTY as usize);
    let mut table = [EMPTY; SLOTS];
    let mut index = 0;
    while index < TEXTS.len() {
        let mut slot = hash(TEXTS[index].as_bytes());
        while table[slot] != EMPTY {
            slot = (slot + 1) % SLOTS;
        }
        table[slot] = index as u8;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_by_its_name_and_nothing_else_is() {
        for (index, text) in TEXTS.iter().enumerate() {
            assert_eq!(Key::of(text), Some(ALL[index]), "{text}");
            assert_eq!(ALL[index] as usize, index);
        }
        for unknown in ["", "m", "models", "terminal.type", "é", "prompt.Id"] {
            assert_eq!(Key::of(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn probing_stays_short() {
        let longest = TEXTS.iter().map(|text| {
            let mut slot = hash(text.as_bytes());
            let mut steps = 0;
            while TEXTS[usize::from(TABLE[slot])] != *text {
                slot = (slot + 1) % SLOTS;
                steps += 1;
            }
            steps
        });
        assert!(longest.max().unwrap() <= 3);
    }
}
