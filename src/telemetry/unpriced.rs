//! Calls whose model has no price, by provider and model: names that senders choose, so few of them and each cut short.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use super::counters::head;

const NAME: &str = "activitylog_unpriced_calls_total";
const MOST: usize = 200;
const MOST_CHARACTERS: usize = 100;
/// The label of all that came when there were enough names.
pub const OTHER: &str = "other";

#[derive(Debug, Default)]
pub struct Unpriced(Mutex<BTreeMap<(String, String), u64>>);

// === impl Unpriced ===

impl Unpriced {
    pub fn add(&self, provider: &str, model: &str, calls: u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (label(provider), label(model));
        let full = counts.len() >= MOST && !counts.contains_key(&key);
        let key = if full { (OTHER.to_owned(), OTHER.to_owned()) } else { key };
        *counts.entry(key).or_default() += calls;
    }

    /// Appends Prometheus text.
    pub fn write(&self, out: &mut String) {
        head(out, NAME, "counter", "Calls with tokens and neither a reported cost nor a price, by provider and model.");
        for ((provider, model), count) in &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // Writing to a String does not fail.
            let _ = writeln!(out, "{NAME}{{provider=\"{provider}\",model=\"{model}\"}} {count}");
        }
    }
}

/// Cut, then escaped as the exposition format wants it; other control characters have no business in a label.
fn label(text: &str) -> String {
    let mut label = String::with_capacity(text.len().min(MOST_CHARACTERS));
    for character in text.chars().take(MOST_CHARACTERS) {
        match character {
            '\\' => label.push_str("\\\\"),
            '"' => label.push_str("\\\""),
            '\n' => label.push_str("\\n"),
            other if other.is_control() => label.push(' '),
            other => label.push(other),
        }
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_in_number_and_length_and_no_call_is_lost() {
        let unpriced = Unpriced::default();
        for n in 0..1_000 {
            unpriced.add("p", &format!("model-{n}-{}", "x".repeat(1_000)), 1);
        }
        unpriced.add("p", &format!("model-0-{}", "x".repeat(1_000)), 1);
        let mut text = String::new();
        unpriced.write(&mut text);
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(samples.len(), MOST + 1);
        assert!(samples.iter().all(|line| line.len() < MOST_CHARACTERS + 80));
        let total: u64 = samples.iter().map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum();
        assert_eq!(total, 1_001);
    }

    #[test]
    fn what_senders_write_can_not_leave_its_label() {
        let unpriced = Unpriced::default();
        unpriced.add("a\"} 1\nx 2", "back\\slash\r", 3);
        let mut text = String::new();
        unpriced.write(&mut text);
        assert!(text.ends_with("{provider=\"a\\\"} 1\\nx 2\",model=\"back\\\\slash \"} 3\n"), "{text}");
    }
}
