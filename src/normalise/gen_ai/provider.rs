//! Providers by the names of the conventions, whatever a dialect calls them.

use crate::model::event::Str;

/// What dialects call a provider, and what the conventions do.
const ALIASES: &[(&str, &str)] = &[
    ("azure", "azure.ai.openai"),
    ("azure-openai", "azure.ai.openai"),
    ("azure_openai", "azure.ai.openai"),
    ("az.ai.openai", "azure.ai.openai"),
    ("az.ai.inference", "azure.ai.inference"),
    ("gemini", "gcp.gemini"),
    ("google", "gcp.gemini"),
    ("google.generative-ai", "gcp.gemini"),
    ("google_genai", "gcp.gemini"),
    ("vertex_ai", "gcp.vertex_ai"),
    ("vertexai", "gcp.vertex_ai"),
    ("google.vertex", "gcp.vertex_ai"),
    ("google-vertex", "gcp.vertex_ai"),
    ("bedrock", "aws.bedrock"),
    ("aws", "aws.bedrock"),
    ("amazon-bedrock", "aws.bedrock"),
    ("amazon_bedrock", "aws.bedrock"),
    ("xai", "x_ai"),
    ("x-ai", "x_ai"),
    ("mistral", "mistral_ai"),
    ("mistralai", "mistral_ai"),
    ("moonshot", "moonshot_ai"),
    ("moonshotai", "moonshot_ai"),
    ("watsonx", "ibm.watsonx.ai"),
];

/// Not providers, but what stands between the app and one.
const FRAMEWORKS: &[&str] =
    &["langchain", "llamaindex", "crewai", "haystack", "agno", "litellm", "gcp.vertex.agent", "pydantic-ai"];

/// The API of a provider, which some dialects append: `openai.chat`.
const SUFFIXES: &[&str] = &[
    ".chat",
    ".responses",
    ".completion",
    ".completions",
    ".messages",
    ".embedding",
    ".embeddings",
    ".image",
    ".speech",
    ".transcription",
];

/// Beginnings of models' names, longest first where one begins like another.
const MODELS: &[(&str, &str)] = &[
    ("gpt", "openai"),
    ("chatgpt", "openai"),
    ("text-embedding", "openai"),
    ("davinci", "openai"),
    ("whisper", "openai"),
    ("dall-e", "openai"),
    ("codex", "openai"),
    ("claude", "anthropic"),
    ("gemini", "gcp.gemini"),
    ("gemma", "gcp.gemini"),
    ("mistral", "mistral_ai"),
    ("codestral", "mistral_ai"),
    ("ministral", "mistral_ai"),
    ("magistral", "mistral_ai"),
    ("grok", "x_ai"),
    ("deepseek", "deepseek"),
];

/// `raw` as the conventions write it; where it names no provider, the one that makes `model`.
pub fn normalise<'r>(raw: Str<'r>, model: &str) -> Str<'r> {
    if matches!(raw.as_ref(), "openai" | "anthropic" | "gcp.gemini" | "aws.bedrock" | "azure.ai.openai") {
        return raw;
    }
    let lower = raw.trim().to_ascii_lowercase();
    let name = SUFFIXES.iter().find_map(|suffix| lower.strip_suffix(suffix)).unwrap_or(&lower);
    if name.is_empty() || FRAMEWORKS.contains(&name) {
        return Str::Borrowed(of_model(model));
    }
    match ALIASES.iter().find(|(alias, _)| *alias == name) {
        Some((_, provider)) => Str::Borrowed(provider),
        None if name == raw => raw,
        None => Str::Owned(name.to_owned()),
    }
}

fn of_model(model: &str) -> &'static str {
    let name = model.rsplit('/').next().unwrap_or(model);
    let begins = |beginning: &str| name.get(..beginning.len()).is_some_and(|own| own.eq_ignore_ascii_case(beginning));
    // o1, o3-mini ...
    let reasons = ["o1", "o3", "o4"].iter().any(|o| begins(o) && matches!(name.as_bytes().get(2), None | Some(b'-')));
    if reasons {
        return "openai";
    }
    MODELS.iter().find(|(beginning, _)| begins(beginning)).map_or("", |(_, provider)| provider)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_get_the_names_of_the_conventions() {
        for (raw, model, expected) in [
            ("openai", "", "openai"),
            ("OpenAI", "", "openai"),
            ("openai.responses", "", "openai"),
            ("Anthropic", "", "anthropic"),
            ("gemini", "", "gcp.gemini"),
            ("google.generative-ai", "", "gcp.gemini"),
            ("gcp.gen_ai", "", "gcp.gen_ai"),
            ("amazon-bedrock", "", "aws.bedrock"),
            ("azure.chat", "", "azure.ai.openai"),
            ("LangChain", "claude-sonnet-4-5", "anthropic"),
            ("", "models/Gemini-2.5-pro", "gcp.gemini"),
            ("", "o3-mini", "openai"),
            ("", "o3x", ""),
            ("", "my-finetune-7b", ""),
            ("", "é", ""),
            ("My.Own", "", "my.own"),
        ] {
            assert_eq!(normalise(raw.into(), model), expected, "{raw} {model}");
        }
    }
}
