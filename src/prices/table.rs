//! A price table in genai-prices' own format: which model a name means is asked of the crate, once per name; what a call of
//! that model costs is read from [`Sheet`]s.

use genai_prices::{Calculator, PriceRequest, Usage};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Call;
use super::sheet::{Sheet, WrittenPrices, WrittenVariant};

#[derive(Debug)]
pub struct Table {
    /// Knows names only: each model's id is its place in `providers`, "provider/model".
    names: Calculator,
    providers: Vec<Provider>,
}

#[derive(Debug)]
struct Provider {
    id: String,
    sheets: Vec<Sheet>,
}

/// A model of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    provider: u32,
    model: u32,
    /// The provider that was asked, not one whose models it offers too.
    own: bool,
}

// === as written ===

#[derive(Deserialize)]
struct WrittenProvider {
    id: String,
    name: String,
    model_match: Option<Box<RawValue>>,
    provider_match: Option<Box<RawValue>>,
    #[serde(default)]
    fallback_model_providers: Option<Vec<String>>,
    #[serde(default)]
    models: Vec<WrittenModel>,
}

#[derive(Deserialize)]
struct WrittenModel {
    #[serde(rename = "match")]
    matches: Box<RawValue>,
    prices: Option<WrittenPrices>,
    #[serde(default)]
    price_variants: Option<Vec<WrittenVariant>>,
}

/// What the crate needs to know names.
#[derive(Serialize)]
struct NamedProvider<'w> {
    id: &'w str,
    name: &'w str,
    /// Required; nobody asks by address.
    api_pattern: &'static str,
    model_match: Option<&'w RawValue>,
    provider_match: Option<&'w RawValue>,
    fallback_model_providers: &'w [String],
    models: Vec<NamedModel<'w>>,
}

#[derive(Serialize)]
struct NamedModel<'w> {
    id: String,
    #[serde(rename = "match")]
    matches: &'w RawValue,
}

// === impl Table ===

impl Table {
    /// Reads a table of somebody else's: the crate checks it first, so the error is in the words of its format.
    pub fn from_json(data: &[u8]) -> Result<Table, String> {
        Calculator::from_json(data).map_err(|error| error.to_string())?;
        Table::trusted(data)
    }

    /// As [`Table::from_json`], of data that is known to be valid.
    pub(super) fn trusted(data: &[u8]) -> Result<Table, String> {
        let written: Vec<WrittenProvider> = serde_json::from_slice(data).map_err(|error| error.to_string())?;
        let named: Vec<_> = written.iter().enumerate().map(|(place, provider)| provider.named(place)).collect();
        let names = serde_json::to_vec(&named).map_err(|error| error.to_string())?;
        let names = Calculator::from_json(names).map_err(|error| error.to_string())?;
        let providers = written.into_iter().map(Provider::read).collect::<Result<_, _>>()?;
        Ok(Table { names, providers })
    }

    /// The model that a call names: the answering one, then the one asked for, first of the provider that is named, then of
    /// whichever has it; then with the provider that stands before a slash in the model's name.
    pub(super) fn find(&self, call: &Call<'_>) -> Option<Place> {
        let models = || call.models.into_iter().filter(|model| !model.is_empty());
        let provider = own_name(call.provider);
        let by_provider = models().filter(|_| !provider.is_empty()).find_map(|model| self.ask(Some(provider), model));
        let by_model = || models().find_map(|model| self.ask(None, model));
        let by_prefix = || {
            let mut split = models().filter_map(|model| model.split_once('/'));
            split.find_map(|(provider, model)| self.ask(Some(own_name(provider)), model))
        };
        by_provider.or_else(by_model).or_else(by_prefix)
    }

    fn ask(&self, provider: Option<&str>, model: &str) -> Option<Place> {
        let nothing = Usage::new();
        // Names have no dates; without one the crate would ask the clock.
        let mut request = PriceRequest::new(model, &nothing).with_timestamp(std::time::UNIX_EPOCH);
        if let Some(provider) = provider {
            request = request.with_provider_id(provider);
        }
        let found = self.names.calculate(&request).ok()?;
        let (provider, model) = found.model_id.split_once('/')?;
        let (provider, model) = (provider.parse().ok()?, model.parse().ok()?);
        let own = self.providers.get(provider as usize)?.id == found.provider_id;
        Some(Place { provider, model, own })
    }

    /// US dollars, as the crate computes them.
    pub(super) fn cost(&self, place: Place, call: &Call<'_>) -> Option<f64> {
        let sheet = self.providers.get(place.provider as usize)?.sheets.get(place.model as usize)?;
        Some(sheet.cost(call, place.own))
    }
}

/// The conventions' names for providers that genai-prices calls otherwise and has no alias for.
fn own_name(provider: &str) -> &str {
    match provider {
        "x_ai" => "x-ai",
        "mistral_ai" => "mistral",
        "moonshot_ai" => "moonshotai",
        other => other,
    }
}

// === impl WrittenProvider ===

impl WrittenProvider {
    fn named(&self, place: usize) -> NamedProvider<'_> {
        NamedProvider {
            id: &self.id,
            name: &self.name,
            api_pattern: "-",
            model_match: self.model_match.as_deref(),
            provider_match: self.provider_match.as_deref(),
            fallback_model_providers: self.fallback_model_providers.as_deref().unwrap_or(&[]),
            models: self
                .models
                .iter()
                .enumerate()
                .map(|(at, model)| NamedModel { id: format!("{place}/{at}"), matches: &model.matches })
                .collect(),
        }
    }
}

// === impl Provider ===

impl Provider {
    fn read(written: WrittenProvider) -> Result<Provider, String> {
        let id = written.id;
        let sheets = written.models.into_iter().map(|model| {
            Sheet::read(model.prices, model.price_variants.unwrap_or_default())
                .map_err(|error| format!("a model of {id}: {error}"))
        });
        let sheets = sheets.collect::<Result<_, _>>()?;
        Ok(Provider { id, sheets })
    }
}
