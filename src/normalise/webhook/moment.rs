//! Times as the senders of webhooks write them.

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// Nanoseconds since 1970 of `2019-05-15T15:20:57Z` (with an offset and up to nine digits of a second as well),
/// `2017-12-10 17:08:07 UTC`, `2021-04-28 21:50:00 +0200` and epoch seconds. Without a zone it is UTC. `None` for others, and for what
/// means "not set": years 0001 and 9999, and all that lies before 1970 or beyond 2262.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        let seconds: i64 = text.parse().ok()?;
        return seconds.checked_mul(1_000_000_000).filter(|&ns| ns > 0);
    }
    let (moment, offset) = zone(text)?;
    let moment: DateTime = moment.parse().ok()?;
    let timestamp = offset.to_timestamp(moment).ok()?;
    i64::try_from(timestamp.as_nanosecond()).ok().filter(|&ns| ns > 0)
}

/// From one to the other, unless it ends before it begins.
pub fn between(start: Option<i64>, end: Option<i64>) -> Option<u64> {
    u64::try_from(end?.checked_sub(start?)?).ok()
}

/// `seconds` as a number or the text of one.
pub fn seconds(text: &str) -> Option<u64> {
    let seconds: f64 = text.parse().ok()?;
    // more than a century is no duration
    (0.0..=3.2e9).contains(&seconds).then(|| (seconds * 1e9).round() as u64)
}

/// Splits off what says the distance to UTC.
fn zone(text: &str) -> Option<(&str, Offset)> {
    if let Some(moment) = text.strip_suffix(['Z', 'z']).or_else(|| text.strip_suffix("UTC")) {
        return Some((moment.trim_end(), Offset::UTC));
    }
    // a sign after the date
    let Some(at) = text.rfind(['+', '-']).filter(|&at| at > "2019-05-15".len()) else {
        return Some((text, Offset::UTC));
    };
    let (moment, offset) = text.split_at(at);
    let digits: String = offset[1..].chars().filter(|&c| c != ':').collect();
    let number: i32 = digits.parse().ok()?;
    let (hours, minutes) = match digits.len() {
        2 => (number, 0),
        4 => (number / 100, number % 100),
        _ => return None,
    };
    let seconds = (hours * 60 + minutes) * 60;
    let offset = Offset::from_seconds(if offset.starts_with('-') { -seconds } else { seconds }).ok()?;
    Some((moment.trim_end(), offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_time() {
        for (text, expected) in [
            ("2019-05-15T15:20:57Z", Some(1_557_933_657_000_000_000)),
            ("2019-05-15T15:20:57+00:00", Some(1_557_933_657_000_000_000)),
            ("2019-05-15T17:20:57.5+02:00", Some(1_557_933_657_500_000_000)),
            ("2024-12-02T12:21:08.5201234Z", Some(1_733_142_068_520_123_400)),
            ("2024-12-02T12:21:08.123456789Z", Some(1_733_142_068_123_456_789)),
            ("2017-12-10 17:08:07 UTC", Some(1_512_925_687_000_000_000)),
            ("2021-04-28 21:50:00 +0200", Some(1_619_639_400_000_000_000)),
            ("2021-04-28 21:50:00 -0530", Some(1_619_666_400_000_000_000)),
            ("2016-08-12T15:26:29", Some(1_471_015_589_000_000_000)),
            ("1557933657", Some(1_557_933_657_000_000_000)),
            ("0001-01-01T00:00:00", None),
            ("0001-01-01T00:00:00Z", None),
            ("9999-01-01T00:00:00Z", None),
            ("9999-12-31T23:59:59.9999999+14:00", None),
            ("-000001-01-01T00:00:00Z", None),
            ("1969-12-31T23:59:59Z", None),
            ("0", None),
            ("99999999999999999999", None),
            ("9223372037", None),
            ("", None),
            ("yesterday", None),
            ("2021-04-28 21:50:00 +99999999999", None),
            ("2021-04-28 21:50:00 +é0", None),
            ("2021-02-30T00:00:00Z", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn the_offset_decides_the_day() {
        let day = |text| parse(text).unwrap() / 86_400_000_000_000;
        assert_eq!(day("2021-04-29T00:10:00+02:00"), day("2021-04-28T12:00:00Z"));
        assert_eq!(day("2021-04-28T23:59:59-07:00"), day("2021-04-29T12:00:00Z"));
    }

    #[test]
    fn durations_are_never_negative() {
        assert_eq!(between(Some(1), Some(3)), Some(2));
        assert_eq!(between(Some(3), Some(1)), None);
        assert_eq!(between(None, Some(1)), None);
        assert_eq!(seconds("49.503592"), Some(49_503_592_000));
        assert_eq!((seconds("-1"), seconds("1e308"), seconds("NaN"), seconds("x")), (None, None, None, None));
    }
}
