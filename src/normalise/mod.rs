//! From what a sender said to what ActivityLog keeps: one pure, total function per signal. No I/O, no clock, no
//! environment; an unknown shape becomes a generic event with everything kept in `attributes`.
//!
//! [`Normaliser`] is fed by a decoder: `resource`, `scope`, then records, whose rows borrow from it and from the record.

pub mod audit;
pub mod class;
pub mod claude_code;
mod common;
pub mod content;
pub mod cost;
pub mod gen_ai;
pub mod generic;
pub mod identity;
mod key_set;
pub mod keys;
mod line;
pub mod message;
mod point;
pub mod repository;
pub mod resource;
pub mod rules;
mod slots;
mod span_events;
pub mod time;
mod usage_priority;
pub mod value;
pub mod webhook;

use std::borrow::Cow;

use self::content::{Dropped, Policy, Speaker};
use self::identity::{Occurrences, RecordKind};
use self::resource::{Dialect, ResourceCtx, ScopeCtx};
use self::rules::Rules;
use self::slots::Slots;
use crate::model::event::{Event, Kind, UsageRole};
use crate::model::metric::Metric;
use crate::model::otlp::{DataPoint, InstrumentationScope, KeyValue, LogRecord, MetricMeta, Resource, Span};

/// What the request says about all its records.
#[derive(Debug, Clone, Copy)]
pub struct Context<'c> {
    pub tenant_id: &'c str,
    /// From the token; empty: the `project` attribute counts.
    pub project: &'c str,
    /// When the request was received: for records without a believable time.
    pub now_ns: i64,
    /// What the tenant wants kept, and the prices.
    pub rules: &'c Rules,
}

/// Normalises the records of one request.
#[derive(Debug)]
pub struct Normaliser<'c> {
    context: Context<'c>,
    resource: ResourceCtx,
    scope: ScopeCtx,
    occurrences: Occurrences,
    dropped: Dropped,
    /// Stand-ins for those attributes of the record at hand that are hashed, by their place in it.
    hashed: Vec<(usize, KeyValue<'static>)>,
}

/// What a dialect gets to know besides the record.
#[derive(Clone, Copy)]
struct Input<'r> {
    context: &'r Context<'r>,
    resource: &'r ResourceCtx,
    scope: &'r ScopeCtx,
    policy: Policy<'r>,
}

// === impl Normaliser ===

impl<'c> Normaliser<'c> {
    pub fn new(context: Context<'c>) -> Self {
        Normaliser {
            context,
            resource: ResourceCtx::default(),
            scope: ScopeCtx::default(),
            occurrences: Occurrences::default(),
            dropped: Dropped::default(),
            hashed: Vec::new(),
        }
    }

    /// What follows belongs to this resource.
    pub fn resource(&mut self, resource: &Resource<'_>) {
        let policy = self.policy(Speaker::Anybody);
        self.resource = ResourceCtx::new(self.context.tenant_id, resource, policy, &mut self.dropped);
    }

    /// What follows belongs to this scope of the current resource.
    pub fn scope(&mut self, scope: &InstrumentationScope<'_>) {
        let policy = self.policy(Speaker::of(&scope.name));
        let ignored = &self.context.rules.ignore_scopes;
        self.scope = ScopeCtx::new(&self.resource, scope, ignored, policy, &mut self.dropped);
    }

    pub fn log<'r>(&'r mut self, record: &'r LogRecord<'r>) -> Event<'r> {
        let event_id = self.occurrences.event_id(self.scope.prefix, RecordKind::Log, record.raw);
        let mut event = Event { event_id, kind: Kind::Log, ..Event::default() };
        self.hash_some(&record.attributes);
        let rules = self.context.rules;
        let (input, dropped) = self.input();
        match input.scope.dialect {
            Dialect::ClaudeCode => claude_code::log(input, record, dropped, &mut event),
            Dialect::Generic => generic::log(input, record, dropped, &mut event),
        }
        if input.scope.ignored {
            leave_out(&mut event);
        }
        cost::settle(&rules.prices, &mut event);
        event
    }

    pub fn span<'r>(&'r mut self, span: &'r Span<'r>) -> Event<'r> {
        let event_id = self.occurrences.event_id(self.scope.prefix, RecordKind::Span, span.raw);
        let mut event = Event { event_id, kind: Kind::Span, ..Event::default() };
        self.hash_some(&span.attributes);
        let rules = self.context.rules;
        let (input, dropped) = self.input();
        match input.scope.dialect {
            Dialect::ClaudeCode => claude_code::span(input, span, dropped, &mut event),
            Dialect::Generic => generic::span(input, span, dropped, &mut event),
        }
        if input.scope.ignored {
            leave_out(&mut event);
        }
        cost::settle(&rules.prices, &mut event);
        event
    }

    pub fn point<'r>(&'r mut self, meta: &'r MetricMeta<'r>, point: &'r DataPoint<'r>) -> Metric<'r> {
        let prefix = self.scope.prefix.with(meta.name.as_bytes());
        let event_id = self.occurrences.event_id(prefix, RecordKind::Point, point.raw);
        let mut metric = Metric { event_id, ..Metric::default() };
        self.hash_some(&point.attributes);
        let (input, dropped) = self.input();
        let mut slots = Slots::sort(&point.attributes, input.resource, input.policy, dropped);
        point::measure(input, meta, point, &mut slots, &mut metric);
        match input.scope.dialect {
            Dialect::ClaudeCode => claude_code::point(&mut slots, &mut metric),
            Dialect::Generic => gen_ai::point(input.scope, &mut slots, &mut metric),
        }
        metric.attributes = slots.finish();
        metric
    }

    fn policy(&self, speaker: Speaker) -> Policy<'c> {
        Policy::new(self.context.rules, self.context.tenant_id, speaker)
    }

    fn input(&mut self) -> (Input<'_>, &mut Dropped) {
        let policy = self.policy(self.scope.speaker).with_hashed(&self.hashed);
        let (context, resource, scope) = (&self.context, &self.resource, &self.scope);
        (Input { context, resource, scope, policy }, &mut self.dropped)
    }

    /// Columns borrow from values, so the stand-ins have to be there before the dialect reads the record.
    #[inline]
    fn hash_some(&mut self, attributes: &[KeyValue<'_>]) {
        if let Some(custom) = &self.context.rules.content.custom
            && custom.hashes()
        {
            self.hashed.clear();
            custom.hash_all(self.context.tenant_id, attributes, &mut self.hashed);
        }
    }

    /// What the content policy dropped and hashed since the request began.
    pub fn dropped(&self) -> &Dropped {
        &self.dropped
    }

    /// The same, at the end.
    pub fn into_dropped(self) -> Dropped {
        self.dropped
    }

    /// Ready for the next request.
    pub fn reset(&mut self, context: Context<'c>) {
        self.context = context;
        self.resource = ResourceCtx::default();
        self.scope = ScopeCtx::default();
        self.occurrences.clear();
        self.dropped = Dropped::default();
        self.hashed.clear();
    }
}

/// Its usage is a copy of what another scope says, and stands in for nothing.
fn leave_out(event: &mut Event<'_>) {
    if matches!(event.usage_role, UsageRole::Leaf | UsageRole::Copy) {
        event.usage_role = UsageRole::Copy;
        event.usage_priority = 0;
        event.usage_key = Cow::Borrowed("");
    }
}
