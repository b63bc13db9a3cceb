//! What a tenant may send: records per second and bytes per UTC day, counted when they are stored.
//!
//! - A tenant in debt is refused before its request is read; one that is not is admitted whatever the request holds, and charged
//!   once it is stored. So a request larger than the limit passes, and the ones after it wait until it is paid for.
//! - Rates are exact over time. At once there may be one second's worth, and what was admitted together.
//! - Replays cost nothing.
//! - Each node counts what it took itself. Bytes survive a restart in `DATA_DIR/quota.json`, written every few seconds.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// 0: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quota {
    pub records_per_second: u64,
    pub bytes_per_day: u64,
}

/// Why a tenant has to wait, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Records { most: u64, wait: Duration },
    Bytes { most: u64, wait: Duration },
}

/// One tenant's account.
#[derive(Debug)]
pub struct Meter {
    account: Mutex<Account>,
    changed: Arc<AtomicBool>,
}

#[derive(Debug, Clone, Copy)]
struct Account {
    /// Records that may come now; below zero is debt.
    records: f64,
    at: Option<Instant>,
    day: i64,
    bytes: u64,
}

/// The accounts of all tenants that have a limit.
#[derive(Debug)]
pub struct Quotas {
    meters: Mutex<HashMap<String, Arc<Meter>>>,
    changed: Arc<AtomicBool>,
    path: PathBuf,
}

/// The file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Written {
    /// Since 1970, UTC.
    day: i64,
    bytes: BTreeMap<String, u64>,
}

/// The limit may be raised while a sender waits for midnight.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
const DAY_MS: i64 = 86_400_000;

// === impl Quota ===

impl Quota {
    pub fn is_none(self) -> bool {
        self == Quota::default()
    }
}

// === impl Over ===

impl Over {
    pub fn wait(self) -> Duration {
        match self {
            Over::Records { wait, .. } | Over::Bytes { wait, .. } => wait,
        }
    }
}

// === impl Meter ===

impl Meter {
    fn new(day: i64, bytes: u64, changed: Arc<AtomicBool>) -> Meter {
        Meter { account: Mutex::new(Account { records: 0.0, at: None, day, bytes }), changed }
    }

    /// Whether more may come now.
    pub fn admit(&self, quota: Quota) -> Result<(), Over> {
        self.account().admit(quota, Instant::now(), now_ms())
    }

    /// So much was stored.
    pub fn charge(&self, quota: Quota, records: u64, bytes: u64) {
        self.account().charge(quota, records, bytes, Instant::now(), now_ms());
        self.changed.store(true, Relaxed);
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Account ===

impl Account {
    fn admit(&mut self, quota: Quota, now: Instant, now_ms: i64) -> Result<(), Over> {
        self.move_to(quota, now, now_ms);
        let most = quota.bytes_per_day;
        if most > 0 && self.bytes >= most {
            let left = u64::try_from(DAY_MS - now_ms.rem_euclid(DAY_MS)).unwrap_or(0);
            return Err(Over::Bytes { most, wait: Duration::from_millis(left).min(LONGEST_WAIT) });
        }
        let most = quota.records_per_second;
        if most > 0 && self.records <= 0.0 {
            let wait = Duration::try_from_secs_f64((1.0 - self.records) / most as f64).unwrap_or(LONGEST_WAIT);
            return Err(Over::Records { most, wait: wait.min(LONGEST_WAIT) });
        }
        Ok(())
    }

    fn charge(&mut self, quota: Quota, records: u64, bytes: u64, now: Instant, now_ms: i64) {
        self.move_to(quota, now, now_ms);
        self.bytes = self.bytes.saturating_add(bytes);
        if quota.records_per_second > 0 {
            self.records -= records as f64;
        }
    }

    /// Pays off what the time since the last look is worth.
    fn move_to(&mut self, quota: Quota, now: Instant, now_ms: i64) {
        let most = quota.records_per_second as f64;
        self.records = match self.at {
            None => most,
            Some(at) => (self.records + most * now.saturating_duration_since(at).as_secs_f64()).min(most),
        };
        // A limit that was taken away leaves no debt to pay when there is one again.
        self.at = (quota.records_per_second > 0).then_some(now);
        let day = now_ms.div_euclid(DAY_MS);
        if day != self.day {
            (self.day, self.bytes) = (day, 0);
        }
    }
}

// === impl Quotas ===

impl Quotas {
    /// Goes on from what the data folder remembers of today.
    pub fn open(data_dir: &Path) -> Quotas {
        let path = data_dir.join("quota.json");
        let written = read(&path).unwrap_or_else(|error| {
            tracing::warn!(%error, path = %path.display(), "the bytes that tenants sent today can't be read; they count from 0");
            Written::default()
        });
        let changed = Arc::new(AtomicBool::new(false));
        let meter = |(tenant, bytes)| (tenant, Arc::new(Meter::new(written.day, bytes, changed.clone())));
        let meters = written.bytes.into_iter().map(meter).collect();
        Quotas { meters: Mutex::new(meters), changed, path }
    }

    /// The account of a tenant that somebody authenticated for.
    pub fn of(&self, tenant: &str) -> Arc<Meter> {
        let mut meters = self.meters();
        if let Some(meter) = meters.get(tenant) {
            return meter.clone();
        }
        let meter = Arc::new(Meter::new(0, 0, self.changed.clone()));
        meters.insert(tenant.to_owned(), meter.clone());
        meter
    }

    /// Bytes stored today, by tenant.
    pub fn today(&self) -> BTreeMap<String, u64> {
        let day = now_ms().div_euclid(DAY_MS);
        let accounts: Vec<_> = self.meters().iter().map(|(tenant, meter)| (tenant.clone(), *meter.account())).collect();
        accounts
            .into_iter()
            .filter(|(_, account)| account.day == day)
            .map(|(id, account)| (id, account.bytes))
            .collect()
    }

    /// Writes what changed to the data folder.
    pub fn save(&self) {
        if !self.changed.swap(false, Relaxed) {
            return;
        }
        let written = Written { day: now_ms().div_euclid(DAY_MS), bytes: self.today() };
        if let Err(error) = write(&self.path, &written) {
            tracing::warn!(%error, path = %self.path.display(), "the bytes that tenants sent today can't be written");
        }
    }

    fn meters(&self) -> MutexGuard<'_, HashMap<String, Arc<Meter>>> {
        self.meters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> io::Result<Written> {
    match fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Written::default()),
        Err(error) => Err(error),
    }
}

/// Whole or not at all.
fn write(path: &Path, written: &Written) -> io::Result<()> {
    let beside = path.with_extension("new");
    fs::write(&beside, serde_json::to_vec(written)?)?;
    fs::rename(&beside, path)
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 20_000 * DAY_MS + DAY_MS / 2;

    fn account() -> Account {
        Account { records: 0.0, at: None, day: 0, bytes: 0 }
    }

    #[test]
    fn a_request_larger_than_the_rate_passes_and_is_paid_for() {
        let (quota, start) = (Quota { records_per_second: 100, bytes_per_day: 0 }, Instant::now());
        let mut account = account();
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(account.admit(quota, at(0), NOON), Ok(()));
        account.charge(quota, 500, 1, at(0), NOON);
        let Err(Over::Records { most: 100, wait }) = account.admit(quota, at(0), NOON) else { panic!("admitted") };
        assert_eq!(wait.as_millis(), 4010);
        assert!(account.admit(quota, at(4000), NOON).is_err());
        assert!(account.admit(quota, at(4010), NOON).is_ok());
        // A long silence saves one second's worth.
        assert!(account.admit(quota, at(100_000), NOON).is_ok());
        account.charge(quota, 100, 1, at(100_000), NOON);
        assert!(account.admit(quota, at(100_000), NOON).is_err());
    }

    #[test]
    fn bytes_count_until_midnight() {
        let (quota, now) = (Quota { records_per_second: 0, bytes_per_day: 1000 }, Instant::now());
        let mut account = account();
        account.charge(quota, 1, 999, now, NOON);
        assert_eq!(account.admit(quota, now, NOON), Ok(()));
        account.charge(quota, 1, 5000, now, NOON);
        assert_eq!(account.admit(quota, now, NOON), Err(Over::Bytes { most: 1000, wait: LONGEST_WAIT }));
        let late = NOON + DAY_MS / 2 - 2000;
        assert_eq!(account.admit(quota, now, late), Err(Over::Bytes { most: 1000, wait: Duration::from_secs(2) }));
        assert_eq!(account.admit(quota, now, late + 2000), Ok(()));
        // Raised, it holds at once.
        account.charge(quota, 1, 1000, now, NOON);
        assert_eq!(account.admit(Quota { bytes_per_day: 2000, ..quota }, now, NOON), Ok(()));
    }

    #[test]
    fn what_was_sent_today_survives_a_restart() {
        let dir = tempfile::tempdir().expect("a folder");
        let quota = Quota { records_per_second: 0, bytes_per_day: 10 };
        let quotas = Quotas::open(dir.path());
        quotas.of("acme").charge(quota, 1, 7);
        quotas.save();
        let again = Quotas::open(dir.path());
        assert_eq!(again.today(), BTreeMap::from([("acme".to_owned(), 7)]));
        again.of("acme").charge(quota, 1, 3);
        assert!(again.of("acme").admit(quota).is_err() && again.of("else").admit(quota).is_ok());
        std::fs::write(dir.path().join("quota.json"), "{").expect("written");
        assert!(Quotas::open(dir.path()).today().is_empty());
    }
}
