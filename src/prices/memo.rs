//! What the names of a call mean, looked up once.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::Call;
use super::table::Place;

/// What the tables have for a call's provider and models; which of it counts depends on the call's time and tokens.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// Places of the rules about it, in the order in which they are tried.
    pub rules: Vec<usize>,
    pub file: Option<Place>,
    pub bundle: Option<Place>,
}

/// Bounded: senders choose the names. Past it everything is forgotten, which costs each name a look-up.
const MOST: usize = 4096;
/// Longer names are looked up each time: nobody's model is called like that.
const LONGEST: usize = 512;

#[derive(Debug)]
pub(super) struct Memo {
    entries: HashTable<Entry>,
    /// So that nobody can choose names that collide.
    seed: u64,
}

#[derive(Debug)]
struct Entry {
    provider: Box<str>,
    models: [Box<str>; 2],
    resolved: Resolved,
}

// === impl Memo ===

impl Default for Memo {
    fn default() -> Self {
        Memo { entries: HashTable::new(), seed: RandomState::new().hash_one(0u8) }
    }
}

impl Memo {
    pub(super) fn get(&self, call: &Call<'_>) -> Option<&Resolved> {
        let same = |entry: &Entry| {
            *entry.provider == *call.provider
                && *entry.models[0] == *call.models[0]
                && *entry.models[1] == *call.models[1]
        };
        self.entries.find(hash(self.seed, call.provider, call.models), same).map(|entry| &entry.resolved)
    }

    pub(super) fn insert(&mut self, call: &Call<'_>, resolved: Resolved) {
        let length = call.provider.len() + call.models.iter().map(|model| model.len()).sum::<usize>();
        if length > LONGEST || self.get(call).is_some() {
            return;
        }
        if self.entries.len() >= MOST {
            self.entries.clear();
        }
        let seed = self.seed;
        let entry = Entry { provider: call.provider.into(), models: call.models.map(Into::into), resolved };
        let rehash = |entry: &Entry| hash(seed, &entry.provider, [&entry.models[0], &entry.models[1]]);
        self.entries.insert_unique(hash(seed, call.provider, call.models), entry, rehash);
    }
}

fn hash(seed: u64, provider: &str, models: [&str; 2]) -> u64 {
    [provider, models[0], models[1]].into_iter().fold(seed, |seed, name| xxh3_64_with_seed(name.as_bytes(), seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_within_its_bounds_whatever_is_sent() {
        let mut memo = Memo::default();
        for n in 0..3 * MOST {
            let model = format!("model-{n}");
            let call = Call { provider: "p", models: [&model, ""], ..Call::default() };
            memo.insert(&call, Resolved { rules: vec![n], ..Resolved::default() });
            assert_eq!(memo.get(&call).map(|found| found.rules.clone()), Some(vec![n]));
            assert!(memo.entries.len() <= MOST);
        }
        let long = "x".repeat(LONGEST + 1);
        let call = Call { models: [&long, ""], ..Call::default() };
        memo.insert(&call, Resolved::default());
        assert!(memo.get(&call).is_none());
    }

    #[test]
    fn names_are_not_confused() {
        let mut memo = Memo::default();
        let names = [("a", ["b", "c"]), ("ab", ["", "c"]), ("", ["ab", "c"]), ("a", ["c", "b"]), ("a", ["b", ""])];
        for (n, (provider, models)) in names.into_iter().enumerate() {
            memo.insert(
                &Call { provider, models, ..Call::default() },
                Resolved { rules: vec![n], ..Resolved::default() },
            );
        }
        for (n, (provider, models)) in names.into_iter().enumerate() {
            let found = memo.get(&Call { provider, models, ..Call::default() });
            assert_eq!(found.map(|found| found.rules.clone()), Some(vec![n]));
        }
    }
}
