//! Sets of keys, and lists of the names under which one fact may come.

use super::keys::Key;

const WORDS: usize = Key::COUNT.div_ceil(64);

/// Some of the keys, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeySet([u64; WORDS]);

// === impl KeySet ===

impl KeySet {
    pub const NONE: KeySet = KeySet([0; WORDS]);

    pub const fn of(keys: &[Key]) -> KeySet {
        let mut set = KeySet::NONE;
        let mut at = 0;
        while at < keys.len() {
            set.0[keys[at] as usize / 64] |= 1 << (keys[at] as usize % 64);
            at += 1;
        }
        set
    }

    pub const fn and(mut self, other: KeySet) -> KeySet {
        let mut word = 0;
        while word < WORDS {
            self.0[word] |= other.0[word];
            word += 1;
        }
        self
    }

    #[inline]
    pub fn has(&self, key: Key) -> bool {
        self.0[key as usize / 64] & 1 << (key as usize % 64) != 0
    }

    #[inline]
    pub fn insert(&mut self, key: Key) {
        self.0[key as usize / 64] |= 1 << (key as usize % 64);
    }

    #[inline]
    pub fn remove(&mut self, key: Key) {
        self.0[key as usize / 64] &= !(1 << (key as usize % 64));
    }

    /// Whether some key is in both.
    #[inline]
    pub fn meets(&self, other: &KeySet) -> bool {
        self.0.iter().zip(&other.0).fold(0, |met, (own, other)| met | own & other) != 0
    }

    /// The keys in it, in the order of the table above.
    pub fn iter(self) -> impl Iterator<Item = Key> {
        (0..WORDS).flat_map(move |word| {
            let mut left = self.0[word];
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(Key::from_index(word * 64 + bit))
            })
        })
    }
}

/// The names under which one fact may come, best first.
#[derive(Debug)]
pub struct Names {
    pub keys: &'static [Key],
    /// The same keys: one test says that none of them is there.
    pub set: KeySet,
}

// === impl Names ===

impl Names {
    pub const fn of(keys: &'static [Key]) -> Names {
        Names { keys, set: KeySet::of(keys) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_hold_what_was_put_into_them() {
        let last = Key::from_index(Key::COUNT - 1);
        let mut set = KeySet::of(&[Key::UserId, last]);
        assert!(set.has(last) && !set.has(Key::Model));
        set.insert(Key::Model);
        set.remove(Key::UserId);
        assert_eq!(set.iter().collect::<Vec<_>>(), [Key::Model, last]);
        assert!(set.meets(&KeySet::of(&[last])) && !set.meets(&KeySet::of(&[Key::UserId])));
        assert_eq!(set.and(KeySet::of(&[Key::UserId])).iter().count(), 3);
    }
}
