//! The block of `activitylog.events`.

use crate::model::event::Event;

use super::native::{Fixed, LowCardinality, Nullable8, StringMap, Text, Uuid};
use super::table::table;

/// What a row gets from the request that brought it, not from what it says.
#[derive(Debug, Clone, Copy)]
pub struct Stamp<'a> {
    pub tenant_id: &'a str,
    pub retention_days: u16,
}

table! {
    /// Rows of `activitylog.events` under construction.
    EventBlock, "activitylog.events", {
        tenant_id: LowCardinality = "LowCardinality(String)",
        project: LowCardinality = "LowCardinality(String)",
        repository: LowCardinality = "LowCardinality(String)",
        environment: LowCardinality = "LowCardinality(String)",
        user_id: Text = "String",
        user_email: Text = "String",
        session_id: Text = "String",
        correlation_id: Text = "String",
        service: LowCardinality = "LowCardinality(String)",
        source_ip: Text = "String",
        timestamp: Fixed<8> = "DateTime64(9, 'UTC')",
        duration_ns: Fixed<8> = "UInt64",
        event_id: Uuid = "UUID",
        kind: Fixed<1> = "Enum8('log' = 1, 'span' = 2, 'webhook' = 3, 'message' = 4, 'audit' = 5)",
        source: LowCardinality = "LowCardinality(String)",
        event_class: LowCardinality = "LowCardinality(String)",
        event_type: LowCardinality = "LowCardinality(String)",
        outcome: LowCardinality = "LowCardinality(String)",
        severity: LowCardinality = "LowCardinality(String)",
        message: Text = "String",
        target_type: LowCardinality = "LowCardinality(String)",
        target_id: Text = "String",
        trace_id: Text = "String",
        span_id: Text = "String",
        parent_span_id: Text = "String",
        provider: LowCardinality = "LowCardinality(String)",
        model: LowCardinality = "LowCardinality(String)",
        operation: LowCardinality = "LowCardinality(String)",
        feature: LowCardinality = "LowCardinality(String)",
        tool_name: LowCardinality = "LowCardinality(String)",
        error_type: LowCardinality = "LowCardinality(String)",
        input_tokens: Fixed<8> = "UInt64",
        output_tokens: Fixed<8> = "UInt64",
        cache_read_tokens: Fixed<8> = "UInt64",
        cache_creation_tokens: Fixed<8> = "UInt64",
        cache_creation_1h_tokens: Fixed<8> = "UInt64",
        reasoning_tokens: Fixed<8> = "UInt64",
        cache_known: Fixed<1> = "Bool",
        cost_usd: Fixed<8> = "Decimal(18, 9)",
        cost_reported_usd: Nullable8 = "Nullable(Decimal(18, 9))",
        cost_computed_usd: Nullable8 = "Nullable(Decimal(18, 9))",
        cost_origin: Fixed<1> = "Enum8('none' = 0, 'reported' = 1, 'computed' = 2)",
        price_version: LowCardinality = "LowCardinality(String)",
        usage_role: Fixed<1> = "Enum8('none' = 0, 'leaf' = 1, 'aggregate' = 2, 'copy' = 3)",
        usage_key: Text = "String",
        usage_priority: Fixed<1> = "UInt8",
        status_code: Fixed<2> = "UInt16",
        retention_days: Fixed<2> = "UInt16",
        resource: StringMap = "Map(LowCardinality(String), String)",
        attributes: StringMap = "Map(LowCardinality(String), String)",
    }
}

// === impl EventBlock ===

impl EventBlock {
    pub fn push(&mut self, stamp: Stamp<'_>, event: &Event<'_>) {
        self.received_at.push();
        self.retention_days.push(stamp.retention_days.to_le_bytes());
        self.tenant_id.push(stamp.tenant_id);
        self.push_who(event);
        self.push_what(event);
        self.push_ai(event);
        self.resource.push_pairs(event.resource);
        self.attributes.push_attributes(&event.attributes);
    }

    fn push_who(&mut self, event: &Event<'_>) {
        self.project.push(&event.project);
        self.repository.push(&event.repository);
        self.environment.push(&event.environment);
        self.user_id.push(&event.user_id);
        self.user_email.push(&event.user_email);
        self.session_id.push(&event.session_id);
        self.correlation_id.push(&event.correlation_id);
        self.service.push(&event.service);
        self.source_ip.push(&event.source_ip);
    }

    fn push_what(&mut self, event: &Event<'_>) {
        self.timestamp.push(event.timestamp_ns.to_le_bytes());
        self.duration_ns.push(event.duration_ns.to_le_bytes());
        self.event_id.push(event.event_id);
        self.kind.push([event.kind as u8]);
        self.source.push(&event.source);
        self.event_class.push(&event.event_class);
        self.event_type.push(&event.event_type);
        self.outcome.push(&event.outcome);
        self.severity.push(&event.severity);
        self.message.push(&event.message);
        self.target_type.push(&event.target_type);
        self.target_id.push(&event.target_id);
        self.trace_id.push_hex(&event.trace_id);
        self.span_id.push_hex(&event.span_id);
        self.parent_span_id.push_hex(&event.parent_span_id);
        self.status_code.push(event.status_code.to_le_bytes());
    }

    fn push_ai(&mut self, event: &Event<'_>) {
        self.provider.push(&event.provider);
        self.model.push(&event.model);
        self.operation.push(&event.operation);
        self.feature.push(&event.feature);
        self.tool_name.push(&event.tool_name);
        self.error_type.push(&event.error_type);
        self.input_tokens.push(event.input_tokens.to_le_bytes());
        self.output_tokens.push(event.output_tokens.to_le_bytes());
        self.cache_read_tokens.push(event.cache_read_tokens.to_le_bytes());
        self.cache_creation_tokens.push(event.cache_creation_tokens.to_le_bytes());
        self.cache_creation_1h_tokens.push(event.cache_creation_1h_tokens.to_le_bytes());
        self.reasoning_tokens.push(event.reasoning_tokens.to_le_bytes());
        self.cache_known.push([u8::from(event.cache_known)]);
        self.cost_usd.push(event.cost_usd.0.to_le_bytes());
        self.cost_reported_usd.push(event.cost_reported_usd.map(|usd| usd.0.to_le_bytes()));
        self.cost_computed_usd.push(event.cost_computed_usd.map(|usd| usd.0.to_le_bytes()));
        self.cost_origin.push([event.cost_origin as u8]);
        self.price_version.push(&event.price_version);
        self.usage_role.push([event.usage_role as u8]);
        self.usage_key.push(&event.usage_key);
        self.usage_priority.push([event.usage_priority]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::Block;
    use super::*;

    const STAMP: Stamp<'_> = Stamp { tenant_id: "t", retention_days: 30 };

    fn event(resource: &[(String, String)]) -> Event<'_> {
        Event {
            message: "text".into(),
            trace_id: (&[1; 16][..]).into(),
            attributes: vec![("key", crate::model::event::AttributeValue::Text("value".into()))],
            resource,
            ..Event::default()
        }
    }

    fn bytes(block: &EventBlock) -> Vec<u8> {
        let mut out = Vec::new();
        block.write(1, &mut out);
        out
    }

    /// The spool's contract: a row whose building panicked is undone, wherever it stopped.
    #[test]
    fn a_row_that_was_pushed_in_part_is_forgotten_with_the_rows_past_the_mark() {
        let resource = [("host".to_owned(), "h".to_owned())];
        let event = event(&resource);
        type Part = fn(&mut EventBlock, &Event<'_>);
        let parts: [Part; 8] = [
            |block, _| block.received_at.push(),
            |block, _| block.retention_days.push([30, 0]),
            |block, _| block.tenant_id.push("t"),
            |block, event| block.push_who(event),
            |block, event| block.push_what(event),
            |block, event| block.push_ai(event),
            |block, event| block.resource.push_pairs(event.resource),
            |block, event| block.attributes.push_attributes(&event.attributes),
        ];
        // In the order of `push` and in any other: the mark is what counts.
        for first in 0..parts.len() {
            for count in 0..parts.len() {
                for mark in 0..=3 {
                    let mut block = EventBlock::default();
                    (0..3).for_each(|_| block.push(STAMP, &event));
                    (0..count).for_each(|at| parts[(first + at) % parts.len()](&mut block, &event));
                    block.truncate(mark);
                    assert_eq!(block.rows(), mark);
                    block.push(STAMP, &event);

                    let mut clean = EventBlock::default();
                    (0..=mark).for_each(|_| clean.push(STAMP, &event));
                    assert_eq!(bytes(&block), bytes(&clean), "first {first}, count {count}, mark {mark}");
                }
            }
        }
    }

    #[test]
    fn a_mark_past_the_rows_changes_nothing() {
        let resource = [];
        let event = event(&resource);
        let mut block = EventBlock::default();
        block.push(STAMP, &event);
        let before = bytes(&block);
        block.truncate(2);
        assert_eq!((block.rows(), bytes(&block)), (1, before));
    }
}
