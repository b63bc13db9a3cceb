//! Prices through the product: rules, the file, what is unpriced, what is refused.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{BINARY, Server, eventually};

/// An inference span of the gen_ai conventions, a second ago.
pub fn call(model: &str, response_id: &str, input: u64, output: u64) -> Value {
    call_at(jiff::Timestamp::now().as_nanosecond() as i64 - 1_000_000_000, model, response_id, input, output)
}

pub fn call_at(start: i64, model: &str, response_id: &str, input: u64, output: u64) -> Value {
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let number = |key: &str, value: u64| json!({"key": key, "value": {"intValue": value.to_string()}});
    json!({
        "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "0102030405060708", "name": "chat", "kind": 3,
        "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + 1_000_000).to_string(),
        "attributes": [
            text("gen_ai.provider.name", "openai"), text("gen_ai.operation.name", "chat"),
            text("gen_ai.request.model", model), text("gen_ai.response.id", response_id),
            number("gen_ai.usage.input_tokens", input), number("gen_ai.usage.output_tokens", output),
        ],
    })
}

pub async fn send(server: &Server, spans: &[Value]) {
    let body = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        "scopeSpans": [{"scope": {"name": "test"}, "spans": spans}],
    }]});
    server.send_json("traces", &body).await;
}

const RULES: &str = r#"
[[prices.rule]]
model = "house-*"
input = "1.5"
output = 3
name = "house"

[[prices.rule]]
provider = "openai"
model = "house-large"
input = 100
output = 100
"#;

/// The binary with a configuration file; its exit code and what it said on stderr.
fn check(config: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.toml");
    std::fs::write(&path, config).expect("written");
    let output = Command::new(BINARY).args(["check-config", "--config"]).arg(&path).output().expect("the binary");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_come_before_the_bundle_and_what_nobody_knows_is_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("a.toml");
    std::fs::write(&config, RULES).expect("written");
    let server = Server::start_configured(&config, &[]).await;
    send(
        &server,
        &[
            call("house-large", "r1", 1_000_000, 1_000_000),
            call("gpt-4o-mini", "r2", 1_000_000, 0),
            call("nobody's \"model\"", "r3", 5, 5),
            call("nobody's \"model\"", "r4", 5, 5),
        ],
    )
    .await;
    server.wait_for_count("SELECT count() FROM activitylog.usage FINAL", 4).await;
    let rows = server.sql(
        "SELECT model, toString(cost_usd), toString(cost_computed_usd), cost_origin, price_version \
         FROM activitylog.usage FINAL ORDER BY model, event_id",
    );
    assert_eq!(rows[0], ["gpt-4o-mini", "0.15", "0.15", "computed", "genai-prices 0.2.1"]);
    assert_eq!(rows[1], ["house-large", "4.5", "4.5", "computed", "config:house"]);
    for row in &rows[2..] {
        assert_eq!(row[1..], ["0", "\\N", "none", ""].map(str::to_owned), "{row:?}");
    }
    let metrics = server.get("/metrics").await.text();
    let line = r#"activitylog_unpriced_calls_total{provider="openai",model="nobody's \"model\""} 2"#;
    assert!(metrics.lines().any(|found| found == line), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_file_is_followed_and_a_broken_one_leaves_the_old_prices() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("prices.json");
    let write = |text: &str| {
        let new = path.with_extension("new");
        std::fs::write(&new, text).expect("written");
        std::fs::rename(new, &path).expect("moved");
    };
    let table = |price: u32| {
        json!([{"id": "openai", "name": "OpenAI", "api_pattern": "x", "models": [
            {"id": "own", "match": {"equals": "own-model"}, "prices": {"input_mtok": price, "output_mtok": 0}}]}])
        .to_string()
    };
    write(&table(7));
    let server = Server::start_with(&[
        ("ACTIVITYLOG_PRICES_FILE", path.to_str().expect("UTF-8")),
        ("ACTIVITYLOG_PRICES_CHECK_EVERY", "20ms"),
    ])
    .await;
    let cost = |id: &str| format!("SELECT count() FROM activitylog.usage FINAL WHERE cost_usd = {id}");
    send(&server, &[call("own-model", "r1", 1_000_000, 0)]).await;
    server.wait_for_count(&cost("7"), 1).await;

    write("this is no price file");
    eventually("the broken file is told", async || server.log().contains("not usable").then_some(())).await;
    send(&server, &[call("own-model", "r2", 1_000_000, 0)]).await;
    server.wait_for_count(&cost("7"), 2).await;

    write(&table(9));
    eventually("the new file is used", async || server.log().contains("new prices").then_some(())).await;
    send(&server, &[call("own-model", "r3", 1_000_000, 0)]).await;
    server.wait_for_count(&cost("9"), 1).await;
    let versions = server.number(
        "SELECT uniqExact(price_version) FROM activitylog.usage FINAL WHERE match(price_version, '^file:[0-9a-f]{8}$')",
    );
    assert_eq!(versions, 2);
}

#[test]
fn a_configuration_that_can_not_be_meant_is_refused_with_exit_64() {
    let broken = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(broken.path(), "[{}]").expect("written");
    let broken = format!("[prices]\nfile = {:?}\n", broken.path());
    for (config, said) in [
        ("[prices]\nfile = \"/nowhere/prices.json\"\n", "/nowhere/prices.json: cannot be read"),
        (broken.as_str(), "genai-prices' JSON format"),
        ("[[prices.rule]]\nmodel = \"m\"\ninput = -1\noutput = 1\n", "it is negative"),
        ("[[prices.rule]]\nmodel = \"[\"\ninput = 1\noutput = 1\n", "prices.rule 1"),
        ("[[prices.rule]]\nmodel = \"m\"\ninput = 1\noutput = 1\nextra = 1\n", "unknown field `extra`"),
    ] {
        let (code, stderr) = check(config);
        assert_eq!(code, Some(64), "{config}: {stderr}");
        assert!(stderr.contains(said), "{config}: {stderr}");
    }
    assert_eq!(check(RULES).0, Some(0));
}
