//! The `message` column: one short line for the feed, made of names and numbers only, never of content.

use crate::model::event::{Event, NanoUsd, Str};

/// What a sender wrote is cut here, so that a line stays one.
const MAX_PART: usize = 120;

pub struct Line(String);

// === impl Line ===

impl Line {
    pub fn new() -> Self {
        Line(String::with_capacity(80))
    }

    /// `claude-opus-5-5: 120 in, 14 out, 900 cached`
    pub fn usage(event: &Event<'_>) -> Self {
        let line = Line::new().name(&event.model, "model").lit(": ");
        let line = line.number(event.input_tokens).lit(" in, ");
        let line = line.number(event.output_tokens).lit(" out");
        match event.cache_read_tokens {
            0 => line,
            cached => line.lit(", ").number(cached).lit(" cached"),
        }
    }

    /// Text of ours.
    #[inline]
    pub fn lit(mut self, text: &'static str) -> Self {
        self.0.push_str(text);
        self
    }

    /// A name of the sender's, or `otherwise` where there is none.
    pub fn name(mut self, text: &str, otherwise: &'static str) -> Self {
        if text.is_empty() {
            self.0.push_str(otherwise);
        } else if text.len() <= MAX_PART {
            self.0.push_str(text);
        } else {
            let end = (0..=MAX_PART).rev().find(|&at| text.is_char_boundary(at));
            self.0.push_str(&text[..end.unwrap_or(0)]);
            self.0.push('…');
        }
        self
    }

    /// ` (name)`, if there is one.
    pub fn aside(self, text: &str) -> Self {
        if text.is_empty() {
            return self;
        }
        self.lit(" (").name(text, "").lit(")")
    }

    #[inline]
    pub fn number(mut self, number: u64) -> Self {
        self.0.push_str(itoa::Buffer::new().format(number));
        self
    }

    /// `before` number `after`, if there is a number.
    pub fn counted(self, before: &'static str, number: Option<u64>, after: &'static str) -> Self {
        match number {
            Some(number) => self.lit(before).number(number).lit(after),
            None => self,
        }
    }

    /// ` in 62 ms`, if it took any time.
    pub fn took(self, duration_ns: u64) -> Self {
        if duration_ns == 0 {
            return self;
        }
        self.lit(" in ").number(duration_ns / 1_000_000).lit(" ms")
    }

    /// `$0.00244`
    pub fn usd(mut self, cost: NanoUsd) -> Self {
        let nanos = cost.0.unsigned_abs();
        self = self.lit("$").number(nanos / 1_000_000_000);
        let mut fraction = nanos % 1_000_000_000;
        if fraction == 0 {
            return self;
        }
        let mut digits = [b'0'; 9];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (fraction % 10) as u8;
            fraction /= 10;
        }
        self.0.push('.');
        let end = digits.iter().rposition(|&d| d != b'0').map_or(0, |at| at + 1);
        self.0.extend(digits[..end].iter().map(|&d| char::from(d)));
        self
    }

    pub fn finish<'r>(self) -> Str<'r> {
        Str::Owned(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars() {
        for (nanos, expected) in
            [(2_440_000, "$0.00244"), (1_500_000_000, "$1.5"), (3_000_000_000, "$3"), (1, "$0.000000001"), (0, "$0")]
        {
            assert_eq!(Line::new().usd(NanoUsd(nanos)).finish(), expected);
        }
    }

    #[test]
    fn long_names_are_cut_at_a_character() {
        let line = Line::new().name(&"é".repeat(100), "").finish();
        assert_eq!(line, format!("{}…", "é".repeat(60)));
    }
}
