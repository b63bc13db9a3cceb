//! Both decoders against the reference implementation (opentelemetry-proto, encoded by prost), and against bytes that are
//! nobody's.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::*;
use prost::Message;

use self::generate::Generate;
use super::*;
use crate::model::event::AttributeValue;
use crate::model::otlp::KeyValue;
use crate::normalise::keys::Key;
use crate::normalise::rules::Rules;
use crate::normalise::{Context, Normaliser, value};

static CAPTURING: std::sync::LazyLock<Rules> = std::sync::LazyLock::new(Rules::capturing);

mod cases;
mod generate;
mod to_json;
mod to_views;

/// Everything that was visited, as text, without the raw bytes (which differ between the encodings).
#[derive(Default, Debug, PartialEq)]
pub struct Seen(pub Vec<String>);

impl Visit for Seen {
    fn resource(&mut self, resource: &Resource<'_>) {
        self.0.push(format!("{:?}", Resource { raw: b"", ..resource.clone() }));
    }
    fn scope(&mut self, scope: &InstrumentationScope<'_>) {
        self.0.push(format!("{:?}", InstrumentationScope { raw: b"", ..scope.clone() }));
    }
    fn log(&mut self, record: &LogRecord<'_>) {
        self.0.push(format!("{:?}", LogRecord { raw: b"", ..record.clone() }));
    }
    fn span(&mut self, span: &Span<'_>) {
        self.0.push(format!("{:?}", Span { raw: b"", ..span.clone() }));
    }
    fn point(&mut self, metric: &MetricMeta<'_>, point: &DataPoint<'_>) {
        self.0.push(format!("{metric:?} {:?}", DataPoint { raw: b"", ..point.clone() }));
    }
}

/// Normalises everything and checks what holds for every row.
struct Rows(Normaliser<'static>);

impl Default for Rows {
    fn default() -> Self {
        let now_ns = 1_795_221_532_690_000_000;
        Rows(Normaliser::new(Context { tenant_id: "t", project: "", now_ns, rules: &CAPTURING }))
    }
}

impl Visit for Rows {
    fn resource(&mut self, resource: &Resource<'_>) {
        self.0.resource(resource);
    }
    fn scope(&mut self, scope: &InstrumentationScope<'_>) {
        self.0.scope(scope);
    }
    fn log(&mut self, record: &LogRecord<'_>) {
        let row = self.0.log(record);
        assert!(!row.event_type.is_empty() && !row.event_class.is_empty() && !row.source.is_empty());
        kept(&record.attributes, &row.attributes, row.resource);
    }
    fn span(&mut self, span: &Span<'_>) {
        let row = self.0.span(span);
        assert!(!row.event_type.is_empty() && !row.event_class.is_empty() && !row.source.is_empty());
        kept(&span.attributes, &row.attributes, row.resource);
    }
    fn point(&mut self, metric: &MetricMeta<'_>, point: &DataPoint<'_>) {
        let row = self.0.point(metric, point);
        kept(&point.attributes, &row.attributes, row.resource);
    }
}

/// Every attribute that no dialect reads is in the map, or repeats the resource.
fn kept(given: &[KeyValue<'_>], map: &[(&str, AttributeValue<'_>)], resource: &[(String, String)]) {
    for attribute in given.iter().filter(|a| Key::of(&a.key).is_none()) {
        let in_map = map.iter().any(|(key, value)| {
            *key == attribute.key && matches!(value, AttributeValue::Otlp(v) if std::ptr::eq(*v, &attribute.value))
        });
        let text = value::text(&attribute.value);
        let repeated = resource.iter().any(|(k, v)| *k == attribute.key && *v == text);
        assert!(in_map || repeated, "{attribute:?}");
    }
}

const SIGNALS: [Signal; 3] = [Signal::Logs, Signal::Traces, Signal::Metrics];

fn seen(signal: Signal, encoding: Encoding, body: &[u8]) -> (Tally, Seen) {
    let mut seen = Seen::default();
    let tally = decode(signal, encoding, body, &Limits::default(), &mut seen).expect("decodes");
    (tally, seen)
}

/// A random request: as bytes, as JSON, and what should be seen of it.
fn request(signal: Signal, entropy: &[u8]) -> (Vec<u8>, serde_json::Value, Seen) {
    let mut g = Generate::new(entropy);
    match signal {
        Signal::Logs => {
            let r = ExportLogsServiceRequest { resource_logs: g.list(3, Generate::resource_logs) };
            (r.encode_to_vec(), to_json::logs(&r), to_views::logs(&r))
        }
        Signal::Traces => {
            let r = ExportTraceServiceRequest { resource_spans: g.list(3, Generate::resource_spans) };
            (r.encode_to_vec(), to_json::traces(&r), to_views::traces(&r))
        }
        Signal::Metrics => {
            let r = ExportMetricsServiceRequest { resource_metrics: g.list(3, Generate::resource_metrics) };
            (r.encode_to_vec(), to_json::metrics(&r), to_views::metrics(&r))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_requests_decode_as_the_reference_has_them(entropy in prop::collection::vec(any::<u8>(), 0..1500)) {
        for signal in SIGNALS {
            let (body, json, expected) = request(signal, &entropy);
            let (tally, found) = seen(signal, Encoding::Protobuf, &body);
            prop_assert_eq!(&found, &expected);
            prop_assert_eq!((tally.rejected, tally.repaired), (0, 0));
            // No request of its own signal is taken for another's.
            prop_assert_eq!(evidence::astray(signal, Encoding::Protobuf, &body), None);
            prop_assert_eq!(evidence::astray(signal, Encoding::Json, json.to_string().as_bytes()), None);
            let (_, from_json) = seen(signal, Encoding::Json, json.to_string().as_bytes());
            prop_assert_eq!(&from_json, &expected);
        }
    }

    #[test]
    fn truncated_and_mutated_bodies_never_panic(
        entropy in prop::collection::vec(any::<u8>(), 0..400),
        mutations in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        for signal in SIGNALS {
            let (mut body, json, _) = request(signal, &entropy);
            let mut json = json.to_string().into_bytes();
            for (at, byte) in &mutations {
                for body in [&mut body, &mut json] {
                    if !body.is_empty() {
                        let at = at.index(body.len());
                        body[at] = *byte;
                    }
                }
            }
            for len in 0..body.len() {
                let _ = decode(signal, Encoding::Protobuf, &body[..len], &Limits::default(), &mut Seen::default());
            }
            for len in (0..json.len()).step_by(7) {
                let _ = decode(signal, Encoding::Json, &json[..len], &Limits::default(), &mut Seen::default());
            }
        }
    }

    #[test]
    fn whatever_decodes_is_normalised_and_loses_no_unknown_attribute(
        entropy in prop::collection::vec(any::<u8>(), 0..1500),
    ) {
        for signal in SIGNALS {
            let (body, json, _) = request(signal, &entropy);
            let mut rows = Rows::default();
            for (encoding, body) in [(Encoding::Protobuf, &body), (Encoding::Json, &json.to_string().into_bytes())] {
                decode(signal, encoding, body, &Limits::default(), &mut rows).expect("decodes");
            }
        }
    }

    #[test]
    fn bytes_that_are_nobodys_never_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        for signal in SIGNALS {
            for encoding in [Encoding::Protobuf, Encoding::Json] {
                let _ = decode(signal, encoding, &body, &Limits::default(), &mut Seen::default());
                let _ = (evidence::astray(signal, encoding, &body), evidence::of_unreadable(encoding, &body));
            }
        }
    }
}
