//! Damaged requests at random: whatever arrives, the server lives and what it counts adds up.

use bytes::Bytes;

use crate::fidelity::{fixtures, read_json};
use crate::senders::*;
use crate::support::{Server, eventually};

/// Thousands of damaged fixtures, over connections that stay open: never a panic, and always an answer that adds up.
#[tokio::test(flavor = "multi_thread")]
async fn random_damage_is_survived() {
    let server = Server::start().await;
    let manifest = read_json("manifest.json");
    let files: Vec<(String, String, Vec<u8>)> = manifest["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|file| {
            let name = file["file"].as_str().expect("name");
            let signal = file["signal"].as_str().expect("signal").to_owned();
            let content_type = if name.ends_with(".json") { JSON } else { PROTOBUF };
            (signal, content_type.to_owned(), std::fs::read(fixtures().join(name)).expect(name))
        })
        .filter(|(_, _, body)| body.len() < 16 << 10)
        .collect();
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let seed = 0x5eed_0fac_7100;
    let mut random = Random(seed);
    let mut answered = std::collections::BTreeMap::new();
    for round in 0..3000 {
        let (signal, content_type, body) = &files[random.below(files.len())];
        let mut body = damaged(body, &mut random);
        let compression = ["", "", "gzip", "deflate", "zstd"][random.below(5)];
        match compression {
            "gzip" => body = gzip(&body),
            "deflate" => body = zlib(&body),
            "zstd" => body = zstd(&body),
            _ => {}
        }
        if !compression.is_empty() && random.below(3) == 0 {
            body = damaged(&body, &mut random);
        }
        let mut request =
            hyper::Request::post(server.otlp(&format!("/v1/{signal}"))).header("content-type", content_type);
        if !compression.is_empty() {
            request = request.header("content-encoding", compression);
        }
        let request = request.body(http_body_util::Full::new(Bytes::from(body))).expect("a request");
        let status = client.request(request).await.expect("an answer").status().as_u16();
        assert!([200, 400, 413].contains(&status), "seed {seed:#x}, round {round}: {status}");
        *answered.entry(status).or_insert(0) += 1;
    }
    assert!(answered[&200] > 100 && answered[&400] > 100, "{answered:?}");
    let taken = assert_items_add_up(&server).await;
    assert_eq!(total(&taken, "activitylog_requests_total"), 3000);
    let refused = "activitylog_requests_refused_total{door=\"http\",reason=\"malformed\"}";
    assert_eq!(taken[refused], answered[&400]);
    // ClickHouse took what the doors took: nothing went to the quarantine.
    let stored = total(&taken, "activitylog_items_stored_total");
    eventually("all rows are in ClickHouse", async || {
        let counters = counters(&server).await;
        assert_eq!(total(&counters, "activitylog_spool_quarantined_segments"), 0);
        (total(&counters, "activitylog_spool_shipped_rows_total") == stored).then_some(())
    })
    .await;
    assert_eq!(server.get("/readyz").await.status, 200);
    assert_well(&server).await;
}

/// A few changes: a flipped bit, other bytes, a piece cut out, doubled or put elsewhere, the end gone.
fn damaged(body: &[u8], random: &mut Random) -> Vec<u8> {
    let mut out = body.to_vec();
    for _ in 0..1 + random.below(4) {
        if out.is_empty() {
            return out;
        }
        let at = random.below(out.len());
        let end = (at + 1 + random.below(40)).min(out.len());
        match random.below(6) {
            0 => out[at] ^= 1 << random.below(8),
            1 => out[at] = random.next() as u8,
            2 => drop(out.drain(at..end)),
            3 => {
                let piece = out[at..end].to_vec();
                let to = random.below(out.len());
                out.splice(to..to, piece);
            }
            4 => out[at..end].fill(random.next() as u8),
            _ => out.truncate(out.len() - random.below(out.len() / 8 + 1)),
        }
    }
    out
}

/// xorshift64*: the same damage in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32
    }

    fn below(&mut self, bound: usize) -> usize {
        self.next() as usize % bound
    }
}
