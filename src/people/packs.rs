//! Which report packs a tenant shows, and those of its own.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Decision, Problem, now_ms};
use crate::audit::{Action, Entry};
use crate::auth::Principal;
use crate::auth::permissions::Permission;
use crate::control::records::{PackChoice, PackState, Tier};
use crate::control::{Change, Snapshot};
use crate::packs::Library;
use crate::packs::file::parse;

/// What may be said of a pack.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditPack {
    pub enabled: Option<bool>,
    /// A pack file (TOML) of the tenant's own; for the Enterprise tier.
    pub definition: Option<String>,
}

const MOST_OWN: usize = 50;

pub fn edit(
    snapshot: &Snapshot,
    library: &Library,
    who: &Principal,
    id: &str,
    request: &EditPack,
) -> Result<Decision<()>, Problem> {
    may_change(snapshot, who)?;
    let before = snapshot.pack(who.tenant(), id).map(|state| PackState::clone(state));
    if request.definition.is_none() && library.get(id).is_none() && before.as_ref().is_none_or(is_not_own) {
        return Err(Problem::unknown("pack", id));
    }
    let mut state = before.clone().unwrap_or_else(|| PackState {
        tenant_id: who.tenant().to_owned(),
        pack_id: id.to_owned(),
        created_at_ms: now_ms(),
        ..PackState::default()
    });
    let mut entries = Vec::new();
    let entry = |action, text: String| Entry::by(who, action, text).target("pack", id);
    if let Some(definition) = &request.definition {
        defined(snapshot, library, who, id, definition)?;
        state.definition.clone_from(definition);
        entries.push(entry(Action::PackEdit, format!("the pack {id} was written")));
    }
    if let Some(enabled) = request.enabled {
        let (choice, action, word) = match enabled {
            true => (PackChoice::On, Action::PackEnable, "on"),
            false => (PackChoice::Off, Action::PackDisable, "off"),
        };
        if state.choice != choice {
            state.choice = choice;
            entries.push(entry(action, format!("the pack {id} was turned {word}")));
        }
    }
    if before.as_ref() == Some(&state) || entries.is_empty() {
        return Ok(Decision::nothing(()));
    }
    Ok(Decision { change: Change::new().put(&state), entries, answer: () })
}

/// A pack of the tenant's own is gone; of another one, the choice is.
pub fn remove(snapshot: &Snapshot, library: &Library, who: &Principal, id: &str) -> Result<Decision<()>, Problem> {
    may_change(snapshot, who)?;
    let Some(state) = snapshot.pack(who.tenant(), id) else {
        let known = library.get(id).is_some();
        return if known { Ok(Decision::nothing(())) } else { Err(Problem::unknown("pack", id)) };
    };
    let what = if is_not_own(state) { "is on again where one of its sources was seen" } else { "was deleted" };
    let entry = Entry::by(who, Action::PackDelete, format!("the pack {id} {what}")).target("pack", id);
    Ok(Decision::new(Change::new().remove(&**state), entry, ()))
}

/// Whether the tier lets its own admins decide.
pub fn may_change(snapshot: &Snapshot, who: &Principal) -> Result<(), Problem> {
    if tier(snapshot, who) == Tier::Free && !who.has(Permission::TenantsManage) {
        return Err(Problem::not_allowed(
            "in the free tier the platform's admins turn packs on and off: ask one of them",
        ));
    }
    Ok(())
}

fn defined(snapshot: &Snapshot, library: &Library, who: &Principal, id: &str, definition: &str) -> Result<(), Problem> {
    if tier(snapshot, who) != Tier::Enterprise && !who.has(Permission::TenantsManage) {
        return Err(Problem::not_allowed("packs of one's own are for the enterprise tier"));
    }
    if library.get(id).is_some() {
        return Err(Problem::conflict(format!("{id} is a pack of the product's: give yours another id")));
    }
    let pack = parse(definition).map_err(|error| Problem::invalid(format!("definition: {error}")))?;
    if pack.id != id {
        return Err(Problem::invalid(format!("definition: its id is {:?}, and the address says {id:?}", pack.id)));
    }
    let own = snapshot.packs_of(who.tenant()).filter(|state| !is_not_own(state) && state.pack_id != id).count();
    if own >= MOST_OWN {
        return Err(Problem::conflict(format!("there are {MOST_OWN} packs of your own already: delete one first")));
    }
    Ok(())
}

fn is_not_own(state: &PackState) -> bool {
    state.definition.is_empty()
}

fn tier(snapshot: &Snapshot, who: &Principal) -> Tier {
    snapshot.tenants.get(who.tenant()).map(|tenant| tenant.tier).unwrap_or_default()
}
