//! Operations by the names of the conventions (`gen_ai.operation.name`).

use crate::model::event::Str;

/// What dialects call an operation, in lower case, and what the conventions do; nothing where it is none.
const ALIASES: &[(&str, &str)] = &[
    ("completion", "chat"),
    ("generate", "generate_content"),
    ("llm_call", "chat"),
    ("llm", "chat"),
    ("generation", "chat"),
    ("ai.generatetext.dogenerate", "chat"),
    ("ai.streamtext.dostream", "chat"),
    ("ai.generateobject.dogenerate", "chat"),
    ("ai.streamobject.dostream", "chat"),
    ("embedding", "embeddings"),
    ("ai.embed.doembed", "embeddings"),
    ("ai.embedmany.doembed", "embeddings"),
    ("tool", "execute_tool"),
    ("tool_call", "execute_tool"),
    ("ai.toolcall", "execute_tool"),
    ("agent", "invoke_agent"),
    ("agent_call", "invoke_agent"),
    ("agent_step", "invoke_workflow"),
    ("workflow", "invoke_workflow"),
    ("chain", "invoke_workflow"),
    ("task", "invoke_workflow"),
    ("execute_task", "invoke_workflow"),
    ("ai.generatetext", "invoke_workflow"),
    ("ai.streamtext", "invoke_workflow"),
    ("ai.generateobject", "invoke_workflow"),
    ("ai.streamobject", "invoke_workflow"),
    ("ai.embed", "invoke_workflow"),
    ("ai.embedmany", "invoke_workflow"),
    ("retriever", "retrieval"),
    ("reranker", "rerank"),
    ("evaluator", "evaluation"),
    ("span", ""),
    ("event", ""),
    ("prompt", ""),
];

/// A call of a model: what is billed.
pub fn is_call(operation: &str) -> bool {
    matches!(operation, "chat" | "text_completion" | "generate_content" | "embeddings")
}

/// An agent or a workflow: repeats what is below it.
pub fn is_aggregate(operation: &str) -> bool {
    matches!(operation, "invoke_agent" | "create_agent" | "invoke_workflow")
}

pub fn normalise(raw: Str<'_>) -> Str<'_> {
    if is_call(&raw) || is_aggregate(&raw) || raw == "execute_tool" {
        return raw;
    }
    let lower = raw.to_ascii_lowercase();
    match ALIASES.iter().find(|(alias, _)| *alias == lower) {
        Some((_, operation)) => Str::Borrowed(operation),
        None if lower == raw => raw,
        None => Str::Owned(lower),
    }
}

/// `gen_ai.<operation>`: the event type of a span.
pub fn event_type(operation: &str) -> Str<'static> {
    Str::Borrowed(match operation {
        "chat" => "gen_ai.chat",
        "text_completion" => "gen_ai.text_completion",
        "generate_content" => "gen_ai.generate_content",
        "embeddings" => "gen_ai.embeddings",
        "execute_tool" => "gen_ai.execute_tool",
        "invoke_agent" => "gen_ai.invoke_agent",
        "invoke_workflow" => "gen_ai.invoke_workflow",
        "create_agent" => "gen_ai.create_agent",
        "retrieval" => "gen_ai.retrieval",
        "" => "gen_ai",
        other => return Str::Owned(["gen_ai.", other].concat()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_get_the_names_of_the_conventions() {
        for (raw, expected) in [
            ("chat", "chat"),
            ("LLM", "chat"),
            ("EMBEDDING", "embeddings"),
            ("ai.streamText.doStream", "chat"),
            ("ai.streamText", "invoke_workflow"),
            ("SPAN", ""),
            ("fetch_response", "fetch_response"),
            ("Mine", "mine"),
        ] {
            assert_eq!(normalise(raw.into()), expected, "{raw}");
        }
    }
}
