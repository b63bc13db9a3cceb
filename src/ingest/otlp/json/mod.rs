//! OTLP/JSON (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>), read leniently: ids in hex of any case,
//! 64-bit integers as strings or numbers, enums as numbers or names, `NaN` and infinities as strings, camelCase or
//! snake_case names, unknown fields and nulls ignored.
//!
//! Each record is first cut out as a raw value and then parsed by itself, so a bad one is rejected alone.

mod logs;
mod metrics;
mod repair;
mod scalar;
mod traces;
mod value;

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

pub use logs::decode_logs;
pub use metrics::decode_metrics;
pub use repair::repair;
pub use traces::decode_traces;

use self::scalar::Text;
use self::value::attributes;
use super::{DecodeError, Limits, Tally, Visit};
use crate::model::otlp::{InstrumentationScope, Resource};
use crate::outcome::Reason;

/// One `Resource*` message of any signal.
struct Group<'a> {
    resource: Option<&'a RawValue>,
    scopes: Vec<Scoped<'a>>,
}

/// One `Scope*` message of any signal.
struct Scoped<'a> {
    scope: Option<&'a RawValue>,
    /// The whole list, cut into records one by one: a list of slices would be several times as large as the body.
    items: Option<&'a RawValue>,
}

/// Why a record was rejected.
struct Rejection {
    reason: Reason,
    message: String,
}

/// What one signal adds to the common envelope.
trait Items<'a> {
    /// How many records one entry of the scope's list holds.
    fn count(&self, item: &'a RawValue) -> u64;
    fn visit(&mut self, item: &'a RawValue, limits: &Limits, tally: &mut Tally, visit: &mut impl Visit);
}

/// The three envelopes differ in names only.
macro_rules! envelope {
    ($parse:ident, $groups:literal | $groups_snake:literal, $scopes:literal | $scopes_snake:literal,
     $items:literal | $items_snake:literal) => {
        fn $parse(text: &str) -> Result<Vec<$crate::ingest::otlp::json::Group<'_>>, serde_json::Error> {
            use $crate::ingest::otlp::json::{Group, Scoped, null_default};

            #[derive(serde::Deserialize)]
            struct Request<'a> {
                #[serde(borrow, default, deserialize_with = "null_default")]
                #[serde(rename = $groups, alias = $groups_snake)]
                groups: Vec<ResourceItems<'a>>,
            }
            #[derive(serde::Deserialize)]
            struct ResourceItems<'a> {
                #[serde(borrow, default)]
                resource: Option<&'a serde_json::value::RawValue>,
                #[serde(borrow, default, deserialize_with = "null_default")]
                #[serde(rename = $scopes, alias = $scopes_snake)]
                scopes: Vec<ScopeItems<'a>>,
            }
            #[derive(serde::Deserialize)]
            struct ScopeItems<'a> {
                #[serde(borrow, default)]
                scope: Option<&'a serde_json::value::RawValue>,
                #[serde(borrow, default)]
                #[serde(rename = $items, alias = $items_snake)]
                items: Option<&'a serde_json::value::RawValue>,
            }

            fn scoped(s: ScopeItems<'_>) -> Scoped<'_> {
                Scoped { scope: s.scope, items: s.items }
            }
            let groups = serde_json::from_str::<Request<'_>>(text)?.groups.into_iter();
            Ok(groups
                .map(|g| Group { resource: g.resource, scopes: g.scopes.into_iter().map(scoped).collect() })
                .collect())
        }
    };
}
use envelope;

/// Repairs, parses the envelope, and hands it on. (The text may be a repaired copy that lives here, hence the closure.)
fn walk<V: Visit>(
    body: &[u8],
    visit: &mut V,
    request: impl for<'t> FnOnce(&'t str) -> Result<Vec<Group<'t>>, serde_json::Error>,
    groups: impl for<'t> FnOnce(Vec<Group<'t>>, &mut Tally, &mut V) -> Result<(), serde_json::Error>,
) -> Result<Tally, DecodeError> {
    let mut tally = Tally::default();
    let text = repair(body, &mut tally.repaired);
    if !text.trim_ascii_start().starts_with('{') {
        return Err(DecodeError::new("malformed JSON: expected an object"));
    }
    request(&text)
        .and_then(|parsed| groups(parsed, &mut tally, visit))
        .map_err(|error| DecodeError::new(format!("malformed JSON: {error}")))?;
    Ok(tally)
}

fn walk_groups<'a>(
    groups: Vec<Group<'a>>,
    limits: &Limits,
    tally: &mut Tally,
    visit: &mut impl Visit,
    items: &mut impl Items<'a>,
) -> Result<(), serde_json::Error> {
    for group in groups {
        let resource = resource(group.resource, limits);
        if let Ok(resource) = &resource {
            visit.resource(resource);
        }
        for scoped in group.scopes {
            match (&resource, &scope(scoped.scope, limits)) {
                (Ok(_), Ok(scope)) => {
                    visit.scope(scope);
                    each(scoped.items, |item| items.visit(item, limits, tally, visit))?;
                }
                (Err(bad), _) | (_, Err(bad)) => {
                    each(scoped.items, |item| {
                        tally.reject(items.count(item), bad.reason, || bad.message.clone());
                    })?;
                }
            }
        }
    }
    Ok(())
}

/// Hands on the elements of a list, still raw.
fn each<'a>(list: Option<&'a RawValue>, element: impl FnMut(&'a RawValue)) -> Result<(), serde_json::Error> {
    struct Each<F>(F);
    impl<'a, F: FnMut(&'a RawValue)> Visitor<'a> for Each<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }
        fn visit_unit<E>(self) -> Result<(), E> {
            Ok(())
        }
        fn visit_seq<A: SeqAccess<'a>>(mut self, mut seq: A) -> Result<(), A::Error> {
            while let Some(element) = seq.next_element()? {
                (self.0)(element);
            }
            Ok(())
        }
    }
    match list {
        Some(list) => serde_json::Deserializer::from_str(list.get()).deserialize_any(Each(element)),
        None => Ok(()),
    }
}

fn resource<'a>(raw: Option<&'a RawValue>, limits: &Limits) -> Result<Resource<'a>, Rejection> {
    #[derive(Deserialize)]
    struct Raw<'a> {
        #[serde(borrow, default)]
        attributes: Option<&'a RawValue>,
    }
    let mut resource = Resource::default();
    if let Some(raw) = raw {
        resource.raw = raw.get().as_bytes();
        let parsed: Raw<'_> = parse(raw, "resource")?;
        attributes(parsed.attributes, &mut resource.attributes, limits, "resource")?;
    }
    Ok(resource)
}

fn scope<'a>(raw: Option<&'a RawValue>, limits: &Limits) -> Result<InstrumentationScope<'a>, Rejection> {
    #[derive(Deserialize)]
    struct Raw<'a> {
        #[serde(borrow, default)]
        name: Text<'a>,
        #[serde(borrow, default)]
        version: Text<'a>,
        #[serde(borrow, default)]
        attributes: Option<&'a RawValue>,
    }
    let mut scope = InstrumentationScope::default();
    if let Some(raw) = raw {
        scope.raw = raw.get().as_bytes();
        let parsed: Raw<'_> = parse(raw, "scope")?;
        scope.name = parsed.name.0;
        scope.version = parsed.version.0;
        attributes(parsed.attributes, &mut scope.attributes, limits, "scope")?;
    }
    Ok(scope)
}

fn parse<'a, T: Deserialize<'a>>(raw: &'a RawValue, what: &str) -> Result<T, Rejection> {
    // serde would also read a struct from an array, by position
    if !raw.get().starts_with('{') {
        return Err(Rejection::malformed(what, "expected an object"));
    }
    serde_json::from_str(raw.get()).map_err(|error| Rejection::malformed(what, error))
}

/// `null` where a list or object is expected stands for its default (protobuf's JSON mapping).
fn null_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

// === impl Rejection ===

impl Rejection {
    fn malformed(what: &str, error: impl std::fmt::Display) -> Self {
        Rejection { reason: Reason::Malformed, message: format!("{what}: {error}") }
    }

    fn too_many_attributes(what: &str, limits: &Limits) -> Self {
        Rejection {
            reason: Reason::TooManyAttributes,
            message: format!("{what} with more than {} attributes", limits.max_attributes),
        }
    }

    fn count(self, tally: &mut Tally) {
        tally.reject(1, self.reason, || self.message);
    }
}
