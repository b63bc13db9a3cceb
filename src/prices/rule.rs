//! The operator's own prices, in exact decimal arithmetic.

use wildmatch::WildMatch;

use super::Call;
use crate::model::event::NanoUsd;

/// One `[[prices.rule]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Empty: any. Else as the `provider` column has it, whatever the case.
    pub provider: String,
    /// `*` stands for any run of characters, `?` for one; whatever the case.
    pub model: String,
    /// Calls before it are not this rule's; nanoseconds since 1970.
    pub valid_from_ns: Option<i64>,
    pub rates: Rates,
    /// What `price_version` says.
    pub version: String,
}

/// Units of 1e-9 US dollars for a million tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    pub input: u64,
    pub output: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    pub cache_write_1h: u64,
    pub reasoning: u64,
}

// === impl Rule ===

impl Rule {
    /// Whether it is about this provider and model, at whatever time.
    pub(super) fn names(&self, provider: &str, model: &str) -> bool {
        (self.provider.is_empty() || self.provider.eq_ignore_ascii_case(provider))
            && !model.is_empty()
            && glob(&self.model).matches(model)
    }

    pub(super) fn is_valid_at(&self, timestamp_ns: i64) -> bool {
        self.valid_from_ns.is_none_or(|from| timestamp_ns >= from)
    }
}

// === impl Rates ===

impl Rates {
    /// `None`: more than the column holds. Half a unit is rounded up.
    pub(super) fn cost(&self, call: &Call<'_>) -> Option<NanoUsd> {
        let written_1h = call.cache_creation_1h_tokens.min(call.cache_creation_tokens);
        let reasoning = call.reasoning_tokens.min(call.output_tokens);
        let charged = [
            (call.input_tokens, self.input),
            (call.cache_read_tokens, self.cache_read),
            (call.cache_creation_tokens - written_1h, self.cache_write),
            (written_1h, self.cache_write_1h),
            (call.output_tokens - reasoning, self.output),
            (reasoning, self.reasoning),
        ];
        let sum = charged.into_iter().try_fold(0u128, |sum, (tokens, rate)| {
            // Two 64-bit numbers: the product fits.
            sum.checked_add(u128::from(tokens) * u128::from(rate))
        })?;
        let nanos = i64::try_from(sum.checked_add(500_000)? / 1_000_000).ok()?;
        (nanos <= NanoUsd::MAX.0).then_some(NanoUsd(nanos))
    }
}

/// Letters match in either case. Asked once for each name: the memo remembers.
fn glob(pattern: &str) -> WildMatch {
    WildMatch::new_case_insensitive(pattern)
}

/// The order in which rules are tried: as they stand in the file, but of those about the same names the latest first.
pub(super) fn in_order(rules: Vec<Rule>) -> Vec<Rule> {
    let same =
        |a: &Rule, b: &Rule| a.provider.eq_ignore_ascii_case(&b.provider) && a.model.eq_ignore_ascii_case(&b.model);
    let mut ordered: Vec<Rule> = Vec::with_capacity(rules.len());
    for rule in rules {
        let earlier = ordered.iter().position(|other| same(other, &rule) && other.valid_from_ns < rule.valid_from_ns);
        match earlier {
            Some(at) => ordered.insert(at, rule),
            None => {
                let behind = ordered.iter().rposition(|other| same(other, &rule)).map(|at| at + 1);
                ordered.insert(behind.unwrap_or(ordered.len()), rule);
            }
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(model: &str, valid_from_ns: Option<i64>, version: &str) -> Rule {
        Rule {
            provider: String::new(),
            model: model.to_owned(),
            valid_from_ns,
            rates: Rates::default(),
            version: version.to_owned(),
        }
    }

    #[test]
    fn globs() {
        for (pattern, text, expected) in [
            ("gpt-4o", "GPT-4o", true),
            ("gpt-4o", "gpt-4o-mini", false),
            ("gpt-4o*", "gpt-4o-mini", true),
            ("*sonnet*", "us.anthropic.claude-sonnet-4-5-v1:0", true),
            ("*-sonnet-?", "claude-sonnet-5", true),
            ("*-sonnet-?", "claude-sonnet-55", false),
            ("*", "x", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
            ("**", "anything", true),
            ("", "x", false),
        ] {
            assert_eq!(glob(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn no_glob_takes_longer_than_the_product_of_the_lengths() {
        let pattern = "*a".repeat(40);
        assert!(!glob(&pattern).matches(&"a".repeat(39)));
        assert!(!glob(&pattern).matches(&format!("{}b", "a".repeat(5_000))));
    }

    #[test]
    fn of_the_same_names_the_latest_rule_comes_first_and_others_keep_their_places() {
        let rules = vec![
            rule("a", None, "old"),
            rule("*", None, "any"),
            rule("A", Some(9), "new"),
            rule("a", Some(5), "between"),
            rule("a", Some(9), "never"),
        ];
        let order: Vec<String> = in_order(rules).into_iter().map(|rule| rule.version).collect();
        assert_eq!(order, ["new", "never", "between", "old", "any"]);
    }

    #[test]
    fn halves_are_rounded_up_and_nothing_overflows() {
        let rates = Rates { input: 37_500_000, output: 1, ..Rates::default() };
        let call = Call { input_tokens: 1, ..Call::default() };
        // 0.0375 dollars for a million: 37.5 units for one.
        assert_eq!(rates.cost(&call), Some(NanoUsd(38)));
        let call = Call { output_tokens: 499_999, ..Call::default() };
        assert_eq!(rates.cost(&call), Some(NanoUsd(0)));
        let huge = Call { input_tokens: u64::MAX, output_tokens: u64::MAX, ..Call::default() };
        assert_eq!(Rates { input: u64::MAX, output: u64::MAX, ..Rates::default() }.cost(&huge), None);
    }

    #[test]
    fn each_token_is_charged_once() {
        let rates = Rates {
            input: 1_000_000,
            output: 10_000_000,
            cache_read: 100_000,
            cache_write: 2_000_000,
            cache_write_1h: 4_000_000,
            reasoning: 20_000_000,
        };
        let call = Call {
            input_tokens: 1_000,
            cache_read_tokens: 1_000,
            cache_creation_tokens: 1_000,
            cache_creation_1h_tokens: 400,
            output_tokens: 1_000,
            reasoning_tokens: 300,
            ..Call::default()
        };
        assert_eq!(rates.cost(&call), Some(NanoUsd(1_000 + 100 + 600 * 2 + 400 * 4 + 700 * 10 + 300 * 20)));
    }
}
