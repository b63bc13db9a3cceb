//! What a tier may use, what becomes of a query whose caller left, and what the audit trail says.

use activitylog::control::snapshot::hash;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::{ask, said, tenant};
use crate::store::Store;
use crate::support::{Server, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_tier_limits_time_rows_and_bytes_and_says_so() {
    let server = Server::start_with(&[
        ("ACTIVITYLOG_TIERS_FREE_QUERY_TIME", "1s"),
        ("ACTIVITYLOG_TIERS_FREE_QUERY_ROWS", "100000"),
        ("ACTIVITYLOG_TIERS_FREE_QUERY_RESULT_BYTES", "10KiB"),
    ])
    .await;
    let store = Store::of(&server);
    let free = tenant(&server, &store, "small", "free").await;
    let large = tenant(&server, &store, "large", "enterprise").await;
    for (sql, codes) in [
        ("SELECT count() FROM numbers(100001)", &[158][..]),
        ("SELECT repeat('x', 1000 + number) FROM numbers(20)", &[396]),
        (
            "SELECT count() FROM numbers(900) AS a, numbers(900) AS b, numbers(900) AS c, numbers(900) AS d WHERE NOT ignore(cityHash64(a.number * d.number))",
            &[159, 160],
        ),
    ] {
        // What a client asks for does not raise them.
        let more = "max_execution_time=100&max_rows_to_read=0&max_result_bytes=0&result_overflow_mode=break&timeout_overflow_mode=break";
        let answer = ask(&server, &free, more, sql).await;
        let said =
            answer.headers.get("x-clickhouse-exception-code").unwrap_or_else(|| panic!("{sql}: {}", answer.text()));
        let code: u32 = said.to_str().expect("text").parse().expect("a number");
        assert!(codes.contains(&code) && answer.text().contains("tier allows"), "{sql}: {}", answer.text());
    }
    assert_eq!(said(&server, &large, "", "SELECT count() FROM numbers(100001)").await, "100001");
    // A lower one of the caller's own is taken.
    let answer = ask(&server, &large, "max_result_rows=5", "SELECT number FROM numbers(10)").await;
    assert_eq!(answer.headers["x-clickhouse-exception-code"], "396");
}

/// Long, and streaming from its start or not at all.
const LONG: [&str; 2] = [
    "SELECT count() FROM numbers(900000000) WHERE NOT ignore(cityHash64(toString(number)), 'leaver')",
    "SELECT repeat('leaver', 100) FROM numbers(900000)",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_query_ends_when_its_caller_leaves() {
    let server = Server::start().await;
    let store = Store::of(&server);
    let token = tenant(&server, &store, "acme", "enterprise").await;
    let running = async || {
        store.write("SELECT count() FROM system.processes WHERE query LIKE '%leaver%' AND user = 'guest'").await
    };
    for sql in LONG {
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let request = Request::post(server.api("/clickhouse/")).header("authorization", format!("Bearer {token}"));
        let request = request.body(Full::from(sql)).expect("a request");
        let asking = tokio::spawn(async move {
            // A reader who takes the first bytes and then no more.
            let mut body = client.request(request).await.expect("an answer").into_body();
            body.frame().await;
            std::future::pending::<()>().await;
        });
        eventually("it runs", async || (running().await != "0").then_some(())).await;
        asking.abort();
        eventually("it ended", async || (running().await == "0").then_some(())).await;
    }
    // Its turn came back: more than run at once do, one after the other.
    for _ in 0..20 {
        said(&server, &token, "", "SELECT 1").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_says_who_asked_and_not_what() {
    let server = Server::start().await;
    let store = Store::of(&server);
    let token = tenant(&server, &store, "acme", "pro").await;
    said(&server, &token, "", "SELECT count() FROM events WHERE message = 'a secret word'").await;
    ask(&server, &token, "", "SELECT count() FROM events WHERE 'another secret'").await;
    ask(&server, &token, "", "SELECT * FROM s3('third secret')").await;
    // Nobody's rows.
    said(&server, &token, "", "SELECT version()").await;
    said(&server, &token, "", "SHOW TABLES").await;
    server.wait_for_count("SELECT count() FROM activitylog.events WHERE event_type = 'sql.query'", 3).await;
    let rows = server.sql(
        "SELECT tenant_id, user_id, target_type, outcome, attributes['error_code'], attributes['decision'], attributes['answer'], \
         length(target_id) FROM activitylog.events WHERE event_type = 'sql.query' ORDER BY timestamp",
    );
    assert_eq!(rows[0], ["acme", "u-acme", "query", "success", "", "", "whole", "16"]);
    assert_eq!(rows[1][3], "failure");
    assert_eq!(rows[2][3..6], ["failure", "497", "deny"]);
    let all = server.sql("SELECT * FROM activitylog.events");
    assert!(!format!("{all:?}").contains("secret"), "{all:?}");
    assert!(
        !server.log().contains(&token)
            && !server.log().contains(&hash(&token))
            && !server.log().contains("secret word")
    );
}
