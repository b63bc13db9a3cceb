//! `[prices]`: the operator's own.

use std::path::PathBuf;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::Span;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Empty: none.
    pub file: PathBuf,
    pub check_every: Span,
    pub distrust_reported: Vec<String>,
    pub rule: Vec<PriceRule>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceRule {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub provider: String,
    pub model: String,
    pub input: UsdPerMillion,
    pub output: UsdPerMillion,
    pub cache_read: Option<UsdPerMillion>,
    pub cache_write: Option<UsdPerMillion>,
    pub cache_write_1h: Option<UsdPerMillion>,
    pub reasoning: Option<UsdPerMillion>,
    #[serde(default, deserialize_with = "date")]
    pub valid_from: Option<jiff::civil::Date>,
}

/// US dollars for a million tokens, in units of 1e-9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsdPerMillion(pub u64);

/// A hundred thousand dollars for a million tokens: a price past it is a slip of the decimal point.
const MOST: u64 = 100_000 * 1_000_000_000;

// === impl Prices ===

impl Prices {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.check_every.0.is_zero() {
            return Err("prices.check_every is 0: set at least 1s".to_owned());
        }
        for (index, rule) in self.rule.iter().enumerate() {
            rule.check().map_err(|error| format!("prices.rule {} (model {:?}): {error}", index + 1, rule.model))?;
        }
        Ok(())
    }
}

// === impl PriceRule ===

impl PriceRule {
    fn check(&self) -> Result<(), String> {
        if self.model.trim().is_empty() {
            return Err("model is empty: name one, or \"*\" for all".to_owned());
        }
        if let Some(sign) = self.model.chars().find(|c| matches!(c, '[' | ']' | '{' | '}' | '\\' | '^' | '$' | '|')) {
            return Err(format!(
                "{sign:?} has no meaning in a model's pattern: * is any run of characters, ? is one, all others are themselves"
            ));
        }
        if self.name.chars().count() > 60 || self.name.chars().any(char::is_control) {
            return Err("name is longer than 60 characters, or holds control characters".to_owned());
        }
        Ok(())
    }
}

// === impl UsdPerMillion ===

impl UsdPerMillion {
    /// `12`, `12.5`, `.5`: at most nine decimals, so that nothing is rounded.
    fn parse(text: &str) -> Result<UsdPerMillion, String> {
        let wrong = |why: &str| {
            Err(format!("{text:?} is not a price: {why}; write US dollars for a million tokens, such as \"2.55\""))
        };
        if text.trim_start().starts_with('-') {
            return wrong("it is negative");
        }
        let (whole, decimals) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || whole.len() + decimals.len() == 0 {
            return wrong("it is not a decimal number");
        }
        let decimals = decimals.trim_end_matches('0');
        if decimals.len() > 9 {
            return wrong("it has more than nine decimals");
        }
        let nanos = format!("{whole}{decimals:0<9}").parse().unwrap_or(u64::MAX);
        if nanos > MOST {
            return wrong("it is more than 100000 dollars");
        }
        Ok(UsdPerMillion(nanos))
    }
}

impl<'de> Deserialize<'de> for UsdPerMillion {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a price is neither text nor a number; write it as \"2.55\"")]
        enum Written {
            Text(String),
            Whole(i64),
            Decimal(f64),
        }
        let text = match Written::deserialize(from)? {
            Written::Text(text) => text,
            Written::Whole(number) => number.to_string(),
            // The shortest text of a number is what was written, up to 15 digits.
            Written::Decimal(number) => format!("{number}"),
        };
        UsdPerMillion::parse(&text).map_err(D::Error::custom)
    }
}

/// A date as text, or TOML's own.
fn date<'de, D: Deserializer<'de>>(from: D) -> Result<Option<jiff::civil::Date>, D::Error> {
    let text = match toml::Value::deserialize(from)? {
        toml::Value::String(text) => text,
        toml::Value::Datetime(date) => date.to_string(),
        other => other.type_str().to_owned(),
    };
    text.parse()
        .map(Some)
        .map_err(|_| D::Error::custom(format!("valid_from {text:?} is not a date such as \"2026-10-01\"")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn load(rules: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a.toml");
        std::fs::write(&path, rules).expect("written");
        Config::layered(Some(&path), std::iter::empty()).map_err(|error| error.to_string())
    }

    #[test]
    fn prices_are_exact_as_text_and_as_numbers() {
        for (text, nanos) in [
            ("\"2.55\"", 2_550_000_000),
            ("2.55", 2_550_000_000),
            ("0.075", 75_000_000),
            ("3", 3_000_000_000),
            ("\"0.000000001\"", 1),
            ("\".5\"", 500_000_000),
            ("\"1.2000000000000\"", 1_200_000_000),
            ("0", 0),
        ] {
            let config = load(&format!("[[prices.rule]]\nmodel = \"m\"\ninput = {text}\noutput = 1\n")).expect(text);
            assert_eq!(config.prices.rule[0].input, UsdPerMillion(nanos), "{text}");
        }
    }

    #[test]
    fn a_full_rule_is_read() {
        let config = load(
            "[[prices.rule]]\nname = \"contract\"\nprovider = \"anthropic\"\nmodel = \"claude-*\"\ninput = 1\noutput = 2\n\
             cache_read = 0.1\ncache_write = 1.25\ncache_write_1h = 2\nreasoning = 3\nvalid_from = 2026-10-01\n",
        )
        .expect("valid");
        let rule = &config.prices.rule[0];
        assert_eq!(rule.valid_from, Some(jiff::civil::date(2026, 10, 1)));
        assert_eq!(rule.cache_read, Some(UsdPerMillion(100_000_000)));
        assert_eq!((rule.name.as_str(), rule.provider.as_str()), ("contract", "anthropic"));
        assert_eq!(config.prices.distrust_reported, ["openlit"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let rule = |text: &str| load(&format!("[[prices.rule]]\nmodel = \"m\"\noutput = 1\n{text}"));
        for (text, said) in [
            ("input = -1\n", "negative"),
            ("input = \"-0.5\"\n", "negative"),
            ("input = \"cheap\"\n", "not a decimal number"),
            ("input = \"\"\n", "not a decimal number"),
            ("input = nan\n", "not a decimal number"),
            ("input = inf\n", "not a decimal number"),
            ("input = 1e300\n", "more than 100000 dollars"),
            ("input = \"0.0000000001\"\n", "nine decimals"),
            ("input = true\n", "neither text nor a number"),
            ("", "missing field `input`"),
            ("input = 1\ninputs = 2\n", "unknown field `inputs`"),
            ("input = 1\nvalid_from = \"October\"\n", "is not a date"),
            ("input = 1\nvalid_from = 3\n", "is not a date"),
        ] {
            let error = rule(text).expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
        }
        for (model, said) in [("", "model is empty"), ("gpt-[45]", "'['"), ("a|b", "'|'"), ("^gpt", "'^'")] {
            let error =
                load(&format!("[[prices.rule]]\nmodel = \"{model}\"\ninput = 1\noutput = 1\n")).expect_err(model);
            assert!(error.contains("prices.rule 1") && error.contains(said), "{error}");
        }
    }

    #[test]
    fn the_environment_names_the_file_and_the_distrusted() {
        let pairs =
            [("ACTIVITYLOG_PRICES_FILE", "/etc/p.json"), ("ACTIVITYLOG_PRICES_DISTRUST_REPORTED", "openlit, other")];
        let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = Config::layered(None, pairs).expect("valid");
        assert_eq!(config.prices.file, PathBuf::from("/etc/p.json"));
        assert_eq!(config.prices.distrust_reported, ["openlit", "other"]);
    }
}
