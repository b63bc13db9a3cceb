//! Data points of model calls, agents and tools: model, provider, operation, and the token type as `series_type`.

use std::borrow::Cow;

use super::{PREFIX, SOURCE, names, operation, provider};
use crate::model::metric::Metric;
use crate::normalise::resource::ScopeCtx;
use crate::normalise::slots::Slots;

pub(in crate::normalise) fn point<'r>(scope: &ScopeCtx, slots: &mut Slots<'r>, metric: &mut Metric<'r>) {
    metric.source = Cow::Borrowed("otel");
    let product = scope.gen_ai.is_some_and(|dialect| dialect.whole);
    if !product && !metric.name.starts_with(PREFIX) && !slots.any_of(&names::SPEAKS) {
        return;
    }
    metric.source = Cow::Borrowed(SOURCE);
    let text = |slots: &Slots<'r>, names| slots.first(names).map_or(Cow::Borrowed(""), |(_, text)| text);
    metric.model = match text(slots, &names::RESPONSE_MODEL) {
        model if model.is_empty() => text(slots, &names::REQUEST_MODEL),
        model => model,
    };
    slots.drop_all_if(&names::RESPONSE_MODEL, &metric.model);
    slots.drop_all_if(&names::REQUEST_MODEL, &metric.model);
    metric.provider = provider::normalise(text(slots, &names::PROVIDER), &metric.model);
    slots.drop_all_if(&names::PROVIDER, &metric.provider);
    metric.operation = operation::normalise(text(slots, &names::OPERATION));
    slots.drop_all_if(&names::OPERATION, &metric.operation);
    metric.series_type = slots.take_named(&names::TOKEN_TYPE);
    metric.tool_name = slots.take_named(&names::TOOL);
    metric.feature = text(slots, &names::AGENT);
}
