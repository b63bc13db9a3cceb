//! Our own zero-copy decoder of the three export requests. A generated one builds the whole tree with a `String` per
//! key and value first, which costs several times what reading the bytes does.
//!
//! Field numbers are those of opentelemetry-proto 1.x (`logs/v1/logs.proto`, `trace/v1/trace.proto`,
//! `metrics/v1/metrics.proto`, `common/v1/common.proto`). Departures from a generated parser: a known field with
//! another wire type is skipped as unknown, and when a oneof arrives in pieces the last piece wins.

mod common;
pub mod evidence;
mod logs;
mod metrics;
mod traces;
mod wire;

pub use logs::decode_logs;
pub use metrics::decode_metrics;
pub use traces::decode_traces;

use self::common::{resource, scope};
use self::wire::{Field, Malformed, Reader};
use super::{Limits, Tally, Visit};
use crate::outcome::Reason;

/// Field numbers shared by `Export*ServiceRequest`, `Resource*` and `Scope*` of all signals. The deprecated
/// `instrumentation_library_*` fields (1000) are skipped like any unknown field.
const RESOURCE_ITEMS: u32 = 1;
const RESOURCE: u32 = 1;
const SCOPE_ITEMS: u32 = 2;
const SCOPE: u32 = 1;
const ITEMS: u32 = 2;

/// What one signal adds to the common envelope.
trait Items<'a> {
    /// How many records one entry of the scope's list holds (a metric holds its data points).
    fn count(&self, item: &'a [u8]) -> Result<u64, Malformed>;
    fn visit(
        &mut self,
        item: &'a [u8],
        limits: &Limits,
        tally: &mut Tally,
        visit: &mut impl Visit,
    ) -> Result<(), Malformed>;
}

/// Walks request -> resource -> scope -> items. Each message is read twice, first for its header (resource, scope),
/// which may legally come last; skipping over length-delimited fields costs next to nothing.
fn walk<'a>(
    body: &'a [u8],
    limits: &Limits,
    visit: &mut impl Visit,
    items: &mut impl Items<'a>,
) -> Result<Tally, Malformed> {
    let mut tally = Tally::default();
    for group in messages(body, RESOURCE_ITEMS) {
        let group = group?;
        let (resource, fits) = resource(group, RESOURCE, limits, &mut tally)?;
        if fits {
            visit.resource(&resource);
        }
        for scoped in messages(group, SCOPE_ITEMS) {
            let scoped = scoped?;
            let (scope, scope_fits) = scope(scoped, SCOPE, limits, &mut tally)?;
            if !fits || !scope_fits {
                reject_all(scoped, items, limits, &mut tally)?;
                continue;
            }
            visit.scope(&scope);
            for item in messages(scoped, ITEMS) {
                items.visit(item?, limits, &mut tally, visit)?;
            }
        }
    }
    Ok(tally)
}

/// The records under a resource or scope that is itself over the limit.
fn reject_all<'a>(
    scoped: &'a [u8],
    items: &impl Items<'a>,
    limits: &Limits,
    tally: &mut Tally,
) -> Result<(), Malformed> {
    for item in messages(scoped, ITEMS) {
        let count = items.count(item?)?;
        tally.reject(count, Reason::TooManyAttributes, || {
            format!("resource or scope with more than {} attributes", limits.max_attributes)
        });
    }
    Ok(())
}

/// The payloads of one length-delimited field of a message; the others are skipped.
fn messages(message: &[u8], number: u32) -> impl Iterator<Item = Result<&[u8], Malformed>> {
    let mut reader = Reader::new(message);
    let mut failed = false;
    std::iter::from_fn(move || {
        while !failed {
            match reader.next() {
                Ok(Some((n, Field::Bytes(bytes)))) if n == number => return Some(Ok(bytes)),
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(error) => {
                    failed = true;
                    return Some(Err(error));
                }
            }
        }
        None
    })
}

fn too_many_attributes(tally: &mut Tally, what: &str, limits: &Limits) {
    tally
        .reject(1, Reason::TooManyAttributes, || format!("{what} with more than {} attributes", limits.max_attributes));
}
