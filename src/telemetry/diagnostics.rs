//! What arrived, what was turned away and why, and what nobody knew: by tenant and source, so that mysterious traffic explains
//! itself. Kept in memory, bounded, since the process started.

use super::counters::Door;
use crate::outcome::Reason;

/// Who sends, as the operator would name it: the service of an exporter, the name of a webhook source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sender<'a> {
    pub door: Door,
    pub name: &'a str,
}

#[derive(Debug, Default)]
pub struct Diagnostics {}

// === impl Diagnostics ===

impl Diagnostics {
    /// So many items were stored.
    pub fn received(&self, _tenant: &str, _sender: Sender<'_>, _items: u64) {}

    /// A request, or items of it, was turned away. The tenant is empty where nobody knows whose it was.
    pub fn rejected(&self, _tenant: &str, _sender: Sender<'_>, _reason: Reason, _message: &str) {}

    /// A call whose model has no price.
    pub fn unpriced(&self, _tenant: &str, _provider: &str, _model: &str) {}

    /// An event kept as it came, because no rule maps its type.
    pub fn unmapped(&self, _tenant: &str, _source: &str, _event_type: &str) {}
}
