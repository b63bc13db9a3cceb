//! `resourceMetrics`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::{DecodeError, Limits, Tally, Visit};
use super::scalar::{Enum, F64, Flag, I64, Text, U64};
use super::value::attributes;
use super::{Items, Rejection, envelope, null_default, parse, walk, walk_groups};
use crate::model::otlp::{DataPoint, KeyValue, MetricKind, MetricMeta, PointValue};
use crate::outcome::Reason;

envelope!(request, "resourceMetrics" | "resource_metrics", "scopeMetrics" | "scope_metrics", "metrics" | "Metrics");

/// Visits every data point of an export request in OTLP/JSON.
pub fn decode_metrics(body: &[u8], limits: &Limits, visit: &mut impl Visit) -> Result<Tally, DecodeError> {
    walk(body, visit, request, |groups, tally, visit| {
        walk_groups(groups, limits, tally, visit, &mut Metrics::default())
    })
}

#[derive(Default)]
struct Metrics<'a> {
    attributes: Vec<KeyValue<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    description: Text<'a>,
    #[serde(borrow, default)]
    unit: Text<'a>,
    #[serde(borrow)]
    gauge: Option<Data<'a>>,
    #[serde(borrow)]
    sum: Option<Data<'a>>,
    #[serde(borrow)]
    histogram: Option<Data<'a>>,
    #[serde(borrow, alias = "exponential_histogram")]
    exponential_histogram: Option<Data<'a>>,
    #[serde(borrow)]
    summary: Option<Data<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    #[serde(borrow, default, alias = "data_points")]
    #[serde(deserialize_with = "null_default")]
    data_points: Vec<&'a RawValue>,
    #[serde(borrow, default, alias = "aggregation_temporality")]
    aggregation_temporality: Enum<'a>,
    #[serde(default, alias = "is_monotonic")]
    is_monotonic: Flag,
}

/// The fields of all kinds of data points.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPoint<'a> {
    #[serde(borrow, default)]
    attributes: Option<&'a RawValue>,
    #[serde(default, alias = "start_time_unix_nano")]
    start_time_unix_nano: U64,
    #[serde(default, alias = "time_unix_nano")]
    time_unix_nano: U64,
    #[serde(default)]
    flags: U64,
    #[serde(alias = "as_double")]
    as_double: Option<F64>,
    #[serde(alias = "as_int")]
    as_int: Option<I64>,
    #[serde(default)]
    count: U64,
    sum: Option<F64>,
    min: Option<F64>,
    max: Option<F64>,
    #[serde(default, alias = "bucket_counts", deserialize_with = "null_default")]
    bucket_counts: Vec<U64>,
    #[serde(default, alias = "explicit_bounds", deserialize_with = "null_default")]
    explicit_bounds: Vec<F64>,
    #[serde(default)]
    scale: I64,
    #[serde(default, alias = "zero_count")]
    zero_count: U64,
    #[serde(default, alias = "zero_threshold")]
    zero_threshold: F64,
    #[serde(default, deserialize_with = "null_default")]
    positive: Buckets,
    #[serde(default, deserialize_with = "null_default")]
    negative: Buckets,
    #[serde(default, alias = "quantile_values", deserialize_with = "null_default")]
    quantile_values: Vec<Quantile>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Buckets {
    #[serde(default)]
    offset: I64,
    #[serde(default, alias = "bucket_counts", deserialize_with = "null_default")]
    bucket_counts: Vec<U64>,
}

#[derive(Deserialize)]
struct Quantile {
    #[serde(default)]
    quantile: F64,
    #[serde(default)]
    value: F64,
}

/// `AggregationTemporality`.
const TEMPORALITIES: &[&str] =
    &["AGGREGATION_TEMPORALITY_UNSPECIFIED", "AGGREGATION_TEMPORALITY_DELTA", "AGGREGATION_TEMPORALITY_CUMULATIVE"];
/// `DataPointFlags.NO_RECORDED_VALUE_MASK`.
const NO_RECORDED_VALUE: u32 = 1;
const WHAT: &str = "data point";

// === impl Metrics ===

impl<'a> Items<'a> for Metrics<'a> {
    /// A metric that can't be read counts as one.
    fn count(&self, item: &'a RawValue) -> u64 {
        match parse::<Raw<'a>>(item, "metric") {
            Ok(raw) => raw.data().1.data_points.len() as u64,
            Err(_) => 1,
        }
    }

    fn visit(&mut self, item: &'a RawValue, limits: &Limits, tally: &mut Tally, visit: &mut impl Visit) {
        let raw: Raw<'a> = match parse(item, "metric") {
            Ok(raw) => raw,
            Err(rejection) => return rejection.count(tally),
        };
        let mut meta = MetricMeta {
            name: raw.name.0.clone(),
            description: raw.description.0.clone(),
            unit: raw.unit.0.clone(),
            ..MetricMeta::default()
        };
        let (kind, data) = raw.data();
        meta.kind = kind;
        meta.temporality = data.aggregation_temporality.number(TEMPORALITIES);
        meta.is_monotonic = data.is_monotonic.0;
        for message in data.data_points {
            let mut point = DataPoint {
                raw: message.get().as_bytes(),
                attributes: std::mem::take(&mut self.attributes),
                ..DataPoint::default()
            };
            match data_point(message, &mut point, kind, limits) {
                Ok(()) => {
                    tally.accepted += 1;
                    visit.point(&meta, &point);
                }
                Err(rejection) => rejection.count(tally),
            }
            self.attributes = point.attributes;
        }
    }
}

// === impl Raw ===

impl<'a> Raw<'a> {
    fn data(self) -> (MetricKind, Data<'a>) {
        [
            (MetricKind::Sum, self.sum),
            (MetricKind::Gauge, self.gauge),
            (MetricKind::Histogram, self.histogram),
            (MetricKind::ExponentialHistogram, self.exponential_histogram),
            (MetricKind::Summary, self.summary),
        ]
        .into_iter()
        .find_map(|(kind, data)| Some((kind, data?)))
        .unwrap_or_default()
    }
}

fn data_point<'a>(
    message: &'a RawValue,
    point: &mut DataPoint<'a>,
    kind: MetricKind,
    limits: &Limits,
) -> Result<(), Rejection> {
    let raw: RawPoint<'a> = parse(message, WHAT)?;
    point.start_time_unix_nano = raw.start_time_unix_nano.0;
    point.time_unix_nano = raw.time_unix_nano.0;
    point.flags = raw.flags.0 as u32;
    let longest = [
        raw.bucket_counts.len(),
        raw.explicit_bounds.len(),
        raw.positive.bucket_counts.len(),
        raw.negative.bucket_counts.len(),
        raw.quantile_values.len(),
    ];
    if longest.iter().any(|&len| len > limits.max_buckets) {
        return Err(Rejection {
            reason: Reason::TooLarge,
            message: format!("data point with more than {} buckets", limits.max_buckets),
        });
    }
    attributes(raw.attributes, &mut point.attributes, limits, WHAT)?;
    point.value = if point.flags & NO_RECORDED_VALUE != 0 { PointValue::None } else { raw.value(kind) };
    Ok(())
}

// === impl RawPoint ===

impl RawPoint<'_> {
    fn value(self, kind: MetricKind) -> PointValue {
        let numbers = |list: Vec<U64>| list.into_iter().map(|n| n.0).collect();
        match kind {
            MetricKind::Gauge | MetricKind::Sum => match (self.as_int, self.as_double) {
                (Some(int), _) => PointValue::Int(int.0),
                (None, Some(double)) => PointValue::Double(double.0),
                (None, None) => PointValue::None,
            },
            MetricKind::Histogram => PointValue::Histogram {
                count: self.count.0,
                sum: self.sum.map(|n| n.0),
                min: self.min.map(|n| n.0),
                max: self.max.map(|n| n.0),
                bucket_counts: numbers(self.bucket_counts),
                explicit_bounds: self.explicit_bounds.into_iter().map(|n| n.0).collect(),
            },
            MetricKind::ExponentialHistogram => PointValue::ExponentialHistogram {
                count: self.count.0,
                sum: self.sum.map(|n| n.0),
                min: self.min.map(|n| n.0),
                max: self.max.map(|n| n.0),
                scale: self.scale.0 as i32,
                zero_count: self.zero_count.0,
                zero_threshold: self.zero_threshold.0,
                positive_offset: self.positive.offset.0 as i32,
                positive_counts: numbers(self.positive.bucket_counts),
                negative_offset: self.negative.offset.0 as i32,
                negative_counts: numbers(self.negative.bucket_counts),
            },
            MetricKind::Summary => PointValue::Summary {
                count: self.count.0,
                sum: self.sum.map_or(0.0, |n| n.0),
                quantiles: self.quantile_values.into_iter().map(|q| (q.quantile.0, q.value.0)).collect(),
            },
        }
    }
}
