//! How many queries run at once: of one tenant, and of all. Together with the API's own reads they stay below what the engine
//! allows `reader`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Exception;

/// Readers of the API and of live streams take 48 of the engine's 64.
const AT_ONCE: usize = 14;
const OF_A_TENANT: usize = 6;
/// A dashboard asks for all its panels at the same moment: they wait for each other.
const WAITING: usize = 64;
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Turns {
    all: Arc<Semaphore>,
    tenants: Mutex<HashMap<String, Arc<Tenant>>>,
}

struct Tenant {
    running: Arc<Semaphore>,
    asking: Arc<Semaphore>,
}

/// Held while a query runs, until its answer is sent.
#[derive(Debug)]
pub struct Turn {
    _permits: [OwnedSemaphorePermit; 3],
}

// === impl Turns ===

impl Turns {
    pub fn new() -> Turns {
        Turns { all: Arc::new(Semaphore::new(AT_ONCE)), tenants: Mutex::default() }
    }

    /// Tenants are known ones, so there are not many.
    fn of(&self, tenant: &str) -> Arc<Tenant> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            Arc::new(Tenant {
                running: Arc::new(Semaphore::new(OF_A_TENANT)),
                asking: Arc::new(Semaphore::new(OF_A_TENANT + WAITING)),
            })
        };
        tenants.entry(tenant.to_owned()).or_insert_with(new).clone()
    }

    pub async fn take(&self, tenant: &str) -> Result<Turn, Exception> {
        let too_many = || {
            Exception::too_many(format_args!(
                "too many queries at once: {OF_A_TENANT} of a tenant run and {WAITING} wait; ask again in a moment"
            ))
        };
        let tenant = self.of(tenant);
        let asking = tenant.asking.clone().try_acquire_owned().map_err(|_| too_many())?;
        let both = async {
            let of_tenant = tenant.running.clone().acquire_owned().await.ok()?;
            Some((of_tenant, self.all.clone().acquire_owned().await.ok()?))
        };
        match tokio::time::timeout(PATIENCE, both).await {
            Ok(Some((of_tenant, of_all))) => Ok(Turn { _permits: [asking, of_tenant, of_all] }),
            Ok(None) | Err(_) => Err(too_many()),
        }
    }
}

impl Default for Turns {
    fn default() -> Turns {
        Turns::new()
    }
}
