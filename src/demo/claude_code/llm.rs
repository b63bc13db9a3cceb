//! A request to the model: the span, then the event, and the metrics that repeat it.

use super::instruments;
use super::models::Model;
use super::session::Session;
use crate::demo::record::{Attributes, MILLISECOND, Tokens, Usage};

/// Who asks.
#[derive(Clone, Copy)]
pub enum Asker<'a> {
    Main,
    /// A subagent, by its id.
    Agent(&'a str),
    /// `/compact`.
    Compact,
}

/// How a call fails in the end: status, message, and Claude Code's class of it.
const FAILURES: [(u64, &str, &str); 3] = [
    (529, "Overloaded", "server_overload"),
    (500, "Internal server error", "server_error"),
    (429, "Rate limit reached, please retry later", "rate_limit"),
];

// === impl Asker ===

impl Asker<'_> {
    fn query_source(self) -> &'static str {
        match self {
            Asker::Main => "repl_main_thread",
            Asker::Agent(_) => "agent:builtin:general-purpose",
            Asker::Compact => "compact",
        }
    }

    /// The coarser name that metrics have for it.
    fn metric_source(self) -> &'static str {
        match self {
            Asker::Main => "main",
            Asker::Agent(_) => "subagent",
            Asker::Compact => "auxiliary",
        }
    }

    pub fn agent_id(self) -> Option<String> {
        match self {
            Asker::Agent(id) => Some(id.to_owned()),
            _ => None,
        }
    }
}

// === impl Session ===

impl Session<'_> {
    /// Asks the model, and says which request answered; None if it failed for good.
    pub fn request(&mut self, asker: Asker, model: &'static Model, parent: &str, stop: &str) -> Option<String> {
        let (span, start) = (self.random.hex(16), self.clock);
        let id = format!("req_011C{}", self.random.hex(24));
        self.wait(3, 15);
        let mut attempts = vec![("gen_ai.request.attempt", self.clock, Attributes::new().int("attempt", 1))];
        let failed = self.random.chance(0.012);
        let retries = if failed || self.random.chance(0.02) { self.random.range(1, 3) } else { 0 };
        for attempt in 2..retries + 2 {
            self.wait(600, 2500);
            attempts.push(("gen_ai.request.attempt", self.clock, Attributes::new().int("attempt", attempt)));
        }
        let last_attempt = self.clock;
        let common = |attributes: Attributes, effort: &str| {
            attributes.text("speed", "normal").text("query_source", asker.query_source()).text("effort", effort)
        };
        let of_span = Attributes::new()
            .text("model", model.name)
            .text("gen_ai.system", "anthropic")
            .text("gen_ai.request.model", model.name)
            .text("llm_request.context", if asker.agent_id().is_some() { "tool" } else { "interaction" })
            .text("speed", "normal")
            .text("query_source_safe", asker.query_source().replace(':', "."))
            .maybe("agent_id", asker.agent_id().as_deref())
            .text("effort", self.effort)
            .int("attempt", retries + 1)
            .text("request_id", &id)
            .text("gen_ai.response.id", &id);

        if failed {
            let (status, error, class) = self.random.pick(&FAILURES);
            self.wait(80, 900);
            let took = (self.clock - start) / MILLISECOND;
            let of_span = of_span
                .int("duration_ms", took)
                .flag("success", false)
                .int("status_code", status)
                .text("error", error)
                .text("error_class", class);
            self.span("llm_request", &span, Some(parent), start, Some(error), of_span, attempts);
            let exhausted = Attributes::new()
                .text("model", model.name)
                .text("error", error)
                .int("status_code", status)
                .int("total_attempts", retries + 1)
                .int("total_retry_duration_ms", took);
            let exhausted = common(exhausted, self.effort);
            self.event("api_retries_exhausted", exhausted);
            let event = Attributes::new()
                .text("model", model.name)
                .text("error", error)
                .int("status_code", status)
                .int("duration_ms", (self.clock - last_attempt) / MILLISECOND)
                .int("attempt", retries + 1)
                .text("request_id", &id);
            let event = common(event, self.effort);
            self.event("api_error", event);
            return None;
        }

        let tokens = self.tokens(asker);
        let ttft = self.random.around(900.0, 0.4).clamp(250.0, 8000.0) as u64;
        let duration = ttft + (tokens.output as f64 * model.pace_ms) as u64;
        self.clock += duration * MILLISECOND;
        let of_span = of_span
            .int("duration_ms", (self.clock - start) / MILLISECOND)
            .int("input_tokens", tokens.input)
            .int("output_tokens", tokens.output)
            .int("cache_read_tokens", tokens.cache_read)
            .int("cache_creation_tokens", tokens.cache_creation)
            .flag("success", true)
            .int("ttft_ms", ttft)
            .int("first_content_ms", ttft + 1)
            .text("stop_reason", stop)
            .list("gen_ai.response.finish_reasons", &[stop]);
        self.span("llm_request", &span, Some(parent), start, None, of_span, attempts);

        let cost_nanos = model.cost_nanos(tokens);
        let event = Attributes::new()
            .text("model", model.name)
            .int("input_tokens", tokens.input)
            .int("output_tokens", tokens.output)
            .int("cache_read_tokens", tokens.cache_read)
            .int("cache_creation_tokens", tokens.cache_creation)
            .int("cache_creation_5m_tokens", tokens.cache_creation)
            .int("cache_creation_1h_tokens", 0)
            .double("cost_usd", cost_nanos as f64 / 1e9)
            .int("cost_usd_micros", (cost_nanos + 500) / 1000)
            .int("duration_ms", duration)
            .int("ttft_ms", ttft)
            .text("request_id", &id);
        let event = common(event, self.effort)
            .maybe("agent.name", asker.agent_id().map(|_| "general-purpose"))
            .maybe("agent_id", asker.agent_id().as_deref());
        self.event("api_request", event).usage =
            Some(Usage { dialect: "claude_code", model: model.name, tokens, cost_nanos });

        let of_metric = Attributes::new()
            .text("model", model.name)
            .text("query_source", asker.metric_source())
            .text("effort", self.effort)
            .maybe("agent.name", asker.agent_id().map(|_| "general-purpose"));
        for (kind, count) in [
            ("input", tokens.input),
            ("output", tokens.output),
            ("cacheRead", tokens.cache_read),
            ("cacheCreation", tokens.cache_creation),
        ] {
            self.count(&instruments::TOKENS, of_metric.clone().text("type", kind), count as f64);
        }
        self.count(&instruments::COST, of_metric, cost_nanos as f64 / 1e9);
        Some(id)
    }

    /// A conversation that grows: what was said before is read from the cache, what is new is written to it.
    fn tokens(&mut self, asker: Asker) -> Tokens {
        let input = self.random.around(14.0, 0.9).clamp(3.0, 4000.0) as u64;
        let output = self.random.around(260.0, 0.9).clamp(12.0, 9000.0) as u64;
        let new = self.random.around(1400.0, 0.8).clamp(90.0, 30_000.0) as u64;
        match asker {
            Asker::Main => {
                // the system prompt and the tools, cached by an earlier session or not
                let first = if self.context > 0 { 0 } else { 17_500 };
                let (read, written) =
                    if first > 0 && self.random.chance(0.5) { (first, new) } else { (self.context, first + new) };
                self.context = read + written + output;
                Tokens { input, cache_read: read, cache_creation: written, output }
            }
            Asker::Agent(_) => {
                let read = self.random.range(2000, 24_000);
                Tokens { input, cache_read: read, cache_creation: new, output }
            }
            Asker::Compact => {
                let tokens = Tokens { input, cache_read: self.context, cache_creation: 400, output: output + 1500 };
                self.context = 19_000 + tokens.output;
                tokens
            }
        }
    }
}
