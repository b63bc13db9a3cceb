//! Which of many rules an attribute name falls under, without asking each of them.

use hashbrown::HashMap;

/// Names and globs, each with the number of its rule. `*` stands for any run of characters, dots included.
#[derive(Debug, Default)]
pub struct Matcher {
    exact: HashMap<Box<str>, u16>,
    globs: Vec<(Glob, u16)>,
    lists: Vec<List>,
    /// By the first two bytes of a name: 0 where no pattern begins so, else one more than the index into `lists`. Most names
    /// end their way here.
    buckets: Buckets,
}

#[derive(Debug)]
struct Buckets([u16; 256]);

/// What may match the names of one bucket.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct List {
    exact: bool,
    /// Indexes into `globs`, by ascending rule.
    globs: Vec<u16>,
}

/// What stands between the stars; the first part is a prefix, the last a suffix.
#[derive(Debug)]
struct Glob(Vec<Box<str>>);

// === impl Matcher ===

impl Matcher {
    /// `patterns` with the numbers of their rules. Where several match, the lowest number wins.
    pub fn new<'p>(patterns: impl IntoIterator<Item = (&'p str, u16)>) -> Matcher {
        let mut matcher = Matcher::default();
        for (pattern, rule) in patterns {
            if pattern.contains('*') {
                matcher.globs.push((Glob::new(pattern), rule));
            } else {
                let lowest = matcher.exact.entry(pattern.into()).or_insert(rule);
                *lowest = rule.min(*lowest);
            }
        }
        matcher.globs.sort_by_key(|(_, rule)| *rule);
        matcher.fill_buckets();
        matcher
    }

    fn fill_buckets(&mut self) {
        let mut lists = vec![List::default(); 256];
        for name in self.exact.keys() {
            lists[bucket(name.as_bytes())].exact = true;
        }
        for (index, (glob, _)) in self.globs.iter().enumerate() {
            // More globs than that are not taken from a configuration.
            let index = u16::try_from(index).unwrap_or(u16::MAX);
            let prefix = glob.prefix().as_bytes();
            let mut into: Vec<usize> = match prefix {
                [] => (0..256).collect(),
                [first] => (0..=u8::MAX).map(|second| bucket(&[*first, second])).chain([bucket(&[*first])]).collect(),
                _ => vec![bucket(prefix)],
            };
            into.sort_unstable();
            into.dedup();
            into.into_iter().for_each(|at| lists[at].globs.push(index));
        }
        for (at, list) in lists.into_iter().enumerate() {
            if list == List::default() {
                continue;
            }
            let known = self.lists.iter().position(|other| *other == list);
            let index = known.unwrap_or_else(|| {
                self.lists.push(list);
                self.lists.len() - 1
            });
            // At most as many lists as buckets.
            self.buckets.0[at] = index as u16 + 1;
        }
    }

    /// The rule that this name falls under.
    #[inline]
    pub fn find(&self, name: &str) -> Option<u16> {
        match self.buckets.0[bucket(name.as_bytes())] {
            0 => None,
            list => self.search(&self.lists[usize::from(list) - 1], name),
        }
    }

    fn search(&self, list: &List, name: &str) -> Option<u16> {
        let exact = if list.exact { self.exact.get(name).copied() } else { None };
        let globs = list.globs.iter().map(|&index| &self.globs[usize::from(index)]);
        let mut before = globs.take_while(|(_, rule)| exact.is_none_or(|exact| *rule < exact));
        before.find(|(glob, _)| glob.matches(name)).map(|(_, rule)| *rule).or(exact)
    }
}

// === impl Buckets ===

impl Default for Buckets {
    fn default() -> Self {
        Buckets([0; 256])
    }
}

#[inline]
fn bucket(name: &[u8]) -> usize {
    let [first, second] = match name {
        [] => [0, 0],
        [first] => [*first, 0],
        [first, second, ..] => [*first, *second],
    };
    usize::from(first.wrapping_mul(31).wrapping_add(second))
}

// === impl Glob ===

impl Glob {
    fn new(pattern: &str) -> Glob {
        Glob(pattern.split('*').map(Box::from).collect())
    }

    fn prefix(&self) -> &str {
        self.0.first().map_or("", |part| part)
    }

    fn matches(&self, name: &str) -> bool {
        let [first, middle @ .., last] = self.0.as_slice() else {
            return false;
        };
        let Some(mut rest) = name.strip_prefix(&**first).and_then(|rest| rest.strip_suffix(&**last)) else {
            return false;
        };
        for part in middle {
            match rest.find(&**part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_rule_wins_whether_name_or_glob() {
        let matcher = Matcher::new([
            ("acme.secret.*", 3),
            ("acme.secret.name", 1),
            ("acme.*", 2),
            ("acme.id", 5),
            ("*.email", 4),
            ("x", 6),
            ("y*", 7),
        ]);
        for (name, rule) in [
            ("acme.secret.name", Some(1)),
            ("acme.secret.key", Some(2)),
            ("acme.id", Some(2)),
            ("acme.", Some(2)),
            ("acme", None),
            ("user.email", Some(4)),
            (".email", Some(4)),
            ("email", None),
            ("x", Some(6)),
            ("xx", None),
            ("y", Some(7)),
            ("yes", Some(7)),
            ("é.email", Some(4)),
            ("", None),
        ] {
            assert_eq!(matcher.find(name), rule, "{name}");
        }
    }

    #[test]
    fn stars_stand_for_any_run() {
        for (pattern, name, expected) in [
            ("llm.*.messages", "llm.openai.messages", true),
            ("llm.*.messages", "llm..messages", true),
            ("llm.*.messages", "llm.messages", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("aa*aa", "aaa", false),
            ("*", "", true),
            ("**", "x", true),
            ("é*", "éa", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn many_different_beginnings_are_still_found() {
        let names: Vec<String> =
            (0..400).map(|n| format!("{}{}*{n}", (b'a' + (n / 20) as u8) as char, n % 20)).collect();
        let matcher = Matcher::new(names.iter().zip(0..).map(|(name, rule)| (name.as_str(), rule)));
        for (rule, name) in names.iter().enumerate() {
            let found = matcher.find(&name.replace('*', "-"));
            assert!(found.is_some_and(|found| usize::from(found) <= rule), "{name}");
        }
    }
}
