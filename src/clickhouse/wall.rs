//! The tenant wall on a full server: the same users and row policies that the embedded engine gets from its files.
//!
//! `wall` owns the views in `pub` and can't log in; its row policies compare every row with the Scope in the initial query's id,
//! the one thing about a query that its own text can't change. `reader` may read `pub` and nothing else.

use sha2::{Digest, Sha256};

use crate::model::scope::tenant_filter;

use super::migrate::WALLED_TABLES;
use super::server::{Server, StoreError};

/// Who log in beside the owner: for the product's own questions, for what callers wrote, and to parse that.
pub const USERS: [&str; 3] = ["reader", "guest", "gate"];

/// Every node of one database must come to the same passwords without talking to the others.
pub fn password_of(user: &str, owner_password: &str) -> String {
    hex(&Sha256::digest(format!("activitylog {user}\0{owner_password}")))
}

/// Makes the users, before the views that name one of them exist. `passwords`: those of [`USERS`].
pub async fn build_users(server: &Server, passwords: &[String; 3]) -> Result<(), StoreError> {
    server.execute("CREATE USER IF NOT EXISTS wall HOST NONE").await?;
    for (user, password) in USERS.iter().zip(passwords) {
        let hash = hex(&Sha256::digest(password));
        server.execute(&format!("CREATE USER IF NOT EXISTS {user} IDENTIFIED WITH sha256_hash BY '{hash}'")).await?;
        server.execute(&format!("ALTER USER {user} IDENTIFIED WITH sha256_hash BY '{hash}'")).await?;
    }
    for (user, more) in [("reader", ""), ("guest", ", use_skip_indexes = 0 READONLY")] {
        let settings = format!("ALTER USER {user} SETTINGS {LIMITS}{more}");
        server.execute(&settings).await?;
        server.execute(&format!("GRANT SELECT ON pub.* TO {user}")).await?;
    }
    // It has no rights: EXPLAIN AST needs none.
    let gate = "ALTER USER gate SETTINGS max_execution_time = 2 MAX 2, max_memory_usage = 67108864 MAX 67108864";
    server.execute(gate).await
}

const LIMITS: &str = "max_execution_time = 30 MAX 30, max_memory_usage = 2000000000 MAX 2000000000, \
                      max_result_rows = 1000000 MAX 1000000, query_plan_optimize_join_order_limit = 0 READONLY, \
                      use_query_condition_cache = 0 READONLY, \
                      output_format_arrow_low_cardinality_as_dictionary = 0 READONLY, allow_ddl = 0 READONLY";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
