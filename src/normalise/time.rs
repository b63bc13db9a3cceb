//! Timestamps that fit the column and its partitions.

const DAY_NS: i64 = 86_400_000_000_000;
/// Older than this, or further ahead, a timestamp would open a partition of its own for what is a wrong clock.
const MAX_AGE_NS: i64 = 400 * DAY_NS;
const MAX_AHEAD_NS: i64 = DAY_NS;
/// 2000-01-01: before there was a webhook.
const FIRST_DELIVERY_NS: i64 = 10_957 * DAY_NS;

/// When something happened, and what the sender had said if that was not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    pub timestamp_ns: i64,
    pub original: Option<u64>,
}

/// The sender's time if it lies in [now - 400 days, now + 1 day]; else now, with the original reported. 0 is "not
/// known", in OTLP as here, and no original.
pub fn place(unix_nano: u64, now_ns: i64) -> Placed {
    place_since(unix_nano, now_ns, now_ns.saturating_sub(MAX_AGE_NS))
}

/// The same for a delivery from a service, whose clock is right and whose facts may be old: since 2000.
pub fn place_delivered(unix_nano: u64, now_ns: i64) -> Placed {
    place_since(unix_nano, now_ns, FIRST_DELIVERY_NS)
}

fn place_since(unix_nano: u64, now_ns: i64, oldest_ns: i64) -> Placed {
    let believable = oldest_ns..=now_ns.saturating_add(MAX_AHEAD_NS);
    match i64::try_from(unix_nano) {
        Ok(timestamp_ns) if unix_nano != 0 && believable.contains(&timestamp_ns) => {
            Placed { timestamp_ns, original: None }
        }
        _ => Placed { timestamp_ns: now_ns, original: (unix_nano != 0).then_some(unix_nano) },
    }
}

/// `2026-11-21T00:38:52.690Z`, the one form Claude Code sends, in milliseconds since 1970.
pub fn iso_milliseconds(text: &str) -> Option<u64> {
    let bytes: &[u8; 24] = text.as_bytes().try_into().ok()?;
    for (at, mark) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (23, b'Z')] {
        if bytes[at] != mark {
            return None;
        }
    }
    let number = |from: usize, to: usize| {
        bytes[from..to].iter().try_fold(0u64, |n, b| b.is_ascii_digit().then(|| n * 10 + u64::from(b - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1970..=2262).contains(&year)
        || !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return None;
    }
    // Days since 1970 by counting years from March (H. Hinnant, "days_from_civil").
    let years = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = years * 365 + years / 4 - years / 100 + years / 400 + day_of_year;
    let days = days.checked_sub(719_468)?;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + number(20, 23)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_221_532_690_000_000;

    #[test]
    fn believable_times_are_kept_exactly() {
        for time in [NOW, NOW - 399 * DAY_NS, NOW + DAY_NS] {
            let placed = place(time as u64, NOW);
            assert_eq!((placed.timestamp_ns, placed.original), (time, None));
        }
    }

    #[test]
    fn others_are_now_and_keep_the_original() {
        for time in [1, (NOW - 401 * DAY_NS) as u64, (NOW + 2 * DAY_NS) as u64, u64::MAX] {
            let placed = place(time, NOW);
            assert_eq!((placed.timestamp_ns, placed.original), (NOW, Some(time)));
        }
        assert_eq!(place(0, NOW).original, None);
        assert_eq!(place(0, NOW).timestamp_ns, NOW);
    }

    #[test]
    fn iso_times() {
        for (text, expected) in [
            ("1970-01-01T00:00:00.000Z", Some(0)),
            ("2026-11-21T00:38:52.690Z", Some(1_795_221_532_690)),
            ("2000-02-29T23:59:59.999Z", Some(951_868_799_999)),
            ("2026-11-21T00:38:52Z", None),
            ("2026-13-21T00:38:52.690Z", None),
            ("20x6-11-21T00:38:52.690Z", None),
            ("", None),
        ] {
            assert_eq!(iso_milliseconds(text), expected, "{text}");
        }
    }
}
