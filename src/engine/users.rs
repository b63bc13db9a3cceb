//! `users.xml`: who may do what. The tenant wall stands on this file, so every line of it has a test in
//! `tests/it/engine.rs`.
//!
//! | user | logs in | may |
//! |---|---|---|
//! | `default` | from loopback, no password | nothing over the network: it is read-only, and the rights it holds all need more |
//! | `writer` | with a password | own the schema: everything in `activitylog` and `pub`, read `system` |
//! | `wall` | never | read the walled tables, through their filters; the `pub` views run as it |
//! | `reader` | with a password | read `pub`, within limits: the product's own questions |
//! | `guest` | with a password | the same for what callers wrote: without skip indexes |
//! | `gate` | with a password | nothing at all; it parses what users wrote |
//!
//! Two things in here were found out the hard way, on 26.7.2.1:
//!
//! - the child's own session logs in as `default`, without a password and from 127.0.0.1, and needs
//!   `READ ON FILE` to read its stdin. The name and the address are fixed in the engine, and every HTTP client without
//!   credentials is the same user from the same address: it could have read `/etc/passwd`. So the profile of `default` is
//!   `readonly = 1`, which forbids table functions, SYSTEM and changing settings; the child lifts it for its own session
//!   alone, on its command line, where no constraint is checked (`child.rs`).
//! - the *function* `file('/path')` checks no right in this mode: any user, also `gate`, could read any file of this
//!   process, other tenants' parts included. It can't be revoked, but a user-defined function of the same name is found
//!   first, also by `APPLY(file)` and in table function arguments, by both analyzers. It is put into the store before each
//!   start, nobody has the right to drop it, and the supervisor asks for it before it calls the engine ready (`probe.rs`).

use crate::model::scope::tenant_filter;

use super::files::{Credentials, sha256_hex, xml_text};
use super::{EngineOptions, ReaderLimits};

/// What the hidden `file()` says, and how the probe knows it.
pub(super) const NO_FILES: &str = "files of the engine are not for queries";
const NO_DICTIONARIES: &str = "what blocks of other rows hold is not for queries";

/// Functions that stand in front of built-in ones, as files of `store/user_defined/`: name and definition.
///
/// Beside `file`: rows of all tenants lie in the same blocks, and the filter takes rows out, but leaves a block's dictionaries as
/// they are. These tell of the dictionary itself: how large it is, and where in it a value stands.
pub(super) fn hidden_functions() -> impl Iterator<Item = (&'static str, String)> {
    let of_dictionaries =
        ["lowCardinalityIndices", "lowCardinalityKeys", "dumpColumnStructure", "blockSerializedSize"].into_iter();
    let reasons = [("file", NO_FILES)].into_iter().chain(of_dictionaries.map(|name| (name, NO_DICTIONARIES)));
    reasons.map(|(name, why)| (name, format!("CREATE FUNCTION {name} AS x -> toString(throwIf(1, '{why}'))\n")))
}

pub(super) fn render(options: &EngineOptions, credentials: &Credentials) -> String {
    let network = "<networks><ip>127.0.0.1</ip></networks>";
    // Nobody knows the password that this is the hash of; and no address may try one.
    let wall = Credentials::unknowable_password_hash();
    format!(
        r#"<clickhouse>
  <!-- Written by activitylog at each start: changes made here are lost. -->
  <profiles>
    <default/>
    <nobody><readonly>1</readonly></nobody>
    <reader>{limits}<constraints>{fixed}</constraints></reader>
    <guest>{limits}<use_skip_indexes>0</use_skip_indexes><constraints>{fixed}<use_skip_indexes><readonly/></use_skip_indexes></constraints></guest>
    <gate>{gate_limits}</gate>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password></password>{network}<profile>nobody</profile><quota>default</quota>
      <grants>{default_grants}</grants>
    </default>
    <writer>
      {writer}{network}<profile>default</profile><quota>default</quota>
      <grants>{writer_grants}</grants>
    </writer>
    <wall>
      <password_sha256_hex>{wall}</password_sha256_hex><networks/><profile>default</profile><quota>default</quota>
      <grants>{wall_grants}</grants>
      <databases><activitylog>{filters}</activitylog></databases>
    </wall>
    <reader>
      {reader}{network}<profile>reader</profile><quota>default</quota>
      <grants>{reader_grants}</grants>
    </reader>
    <guest>
      {guest}{network}<profile>guest</profile><quota>default</quota>
      <grants>{reader_grants}</grants>
    </guest>
    <gate>
      {gate}{network}<profile>gate</profile><quota>default</quota>
      <grants>{gate_grants}</grants>
    </gate>
  </users>
</clickhouse>
"#,
        limits = reader_limits(&options.reader),
        fixed = FIXED.iter().map(|name| format!("<{name}><readonly/></{name}>")).collect::<String>(),
        gate_limits = tags(&[("max_execution_time", 2), ("max_memory_usage", 64 << 20), ("max_result_rows", 100_000)]),
        default_grants =
            grants(&["GRANT SYSTEM LISTEN ON *.*", "GRANT READ ON FILE", "GRANT CREATE TEMPORARY TABLE ON *.*",]),
        writer = password(&credentials.writer.password),
        writer_grants = grants(WRITER),
        wall_grants = wall_grants(&options.walled_tables),
        filters = filters(&options.walled_tables),
        reader = password(&credentials.reader.password),
        reader_grants = grants(&["GRANT SELECT ON pub.*"]),
        guest = password(&credentials.guest.password),
        gate = password(&credentials.gate.password),
        gate_grants = grants(&["REVOKE ALL ON *.*"]),
    )
}

/// Owner of the schema. Not among them, on purpose: files, URLs, other servers, functions, users; and dictionaries, whose
/// executable sources would run commands in this mode.
const WRITER: &[&str] = &[
    "GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP DATABASE, DROP TABLE, DROP VIEW, UNDROP TABLE ON activitylog.*",
    "GRANT SHOW, SELECT, INSERT, ALTER, TRUNCATE, OPTIMIZE, BACKUP ON activitylog.*",
    "GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP DATABASE, DROP TABLE, DROP VIEW, UNDROP TABLE ON pub.*",
    "GRANT SHOW, SELECT, INSERT, ALTER, TRUNCATE, OPTIMIZE, BACKUP ON pub.*",
    "GRANT TABLE ENGINE ON MergeTree",
    "GRANT TABLE ENGINE ON ReplacingMergeTree",
    "GRANT TABLE ENGINE ON SummingMergeTree",
    "GRANT TABLE ENGINE ON AggregatingMergeTree",
    "GRANT TABLE ENGINE ON Null",
    "GRANT TABLE ENGINE ON Memory",
    "GRANT TABLE ENGINE ON Distributed",
    "GRANT SET DEFINER ON wall",
    "GRANT SELECT ON system.*",
    "GRANT CREATE TEMPORARY TABLE, KILL QUERY, SYSTEM MERGES, SYSTEM TTL MERGES, SYSTEM DROP CACHE ON *.*",
];

// Why `guest` goes without skip indexes: a granule holds rows of tenants that are neighbours in the key, and its indexes know the
// values of all of them. A condition on one value says by an index whether the granule is read at all, and a second condition that
// fails on the caller's own rows says whether it was: `session_id = 'x' AND toUInt8(model) = 1` told whether a neighbour has an `x`.

/// Table by table, so that a new one stays unreadable until somebody lists it and so gives it a filter.
fn wall_grants(tables: &[String]) -> String {
    tables.iter().map(|table| grant(&format!("GRANT SELECT ON activitylog.`{table}`"))).collect()
}

fn filters(tables: &[String]) -> String {
    let filter = xml_text(&tenant_filter());
    tables.iter().map(|table| format!("<{table}><filter>{filter}</filter></{table}>")).collect()
}

/// What no query of `reader` may set, wherever it stands.
///
/// An Arrow answer with dictionaries would hold those of the blocks, with values of rows that the filter took out: of other tenants.
/// Whether a granule has rows for a condition would be remembered for the next query, which may be another tenant's.
const FIXED: &[&str] = &[
    "output_format_arrow_low_cardinality_as_dictionary",
    "query_plan_optimize_join_order_limit",
    "use_query_condition_cache",
];

fn reader_limits(limits: &ReaderLimits) -> String {
    tags(&[
        ("max_execution_time", limits.max_seconds),
        ("max_memory_usage", limits.max_memory_bytes),
        ("max_rows_to_read", limits.max_rows_to_read),
        ("max_result_rows", limits.max_result_rows),
        ("max_result_bytes", limits.max_result_bytes),
        ("max_concurrent_queries_for_user", limits.max_concurrent_queries),
        // Sorting and grouping past memory spill to disk before the limit ends the query.
        ("max_bytes_before_external_group_by", limits.max_memory_bytes / 2),
        ("max_bytes_before_external_sort", limits.max_memory_bytes / 2),
        // EXPLAIN of a join shows the estimates that its order was chosen by: row counts of granules that tenants share.
        ("query_plan_optimize_join_order_limit", 0),
        ("use_query_condition_cache", 0),
        ("output_format_arrow_low_cardinality_as_dictionary", 0),
    ])
}

fn tags(settings: &[(&str, u64)]) -> String {
    settings.iter().map(|(name, value)| format!("<{name}>{value}</{name}>")).collect()
}

fn grants(queries: &[&str]) -> String {
    queries.iter().map(|query| grant(query)).collect()
}

fn grant(query: &str) -> String {
    format!("<query>{}</query>", xml_text(query))
}

fn password(password: &str) -> String {
    format!("<password_sha256_hex>{}</password_sha256_hex>", sha256_hex(password.as_bytes()))
}
