//! Everything that happens, in order of time: actors make episodes (a session, a request), which lie ahead of time, and
//! the feed hands out what has happened by now. History and live are the same feed with different clocks.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::claude_code::Coder;
use super::devops::Deliveries;
use super::gen_ai::Assistant;
use super::meter::Meter;
use super::people;
use super::random::Random;
use super::record::{Item, Nanos, SECOND};
use super::web::Storefront;

/// Someone or something that acts again and again.
pub trait Actor: Send {
    /// When it acts next.
    fn next(&self) -> Nanos;
    /// One episode from `next` on: its items, and a later `next`.
    fn act(&mut self, out: &mut Vec<Item>);
}

pub struct Feed {
    actors: Vec<Box<dyn Actor>>,
    pending: BinaryHeap<Reverse<Pending>>,
    serial: u64,
    meter: Meter,
}

struct Pending {
    at: Nanos,
    serial: u64,
    item: Item,
}

/// Logs and spans per second of one crowd with a pace of 1, measured over an hour with several seeds.
const NATURAL_RATE: f64 = 3.6;
const MAX_CROWDS: f64 = 1000.0;

// === impl Feed ===

impl Feed {
    /// About `rate` logs and spans per second from `start` on.
    pub fn new(seed: u64, start: Nanos, rate: f64) -> Feed {
        let pace = if rate.is_nan() { 1.0 } else { (rate / NATURAL_RATE).clamp(0.01, MAX_CROWDS) };
        // more actors rather than hastier ones: people type no faster because there are more of them
        let crowds = pace.round().max(1.0) as u64;
        let pace = pace / crowds as f64;
        let root = Random::new(seed);
        let developers = people::developers(&root.fork(0));
        let mut actors: Vec<Box<dyn Actor>> = Vec::new();
        for crowd in 0..crowds {
            let random = root.fork(1 + crowd);
            let mut label = 0;
            let mut own = || {
                label += 1;
                (random.fork(label), 1 + crowd * 1000 + label * 10)
            };
            for developer in &developers {
                let (random, source) = own();
                actors.push(Box::new(Coder::new(random, source, developer.clone(), start, pace)));
            }
            for app in super::gen_ai::APPS {
                let (random, source) = own();
                actors.push(Box::new(Assistant::new(random, source, app, start, pace)));
            }
            let (random, source) = own();
            actors.push(Box::new(Deliveries::new(random, source, developers.clone(), start, pace)));
            let (random, source) = own();
            actors.push(Box::new(Storefront::new(random, source, developers.clone(), start, pace)));
        }
        Feed { actors, pending: BinaryHeap::new(), serial: 0, meter: Meter::default() }
    }

    /// What has happened by `now` and was not handed out yet, in order.
    pub fn until(&mut self, now: Nanos) -> Vec<Item> {
        let mut made = Vec::new();
        for actor in &mut self.actors {
            while actor.next() <= now {
                actor.act(&mut made);
            }
        }
        for item in made {
            self.serial += 1;
            self.pending.push(Reverse(Pending { at: item.at, serial: self.serial, item }));
        }
        let mut items = Vec::new();
        while self.pending.peek().is_some_and(|Reverse(pending)| pending.at <= now) {
            let Some(Reverse(Pending { at, item, .. })) = self.pending.pop() else {
                break;
            };
            items.extend(self.meter.due(at));
            for measure in &item.measures {
                self.meter.add(at, measure);
            }
            items.push(item);
        }
        items.extend(self.meter.due(now));
        items
    }

    /// The metrics that belong to what was handed out. What lies ahead is forgotten.
    pub fn finish(&mut self, now: Nanos) -> Vec<Item> {
        self.meter.finish(now)
    }
}

// === impl Pending ===

impl PartialEq for Pending {
    fn eq(&self, other: &Pending) -> bool {
        self.serial == other.serial
    }
}

impl Eq for Pending {}

impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Pending) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pending {
    fn cmp(&self, other: &Pending) -> std::cmp::Ordering {
        (self.at, self.serial).cmp(&(other.at, other.serial))
    }
}

/// A pause around `seconds`, for a pace: bursts and lulls rather than a beat.
pub fn pause(random: &mut Random, seconds: f64, pace: f64) -> Nanos {
    let drawn = random.around(seconds / pace, 0.8).clamp(0.05, 12.0 * seconds / pace);
    (drawn * SECOND as f64) as Nanos
}
