//! The reference types as the views that should be seen of them.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{self as common, AnyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1 as m;
use opentelemetry_proto::tonic::resource::v1 as resource;

use super::super::Visit;
use super::{Seen, render};
use crate::model::otlp::{
    DataPoint, InstrumentationScope, KeyValue, LogRecord, MetricKind, MetricMeta, PointValue, Resource, Span,
    SpanEvent, SpanLink, Value,
};

fn value(value: &Option<AnyValue>) -> Value<'_> {
    use any_value::Value as V;
    match value.as_ref().and_then(|v| v.value.as_ref()) {
        Some(V::StringValue(text)) => Value::Str(text.into()),
        Some(V::BoolValue(flag)) => Value::Bool(*flag),
        Some(V::IntValue(int)) => Value::Int(*int),
        Some(V::DoubleValue(double)) => Value::Double(*double),
        Some(V::BytesValue(bytes)) => Value::Rendered(render::base64(bytes)),
        Some(nested) => Value::Rendered(json(nested)),
        None => Value::Empty,
    }
}

/// Compact JSON, written without our own writer (serde_json's map would merge keys that come twice).
fn json(value: &any_value::Value) -> String {
    use any_value::Value as V;
    let inner = |v: Option<&AnyValue>| v.and_then(|v| v.value.as_ref()).map_or("null".into(), json);
    let text = |t: &str| serde_json::to_string(t).unwrap();
    match value {
        V::StringValue(t) => text(t),
        V::BoolValue(flag) => flag.to_string(),
        V::IntValue(int) => int.to_string(),
        V::DoubleValue(d) if d.is_nan() => "\"NaN\"".into(),
        V::DoubleValue(d) if d.is_infinite() && *d > 0.0 => "\"Infinity\"".into(),
        V::DoubleValue(d) if d.is_infinite() => "\"-Infinity\"".into(),
        V::DoubleValue(d) => ryu::Buffer::new().format_finite(*d).to_owned(),
        V::BytesValue(bytes) => text(&render::base64(bytes)),
        V::ArrayValue(a) => {
            format!("[{}]", a.values.iter().map(|v| inner(Some(v))).collect::<Vec<_>>().join(","))
        }
        V::KvlistValue(kv) => {
            let pair = |p: &common::KeyValue| format!("{}:{}", text(&p.key), inner(p.value.as_ref()));
            format!("{{{}}}", kv.values.iter().map(pair).collect::<Vec<_>>().join(","))
        }
        #[allow(unreachable_patterns)]
        _ => "null".into(),
    }
}

fn attributes(list: &[common::KeyValue]) -> Vec<KeyValue<'_>> {
    let pair = |a| {
        let a: &common::KeyValue = a;
        KeyValue { key: a.key.as_str().into(), value: value(&a.value) }
    };
    list.iter().map(pair).collect()
}

fn enter(seen: &mut Seen, resource: &Option<resource::Resource>) {
    let list = resource.as_ref().map(|r| attributes(&r.attributes));
    seen.resource(&Resource { attributes: list.unwrap_or_default(), raw: b"" });
}

fn enter_scope(seen: &mut Seen, scope: &Option<common::InstrumentationScope>) {
    let view = scope.as_ref().map(|s| InstrumentationScope {
        name: s.name.as_str().into(),
        version: s.version.as_str().into(),
        attributes: attributes(&s.attributes),
        raw: b"",
    });
    seen.scope(&view.unwrap_or_default());
}

pub fn logs(request: &ExportLogsServiceRequest) -> Seen {
    let mut seen = Seen::default();
    for group in &request.resource_logs {
        enter(&mut seen, &group.resource);
        for scoped in &group.scope_logs {
            enter_scope(&mut seen, &scoped.scope);
            for r in &scoped.log_records {
                seen.log(&LogRecord {
                    time_unix_nano: r.time_unix_nano,
                    observed_time_unix_nano: r.observed_time_unix_nano,
                    severity_number: r.severity_number,
                    severity_text: r.severity_text.as_str().into(),
                    body: value(&r.body),
                    attributes: attributes(&r.attributes),
                    flags: r.flags,
                    trace_id: r.trace_id.as_slice().into(),
                    span_id: r.span_id.as_slice().into(),
                    event_name: r.event_name.as_str().into(),
                    raw: b"",
                });
            }
        }
    }
    seen
}

pub fn traces(request: &ExportTraceServiceRequest) -> Seen {
    let mut seen = Seen::default();
    for group in &request.resource_spans {
        enter(&mut seen, &group.resource);
        for scoped in &group.scope_spans {
            enter_scope(&mut seen, &scoped.scope);
            for s in &scoped.spans {
                let status = s.status.clone().unwrap_or_default();
                let events = s.events.iter().map(|e| SpanEvent {
                    time_unix_nano: e.time_unix_nano,
                    name: e.name.as_str().into(),
                    attributes: attributes(&e.attributes),
                });
                let links = s.links.iter().map(|l| SpanLink {
                    trace_id: l.trace_id.as_slice().into(),
                    span_id: l.span_id.as_slice().into(),
                    attributes: attributes(&l.attributes),
                });
                seen.span(&Span {
                    trace_id: s.trace_id.as_slice().into(),
                    span_id: s.span_id.as_slice().into(),
                    parent_span_id: s.parent_span_id.as_slice().into(),
                    trace_state: s.trace_state.as_str().into(),
                    flags: s.flags,
                    name: s.name.as_str().into(),
                    kind: s.kind,
                    start_time_unix_nano: s.start_time_unix_nano,
                    end_time_unix_nano: s.end_time_unix_nano,
                    attributes: attributes(&s.attributes),
                    events: events.collect(),
                    links: links.collect(),
                    status_code: status.code,
                    status_message: status.message.into(),
                    raw: b"",
                });
            }
        }
    }
    seen
}

pub fn metrics(request: &ExportMetricsServiceRequest) -> Seen {
    let mut seen = Seen::default();
    for group in &request.resource_metrics {
        enter(&mut seen, &group.resource);
        for scoped in &group.scope_metrics {
            enter_scope(&mut seen, &scoped.scope);
            for metric in &scoped.metrics {
                points(&mut seen, metric);
            }
        }
    }
    seen
}

macro_rules! point {
    ($p:expr, $value:expr) => {
        DataPoint {
            attributes: attributes(&$p.attributes),
            start_time_unix_nano: $p.start_time_unix_nano,
            time_unix_nano: $p.time_unix_nano,
            flags: $p.flags,
            value: if $p.flags & 1 == 1 { PointValue::None } else { $value },
            raw: b"",
        }
    };
}

fn points(seen: &mut Seen, metric: &m::Metric) {
    use m::metric::Data;
    let mut meta = MetricMeta {
        name: metric.name.as_str().into(),
        description: metric.description.as_str().into(),
        unit: metric.unit.as_str().into(),
        ..MetricMeta::default()
    };
    match &metric.data {
        None => {}
        Some(Data::Gauge(g)) => {
            g.data_points.iter().for_each(|p| seen.point(&meta, &point!(p, number(p))));
        }
        Some(Data::Sum(s)) => {
            meta.kind = MetricKind::Sum;
            meta.temporality = s.aggregation_temporality;
            meta.is_monotonic = s.is_monotonic;
            s.data_points.iter().for_each(|p| seen.point(&meta, &point!(p, number(p))));
        }
        Some(Data::Histogram(h)) => {
            meta.kind = MetricKind::Histogram;
            meta.temporality = h.aggregation_temporality;
            h.data_points.iter().for_each(|p| seen.point(&meta, &point!(p, histogram(p))));
        }
        Some(Data::ExponentialHistogram(h)) => {
            meta.kind = MetricKind::ExponentialHistogram;
            meta.temporality = h.aggregation_temporality;
            h.data_points.iter().for_each(|p| seen.point(&meta, &point!(p, exponential(p))));
        }
        Some(Data::Summary(s)) => {
            meta.kind = MetricKind::Summary;
            s.data_points.iter().for_each(|p| seen.point(&meta, &point!(p, summary(p))));
        }
    }
}

fn number(p: &m::NumberDataPoint) -> PointValue {
    match p.value {
        Some(m::number_data_point::Value::AsDouble(double)) => PointValue::Double(double),
        Some(m::number_data_point::Value::AsInt(int)) => PointValue::Int(int),
        None => PointValue::None,
    }
}

fn histogram(p: &m::HistogramDataPoint) -> PointValue {
    PointValue::Histogram {
        count: p.count,
        sum: p.sum,
        min: p.min,
        max: p.max,
        bucket_counts: p.bucket_counts.clone(),
        explicit_bounds: p.explicit_bounds.clone(),
    }
}

fn exponential(p: &m::ExponentialHistogramDataPoint) -> PointValue {
    let (positive, negative) = (p.positive.clone().unwrap_or_default(), p.negative.clone().unwrap_or_default());
    PointValue::ExponentialHistogram {
        count: p.count,
        sum: p.sum,
        min: p.min,
        max: p.max,
        scale: p.scale,
        zero_count: p.zero_count,
        zero_threshold: p.zero_threshold,
        positive_offset: positive.offset,
        positive_counts: positive.bucket_counts,
        negative_offset: negative.offset,
        negative_counts: negative.bucket_counts,
    }
}

fn summary(p: &m::SummaryDataPoint) -> PointValue {
    PointValue::Summary {
        count: p.count,
        sum: p.sum,
        quantiles: p.quantile_values.iter().map(|q| (q.quantile, q.value)).collect(),
    }
}
