//! A map that never grows past its size: who was not seen for longest makes room. For names that senders choose.

use std::collections::HashMap;
use std::hash::Hash;

use jiff::Timestamp;

#[derive(Debug, Clone)]
pub struct Bounded<K, V> {
    entries: HashMap<K, Dated<V>>,
    most: usize,
    /// Orders what happened within one tick of the clock.
    turn: u64,
    forgotten: u64,
}

#[derive(Debug, Clone)]
pub struct Dated<V> {
    pub value: V,
    pub last: Timestamp,
    turn: u64,
}

// === impl Bounded ===

impl<K: Hash + Eq + Clone, V> Bounded<K, V> {
    pub fn new(most: usize) -> Bounded<K, V> {
        Bounded { entries: HashMap::new(), most, turn: 0, forgotten: 0 }
    }

    /// The entry of `key`, which is seen with that. A new one may cost the oldest its place: a walk over all of them, which only
    /// a flood of new names pays.
    pub fn at(&mut self, key: K, now: Timestamp, make: impl FnOnce() -> V) -> &mut V {
        if self.entries.len() >= self.most && !self.entries.contains_key(&key) {
            let oldest = self.entries.iter().min_by_key(|(_, seen)| seen.turn).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                self.entries.remove(&oldest);
                self.forgotten += 1;
            }
        }
        self.turn += 1;
        let turn = self.turn;
        let seen = self.entries.entry(key).or_insert_with(|| Dated { value: make(), last: now, turn });
        (seen.last, seen.turn) = (now, turn);
        &mut seen.value
    }

    /// How many made room.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

impl<K: Hash + Eq, V> Bounded<K, V> {
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.entries.get(key).map(|seen| &seen.value)
    }

    /// In no order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Dated<V>)> {
        self.entries.iter()
    }

    /// Newest first.
    pub fn newest(&self) -> Vec<(&K, &Dated<V>)> {
        let mut all: Vec<_> = self.iter().collect();
        all.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.turn));
        all
    }
}

/// A sender's text, fit to be shown: at most `most` characters, none that moves a cursor or turns the writing around.
pub fn clean(text: &str, most: usize) -> String {
    let shown = |c: char| match c {
        // Marks of direction (Unicode Bidirectional Algorithm, table 4), and the separators that break lines.
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    let mut out: String = text.chars().take(most).map(shown).collect();
    if text.chars().nth(most).is_some() {
        out.push('…');
    }
    out
}
