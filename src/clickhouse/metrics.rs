//! The block of `activitylog.metrics`.

use crate::model::metric::Metric;

use super::events::Stamp;
use super::native::{Array8, Fixed, LowCardinality, Nullable8, StringMap, Text, Uuid};
use super::table::table;

table! {
    /// Rows of `activitylog.metrics` under construction.
    MetricBlock, "activitylog.metrics", {
        tenant_id: LowCardinality = "LowCardinality(String)",
        project: LowCardinality = "LowCardinality(String)",
        repository: LowCardinality = "LowCardinality(String)",
        environment: LowCardinality = "LowCardinality(String)",
        service: LowCardinality = "LowCardinality(String)",
        user_id: Text = "String",
        user_email: Text = "String",
        session_id: Text = "String",
        timestamp: Fixed<8> = "DateTime64(9, 'UTC')",
        start_timestamp: Fixed<8> = "DateTime64(9, 'UTC')",
        event_id: Uuid = "UUID",
        source: LowCardinality = "LowCardinality(String)",
        name: LowCardinality = "LowCardinality(String)",
        description: LowCardinality = "LowCardinality(String)",
        unit: LowCardinality = "LowCardinality(String)",
        kind: Fixed<1> = "Enum8('gauge' = 0, 'sum' = 1, 'histogram' = 2, 'exponential_histogram' = 3, 'summary' = 4)",
        temporality: Fixed<1> = "Enum8('unspecified' = 0, 'delta' = 1, 'cumulative' = 2)",
        is_monotonic: Fixed<1> = "Bool",
        flags: Fixed<4> = "UInt32",
        provider: LowCardinality = "LowCardinality(String)",
        model: LowCardinality = "LowCardinality(String)",
        operation: LowCardinality = "LowCardinality(String)",
        feature: LowCardinality = "LowCardinality(String)",
        tool_name: LowCardinality = "LowCardinality(String)",
        series_type: LowCardinality = "LowCardinality(String)",
        value: Fixed<8> = "Float64",
        value_int: Nullable8 = "Nullable(Int64)",
        count: Fixed<8> = "UInt64",
        min: Nullable8 = "Nullable(Float64)",
        max: Nullable8 = "Nullable(Float64)",
        bucket_counts: Array8 = "Array(UInt64)",
        explicit_bounds: Array8 = "Array(Float64)",
        scale: Fixed<4> = "Int32",
        zero_count: Fixed<8> = "UInt64",
        zero_threshold: Fixed<8> = "Float64",
        positive_offset: Fixed<4> = "Int32",
        positive_counts: Array8 = "Array(UInt64)",
        negative_offset: Fixed<4> = "Int32",
        negative_counts: Array8 = "Array(UInt64)",
        quantiles: Array8 = "Array(Float64)",
        quantile_values: Array8 = "Array(Float64)",
        retention_days: Fixed<2> = "UInt16",
        resource: StringMap = "Map(LowCardinality(String), String)",
        attributes: StringMap = "Map(LowCardinality(String), String)",
    }
}

// === impl MetricBlock ===

impl MetricBlock {
    pub fn push(&mut self, stamp: Stamp<'_>, metric: &Metric<'_>) {
        self.received_at.push();
        self.retention_days.push(stamp.retention_days.to_le_bytes());
        self.tenant_id.push(stamp.tenant_id);
        self.push_series(metric);
        self.push_value(metric);
        self.push_distribution(metric);
        self.resource.push_pairs(metric.resource);
        self.attributes.push_attributes(&metric.attributes);
    }

    fn push_series(&mut self, metric: &Metric<'_>) {
        self.project.push(&metric.project);
        self.repository.push(&metric.repository);
        self.environment.push(&metric.environment);
        self.service.push(&metric.service);
        self.user_id.push(&metric.user_id);
        self.user_email.push(&metric.user_email);
        self.session_id.push(&metric.session_id);
        self.event_id.push(metric.event_id);
        self.source.push(&metric.source);
        self.name.push(&metric.name);
        self.description.push(&metric.description);
        self.unit.push(&metric.unit);
        self.kind.push([metric.kind as u8]);
        self.temporality.push([metric.temporality as u8]);
        self.is_monotonic.push([u8::from(metric.is_monotonic)]);
        self.provider.push(&metric.provider);
        self.model.push(&metric.model);
        self.operation.push(&metric.operation);
        self.feature.push(&metric.feature);
        self.tool_name.push(&metric.tool_name);
        self.series_type.push(&metric.series_type);
    }

    fn push_value(&mut self, metric: &Metric<'_>) {
        self.timestamp.push(metric.timestamp_ns.to_le_bytes());
        self.start_timestamp.push(metric.start_timestamp_ns.to_le_bytes());
        self.flags.push(metric.flags.to_le_bytes());
        self.value.push(metric.value.to_le_bytes());
        self.value_int.push(metric.value_int.map(i64::to_le_bytes));
        self.count.push(metric.count.to_le_bytes());
        self.min.push(metric.min.map(f64::to_le_bytes));
        self.max.push(metric.max.map(f64::to_le_bytes));
    }

    fn push_distribution(&mut self, metric: &Metric<'_>) {
        self.bucket_counts.push(metric.bucket_counts.iter().map(|n| n.to_le_bytes()));
        self.explicit_bounds.push(metric.explicit_bounds.iter().map(|n| n.to_le_bytes()));
        self.scale.push(metric.scale.to_le_bytes());
        self.zero_count.push(metric.zero_count.to_le_bytes());
        self.zero_threshold.push(metric.zero_threshold.to_le_bytes());
        self.positive_offset.push(metric.positive_offset.to_le_bytes());
        self.positive_counts.push(metric.positive_counts.iter().map(|n| n.to_le_bytes()));
        self.negative_offset.push(metric.negative_offset.to_le_bytes());
        self.negative_counts.push(metric.negative_counts.iter().map(|n| n.to_le_bytes()));
        self.quantiles.push(metric.quantiles.iter().map(|n| n.to_le_bytes()));
        self.quantile_values.push(metric.quantile_values.iter().map(|n| n.to_le_bytes()));
    }
}
