//! How long the steps of a chart are: few enough to be told apart, and a whole day where the range is long.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    pub seconds: u32,
    /// As ClickHouse writes the interval. A day is one of the time zone, so it may have 23 or 25 hours.
    pub interval: &'static str,
}

const BUCKETS: [Bucket; 6] = [
    Bucket { seconds: 60, interval: "1 MINUTE" },
    Bucket { seconds: 300, interval: "5 MINUTE" },
    Bucket { seconds: 900, interval: "15 MINUTE" },
    Bucket { seconds: 3600, interval: "1 HOUR" },
    Bucket { seconds: 21_600, interval: "6 HOUR" },
    DAY,
];
const DAY: Bucket = Bucket { seconds: 86_400, interval: "1 DAY" };
const MOST: i64 = 170;
/// From here on people think in days.
const LONG: i64 = 14 * 86_400;

pub fn bucket(seconds: i64) -> Bucket {
    let fits = |bucket: &&Bucket| seconds < LONG && seconds / i64::from(bucket.seconds) <= MOST;
    BUCKETS.iter().find(fits).copied().unwrap_or(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_grow_with_the_range() {
        let steps =
            [60, 3600, 86_400, 7 * 86_400, 13 * 86_400, 30 * 86_400, 400 * 86_400].map(|range| bucket(range).seconds);
        assert_eq!(steps, [60, 60, 900, 3600, 21_600, 86_400, 86_400]);
    }
}
