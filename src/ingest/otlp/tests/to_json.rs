//! The reference types as OTLP/JSON.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1 as m;
use opentelemetry_proto::tonic::resource::v1::Resource;
use serde_json::{Value, json};

use super::render;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

fn double(d: f64) -> Value {
    match d {
        d if d.is_nan() => json!("NaN"),
        f64::INFINITY => json!("Infinity"),
        f64::NEG_INFINITY => json!("-Infinity"),
        d => json!(d),
    }
}

fn list<T>(items: &[T], item: impl Fn(&T) -> Value) -> Value {
    Value::Array(items.iter().map(item).collect())
}

fn value(value: &AnyValue) -> Value {
    use any_value::Value as V;
    match &value.value {
        Some(V::StringValue(text)) => json!({"stringValue": text}),
        Some(V::BoolValue(flag)) => json!({"boolValue": flag}),
        Some(V::IntValue(int)) if int % 2 == 0 => json!({"intValue": int}),
        Some(V::IntValue(int)) => json!({"intValue": int.to_string()}),
        Some(V::DoubleValue(d)) => json!({"doubleValue": double(*d)}),
        Some(V::BytesValue(bytes)) => json!({"bytesValue": render::base64(bytes)}),
        Some(V::ArrayValue(a)) => json!({"arrayValue": {"values": list(&a.values, self::value)}}),
        Some(V::KvlistValue(kv)) => json!({"kvlistValue": {"values": attributes(&kv.values)}}),
        _ => json!({}),
    }
}

pub fn attribute(pair: &KeyValue) -> Value {
    json!({"key": pair.key, "value": pair.value.as_ref().map(value)})
}

fn attributes(list: &[KeyValue]) -> Value {
    self::list(list, attribute)
}

fn resource(resource: &Option<Resource>) -> Value {
    json!(resource.as_ref().map(|r| json!({"attributes": attributes(&r.attributes)})))
}

fn scope(scope: &Option<InstrumentationScope>) -> Value {
    json!(
        scope.as_ref().map(|s| json!({"name": s.name, "version": s.version, "attributes": attributes(&s.attributes)}))
    )
}

pub fn logs(request: &ExportLogsServiceRequest) -> Value {
    let record = |r: &opentelemetry_proto::tonic::logs::v1::LogRecord| {
        json!({
            "timeUnixNano": r.time_unix_nano.to_string(),
            "observedTimeUnixNano": r.observed_time_unix_nano,
            "severityNumber": r.severity_number,
            "severityText": r.severity_text,
            "body": r.body.as_ref().map(value),
            "attributes": attributes(&r.attributes),
            "flags": r.flags,
            "traceId": hex(&r.trace_id),
            "spanId": hex(&r.span_id),
            "eventName": r.event_name,
        })
    };
    json!({"resourceLogs": list(&request.resource_logs, |g| json!({
        "resource": resource(&g.resource),
        "scopeLogs": list(&g.scope_logs, |s| json!({
            "scope": scope(&s.scope), "logRecords": list(&s.log_records, record),
        })),
    }))})
}

pub fn traces(request: &ExportTraceServiceRequest) -> Value {
    let span = |s: &opentelemetry_proto::tonic::trace::v1::Span| {
        json!({
            "traceId": hex(&s.trace_id),
            "spanId": hex(&s.span_id),
            "parentSpanId": hex(&s.parent_span_id),
            "traceState": s.trace_state,
            "flags": s.flags,
            "name": s.name,
            "kind": s.kind,
            "startTimeUnixNano": s.start_time_unix_nano.to_string(),
            "endTimeUnixNano": s.end_time_unix_nano.to_string(),
            "attributes": attributes(&s.attributes),
            "events": list(&s.events, |e| json!({
                "timeUnixNano": e.time_unix_nano.to_string(), "name": e.name, "attributes": attributes(&e.attributes),
            })),
            "links": list(&s.links, |l| json!({
                "traceId": hex(&l.trace_id), "spanId": hex(&l.span_id), "attributes": attributes(&l.attributes),
            })),
            "status": s.status.as_ref().map(|s| json!({"message": s.message, "code": s.code})),
        })
    };
    json!({"resourceSpans": list(&request.resource_spans, |g| json!({
        "resource": resource(&g.resource),
        "scopeSpans": list(&g.scope_spans, |s| json!({
            "scope": scope(&s.scope), "spans": list(&s.spans, span),
        })),
    }))})
}

pub fn metrics(request: &ExportMetricsServiceRequest) -> Value {
    json!({"resourceMetrics": list(&request.resource_metrics, |g| json!({
        "resource": resource(&g.resource),
        "scopeMetrics": list(&g.scope_metrics, |s| json!({
            "scope": scope(&s.scope), "metrics": list(&s.metrics, metric),
        })),
    }))})
}

fn metric(metric: &m::Metric) -> Value {
    use m::metric::Data;
    let mut out = json!({"name": metric.name, "description": metric.description, "unit": metric.unit});
    let (name, data) = match &metric.data {
        None => return out,
        Some(Data::Gauge(g)) => ("gauge", json!({"dataPoints": list(&g.data_points, number)})),
        Some(Data::Sum(s)) => (
            "sum",
            json!({
                "dataPoints": list(&s.data_points, number),
                "aggregationTemporality": s.aggregation_temporality,
                "isMonotonic": s.is_monotonic,
            }),
        ),
        Some(Data::Histogram(h)) => (
            "histogram",
            json!({
                "dataPoints": list(&h.data_points, histogram),
                "aggregationTemporality": h.aggregation_temporality,
            }),
        ),
        Some(Data::ExponentialHistogram(h)) => (
            "exponentialHistogram",
            json!({
                "dataPoints": list(&h.data_points, exponential),
                "aggregationTemporality": h.aggregation_temporality,
            }),
        ),
        Some(Data::Summary(s)) => ("summary", json!({"dataPoints": list(&s.data_points, summary)})),
    };
    out[name] = data;
    out
}

fn number(p: &m::NumberDataPoint) -> Value {
    use m::number_data_point::Value as V;
    let mut out = json!({
        "attributes": attributes(&p.attributes),
        "startTimeUnixNano": p.start_time_unix_nano.to_string(),
        "timeUnixNano": p.time_unix_nano.to_string(),
        "flags": p.flags,
    });
    match p.value {
        Some(V::AsDouble(d)) => out["asDouble"] = double(d),
        Some(V::AsInt(int)) => out["asInt"] = json!(int.to_string()),
        None => {}
    }
    out
}

fn histogram(p: &m::HistogramDataPoint) -> Value {
    json!({
        "attributes": attributes(&p.attributes),
        "startTimeUnixNano": p.start_time_unix_nano.to_string(),
        "timeUnixNano": p.time_unix_nano.to_string(),
        "count": p.count.to_string(),
        "sum": p.sum.map(double),
        "min": p.min.map(double),
        "max": p.max.map(double),
        "bucketCounts": list(&p.bucket_counts, |n| json!(n.to_string())),
        "explicitBounds": list(&p.explicit_bounds, |d| double(*d)),
        "flags": p.flags,
    })
}

fn exponential(p: &m::ExponentialHistogramDataPoint) -> Value {
    let buckets = |b: &Option<m::exponential_histogram_data_point::Buckets>| {
        json!(b.as_ref().map(|b| json!({
            "offset": b.offset, "bucketCounts": list(&b.bucket_counts, |n| json!(n.to_string())),
        })))
    };
    json!({
        "attributes": attributes(&p.attributes),
        "startTimeUnixNano": p.start_time_unix_nano.to_string(),
        "timeUnixNano": p.time_unix_nano.to_string(),
        "count": p.count.to_string(),
        "sum": p.sum.map(double),
        "min": p.min.map(double),
        "max": p.max.map(double),
        "scale": p.scale,
        "zeroCount": p.zero_count.to_string(),
        "zeroThreshold": double(p.zero_threshold),
        "positive": buckets(&p.positive),
        "negative": buckets(&p.negative),
        "flags": p.flags,
    })
}

fn summary(p: &m::SummaryDataPoint) -> Value {
    json!({
        "attributes": attributes(&p.attributes),
        "startTimeUnixNano": p.start_time_unix_nano.to_string(),
        "timeUnixNano": p.time_unix_nano.to_string(),
        "count": p.count.to_string(),
        "sum": double(p.sum),
        "quantileValues": list(&p.quantile_values, |q| json!({
            "quantile": double(q.quantile), "value": double(q.value),
        })),
        "flags": p.flags,
    })
}
