//! What pricing costs: `cargo bench --bench prices`. Prints ns per priced call, warm, beside the crate's own `calculate`, and ns per
//! record of decoding and normalising the recordings of Claude Code, without prices and with them.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use activitylog::ingest::otlp::{Encoding, Limits, Signal, Visit, decode};
use activitylog::model::event::UsageRole;
use activitylog::model::otlp::{DataPoint, InstrumentationScope, LogRecord, MetricMeta, Resource, Span};
use activitylog::normalise::rules::Rules;
use activitylog::normalise::{Context, Normaliser};
use activitylog::prices::{Call, Prices};
use genai_prices::{Calculator, PriceRequest, Usage, UsageKey};

const NOW: i64 = 1_795_221_532_690_000_000;
const ROUNDS: usize = 9;

struct Records<'c> {
    normaliser: Normaliser<'c>,
    records: u64,
    calls: u64,
}

impl Visit for Records<'_> {
    fn resource(&mut self, resource: &Resource<'_>) {
        self.normaliser.resource(resource);
    }
    fn scope(&mut self, scope: &InstrumentationScope<'_>) {
        self.normaliser.scope(scope);
    }
    fn log(&mut self, record: &LogRecord<'_>) {
        let event = self.normaliser.log(record);
        self.records += 1;
        self.calls += u64::from(event.usage_role == UsageRole::Leaf);
        black_box(&event);
    }
    fn span(&mut self, span: &Span<'_>) {
        black_box(self.normaliser.span(span));
    }
    fn point(&mut self, meta: &MetricMeta<'_>, point: &DataPoint<'_>) {
        black_box(self.normaliser.point(meta, point));
    }
}

/// The median of some rounds, in ns per item.
fn measure(items: u64, mut round: impl FnMut()) -> f64 {
    round();
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            round();
            start.elapsed().as_nanos() as f64 / items as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}

fn calls() -> Vec<Call<'static>> {
    let names = [
        ("anthropic", "claude-opus-4-5-20251101"),
        ("anthropic", "claude-haiku-4-5-20251001"),
        ("anthropic", "claude-sonnet-4-5-20250929"),
        ("openai", "gpt-4o-mini-2024-07-18"),
        ("gcp.gemini", "gemini-2.5-pro"),
    ];
    let call = |n: u64| {
        let (provider, model) = names[n as usize % names.len()];
        Call {
            provider,
            models: [model, ""],
            input_tokens: n % 9_000,
            cache_read_tokens: n % 300_000,
            cache_creation_tokens: n % 4_000,
            cache_creation_1h_tokens: n % 1_000,
            output_tokens: n % 2_000,
            timestamp_ns: NOW + n as i64 * 1_000_000,
            ..Call::default()
        }
    };
    (0..100_000).map(call).collect()
}

fn price_calls(prices: &Prices) {
    let calls = calls();
    let ours = measure(calls.len() as u64, || {
        for call in &calls {
            black_box(prices.price(call));
        }
    });
    let theirs = measure(calls.len() as u64 / 10, || {
        for call in &calls[..calls.len() / 10] {
            let input = call.input_tokens + call.cache_read_tokens + call.cache_creation_tokens;
            let usage = Usage::from([
                (UsageKey::INPUT_TOKENS, input as f64),
                (UsageKey::CACHE_READ_TOKENS, call.cache_read_tokens as f64),
                (UsageKey::CACHE_WRITE_TOKENS, call.cache_creation_tokens as f64),
                (UsageKey::CACHE_WRITE_1H_TOKENS, call.cache_creation_1h_tokens as f64),
                (UsageKey::OUTPUT_TOKENS, call.output_tokens as f64),
            ]);
            let request = PriceRequest::new(call.models[0], &usage)
                .with_provider_id(call.provider)
                .with_timestamp(UNIX_EPOCH + Duration::from_nanos(call.timestamp_ns as u64));
            black_box(Calculator::bundled().calculate(&request).is_ok());
        }
    });
    println!("a priced call            {ours:>8.0} ns");
    println!("the crate's calculate    {theirs:>8.0} ns");
}

fn recordings() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/claude-code");
    let files = std::fs::read_dir(folder).expect("the recordings").filter_map(|entry| Some(entry.ok()?.path()));
    let logs = files.filter(|path| path.to_string_lossy().ends_with("-logs.pb"));
    let mut logs: Vec<_> = logs.collect();
    logs.sort();
    logs.iter().map(|path| std::fs::read(path).expect("a recording")).collect()
}

fn normalise(bodies: &[Vec<u8>], rules: &Rules) -> (u64, u64) {
    let context = Context { tenant_id: "t", project: "", now_ns: NOW, rules };
    let mut seen = (0, 0);
    for body in bodies {
        let mut records = Records { normaliser: Normaliser::new(context), records: 0, calls: 0 };
        let decoded = decode(Signal::Logs, Encoding::Protobuf, body, &Limits::default(), &mut records);
        decoded.expect("a recording that was accepted");
        seen = (seen.0 + records.records, seen.1 + records.calls);
    }
    seen
}

fn main() {
    let start = Instant::now();
    let prices = Arc::new(Prices::new(Vec::new(), Vec::new()));
    prices.warm();
    println!("decoding the bundle      {:>8.1} ms", start.elapsed().as_secs_f64() * 1e3);
    price_calls(&prices);

    let bodies = recordings();
    let without = Rules::default();
    let with = Rules { prices, ..Rules::default() };
    let (records, calls) = normalise(&bodies, &with);
    println!("{records} records of Claude Code, {calls} of them calls:");
    let before = measure(records, || {
        black_box(normalise(&bodies, &without));
    });
    let after = measure(records, || {
        black_box(normalise(&bodies, &with));
    });
    println!("decoded and normalised, without prices {before:>6.0} ns a record");
    println!("decoded and normalised, with prices    {after:>6.0} ns a record ({:.3} times)", after / before);
}
