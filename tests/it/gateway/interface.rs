//! ClickHouse's HTTP interface and `POST /api/v1/sql`: who may ask, how, and what an answer and an error look like.

use std::io::Read;

use bytes::Bytes;
use hyper::Method;
use serde_json::json;

use super::{ask, post, said, tenant};
use crate::store::{Store, percent};
use crate::support::{Server, eventually, request};

async fn code(server: &Server, url: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let answer = request(Method::GET, &server.api(url), headers, Bytes::new()).await;
    let code = answer.headers.get("x-clickhouse-exception-code").and_then(|code| code.to_str().ok()).unwrap_or("");
    assert_eq!(code.is_empty(), !answer.text().contains("Code: "), "{}", answer.text());
    (answer.status.as_u16(), code.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_are_known_by_their_token_however_it_is_sent() {
    let server = Server::start_with(&[("ACTIVITYLOG_AUTH_ANONYMOUS_TENANT", "")]).await;
    let store = Store::of(&server);
    let token = tenant(&server, &store, "acme", "pro").await;
    let one = "/clickhouse/?query=SELECT+1";
    let bearer = format!("Bearer {token}");
    assert_eq!(code(&server, one, &[("authorization", &bearer)]).await, (200, String::new()));
    assert_eq!(code(&server, one, &[("x-clickhouse-user", "x"), ("x-clickhouse-key", &token)]).await.0, 200);
    assert_eq!(code(&server, &format!("{one}&user=x&password={token}"), &[]).await.0, 200);
    for (url, headers) in [
        (one.to_owned(), vec![]),
        (format!("{one}&user=x&password=alg_a_wrong"), vec![]),
        (one.to_owned(), vec![("x-clickhouse-key", "secret")]),
        (one.to_owned(), vec![("authorization", "Bearer alg_i_ingest")]),
    ] {
        assert_eq!(code(&server, &url, &headers).await, (401, "516".to_owned()), "{url} {headers:?}");
    }
    // Alive is no secret.
    assert_eq!(server.get("/clickhouse/ping").await.text(), "Ok.\n");
    let answer =
        request(Method::POST, &server.api("/api/v1/sql"), &[("content-type", "application/json")], "{}".into()).await;
    assert_eq!((answer.status.as_u16(), answer.json()["status"].as_u64()), (401, Some(401)));

    // A token without the permission, and one that was revoked.
    let row = |version: u64, permissions: &[&str], deleted: u8| {
        json!({"id": "t-acme", "tenant_id": "acme", "kind": "api", "hash": activitylog::control::snapshot::hash(&token), "user_id": "u-acme",
            "permissions": permissions, "version": version, "deleted": deleted})
    };
    store.insert("activitylog.tokens", &[row(2, &["events.read"], 0)]).await;
    eventually("the token lost the permission", async || {
        (code(&server, one, &[("authorization", &bearer)]).await == (403, "497".to_owned())).then_some(())
    })
    .await;
    store.insert("activitylog.tokens", &[row(3, &[], 1)]).await;
    eventually("the token is revoked", async || {
        (code(&server, one, &[("authorization", &bearer)]).await == (401, "516".to_owned())).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_as_clickhouse_does() {
    let server = Server::start().await;
    let store = Store::of(&server);
    let token = tenant(&server, &store, "acme", "enterprise").await;
    for (settings, sql, expected) in [
        ("", "SELECT 1, 'a'", "1\ta"),
        ("default_format=JSONEachRow", "SELECT 1 AS a", "{\"a\":1}"),
        ("default_format=JSONEachRow", "SELECT 1 AS a FORMAT CSV", "1"),
        ("param_x=5&param_s=a%5Ctb", "SELECT {x:UInt8} + 1, length({s:String})", "6\t3"),
        ("param_a=%5B%27x%27%5D", "SELECT {a:Array(String)}", "['x']"),
        ("database=pub", "SELECT count() FROM events", "0"),
        ("database=default", "SELECT count() FROM usage", "0"),
        ("", "SELECT sum(number) FROM (SELECT number FROM numbers(10) UNION ALL SELECT 5)", "50"),
        ("query=SELECT", "1", "1"),
        ("", "-- a comment\nWITH 2 AS two SELECT two /* and another */ ;", "2"),
        ("", "EXISTS TABLE pub.events", "1"),
        ("", "SELECT a FROM VALUES('a String', 'x')", "x"),
        (
            "",
            "SELECT 3 IN (1, 2, 3), 'x' IN ('x'), (1, 2) IN ((1, 2)), 5 IN (SELECT number FROM numbers(6))",
            "1\t1\t1\t1",
        ),
        (
            "",
            "SELECT CASE WHEN 1 THEN 'a' ELSE 'b' END, [1][1], (1, 2).2, map('k', 1)['k'], toDate('2026-01-02') + INTERVAL 1 DAY",
            "a\t1\t2\t1\t2026-01-03",
        ),
        (
            "",
            "SELECT arrayMap(x -> x * 2, [1, 2]), '1'::UInt8, 1 BETWEEN 0 AND 2, NOT EXISTS(SELECT 1)",
            "[2,4]\t1\t1\t0",
        ),
        (
            "",
            "SELECT quantile(0.5)(number) OVER (ORDER BY number ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM numbers(1)",
            "0",
        ),
        ("", "SELECT * EXCEPT (b) FROM (SELECT 1 AS a, 2 AS b) ORDER BY a LIMIT 1 BY a", "1"),
        (
            "session_timezone=Europe%2FBerlin",
            "SELECT toDateTime('2026-07-01 00:00:00', 'UTC')::DateTime('UTC')",
            "2026-07-01 00:00:00",
        ),
        ("max_result_rows=100&extremes=0&readonly=0&session_id=x&wait_end_of_query=1&query_id=mine", "SELECT 1", "1"),
        ("", "SELECT count() > 100, countIf(readonly = 1) < 10 FROM system.settings", "1\t1"),
        ("", "SELECT DISTINCT database FROM system.columns", "pub"),
        ("", "SHOW DATABASES", "pub"),
    ] {
        assert_eq!(said(&server, &token, settings, sql).await, expected, "{settings} {sql}");
    }
    assert!(said(&server, &token, "", "SHOW TABLES FROM \"pub\"").await.contains("events_by_minute"));
    assert!(said(&server, &token, "", "DESC TABLE \"pub\".\"usage\"").await.contains("cost_usd"));
    let version = said(&server, &token, "", "SELECT version(), timezone()").await;
    assert!(version.ends_with("UTC"), "{version}");
    headers(&server, &token).await;
    errors(&server, &token).await;
    compression(&server, &token).await;
}

async fn headers(server: &Server, token: &str) {
    let answer = ask(server, token, "query_id=mine", "SELECT 1 FORMAT JSON").await;
    let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    assert_eq!((header("x-clickhouse-format"), header("x-clickhouse-timezone").is_empty()), ("JSON".to_owned(), false));
    assert!(header("x-clickhouse-summary").contains("read_rows"));
    let id = header("x-clickhouse-query-id");
    assert!(uuid::Uuid::parse_str(&id).is_ok(), "an id that says nothing: {id}");
    assert_eq!(header("x-clickhouse-server-display-name"), "");
    let answer = post(
        server,
        token,
        json!({"query": "SELECT {a:Array(String)} AS a, {n:Nullable(UInt8)} AS n, {s:String} AS s",
        "params": {"a": ["it's", "b\\"], "n": null, "s": "tab\tline\n"}, "format": "JSONEachRow"}),
    )
    .await;
    assert_eq!(answer.json(), json!({"a": ["it's", "b\\"], "n": null, "s": "tab\tline\n"}), "{}", answer.text());
    assert_eq!(post(server, token, json!({"query": "SELECT 1 AS a"})).await.json()["data"], json!([{"a": 1}]));
}

async fn errors(server: &Server, token: &str) {
    for (sql, code) in [
        ("SELECT nope", 47),
        ("SELECT * FROM nope", 60),
        ("SELEC 1", 62),
        ("", 62),
        ("SELECT throwIf(1)", 395),
        ("INSERT INTO events VALUES (1)", 497),
        ("SELECT 1 SETTINGS max_threads = 1", 497),
        ("SELECT {x:UInt8}", 456),
        ("SELECT 1 AS `a\n   Function s3`", 497),
        ("SELECT 1 FORMAT Nope", 73),
    ] {
        let answer = ask(server, token, "", sql).await;
        let said = answer.headers.get("x-clickhouse-exception-code").and_then(|code| code.to_str().ok()).unwrap_or("");
        assert!(answer.status.as_u16() >= 400 && said == code.to_string(), "{sql}: {}", answer.text());
        let text = answer.text();
        assert!(text.starts_with(&format!("Code: {code}. DB::Exception: ")) && text.contains(")"), "{sql}: {text}");
        for private in ["activitylog.", "127.0.0.1", "eyJ0", "all_projects"] {
            assert!(!text.contains(private), "{sql}: {text}");
        }
    }
    let position = ask(server, token, "", "SELECT 1 FRM x y").await.text();
    assert!(position.contains("position 14"), "of the caller's own text: {position}");
    for (settings, code) in [("database=activitylog", "81"), ("decompress=1", "48")] {
        let answer = ask(server, token, settings, "SELECT 1").await;
        assert_eq!(answer.headers["x-clickhouse-exception-code"], code, "{}", answer.text());
    }
    let answer = post(server, token, json!({"query": "SELECT nope"})).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["clickhouse_code"].as_u64()),
        (400, Some(47)),
        "{}",
        answer.text()
    );
    for body in [json!({"query": "SELECT 1", "formt": "CSV"}), json!({}), json!({"query": "SELECT 1", "format": "a&b"})]
    {
        assert_eq!(post(server, token, body).await.status, 400);
    }
    let long = format!("SELECT '{}'", "x".repeat(2 << 20));
    assert_eq!(ask(server, token, "", &long).await.status, 413);
    // In the middle of an answer: after 200, in the way that ClickHouse's clients look for.
    let broken = request_broken(server, token, "SELECT throwIf(number = 900000) FROM numbers(1000000)").await;
    assert!(
        broken.contains("__exception__") && broken.contains("Code: 395"),
        "{}",
        &broken[broken.len().saturating_sub(300)..]
    );
}

/// The bytes that came before the connection broke off.
async fn request_broken(server: &Server, token: &str, sql: &str) -> String {
    use http_body_util::{BodyExt, Full};
    let client: hyper_util::client::legacy::Client<_, Full<Bytes>> =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let request = hyper::Request::post(server.api("/clickhouse/")).header("authorization", format!("Bearer {token}"));
    let mut body = client
        .request(request.body(Full::from(sql.to_owned())).expect("a request"))
        .await
        .expect("an answer")
        .into_body();
    let mut bytes = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn compression(server: &Server, token: &str) {
    let bearer = format!("Bearer {token}");
    let url = server.api("/clickhouse/?enable_http_compression=1");
    let sql = "SELECT number FROM numbers(100000)";
    let plain = said(server, token, "", sql).await;
    for (accepts, coding) in [("gzip, deflate", "gzip"), ("br, gzip, zstd", "zstd"), ("lz4", "lz4"), ("identity", "")] {
        let headers = [("authorization", bearer.as_str()), ("accept-encoding", accepts)];
        let answer = request(Method::POST, &url, &headers, sql.into()).await;
        let found = answer.headers.get("content-encoding").and_then(|value| value.to_str().ok()).unwrap_or("");
        assert_eq!((answer.status.as_u16(), found), (200, coding), "{accepts}");
        let text = match coding {
            "gzip" => {
                let mut text = String::new();
                flate2::read::MultiGzDecoder::new(&answer.body[..]).read_to_string(&mut text).expect("gzip");
                text
            }
            "zstd" => String::from_utf8(zstd::stream::decode_all(&answer.body[..]).expect("zstd")).expect("text"),
            "" => answer.text(),
            _ => continue,
        };
        assert!(text.trim_end() == plain, "{accepts}");
        // Errors can be read, too.
        let answer = request(Method::POST, &url, &headers, "SELECT throwIf(1)".into()).await;
        assert!(answer.text().starts_with("Code: 395"), "{accepts}: {}", answer.text());
    }
    // ClickHouse's own frames: a checksum, then the method's byte.
    for sql in ["SELECT number FROM numbers(10)", "SELECT nope", "SELECT * FROM s3('x')"] {
        let answer = ask(server, token, "compress=1", sql).await;
        assert_eq!(answer.body[16], 0x82, "{sql}: {}", answer.text());
    }
    // And a compressed query.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, b"SELECT 7").expect("memory");
    let headers = [("authorization", bearer.as_str()), ("content-encoding", "gzip")];
    let answer =
        request(Method::POST, &server.api("/clickhouse/"), &headers, packed.finish().expect("memory").into()).await;
    assert_eq!(answer.text(), "7\n");
    let headers = [("authorization", bearer.as_str()), ("content-encoding", "br")];
    let answer = request(Method::POST, &server.api("/clickhouse/"), &headers, "x".into()).await;
    assert_eq!(answer.headers["x-clickhouse-exception-code"], "48", "{}", answer.text());
}

/// A page of another site, in the browser of somebody whose portal is open.
#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_start_no_query() {
    let server = Server::start().await;
    let one = format!("/clickhouse/?query={}", percent("SELECT 1"));
    assert_eq!(code(&server, &one, &[]).await.0, 200, "local callers may");
    assert_eq!(code(&server, &one, &[("sec-fetch-site", "same-origin")]).await.0, 200);
    for headers in [
        [("origin", "http://evil.example")],
        [("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "same-site")],
        [("host", "evil.example")],
    ] {
        assert_eq!(code(&server, &one, &headers).await, (403, "497".to_owned()), "{headers:?}");
    }
}
