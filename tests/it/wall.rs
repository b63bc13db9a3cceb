//! The tenant wall, tried on the product's own schema by somebody who may write any SQL: nothing of another tenant comes through.
//!
//! Each hostile query runs as `reader` in the attacker's Scope, before and after the other tenant has rows. Its answer must not
//! hold their marker, and must be the same both times: counts, errors and their kinds included.

use activitylog::clickhouse::read::query_id;
use activitylog::model::scope::Scope;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::store::{Store, event, nanoseconds, percent};
use crate::support::Server;

/// In every text of the other tenant's rows.
pub const MARKER: &str = "XQZMARKER";
pub const TABLES: [&str; 5] = ["events", "metrics", "usage", "events_by_minute", "events_by_hour"];

fn id_of(scope: &str) -> String {
    format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(scope), uuid::Uuid::new_v4())
}

/// As the product reads.
async fn read(store: &Store, id: &str, sql: &str) -> (u16, String) {
    let answer = store.ask("guest", &format!("readonly=1&query_id={}", percent(id)), sql.to_owned()).await;
    (answer.status.as_u16(), answer.text().trim_end().to_owned())
}

fn rows(tenant: &str, project: &str, text: &str, first: u128) -> (Vec<Value>, Vec<Value>) {
    let start = nanoseconds("2026-05-12T12:00:00Z");
    let events = (0..5).map(|n| {
        event(start + n, first + n as u128, json!({
            "tenant_id": tenant, "project": project, "message": text, "user_id": text, "session_id": text, "model": text, "service": text,
            "source": text, "event_type": text, "usage_role": "leaf", "usage_key": format!("{text} {n}"), "input_tokens": 7, "attributes": {text: text},
        }))
    });
    let metrics = (0..5).map(|n| {
        json!({
            "tenant_id": tenant, "project": project, "timestamp": crate::store::instant(start + n), "received_at": "2026-05-12T12:00:00Z",
            "event_id": crate::store::uuid(first + n as u128), "name": text, "user_id": text, "service": text, "value": 1.5,
            "attributes": {text: text}, "retention_days": crate::store::RETENTION_DAYS,
        })
    });
    (events.collect(), metrics.collect())
}

pub async fn fill(store: &Store, tenant: &str, project: &str, text: &str, first: u128) {
    let (events, metrics) = rows(tenant, project, text, first);
    store.insert("activitylog.events", &events).await;
    store.insert("activitylog.metrics", &metrics).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_sees_its_tenant_and_its_projects_in_every_table() {
    let server = Server::start().await;
    let store = Store::of(&server);
    for (n, (tenant, project)) in
        [("a", "p"), ("a", "q"), ("a", ""), ("b", "p"), ("b", "secret"), ("", ""), ("A", "p"), ("a ", "p")]
            .into_iter()
            .enumerate()
    {
        fill(&store, tenant, project, &format!("{tenant}/{project}"), n as u128 * 100).await;
    }
    let whole = |tenant: &str| query_id(&Scope::whole_tenant(tenant));
    let some = |tenant: &str, projects: &[&str]| {
        let projects = projects.iter().map(|project| (*project).to_owned()).collect();
        query_id(&Scope { tenant: tenant.to_owned(), all_projects: false, projects })
    };
    let mut cases = vec![
        (whole("a"), "a/;a/p;a/q"),
        (whole("b"), "b/p;b/secret"),
        (some("a", &["p"]), "a/p"),
        (some("a", &["p", "q", "secret"]), "a/p;a/q"),
        (some("a", &[""]), "a/"),
        (some("a", &[]), ""),
        (some("b", &["q"]), ""),
        (whole("nobody"), ""),
        (whole(""), ""),
        (some("", &[""]), ""),
        // No scope, a broken one, one that looks forged.
        (String::new(), ""),
        ("x".to_owned(), ""),
        ("!!!.x".to_owned(), ""),
        (format!("x.{}", id_of(r#"{"tenant":"b","all_projects":true}"#)), ""),
        (r#"{"tenant":"b","all_projects":true}"#.to_owned(), ""),
    ];
    for scope in [
        "",
        "{}",
        "null",
        "[]",
        "\"b\"",
        "{\"tenant\":\"b\"}",
        r#"{"tenant":"b","projects":null}"#,
        r#"{"tenant":"b","projects":"p"}"#,
        r#"{"tenant":"b","all_projects":"true"}"#,
        r#"{"tenant":["b"],"all_projects":true}"#,
        r#"{"tenant":null,"all_projects":true}"#,
        r#"{"tenant":"%","all_projects":true}"#,
        r#"{"tenant":"b","all_projects":true"#,
        r#"{"all_projects":true}"#,
        r#"{"TENANT":"b","all_projects":true}"#,
        r#"{"tenant":"b' OR 1=1 --","all_projects":true}"#,
        r#"{"tenant":{"tenant":"b"},"all_projects":true}"#,
        "{\"tenant\":\"b\0\",\"all_projects\":true}",
    ] {
        cases.push((id_of(scope), ""));
    }
    for (id, expected) in cases {
        for (table, column) in [
            ("events", "message"),
            ("metrics", "name"),
            ("usage", "model"),
            ("events_by_minute", "model"),
            ("events_by_hour", "source"),
        ] {
            // Tenant "a" with a blank and "A" would show as rows of their own.
            let sql = format!("SELECT arrayStringConcat(arraySort(groupUniqArray({column})), ';') FROM pub.{table}");
            // The same id may not run twice, and what follows the dot is nobody's rights.
            let id = if id.is_empty() { String::new() } else { format!("{id}.{}", uuid::Uuid::new_v4()) };
            assert_eq!(read(&store, &id, &sql).await, (200, expected.to_owned()), "{table} {id}");
        }
    }
}

/// What somebody might try, over a view named `{t}`, with text columns `{c}`.
pub const HOSTILE: &[&str] = &[
    // Plainly.
    "SELECT * FROM pub.{t}",
    "SELECT count() FROM pub.{t}",
    "SELECT * FROM pub.{t} WHERE tenant_id = 'victim'",
    "SELECT * FROM pub.{t} PREWHERE tenant_id = 'victim'",
    "SELECT uniq(tenant_id), min(tenant_id), max(tenant_id), any({c}) FROM pub.{t}",
    "SELECT * FROM pub.{t} FINAL",
    "SELECT * FROM pub.{t} SAMPLE 1",
    "SELECT * FROM activitylog.{t}",
    "SELECT count() FROM activitylog.{t}",
    "SELECT * FROM activitylog.{t} SETTINGS additional_result_filter = '1'",
    "DESCRIBE activitylog.{t}",
    // Other ways to a table.
    "SELECT * FROM merge('activitylog', '.*')",
    "SELECT * FROM merge('activitylog', '{t}')",
    "SELECT * FROM merge('pub', '.*')",
    "SELECT _table, count() FROM merge(REGEXP('.*'), '{t}') GROUP BY 1",
    "SELECT * FROM mergeTreeIndex('activitylog', '{t}')",
    "SELECT * FROM mergeTreeIndex('pub', '{t}')",
    "SELECT * FROM mergeTreeIndex(activitylog, {t}, with_marks = true)",
    "SELECT * FROM mergeTreeTextIndex('activitylog', '{t}', 'ix_trace_id')",
    "SELECT * FROM mergeTreeProjection('activitylog', '{t}', 'p')",
    "SELECT * FROM mergeTreeAnalyzeIndexes('activitylog', '{t}')",
    "SELECT * FROM remote('127.0.0.1', 'activitylog', '{t}')",
    "SELECT * FROM remote('127.0.0.1', 'pub', '{t}')",
    "SELECT * FROM remoteSecure('127.0.0.1', 'activitylog', '{t}')",
    "SELECT * FROM cluster('default', 'activitylog', '{t}')",
    "SELECT * FROM clusterAllReplicas('default', view(SELECT * FROM activitylog.{t}))",
    "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 's String')",
    "SELECT * FROM file('store/**', 'RawBLOB', 's String')",
    "SELECT * FROM s3('http://127.0.0.1:1/b', 'CSV')",
    "SELECT * FROM input('s String')",
    "SELECT * FROM executable('cat', 'TSV', 's String')",
    "SELECT * FROM dictionary('activitylog.d')",
    "SELECT * FROM loop('activitylog', '{t}') LIMIT 1",
    "SELECT * FROM loop(activitylog.{t}) LIMIT 1",
    "SELECT * FROM view(SELECT * FROM pub.{t})",
    "SELECT * FROM view(SELECT * FROM activitylog.{t})",
    "SELECT * FROM viewIfPermitted(SELECT {c} FROM activitylog.{t} ELSE null('{c} String'))",
    "SELECT * FROM viewExplain('EXPLAIN', '', (SELECT * FROM activitylog.{t}))",
    "SELECT * FROM timeSeriesData('activitylog', '{t}')",
    "SELECT * FROM numbers((SELECT count() FROM pub.{t} WHERE tenant_id = 'victim'))",
    "SELECT dictGet('activitylog.d', '{c}', 1)",
    "SELECT joinGet('activitylog.{t}', '{c}', 1)",
    "SELECT hasColumnInTable('activitylog', '{t}', '{c}')",
    "SELECT catboostEvaluate('/etc/passwd', 1)",
    "SELECT file('/etc/hostname')",
    "SELECT * APPLY(file) FROM (SELECT '/etc/hostname' AS a)",
    // Joins, sets, subqueries.
    "SELECT * FROM pub.{t} AS x CROSS JOIN pub.{t} AS y LIMIT 1000",
    "SELECT x.tenant_id, y.{c} FROM pub.{t} AS x FULL OUTER JOIN pub.{t} AS y ON x.tenant_id != y.tenant_id",
    "SELECT x.tenant_id, y.{c} FROM pub.{t} AS x GLOBAL ANY RIGHT JOIN pub.{t} AS y ON x.{c} = y.{c}",
    "SELECT 'victim' IN (SELECT tenant_id FROM pub.{t})",
    "SELECT 'victim' GLOBAL IN (SELECT tenant_id FROM pub.{t})",
    "SELECT 'victim' IN pub.{t}",
    "SELECT 'victim' IN activitylog.{t}",
    "SELECT (SELECT count() FROM pub.{t} WHERE tenant_id = 'victim')",
    "SELECT EXISTS(SELECT 1 FROM pub.{t} WHERE tenant_id = 'victim')",
    "WITH v AS (SELECT * FROM pub.{t}) SELECT * FROM v WHERE tenant_id != 'attacker'",
    "SELECT * FROM pub.{t} UNION ALL SELECT * FROM pub.{t} WHERE 1",
    "SELECT * FROM pub.{t} EXCEPT SELECT * FROM pub.{t} WHERE tenant_id = 'attacker'",
    "SELECT count() FROM pub.{t} WHERE tenant_id = 'victim' OR 1",
    "SELECT countIf(1) OVER (PARTITION BY tenant_id), {c} FROM pub.{t}",
    "SELECT groupArray((tenant_id, {c})) FROM pub.{t} GROUP BY () WITH TOTALS",
    "SELECT tenant_id, count() FROM pub.{t} GROUP BY tenant_id WITH ROLLUP ORDER BY 1",
    "SELECT lagInFrame({c}, 1) OVER (ORDER BY tenant_id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM pub.{t}",
    "SELECT _part, _partition_id, _part_offset FROM pub.{t}",
    "SELECT * FROM pub.{t} ORDER BY tenant_id DESC LIMIT 1 WITH TIES",
    // Oracles: an error, or the time it takes, that depends on a row one must not see.
    "SELECT count() FROM pub.{t} WHERE throwIf(tenant_id = 'victim', 'oracle')",
    "SELECT count() FROM pub.{t} WHERE throwIf({c} LIKE 'XQZ%', 'oracle')",
    "SELECT count() FROM pub.{t} PREWHERE throwIf({c} != 'attacker text', 'oracle')",
    "SELECT count() FROM pub.{t} WHERE intDiv(1, tenant_id != 'victim')",
    "SELECT count() FROM pub.{t} WHERE intDiv(1, {c} NOT LIKE 'XQZ%') = 1",
    "SELECT count() FROM pub.{t} WHERE toUInt8({c}) = 1 AND tenant_id = 'victim'",
    // What an index of a shared granule knows of its neighbours' values, told by what fails on one's own rows.
    "SELECT count() FROM pub.{t} WHERE toUInt8({c}) = 1 AND session_id = 'XQZMARKER'",
    "SELECT count() FROM pub.{t} WHERE session_id = 'XQZMARKER' AND toUInt8({c}) = 1 SETTINGS use_skip_indexes = 1",
    "SELECT count() FROM pub.{t} WHERE toUInt8({c}) = 1 AND user_id = 'XQZMARKER'",
    "SELECT count() FROM pub.{t} WHERE toUInt8({c}) = 1 AND has(mapKeys(attributes), 'XQZMARKER')",
    "SELECT count() FROM pub.{t} WHERE toUInt8({c}) = 1 AND attributes['XQZMARKER'] = 'XQZMARKER'",
    "SELECT count() FROM pub.{t} WHERE toUInt8({c}) = 1 AND hasToken(lower(message), 'xqzmarker')",
    "SELECT count() FROM pub.{t} WHERE toUInt8({c}) = 1 AND event_id = '00000000-0000-0000-0000-0000000003e8'",
    "SELECT count() FROM pub.{t} WHERE toUInt8({c}) = 1 AND project = 'attacker'",
    "SELECT count() FROM pub.{t} WHERE toUInt8({c}) = 1 AND {c} = 'XQZMARKER'",
    "SELECT count() FROM pub.{t} WHERE toUInt8({c}) = 1 AND (tenant_id, project) IN (('victim', 'p'))",
    "SELECT count() FROM pub.{t} WHERE intDiv(1, length({c}) - 13) = 1 AND session_id = 'XQZMARKER'",
    "SELECT count() FROM pub.{t} WHERE sleepEachRow(tenant_id = 'victim' ? 3 : 0)",
    "SELECT count() FROM pub.{t} WHERE ignore(throwIf(tenant_id = 'victim'))",
    "SELECT sum(throwIf(tenant_id = 'victim')) FROM pub.{t}",
    "SELECT count() FROM pub.{t} HAVING throwIf(count() > 5)",
    "SELECT count() FROM pub.{t} WHERE throwIf(tenant_id = 'victim') SETTINGS optimize_move_to_prewhere = 1, move_all_conditions_to_prewhere = 1",
    "SELECT count() FROM pub.{t} WHERE if(tenant_id = 'victim', throwIf(1), 0) SETTINGS short_circuit_function_evaluation = 'disable'",
    "SELECT * FROM pub.{t} WHERE arrayMap(x -> throwIf(x = 'victim'), [tenant_id])[1]",
    // Settings, also where a readonly session can't set them.
    "SELECT * FROM pub.{t} SETTINGS readonly = 0",
    "SELECT * FROM (SELECT * FROM pub.{t} SETTINGS readonly = 0, additional_table_filters = {})",
    "SELECT * FROM pub.{t} SETTINGS additional_table_filters = {'activitylog.{t}': '1'}",
    "SELECT * FROM pub.{t} SETTINGS query_id = 'eyJ0ZW5hbnQiOiJ2aWN0aW0iLCJhbGxfcHJvamVjdHMiOnRydWV9.x'",
    "SELECT * FROM (SELECT * FROM pub.{t} SETTINGS initial_query_id = 'eyJ0ZW5hbnQiOiJ2aWN0aW0iLCJhbGxfcHJvamVjdHMiOnRydWV9.x')",
    "SELECT * FROM pub.{t} SETTINGS log_comment = 'eyJ0ZW5hbnQiOiJ2aWN0aW0iLCJhbGxfcHJvamVjdHMiOnRydWV9.x'",
    "SELECT * FROM pub.{t} SETTINGS allow_experimental_analyzer = 0",
    "SELECT * FROM (SELECT * FROM pub.{t} SETTINGS enable_analyzer = 0)",
    "SELECT * FROM pub.{t} SETTINGS query_plan_enable_optimizations = 0, optimize_trivial_count_query = 1",
    "SELECT count() FROM pub.{t} SETTINGS optimize_trivial_count_query = 1, optimize_use_implicit_projections = 1",
    "SELECT min(tenant_id), max(tenant_id), count() FROM pub.{t} SETTINGS optimize_use_projections = 1",
    "SELECT * FROM pub.{t} SETTINGS use_query_cache = 1",
    "SELECT * FROM pub.{t} SETTINGS use_query_condition_cache = 1",
    "SELECT * FROM pub.{t} SETTINGS final = 1, do_not_merge_across_partitions_select_final = 1",
    "SELECT initialQueryID() LIKE '%victim%', queryID() = initialQueryID() FROM pub.{t} LIMIT 1",
    "SET readonly = 0",
    "SET query_id = 'x'",
    "SET ROLE ALL",
    // What else there is to read.
    "SELECT * FROM system.query_log",
    "SELECT * FROM system.processes",
    "SELECT * FROM system.parts",
    "SELECT * FROM system.parts_columns",
    "SELECT * FROM system.part_log",
    "SELECT * FROM system.text_log",
    "SELECT * FROM system.columns WHERE database = 'activitylog'",
    "SELECT name, total_rows, total_bytes FROM system.tables WHERE database IN ('activitylog', 'pub')",
    "SELECT * FROM system.row_policies",
    "SELECT * FROM system.users",
    "SELECT * FROM system.grants",
    "SELECT * FROM system.settings WHERE changed AND name = 'query_id'",
    "SELECT * FROM system.merges",
    "SELECT * FROM system.mutations",
    "SELECT * FROM system.replicas",
    "SELECT * FROM system.dictionaries",
    "SELECT * FROM system.query_cache",
    "SELECT * FROM system.data_skipping_indices",
    "SELECT * FROM system.projections",
    "SELECT * FROM system.detached_parts",
    "SELECT * FROM system.backups",
    "SELECT * FROM system.asynchronous_insert_log",
    "SELECT * FROM information_schema.tables WHERE table_schema = 'activitylog'",
    "SELECT * FROM information_schema.columns WHERE table_schema = 'activitylog'",
    "SHOW TABLES FROM activitylog",
    "SHOW CREATE TABLE activitylog.{t}",
    "SHOW CREATE VIEW pub.{t}",
    "SHOW INDEXES FROM activitylog.{t}",
    "SHOW COLUMNS FROM activitylog.{t}",
    "SHOW PROCESSLIST",
    "SHOW GRANTS FOR wall",
    "SHOW CREATE USER wall",
    "SHOW ROW POLICIES",
    "SHOW ACCESS",
    "EXPLAIN AST SELECT * FROM pub.{t}",
    "EXPLAIN SYNTAX SELECT * FROM pub.{t}",
    "EXPLAIN QUERY TREE SELECT * FROM pub.{t}",
    "EXPLAIN PLAN header = 1 SELECT * FROM pub.{t}",
    // The estimates by which joins are ordered count the granules' rows, whoever they belong to.
    "EXPLAIN SELECT a.{c} FROM pub.{t} AS a JOIN pub.events AS b USING (tenant_id)",
    "EXPLAIN SELECT * FROM (SELECT a.{c} FROM pub.{t} AS a JOIN pub.events AS b USING (tenant_id) \
     SETTINGS query_plan_optimize_join_order_limit = 10)",
    "EXPLAIN ESTIMATE SELECT * FROM activitylog.{t}",
    "EXPLAIN TABLE OVERRIDE mysql('127.0.0.1:1', 'a', 'b', 'c', 'd') PARTITION BY 1",
    "EXPLAIN PLAN indexes = 1 SELECT * FROM activitylog.{t}",
    // Writes and orders.
    "INSERT INTO pub.{t} SELECT * FROM pub.{t}",
    "INSERT INTO activitylog.{t} SELECT * FROM pub.{t}",
    "INSERT INTO FUNCTION file('x.csv', 'CSV', 's String') SELECT {c} FROM pub.{t}",
    "SELECT * FROM pub.{t} INTO OUTFILE '/tmp/x'",
    "ALTER TABLE activitylog.{t} DELETE WHERE 1",
    "ALTER TABLE pub.{t} MODIFY QUERY SELECT 1",
    "ALTER USER reader SETTINGS readonly = 0",
    "CREATE VIEW pub.v AS SELECT * FROM activitylog.{t}",
    "CREATE TEMPORARY TABLE t AS SELECT * FROM activitylog.{t}",
    "CREATE OR REPLACE VIEW pub.{t} AS SELECT 1",
    "CREATE FUNCTION f AS x -> x",
    "CREATE ROW POLICY p ON activitylog.{t} USING 1 TO ALL",
    "CREATE DICTIONARY pub.d (a String) PRIMARY KEY a SOURCE(CLICKHOUSE(TABLE '{t}' DB 'activitylog')) LIFETIME(1) LAYOUT(FLAT())",
    "DELETE FROM activitylog.{t} WHERE 1",
    "UPDATE activitylog.{t} SET tenant_id = 'attacker' WHERE 1",
    "TRUNCATE TABLE activitylog.{t}",
    "DROP VIEW pub.{t}",
    "DROP ROW POLICY tenant_wall ON activitylog.{t}",
    "RENAME TABLE activitylog.{t} TO pub.x",
    "EXCHANGE TABLES pub.{t} AND activitylog.{t}",
    "ATTACH TABLE pub.x",
    "DETACH VIEW pub.{t}",
    "OPTIMIZE TABLE activitylog.{t} FINAL",
    "CHECK TABLE activitylog.{t}",
    "BACKUP TABLE activitylog.{t} TO File('x')",
    "GRANT SELECT ON *.* TO reader",
    "KILL QUERY WHERE 1",
    "SYSTEM FLUSH LOGS",
    "SYSTEM STOP MERGES",
    "SYSTEM SHUTDOWN",
    "EXECUTE AS wall SELECT * FROM activitylog.{t}",
    "USE activitylog",
    "WATCH pub.{t}",
    "SELECT 1; SELECT * FROM activitylog.{t}",
];

/// Known to tell of shared granules or parts, and refused by the gate for it: only the marker is looked for.
const TELLS_OF_PARTS: [&str; 6] = [
    "EXPLAIN PIPELINE SELECT * FROM pub.{t}",
    "EXPLAIN ESTIMATE SELECT * FROM pub.{t}",
    "EXPLAIN PLAN indexes = 1 SELECT * FROM pub.{t}",
    "EXPLAIN PLAN indexes = 1, actions = 1 SELECT * FROM pub.{t} WHERE tenant_id = 'victim'",
    "EXPLAIN PIPELINE graph = 1 SELECT * FROM pub.{t}",
    "EXPLAIN PLAN json = 1, indexes = 1 SELECT * FROM pub.{t}",
];

/// The number of the error is what counts: its text may name a query or a moment. Rows come in any order.
pub fn comparable((status, body): (u16, String)) -> (u16, String) {
    let error = body.split("Code: ").nth(1).map(|rest| rest.split('.').next().unwrap_or("").to_owned());
    match error {
        Some(code) if status != 200 => {
            (status, format!("error {code}, oracle {}", body.contains("oracle: while executing")))
        }
        _ => {
            let mut lines: Vec<&str> = body.lines().collect();
            lines.sort_unstable();
            (status, lines.join("\n"))
        }
    }
}

pub fn query(template: &str, table: &str) -> String {
    let column = match table {
        "metrics" => "name",
        "events_by_hour" => "source",
        _ => "model",
    };
    template.replace("{t}", table).replace("{c}", column)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_query_tells_of_another_tenant() {
    let server = Server::start().await;
    let store = Store::of(&server);
    fill(&store, "attacker", "p", "attacker text", 0).await;
    let attacker = json!({"tenant": "attacker", "all_projects": true}).to_string();
    let mut before = Vec::new();
    for table in TABLES {
        // What one may see is seen: the tests below would pass in an empty house too.
        let own = read(&store, &id_of(&attacker), &format!("SELECT count() > 0 FROM pub.{table}")).await;
        assert_eq!(own, (200, "1".to_owned()), "{table}");
        for template in HOSTILE {
            before.push(comparable(read(&store, &id_of(&attacker), &query(template, table)).await));
        }
    }

    // More of the victim's rows, and in the attacker's hour too: parts, granules and marks are shared.
    fill(&store, "victim", "p", MARKER, 1_000).await;
    fill(&store, "victim", "attacker", MARKER, 2_000).await;
    for table in TABLES {
        store.write(&format!("OPTIMIZE TABLE activitylog.{table} FINAL")).await;
        assert_ne!(
            store.write(&format!("SELECT count() FROM activitylog.{table} WHERE tenant_id = 'victim'")).await,
            "0"
        );
    }
    // And the marker would be seen, by whoever may.
    let victim = json!({"tenant": "victim", "all_projects": true}).to_string();
    for table in TABLES {
        assert!(
            read(&store, &id_of(&victim), &format!("SELECT * FROM pub.{table}")).await.1.contains(MARKER),
            "{table}"
        );
    }
    let (mut before, mut told) = (before.into_iter(), Vec::new());
    for table in TABLES {
        for template in HOSTILE {
            let sql = query(template, table);
            let after = comparable(read(&store, &id_of(&attacker), &sql).await);
            let before = before.next().expect("one for each");
            if before != after || after.1.contains(MARKER) {
                told.push(format!("{sql}\n  before {before:?}\n  after  {after:?}"));
            }
        }
        for template in TELLS_OF_PARTS {
            let sql = query(template, table);
            let (_, body) = read(&store, &id_of(&attacker), &sql).await;
            assert!(!body.contains(MARKER), "{sql}: {body}");
        }
        // Nothing was changed by all that.
        assert_ne!(
            store.write(&format!("SELECT count() FROM activitylog.{table} WHERE tenant_id = 'victim'")).await,
            "0"
        );
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
    settings_in_the_address(&store, &attacker).await;
}

/// A gateway that passed a caller's parameters on would be a hole in itself; the wall does not lean on it.
async fn settings_in_the_address(store: &Store, attacker: &str) {
    for settings in [
        "readonly=0",
        "readonly=2",
        "additional_table_filters=%7B%7D",
        "enable_analyzer=0",
        "final=1",
        "user=wall",
        "user=writer",
        "allow_ddl=1&readonly=0",
        "role=writer",
        "max_result_rows=0",
        "initial_query_id=eyJ0ZW5hbnQiOiJ2aWN0aW0iLCJhbGxfcHJvamVjdHMiOnRydWV9.x",
        "session_id=x&initial_user=wall",
        "param_tenant=victim",
        "http_headers_progress_interval_ms=1",
        "database=activitylog",
        "default_format=Native",
        "query=SELECT+*+FROM+activitylog.events+UNION+ALL+",
    ] {
        for table in TABLES {
            let sql = format!("SELECT * FROM pub.{table}");
            let address = format!("{settings}&query_id={}", percent(&id_of(attacker)));
            let answer = store.ask("guest", &address, sql).await;
            assert!(!answer.text().contains(MARKER), "{settings}: {}", answer.text());
        }
        let answer = store.ask("guest", settings, "SELECT * FROM activitylog.events").await;
        assert!(answer.status != 200 && !answer.text().contains(MARKER), "{settings}: {}", answer.text());
    }
}

/// The product's own API over the same wall: the caller is of tenant `default`, and that is all it shows.
#[tokio::test(flavor = "multi_thread")]
async fn the_api_shows_nothing_of_another_tenant() {
    let server = Server::start().await;
    let store = Store::of(&server);
    fill(&store, "default", "p", "own text", 0).await;
    fill(&store, "victim", "p", MARKER, 1_000).await;
    let window = "from=2026-05-12T12:00:00Z&to=2026-05-12T13:00:00Z";
    let theirs = crate::store::uuid(1_000);
    for path in [
        format!("/api/v1/messages?{window}&limit=200"),
        format!("/api/v1/messages?{window}&q={MARKER}"),
        format!("/api/v1/messages?{window}&user_id={MARKER}"),
        format!("/api/v1/messages?{window}&q={}", percent("' OR 1=1 --")),
        format!("/api/v1/messages/timeline?{window}&group_by=user_id"),
        format!("/api/v1/messages/timeline?{window}&group_by=model&bucket=1s"),
        format!("/api/v1/messages/points?{window}"),
        format!("/api/v1/messages?{window}&before_cursor=9000000000000000000.0.{theirs}"),
        format!("/api/v1/messages?{window}&since_cursor=0.0.{theirs}"),
    ] {
        // The answer to a search repeats nothing of the question.
        let answer = server.json(&path).await;
        assert!(!answer.to_string().contains(MARKER), "{path}: {answer}");
    }
    let all = server.json(&format!("/api/v1/messages?{window}&limit=200")).await;
    assert_eq!(all["items"].as_array().map(Vec::len), Some(5));
    let (hidden, missing) = (
        server.get(&format!("/api/v1/messages/{theirs}")).await,
        server.get(&format!("/api/v1/messages/{}", crate::store::uuid(77))).await,
    );
    assert_eq!((hidden.status, missing.status), (hyper::StatusCode::NOT_FOUND, hyper::StatusCode::NOT_FOUND));
    assert_eq!(hidden.text().replace(&theirs, "X"), missing.text().replace(&crate::store::uuid(77), "X"));
}
