//! What is worth knowing of a request besides its rows: who sent it, and what in it nobody knew. Gathered while it is read, told
//! to the diagnostics once.

use super::accept::{Accepted, Export};
use super::otlp::Visit;
use super::refusal::Refusal;
use crate::model::event::{CostOrigin, Event, UsageRole};
use crate::model::otlp::{InstrumentationScope, Resource, Value};
use crate::telemetry::diagnostics::{Diagnostics, Manner, Sender};

#[derive(Debug, Default)]
pub struct Notes {
    /// `service.name` of the first resource, else the first scope's name.
    sender: Option<String>,
    /// (provider, model), calls.
    unpriced: Vec<(String, String, u64)>,
    /// (source, event type), events.
    unmapped: Vec<(String, String, u64)>,
}

/// Different names of one request that are noted. More are a flood.
const NAMES: usize = 32;
/// Characters of a name; the diagnostics cut it shorter.
const LENGTH: usize = 200;

// === impl Notes ===

impl Notes {
    pub fn resource(&mut self, resource: &Resource<'_>) {
        if self.sender.is_some() {
            return;
        }
        let service = resource.attributes.iter().find(|attribute| attribute.key == "service.name");
        if let Some(Value::Str(name)) = service.map(|attribute| &attribute.value) {
            self.sender = Some(name.as_ref()).filter(|name| !name.is_empty()).map(cut);
        }
    }

    pub fn scope(&mut self, scope: &InstrumentationScope<'_>) {
        if self.sender.is_none() {
            self.sender = Some(cut(&scope.name));
        }
    }

    #[inline]
    pub fn event(&mut self, event: &Event<'_>) {
        if event.unmapped {
            note(&mut self.unmapped, &event.source, &event.event_type);
        }
        if is_unpriced(event) {
            note(&mut self.unpriced, &event.provider, &event.model);
        }
    }

    /// What became of the request. An exact replay was not read, so nobody knows whose it was; it is not counted again.
    pub fn tell(
        &self,
        diagnostics: &Diagnostics,
        tenant: &str,
        export: &Export<'_>,
        result: &Result<Accepted, Refusal>,
    ) {
        let sender = Sender { door: export.door, name: self.sender.as_deref().unwrap_or("") };
        let manner = Manner { signal: export.signal.as_str(), user_agent: export.user_agent };
        let accepted = match result {
            Ok(accepted) => accepted,
            Err(refusal) => {
                return diagnostics.rejected_as(tenant, sender, manner, refusal.reason, &refusal.message);
            }
        };
        if accepted.outcome.duplicate > 0 {
            return;
        }
        diagnostics.received_as(tenant, sender, manner, accepted.outcome.stored);
        if let (Some(reason), Some(message)) = (accepted.outcome.reason, &accepted.message) {
            diagnostics.rejected_as(tenant, sender, manner, reason, message);
        }
        for (provider, model, calls) in &self.unpriced {
            diagnostics.unpriced_calls(tenant, provider, model, *calls);
        }
        for (source, event_type, events) in &self.unmapped {
            diagnostics.unmapped_events(tenant, source, event_type, *events);
        }
    }
}

/// For the names alone, of what is not stored.
impl Visit for Notes {
    fn resource(&mut self, resource: &Resource<'_>) {
        Notes::resource(self, resource);
    }
    fn scope(&mut self, scope: &InstrumentationScope<'_>) {
        Notes::scope(self, scope);
    }
}

/// A call with tokens, and neither a reported nor a computed cost.
fn is_unpriced(event: &Event<'_>) -> bool {
    event.usage_role == UsageRole::Leaf
        && event.cost_origin == CostOrigin::None
        && (event.input_tokens | event.output_tokens | event.cache_read_tokens | event.cache_creation_tokens) != 0
}

fn note(list: &mut Vec<(String, String, u64)>, first: &str, second: &str) {
    let same = |known: &String, name: &str| known == name || known.len() >= LENGTH && name.starts_with(known.as_str());
    if let Some((_, _, count)) = list.iter_mut().find(|(a, b, _)| same(a, first) && same(b, second)) {
        *count += 1;
    } else if list.len() < NAMES {
        list.push((cut(first), cut(second), 1));
    }
}

fn cut(name: &str) -> String {
    name.chars().take(LENGTH).collect()
}
