//! The cutter and the reader under random input: nothing panics, and what is whole is kept.

use proptest::prelude::*;

use super::json::{compact, cut, read};
use super::{Entry, Flaw, MOST_ENTRIES};

fn whole<'b>(entries: &[Entry<'b>]) -> Vec<&'b str> {
    let json = |entry: &Entry<'b>| match entry {
        Entry::Json(text) => Some(*text),
        _ => None,
    };
    entries.iter().filter_map(json).collect()
}

/// Text that is nearly JSON.
fn nearly_json() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\"event_type\"",
        "\"a.b\"",
        "\"attributes\"",
        "\"timestamp\"",
        "\"duration_ms\"",
        "\"user_id\"",
        "null",
        "true",
        "1",
        "-1e999",
        "\\ud800",
        " ",
        "\n",
        "é",
        "\u{0}",
    ]);
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn nothing_panics(text in nearly_json(), noise in ".{0,60}") {
        for text in [text, noise] {
            for lines in [false, true] {
                for entry in whole(&cut(&text, lines).unwrap_or_default()) {
                    let _ = read(entry, 2);
                }
            }
        }
    }

    #[test]
    fn whole_lines_are_kept(bad in nearly_json(), at in 0usize..3) {
        let bad = bad.replace('\n', " ");
        let good = [r#"{"event_type":"one"}"#, r#"{"event_type":"two"}"#];
        let mut lines = good.to_vec();
        lines.insert(at.min(2), &bad);
        let text = lines.join("\n");
        let entries = cut(&text, true).expect("two lines are whole");
        for line in good {
            prop_assert!(whole(&entries).contains(&line), "{text}: {entries:?}");
        }
    }

    #[test]
    fn elements_before_a_wound_are_kept(bad in nearly_json()) {
        let good = [r#"{"event_type":"one"}"#, r#"{"event_type":"two"}"#];
        let text = format!("[{},{},{bad}]", good[0], good[1]);
        let entries = cut(&text, false).expect("two elements are whole");
        prop_assert_eq!(&whole(&entries)[..2], &good[..]);
    }

    #[test]
    fn blanks_between_parts_go_and_nothing_else(keys in prop::collection::vec("[ -~\n\"\\\\]{0,8}", 0..4)) {
        let value = serde_json::json!({"list": keys, "nested": {"a b": keys}, "empty": [], "n": 1.5});
        let pretty = serde_json::to_string_pretty(&value).expect("JSON");
        prop_assert_eq!(compact(&pretty), value.to_string());
    }
}

#[test]
fn entries_are_bounded_in_number_and_size() {
    let most = format!("[{}]", vec!["1"; MOST_ENTRIES].join(","));
    assert_eq!(cut(&most, false).map(|entries| entries.len()), Ok(MOST_ENTRIES));
    for (text, lines) in [(format!("[{}1]", "1,".repeat(MOST_ENTRIES)), false), ("1\n".repeat(MOST_ENTRIES + 1), true)]
    {
        assert_eq!(cut(&text, lines).expect_err("too many"), Flaw::too_many());
    }
    let long = format!(r#"{{"event_type":"a","message":"{}"}}"#, "m".repeat(1 << 20));
    assert!(read(&long, 10).is_err());
    let many = r#"{"event_type":"a","attributes":{"a":1,"b":2,"c":3}}"#;
    assert!(read(many, 2).is_err() && read(many, 3).is_ok());
}
