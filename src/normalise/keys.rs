//! The attribute names that some dialect reads, found by one hash and one comparison each.

pub use super::key_set::{KeySet, Names};

/// How many slots the table has: a power of two, sparse enough that most names sit in their own slot.
const SLOTS: usize = 2048;
const EMPTY: u16 = u16::MAX;

macro_rules! keys {
    ($($variant:ident = $text:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u16)]
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

    // event names and places, as some SDKs spell them
    EventNameSnake = "event_name",
    EventKind = "event.kind",
    Env = "env",
    LangfuseEnvironment = "langfuse.environment",

    // provider and operation, in the dialects
    LlmProvider = "llm.provider",
    LlmSystem = "llm.system",
    AiModelProvider = "ai.model.provider",
    ProviderName = "provider_name",
    LlmRequestType = "llm.request.type",
    OpenInferenceSpanKind = "openinference.span.kind",
    LangfuseType = "langfuse.observation.type",
    AiOperationId = "ai.operationId",
    TraceloopSpanKind = "traceloop.span.kind",

    // models
    LlmRequestModelName = "llm.request.model_name",
    AiModelId = "ai.model.id",
    LlmRequestModel = "llm.request.model",
    LlmInvocationParameters = "llm.invocation_parameters",
    EmbeddingInvocationParameters = "embedding.invocation_parameters",
    EmbeddingModelName = "embedding.model_name",
    LangfuseModelName = "langfuse.observation.model.name",
    Slug = "slug",
    ModelName = "model_name",
    AiResponseModel = "ai.response.model",
    LlmResponseModelName = "llm.response.model_name",
    LlmModelName = "llm.model_name",
    LlmResponseModel = "llm.response.model",

    // tokens
    GenAiPromptTokens = "gen_ai.usage.prompt_tokens",
    AiInputTokens = "ai.usage.inputTokens",
    AiPromptTokens = "ai.usage.promptTokens",
    AiTokens = "ai.usage.tokens",
    LlmCountPrompt = "llm.token_count.prompt",
    LlmPromptTokens = "llm.usage.prompt_tokens",
    InputTokenCount = "input_token_count",
    GenAiCompletionTokens = "gen_ai.usage.completion_tokens",
    AiOutputTokens = "ai.usage.outputTokens",
    AiCompletionTokens = "ai.usage.completionTokens",
    LlmCountCompletion = "llm.token_count.completion",
    LlmCompletionTokens = "llm.usage.completion_tokens",
    OutputTokenCount = "output_token_count",
    GenAiCacheReadInput = "gen_ai.usage.cache_read_input_tokens",
    GenAiCacheReadTokens = "gen_ai.usage.cache_read_tokens",
    GenAiDetailsCacheRead = "gen_ai.usage.details.cache_read_tokens",
    GenAiDetailsCacheReadInput = "gen_ai.usage.details.cache_read_input_tokens",
    GenAiInputCached = "gen_ai.usage.input_tokens.cached",
    GenAiCachedTokens = "gen_ai.usage.cached_tokens",
    AiCachedInputTokens = "ai.usage.cachedInputTokens",
    AiDetailsCacheRead = "ai.usage.inputTokenDetails.cacheReadTokens",
    LlmDetailsCacheRead = "llm.token_count.prompt_details.cache_read",
    CachedTokenCount = "cached_token_count",
    CachedContentTokenCount = "cached_content_token_count",
    CacheReadInputTokens = "cache_read_input_tokens",
    GenAiCacheCreationInput = "gen_ai.usage.cache_creation_input_tokens",
    GenAiCacheWriteTokens = "gen_ai.usage.cache_write_tokens",
    GenAiDetailsCacheWrite = "gen_ai.usage.details.cache_write_tokens",
    GenAiDetailsCacheCreation = "gen_ai.usage.details.cache_creation_input_tokens",
    AiDetailsCacheWrite = "ai.usage.inputTokenDetails.cacheWriteTokens",
    LlmDetailsCacheWrite = "llm.token_count.prompt_details.cache_write",
    CacheWriteTokenCount = "cache_write_token_count",
    CacheCreationInputTokens = "cache_creation_input_tokens",
    AnthropicCacheWrite1h = "anthropic.usage.cache_creation.ephemeral_1h_input_tokens",
    GenAiReasoningTokens = "gen_ai.usage.reasoning_tokens",
    LlmReasoningTokens = "llm.usage.reasoning_tokens",
    GenAiDetailsReasoning = "gen_ai.usage.details.reasoning_tokens",
    AiReasoningTokens = "ai.usage.reasoningTokens",
    AiDetailsReasoning = "ai.usage.outputTokenDetails.reasoningTokens",
    LlmDetailsReasoning = "llm.token_count.completion_details.reasoning",
    ReasoningTokenCount = "reasoning_token_count",
    ThoughtsTokenCount = "thoughts_token_count",
    GenAiTotalTokens = "gen_ai.usage.total_tokens",
    LlmTotalTokens = "llm.usage.total_tokens",
    LlmCountTotal = "llm.token_count.total",
    AiTotalTokens = "ai.usage.totalTokens",
    GenAiUsageRaw = "gen_ai.usage.raw",
    LangfuseUsageDetails = "langfuse.observation.usage_details",

    // cost
    GenAiTotalCost = "gen_ai.cost.total_cost",
    GenAiUsageCost = "gen_ai.usage.cost",
    GenAiUsageCostUsd = "gen_ai.usage.cost_usd",
    OperationCost = "operation.cost",
    LlmCostTotal = "llm.cost.total",
    Cost = "cost",
    LangfuseCostDetails = "langfuse.observation.cost_details",

    // who, and what for
    LangfuseUserId = "langfuse.user.id",
    TraceloopUserId = "traceloop.association.properties.user_id",
    AiUserId = "ai.telemetry.metadata.userId",
    LitellmEndUserId = "metadata.user_api_key_end_user_id",
    LitellmUserId = "metadata.user_api_key_user_id",
    LitellmTeamId = "metadata.user_api_key_team_id",
    UserIdSnake = "user_id",
    LlmUser = "llm.user",
    GenAiUser = "gen_ai.user",
    LangfuseSessionId = "langfuse.session.id",
    TraceloopSessionId = "traceloop.association.properties.session_id",
    TraceloopChatId = "traceloop.association.properties.chat_id",
    AiSessionId = "ai.telemetry.metadata.sessionId",
    ConversationId = "conversation.id",
    AppFeature = "app.feature",
    Feature = "feature",
    FeatureName = "feature.name",
    LangfuseFeature = "langfuse.trace.metadata.feature",
    TraceloopFeature = "traceloop.association.properties.feature",
    AiFeature = "ai.telemetry.metadata.feature",
    Metadata = "metadata",
    AiFunctionId = "ai.telemetry.functionId",
    TraceloopWorkflow = "traceloop.workflow.name",
    TraceloopEntity = "traceloop.entity.name",
    GenAiWorkflow = "gen_ai.workflow.name",
    AgentNameSnake = "agent_name",
    LangfuseTraceName = "langfuse.trace.name",
    GenAiReasoningLevel = "gen_ai.request.reasoning.level",
    GenAiReasoningEffort = "gen_ai.request.reasoning_effort",
    ReasoningEffort = "reasoning_effort",

    // tools
    AiToolCallName = "ai.toolCall.name",
    ToolDotName = "tool.name",
    FunctionName = "function_name",
    GenAiToolCallIdTypo = "gen_ai.tool.call_id",
    AiToolCallId = "ai.toolCall.id",
    CallId = "call_id",

    // how a call ended
    GenAiFinishReasons = "gen_ai.response.finish_reasons",
    GenAiFinishReason = "gen_ai.response.finish_reason",
    AiFinishReason = "ai.response.finishReason",
    LlmFinishReason = "llm.finish_reason",
    AnthropicStopReason = "anthropic.message.stop_reason",
    GenAiStopReason = "gen_ai.response.stop_reason",
    GenAiCompletionFinishReason = "gen_ai.completion.0.finish_reason",
    LlmResponseFinishReason = "llm.response.finish_reason",
    LlmResponseStopReason = "llm.response.stop_reason",
    FinishReasons = "finish_reasons",
    LangfuseFinishReason = "langfuse.observation.metadata.finish_reason",
    GenAiFirstChunk = "gen_ai.response.time_to_first_chunk",
    GenAiClientFirstChunk = "gen_ai.client.operation.time_to_first_chunk",
    GenAiServerFirstToken = "gen_ai.server.time_to_first_token",
    AiResponseFirstChunk = "ai.response.msToFirstChunk",
    AiStreamFirstChunk = "ai.stream.msToFirstChunk",
    TtftMs = "ttft_ms",
    LlmFirstToken = "llm.time_to_first_token",
    LangfuseCompletionStart = "langfuse.observation.completion_start_time",
    GenAiStream = "gen_ai.request.stream",
    GenAiIsStreaming = "gen_ai.is_streaming",
    LlmIsStreaming = "llm.is_streaming",
    AiResponseId = "ai.response.id",
    LlmResponseId = "llm.response.id",

    // what tells a dialect
    TelemetrySdkName = "telemetry.sdk.name",
    LitellmCallId = "litellm.call_id",
    AuthType = "auth_type",
    TokenType = "token_type",

    // which price applies
    OpenaiServiceTier = "openai.response.service_tier",
    OldOpenaiServiceTier = "gen_ai.openai.response.service_tier",
}

static TABLE: [u16; SLOTS] = table();

// === impl Key ===

impl Key {
    pub const COUNT: usize = ALL.len();

    pub fn from_index(index: usize) -> Key {
        ALL[index]
    }

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

    pub fn name(self) -> &'static str {
        TEXTS[self as usize]
    }
}

/// The last eight bytes, the middle one and the length tell these names apart: many begin alike, few end alike.
#[inline]
const fn hash(name: &[u8]) -> usize {
    let Some(tail) = name.last_chunk::<8>() else {
        return short_hash(name);
    };
    let middle = (name[name.len() / 2] as u64) << 32;
    let mixed = u64::from_le_bytes(*tail) ^ (name.len() as u64).wrapping_mul(LENGTH_FACTOR) ^ middle;
    (mixed.wrapping_mul(FACTOR) >> SHIFT) as usize
}

#[inline]
const fn short_hash(name: &[u8]) -> usize {
    let (mut bytes, mut at) = (0_u64, 0);
    while at < name.len() {
        bytes = bytes << 8 | name[at] as u64;
        at += 1;
    }
    (bytes.wrapping_mul(FACTOR) >> SHIFT) as usize
}

/// 2^64 divided by the golden ratio, odd: multiplying by it spreads near numbers (Knuth, 6.4).
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
const LENGTH_FACTOR: u64 = 0xc2b2_ae3d_27d4_eb4f;
const SHIFT: u32 = u64::BITS - SLOTS.trailing_zeros();

const fn table() -> [u16; SLOTS] {
    assert!(ALL.len() < EMPTY as usize);
    let mut table = [EMPTY; SLOTS];
    let mut index = 0;
    while index < TEXTS.len() {
        let mut slot = hash(TEXTS[index].as_bytes());
        while table[slot] != EMPTY {
            slot = (slot + 1) % SLOTS;
        }
        table[slot] = index as u16;
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
