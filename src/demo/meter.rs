//! The metrics of every process: what items add, exported once a minute with delta temporality, as Claude Code does.
//! Nothing is lost between the events and the metrics: an item adds when it is sent, and the last export is at the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::record::{Instrument, Item, Measure, Nanos, SECOND, Signal, Source};

#[derive(Default)]
pub struct Meter {
    /// By source: when it exports next, and its series.
    processes: BTreeMap<u64, Process>,
    /// No process exports before this.
    earliest: Nanos,
}

struct Process {
    source: Arc<Source>,
    next_export: Nanos,
    /// By instrument name and attributes.
    series: BTreeMap<(&'static str, String), Series>,
}

struct Series {
    instrument: &'static Instrument,
    attributes: Value,
    first: Nanos,
    count: u64,
    sum: f64,
    buckets: Vec<u64>,
}

const INTERVAL: Nanos = 60 * SECOND;

// === impl Meter ===

impl Meter {
    pub fn add(&mut self, at: Nanos, measure: &Measure) {
        let process = self.processes.entry(measure.source.id).or_insert_with(|| Process {
            source: measure.source.clone(),
            next_export: at + INTERVAL,
            series: BTreeMap::new(),
        });
        self.earliest = self.earliest.min(process.next_export);
        let attributes = measure.attributes.json();
        let key = (measure.instrument.name, attributes.to_string());
        let series = process.series.entry(key).or_insert_with(|| Series {
            instrument: measure.instrument,
            attributes,
            first: at,
            count: 0,
            sum: 0.0,
            buckets: vec![0; measure.instrument.bounds.len() + 1],
        });
        series.count += 1;
        series.sum += measure.value;
        let bucket = series.instrument.bounds.partition_point(|bound| *bound < measure.value);
        series.buckets[bucket] += 1;
    }

    /// The exports that are due by `now`.
    pub fn due(&mut self, now: Nanos) -> Vec<Item> {
        if now < self.earliest {
            return Vec::new();
        }
        // a process that had nothing to say for an interval is forgotten; if it speaks again, its minutes start anew
        self.processes.retain(|_, process| process.next_export > now || !process.series.is_empty());
        let mut items = Vec::new();
        for process in self.processes.values_mut().filter(|process| process.next_export <= now) {
            items.extend(process.export(process.next_export));
            process.next_export += (now - process.next_export) / INTERVAL * INTERVAL + INTERVAL;
        }
        self.earliest = self.processes.values().map(|process| process.next_export).min().unwrap_or(0);
        items.sort_by_key(|item| item.at);
        items
    }

    /// What is left, as at the exit of every process.
    pub fn finish(&mut self, now: Nanos) -> Vec<Item> {
        let items = self.processes.values_mut().flat_map(|process| process.export(now)).collect();
        self.processes.clear();
        items
    }
}

// === impl Process ===

impl Process {
    /// One item for each metric, with a point for each series.
    fn export(&mut self, at: Nanos) -> Vec<Item> {
        let mut metrics: BTreeMap<&'static str, (&'static Instrument, Vec<Value>)> = BTreeMap::new();
        for series in std::mem::take(&mut self.series).into_values() {
            let (_, points) = metrics.entry(series.instrument.name).or_insert((series.instrument, Vec::new()));
            points.push(series.point(at));
        }
        let item = |(name, (instrument, points)): (&str, (&Instrument, Vec<Value>))| {
            let mut data = json!({"aggregationTemporality": 1, "dataPoints": points});
            let kind = if instrument.bounds.is_empty() { "sum" } else { "histogram" };
            if kind == "sum" {
                data["isMonotonic"] = json!(true);
            }
            let mut record = json!({"name": name, "description": instrument.description, "unit": instrument.unit});
            record[kind] = data;
            Item::new(at, Signal::Metrics, &self.source, name, record)
        };
        metrics.into_iter().map(item).collect()
    }
}

// === impl Series ===

impl Series {
    fn point(self, at: Nanos) -> Value {
        let mut point = json!({
            "attributes": self.attributes,
            "startTimeUnixNano": self.first.to_string(),
            "timeUnixNano": at.max(self.first).to_string(),
        });
        if self.instrument.bounds.is_empty() {
            point["asDouble"] = json!(self.sum);
        } else {
            point["count"] = json!(self.count.to_string());
            point["sum"] = json!(self.sum);
            point["explicitBounds"] = json!(self.instrument.bounds);
            point["bucketCounts"] = json!(self.buckets.iter().map(u64::to_string).collect::<Vec<_>>());
        }
        point
    }
}
