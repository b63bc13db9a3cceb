//! `metrics/v1/metrics.proto`.

use super::super::{DecodeError, Limits, Tally, Visit};
use super::common::{Attributes, text};
use super::wire::{Field, Malformed, Reader, push_fixed64, push_varint, zigzag32};
use super::{Items, messages, too_many_attributes, walk};
use crate::model::otlp::{DataPoint, KeyValue, MetricKind, MetricMeta, PointValue};
use crate::outcome::Reason;

/// `DataPointFlags.NO_RECORDED_VALUE_MASK`.
const NO_RECORDED_VALUE: u32 = 1;

/// Visits every data point of an `ExportMetricsServiceRequest`.
pub fn decode_metrics(body: &[u8], limits: &Limits, visit: &mut impl Visit) -> Result<Tally, DecodeError> {
    Ok(walk(body, limits, visit, &mut Metrics::default())?)
}

#[derive(Default)]
struct Metrics<'a> {
    attributes: Vec<KeyValue<'a>>,
}

/// What became of one data point.
enum Read {
    Whole,
    TooManyAttributes,
    TooManyBuckets,
}

// === impl Metrics ===

impl<'a> Items<'a> for Metrics<'a> {
    fn count(&self, item: &'a [u8]) -> Result<u64, Malformed> {
        let mut count = 0;
        let (_, data) = meta(item, &mut 0)?;
        for list in messages(item, data) {
            for point in messages(list?, 1) {
                point?;
                count += 1;
            }
        }
        Ok(count)
    }

    fn visit(
        &mut self,
        item: &'a [u8],
        limits: &Limits,
        tally: &mut Tally,
        visit: &mut impl Visit,
    ) -> Result<(), Malformed> {
        let (meta, data) = meta(item, &mut tally.repaired)?;
        for list in messages(item, data) {
            for message in messages(list?, 1) {
                let mut point = DataPoint {
                    raw: message?,
                    attributes: std::mem::take(&mut self.attributes),
                    ..DataPoint::default()
                };
                match data_point(&mut point, meta.kind, limits, &mut tally.repaired)? {
                    Read::Whole => {
                        tally.accepted += 1;
                        visit.point(&meta, &point);
                    }
                    Read::TooManyAttributes => too_many_attributes(tally, "data point", limits),
                    Read::TooManyBuckets => tally.reject(1, Reason::TooLarge, || {
                        format!("data point with more than {} buckets", limits.max_buckets)
                    }),
                }
                self.attributes = point.attributes;
            }
        }
        Ok(())
    }
}

/// Name, unit and kind of a `Metric`, which may come after its data, and the number of the data field (0: none).
fn meta<'a>(metric: &'a [u8], repaired: &mut u64) -> Result<(MetricMeta<'a>, u32), Malformed> {
    let mut meta = MetricMeta::default();
    let mut data = 0;
    let mut reader = Reader::new(metric);
    while let Some(field) = reader.next()? {
        match field {
            (1, Field::Bytes(bytes)) => meta.name = text(bytes, repaired),
            (2, Field::Bytes(bytes)) => meta.description = text(bytes, repaired),
            (3, Field::Bytes(bytes)) => meta.unit = text(bytes, repaired),
            (number @ (5 | 7 | 9 | 10 | 11), Field::Bytes(bytes)) => {
                data = number;
                meta.kind = match number {
                    5 => MetricKind::Gauge,
                    7 => MetricKind::Sum,
                    9 => MetricKind::Histogram,
                    10 => MetricKind::ExponentialHistogram,
                    _ => MetricKind::Summary,
                };
                (meta.temporality, meta.is_monotonic) = temporality(bytes)?;
            }
            _ => {}
        }
    }
    Ok((meta, data))
}

/// `Sum`, `Histogram`, `ExponentialHistogram { 2: aggregation_temporality, 3: is_monotonic (sum only) }`.
fn temporality(data: &[u8]) -> Result<(i32, bool), Malformed> {
    let (mut temporality, mut is_monotonic) = (0, false);
    let mut reader = Reader::new(data);
    while let Some(field) = reader.next()? {
        match field {
            (2, Field::Varint(value)) => temporality = value as i32,
            (3, Field::Varint(value)) => is_monotonic = value != 0,
            _ => {}
        }
    }
    Ok((temporality, is_monotonic))
}

fn data_point(
    point: &mut DataPoint<'_>,
    kind: MetricKind,
    limits: &Limits,
    repaired: &mut u64,
) -> Result<Read, Malformed> {
    // Where each kind of data point has its attributes and flags; times are 2 and 3 in all of them.
    let (attributes_at, flags_at) = match kind {
        MetricKind::Gauge | MetricKind::Sum | MetricKind::Summary => (7, 8),
        MetricKind::Histogram => (9, 10),
        MetricKind::ExponentialHistogram => (1, 10),
    };
    let mut attributes = Attributes::default();
    let mut value = Partial::default();
    let mut reader = Reader::new(point.raw);
    while let Some(field) = reader.next()? {
        match field {
            (number, Field::Bytes(bytes)) if number == attributes_at => {
                let list = &mut point.attributes;
                if !attributes.push(list, bytes, limits.max_attributes, repaired)? {
                    return Ok(Read::TooManyAttributes);
                }
            }
            (number, Field::Varint(flags)) if number == flags_at => point.flags = flags as u32,
            (2, Field::Fixed64(time)) => point.start_time_unix_nano = time,
            (3, Field::Fixed64(time)) => point.time_unix_nano = time,
            (number, field) => {
                if !value.field(kind, number, field, limits.max_buckets)? {
                    return Ok(Read::TooManyBuckets);
                }
            }
        }
    }
    attributes.finish(&mut point.attributes);
    point.value = if point.flags & NO_RECORDED_VALUE != 0 { PointValue::None } else { value.finish(kind) };
    Ok(Read::Whole)
}

/// The fields of all kinds of data points, as they come.
#[derive(Default)]
struct Partial {
    number: Option<PointValue>,
    count: u64,
    sum: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    bucket_counts: Vec<u64>,
    explicit_bounds: Vec<f64>,
    scale: i32,
    zero_count: u64,
    zero_threshold: f64,
    positive: (i32, Vec<u64>),
    negative: (i32, Vec<u64>),
    quantiles: Vec<(f64, f64)>,
}

// === impl Partial ===

impl Partial {
    /// `Ok(false)`: more buckets than allowed.
    fn field(&mut self, kind: MetricKind, number: u32, field: Field<'_>, max: usize) -> Result<bool, Malformed> {
        use MetricKind::{ExponentialHistogram as Exp, Gauge, Histogram as Hist, Sum, Summary};
        match (kind, number, field) {
            (Gauge | Sum, 4, Field::Fixed64(bits)) => {
                self.number = Some(PointValue::Double(f64::from_bits(bits)));
            }
            (Gauge | Sum, 6, Field::Fixed64(bits)) => {
                self.number = Some(PointValue::Int(bits as i64));
            }
            (Hist | Exp | Summary, 4, Field::Fixed64(count)) => self.count = count,
            (Hist | Exp | Summary, 5, Field::Fixed64(bits)) => {
                self.sum = Some(f64::from_bits(bits));
            }
            (Hist, 6, field) => return push_fixed64(&mut self.bucket_counts, field, max, |v| v),
            (Hist, 7, field) => {
                return push_fixed64(&mut self.explicit_bounds, field, max, f64::from_bits);
            }
            (Hist, 11, Field::Fixed64(b)) | (Exp, 12, Field::Fixed64(b)) => {
                self.min = Some(f64::from_bits(b));
            }
            (Hist, 12, Field::Fixed64(b)) | (Exp, 13, Field::Fixed64(b)) => {
                self.max = Some(f64::from_bits(b));
            }
            (Exp, 6, Field::Varint(scale)) => self.scale = zigzag32(scale),
            (Exp, 7, Field::Fixed64(count)) => self.zero_count = count,
            (Exp, 8, Field::Bytes(bytes)) => return buckets(&mut self.positive, bytes, max),
            (Exp, 9, Field::Bytes(bytes)) => return buckets(&mut self.negative, bytes, max),
            (Exp, 14, Field::Fixed64(bits)) => self.zero_threshold = f64::from_bits(bits),
            (Summary, 6, Field::Bytes(bytes)) => {
                self.quantiles.push(quantile(bytes)?);
                return Ok(self.quantiles.len() <= max);
            }
            _ => {}
        }
        Ok(true)
    }

    fn finish(self, kind: MetricKind) -> PointValue {
        match kind {
            MetricKind::Gauge | MetricKind::Sum => self.number.unwrap_or(PointValue::None),
            MetricKind::Histogram => PointValue::Histogram {
                count: self.count,
                sum: self.sum,
                min: self.min,
                max: self.max,
                bucket_counts: self.bucket_counts,
                explicit_bounds: self.explicit_bounds,
            },
            MetricKind::ExponentialHistogram => PointValue::ExponentialHistogram {
                count: self.count,
                sum: self.sum,
                min: self.min,
                max: self.max,
                scale: self.scale,
                zero_count: self.zero_count,
                zero_threshold: self.zero_threshold,
                positive_offset: self.positive.0,
                positive_counts: self.positive.1,
                negative_offset: self.negative.0,
                negative_counts: self.negative.1,
            },
            MetricKind::Summary => {
                PointValue::Summary { count: self.count, sum: self.sum.unwrap_or(0.0), quantiles: self.quantiles }
            }
        }
    }
}

/// `Buckets { 1: offset, 2: bucket_counts }`.
fn buckets((offset, counts): &mut (i32, Vec<u64>), message: &[u8], max: usize) -> Result<bool, Malformed> {
    let mut reader = Reader::new(message);
    while let Some(field) = reader.next()? {
        let fits = match field {
            (1, Field::Varint(value)) => {
                *offset = zigzag32(value);
                true
            }
            (2, field) => push_varint(counts, field, max)?,
            _ => true,
        };
        if !fits {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `ValueAtQuantile { 1: quantile, 2: value }`.
fn quantile(message: &[u8]) -> Result<(f64, f64), Malformed> {
    let mut pair = (0.0, 0.0);
    let mut reader = Reader::new(message);
    while let Some(field) = reader.next()? {
        match field {
            (1, Field::Fixed64(bits)) => pair.0 = f64::from_bits(bits),
            (2, Field::Fixed64(bits)) => pair.1 = f64::from_bits(bits),
            _ => {}
        }
    }
    Ok(pair)
}
