//! What a call costs: the operator's own rules, then a price file, then the prices compiled in.
//!
//! Names are looked up once and kept; a call after that costs a hash, a read lock and a dozen multiplications. No I/O: who reads
//! the file hands its bytes in.

mod memo;
mod rule;
mod sheet;
mod table;

use std::borrow::Cow;
use std::sync::{Arc, LazyLock, PoisonError, RwLock, RwLockReadGuard};

use self::memo::{Memo, Resolved};
use crate::model::event::NanoUsd;

pub use self::rule::{Rates, Rule};
pub use self::table::Table;

/// The prices compiled in: those of the crate `genai-prices`, version [`BUNDLE`].
static BUNDLED: LazyLock<Table> = LazyLock::new(|| {
    let data = include_bytes!("../../config/prices/genai-prices.json");
    Table::trusted(data).expect("the file is compiled in, and tests price all its models")
});

/// What `price_version` says of the prices compiled in.
pub const BUNDLE: &str = "genai-prices 0.2.1";

/// One call, in the terms of the event table: token counts are disjoint.
#[derive(Debug, Clone, Copy, Default)]
pub struct Call<'a> {
    pub provider: &'a str,
    /// The model that answered, then the one that was asked for: the first with a price counts.
    pub models: [&'a str; 2],
    pub input_tokens: u64,
    pub cache_read_tokens: u64,
    /// All that was written to a cache, the 1-hour share included.
    pub cache_creation_tokens: u64,
    pub cache_creation_1h_tokens: u64,
    pub output_tokens: u64,
    /// A part of `output_tokens`.
    pub reasoning_tokens: u64,
    /// As the provider said it; empty if it didn't.
    pub service_tier: &'a str,
    /// When the call was made: prices have dates.
    pub timestamp_ns: i64,
}

/// A cost, and the table that it was computed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced<'p> {
    pub usd: NanoUsd,
    /// "config" or "config:NAME", "file:HASH", or [`BUNDLE`].
    pub version: Cow<'p, str>,
}

/// Without tables by default: nothing has a price.
#[derive(Debug, Default)]
pub struct Prices {
    rules: Vec<Rule>,
    /// Reporters whose own figures are not believed.
    distrusted: Vec<String>,
    bundled: bool,
    state: RwLock<State>,
}

/// What changes while the process runs.
#[derive(Debug, Default)]
struct State {
    file: Option<File>,
    /// What the names of calls mean in these tables.
    memo: Memo,
    /// Counts the files.
    generation: u64,
}

/// A price file.
#[derive(Debug, Clone)]
pub struct File {
    table: Arc<Table>,
    version: String,
}

// === impl Prices ===

impl Prices {
    /// The rules, then the prices compiled in; [`Prices::use_file`] puts a file between them.
    pub fn new(rules: Vec<Rule>, distrusted: Vec<String>) -> Prices {
        Prices { rules: rule::in_order(rules), distrusted, bundled: true, state: RwLock::default() }
    }

    /// From now on, in place of the file before.
    pub fn use_file(&self, file: File) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        *state = State { file: Some(file), memo: Memo::default(), generation: state.generation + 1 };
    }

    /// What `price_version` says of the file in use.
    pub fn file_version(&self) -> Option<String> {
        self.read().file.as_ref().map(|file| file.version.clone())
    }

    /// Decodes the prices compiled in, which takes some 30 ms, before somebody waits for them.
    pub fn warm(&self) {
        if self.bundled {
            LazyLock::force(&BUNDLED);
        }
    }

    /// Whether what this reporter says of costs is believed.
    pub fn trusts(&self, reporter: &str) -> bool {
        !self.distrusted.iter().any(|name| name == reporter)
    }

    /// `None`: no table has a price for it, or the figure is more than the column holds.
    pub fn price(&self, call: &Call<'_>) -> Option<Priced<'_>> {
        let state = self.read();
        if let Some(resolved) = state.memo.get(call) {
            return self.cost(&state, resolved, call);
        }
        let resolved = self.resolve(&state, call);
        let priced = self.cost(&state, &resolved, call);
        let generation = state.generation;
        drop(state);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.generation == generation {
            state.memo.insert(call, resolved);
        }
        priced
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What all tables have about the names of a call.
    fn resolve(&self, state: &State, call: &Call<'_>) -> Resolved {
        let rules = call.models.iter().flat_map(|model| {
            let named = move |rule: &&(usize, &Rule)| rule.1.names(call.provider, model);
            self.rules.iter().enumerate().filter(move |rule| named(&rule)).map(|(at, _)| at)
        });
        Resolved {
            rules: rules.collect(),
            file: state.file.as_ref().and_then(|file| file.table.find(call)),
            bundle: self.bundled.then(|| BUNDLED.find(call)).flatten(),
        }
    }

    fn cost(&self, state: &State, resolved: &Resolved, call: &Call<'_>) -> Option<Priced<'_>> {
        let rules = resolved.rules.iter().filter_map(|&at| self.rules.get(at));
        if let Some(rule) = rules.into_iter().find(|rule| rule.is_valid_at(call.timestamp_ns)) {
            return Some(Priced { usd: rule.rates.cost(call)?, version: Cow::Borrowed(&rule.version) });
        }
        if let (Some(place), Some(file)) = (resolved.file, &state.file) {
            let usd = NanoUsd::from_f64(file.table.cost(place, call)?)?;
            return Some(Priced { usd, version: Cow::Owned(file.version.clone()) });
        }
        // First: nobody decodes the bundle for nothing.
        let place = resolved.bundle?;
        let usd = NanoUsd::from_f64(BUNDLED.cost(place, call)?)?;
        Some(Priced { usd, version: Cow::Borrowed(BUNDLE) })
    }
}

// === impl File ===

impl File {
    /// Reads a price file: genai-prices' JSON, version 2. The error is in the words of that format.
    pub fn read(data: &[u8]) -> Result<File, String> {
        let table = Arc::new(Table::from_json(data)?);
        let hash = xxhash_rust::xxh3::xxh3_64(data) >> 32;
        Ok(File { table, version: format!("file:{hash:08x}") })
    }

    pub fn version(&self) -> &str {
        &self.version
    }
}
