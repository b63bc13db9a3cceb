//! Apps that call models, instrumented with the GenAI semantic conventions: inference spans below agent spans that
//! repeat their sums, tool and retrieval spans, histograms, and one app that logs a copy of every call.

mod apps;

use std::sync::Arc;

use serde_json::json;

use super::feed::{Actor, pause};
use super::random::Random;
use super::record::{
    Attributes, Instrument, Item, MILLISECOND, Nanos, SECOND, Signal, Source, Span, SpanKind, Tokens, Usage,
};

use apps::App;

pub use apps::APPS;

pub struct Assistant {
    random: Random,
    app: &'static App,
    spans: Arc<Source>,
    next: Nanos,
    pace: f64,
}

static DURATION: Instrument = Instrument {
    name: "gen_ai.client.operation.duration",
    unit: "s",
    description: "GenAI operation duration",
    bounds: &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
};
static TOKEN_USAGE: Instrument = Instrument {
    name: "gen_ai.client.token.usage",
    unit: "{token}",
    description: "Number of input and output tokens used",
    bounds: &[1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0],
};

/// One user's question while it is being answered.
struct Question<'a> {
    trace: String,
    root: String,
    conversation: String,
    clock: Nanos,
    /// Sums of the calls, for the agent span: input, output.
    sums: (u64, u64),
    out: &'a mut Vec<Item>,
}

// === impl Assistant ===

impl Assistant {
    pub fn new(mut random: Random, source: u64, app: &'static App, start: Nanos, pace: f64) -> Assistant {
        let resource = Attributes::new()
            .text("service.name", app.service)
            .text("service.version", app.version)
            .text("service.instance.id", random.uuid())
            .text("deployment.environment.name", "production")
            .text("project", app.project)
            .text("app.feature", app.feature)
            .text("telemetry.sdk.language", "python")
            .text("telemetry.sdk.name", "opentelemetry")
            .text("telemetry.sdk.version", "1.45.2");
        let spans = Arc::new(Source { id: source << 16, resource, scope: app.scope, scope_version: "1.3b0" });
        let next = start + pause(&mut random, app.every_seconds, pace);
        Assistant { random, app, spans, next, pace }
    }

    /// One inference: the only span that carries billable usage. False if it failed.
    fn infer(&mut self, question: &mut Question, finish: &str) -> bool {
        let app = self.app;
        let (span, start) = (self.random.hex(16), question.clock);
        let (input, share, output) = app.size;
        let total = self.random.around(input, 0.5).clamp(60.0, 180_000.0);
        let output = self.random.around(output, 0.7).clamp(3.0, 8000.0) as u64;
        let cached = if self.random.chance(0.7) { (total * share) as u64 / 128 * 128 } else { 0 };
        let written = if app.provider == "anthropic" && cached == 0 { total as u64 / 2 } else { 0 };
        let total = total as u64;
        let error = self.random.chance(0.025).then(|| self.random.pick(app.errors));
        let seconds = if error.is_some() {
            self.random.around(0.6, 0.8).clamp(0.05, 20.0)
        } else {
            0.4 + output as f64 * 0.009 * self.random.around(1.0, 0.3)
        };
        question.clock += (seconds * SECOND as f64) as Nanos;

        let asked = Attributes::new()
            .text("gen_ai.operation.name", app.operation)
            .text("gen_ai.provider.name", app.provider)
            .text("gen_ai.request.model", app.model.0)
            .text("server.address", app.server)
            .int("server.port", 443);
        let mut call = asked
            .clone()
            .text("gen_ai.conversation.id", &question.conversation)
            .double("gen_ai.request.temperature", 0.2);
        if error.is_none() {
            let prefix = match app.provider {
                "openai" => "chatcmpl-",
                "anthropic" => "msg_01",
                _ => "resp-",
            };
            call = call
                .text("gen_ai.response.model", app.model.1)
                .text("gen_ai.response.id", format!("{prefix}{}", self.random.hex(24)))
                .list("gen_ai.response.finish_reasons", &[finish])
                .int("gen_ai.usage.input_tokens", total)
                .int("gen_ai.usage.output_tokens", output);
            if cached > 0 {
                call = call.int("gen_ai.usage.cache_read.input_tokens", cached);
            }
            if written > 0 {
                call = call.int("gen_ai.usage.cache_write.input_tokens", written);
            }
        }
        let call = call.maybe("error.type", error);
        let name = format!("{} {}", app.operation, app.model.0);
        let mut item = self.span(
            question,
            &span,
            Some(question.root.clone()),
            &name,
            SpanKind::Client,
            start,
            error,
            call.clone(),
        );
        let measured =
            asked.maybe("gen_ai.response.model", error.is_none().then_some(app.model.1)).maybe("error.type", error);
        item.measure(&self.spans, &DURATION, measured.clone(), seconds);
        if error.is_none() {
            let tokens =
                Tokens { input: total - cached - written, cache_read: cached, cache_creation: written, output };
            item.usage = Some(Usage { dialect: "gen_ai", model: app.model.1, tokens, cost_nanos: 0 });
            for (kind, count) in [("input", total), ("output", output)] {
                item.measure(&self.spans, &TOKEN_USAGE, measured.clone().text("gen_ai.token.type", kind), count as f64);
            }
            question.sums.0 += total;
            question.sums.1 += output;
        }
        question.out.push(item);
        if app.logs {
            let event = "gen_ai.client.inference.operation.details";
            let record = json!({
                "timeUnixNano": question.clock.to_string(),
                "observedTimeUnixNano": question.clock.to_string(),
                "eventName": event,
                "severityNumber": 9,
                "attributes": call.json(),
                "traceId": question.trace,
                "spanId": span,
                "flags": 1,
            });
            question.out.push(Item::new(question.clock, Signal::Logs, &self.spans, event, record));
        }
        error.is_none()
    }

    fn tool(&mut self, question: &mut Question) {
        let (span, start, tool) = (self.random.hex(16), question.clock, self.random.pick(self.app.tools));
        question.clock += self.random.around(180.0, 0.8).clamp(4.0, 9000.0) as u64 * MILLISECOND;
        let error = self.random.chance(0.03).then_some("timeout");
        let attributes = Attributes::new()
            .text("gen_ai.operation.name", "execute_tool")
            .text("gen_ai.tool.name", tool)
            .text("gen_ai.tool.type", "function")
            .text("gen_ai.tool.call.id", format!("call_{}", self.random.hex(20)))
            .maybe("error.type", error);
        let name = format!("execute_tool {tool}");
        let item = self.span(
            question,
            &span,
            Some(question.root.clone()),
            &name,
            SpanKind::Internal,
            start,
            error,
            attributes,
        );
        question.out.push(item);
    }

    #[allow(clippy::too_many_arguments)] // the fields of a span, each given once
    fn span(
        &self,
        question: &Question,
        id: &str,
        parent: Option<String>,
        name: &str,
        kind: SpanKind,
        start: Nanos,
        error: Option<&str>,
        attributes: Attributes,
    ) -> Item {
        let operation = name.split(' ').next().unwrap_or(name);
        let span = Span {
            trace: &question.trace,
            id,
            parent: parent.as_deref(),
            name,
            kind,
            start,
            end: question.clock,
            error,
            attributes,
            events: Vec::new(),
        };
        Item::span(&self.spans, format!("span gen_ai.{operation}"), span)
    }
}

impl Actor for Assistant {
    fn next(&self) -> Nanos {
        self.next
    }

    /// A question: inference and tools in turn below an agent span, which repeats the usage of its children.
    fn act(&mut self, out: &mut Vec<Item>) {
        let (app, start) = (self.app, self.next);
        let mut question = Question {
            trace: self.random.hex(32),
            root: self.random.hex(16),
            conversation: format!("conv-{}", self.random.hex(12)),
            clock: start + self.random.range(1, 12) * MILLISECOND,
            sums: (0, 0),
            out,
        };
        let user = format!("customer-{:03}@example.com", self.random.range(1, 60));
        let rounds = self.random.range(1, 4);
        let mut failed = false;
        for round in 1..=rounds {
            let last = round == rounds;
            if !self.infer(&mut question, if last { "stop" } else { "tool_calls" }) {
                failed = true;
                break;
            }
            if !last {
                self.tool(&mut question);
            }
        }
        question.clock += self.random.range(1, 9) * MILLISECOND;
        let agent = Attributes::new()
            .text("gen_ai.operation.name", "invoke_agent")
            .text("gen_ai.provider.name", app.provider)
            .text("gen_ai.agent.name", app.agent)
            .text("gen_ai.request.model", app.model.0)
            .text("gen_ai.conversation.id", &question.conversation)
            .text("user.id", user)
            .int("gen_ai.usage.input_tokens", question.sums.0)
            .int("gen_ai.usage.output_tokens", question.sums.1)
            .maybe("error.type", failed.then_some("_OTHER"));
        let error = failed.then_some("the model call failed");
        let name = format!("invoke_agent {}", app.agent);
        let item = self.span(&question, &question.root, None, &name, SpanKind::Internal, start, error, agent);
        question.out.push(item);

        // people come in waves: a burst of questions, then a lull
        let gap = if self.random.chance(0.35) { app.every_seconds * 0.15 } else { app.every_seconds * 1.3 };
        self.next += pause(&mut self.random, gap, self.pace);
    }
}
