//! What a row is in an interaction, and what it is called.

use super::super::rows::Row;
use super::Kind;

const CLAUDE_CODE: &str = "claude_code.";

pub(super) fn kind(row: &Row) -> Kind {
    if row.source == "claude_code" {
        return match row.event_type.strip_prefix(CLAUDE_CODE).unwrap_or(&row.event_type) {
            "interaction" | "user_prompt" => Kind::Prompt,
            "llm_request" | "api_request" | "api_refusal" => Kind::Model,
            "tool" | "tool_result" | "tool_decision" => Kind::Tool,
            "subagent_completed" => Kind::Agent,
            "hook" | "hook_execution_complete" => Kind::Hook,
            // The tool call itself failed, which it says.
            name if name.starts_with("tool.") => Kind::Other,
            _ if row.event_class == "error" => Kind::Error,
            _ => Kind::Other,
        };
    }
    match row.operation.as_str() {
        "execute_tool" => Kind::Tool,
        "invoke_agent" | "create_agent" | "invoke_workflow" => Kind::Agent,
        "" if row.event_type.ends_with(".user_prompt") => Kind::Prompt,
        "" if row.event_type.ends_with(".tool_result") => Kind::Tool,
        "" if row.event_class == "error" => Kind::Error,
        "" => Kind::Other,
        _ if row.is_aggregate => Kind::Agent,
        _ => Kind::Model,
    }
}

pub(super) fn name(kind: Kind, row: &Row) -> String {
    let plain = row.event_type.strip_prefix(CLAUDE_CODE).unwrap_or(&row.event_type);
    let said = |text: &str, otherwise: &str| if text.is_empty() { otherwise.to_owned() } else { text.to_owned() };
    match kind {
        Kind::Prompt if row.command_name.is_empty() => "prompt".to_owned(),
        Kind::Prompt => format!("/{}", row.command_name),
        Kind::Model => said(&row.model, "model"),
        Kind::Tool => said(&row.tool_name, "tool"),
        Kind::Agent if row.source == "claude_code" => said(&row.feature, "subagent"),
        Kind::Agent | Kind::Other if !row.span_name.is_empty() && row.source != "claude_code" => row.span_name.clone(),
        Kind::Agent => said(&row.feature, plain),
        Kind::Hook => said(&row.hook_name, "hook"),
        Kind::Error | Kind::Other => match plain {
            "tool.blocked_on_user" => "permission".to_owned(),
            "tool.execution" => "execution".to_owned(),
            plain => plain.replace(['_', '.'], " "),
        },
    }
}
