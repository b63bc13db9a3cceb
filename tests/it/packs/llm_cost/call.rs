//! Calls that a test makes up, at prices it knows.

use serde_json::{Value, json};

use crate::packs::exact::nanos;
use crate::packs::made::{Made, attributes};

/// A call of a model with prices that the test's own table gives it.
pub struct Call {
    pub at: i64,
    pub user: &'static str,
    pub model: &'static str,
    pub feature: &'static str,
    pub session: &'static str,
    /// Input that is not cached, output, cache reads, cache writes.
    pub tokens: [i64; 4],
    pub reported: Option<f64>,
}

/// Dollars for a million tokens, as the configuration says below.
pub const PRICES: [i64; 4] = [3, 15, 1, 4];
pub const PRICED: &str = "house-large";
pub const UNPRICED: &str = "house-secret";

/// A million tokens for a dollar is a millionth of a dollar for one.
pub fn computed(tokens: [i64; 4]) -> i64 {
    tokens.iter().zip(PRICES).map(|(tokens, price)| tokens * price * 1000).sum()
}

// === impl Call ===

impl Call {
    fn new(at: i64, user: &'static str, tokens: [i64; 4]) -> Call {
        Call { at, user, model: PRICED, feature: "search", session: "", tokens, reported: None }
    }

    pub fn nanos(&self) -> i64 {
        match self.reported {
            Some(reported) => nanos(&json!(reported)),
            None if self.model == PRICED => computed(self.tokens),
            None => 0,
        }
    }

    pub fn span(&self, n: usize) -> Value {
        let [input, output, read, written] = self.tokens;
        let mut all = attributes(&[
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", "house"),
            ("gen_ai.request.model", self.model),
            ("user.id", self.user),
            ("app.feature", self.feature),
            ("session.id", self.session),
        ]);
        let list = all.as_array_mut().expect("a list");
        for (key, value) in [
            ("gen_ai.usage.input_tokens", input + read + written),
            ("gen_ai.usage.output_tokens", output),
            ("gen_ai.usage.cache_read.input_tokens", read),
            ("gen_ai.usage.cache_creation.input_tokens", written),
        ] {
            list.push(json!({"key": key, "value": {"intValue": value.to_string()}}));
        }
        if let Some(reported) = self.reported {
            list.push(json!({"key": "gen_ai.usage.cost", "value": {"doubleValue": reported}}));
        }
        let end = self.at + 1_000_000;
        json!({
            "traceId": format!("{:032x}", n + 1), "spanId": format!("{:016x}", n + 1), "name": "chat", "kind": 3,
            "startTimeUnixNano": self.at.to_string(), "endTimeUnixNano": end.to_string(), "attributes": all,
        })
    }
}

/// Calls enough to tell the prices of four kinds of tokens apart, on both sides of a month's end.
pub fn calls(made: &Made) -> Vec<Call> {
    let hour = 3_600_000;
    let mut calls = vec![
        Call::new(made.at(-1, 24 * hour - 1000), "ada", [1000, 200, 0, 0]),
        Call::new(made.at(0, 0), "ada", [100, 300, 50_000, 0]),
        Call::new(made.at(2, 20 * hour), "bob", [10, 30, 5000, 9000]),
        Call::new(made.at(4, 3 * hour), "bob", [777, 1, 12, 4000]),
        Call::new(made.at(4, 4 * hour), "ada", [5, 900, 70_000, 33]),
        Call::new(made.at(9, 0), "ada", [2500, 40, 800, 800]),
    ];
    calls[1].session = "s-1";
    calls[2].session = "s-1";
    calls[3].session = "s-2";
    calls[3].reported = Some(0.02);
    calls[4].feature = "chat";
    calls.push(Call { model: UNPRICED, ..Call::new(made.at(5, 0), "ada", [50, 60, 0, 0]) });
    calls
}

pub const RULE: &str = r#"
[[prices.rule]]
model = "house-large"
input = 3
output = 15
cache_read = 1
cache_write = 4
"#;

pub fn total<'a>(calls: impl IntoIterator<Item = &'a Call>) -> i64 {
    calls.into_iter().map(Call::nanos).sum()
}
