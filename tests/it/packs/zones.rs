//! Time zones of 2026, reckoned here: the machine may have no list of them.

use crate::store::nanoseconds;

pub const ZONES: [&str; 3] = ["UTC", "America/Los_Angeles", "Asia/Kolkata"];
const MINUTE: i64 = 60_000_000_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// How far clocks were ahead of UTC. In Los Angeles summer time began on 8 March.
fn ahead(ns: i64, zone: &str) -> i64 {
    assert!((nanoseconds("2026-01-01T00:00:00Z")..nanoseconds("2026-11-01T09:00:00Z")).contains(&ns));
    match zone {
        "UTC" => 0,
        "Asia/Kolkata" => 330 * MINUTE,
        "America/Los_Angeles" if ns < nanoseconds("2026-03-08T10:00:00Z") => -480 * MINUTE,
        "America/Los_Angeles" => -420 * MINUTE,
        _ => panic!("{zone}"),
    }
}

/// The date on the calendar there.
pub fn date(ns: i64, zone: &str) -> String {
    let local = jiff::Timestamp::from_nanosecond(i128::from(ns + ahead(ns, zone))).expect("an instant");
    local.strftime("%F").to_string()
}

/// When that day began there, as an answer tells it. The clocks must not have changed since.
pub fn midnight(ns: i64, zone: &str) -> String {
    let local = ns + ahead(ns, zone);
    let began = local - local.rem_euclid(DAY) - ahead(ns, zone);
    jiff::Timestamp::from_nanosecond(i128::from(began)).expect("an instant").to_string()
}
