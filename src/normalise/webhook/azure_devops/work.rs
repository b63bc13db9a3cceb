//! Work items.

use super::super::fact::{Copied, Fact};
use super::super::object::Object;
use super::{Known, Payload, Rule, identity};
use crate::model::event::Str;

pub(super) const RULES: [Rule; 5] = [
    Rule { event: "workitem.created", map: created, attributes: ITEM },
    Rule { event: "workitem.updated", map: updated, attributes: REVISION },
    Rule { event: "workitem.commented", map: commented, attributes: ITEM },
    Rule { event: "workitem.deleted", map: deleted, attributes: ITEM },
    Rule { event: "workitem.restored", map: restored, attributes: ITEM },
];

const ITEM: &[Copied] = &[
    ("work_item.type", "resource/fields/System.WorkItemType"),
    ("work_item.state", "resource/fields/System.State"),
    ("work_item.severity", "resource/fields/Microsoft.VSTS.Common.Severity"),
    ("work_item.priority", "resource/fields/Microsoft.VSTS.Common.Priority"),
    ("work_item.area", "resource/fields/System.AreaPath"),
    ("work_item.iteration", "resource/fields/System.IterationPath"),
    ("work_item.revision", "resource/rev"),
    ("state.reason", "resource/fields/System.Reason"),
];
const REVISION: &[Copied] = &[
    ("work_item.type", "resource/revision/fields/System.WorkItemType"),
    ("work_item.state", "resource/revision/fields/System.State"),
    ("work_item.severity", "resource/revision/fields/Microsoft.VSTS.Common.Severity"),
    ("work_item.priority", "resource/revision/fields/Microsoft.VSTS.Common.Priority"),
    ("work_item.area", "resource/revision/fields/System.AreaPath"),
    ("work_item.iteration", "resource/revision/fields/System.IterationPath"),
    ("work_item.revision", "resource/revision/rev"),
    ("state.reason", "resource/revision/fields/System.Reason"),
    ("work_item.update", "resource/id"),
];

fn created<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    fact.occurred_at = payload.it.time("fields/System.CreatedDate");
    item("created", "fields/System.CreatedBy", payload.it, fact)
}

/// Raises `workitem.updated` as well.
fn commented<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    fact.occurred_at = payload.it.time("fields/System.ChangedDate");
    item("commented", "fields/System.ChangedBy", payload.it, fact)
}

/// `System.ChangedDate` is the last edit before: the notification's time is nearer.
fn deleted<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    item("deleted", "fields/System.ChangedBy", payload.it, fact)
}

fn restored<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    item("restored", "fields/System.ChangedBy", payload.it, fact)
}

fn item<'d>(action: &str, who: &str, it: &Object<'d>, fact: &mut Fact<'d>) -> Known {
    fact.typed("work_item", action);
    fact.actor = identity(it, who);
    fact.target_id = it.text("id");
    fact.title = it.text("fields/System.Title");
    fact.add("assignee", identity(it, "fields/System.AssignedTo"));
    true
}

/// `resource.id` is the number of the update, `fields` holds what changed, `revision` the whole item. `revisedDate` is 9999-01-01
/// until the next update. States are free text in the process's language.
fn updated<'d>(payload: &Payload<'_, 'd>, fact: &mut Fact<'d>) -> Known {
    let it = payload.it;
    let item = [it.text("workItemId"), it.text("revision/id")].into_iter().find(|id| !matches!(id.as_ref(), "" | "0"));
    fact.target_id = item.unwrap_or_default();
    let times = ["fields/System.ChangedDate/newValue", "revision/fields/System.ChangedDate"];
    fact.occurred_at = it.first_time(&times);
    fact.actor = identity(it, "revisedBy");
    if fact.actor.is_empty() {
        fact.actor = identity(it, "revision/fields/System.ChangedBy");
    }
    fact.title = it.text("revision/fields/System.Title");
    fact.add("assignee", identity(it, "revision/fields/System.AssignedTo"));
    fact.url = url(it);
    let [from, to] = ["old", "new"].map(|which| it.text(&format!("fields/System.State/{which}Value")));
    if from == to {
        fact.typed("work_item", "updated");
    } else {
        fact.typed("work_item", "state_changed");
        fact.add("state.from", from);
        fact.add("state.to", to);
    }
    let fields = it.object("fields").map(|fields| changed(fields)).unwrap_or_default();
    fact.add("work_item.changed", fields);
    true
}

/// The item's page, else its address in the API, without the part that names the update.
fn url<'d>(it: &Object<'d>) -> Str<'d> {
    let page = it.first_text(&["_links/html/href", "revision/_links/html/href", "_links/parent/href"]);
    if page.is_empty() { it.first_text(&["revision/url", "url"]) } else { page }
}

/// The names of the changed fields that people change, as a list with commas.
fn changed(fields: &Object<'_>) -> String {
    const OWN: [&str; 6] = ["Rev", "AuthorizedDate", "RevisedDate", "ChangedDate", "Watermark", "AuthorizedAs"];
    let by_hand = |name: &&str| !name.strip_prefix("System.").is_some_and(|name| OWN.contains(&name));
    let names = fields.iter().map(|(name, _)| name.as_ref()).filter(by_hand).take(64);
    names.collect::<Vec<_>>().join(",")
}
