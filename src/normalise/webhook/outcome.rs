//! What became of it, in one vocabulary for all senders.

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    Success,
    Failure,
    Partial,
    Cancelled,
    Timeout,
    Skipped,
    Neutral,
    /// Not decided yet.
    Pending,
    /// Not known, or nothing that could succeed or fail.
    #[default]
    None,
}

/// The senders' words; no two of them mean different things by one.
const WORDS: [(&str, Outcome); 25] = [
    ("success", Outcome::Success),
    ("succeeded", Outcome::Success),
    ("approved", Outcome::Success),
    ("failure", Outcome::Failure),
    ("failed", Outcome::Failure),
    ("error", Outcome::Failure),
    ("startup_failure", Outcome::Failure),
    ("rejected", Outcome::Failure),
    ("changes_requested", Outcome::Failure),
    ("conflicts", Outcome::Failure),
    ("rejectedbypolicy", Outcome::Failure),
    ("partial", Outcome::Partial),
    ("partiallysucceeded", Outcome::Partial),
    ("succeededwithissues", Outcome::Partial),
    ("cancelled", Outcome::Cancelled),
    ("canceled", Outcome::Cancelled),
    ("stopped", Outcome::Cancelled),
    ("timeout", Outcome::Timeout),
    ("timed_out", Outcome::Timeout),
    ("skipped", Outcome::Skipped),
    ("neutral", Outcome::Neutral),
    ("stale", Outcome::Neutral),
    ("action_required", Outcome::Neutral),
    ("pending", Outcome::Pending),
    ("none", Outcome::None),
];

// === impl Outcome ===

impl Outcome {
    pub fn of(word: &str) -> Outcome {
        let known = WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        known.map_or(Outcome::None, |&(_, outcome)| outcome)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
            Outcome::Partial => "partial",
            Outcome::Cancelled => "cancelled",
            Outcome::Timeout => "timeout",
            Outcome::Skipped => "skipped",
            Outcome::Neutral => "neutral",
            Outcome::Pending => "pending",
            Outcome::None => "none",
        }
    }

    pub fn is_failure(self) -> bool {
        matches!(self, Outcome::Failure | Outcome::Timeout)
    }

    pub fn severity(self) -> &'static str {
        match self {
            Outcome::Failure | Outcome::Timeout => "error",
            Outcome::Partial | Outcome::Cancelled => "warn",
            _ => "info",
        }
    }

    /// `cicd.pipeline.result` and `cicd.pipeline.task.run.result` of the semantic conventions, which know no partial success.
    pub fn pipeline_result(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
            Outcome::Timeout => "timeout",
            Outcome::Cancelled => "cancellation",
            Outcome::Skipped => "skip",
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_all_senders_in_any_case() {
        assert_eq!(Outcome::of("partiallySucceeded"), Outcome::Partial);
        assert_eq!(Outcome::of("CHANGES_REQUESTED"), Outcome::Failure);
        assert_eq!(Outcome::of("timed_out").severity(), "error");
        assert_eq!(Outcome::of("rejectedByPolicy"), Outcome::Failure);
        assert_eq!(Outcome::of("erfolgreich"), Outcome::None);
        for (word, outcome) in WORDS {
            assert_eq!(word, word.to_ascii_lowercase());
            assert!(word != outcome.as_str() || Outcome::of(outcome.as_str()) == outcome);
        }
    }
}
