//! Who may do what in the engine: the tenant wall, tried on the real one, without the gate that stands before it.

use activitylog::engine::{Engine, EngineOptions, User, lock_data_dir, start};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use tempfile::TempDir;

use crate::engine::{options, query, write};

struct Walled {
    engine: Engine,
    dir: TempDir,
}

impl Walled {
    /// An engine with a walled table, one that nobody listed, and a definer view on each.
    async fn start() -> Walled {
        let dir = TempDir::new().unwrap();
        let lock = lock_data_dir(dir.path()).unwrap();
        let engine =
            start(&lock, EngineOptions { walled_tables: vec!["events".to_owned()], ..options() }).await.unwrap();
        for sql in [
            "CREATE DATABASE activitylog",
            "CREATE DATABASE pub",
            "CREATE TABLE activitylog.events (tenant_id String, project String, n UInt64) ENGINE = MergeTree ORDER BY n",
            "CREATE TABLE activitylog.unlisted (tenant_id String, project String, n UInt64) ENGINE = MergeTree ORDER BY n",
            "INSERT INTO activitylog.events VALUES ('a', 'p', 1), ('a', 'q', 2), ('b', 'p', 3), ('', '', 4)",
            "INSERT INTO activitylog.unlisted SELECT * FROM activitylog.events",
            "CREATE VIEW pub.events DEFINER = wall SQL SECURITY DEFINER AS SELECT * FROM activitylog.events",
            "CREATE VIEW pub.unlisted DEFINER = wall SQL SECURITY DEFINER AS SELECT * FROM activitylog.unlisted",
        ] {
            write(&engine, sql).await;
        }
        Walled { engine, dir }
    }

    fn reader(&self) -> &User {
        &self.engine.credentials().reader
    }

    async fn ask(&self, user: Option<&User>, settings: &str, sql: &str) -> (u16, String) {
        query(&self.engine.http_url(), user, settings, sql).await
    }

    /// As the product reads: `reader`, read-only, the Scope in the query id.
    async fn read(&self, scope: &str, sql: &str) -> (u16, String) {
        let id = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(scope), uuid::Uuid::new_v4());
        self.ask(Some(self.reader()), &format!("readonly=1&query_id={id}"), sql).await
    }

    async fn refused(&self, user: Option<&User>, sql: &str) {
        let (status, body) = self.ask(user, "", sql).await;
        assert_ne!(status, 200, "{sql}: {body}");
        assert!(body.contains("ACCESS_DENIED") || body.contains("READONLY"), "{sql}: {body}");
    }
}

const NUMBERS: &str = "SELECT arrayStringConcat(arraySort(groupArray(toString(n))), ',') FROM pub.events";

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_its_tenant_and_projects_and_nothing_without_a_scope() {
    let walled = Walled::start().await;
    for (scope, seen) in [
        (r#"{"tenant":"a","all_projects":true}"#, "1,2"),
        (r#"{"tenant":"a","projects":["q"]}"#, "2"),
        (r#"{"tenant":"a","projects":[]}"#, ""),
        (r#"{"tenant":"a"}"#, ""),
        (r#"{"tenant":"b","all_projects":true}"#, "3"),
        (r#"{"tenant":"c","all_projects":true}"#, ""),
        (r#"{"all_projects":true}"#, ""),
        (r#"{"tenant":"","all_projects":true}"#, ""),
        (r#"not json"#, ""),
    ] {
        assert_eq!(walled.read(scope, NUMBERS).await, (200, seen.to_owned()), "{scope}");
    }
    for id in ["query_id=%21%21.x", "query_id=..", ""] {
        let (status, seen) = walled.ask(Some(walled.reader()), id, NUMBERS).await;
        assert_eq!((status, seen.as_str()), (200, ""), "{id}");
    }
    walled.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_nobody_listed_can_not_be_read_through_a_view() {
    let walled = Walled::start().await;
    let (status, body) = walled.read(r#"{"tenant":"a","all_projects":true}"#, "SELECT * FROM pub.unlisted").await;
    assert!(status != 200 && body.contains("ACCESS_DENIED"), "{body}");
    walled.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anonymous_http_can_do_nothing() {
    let walled = Walled::start().await;
    let secrets = walled.dir.path().join("engine/secrets.json");
    let secrets = secrets.display();
    for sql in [
        "SELECT * FROM activitylog.events".to_owned(),
        "SELECT * FROM pub.events".to_owned(),
        "SELECT * FROM system.processes".to_owned(),
        format!("SELECT * FROM file('{secrets}', 'LineAsString', 's String')"),
        format!("SELECT * FROM file('{secrets}', 'LineAsString', 's String') SETTINGS readonly = 0"),
        format!("SELECT * FROM default.`{secrets}`"),
        "SYSTEM STOP LISTEN HTTP".to_owned(),
        "SET readonly = 0".to_owned(),
        "CREATE TEMPORARY TABLE t (s String) ENGINE = File(LineAsString, '/etc/passwd')".to_owned(),
        "INSERT INTO FUNCTION file('/tmp/x', 'LineAsString', 's String') VALUES ('x')".to_owned(),
        "CREATE DATABASE mine".to_owned(),
        "KILL QUERY WHERE 1".to_owned(),
    ] {
        walled.refused(None, &sql).await;
    }
    let (status, body) = walled.ask(None, "readonly=0", "SELECT 1").await;
    assert!(status != 200 && body.contains("READONLY"), "{body}");
    for name in ["wall", "writer"] {
        let user = User { name: name.to_owned(), password: String::new() };
        let (status, body) = walled.ask(Some(&user), "", "SELECT 1").await;
        assert!(status == 403 && body.contains("AUTHENTICATION_FAILED"), "{body}");
    }
    walled.engine.shutdown().await;
}

/// The scalar function checks no right in this mode; a function of ours stands before it.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_files_with_the_function_file() {
    let walled = Walled::start().await;
    let path = walled.dir.path().join("known.txt");
    std::fs::write(&path, "KNOWN-CONTENT").unwrap();
    let path = path.display();
    let call = format!("file('{path}')");
    let column = format!("(SELECT '{path}' AS a)");
    let credentials = walled.engine.credentials().clone();
    for user in [None, Some(&credentials.reader), Some(&credentials.gate), Some(&credentials.writer)] {
        for sql in [
            format!("SELECT {call}"),
            format!("SELECT file('{path}', 'otherwise')"),
            format!("SELECT `file`('{path}')"),
            format!("SELECT * APPLY(file) FROM {column}"),
            format!("SELECT * APPLY file FROM {column}"),
            format!("SELECT * APPLY(x -> file(x)) FROM {column}"),
            format!("SELECT * REPLACE(file(a) AS a) FROM {column}"),
            format!("SELECT file(a) FROM {column}"),
            format!("SELECT arrayMap(x -> file(x), ['{path}'])"),
            format!("WITH (x -> file(x)) AS f SELECT f('{path}')"),
            format!("SELECT * FROM numbers(length({call}))"),
            format!("SELECT * FROM generateSeries(0, length({call}))"),
            format!("SELECT * FROM values('x String', {call})"),
            format!("SELECT * FROM view(SELECT {call})"),
            format!("SELECT number FROM numbers(20) LIMIT length({call})"),
            format!("SELECT number FROM numbers(20) WHERE number IN (length({call}))"),
            format!("SELECT quantile(length({call}) / 100)(number) FROM numbers(10)"),
            format!("SELECT number FROM numbers(3) ORDER BY number WITH FILL TO length({call})"),
            format!("SELECT 1 WHERE (SELECT {call}) != ''"),
            format!("SELECT throwIf({call} = 'KNOWN-CONTENT', 'oracle')"),
            format!("DESCRIBE file('{path}', 'CSVWithNames')"),
        ] {
            for settings in ["", "allow_experimental_analyzer=0"] {
                let (status, body) = walled.ask(user, settings, &sql).await;
                assert_ne!(status, 200, "{user:?} {settings} {sql}: {body}");
                assert!(!body.contains("KNOWN-CONTENT") && !body.contains("oracle"), "{sql}: {body}");
            }
        }
        for sql in ["DROP FUNCTION file", "CREATE OR REPLACE FUNCTION file AS x -> x", "CREATE FUNCTION f AS x -> x"] {
            walled.refused(user, sql).await;
        }
    }
    walled.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_reads_views_and_nothing_else_and_within_limits() {
    let walled = Walled::start().await;
    for sql in [
        "SELECT * FROM activitylog.events",
        "SELECT count() FROM system.processes",
        "SELECT * FROM system.users",
        "SELECT * FROM system.parts",
        "INSERT INTO pub.events VALUES ('a', 'p', 9)",
        "CREATE TABLE pub.t (n UInt8) ENGINE = Memory",
        "DROP VIEW pub.events",
        "CREATE VIEW pub.v DEFINER = wall SQL SECURITY DEFINER AS SELECT 1",
        "SELECT * FROM url('http://127.0.0.1:1', 'CSV', 's String')",
        "SELECT * FROM remote('127.0.0.1', 'activitylog', 'events')",
        "SELECT * FROM mergeTreeIndex('activitylog', 'events')",
        "SELECT * FROM executable('x.sh', 'TSV', 's String')",
        "CREATE TEMPORARY TABLE t (n UInt8)",
        "KILL QUERY WHERE 1",
        "SYSTEM SHUTDOWN",
    ] {
        walled.refused(Some(walled.reader()), sql).await;
    }
    let (status, body) = walled.ask(Some(walled.reader()), "readonly=1", "SET max_execution_time = 0").await;
    assert!(status != 200 && body.contains("READONLY"), "{body}");
    let (_, body) = walled.read("{}", "SELECT number FROM numbers(2000000) FORMAT Null").await;
    assert!(body.contains("TOO_MANY_ROWS_OR_BYTES"), "{body}");
    let (_, databases) = walled.read("{}", "SELECT groupArray(name) FROM system.databases").await;
    assert_eq!(databases, "['pub']");
    walled.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gate_parses_and_may_do_nothing() {
    let walled = Walled::start().await;
    let gate = walled.engine.credentials().gate.clone();
    let (status, body) = walled.ask(Some(&gate), "", "EXPLAIN AST SELECT n FROM pub.events").await;
    assert!(status == 200 && body.contains("SelectQuery"), "{body}");
    for sql in ["SELECT * FROM pub.events", "SELECT * FROM activitylog.events", "CREATE DATABASE d", "SYSTEM SHUTDOWN"]
    {
        walled.refused(Some(&gate), sql).await;
    }
    walled.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_writer_owns_its_two_databases_and_no_more() {
    let walled = Walled::start().await;
    for sql in [
        "ALTER TABLE activitylog.events ADD COLUMN m UInt8",
        "CREATE TABLE activitylog.rollup (n UInt64) ENGINE = SummingMergeTree ORDER BY n",
        "CREATE MATERIALIZED VIEW activitylog.to_rollup TO activitylog.rollup AS SELECT n FROM activitylog.events",
        "INSERT INTO activitylog.events VALUES ('a', 'p', 5, 1)",
        "OPTIMIZE TABLE activitylog.events FINAL",
        "CREATE OR REPLACE VIEW pub.events DEFINER = wall SQL SECURITY DEFINER AS SELECT * FROM activitylog.events",
        "EXCHANGE TABLES activitylog.rollup AND activitylog.unlisted",
        "RENAME TABLE activitylog.unlisted TO activitylog.other",
        "ALTER TABLE activitylog.events MODIFY TTL toDateTime(n + 4000000000)",
        "ALTER TABLE activitylog.events DELETE WHERE n = 5",
        "TRUNCATE TABLE activitylog.rollup",
        "DROP TABLE activitylog.rollup",
        "SELECT count() FROM system.parts",
        "SELECT count() FROM system.tables",
    ] {
        write(&walled.engine, sql).await;
    }
    let writer = walled.engine.credentials().writer.clone();
    for sql in [
        "CREATE DATABASE other",
        "CREATE USER eve",
        "GRANT SELECT ON activitylog.* TO reader",
        "SELECT * FROM url('http://127.0.0.1:1', 'CSV', 's String')",
        "SELECT * FROM file('/etc/passwd', 'LineAsString', 's String')",
        "CREATE DICTIONARY activitylog.d (k UInt64, v String) PRIMARY KEY k \
         SOURCE(EXECUTABLE(COMMAND 'id' FORMAT 'TSV')) LIFETIME(0) LAYOUT(FLAT())",
        "CREATE TABLE activitylog.f (s String) ENGINE = File(LineAsString, '/etc/passwd')",
        "CREATE TABLE activitylog.f (s String) ENGINE = URL('http://127.0.0.1:1', 'CSV')",
        "CREATE TABLE activitylog.f (s String) ENGINE = Executable('x.sh', 'TSV')",
        "SYSTEM STOP LISTEN HTTP",
        "CREATE VIEW pub.v DEFINER = default SQL SECURITY DEFINER AS SELECT 1",
    ] {
        walled.refused(Some(&writer), sql).await;
    }
    walled.engine.shutdown().await;
}
