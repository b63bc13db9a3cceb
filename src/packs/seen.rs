//! Which sources a tenant has been seen to send. Remembered once seen: a pack is not to vanish because a week was quiet, and a list of
//! packs is not to read a month of events each time.

use std::collections::{BTreeSet, HashMap};
use std::sync::{PoisonError, RwLock};

use serde::Deserialize;

use crate::clickhouse::read::{Reader, Sql};
use crate::clickhouse::server::StoreError;
use crate::control::Snapshot;
use crate::model::scope::Scope;

#[derive(Default)]
pub struct Seen {
    tenants: RwLock<HashMap<String, BTreeSet<String>>>,
}

// === impl Seen ===

impl Seen {
    /// Whether one of `sources` is configured or was seen.
    pub async fn any(
        &self,
        reader: &Reader,
        snapshot: &Snapshot,
        tenant: &str,
        sources: &[String],
    ) -> Result<bool, StoreError> {
        let configured =
            |source: &str| snapshot.sources.values().any(|row| row.tenant_id == tenant && row.kind.source() == source);
        if sources.iter().any(|source| configured(source)) || self.remembers(tenant, sources) {
            return Ok(true);
        }
        self.look(reader, tenant).await?;
        Ok(self.remembers(tenant, sources))
    }

    fn remembers(&self, tenant: &str, sources: &[String]) -> bool {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.get(tenant).is_some_and(|seen| sources.iter().any(|source| seen.contains(source)))
    }

    async fn look(&self, reader: &Reader, tenant: &str) -> Result<(), StoreError> {
        #[derive(Deserialize)]
        struct Row {
            source: String,
        }
        let sql = Sql::new("SELECT DISTINCT toString(source) AS source FROM pub.events_by_minute");
        let rows: Vec<Row> = reader.rows(&Scope::whole_tenant(tenant), sql).await?;
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        tenants.entry(tenant.to_owned()).or_default().extend(rows.into_iter().map(|row| row.source));
        Ok(())
    }
}
