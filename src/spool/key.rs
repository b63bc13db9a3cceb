//! The request key: what a request says, as a hash, and how long its sender may repeat it.
//!
//! The class is the key's highest bit, so that a look-up finds its window by one test and two requests of different classes
//! never have the same key.

use std::ops::{Index, IndexMut};

/// Identifies a request by what it says: the same bytes from the same tenant have the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestKey(u128);

/// How long a repetition is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Export,
    Delivery,
}

/// One of something for each class.
#[derive(Debug, Default)]
pub struct ByClass<T>([T; 2]);

const DELIVERY: u128 = 1 << 127;

// === impl RequestKey ===

impl RequestKey {
    /// An export request, which its sender repeats within minutes or never.
    pub fn export(hash: u128) -> RequestKey {
        RequestKey(hash & !DELIVERY)
    }

    /// A delivery with an id of its own (a webhook, a message), which may be repeated for days.
    pub fn delivery(hash: u128) -> RequestKey {
        RequestKey(hash | DELIVERY)
    }

    pub fn class(self) -> Class {
        if self.0 & DELIVERY == 0 { Class::Export } else { Class::Delivery }
    }

    /// The key of this class with these bits, as [`RequestKey::bits`] gave them.
    pub(super) fn of(class: Class, bits: u128) -> RequestKey {
        match class {
            Class::Export => RequestKey::export(bits),
            Class::Delivery => RequestKey::delivery(bits),
        }
    }

    pub(super) fn bits(self) -> u128 {
        self.0
    }
}

// === impl Class ===

impl Class {
    pub const ALL: [Class; 2] = [Class::Export, Class::Delivery];
}

// === impl ByClass ===

impl<T> ByClass<T> {
    pub fn new(make: impl FnMut(Class) -> T) -> ByClass<T> {
        ByClass(Class::ALL.map(make))
    }

    pub fn try_new<E>(mut make: impl FnMut(Class) -> Result<T, E>) -> Result<ByClass<T>, E> {
        Ok(ByClass([make(Class::Export)?, make(Class::Delivery)?]))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut()
    }
}

impl<T> Index<Class> for ByClass<T> {
    type Output = T;

    fn index(&self, class: Class) -> &T {
        &self.0[class as usize]
    }
}

impl<T> IndexMut<Class> for ByClass<T> {
    fn index_mut(&mut self, class: Class) -> &mut T {
        &mut self.0[class as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_hash_gives_two_keys_each_of_its_class(hash: u128) {
            let (export, delivery) = (RequestKey::export(hash), RequestKey::delivery(hash));
            prop_assert_eq!((export.class(), delivery.class()), (Class::Export, Class::Delivery));
            prop_assert_ne!(export, delivery);
            prop_assert_eq!(export.bits() << 1, hash << 1);
            prop_assert_eq!(delivery.bits() << 1, hash << 1);
            for key in [export, delivery] {
                prop_assert_eq!(RequestKey::of(key.class(), key.bits()), key);
            }
        }
    }
}
