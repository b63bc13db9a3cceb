//! Under which names a fact may come: the first that is there and not empty wins. Newest name of the conventions first, then
//! what the dialects call it.

use crate::normalise::keys::{Key, KeySet, Names};

pub static PROVIDER: Names = Names::of(&[
    Key::GenAiProviderName,
    Key::GenAiSystem,
    Key::LlmProvider,
    Key::LlmSystem,
    Key::AiModelProvider,
    Key::ProviderName,
]);

pub static OPERATION: Names = Names::of(&[
    Key::GenAiOperationName,
    Key::LlmRequestType,
    Key::OpenInferenceSpanKind,
    Key::LangfuseType,
    Key::AiOperationId,
    Key::TraceloopSpanKind,
]);

pub static REQUEST_MODEL: Names = Names::of(&[
    Key::GenAiRequestModel,
    Key::LlmRequestModelName,
    Key::AiModelId,
    Key::LlmRequestModel,
    Key::EmbeddingModelName,
    Key::LangfuseModelName,
    Key::Model,
    Key::Slug,
    Key::ModelName,
]);

pub static RESPONSE_MODEL: Names = Names::of(&[
    Key::GenAiResponseModel,
    Key::AiResponseModel,
    Key::LlmResponseModelName,
    Key::LlmModelName,
    Key::LlmResponseModel,
    Key::EmbeddingModelName,
    Key::LangfuseModelName,
]);

pub static RESPONSE_ID: Names = Names::of(&[Key::GenAiResponseId, Key::AiResponseId, Key::LlmResponseId]);

/// All input: what came from and went to a cache included, but for the reporters that [`super::usage`] detects.
pub static INPUT: Names = Names::of(&[
    Key::GenAiInputTokens,
    Key::GenAiPromptTokens,
    Key::AiInputTokens,
    Key::AiPromptTokens,
    Key::AiTokens,
    Key::LlmCountPrompt,
    Key::LlmPromptTokens,
    Key::InputTokenCount,
    Key::InputTokens,
]);

pub static OUTPUT: Names = Names::of(&[
    Key::GenAiOutputTokens,
    Key::GenAiCompletionTokens,
    Key::AiOutputTokens,
    Key::AiCompletionTokens,
    Key::LlmCountCompletion,
    Key::LlmCompletionTokens,
    Key::OutputTokenCount,
    Key::OutputTokens,
]);

pub static CACHE_READ: Names = Names::of(&[
    Key::GenAiCacheRead,
    Key::GenAiCacheReadInput,
    Key::GenAiCacheReadTokens,
    Key::GenAiDetailsCacheRead,
    Key::GenAiDetailsCacheReadInput,
    Key::GenAiInputCached,
    Key::GenAiCachedTokens,
    Key::AiCachedInputTokens,
    Key::AiDetailsCacheRead,
    Key::LlmDetailsCacheRead,
    Key::CachedTokenCount,
    Key::CachedContentTokenCount,
    Key::CacheReadTokens,
    Key::CacheReadInputTokens,
]);

pub static CACHE_WRITE: Names = Names::of(&[
    Key::GenAiCacheWrite,
    Key::GenAiCacheCreation,
    Key::GenAiCacheCreationInput,
    Key::GenAiCacheWriteTokens,
    Key::GenAiDetailsCacheWrite,
    Key::GenAiDetailsCacheCreation,
    Key::AiDetailsCacheWrite,
    Key::LlmDetailsCacheWrite,
    Key::CacheWriteTokenCount,
    Key::CacheCreationTokens,
    Key::CacheCreationInputTokens,
]);

pub static REASONING: Names = Names::of(&[
    Key::GenAiReasoning,
    Key::GenAiReasoningTokens,
    Key::LlmReasoningTokens,
    Key::GenAiDetailsReasoning,
    Key::AiReasoningTokens,
    Key::AiDetailsReasoning,
    Key::LlmDetailsReasoning,
    Key::ReasoningTokenCount,
    Key::ThoughtsTokenCount,
]);

pub static TOTAL: Names =
    Names::of(&[Key::GenAiTotalTokens, Key::LlmTotalTokens, Key::LlmCountTotal, Key::AiTotalTokens]);

/// US dollars.
pub static COST: Names = Names::of(&[
    Key::GenAiTotalCost,
    Key::GenAiUsageCost,
    Key::GenAiUsageCostUsd,
    Key::OperationCost,
    Key::LlmCostTotal,
    Key::CostUsd,
    Key::Cost,
]);

/// An explicit name of what the work is for.
pub static FEATURE: Names = Names::of(&[
    Key::AppFeature,
    Key::Feature,
    Key::FeatureName,
    Key::LangfuseFeature,
    Key::TraceloopFeature,
    Key::AiFeature,
]);

/// Where nobody said what the work is for: what does it.
pub static FEATURE_DERIVED: Names = Names::of(&[
    Key::AiFunctionId,
    Key::TraceloopWorkflow,
    Key::GenAiWorkflow,
    Key::GenAiAgentName,
    Key::AgentName,
    Key::AgentNameSnake,
    Key::LangfuseTraceName,
]);

pub static AGENT: Names = Names::of(&[Key::GenAiAgentName, Key::AgentName, Key::AgentNameSnake]);

pub static TOOL: Names =
    Names::of(&[Key::GenAiToolName, Key::AiToolCallName, Key::ToolDotName, Key::ToolName, Key::FunctionName]);

pub static TOOL_CALL: Names =
    Names::of(&[Key::GenAiToolCallId, Key::GenAiToolCallIdTypo, Key::AiToolCallId, Key::CallId, Key::ToolUseId]);

pub static FINISH: Names = Names::of(&[
    Key::GenAiFinishReasons,
    Key::GenAiFinishReason,
    Key::AiFinishReason,
    Key::LlmFinishReason,
    Key::AnthropicStopReason,
    Key::GenAiStopReason,
    Key::GenAiCompletionFinishReason,
    Key::LlmResponseFinishReason,
    Key::LlmResponseStopReason,
    Key::FinishReasons,
    Key::LangfuseFinishReason,
]);

pub static EFFORT: Names = Names::of(&[Key::GenAiReasoningLevel, Key::GenAiReasoningEffort, Key::ReasoningEffort]);

/// Seconds to the first chunk.
pub static TTFT_SECONDS: Names =
    Names::of(&[Key::GenAiFirstChunk, Key::GenAiClientFirstChunk, Key::GenAiServerFirstToken]);

pub static TTFT_MILLISECONDS: Names =
    Names::of(&[Key::AiResponseFirstChunk, Key::AiStreamFirstChunk, Key::TtftMs, Key::LlmFirstToken]);

pub static SERVICE_TIER: Names = Names::of(&[Key::OpenaiServiceTier, Key::OldOpenaiServiceTier]);

pub static STREAM: Names = Names::of(&[Key::GenAiStream, Key::GenAiIsStreaming, Key::LlmIsStreaming]);

/// `series_type` of a data point.
pub static TOKEN_TYPE: Names = Names::of(&[Key::GenAiTokenType, Key::TokenType, Key::Type]);

pub static USER: Names = Names::of(&[
    Key::LangfuseUserId,
    Key::UserId,
    Key::EnduserId,
    Key::TraceloopUserId,
    Key::AiUserId,
    Key::LitellmEndUserId,
    Key::LitellmUserId,
    Key::UserIdSnake,
    Key::LlmUser,
    Key::GenAiUser,
]);

pub static SESSION: Names = Names::of(&[
    Key::LangfuseSessionId,
    Key::SessionId,
    Key::GenAiConversationId,
    Key::TraceloopSessionId,
    Key::TraceloopChatId,
    Key::AiSessionId,
    Key::ConversationId,
]);

/// Whoever writes one of these speaks of a model call, an agent or a tool, whatever the scope's name.
pub static SPEAKS: KeySet = KeySet::of(&[
    Key::GenAiRequestModel,
    Key::GenAiResponseModel,
    Key::GenAiProviderName,
    Key::GenAiSystem,
    Key::GenAiOperationName,
    Key::GenAiResponseId,
    Key::GenAiToolName,
    Key::GenAiToolCallId,
    Key::GenAiAgentName,
    Key::GenAiTokenType,
    Key::GenAiInputTokens,
    Key::GenAiOutputTokens,
    Key::GenAiPromptTokens,
    Key::GenAiCompletionTokens,
    Key::GenAiUsageCost,
    Key::GenAiTotalCost,
    Key::LlmRequestType,
    Key::LlmRequestModel,
    Key::LlmModelName,
    Key::LlmCountPrompt,
    Key::LlmCountCompletion,
    Key::OpenInferenceSpanKind,
    Key::LangfuseType,
    Key::LangfuseModelName,
    Key::LangfuseUsageDetails,
    Key::LitellmCallId,
    Key::AiOperationId,
    Key::AiModelId,
    Key::TraceloopSpanKind,
    Key::TraceloopEntity,
    Key::TraceloopWorkflow,
]);
