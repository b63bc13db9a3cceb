//! Random requests of the reference implementation's types, out of a string of bytes (which proptest shrinks).

use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1 as m;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span};

pub struct Generate<'e> {
    entropy: &'e [u8],
}

// === impl Generate ===

impl<'e> Generate<'e> {
    pub fn new(entropy: &'e [u8]) -> Self {
        Generate { entropy }
    }

    fn byte(&mut self) -> u8 {
        match self.entropy.split_first() {
            Some((byte, rest)) => {
                self.entropy = rest;
                *byte
            }
            None => 0,
        }
    }

    pub fn list<T>(&mut self, max: u8, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let len = self.byte() % (max + 1);
        (0..len).map(|_| item(self)).collect()
    }

    fn some<T>(&mut self, item: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (!self.byte().is_multiple_of(4)).then(|| item(self))
    }

    fn u64(&mut self) -> u64 {
        match self.byte() % 6 {
            0 => 0,
            1 => u64::from(self.byte()),
            2 => u64::MAX,
            3 => 1_795_221_532_690_000_000,
            _ => u64::from_le_bytes([(); 8].map(|()| self.byte())),
        }
    }

    fn double(&mut self) -> f64 {
        match self.byte() % 7 {
            0 => 0.0,
            // not -0.0: prost leaves it out like any default
            1 => -0.5,
            2 => f64::NAN,
            3 => f64::INFINITY,
            4 => f64::NEG_INFINITY,
            5 => f64::from(self.byte()) / 7.0,
            _ => match f64::from_bits(self.u64()) {
                nan if nan.is_nan() => f64::NAN,
                other => other,
            },
        }
    }

    fn text(&mut self) -> String {
        let parts = [
            "a",
            "model",
            "\"",
            "\\",
            "\n",
            "\u{1}",
            "é",
            "😀",
            "",
            "user.id",
            "1e3",
            "-5",
            "true",
            "com.anthropic.claude_code.events",
            "com.anthropic.claude_code.tracing",
            "event.name",
            "claude_code.api_request",
            "claude_code.llm_request",
            "tool_result",
            "cost_usd",
            "input_tokens",
            "gen_ai.usage.input_tokens",
            "gen_ai.operation.name",
            "prompt",
            "error",
            "https://host/o/n",
            "vcs.repository.url.full",
            "2026-11-21T00:38:52.690Z",
            "event.timestamp",
            "long enough to be more than sixty-four bytes, which is another path",
        ];
        let count = [1, 1, 1, 0, 2, 3][usize::from(self.byte() % 6)];
        (0..count).map(|_| parts[usize::from(self.byte()) % parts.len()]).collect()
    }

    fn id(&mut self, len: usize) -> Vec<u8> {
        match self.byte() % 3 {
            0 => Vec::new(),
            _ => (0..len).map(|_| self.byte()).collect(),
        }
    }

    fn value(&mut self, depth: u8) -> AnyValue {
        use any_value::Value;
        let value = match self.byte() % if depth > 3 { 6 } else { 8 } {
            0 => None,
            1 => Some(Value::BoolValue(self.byte().is_multiple_of(2))),
            2 => Some(Value::IntValue(self.u64() as i64)),
            3 => Some(Value::DoubleValue(self.double())),
            4 => Some(Value::BytesValue(self.id(5))),
            5 => Some(Value::StringValue(self.text())),
            6 => Some(Value::ArrayValue(ArrayValue { values: self.list(3, |g| g.value(depth + 1)) })),
            _ => Some(Value::KvlistValue(KeyValueList { values: self.list(3, |g| g.pair(depth + 1)) })),
        };
        AnyValue { value }
    }

    fn pair(&mut self, depth: u8) -> KeyValue {
        KeyValue { key: self.text(), value: self.some(|g| g.value(depth)), ..Default::default() }
    }

    fn attributes(&mut self) -> Vec<KeyValue> {
        self.list(5, |g| g.pair(0))
    }

    fn resource(&mut self) -> Option<Resource> {
        self.some(|g| Resource { attributes: g.attributes(), ..Default::default() })
    }

    fn scope(&mut self) -> Option<InstrumentationScope> {
        self.some(|g| InstrumentationScope {
            name: g.text(),
            version: g.text(),
            attributes: g.attributes(),
            ..Default::default()
        })
    }

    pub fn resource_logs(&mut self) -> ResourceLogs {
        ResourceLogs {
            resource: self.resource(),
            scope_logs: self.list(3, |g| ScopeLogs {
                scope: g.scope(),
                log_records: g.list(4, Self::log),
                schema_url: g.text(),
            }),
            schema_url: self.text(),
        }
    }

    fn log(&mut self) -> LogRecord {
        LogRecord {
            time_unix_nano: self.u64(),
            observed_time_unix_nano: self.u64(),
            severity_number: i32::from(self.byte() % 25),
            severity_text: self.text(),
            body: self.some(|g| g.value(0)),
            attributes: self.attributes(),
            dropped_attributes_count: u32::from(self.byte()),
            flags: u32::from(self.byte()),
            trace_id: self.id(16),
            span_id: self.id(8),
            event_name: self.text(),
        }
    }

    pub fn resource_spans(&mut self) -> ResourceSpans {
        ResourceSpans {
            resource: self.resource(),
            scope_spans: self.list(3, |g| ScopeSpans {
                scope: g.scope(),
                spans: g.list(4, Self::span),
                schema_url: g.text(),
            }),
            schema_url: self.text(),
        }
    }

    fn span(&mut self) -> Span {
        Span {
            trace_id: self.id(16),
            span_id: self.id(8),
            trace_state: self.text(),
            parent_span_id: self.id(8),
            flags: u32::from(self.byte()),
            name: self.text(),
            kind: i32::from(self.byte() % 6),
            start_time_unix_nano: self.u64(),
            end_time_unix_nano: self.u64(),
            attributes: self.attributes(),
            dropped_attributes_count: 0,
            events: self.list(3, |g| span::Event {
                time_unix_nano: g.u64(),
                name: g.text(),
                attributes: g.attributes(),
                dropped_attributes_count: 1,
            }),
            dropped_events_count: 2,
            links: self.list(2, |g| span::Link {
                trace_id: g.id(16),
                span_id: g.id(8),
                trace_state: g.text(),
                attributes: g.attributes(),
                ..Default::default()
            }),
            dropped_links_count: 0,
            status: self.some(|g| Status { message: g.text(), code: i32::from(g.byte() % 3) }),
        }
    }

    pub fn resource_metrics(&mut self) -> m::ResourceMetrics {
        m::ResourceMetrics {
            resource: self.resource(),
            scope_metrics: self.list(3, |g| m::ScopeMetrics {
                scope: g.scope(),
                metrics: g.list(4, Self::metric),
                schema_url: g.text(),
            }),
            schema_url: self.text(),
        }
    }

    fn metric(&mut self) -> m::Metric {
        use m::metric::Data;
        let (name, description, unit) = (self.text(), self.text(), self.text());
        let aggregation_temporality = i32::from(self.byte() % 3);
        let data = self.some(|g| match g.byte() % 5 {
            0 => Data::Gauge(m::Gauge { data_points: g.list(3, Self::number) }),
            1 => Data::Sum(m::Sum {
                data_points: g.list(3, Self::number),
                aggregation_temporality,
                is_monotonic: g.byte().is_multiple_of(2),
            }),
            2 => Data::Histogram(m::Histogram { data_points: g.list(3, Self::histogram), aggregation_temporality }),
            3 => Data::ExponentialHistogram(m::ExponentialHistogram {
                data_points: g.list(3, Self::exponential),
                aggregation_temporality,
            }),
            _ => Data::Summary(m::Summary { data_points: g.list(3, Self::summary) }),
        });
        m::Metric { name, description, unit, data, ..Default::default() }
    }

    fn number(&mut self) -> m::NumberDataPoint {
        use m::number_data_point::Value;
        m::NumberDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.u64(),
            time_unix_nano: self.u64(),
            exemplars: self.list(1, |_| m::Exemplar::default()),
            flags: u32::from(self.byte() % 3),
            value: self.some(|g| match g.byte() % 2 {
                0 => Value::AsDouble(g.double()),
                _ => Value::AsInt(g.u64() as i64),
            }),
        }
    }

    fn histogram(&mut self) -> m::HistogramDataPoint {
        m::HistogramDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.u64(),
            time_unix_nano: self.u64(),
            count: self.u64(),
            sum: self.some(Self::double),
            bucket_counts: self.list(5, Self::u64),
            explicit_bounds: self.list(5, Self::double),
            exemplars: Vec::new(),
            flags: u32::from(self.byte() % 3),
            min: self.some(Self::double),
            max: self.some(Self::double),
        }
    }

    fn buckets(&mut self) -> Option<m::exponential_histogram_data_point::Buckets> {
        self.some(|g| m::exponential_histogram_data_point::Buckets {
            offset: g.u64() as i32,
            bucket_counts: g.list(5, Self::u64),
        })
    }

    fn exponential(&mut self) -> m::ExponentialHistogramDataPoint {
        m::ExponentialHistogramDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.u64(),
            time_unix_nano: self.u64(),
            count: self.u64(),
            sum: self.some(Self::double),
            scale: self.u64() as i32,
            zero_count: self.u64(),
            positive: self.buckets(),
            negative: self.buckets(),
            flags: u32::from(self.byte() % 3),
            exemplars: Vec::new(),
            min: self.some(Self::double),
            max: self.some(Self::double),
            zero_threshold: self.double(),
        }
    }

    fn summary(&mut self) -> m::SummaryDataPoint {
        m::SummaryDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.u64(),
            time_unix_nano: self.u64(),
            count: self.u64(),
            sum: self.double(),
            quantile_values: self
                .list(3, |g| m::summary_data_point::ValueAtQuantile { quantile: g.double(), value: g.double() }),
            flags: u32::from(self.byte() % 3),
        }
    }
}
