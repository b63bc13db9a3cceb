//! The tenant wall on a full server: the same users and row policies that the embedded engine gets from its files.
//!
//! `wall` owns the views in `pub` and can't log in; its row policies compare every row with the Scope in the initial query's id,
//! the one thing about a query that its own text can't change. `reader` may read `pub` and nothing else.

use sha2::{Digest, Sha256};

use crate::model::scope::tenant_filter;

use super::migrate::WALLED_TABLES;
use super::server::{Server, StoreError};

/// Every node of one database must come to the same password without talking to the others.
pub fn reader_password(owner_password: &str) -> String {
    password_of("reader", owner_password)
}

/// The same for the user that parses what callers wrote.
pub fn gate_password(owner_password: &str) -> String {
    password_of("gate", owner_password)
}

fn password_of(user: &str, owner_password: &str) -> String {
    let digest = Sha256::digest(format!("activitylog {user}\0{owner_password}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes the users, before the views that name one of them exist.
pub async fn build_users(server: &Server, reader_password: &str, gate_password: &str) -> Result<(), StoreError> {
    let hash_of =
        |password: &str| -> String { Sha256::digest(password).iter().map(|byte| format!("{byte:02x}")).collect() };
    let (hash, gate_hash) = (hash_of(reader_password), hash_of(gate_password));
    for statement in [
        "CREATE USER IF NOT EXISTS wall HOST NONE".to_owned(),
        format!("CREATE USER IF NOT EXISTS reader IDENTIFIED WITH sha256_hash BY '{hash}'"),
        format!("ALTER USER reader IDENTIFIED WITH sha256_hash BY '{hash}'"),
        "ALTER USER reader SETTINGS max_execution_time = 30 MAX 30, max_memory_usage = 2000000000 MAX 2000000000, \
         max_result_rows = 1000000 MAX 1000000, query_plan_optimize_join_order_limit = 0 READONLY, \
         output_format_arrow_low_cardinality_as_dictionary = 0 READONLY, allow_ddl = 0 READONLY"
            .to_owned(),
        "GRANT SELECT ON pub.* TO reader".to_owned(),
        // It has no rights: EXPLAIN AST needs none.
        format!("CREATE USER IF NOT EXISTS gate IDENTIFIED WITH sha256_hash BY '{gate_hash}'"),
        format!("ALTER USER gate IDENTIFIED WITH sha256_hash BY '{gate_hash}'"),
        "ALTER USER gate SETTINGS max_execution_time = 2 MAX 2, max_memory_usage = 67108864 MAX 67108864".to_owned(),
    ] {
        server.execute(&statement).await?;
    }
    Ok(())
}

pub async fn build_policies(server: &Server) -> Result<(), StoreError> {
    for table in WALLED_TABLES {
        server.execute(&format!("GRANT SELECT ON activitylog.{table} TO wall")).await?;
        let policy = format!(
            "CREATE ROW POLICY OR REPLACE tenant_wall ON activitylog.{table} USING {} TO wall",
            tenant_filter()
        );
        server.execute(&policy).await?;
    }
    Ok(())
}
