//! A turn: a prompt, requests and tools in alternation, an answer; now and then a commit, a pull request, a compaction.

use super::instruments;
use super::llm::Asker;
use super::session::{Prompt, Session};
use super::tools::BASH;
use crate::demo::record::{Attributes, MILLISECOND, SECOND};

/// The context from which the client summarises by itself.
const COMPACT_FROM: u64 = 150_000;

// === impl Session ===

impl Session<'_> {
    pub fn turn(&mut self) {
        self.turns += 1;
        let (start, length) = (self.clock, self.random.around(90.0, 0.9).clamp(3.0, 4000.0) as u64);
        let prompt = Prompt { id: self.random.uuid(), trace: self.random.hex(32), root: self.random.hex(16) };
        let root = prompt.root.clone();
        self.prompt = Some(prompt);
        let asked = Attributes::new()
            .text("prompt_length", length.to_string())
            .text("prompt", "<REDACTED>")
            .text("prompt_text", "<REDACTED>")
            .text("message.uuid", self.random.uuid());
        self.event("user_prompt", asked);
        self.wait(4, 30);
        if self.context > COMPACT_FROM {
            self.compact(&root);
        }
        self.work(&root);

        self.wait(1, 10);
        let took = self.clock - start;
        let interaction = Attributes::new()
            .text("gen_ai.operation.name", "invoke_agent")
            .text("user_prompt", "<REDACTED>")
            .int("user_prompt_length", length)
            .int("interaction.sequence", self.turns)
            .text("parent.source", "none")
            .int("queued_sends", 0)
            .int("interaction.duration_ms", took / MILLISECOND);
        self.span("interaction", &root, None, start, None, interaction, Vec::new());
        let typing = self.random.around(9.0, 0.6);
        for (kind, seconds) in [("cli", took as f64 / SECOND as f64), ("user", typing)] {
            let rounded = (seconds * 1000.0).round() / 1000.0;
            self.count(&instruments::ACTIVE, Attributes::new().text("type", kind), rounded);
        }
    }

    /// Until the model has no more to do, is interrupted, or fails.
    fn work(&mut self, root: &str) {
        let rounds = self.random.around(4.0, 0.7).clamp(1.0, 14.0) as u64;
        for round in 1..=rounds {
            let last = round == rounds;
            let stop = if last { "end_turn" } else { "tool_use" };
            let Some(request) = self.request(Asker::Main, self.model, root, stop) else {
                return;
            };
            self.wait(1, 5);
            if last || self.random.chance(0.3) {
                let answer = Attributes::new()
                    .int("response_length", self.random.around(420.0, 0.9).clamp(8.0, 9000.0) as u64)
                    .text("response", "<REDACTED>")
                    .text("request_id", &request)
                    .text("message.uuid", self.random.uuid())
                    .text("model", self.model.name)
                    .text("query_source", "repl_main_thread");
                self.event("assistant_response", answer);
            }
            if last {
                return;
            }
            if self.uncommitted > 2 && self.random.chance(0.35) {
                self.commit(root, &request);
                continue;
            }
            for _ in 0..self.random.range(1, 4) {
                let tool = self.choose_tool(Asker::Main);
                // a refusal ends the turn: the human says what they want instead
                if self.call(tool, Asker::Main, root, &request, None).rejected {
                    return;
                }
            }
        }
    }

    fn commit(&mut self, root: &str, request: &str) {
        let revision = self.random.hex(40);
        if self.call(&BASH, Asker::Main, root, request, Some(&revision)).rejected || !self.random.chance(0.4) {
            return;
        }
        if !self.call(&BASH, Asker::Main, root, request, None).rejected {
            self.count(&instruments::PULL_REQUESTS, Attributes::new(), 1.0);
        }
    }

    fn compact(&mut self, root: &str) {
        let (start, before) = (self.clock, self.context);
        let done = self.request(Asker::Compact, self.model, root, "end_turn").is_some();
        self.wait(1, 10);
        let compaction = Attributes::new()
            .text("trigger", "auto")
            .text("success", if done { "true" } else { "false" })
            .text("duration_ms", ((self.clock - start) / MILLISECOND).to_string())
            .text("pre_tokens", before.to_string())
            .text("post_tokens", self.context.to_string());
        self.event("compaction", compaction);
    }
}
