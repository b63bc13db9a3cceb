//! What a call costs, decided once for every dialect: our own figure beside the reporter's, and which of them counts.

use crate::model::event::{AttributeValue, CostOrigin, Event, NanoUsd, UsageRole};
use crate::model::otlp::Value;
use crate::prices::{Call, Priced, Prices};

/// What an event's attributes say about its price. Those that did not become columns stay in the map, so a past event can be
/// priced again from what was stored.
#[derive(Debug, Clone, Copy, Default)]
struct Hints<'a> {
    /// Where it is not the model that answered.
    request_model: &'a str,
    service_tier: &'a str,
    /// Claude Code's: through whom it calls Anthropic's models.
    platform: &'a str,
}

/// The attributes that [`settle`] looks at, first by first.
pub const REQUEST_MODEL: [&str; 3] = ["gen_ai.request.model", "llm.request.model_name", "ai.model.id"];
/// Of the answer only: a request's tier is a wish ("auto").
pub const SERVICE_TIER: [&str; 4] = [
    "openai.response.service_tier",
    "gen_ai.openai.response.service_tier",
    "anthropic.response.service_tier",
    "gen_ai.response.service_tier",
];
pub const PLATFORM: &str = "anthropic.provider";

/// Fills the cost columns of a finished event that is a call. Others are left as their dialect made them.
pub fn settle<'r>(prices: &'r Prices, event: &mut Event<'r>) {
    if !is_call(event) {
        return;
    }
    let priced = has_tokens(event).then(|| price(prices, event)).flatten();
    event.cost_computed_usd = priced.as_ref().map(|priced| priced.usd);
    if let Some(priced) = priced {
        event.price_version = priced.version;
    }
    let reported = event.cost_reported_usd.filter(|_| prices.trusts(event.reporter));
    (event.cost_usd, event.cost_origin) = match (reported, event.cost_computed_usd) {
        (Some(usd), _) => (usd, CostOrigin::Reported),
        (None, Some(usd)) => (usd, CostOrigin::Computed),
        (None, None) => (NanoUsd::default(), CostOrigin::None),
    };
}

/// A call with tokens that nobody knows the cost of.
pub fn is_unpriced(event: &Event<'_>) -> bool {
    event.usage_role == UsageRole::Leaf && event.cost_origin == CostOrigin::None && has_tokens(event)
}

/// The provider in genai-prices' terms: Claude Code's calls are Anthropic's, unless the platform says through whom.
pub fn provider<'a>(provider: &'a str, platform: &str) -> &'a str {
    match platform {
        "bedrock" => "aws.bedrock",
        "vertex" => "gcp.vertex_ai",
        "foundry" => "azure.ai.inference",
        _ => provider,
    }
}

fn is_call(event: &Event<'_>) -> bool {
    match event.usage_role {
        UsageRole::Leaf => true,
        UsageRole::Copy => !event.usage_key.is_empty(),
        UsageRole::None | UsageRole::Aggregate => false,
    }
}

fn has_tokens(event: &Event<'_>) -> bool {
    event.input_tokens | event.output_tokens | event.cache_read_tokens | event.cache_creation_tokens != 0
}

fn price<'p>(prices: &'p Prices, event: &Event<'_>) -> Option<Priced<'p>> {
    let hints = hints(event);
    prices.price(&Call {
        provider: provider(&event.provider, hints.platform),
        models: [&event.model, hints.request_model],
        input_tokens: event.input_tokens,
        cache_read_tokens: event.cache_read_tokens,
        cache_creation_tokens: event.cache_creation_tokens,
        cache_creation_1h_tokens: event.cache_creation_1h_tokens,
        output_tokens: event.output_tokens,
        reasoning_tokens: event.reasoning_tokens,
        service_tier: hints.service_tier,
        timestamp_ns: event.timestamp_ns,
    })
}

fn hints<'e>(event: &'e Event<'_>) -> Hints<'e> {
    let mut found = [("", usize::MAX); 3];
    for (key, value) in &event.attributes {
        // The last letters tell almost all others apart, without a look at the lists.
        let (slot, known): (_, &[&str]) = match key.as_bytes() {
            [.., b't', b'i', b'e', b'r'] => (1, &SERVICE_TIER),
            [.., b'd', b'e', b'l'] | [.., b'.', b'i', b'd'] | [.., b'n', b'a', b'm', b'e'] => (0, &REQUEST_MODEL),
            [.., b'd', b'e', b'r'] => (2, &[PLATFORM]),
            _ => continue,
        };
        let value = text(value);
        if let Some(rank) = known.iter().position(|name| name == key)
            && rank < found[slot].1
            && !value.is_empty()
        {
            found[slot] = (value, rank);
        }
    }
    let [request_model, service_tier, mut platform] = found.map(|(value, _)| value);
    if platform.is_empty() && event.source == super::claude_code::SOURCE {
        let of_resource = event.resource.iter().find(|(key, _)| key == PLATFORM);
        platform = of_resource.map_or("", |(_, value)| value);
    }
    Hints { request_model, service_tier, platform }
}

fn text<'v>(value: &'v AttributeValue<'_>) -> &'v str {
    match value {
        AttributeValue::Otlp(Value::Str(text)) => text,
        AttributeValue::Text(text) => text,
        AttributeValue::Otlp(_) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prices::{Rates, Rule};

    fn prices() -> Prices {
        let rates = Rates { input: 1_000_000_000, output: 2_000_000_000, ..Rates::default() };
        let rule = Rule {
            provider: String::new(),
            model: "ours".to_owned(),
            valid_from_ns: None,
            rates,
            version: "config".to_owned(),
        };
        Prices::new(vec![rule], vec!["boaster".to_owned()])
    }

    fn call(role: UsageRole, model: &'static str) -> Event<'static> {
        Event {
            usage_role: role,
            usage_key: "key".into(),
            model: model.into(),
            input_tokens: 10,
            output_tokens: 5,
            timestamp_ns: 1_795_221_532_690_000_000,
            ..Event::default()
        }
    }

    const COMPUTED: NanoUsd = NanoUsd(20_000);
    const REPORTED: NanoUsd = NanoUsd(7);

    #[test]
    fn a_trusted_report_counts_and_the_computed_figure_stands_beside_it() {
        let prices = prices();
        let mut event =
            Event { cost_reported_usd: Some(REPORTED), reporter: "honest", ..call(UsageRole::Leaf, "ours") };
        settle(&prices, &mut event);
        assert_eq!((event.cost_usd, event.cost_origin), (REPORTED, CostOrigin::Reported));
        assert_eq!(event.cost_computed_usd, Some(COMPUTED));
        assert_eq!(event.price_version, "config");
    }

    #[test]
    fn a_distrusted_report_is_kept_and_does_not_count() {
        let prices = prices();
        let mut event =
            Event { cost_reported_usd: Some(REPORTED), reporter: "boaster", ..call(UsageRole::Leaf, "ours") };
        settle(&prices, &mut event);
        assert_eq!((event.cost_usd, event.cost_origin), (COMPUTED, CostOrigin::Computed));
        assert_eq!(event.cost_reported_usd, Some(REPORTED));
    }

    #[test]
    fn nothing_known_is_unpriced_and_no_tokens_are_no_gap() {
        let prices = prices();
        let mut event = call(UsageRole::Leaf, "nobody-sells-this");
        settle(&prices, &mut event);
        assert_eq!((event.cost_usd, event.cost_origin), (NanoUsd(0), CostOrigin::None));
        assert_eq!((event.cost_computed_usd, event.price_version.as_ref()), (None, ""));
        assert!(is_unpriced(&event));
        (event.input_tokens, event.output_tokens) = (0, 0);
        assert!(!is_unpriced(&event));
    }

    #[test]
    fn only_calls_are_priced() {
        let prices = prices();
        for role in [UsageRole::None, UsageRole::Aggregate] {
            let mut event = call(role, "ours");
            let before = event.clone();
            settle(&prices, &mut event);
            assert_eq!(event, before);
        }
        let mut copy = call(UsageRole::Copy, "ours");
        settle(&prices, &mut copy);
        assert_eq!(copy.cost_computed_usd, Some(COMPUTED));
        let mut nameless = Event { usage_key: "".into(), ..call(UsageRole::Copy, "ours") };
        settle(&prices, &mut nameless);
        assert_eq!(nameless.cost_computed_usd, None);
    }

    #[test]
    fn the_model_that_was_asked_for_stands_in_for_one_without_a_price() {
        let prices = prices();
        let mut event = call(UsageRole::Leaf, "ours-2026-11-01");
        event.attributes = vec![("gen_ai.request.model", AttributeValue::Text("ours".into()))];
        settle(&prices, &mut event);
        assert_eq!(event.cost_computed_usd, Some(COMPUTED));
    }

    #[test]
    fn the_tier_and_the_platform_are_read_from_the_attributes() {
        let prices = prices();
        let mut event = Event { provider: "openai".into(), ..call(UsageRole::Leaf, "o3") };
        settle(&prices, &mut event);
        let standard = event.cost_computed_usd.expect("a price");
        event.attributes = vec![("openai.response.service_tier", AttributeValue::Text("flex".into()))];
        settle(&prices, &mut event);
        assert_eq!(event.cost_computed_usd.expect("a price").0 * 2, standard.0);

        let mut event = Event {
            provider: "anthropic".into(),
            ..call(UsageRole::Leaf, "us.anthropic.claude-sonnet-4-5-20250929-v1:0")
        };
        event.attributes = vec![(PLATFORM, AttributeValue::Text("bedrock".into()))];
        settle(&prices, &mut event);
        // A regional endpoint of Bedrock: a tenth more than Anthropic's own 3 and 15 dollars for a million.
        assert_eq!(event.cost_computed_usd, Some(NanoUsd(115_500)));
    }
}
