//! The prices compiled in are those of the crate, and are evaluated as the crate does: every model, tier and date.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use activitylog::model::event::NanoUsd;
use activitylog::prices::{BUNDLE, Call, File, Prices};
use genai_prices::{Calculator, PriceRequest, Usage, UsageKey};
use proptest::prelude::*;

fn prices() -> Prices {
    Prices::new(Vec::new(), Vec::new())
}

fn at(timestamp_ns: i64) -> SystemTime {
    let since = Duration::from_nanos(timestamp_ns.unsigned_abs());
    if timestamp_ns < 0 { UNIX_EPOCH - since } else { UNIX_EPOCH + since }
}

/// What the crate says, with cache in the input as it wants it.
fn by_the_crate(call: &Call<'_>, provider: Option<&str>, model: &str) -> Option<NanoUsd> {
    let input = call.input_tokens + call.cache_read_tokens + call.cache_creation_tokens;
    let usage = Usage::from([
        (UsageKey::INPUT_TOKENS, input as f64),
        (UsageKey::CACHE_READ_TOKENS, call.cache_read_tokens as f64),
        (UsageKey::CACHE_WRITE_TOKENS, call.cache_creation_tokens as f64),
        (UsageKey::CACHE_WRITE_1H_TOKENS, call.cache_creation_1h_tokens as f64),
        (UsageKey::OUTPUT_TOKENS, call.output_tokens as f64),
        (UsageKey::OUTPUT_REASONING_TOKENS, call.reasoning_tokens as f64),
    ]);
    let mut request = PriceRequest::new(model, &usage).with_timestamp(at(call.timestamp_ns));
    if let Some(provider) = provider {
        request = request.with_provider_id(provider);
    }
    match call.service_tier {
        "" => {}
        "batch" => request = request.with_price_context("processing", "batch"),
        tier => request = request.with_price_context("service_tier", tier),
    }
    NanoUsd::from_f64(Calculator::bundled().calculate(&request).ok()?.total_price)
}

const TIERS: [&str; 7] = ["", "default", "flex", "priority", "fast", "batch", "of-nobody"];

/// Moments around every hour and every kind of date in the table.
fn moment() -> impl Strategy<Value = i64> {
    let day = -400i64..25_000;
    let of_day = prop_oneof![
        (0i64..96).prop_map(|quarter| quarter * 900_000_000_000),
        (0i64..96).prop_map(|quarter| quarter * 900_000_000_000 - 1),
        0i64..86_400_000_000_000,
    ];
    // Most in the years that have prices with dates.
    (prop_oneof![1 => day, 4 => 20_000i64..21_000], of_day).prop_map(|(day, time)| day * 86_400_000_000_000 + time)
}

/// Small, large, and on both sides of the tiers of context.
fn count() -> impl Strategy<Value = u64> {
    let starts = [32_000u64, 100_000, 128_000, 199_999, 200_000, 256_000, 272_000, 512_000, 524_288];
    prop_oneof![
        2 => Just(0),
        4 => 1u64..5_000,
        2 => 0u64..2_000_000,
        2 => (prop::sample::select(starts.to_vec()), 0u64..3).prop_map(|(start, more)| start + more - 1),
        1 => 0u64..1_000_000_000_000,
    ]
}

prop_compose! {
    fn call()(
        input_tokens in count(), cache_read_tokens in count(), cache_creation_tokens in count(), output_tokens in count(),
        one_hour in 0.0f64..=1.0, reasoning in 0.0f64..=1.0,
        service_tier in prop::sample::select(TIERS.to_vec()), timestamp_ns in moment(),
    ) -> Call<'static> {
        Call {
            input_tokens, cache_read_tokens, cache_creation_tokens, output_tokens, service_tier, timestamp_ns,
            cache_creation_1h_tokens: (cache_creation_tokens as f64 * one_hour) as u64,
            reasoning_tokens: (output_tokens as f64 * reasoning) as u64,
            ..Call::default()
        }
    }
}

proptest! {
    // Each case prices all models of the bundle, some 2,300.
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn every_model_costs_what_the_crate_says(call in call()) {
        let prices = prices();
        // Twice: looked up, and remembered.
        for _ in 0..2 {
            for provider in Calculator::bundled().providers() {
                for model in provider.models() {
                    let asked = Call { provider: provider.id(), models: [model.id(), ""], ..call };
                    let ours = prices.price(&asked).map(|priced| priced.usd);
                    let theirs = by_the_crate(&asked, Some(provider.id()), model.id());
                    // A model that its own id does not match is found without the provider, or not at all.
                    let theirs = theirs.or_else(|| by_the_crate(&asked, None, model.id()));
                    if theirs.is_some() || !model.id().contains('/') {
                        prop_assert_eq!(ours, theirs, "{} {} {:?}", provider.id(), model.id(), asked);
                    }
                }
            }
        }
    }
}

#[test]
fn the_data_and_its_name_are_those_of_the_crate_in_the_lock_file() {
    let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock")).unwrap();
    let version = lock.split("name = \"genai-prices\"\nversion = \"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(BUNDLE, format!("genai-prices {version}"), "copy the crate's data/prices.json too: docs/decisions/0010");
    let ours: Vec<serde_json::Value> =
        serde_json::from_slice(include_bytes!("../../../config/prices/genai-prices.json")).unwrap();
    let ours: Vec<(String, usize)> = ours
        .iter()
        .map(|provider| (provider["id"].as_str().unwrap().to_owned(), provider["models"].as_array().unwrap().len()))
        .collect();
    let theirs = Calculator::bundled().providers();
    let theirs: Vec<(String, usize)> = theirs.map(|one| (one.id().to_owned(), one.models().count())).collect();
    assert_eq!(ours, theirs);
}

#[test]
fn recorded_calls_cost_what_was_recorded() {
    type Case = (String, String, String, u64, u64, u64, u64, u64, f64);
    let cases: Vec<Case> = serde_json::from_slice(include_bytes!("../../fixtures/prices/recorded.json")).unwrap();
    assert_eq!(cases.len(), 35);
    let prices = prices();
    for (provider, answered, requested, input, read, written, output, reasoning, dollars) in &cases {
        let call = Call {
            provider,
            models: [answered, requested],
            input_tokens: *input,
            cache_read_tokens: *read,
            cache_creation_tokens: *written,
            output_tokens: *output,
            reasoning_tokens: *reasoning,
            timestamp_ns: 1_795_222_208_000_000_000,
            ..Call::default()
        };
        let priced = prices.price(&call).unwrap_or_else(|| panic!("no price: {call:?}"));
        assert!((priced.usd.0 as f64 / 1e9 - dollars).abs() < 1e-9, "{call:?}: {} of {dollars}", priced.usd.0);
        assert_eq!(priced.version, BUNDLE);
    }
}

fn one_million(provider: &str, model: &str) -> Option<NanoUsd> {
    let timestamp_ns = 1_795_222_208_000_000_000;
    let call = Call {
        provider,
        models: [model, ""],
        input_tokens: 1_000,
        output_tokens: 1_000,
        timestamp_ns,
        ..Call::default()
    };
    prices().price(&call).map(|priced| priced.usd)
}

#[test]
fn providers_are_known_by_the_names_of_the_conventions() {
    for (provider, model, plain) in [
        ("x_ai", "grok-4", "x-ai"),
        ("mistral_ai", "mistral-large-latest", "mistral"),
        ("moonshot_ai", "kimi-k2-0905-preview", "moonshotai"),
        ("gcp.vertex_ai", "gemini-2.5-pro", "google"),
        ("gcp.gemini", "gemini-2.5-pro", "google"),
        ("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws"),
        ("azure.ai.openai", "gpt-4o", "openai"),
        ("deepseek", "deepseek-chat", "deepseek"),
    ] {
        let ours = one_million(provider, model);
        assert!(ours.is_some(), "{provider} {model}");
        assert_eq!(ours, one_million(plain, model), "{provider} {model}");
    }
}

#[test]
fn an_unknown_provider_and_one_in_the_models_name_do_not_hide_the_price() {
    let plain = one_million("openai", "gpt-4o-mini");
    assert!(plain.is_some());
    assert_eq!(one_million("our-gateway", "gpt-4o-mini"), plain);
    assert_eq!(one_million("", "gpt-4o-mini"), plain);
    assert_eq!(one_million("", "openai/gpt-4o-mini"), plain);
    assert_eq!(one_million("our-gateway", "openai/gpt-4o-mini"), plain);
    assert_eq!(one_million("openai", "no-such-model"), None);
    assert_eq!(one_million("", ""), None);
}

#[test]
fn absurd_counts_reach_no_column() {
    let timestamp_ns = 1_795_222_208_000_000_000;
    let call = Call { provider: "openai", models: ["gpt-4o", ""], timestamp_ns, ..Call::default() };
    let prices = prices();
    assert_eq!(prices.price(&Call { input_tokens: u64::MAX, ..call }), None);
    assert_eq!(prices.price(&Call { cache_read_tokens: u64::MAX, input_tokens: u64::MAX, ..call }), None);
    // Parts that are larger than their whole count as the whole.
    let whole =
        Call { cache_creation_tokens: 10, cache_creation_1h_tokens: 10, output_tokens: 5, reasoning_tokens: 5, ..call };
    let more = Call { cache_creation_1h_tokens: 99, reasoning_tokens: 99, ..whole };
    assert_eq!(prices.price(&more), prices.price(&whole));
}

#[test]
fn a_file_stands_before_the_bundle_and_another_takes_its_place_at_once() {
    let file = |price: &str| {
        let json = format!(
            r#"[{{"id": "openai", "name": "O", "api_pattern": "x", "models": [
                {{"id": "gpt-4o", "match": {{"equals": "gpt-4o"}}, "prices": {{"input_mtok": {price}, "output_mtok": 0}}}}]}}]"#
        );
        File::read(json.as_bytes()).expect("a price file")
    };
    let prices = prices();
    let call = Call { provider: "openai", models: ["gpt-4o", ""], input_tokens: 1_000_000, ..Call::default() };
    assert_eq!(prices.price(&call).unwrap().version, BUNDLE);
    for price in [7, 9] {
        let file = file(&price.to_string());
        let version = file.version().to_owned();
        prices.use_file(file);
        let priced = prices.price(&call).unwrap();
        assert_eq!((priced.usd, priced.version.as_ref()), (NanoUsd(price * 1_000_000_000), version.as_str()));
        // What the file does not have is the bundle's.
        let mini = Call { models: ["gpt-4o-mini", ""], ..call };
        assert_eq!(prices.price(&mini).unwrap().version, BUNDLE);
    }
    for (text, said) in [
        ("", "JSON"),
        ("{}", "array"),
        (r#"[{"id": "x"}]"#, "required"),
        (
            r#"[{"id":"x","name":"X","api_pattern":"x","models":[{"id":"m","match":{"equals":"m"},"prices":{"input_mtok":-1}}]}]"#,
            "negative",
        ),
    ] {
        let error = File::read(text.as_bytes()).expect_err(text);
        println!("{text}: {error}");
        assert!(error.contains(said), "{text}: {error}");
    }
}
