//! The audit trail's entry of a query: who asked, how much came out, and a fingerprint of the text; never the text, which may
//! hold what is looked for.
//!
//! One for each query that may read events, once its answer is sent. Questions about the schema are none: clients ask them by
//! themselves, at each start.

use sha2::{Digest, Sha256};

use crate::audit::{Action, Entry, Trail};
use crate::auth::Principal;
use crate::gateway::{Answer, End, Ended, Exception, Verdict};

pub(super) struct Record(Entry);

/// Through which door.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    Api,
    ClickHouse,
}

const ACCESS_DENIED: u32 = 497;

// === impl Record ===

impl Record {
    pub(super) fn of(caller: &Principal, way: Way, text: &[u8]) -> Record {
        let digest = Sha256::digest(text);
        let fingerprint: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let way = match way {
            Way::Api => "api",
            Way::ClickHouse => "clickhouse",
        };
        let entry = Entry::by(caller, Action::SqlQuery, "ran an SQL query")
            .target("query", &fingerprint)
            .with("interface", way)
            .with("query_bytes", text.len());
        Record(entry)
    }

    pub(super) fn when_sent(self, trail: Trail, answer: &mut Answer) {
        if answer.verdict == Verdict::Metadata {
            return;
        }
        answer.stream.at_end(move |ended| {
            let entry = self.entry(ended);
            tokio::spawn(async move { trail.record(entry).await });
        });
    }

    fn entry(self, ended: Ended) -> Entry {
        let how = match ended.how {
            End::Whole => "whole",
            End::Broken => "broken",
            End::Left => "caller_left",
        };
        let entry =
            self.0.with("answer", how).with("result_bytes", ended.bytes).with("elapsed_ms", ended.elapsed.as_millis());
        Entry { failed: ended.how == End::Broken, ..entry }
    }

    pub(super) async fn failed(self, trail: &Trail, exception: &Exception) {
        let entry = self.0.with("error_code", exception.code);
        let entry = Entry { description: "an SQL query failed".to_owned(), failed: true, ..entry };
        trail.record(if exception.code == ACCESS_DENIED { entry.denied() } else { entry }).await;
    }
}
