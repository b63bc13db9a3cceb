//! Every recording of an instrumentation library, against the totals it is known to have.

use std::collections::BTreeMap;

use super::PACK;
use crate::dialects::recordings;
use crate::packs::exact::{nanos, nanos_of, sum, sum_usd};
use crate::packs::panel;
use crate::senders::{JSON, PROTOBUF};
use crate::support::Server;

/// All recordings are of one night.
const LONG: [(&str, &str); 2] = [("from", "2026-10-01T00:00:00Z"), ("to", "2026-12-01T00:00:00Z")];

#[tokio::test(flavor = "multi_thread")]
async fn the_recordings_add_up_in_every_panel() {
    let server = Server::start_with(&[("ACTIVITYLOG_RETENTION_DAYS", "3650")]).await;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/genai");
    let (mut calls, mut with_tokens, mut reported) = (0, 0, 0);
    let mut tokens: BTreeMap<&str, u64> = BTreeMap::new();
    for (_, expected) in recordings() {
        for file in expected["files"].as_object().expect("files").keys() {
            let signal =
                ["traces", "logs", "metrics"].into_iter().find(|signal| file.contains(signal)).expect("a signal");
            let content_type = if file.ends_with(".json") { JSON } else { PROTOBUF };
            let body = std::fs::read(folder.join(file)).expect(file);
            assert_eq!(server.post(signal, content_type, body).await.status, 200, "{file}");
        }
        let summary = &expected["summary"];
        calls += summary["unique_calls"].as_u64().expect("calls");
        with_tokens += summary["unique_calls_with_tokens"].as_u64().expect("calls");
        reported += nanos(&summary["deduplicated_totals"]["cost_reported_usd"]);
        for kind in ["input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens"]
        {
            *tokens.entry(kind).or_default() += summary["deduplicated_totals"][kind].as_u64().expect(kind);
        }
    }
    server.wait_for_count("SELECT count() FROM activitylog.usage FINAL WHERE is_call", calls).await;
    let ask = async |name: &str| panel(&server, PACK, name, &LONG).await;

    // The recordings call the whole prompt input.
    let overview = ask("overview").await;
    let all = tokens["input_tokens"] + tokens["output_tokens"];
    assert_eq!(overview.of(&["calls", "tokens"]), [[calls.to_string(), all.to_string()]]);
    let models = ask("models").await;
    assert_eq!(sum(&models, "calls"), calls);
    for kind in ["output_tokens", "cache_read_tokens", "cache_creation_tokens", "reasoning_tokens"] {
        assert_eq!(sum(&models, kind), tokens[kind], "{kind}");
    }
    let prompt =
        sum(&models, "input_tokens") + sum(&models, "cache_read_tokens") + sum(&models, "cache_creation_tokens");
    assert_eq!(prompt, tokens["input_tokens"]);
    assert!(with_tokens <= calls);

    // However a cost is cut up, its parts are the whole.
    let cost = nanos_of(overview.column("cost_usd")[0]);
    for name in ["cost-over-time", "cost-by-model", "cost-by-user", "cost-by-feature", "cost-by-provider", "models"] {
        assert_eq!(sum_usd(&ask(name).await, "cost_usd"), cost, "{name}");
    }
    let dearest = ask("top-cost-spans").await;
    assert!(dearest.column("cost_usd").windows(2).all(|two| nanos_of(two[0]) >= nanos_of(two[1])));
    // What was reported is known; of some of it the price table knows nothing to set against it.
    let against = ask("reported-against-computed").await;
    assert!(sum_usd(&against, "reported_usd") <= reported && against.rows.len() > 3);
    for row in against.of(&["reported_usd", "computed_usd", "difference_usd"]) {
        assert_eq!(nanos_of(row[0]) - nanos_of(row[1]), nanos_of(row[2]));
    }
}
