//! One model's prices as genai-prices has them, and what a call costs by them. Unit prices, dates, context tiers and variants
//! are evaluated in the crate's own order of operations, so that the figure is the same to the last bit
//! (`tests/it/prices.rs` compares the two over the whole bundle).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Call;

/// What a token call can be charged for, in the order in which the crate adds up: by price key.
const KEYS: [&str; 7] = [
    "cache_read_mtok",
    "cache_write_1h_mtok",
    "cache_write_mtok",
    "input_mtok",
    "output_mtok",
    "output_reasoning_mtok",
    "requests_kcount",
];
const CACHE_READ: usize = 0;
const CACHE_WRITE_1H: usize = 1;
const CACHE_WRITE: usize = 2;
const INPUT: usize = 3;
const OUTPUT: usize = 4;
const REASONING: usize = 5;
const REQUESTS: usize = 6;

const SECONDS_PER_DAY: i64 = 86_400;

#[derive(Debug)]
pub(super) struct Sheet {
    /// The last one that is active counts; exactly one has no condition.
    standard: Vec<(When, Rates)>,
    variants: Vec<Variant>,
}

/// Rates that replace the standard ones for calls made in a certain way.
#[derive(Debug)]
struct Variant {
    context: Vec<(String, String)>,
    when: When,
    rates: Rates,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum When {
    Always,
    /// From a moment on, in seconds since 1970.
    From(i64),
    /// Each day between two times, in seconds since midnight UTC; over midnight if the end comes first.
    Daily {
        start: f64,
        end: f64,
    },
}

type Rates = [Option<Rate>; KEYS.len()];

/// US dollars for a million tokens or a thousand requests.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Rate {
    Flat(f64),
    /// Past `start` input tokens the whole call has that tier's rate. Sorted by `start`.
    Tiered {
        base: f64,
        tiers: Vec<Tier>,
    },
}

#[derive(Debug, Deserialize)]
pub(super) struct Tier {
    start: f64,
    price: f64,
}

// === as written ===

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum WrittenPrices {
    Conditional(Vec<WrittenConditional>),
    Direct(BTreeMap<String, Rate>),
}

#[derive(Deserialize)]
pub(super) struct WrittenConditional {
    constraint: Option<WrittenConstraint>,
    prices: BTreeMap<String, Rate>,
}

#[derive(Deserialize)]
pub(super) struct WrittenVariant {
    when: BTreeMap<String, String>,
    constraint: Option<WrittenConstraint>,
    prices: BTreeMap<String, Option<Rate>>,
}

#[derive(Deserialize)]
struct WrittenConstraint {
    start_date: Option<String>,
    start_time: Option<String>,
    end_time: Option<String>,
}

// === impl Sheet ===

impl Sheet {
    pub(super) fn read(prices: Option<WrittenPrices>, variants: Vec<WrittenVariant>) -> Result<Sheet, String> {
        let standard = match prices {
            None => vec![(When::Always, Rates::default())],
            Some(WrittenPrices::Direct(rates)) => vec![(When::Always, read_rates(rates))],
            Some(WrittenPrices::Conditional(all)) => {
                let read = all.into_iter().map(|one| Ok((read_when(one.constraint)?, read_rates(one.prices))));
                read.collect::<Result<_, String>>()?
            }
        };
        let variants = variants.into_iter().map(|written| {
            let rates = written.prices.into_iter().filter_map(|(key, rate)| Some((key, rate?))).collect();
            Ok(Variant {
                context: written.when.into_iter().collect(),
                when: read_when(written.constraint)?,
                rates: read_rates(rates),
            })
        });
        Ok(Sheet { standard, variants: variants.collect::<Result<_, String>>()? })
    }

    /// US dollars. `with_variants`: those of a model count only where its own provider was asked.
    pub(super) fn cost(&self, call: &Call<'_>, with_variants: bool) -> f64 {
        let active = self.standard.iter().rev().find(|(when, _)| when.is_active(call.timestamp_ns));
        // As the crate does where nothing is active.
        let Some((_, standard)) = active.or(self.standard.first()) else {
            return 0.0;
        };
        if self.variants.is_empty() || call.service_tier.is_empty() || !with_variants {
            return charge(call, |unit| standard[unit].as_ref());
        }
        let asked = context(call.service_tier);
        let fits = |variant: &&Variant| {
            variant.when.is_active(call.timestamp_ns)
                && variant.context.iter().all(|(key, value)| (key.as_str(), value.as_str()) == asked)
        };
        charge(call, |unit| {
            let special = self.variants.iter().filter(fits).find_map(|variant| variant.rates[unit].as_ref());
            special.or(standard[unit].as_ref())
        })
    }
}

/// In genai-prices batch is a way of sending, not a tier; Anthropic says it in `service_tier` all the same.
pub(super) fn context(service_tier: &str) -> (&'static str, &str) {
    if service_tier == "batch" { ("processing", "batch") } else { ("service_tier", service_tier) }
}

/// A unit is charged for what its more special units leave of it; one without a price of its own is charged as its parent.
fn charge<'s>(call: &Call<'_>, rate: impl Fn(usize) -> Option<&'s Rate>) -> f64 {
    let written_1h = call.cache_creation_1h_tokens.min(call.cache_creation_tokens);
    let reasoning = call.reasoning_tokens.min(call.output_tokens);
    let total = call.input_tokens.saturating_add(call.cache_read_tokens).saturating_add(call.cache_creation_tokens);
    let mut counts = [0u64; KEYS.len()];
    counts[CACHE_READ] = call.cache_read_tokens;
    counts[CACHE_WRITE_1H] = written_1h;
    counts[CACHE_WRITE] = call.cache_creation_tokens;
    counts[INPUT] = total;
    counts[OUTPUT] = call.output_tokens;
    counts[REASONING] = reasoning;
    counts[REQUESTS] = 1;
    // The specific ones first: what they charge is not charged again.
    for (unit, parent) in [(CACHE_WRITE_1H, CACHE_WRITE), (REASONING, OUTPUT)] {
        if rate(unit).is_some() && rate(parent).is_some() {
            counts[parent] -= counts[unit];
        }
    }
    let cached = [CACHE_READ, CACHE_WRITE_1H, CACHE_WRITE];
    let charged: u64 = cached.into_iter().filter(|&unit| rate(unit).is_some()).map(|unit| counts[unit]).sum();
    counts[INPUT] = counts[INPUT].saturating_sub(charged);

    let mut sums = [0.0; 3];
    for (unit, count) in counts.into_iter().enumerate() {
        let Some(rate) = rate(unit) else { continue };
        let per = if unit == REQUESTS { 1_000.0 } else { 1_000_000.0 };
        let sum = match unit {
            ..=INPUT => 0,
            OUTPUT | REASONING => 1,
            _ => 2,
        };
        // Counts are far below 2^53.
        sums[sum] += rate.at(total as f64) * count as f64 / per;
    }
    sums[2] + (sums[0] + sums[1])
}

fn read_rates(mut written: BTreeMap<String, Rate>) -> Rates {
    KEYS.map(|key| {
        let mut rate = written.remove(key)?;
        if let Rate::Tiered { tiers, .. } = &mut rate {
            tiers.sort_by(|a, b| a.start.total_cmp(&b.start));
        }
        Some(rate)
    })
}

fn read_when(constraint: Option<WrittenConstraint>) -> Result<When, String> {
    let Some(written) = constraint else {
        return Ok(When::Always);
    };
    match (written.start_date, written.start_time, written.end_time) {
        (Some(date), None, None) => {
            let date: jiff::civil::Date = date.parse().map_err(|_| format!("{date:?} is not a date"))?;
            let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|error| error.to_string())?;
            Ok(When::From(midnight.timestamp().as_second()))
        }
        (None, Some(start), Some(end)) => Ok(When::Daily { start: time_of_day(&start)?, end: time_of_day(&end)? }),
        _ => Err("a constraint is neither a start date nor a time of day".to_owned()),
    }
}

/// Seconds since midnight UTC of `HH:MM:SS[.fraction](Z|±HH:MM)`.
fn time_of_day(text: &str) -> Result<f64, String> {
    let on_some_day: jiff::Timestamp =
        format!("1970-01-02T{text}").parse().map_err(|_| format!("{text:?} is not a time of day"))?;
    let whole = on_some_day.as_second().rem_euclid(SECONDS_PER_DAY) as f64;
    Ok(whole + f64::from(on_some_day.subsec_nanosecond()) / 1e9)
}

// === impl When ===

impl When {
    fn is_active(self, timestamp_ns: i64) -> bool {
        let seconds = timestamp_ns.div_euclid(1_000_000_000);
        match self {
            When::Always => true,
            When::From(start) => seconds >= start,
            When::Daily { start, end } => {
                let nanos = timestamp_ns.rem_euclid(1_000_000_000) as f64;
                let time = seconds.rem_euclid(SECONDS_PER_DAY) as f64 + nanos / 1e9;
                if end < start { time >= start || time < end } else { time >= start && time < end }
            }
        }
    }
}

// === impl Rate ===

impl Rate {
    fn at(&self, input_tokens: f64) -> f64 {
        match self {
            Rate::Flat(price) => *price,
            Rate::Tiered { base, tiers } => {
                tiers.iter().rev().find(|tier| input_tokens > tier.start).map_or(*base, |tier| tier.price)
            }
        }
    }
}
