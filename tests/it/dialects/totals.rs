//! What a recording adds up to when every call is counted once.

use activitylog::model::event::UsageRole;
use activitylog::normalise::rules::Rules;

use super::{Row, counted, recorded, recordings};

#[test]
fn every_recording_adds_up_when_each_call_is_counted_once() {
    let rules = Rules::default();
    for (label, expected) in recordings() {
        let files = expected["files"].as_object().expect("files").keys();
        let rows: Vec<Row> = files.flat_map(|file| recorded(file, &rules)).collect();
        let summary = &expected["summary"];
        let is = |name: &str, found: u64| assert_eq!(Some(found), summary[name].as_u64(), "{label}: {name}");
        let first = |row: &&Row| row.attribute("logfire.span_type") != Some("log");
        let leaves: Vec<&Row> = rows.iter().filter(|row| row.role == UsageRole::Leaf).collect();
        let counts = |row: &&Row| row.input + row.cache_read + row.cache_written + row.output > 0;
        is("leaf_calls", leaves.iter().copied().filter(first).count() as u64);
        is("leaf_with_tokens", leaves.iter().copied().filter(counts).count() as u64);
        // No copy may stand in where the leaf came.
        let best = counted(&rows);
        assert!(best.iter().all(|row| row.role == UsageRole::Leaf), "{label}: a copy was counted");
        is("unique_calls_with_tokens", best.iter().filter(counts).count() as u64);
        is("unique_calls", best.iter().filter(first).count() as u64);
        let totals = &summary["deduplicated_totals"];
        for (name, found) in [
            ("input_tokens", sum(&best, |row| row.input + row.cache_read + row.cache_written)),
            ("cache_read_tokens", sum(&best, |row| row.cache_read)),
            ("cache_creation_tokens", sum(&best, |row| row.cache_written)),
            ("output_tokens", sum(&best, |row| row.output)),
            ("reasoning_tokens", sum(&best, |row| row.reasoning)),
        ] {
            assert_eq!(Some(found), totals[name].as_u64(), "{label}: {name}");
        }
        let cost = sum(&best, |row| row.cost.unwrap_or(0) as u64) as f64 / 1e9;
        let reported = totals["cost_reported_usd"].as_f64().expect("cost");
        assert!((cost - reported).abs() < 1e-9, "{label}: reported cost {cost} {reported}");
    }
}

fn sum(rows: &[Row], figure: impl Fn(&Row) -> u64) -> u64 {
    rows.iter().map(figure).sum()
}
