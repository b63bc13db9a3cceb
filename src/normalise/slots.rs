//! A record's attributes, sorted once: those with a known name are found by [`Key`], the others go straight to the map.
//!
//! A dialect *takes* what it turns into a column. Whatever nobody took ends in the map, so nothing is lost by
//! forgetting about it.

use std::borrow::Cow;

use super::content::{self, Dropped, Policy, Verdict};
use super::keys::{Key, KeySet, Names};
use super::resource::ResourceCtx;
use super::value;
use crate::model::event::{AttributeValue, Str};
use crate::model::otlp::{KeyValue, Value};

pub struct Slots<'r> {
    source: &'r [KeyValue<'r>],
    resource: &'r ResourceCtx,
    /// Index into `source` by key, where `present` says so.
    at: [u16; Key::COUNT],
    present: KeySet,
    /// Stand-ins for attributes that are hashed; `at` means these where it has [`HASHED`].
    hashed: &'r [(usize, KeyValue<'static>)],
    map: Vec<(&'r str, AttributeValue<'r>)>,
}

const HASHED: u16 = 1 << 15;

// === impl Slots ===

impl<'r> Slots<'r> {
    pub fn sort(
        source: &'r [KeyValue<'r>],
        resource: &'r ResourceCtx,
        policy: Policy<'r>,
        dropped: &mut Dropped,
    ) -> Self {
        let (at, map) = ([0; Key::COUNT], Vec::with_capacity(source.len() + 2));
        let mut slots = Slots { source, resource, at, present: KeySet::NONE, hashed: policy.hashed(), map };
        for (index, attribute) in source.iter().enumerate() {
            let key = Key::of(&attribute.key);
            let at = match policy.judge(key, &attribute.key, &attribute.value, dropped) {
                Verdict::Keep => u16::try_from(index).ok().filter(|at| *at < HASHED),
                Verdict::Drop => continue,
                // Without its stand-in a value is not kept.
                Verdict::Hash => match policy.stand_in(index) {
                    Some(at) if at < HASHED => Some(at | HASHED),
                    _ => continue,
                },
            };
            match (key, at) {
                // a name that comes twice: the first one counts, the others are kept
                (Some(key), Some(at)) if !slots.present.has(key) => {
                    slots.present.insert(key);
                    slots.at[key as usize] = at;
                }
                (_, Some(at)) => slots.keep(slots.attribute(at)),
                (_, None) => slots.keep(attribute),
            }
        }
        slots
    }

    fn attribute(&self, at: u16) -> &'r KeyValue<'r> {
        match at & HASHED {
            0 => &self.source[usize::from(at)],
            _ => &self.hashed[usize::from(at & !HASHED)].1,
        }
    }

    /// The value, left where it is.
    #[inline]
    pub fn get(&self, key: Key) -> Option<&'r Value<'r>> {
        if !self.present.has(key) {
            return None;
        }
        Some(&self.attribute(self.at[key as usize]).value)
    }

    /// The value, for a column: the map won't have it.
    #[inline]
    pub fn take(&mut self, key: Key) -> Option<&'r Value<'r>> {
        let value = self.get(key)?;
        self.present.remove(key);
        Some(value)
    }

    pub fn any(&self, keys: &[Key]) -> bool {
        keys.iter().any(|&key| self.present.has(key))
    }

    #[inline]
    pub fn any_of(&self, keys: &KeySet) -> bool {
        self.present.meets(keys)
    }

    /// An attribute that no [`Key`] names, whether the policy kept it or not: for an id inside of content.
    pub fn raw(&self, name: &str) -> Option<&'r Value<'r>> {
        self.source.iter().find(|attribute| attribute.key == name).map(|attribute| &attribute.value)
    }

    pub fn text(&self, key: Key) -> Str<'r> {
        self.get(key).map_or(Cow::Borrowed(""), value::text)
    }

    #[inline]
    pub fn take_text(&mut self, key: Key) -> Str<'r> {
        self.take(key).map_or(Cow::Borrowed(""), value::text)
    }

    /// The first of these that is there and not empty, left where it is.
    pub fn first(&self, names: &Names) -> Option<(Key, Str<'r>)> {
        if !self.any_of(&names.set) {
            return None;
        }
        let texts = names.keys.iter().filter_map(|&key| Some((key, value::text(self.get(key)?))));
        texts.into_iter().find(|(_, text)| !text.is_empty())
    }

    /// Drops every one of these that says what a column says already.
    pub fn drop_all_if(&mut self, names: &Names, column: &str) {
        if self.any_of(&names.set) {
            names.keys.iter().for_each(|&key| self.drop_if(key, column));
        }
    }

    /// The first of these, for a column; those that say the same go with it.
    pub fn take_named(&mut self, names: &Names) -> Str<'r> {
        let text = self.first(names).map_or(Cow::Borrowed(""), |(_, text)| text);
        if !text.is_empty() {
            self.drop_all_if(names, &text);
        }
        text
    }

    /// The first of these that is there and not empty.
    pub fn take_first(&mut self, keys: &[Key]) -> Str<'r> {
        for &key in keys {
            if self.get(key).is_some_and(|v| !value::text(v).is_empty()) {
                return self.take_text(key);
            }
        }
        Cow::Borrowed("")
    }

    /// A token count; what the column can't hold exactly stays in the map as well.
    #[inline]
    pub fn take_tokens(&mut self, key: Key) -> u64 {
        let Some(number) = self.get(key).map(value::tokens) else {
            return 0;
        };
        if number.exact {
            self.present.remove(key);
        }
        number.value
    }

    pub fn count(&self, key: Key) -> Option<u64> {
        self.get(key).map(|v| value::count(v).value)
    }

    /// Takes what `read` understands, and leaves the rest in the map.
    #[inline]
    pub fn take_as<T>(&mut self, key: Key, read: impl Fn(&Value<'_>) -> Option<T>) -> Option<T> {
        let read = read(self.get(key)?)?;
        self.present.remove(key);
        Some(read)
    }

    /// Drops an attribute that says what a column says already.
    #[inline]
    pub fn drop_if(&mut self, key: Key, column: &str) {
        if self.get(key).is_some_and(|v| value::text(v) == column) {
            self.present.remove(key);
        }
    }

    /// Adds to the map what wasn't an attribute.
    pub fn add(&mut self, name: &'static str, text: impl Into<Str<'r>>) {
        self.map.push((name, AttributeValue::Text(text.into())));
    }

    pub fn add_all(&mut self, pairs: &'r [(String, String)]) {
        for (name, text) in pairs {
            let text = AttributeValue::Text(Cow::Borrowed(text));
            self.map.push((name, text));
        }
    }

    /// Once it is known that a record says what a model call came to: its error texts fall under another policy than the one
    /// that it was sorted by. Values that are hashed already are left alone.
    pub fn drop_error_texts(&mut self, policy: Policy<'_>, dropped: &mut Dropped) {
        self.map.retain(|(name, value)| match value {
            AttributeValue::Otlp(value) if content::is_error_text(name) && !policy.is_own(name) => {
                policy.judge(None, name, value, dropped) != Verdict::Drop
            }
            _ => true,
        });
    }

    /// The map: what was unknown, and what nobody took.
    pub fn finish(mut self) -> Vec<(&'r str, AttributeValue<'r>)> {
        for key in self.present.iter() {
            self.keep(self.attribute(self.at[key as usize]));
        }
        self.map
    }

    /// Claude Code repeats the resource's own attributes on every record; equal ones are kept there only.
    #[inline]
    fn keep(&mut self, attribute: &'r KeyValue<'r>) {
        let repeated = matches!(&attribute.value, Value::Str(text) if self.resource.has(&attribute.key, text));
        if !repeated {
            let value = AttributeValue::Otlp(&attribute.value);
            self.map.push((&attribute.key, value));
        }
    }
}
