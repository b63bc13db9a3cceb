//! What a record says of a model call, an agent or a tool, by the precedence lists; a dialect may correct it before it becomes
//! columns.

use std::borrow::Cow;

use super::dialects::Dialect;
use super::usage::{self, Tokens};
use super::{json, names, operation, provider};
use crate::model::event::{CostOrigin, Event, NanoUsd, Str, UsageRole};
use crate::model::otlp::{LogRecord, Span};
use crate::normalise::common::own_usage_key;
use crate::normalise::keys::Key;
use crate::normalise::slots::Slots;
use crate::normalise::{usage_priority, value};

/// The record that says it.
#[derive(Clone, Copy)]
pub enum Record<'a, 'r> {
    Log(&'a str, &'r LogRecord<'r>),
    Span(&'r Span<'r>),
}

/// What a record's figures are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// One billable call.
    Leaf,
    /// Repeats what its children said.
    Aggregate,
    /// The same call on another record. `keyed` where the leaf carries the same response id: then the copy stands in for a
    /// leaf that never comes. Any other copy could only be counted beside its leaf.
    Copy { keyed: bool },
    /// A tool, a message, anything else.
    Other,
}

#[derive(Debug, Default)]
pub struct Call<'r> {
    pub operation: Str<'r>,
    pub provider: Str<'r>,
    pub request_model: Str<'r>,
    pub response_model: Str<'r>,
    pub response_id: Str<'r>,
    pub tool_name: Str<'r>,
    pub agent_name: Str<'r>,
    pub feature: Str<'r>,
    pub tokens: Tokens,
    pub cost: Option<NanoUsd>,
    pub finish: Str<'r>,
    pub ttft_ms: Option<f64>,
    pub stream: Option<bool>,
    /// The dialect says that it failed, whatever the record's status.
    pub failed: bool,
    /// `gen_ai.request.model` itself says the requested model.
    has_request_model: bool,
}

// === impl Call ===

impl<'r> Call<'r> {
    pub fn read(slots: &mut Slots<'r>) -> Call<'r> {
        let text = |names| slots.first(names).map_or(Cow::Borrowed(""), |(_, text)| text);
        let requested = slots.first(&names::REQUEST_MODEL);
        let mut call = Call {
            operation: operation::normalise(text(&names::OPERATION)),
            provider: text(&names::PROVIDER),
            has_request_model: matches!(requested, Some((Key::GenAiRequestModel, _))),
            request_model: requested.map_or(Cow::Borrowed(""), |(_, model)| model),
            response_model: text(&names::RESPONSE_MODEL),
            response_id: text(&names::RESPONSE_ID),
            tool_name: text(&names::TOOL),
            agent_name: text(&names::AGENT),
            feature: explicit_feature(slots),
            finish: json::first_of_list(text(&names::FINISH)),
            ttft_ms: time_to_first_token(slots),
            stream: slots.first(&names::STREAM).and_then(|(key, _)| value::boolean(slots.get(key)?)),
            ..Call::default()
        };
        call.tokens = Tokens::read(slots);
        call.cost = usage::cost(slots);
        call
    }

    pub fn model(&self) -> &Str<'r> {
        if self.response_model.is_empty() { &self.request_model } else { &self.response_model }
    }

    /// A span's, by its operation; a span without one is a call if it has a model and its usage.
    pub fn span_role(&self) -> Role {
        let op = self.operation.as_ref();
        if operation::is_call(op) {
            Role::Leaf
        } else if operation::is_aggregate(op) {
            Role::Aggregate
        } else if op.is_empty() && self.tool_name.is_empty() && !self.model().is_empty() && self.tokens.input.is_some()
        {
            Role::Leaf
        } else {
            Role::Other
        }
    }

    /// A log event's. Inside of a span the usage is that span's, told again.
    pub fn log_role(&self, record: &LogRecord<'_>, name: &str) -> Role {
        if name == super::DETAILS {
            Role::Copy { keyed: true }
        } else if name.starts_with("gen_ai.") || !self.tokens.any() {
            Role::Other
        } else if record.span_id.is_empty() {
            Role::Leaf
        } else {
            Role::Copy { keyed: true }
        }
    }

    /// Into the columns, and documented attributes where there is none. What a column says is no attribute any more.
    pub fn fill(&self, dialect: &Dialect, role: Role, feature: &'r str, slots: &mut Slots<'r>, event: &mut Event<'r>) {
        event.provider = provider::normalise(self.provider.clone(), self.model());
        slots.drop_all_if(&names::PROVIDER, &event.provider);
        event.operation = self.operation.clone();
        slots.drop_all_if(&names::OPERATION, &event.operation);
        self.fill_models(slots, event);
        self.fill_tool(slots, event);
        self.fill_feature(feature, slots, event);
        if event.user_id.is_empty() {
            event.user_id = event.user_email.clone();
        }
        self.tokens.fill(dialect.input, event);
        self.fill_role(dialect, role, slots, event);
        self.fill_attributes(slots);
    }

    fn fill_models(&self, slots: &mut Slots<'r>, event: &mut Event<'r>) {
        event.model = self.model().clone();
        slots.drop_all_if(&names::REQUEST_MODEL, &event.model);
        slots.drop_all_if(&names::RESPONSE_MODEL, &event.model);
        if !self.has_request_model && !self.request_model.is_empty() && self.request_model != event.model {
            slots.add("gen_ai.request.model", self.request_model.clone());
        }
    }

    fn fill_tool(&self, slots: &mut Slots<'r>, event: &mut Event<'r>) {
        if !self.tool_name.is_empty() {
            slots.drop_all_if(&names::TOOL, &self.tool_name);
            event.tool_name = self.tool_name.clone();
        }
        event.target_id = slots.take_named(&names::TOOL_CALL);
        if !event.target_id.is_empty() {
            event.target_type = Cow::Borrowed("tool");
        }
    }

    /// The attributes stay: the column doesn't say which of them it was.
    fn fill_feature(&self, resource: &'r str, slots: &Slots<'r>, event: &mut Event<'r>) {
        event.feature = if !self.feature.is_empty() {
            self.feature.clone()
        } else if !resource.is_empty() {
            Cow::Borrowed(resource)
        } else {
            let derived = slots.first(&names::FEATURE_DERIVED);
            derived
                .filter(|(key, _)| *key != Key::AgentNameSnake || !self.agent_name.is_empty())
                .map_or(Cow::Borrowed(""), |(_, name)| json::unquoted(name))
        };
    }

    fn fill_role(&self, dialect: &Dialect, role: Role, slots: &mut Slots<'r>, event: &mut Event<'r>) {
        let (role, priority, keyed) = match role {
            Role::Leaf => (UsageRole::Leaf, dialect.priority, true),
            Role::Copy { keyed } => (UsageRole::Copy, usage_priority::of_copy(dialect.priority), keyed),
            Role::Aggregate => (UsageRole::Aggregate, 0, false),
            Role::Other => (UsageRole::None, 0, false),
        };
        event.usage_role = role;
        event.usage_priority = priority;
        if keyed {
            event.usage_key = self.response_id.clone();
            slots.drop_all_if(&names::RESPONSE_ID, &event.usage_key);
        }
        if role == UsageRole::Leaf && event.usage_key.is_empty() {
            event.usage_key = own_usage_key(event);
        }
        if let (Some(cost), UsageRole::Leaf | UsageRole::Copy) = (self.cost, role) {
            event.cost_reported_usd = Some(cost);
            event.cost_usd = cost;
            event.cost_origin = CostOrigin::Reported;
        }
    }

    /// The names that panels group by, in every dialect the same.
    fn fill_attributes(&self, slots: &mut Slots<'r>) {
        if !self.finish.is_empty() {
            slots.add("finish_reason", self.finish.clone());
        }
        if let Some(ms) = self.ttft_ms {
            slots.take(Key::TtftMs);
            let rounded = (ms * 1000.0).round() / 1000.0;
            slots.add("ttft_ms", ryu::Buffer::new().format(rounded).to_owned());
        }
        if let Some(stream) = self.stream {
            slots.add("is_stream", if stream { "true" } else { "false" });
        }
        let named = slots.get(Key::GenAiAgentName).is_some() || slots.get(Key::AgentName).is_some();
        if !named && !self.agent_name.is_empty() {
            slots.add("gen_ai.agent.name", self.agent_name.clone());
        }
        if let Some((_, effort)) = slots.first(&names::EFFORT) {
            slots.add("effort", effort);
        }
        if let Some((Key::OldOpenaiServiceTier, tier)) = slots.first(&names::SERVICE_TIER) {
            slots.take(Key::OldOpenaiServiceTier);
            slots.add("openai.response.service_tier", tier);
        }
    }
}

/// What somebody said the work is for, also as `feature` in a JSON `metadata`.
fn explicit_feature<'r>(slots: &Slots<'r>) -> Str<'r> {
    if let Some((_, feature)) = slots.first(&names::FEATURE) {
        return json::unquoted(feature);
    }
    let metadata = slots.get(Key::Metadata).and_then(json::object);
    let feature = metadata.as_ref().and_then(|metadata| metadata.get("feature")?.as_str());
    feature.map_or(Cow::Borrowed(""), |feature| Cow::Owned(feature.to_owned()))
}

fn time_to_first_token(slots: &Slots<'_>) -> Option<f64> {
    let number = |names, factor: f64| {
        let (key, _) = slots.first(names)?;
        value::double(slots.get(key)?).map(|n| n * factor).filter(|ms| ms.is_finite() && *ms >= 0.0)
    };
    number(&names::TTFT_SECONDS, 1000.0).or_else(|| number(&names::TTFT_MILLISECONDS, 1.0))
}
