//! What readers ask: the feed's questions, and every panel of every pack.

use std::net::SocketAddr;

use serde_json::Value;

use crate::get::Connection;

pub struct Question {
    pub name: String,
    pub target_ms: Option<u32>,
    pub who: Who,
    pub path: Box<Path>,
}

/// The address to ask for, by chance and the newest event's time.
type Path = dyn Fn(&mut Dice, i64) -> String + Send + Sync;

#[derive(Clone, Copy)]
pub enum Who {
    /// Any tenant, each as often as the other.
    Anybody,
    /// One of the usual size.
    Usual,
    /// The largest.
    Largest,
}

/// xorshift: the same questions in each run.
pub struct Dice(u64);

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

pub fn feed() -> Vec<Question> {
    let timeline = |name: &str, target, who, hours: i64, bucket: &'static str| {
        question(name, Some(target), who, move |dice, end| {
            // As the portal asks: a range that ends in the middle of a minute; not the same one twice.
            let spread = if hours > 100 { 5 * 60 } else { 12 * HOUR };
            format!("/api/v1/messages/timeline?bucket={bucket}&group_by=class&{}", range(dice, end, hours, spread))
        })
    };
    let list = |name: &str, path: &'static str, hours: i64, rest: &'static str| {
        question(name, None, Who::Anybody, move |dice, end| format!("{path}?{}{rest}", range(dice, end, hours, HOUR)))
    };
    vec![
        timeline("timeline, 1 h", 30, Who::Anybody, 1, "1m"),
        timeline("timeline, 24 h", 60, Who::Anybody, 24, "15m"),
        timeline("timeline, 30 d", 150, Who::Anybody, 720, "1d"),
        timeline("timeline, 30 d by hours", 150, Who::Anybody, 720, "1h"),
        timeline("timeline, 1 h, the largest tenant", 30, Who::Largest, 1, "1m"),
        timeline("timeline, 24 h, the largest tenant", 60, Who::Largest, 24, "15m"),
        timeline("timeline, 30 d, the largest tenant", 150, Who::Largest, 720, "1d"),
        list("messages, a page of 24 h", "/api/v1/messages", 24, "&limit=50"),
        list("messages, a page of 30 d", "/api/v1/messages", 720, "&limit=50"),
        list("dots, 1 h", "/api/v1/messages/points", 1, "&limit=20000"),
        list("sessions, a page of 24 h", "/api/v1/sessions", 24, "&limit=50"),
        list("sessions, a page of 30 d", "/api/v1/sessions", 720, "&limit=50"),
        list("values of user_id, 30 d", "/api/v1/values", 720, "&field=user_id"),
    ]
}

/// Those that the largest tenant's admin sees, of 30 days to the end.
pub fn panels(addr: SocketAddr, end: i64) -> Result<Vec<Question>, String> {
    let (status, body) =
        Connection::new(addr).get("/api/v1/packs", "alg_a_bench_t001").map_err(|error| error.to_string())?;
    if status != 200 {
        return Err(format!("GET /api/v1/packs answers {status}"));
    }
    let packs: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let mut questions = Vec::new();
    for pack in list(&packs, "items") {
        for panel in list(&pack, "panels") {
            let (pack, panel) = (pack["id"].as_str().unwrap_or(""), panel["id"].as_str().unwrap_or(""));
            let path = format!(
                "/api/v1/packs/{pack}/panels/{panel}?from={}&to={}&timezone=Europe/Berlin",
                instant(end - 30 * DAY, 0),
                instant(end, 0)
            );
            questions.push(question(&format!("{pack}/{panel}"), Some(300), Who::Usual, move |_, _| path.clone()));
        }
    }
    Ok(questions)
}

fn question(
    name: &str,
    target_ms: Option<u32>,
    who: Who,
    path: impl Fn(&mut Dice, i64) -> String + Send + Sync + 'static,
) -> Question {
    Question { name: name.to_owned(), target_ms, who, path: Box::new(path) }
}

/// So many hours, up to `spread` seconds before the end.
fn range(dice: &mut Dice, end: i64, hours: i64, spread: i64) -> String {
    let to = end - dice.below(spread as u64) as i64;
    let ms = dice.below(1000);
    format!("from={}&to={}", instant(to - hours * HOUR, ms), instant(to, ms))
}

fn instant(seconds: i64, ms: u64) -> String {
    let second = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    format!("{}.{ms:03}Z", second.strftime("%Y-%m-%dT%H:%M:%S"))
}

// === impl Who ===

impl Who {
    /// `packs.sh` makes t001 the largest, the next twentieth large, and the last quarter small.
    pub fn tenant(self, tenants: u64, dice: &mut Dice) -> String {
        let number = match self {
            Who::Anybody => 1 + dice.below(tenants),
            Who::Usual => 1 + tenants / 4 + dice.below(tenants / 4 + 1),
            Who::Largest => 1,
        };
        format!("t{:03}", number.min(tenants))
    }
}

// === impl Dice ===

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound.max(1)
    }
}
