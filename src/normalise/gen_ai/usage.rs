//! A call's token counts, made disjoint: what was neither read from nor written to a cache, what was read, what was written.

use super::names;
use crate::model::event::{Event, NanoUsd};
use crate::normalise::keys::{Key, Names};
use crate::normalise::slots::Slots;
use crate::normalise::value;

/// What a reporter's input figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The conventions: cache included, unless the figures say otherwise.
    Detected,
    /// Cache not included in the calls of this provider.
    WithoutCacheOf(&'static str),
}

/// As they were said; `None` where nobody said anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tokens {
    pub input: Option<u64>,
    pub output: Option<u64>,
    pub cache_read: Option<u64>,
    pub cache_write: Option<u64>,
    pub cache_write_1h: Option<u64>,
    pub reasoning: Option<u64>,
    total: Option<u64>,
    /// Whether `input` leaves the cache out, where that is known.
    pub without_cache: Option<bool>,
}

// === impl Tokens ===

impl Tokens {
    pub fn read(slots: &mut Slots<'_>) -> Tokens {
        Tokens {
            input: take(slots, &names::INPUT),
            output: take(slots, &names::OUTPUT),
            cache_read: take(slots, &names::CACHE_READ),
            cache_write: take(slots, &names::CACHE_WRITE),
            cache_write_1h: slots
                .get(Key::AnthropicCacheWrite1h)
                .map(|_| slots.take_tokens(Key::AnthropicCacheWrite1h)),
            reasoning: take(slots, &names::REASONING),
            total: slots.first(&names::TOTAL).and_then(|(key, _)| slots.count(key)),
            without_cache: None,
        }
    }

    pub fn any(&self) -> bool {
        self.input.is_some() || self.output.is_some()
    }

    /// Into the columns.
    pub fn fill(&self, input: Input, event: &mut Event<'_>) {
        let (read, written) = (self.cache_read.unwrap_or(0), self.cache_write.unwrap_or(0));
        // Each is at most 10^12: see `value::tokens`.
        let cached = read + written;
        let said = self.input.unwrap_or(0);
        event.input_tokens = match self.leaves_cache_out(input, &event.provider, cached) {
            true => said,
            false => said.checked_sub(cached).unwrap_or(said),
        };
        event.cache_read_tokens = read;
        event.cache_creation_tokens = written;
        event.cache_creation_1h_tokens = self.cache_write_1h.unwrap_or(0).min(written);
        event.output_tokens = self.output.unwrap_or(0);
        event.reasoning_tokens = self.reasoning.unwrap_or(0);
        event.cache_known = self.cache_read.is_some() || self.cache_write.is_some();
    }

    /// Less input than cache, or a total that is the sum of all: a reporter that adds.
    fn leaves_cache_out(&self, input: Input, provider: &str, cached: u64) -> bool {
        if let Some(known) = self.without_cache {
            return known;
        }
        if matches!(input, Input::WithoutCacheOf(only) if only == provider) {
            return true;
        }
        let (Some(said), true) = (self.input, cached > 0) else {
            return false;
        };
        cached > said || self.total.is_some_and(|total| total == said + self.output.unwrap_or(0) + cached)
    }
}

/// The first of these that is a number. The same number under another name goes; everything else stays in the map.
fn take(slots: &mut Slots<'_>, names: &Names) -> Option<u64> {
    if !slots.any_of(&names.set) {
        return None;
    }
    let mut found = None;
    for &key in names.keys {
        let Some(number) = slots.get(key).map(value::tokens) else {
            continue;
        };
        match found {
            None if number.exact || number.value > 0 => {
                found = Some(number.value);
                slots.take_tokens(key);
            }
            Some(known) if number.exact && number.value == known => drop(slots.take(key)),
            _ => {}
        }
    }
    found
}

/// The first of these that is an amount.
pub fn cost(slots: &mut Slots<'_>) -> Option<NanoUsd> {
    if !slots.any_of(&names::COST.set) {
        return None;
    }
    names::COST.keys.iter().find_map(|&key| slots.take_as(key, value::usd))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(tokens: Tokens, input: Input) -> (u64, u64, u64, bool) {
        let mut event = Event { provider: "anthropic".into(), ..Event::default() };
        tokens.fill(input, &mut event);
        (event.input_tokens, event.cache_read_tokens, event.cache_creation_tokens, event.cache_known)
    }

    #[test]
    fn input_is_split_unless_the_reporter_adds() {
        let said = Tokens { input: Some(1000), output: Some(50), cache_read: Some(600), ..Tokens::default() };
        assert_eq!(columns(said, Input::Detected), (400, 600, 0, true));
        assert_eq!(columns(said, Input::WithoutCacheOf("anthropic")), (1000, 600, 0, true));
        assert_eq!(columns(said, Input::WithoutCacheOf("openai")), (400, 600, 0, true));
        let adds = Tokens { total: Some(1650), ..said };
        assert_eq!(columns(adds, Input::Detected), (1000, 600, 0, true));
        let includes = Tokens { total: Some(1050), ..said };
        assert_eq!(columns(includes, Input::Detected), (400, 600, 0, true));
        let less = Tokens { input: Some(10), ..said };
        assert_eq!(columns(less, Input::Detected), (10, 600, 0, true));
        let forced = Tokens { without_cache: Some(false), ..less };
        assert_eq!(columns(forced, Input::Detected), (10, 600, 0, true));
        assert_eq!(columns(Tokens { cache_read: None, ..said }, Input::Detected), (1000, 0, 0, false));
        assert_eq!(columns(Tokens { cache_read: Some(0), ..said }, Input::Detected), (1000, 0, 0, true));
    }
}
