//! What all data points have in common, whatever they measure.

use std::borrow::Cow;

use super::common::{PLAIN, who};
use super::slots::Slots;
use super::{Input, time};
use crate::model::metric::Metric;
use crate::model::otlp::{DataPoint, MetricMeta, PointValue};

/// Name, time, who, and the value in its columns.
pub(super) fn measure<'r>(
    input: Input<'r>,
    meta: &'r MetricMeta<'r>,
    point: &'r DataPoint<'r>,
    slots: &mut Slots<'r>,
    metric: &mut Metric<'r>,
) {
    metric.name = Cow::Borrowed(&meta.name);
    metric.description = Cow::Borrowed(&meta.description);
    metric.unit = Cow::Borrowed(&meta.unit);
    metric.kind = meta.kind;
    metric.temporality = i8::try_from(meta.temporality).unwrap_or(0);
    metric.is_monotonic = meta.is_monotonic;
    metric.flags = point.flags;
    let placed = time::place(point.time_unix_nano, input.context.now_ns);
    metric.timestamp_ns = placed.timestamp_ns;
    if let Some(original) = placed.original {
        slots.add("original_timestamp", original.to_string());
    }
    // Not a partition key: a process may have started long ago.
    metric.start_timestamp_ns = i64::try_from(point.start_time_unix_nano).unwrap_or(0);
    let who = who(input, &PLAIN, slots);
    metric.project = who.project;
    metric.repository = who.repository;
    metric.environment = who.environment;
    metric.service = who.service;
    metric.user_id = who.user_id;
    metric.user_email = who.user_email;
    metric.session_id = who.session_id;
    metric.resource = &input.resource.attributes;
    measured(&point.value, metric);
}

fn measured<'r>(value: &'r PointValue, metric: &mut Metric<'r>) {
    match value {
        PointValue::None => metric.value = f64::NAN,
        PointValue::Int(int) => {
            metric.value = *int as f64;
            metric.value_int = Some(*int);
        }
        PointValue::Double(double) => metric.value = *double,
        PointValue::Histogram { count, sum, min, max, bucket_counts, explicit_bounds } => {
            metric.value = sum.unwrap_or(f64::NAN);
            metric.count = *count;
            (metric.min, metric.max) = (*min, *max);
            metric.bucket_counts = Cow::Borrowed(bucket_counts);
            metric.explicit_bounds = Cow::Borrowed(explicit_bounds);
        }
        PointValue::ExponentialHistogram {
            count,
            sum,
            min,
            max,
            scale,
            zero_count,
            zero_threshold,
            positive_offset,
            positive_counts,
            negative_offset,
            negative_counts,
        } => {
            metric.value = sum.unwrap_or(f64::NAN);
            metric.count = *count;
            (metric.min, metric.max) = (*min, *max);
            metric.scale = *scale;
            metric.zero_count = *zero_count;
            metric.zero_threshold = *zero_threshold;
            metric.positive_offset = *positive_offset;
            metric.positive_counts = Cow::Borrowed(positive_counts);
            metric.negative_offset = *negative_offset;
            metric.negative_counts = Cow::Borrowed(negative_counts);
        }
        PointValue::Summary { count, sum, quantiles } => {
            metric.value = *sum;
            metric.count = *count;
            metric.quantiles = quantiles.iter().map(|q| q.0).collect();
            metric.quantile_values = quantiles.iter().map(|q| q.1).collect();
        }
    }
}
